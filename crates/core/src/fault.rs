//! What can go wrong between us and a store of commits, in the words that decide what happens next.
//!
//! Adapters translate a server's answers into a [`Fault`]; the domain acts on its [`FaultKind`] alone and shows its
//! text. This module knows neither HTTP nor gRPC.

use std::fmt;
use std::time::Duration;

/// What a fault means for the one who made the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The server said no, and will say so again. Nothing happened.
    Refused,
    /// No token, an unknown or expired one, or a missing permission. Nothing happened.
    Denied,
    /// What the call names (repo, branch, commit, file) is not there. Nothing happened.
    NotFound,
    /// `CreateRepo`: somebody has made it already.
    AlreadyExists,
    /// `StartCommit`: the branch's head is an open commit. Nothing happened.
    HeadOpen,
    /// The branch is a pipeline's output. Nothing happened.
    OutputBranch,
    /// The commit was finished before; the call changed nothing.
    AlreadyFinished,
    /// `AddFileSet`, `RenewFileSet`, `ComposeFileSet`: the file set has expired. Nothing happened.
    FileSetGone,
    /// The message or the body is larger than the server takes. Nothing happened.
    TooLarge,
    /// The call never reached the server, or the server says that it did nothing: try again.
    Unavailable,
    /// No answer: the call may have been carried out or not. Look first.
    Unknown,
    /// An answer whose meaning nobody has told us yet: look first, and do not ask for ever.
    Unrecognised,
    /// This side could not read or write what it holds (disk, spool). The request was aborted; nothing happened.
    Local,
}

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// The server's own words, or what happened to the connection; one or a few lines, without control characters.
    pub message: String,
    /// How long the server asked us to wait (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl Fault {
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self {
            kind,
            message: printable(&message),
            retry_after: None,
        }
    }

    /// Whether the same call may succeed later without anything being changed by hand.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self.kind,
            FaultKind::Unavailable | FaultKind::Unknown | FaultKind::Unrecognised
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

/// Whether a terminal obeys the character instead of showing it, or shows what is behind it in another order.
#[must_use]
pub fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A server's text may hold escape sequences, and characters that turn the direction of a line around; a terminal must
/// never obey them.
#[must_use]
pub fn printable(text: &str) -> String {
    let trimmed = text.trim_end();
    if !trimmed.chars().any(|c| is_obeyed(c) && c != '\n') {
        return trimmed.to_owned();
    }
    trimmed
        .chars()
        .map(|c| {
            if is_obeyed(c) && c != '\n' {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

//! What pachd is asked, and what its words of refusal mean: the same through both doors, in one table.
//!
//! Most of pachd's refusals have gRPC's code 2 (unknown), so the words of the message decide. `http`, `p`, `auth`,
//! `follow`,
//! `grpc` and `gateway` with a number name recordings. This module sends nothing and knows neither HTTP nor a gRPC
//! library.

mod calls;
mod model;
pub(crate) mod unreadable;

use std::fmt;
use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::connection::token::Token;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::feed::CommitFeed;
use spoutctl_core::listing::Listing;
use spoutctl_core::pfs::FilePath;
use spoutctl_core::pipelines::Pipelines;
use spoutctl_core::sink::CommitSink;
use spoutctl_core::source::FileSource;

pub use calls::*;
pub use model::{Commits, Model, Projects};

/// What a refusal of [`INSPECT_PROJECT`] says: a server that does not know the call has no projects.
///
/// # Errors
/// What says nothing of the project.
pub fn project_is_there(failed: CallFault) -> Result<bool, Fault> {
    match failed.fault.kind {
        FaultKind::NotFound => Ok(false),
        FaultKind::Refused => Ok(true),
        _ => Err(failed.fault),
    }
}

/// What is said of a repo in a project, where there are none.
#[must_use]
pub fn no_projects(what: impl fmt::Display) -> Fault {
    Fault::new(
        Refused,
        format!("{what}: this Pachyderm, of before 2.5, has no projects; name the repo alone"),
    )
}

/// Whom pachd takes us for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `user:…`, `robot:…`, `pipeline:…`, `pach:root`
    pub name: String,
    /// When the token ends, if it does.
    pub expires: Option<Timestamp>,
}

/// Where somebody logs in, and what becomes a token then.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    pub url: String,
    /// Whoever has it gets the token.
    pub state: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// A store whose branches are followed and whose commits are read.
pub trait Followable: CommitFeed + FileSource + Send + Sync {}

impl<T: CommitFeed + FileSource + Send + Sync> Followable for T {}

/// pachd, whichever it is and whichever the door: the ports, and what is no work on commits and files.
pub trait Pachd: CommitSink + Followable + Listing + Pipelines {
    /// Which pachd it is: `2.12.0`, or `1.x` and `2.x` for one that does not say more to who asks. No token is needed.
    ///
    /// # Errors
    /// Any [`Fault`]; `Refused` when something else than pachd answers.
    fn version(&self) -> Result<String, Fault>;

    /// Whether everybody between here and pachd can read the token.
    fn sends_token_in_clear(&self) -> bool;

    /// Asks whom pachd takes us for.
    ///
    /// # Errors
    /// `Denied` without a token that is good; `Refused` where auth is not activated.
    fn who_am_i(&self) -> Result<Identity, Fault>;

    /// Asks where somebody logs in.
    ///
    /// # Errors
    /// `Refused` where nobody can: auth is not activated, or no identity provider is configured.
    fn oidc_login(&self) -> Result<Login, Fault>;

    /// Waits until somebody has logged in; `None` when nobody has `within` that time.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn authenticate(&self, login: &Login, within: Duration) -> Result<Option<Token>, Fault>;
}

/// The deployment that an address is meant to lead to: one that was met there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub deployment: String,
    /// The context that says so.
    pub context: String,
}

impl Expected {
    /// What does not say who it is (before Pachyderm 2.0, and in a sidecar) cannot be mistaken for another.
    ///
    /// # Errors
    /// `Refused` when it is another one.
    pub fn check(&self, found: &str) -> Result<(), Fault> {
        if found.is_empty() || found == self.deployment {
            return Ok(());
        }
        let Self { deployment, context } = self;
        Err(refused(
            INSPECT_CLUSTER,
            format!(
                "this is not the cluster of context `{context}`, which is deployment {deployment}, but \
                 deployment {found}; nothing was done there. If the cluster was made anew: pachctl config update \
                 context {context} --remove-cluster-deployment-id"
            ),
        ))
    }
}

/// What a "not found" is about. No file, no branch and no repo all have code 5 (p 097–099), so the text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Project,
    Repo,
    Branch,
    Commit,
    File,
    Pipeline,
}

/// A fault, and what was missing when that is what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFault {
    pub fault: Fault,
    pub missing: Option<Missing>,
    /// Somebody answered, so that nothing more can be learned by asking again.
    pub answered: bool,
    /// pachd itself said this in answer to what was asked.
    pub by_pachd: bool,
    /// The server has no such call.
    pub no_such_call: bool,
}

impl CallFault {
    /// Whether it is what pachd has to say of a pipeline spec: a refusal has code 3 or 2 (http 095 to 100), and the
    /// words of the latter mean nothing elsewhere.
    #[must_use]
    pub fn is_about_a_spec(&self) -> bool {
        self.by_pachd
            && matches!(
                self.fault.kind,
                FaultKind::Refused | FaultKind::Unrecognised | FaultKind::NotFound | FaultKind::AlreadyExists
            )
    }

    #[must_use]
    pub fn is_missing(&self, things: &[Missing]) -> bool {
        self.missing.is_some_and(|missing| things.contains(&missing))
    }
}

impl From<CallFault> for Fault {
    fn from(failed: CallFault) -> Self {
        failed.fault
    }
}

impl From<Fault> for CallFault {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            missing: None,
            answered: false,
            by_pachd: false,
            no_such_call: false,
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Meaning {
    Is(FaultKind),
    /// The call may have been carried out: unknown, or simply "again" where that cannot hurt.
    Lost,
    /// The server has no such call.
    NoSuchCall,
}

#[derive(Clone, Copy)]
pub(crate) enum Words {
    Any,
    Are(&'static str),
    Hold(&'static str),
    /// As `Hold`, in the answer to a call that names a file set.
    HoldOfFileSet(&'static str),
    /// These, in this order.
    HoldBoth(&'static str, &'static str),
    /// They say that a thing is not found: 2.0 has one code for everything.
    SayMissing,
}

pub(crate) struct Rule {
    pub code: i64,
    pub words: Words,
    pub meaning: Meaning,
    /// Where it was seen: a recording, or `source` for what was read in the server's own source only.
    #[cfg_attr(not(test), expect(dead_code, reason = "the table's evidence; a test looks each up"))]
    pub seen: &'static str,
}

const fn rule(code: i64, words: Words, meaning: Meaning, seen: &'static str) -> Rule {
    Rule {
        code,
        words,
        meaning,
        seen,
    }
}

/// A refusal in words alone: pachd has no code of its own for it.
const fn refusal(text: &'static str, seen: &'static str) -> Rule {
    rule(2, Hold(text), Is(Refused), seen)
}

use FaultKind::{
    AlreadyExists, AlreadyFinished, Denied, FileSetGone, HeadOpen, NotFound, OutputBranch, Refused, TooLarge,
    Unavailable, Unknown, Unrecognised,
};
use Meaning::{Is, Lost, NoSuchCall};
use Words::{Any, Are, Hold, HoldBoth, HoldOfFileSet, SayMissing};

/// Every text and code that is known. The first rule that fits counts; what fits none is `Unrecognised`.
pub(crate) static TABLE: &[Rule] = &[
    // Who is asking. An expired token comes as an internal error, not as 16.
    rule(16, Any, Is(Denied), "auth 001"),
    rule(7, Any, Is(Denied), "auth 011"),
    rule(13, Hold("token expiration is in the past"), Is(Denied), "auth 024"),
    // What the call names. The gateway's own "no such method" has code 5 too, with these words alone.
    rule(5, Are("Not Found"), NoSuchCall, "http 006"),
    rule(
        5,
        HoldOfFileSet("tracker does not contain item"),
        Is(FileSetGone),
        "gateway 003",
    ),
    rule(5, Any, Is(NotFound), "http 011"),
    rule(6, Any, Is(AlreadyExists), "http 008"),
    // File sets that have expired: each call has its own words for it.
    rule(2, HoldOfFileSet("path does not exist"), Is(FileSetGone), "http 064"),
    rule(
        2,
        HoldOfFileSet("would create a dangling reference"),
        Is(FileSetGone),
        "gateway 004",
    ),
    // The state of a branch or a commit.
    rule(2, Hold("has not been finished"), Is(HeadOpen), "http 047"),
    rule(2, Hold("has already finished"), Is(AlreadyFinished), "http 053"),
    rule(
        2,
        Hold("cannot start a commit on an output branch"),
        Is(OutputBranch),
        "http 105",
    ),
    // Size: gRPC's limit on one message.
    rule(8, Hold("larger than max"), Is(TooLarge), "gateway 005"),
    // A proxy's limit on the rate of requests.
    rule(8, Any, Is(Unavailable), "source"),
    // Passing. Nobody was there to be given the call, or a proxy had no room for it. Where Envoy has tried more than
    // once it says so before the reason, which is then that of the last attempt alone.
    rule(14, Hold("connection refused"), Is(Unavailable), "source"),
    rule(14, Hold("no healthy upstream"), Is(Unavailable), "source"),
    rule(14, Hold("headers. reset reason: overflow"), Is(Unavailable), "source"),
    rule(
        14,
        Hold("headers. reset reason: connection failure"),
        Is(Unavailable),
        "source",
    ),
    rule(
        14,
        Hold("headers. reset reason: remote connection failure"),
        Is(Unavailable),
        "source",
    ),
    // A connection that broke behind the server, or the proxy, says nothing about the call: Envoy has this code also
    // for one that pachd was given, and whose answer it has lost or no longer waits for.
    rule(14, Any, Lost, "auth 016"),
    rule(
        2,
        Hold("commit unexpectedly resulted in rollback"),
        Is(Unknown),
        "source",
    ),
    rule(1, Any, Lost, "source"),
    rule(4, Any, Lost, "source"),
    // Something inside the server failed, or a transaction lost a race: it says nothing about what was done before.
    rule(10, Any, Is(Unknown), "source"),
    // A request whose end did not arrive.
    rule(3, Hold("unexpected EOF"), Is(Unavailable), "http 024"),
    // Plain refusals.
    refusal("OIDC ID provider configuration not found", "auth 029"),
    rule(3, Any, Is(Refused), "http 025"),
    rule(12, Hold("auth service is not activated"), Is(Refused), "http 005"),
    rule(12, Any, NoSuchCall, "grpc-2.3 465"),
    // 2.0 to 2.3 say it in this way, but for their sidecars.
    rule(
        2,
        HoldBoth("no auth function for ", "this is a bug"),
        NoSuchCall,
        "grpc-2.3 031",
    ),
    // To a call of 1.x.
    rule(
        2,
        Hold("your client appears to be an older version"),
        NoSuchCall,
        "grpc-2.3 412",
    ),
    refusal("relative file paths are not allowed", "http 028"),
    refusal("only printable ASCII characters allowed", "http 030"),
    refusal("not allowed in path", "http 035"),
    refusal("only alphanumeric characters", "http 009"),
    refusal("invalid input value for enum", "http 012"),
    refusal("exceeds max ttl", "p 096"),
    refusal("must be at least one second", "grpc-2.3 316"),
    refusal("parsing fileset.", "gateway 006"),
    refusal("file / directory path collision", "p 062"),
    refusal("cannot get directory or non-regular file", "gateway 007"),
    refusal("cannot get non-regular file", "grpc-2.0 289"),
    refusal("matched multiple files", "grpc-2.0 290"),
    refusal("cannot use `from` commit without", "grpc-2.3 252"),
    refusal("cannot use 'Reverse'", "follow 008"),
    refusal("cannot drop a commit that has children", "grpc-2.3 427"),
    refusal("cannot be dropped because", "source"),
    refusal("cannot squash a commit that has no children", "grpc-2.3 420"),
    refusal("cannot squash until child commit", "source"),
    rule(
        2,
        HoldBoth("cannot squash commit ", "because it updated a pipeline"),
        Is(Refused),
        "source",
    ),
    refusal("cannot clear finished commit", "grpc-2.3 135"),
    // 2.0 says with code 2 what has codes of its own since. Last, since other texts hold such words, too.
    rule(2, Hold(" already exists"), Is(AlreadyExists), "grpc-2.0 005"),
    rule(2, HoldBoth("transactions ", " not found"), Is(NotFound), "grpc-2.0 209"),
    rule(2, Hold("no commits found for commitset"), Is(NotFound), "grpc-2.0 418"),
    // To who waits for it, in 2.0 to 2.5.
    rule(2, HoldBoth("commit ", " was deleted"), Is(NotFound), "source"),
    rule(2, SayMissing, Is(NotFound), "grpc-2.0 101"),
];

pub(crate) fn look_up(call: Call, code: i64, message: &str) -> Option<&'static Rule> {
    TABLE.iter().find(|rule| {
        rule.code == code
            && match rule.words {
                Any => true,
                Are(text) => message == text,
                Hold(text) => message.contains(text),
                HoldOfFileSet(text) => call.names_file_set && message.contains(text),
                HoldBoth(first, then) => message.split_once(first).is_some_and(|(_, rest)| rest.contains(then)),
                SayMissing => missing_thing(message).is_some(),
            }
    })
}

/// What pachd's own words mean.
#[must_use]
pub fn fault_of_words(call: Call, code: i64, message: &str) -> CallFault {
    let text = without_stack_trace(message);
    let meaning = look_up(call, code, message).map_or(Is(Unrecognised), |rule| rule.meaning);
    let (kind, message) = match meaning {
        Is(kind) => (kind, format!("{}: {text}", call.name)),
        Lost => (kind_of_lost(call), format!("{}: {text}", call.name)),
        NoSuchCall => (
            Refused,
            format!(
                "{}: this server has no such call ({text}); it is an older Pachyderm, or no pachd",
                call.name
            ),
        ),
    };
    CallFault {
        answered: true,
        by_pachd: !matches!(meaning, NoSuchCall),
        no_such_call: matches!(meaning, NoSuchCall),
        missing: (kind == NotFound).then(|| missing_thing(text)).flatten(),
        fault: Fault::new(kind, message),
    }
}

/// The kind of a call whose answer never came.
#[must_use]
pub fn kind_of_lost(call: Call) -> FaultKind {
    if call.repeatable { Unavailable } else { Unknown }
}

/// A fault whose call may have been carried out.
#[must_use]
pub fn lost(call: Call, what: impl AsRef<str>) -> Fault {
    Fault::new(kind_of_lost(call), format!("{}: {}", call.name, what.as_ref()))
}

/// A fault whose call never reached the server.
#[must_use]
pub fn unreached(call: Call, what: impl AsRef<str>) -> Fault {
    Fault::new(Unavailable, format!("{}: {}", call.name, what.as_ref()))
}

/// What was to be sent could not be read.
#[must_use]
pub fn local(call: Call, error: &io::Error) -> Fault {
    let name = call.name;
    let text = format!("{name}: what was to be sent cannot be read: {error}; the upload was broken off");
    Fault::new(FaultKind::Local, text)
}

/// A proxy that takes no body of such a size, whichever status it says it with.
#[must_use]
pub fn too_large(call: Call, looks: impl fmt::Display) -> Fault {
    Fault::new(
        FaultKind::TooLarge,
        format!("{}: the body is too large: {looks}", call.name),
    )
}

#[must_use]
pub fn refused(call: Call, what: impl AsRef<str>) -> Fault {
    Fault::new(Refused, format!("{}: {}", call.name, what.as_ref()))
}

/// A stream that broke off or said so itself. Whoever reads it asks again.
#[must_use]
pub fn broken_stream(call: Call, what: impl AsRef<str>) -> Fault {
    Fault::new(Unavailable, format!("{}: {}", call.name, what.as_ref()))
}

/// pachd said yes in words that cannot be read. What was asked for may well have happened.
#[must_use]
pub fn unreadable(call: Call, why: impl AsRef<str>) -> Fault {
    Fault::new(
        Unknown,
        format!("{}: the answer cannot be read: {}", call.name, why.as_ref()),
    )
}

/// The glob that matches this very path and, when it is a directory, everything under it.
///
/// `GetFile` and `GetFileTAR` take a glob where `InspectFile` takes a path. A [`FilePath`] has none of a glob's
/// characters, but it may have a backslash, which escapes there; pachd finds one only inside a class (gateway 008,
/// 009).
#[must_use]
pub fn glob_of(path: &FilePath) -> String {
    path.as_str().replace('\\', r"[\\]")
}

/// The glob that matches everything at and under a path, as `GetFileTAR` takes it.
///
/// A directory's own name brings the directory and all that is in it (gateway 013). The root's would come as an entry
/// without a name, so everything under it is asked for instead (gateway 014, follow 015).
#[must_use]
pub fn glob_of_tree(path: &FilePath) -> String {
    if path.is_root() {
        "/**".to_owned()
    } else {
        glob_of(path)
    }
}

/// `None` for an answer that says that one of `things` is not there.
///
/// # Errors
/// Any other.
pub fn unless_missing<T>(answer: Result<T, CallFault>, things: &[Missing]) -> Result<Option<T>, Fault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(failed) if failed.is_missing(things) => Ok(None),
        Err(failed) => Err(failed.fault),
    }
}

/// The message of a failure inside the server may hold the whole stack: its first line says what there is to say.
fn without_stack_trace(message: &str) -> &str {
    let panicked = message.starts_with("panic:") || message.contains("\ngoroutine ");
    if panicked {
        message.lines().next().unwrap_or_default()
    } else {
        message
    }
}

/// What pachd could not find. Of several lines the last is the most particular, and names the repo's absence as the
/// branch's (gateway 001): a repo or project that is named by an earlier line is what is missing.
fn missing_thing(message: &str) -> Option<Missing> {
    let mut found = message.lines().filter_map(missing_in_line);
    let first = found.next()?;
    Some(found.fold(first, |outer, inner| match outer {
        Missing::Project | Missing::Repo => outer,
        _ => inner,
    }))
}

fn missing_in_line(line: &str) -> Option<Missing> {
    let mut rest = line;
    loop {
        for (noun, thing) in [
            ("project ", Missing::Project),
            ("repo ", Missing::Repo),
            ("branch ", Missing::Branch),
            ("commit ", Missing::Commit),
            ("file ", Missing::File),
            ("pipeline \"", Missing::Pipeline),
        ] {
            if rest.starts_with(noun) && rest.contains(" not found") && !is_context(rest) {
                return Some(thing);
            }
        }
        // What wraps an error says what was being done: `get file: pick commit tx: …`.
        let (context, inner) = rest.split_once(": ")?;
        if context.contains(['/', '@']) {
            return None;
        }
        rest = inner;
    }
}

/// `get repo ID: …` is context; `repo default/x not found` is not.
fn is_context(text: &str) -> bool {
    text.split_once(": ")
        .is_some_and(|(context, _)| !context.contains(['/', '"', '(']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_call_that_nobody_was_given_is_known_not_to_have_been_carried_out() {
        let reset = |reason: &str| format!("upstream connect error or disconnect/reset before headers. {reason}");
        let kind = |words: &str| fault_of_words(ADD_FILE_SET, 14, words).fault.kind;
        for words in [
            "no healthy upstream",
            "transport: Error while dialing: dial tcp 10.0.0.1:1650: connect: connection refused",
            &reset("reset reason: overflow"),
            &reset("reset reason: connection failure"),
            &reset("reset reason: remote connection failure, transport failure reason: delayed connect error: 111"),
        ] {
            assert_eq!(kind(words), Unavailable, "{words}");
        }
        for words in [
            reset("reset reason: connection termination"),
            reset("reset reason: connection timeout"),
            reset("retried and the latest reset reason: connection failure"),
            "upstream request timeout".to_owned(),
            "error reading from server: EOF".to_owned(),
        ] {
            assert_eq!(kind(&words), Unknown, "{words}");
        }
    }
}

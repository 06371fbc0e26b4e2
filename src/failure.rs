//! From an error to what a user reads and a script sees: heading, details, help, exit code.

use crate::terminal::Terminal;
use crate::terminal::log::{Entry, Level};
use spoutctl_core::exit::Exit;
use spoutctl_delivery::{Consequence, DeliveryError, Unsettled};

/// A command that did not do what it was asked for.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// One line: what happened.
    pub heading: String,
    /// Where, and what exactly.
    pub details: Vec<String>,
    /// What to do next.
    pub help: Vec<String>,
    /// What pachd said, where it does not know us or does not let us: whoever knows which token it got says what mends
    /// it.
    pub denied: Option<String>,
    /// The number of the archive that it is about.
    pub archive: Option<u64>,
    /// The id of the commit that it is about.
    pub commit: Option<String>,
}

impl Failure {
    pub fn new(exit: Exit, heading: impl Into<String>) -> Self {
        Self {
            exit,
            heading: heading.into(),
            details: Vec::new(),
            help: Vec::new(),
            denied: None,
            archive: None,
            commit: None,
        }
    }

    /// A thread of ours ended without a word.
    pub fn panicked() -> Self {
        Self::new(Exit::Input, DeliveryError::Panicked.to_string())
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Shows it on standard error.
    pub fn show(&self, terminal: &Terminal) {
        terminal.log(&Entry {
            code: Some(self.exit.code()),
            archive: self.archive,
            commit: self.commit.as_deref(),
            details: &self.details,
            help: &self.help,
            ..Entry::new(Level::Error, "error: ", &self.heading)
        });
    }
}

/// An error of a command with its context: causes are details.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let mut failure = Self::new(Exit::Input, error.to_string());
        failure.details.extend(error.chain().skip(1).map(ToString::to_string));
        failure
    }
}

impl Failure {
    /// A delivery that ended early; `signal` is the one that asked for it, if one did.
    pub fn from_delivery(error: &DeliveryError, unsettled: &[Unsettled], signal: Option<u8>) -> Self {
        let exit = match error.consequence() {
            Consequence::FixInput => Exit::Input,
            Consequence::DoNotRetry => Exit::Refused,
            Consequence::FixProducer => Exit::Producer,
            Consequence::RetryLater => Exit::Unavailable,
            Consequence::Interrupted => signal.map_or(Exit::Unavailable, Exit::Signal),
        };
        let mut failure = Self::new(exit, error.to_string());
        failure.denied = error.denied().map(|fault| fault.message.clone());
        failure.archive = match error {
            DeliveryError::Archive(error) => Some(error.number),
            DeliveryError::Content(error) => Some(error.number),
            error => error.archive(),
        };
        failure.commit = error
            .commit()
            .or_else(|| unsettled.iter().find_map(Unsettled::commit))
            .map(ToString::to_string);
        failure.details = error.details();
        failure.details.extend(unsettled.iter().map(ToString::to_string));
        // That nothing is left behind is said only when that is so.
        let something_left =
            matches!(error.consequence(), Consequence::RetryLater | Consequence::Interrupted) && !unsettled.is_empty();
        failure.help.extend(error.help().filter(|_| !something_left));
        failure.help.extend(unsettled.iter().map(Unsettled::help));
        failure
    }
}

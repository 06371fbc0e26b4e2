//! The exit codes, once. README, man pages and tests speak of these.

/// How the process ends, as a script sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, also when the reader closed the pipe.
    Done,
    /// `get` found nothing; there is no branch for `tail` to follow.
    NotFound,
    /// `validate`, or `create -f`, found errors; `tail --fail` met a commit with one.
    Faulty,
    /// Wrong usage.
    Usage,
    /// Unusable input: a torn archive, a fault of the disk.
    Input,
    /// pachd refused; what `tail` was to go on from is not on the branch any more.
    Refused,
    /// Unreachable, or retries used up.
    Unavailable,
    /// The producer (`put DEST -- CMD`), who is told what is done, or the command of `tail SOURCE -- CMD`, failed.
    Producer,
    /// Stopped by this signal's number.
    Signal(u8),
}

impl Exit {
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NotFound | Self::Faulty => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Refused => 4,
            Self::Unavailable => 5,
            Self::Producer => 6,
            Self::Signal(number) => 128_u8.saturating_add(number),
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

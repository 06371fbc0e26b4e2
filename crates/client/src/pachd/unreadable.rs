//! What is wrong with an answer that cannot be read, of whichever release.

use super::Call;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::InvalidName;

/// An answer that is not as it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("a time that is none: {0}")]
    Time(#[from] jiff::Error),
    #[error("`{0}` is neither a file nor a directory")]
    Kind(String),
    #[error("a repo of a type that is not known here")]
    RepoType,
}

/// As [`super::unreadable`].
pub(crate) fn unreadable(call: Call) -> impl Fn(Unreadable) -> Fault {
    move |why| super::unreadable(call, why.to_string())
}

//! The datums that a file may be of: what jobs write, and here no job does.

use super::status::{Code, Status};

/// A file's part that no job has written.
pub(super) fn is_default(datum: &str) -> bool {
    matches!(datum, "" | "default")
}

pub(super) fn unserved(what: &str) -> Status {
    Status::new(Code::Unimplemented, format!("spoutctl serve does not serve {what}"))
}

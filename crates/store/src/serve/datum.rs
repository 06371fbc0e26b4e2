//! The datums that a file may be of: what jobs write, and here no job does.

/// A file's part that no job has written.
pub(super) fn is_default(datum: &str) -> bool {
    matches!(datum, "" | "default")
}

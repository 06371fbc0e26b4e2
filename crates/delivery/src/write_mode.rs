//! What happens to files that are there already.

/// What happens to a file that the branch has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// The archive's file replaces it (as `pachctl put file` of 2.x does).
    Overwrite,
    /// The archive's bytes go to its end.
    Append,
}

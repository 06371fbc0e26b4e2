//! The port through which names are listed: what a shell completes.

use std::ops::ControlFlow;

use crate::fault::Fault;
use crate::pfs::{Branch, BranchName, FilePath, Repo};

/// A store whose repos, branches and files can be listed by name.
pub trait Listing {
    /// The repos of users, in any order.
    ///
    /// # Errors
    /// Any [`Fault`]; `Refused` where names cannot be listed.
    fn list_repos(&self) -> Result<Vec<Repo>, Fault>;

    /// The branches of a repo, in any order.
    ///
    /// # Errors
    /// `NotFound` without the repo.
    fn list_branches(&self, repo: &Repo) -> Result<Vec<BranchName>, Fault>;

    /// Shows what is in a directory of the branch's head, by whole paths and in their order, until `visit` breaks. A
    /// directory's path has a slash at its end.
    ///
    /// # Errors
    /// `NotFound` where there is no such directory.
    fn list_directory(
        &self,
        branch: &Branch,
        directory: &FilePath,
        visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), Fault>;
}

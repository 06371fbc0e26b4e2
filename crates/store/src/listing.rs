//! What is in a directory, and the port through which names are listed.

use std::ops::{ControlFlow, Deref};

use super::store::Store;
use super::tree::bounds_of_directory;
use super::view::{FileEntry, View};
use spoutctl_core::fault::Fault;
use spoutctl_core::listing::Listing;
use spoutctl_core::pfs::{Branch, BranchName, FilePath, Repo};

/// A file, or a directory with all that is in it.
pub(super) enum Item {
    File(FileEntry),
    /// Its path, with a slash at its end.
    Directory(String),
}

impl Item {
    pub fn path(&self) -> &str {
        match self {
            Self::File(entry) => &entry.path,
            Self::Directory(path) => path,
        }
    }
}

/// Shows what is in a directory behind the path `after`, in the order of paths and each directory once, until `visit`
/// breaks.
///
/// # Errors
/// As [`View::files`].
pub(super) fn visit_directory<S: Deref<Target = Store> + Clone>(
    view: &View<S>,
    directory: &str,
    after: &str,
    visit: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), Fault> {
    let (first, end) = bounds_of_directory(directory);
    let mut last = after.to_owned();
    loop {
        let bound = if last.is_empty() { first.clone() } else { beyond(&last) };
        let page = view.files(&bound, &end)?;
        if page.is_empty() {
            return Ok(());
        }
        for entry in page {
            let below = entry.path.get(first.len()..).unwrap_or_default();
            let directory = below.split_once('/').map(|(name, _)| format!("{first}{name}/"));
            // The next is looked for behind all that is in a directory.
            let is_directory = directory.is_some();
            let item = directory.map_or(Item::File(entry), Item::Directory);
            item.path().clone_into(&mut last);
            if visit(item).is_break() {
                return Ok(());
            }
            if is_directory {
                break;
            }
        }
    }
}

/// What is greater than the path, and, where that is a directory's, than all that is in it: no path has such a
/// character.
fn beyond(path: &str) -> String {
    let rest = if path.ends_with('/') { "\u{7f}" } else { "" };
    format!("{path}{rest}")
}

impl Listing for Store {
    fn list_repos(&self) -> Result<Vec<Repo>, Fault> {
        Ok(self.repos()?.into_iter().map(|record| record.repo).collect())
    }

    fn list_branches(&self, repo: &Repo) -> Result<Vec<BranchName>, Fault> {
        let branches = self.branches(repo)?;
        Ok(branches.into_iter().map(|record| record.branch.name).collect())
    }

    fn list_directory(
        &self,
        branch: &Branch,
        directory: &FilePath,
        visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let view = View::of(self, &branch.into())?;
        visit_directory(&view, directory.as_str(), "", &mut |item| visit(item.path()))
    }
}

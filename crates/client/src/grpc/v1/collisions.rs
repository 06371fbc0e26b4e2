//! A file where the branch has a directory, or the other way round, and a deletion of a directory: found before
//! anything is sent.
//!
//! 1.x says nothing of the first: a file that overwrites takes the place of the directory and of all that is in it
//! (recordings 100 to 102). Of the second it speaks at the end, when everything was sent (035). Later releases refuse
//! both. A deletion takes all that is in a directory with it, where later releases delete files alone; so the path of a
//! directory is refused there, too.
//!
//! What the archive itself deletes is no hindrance: a file makes room for a directory of its name, and a directory for
//! a file that overwrites, once all its files go, or if they went earlier. pachd keeps a directory whose files are
//! deleted, and puts no file there unless that overwrites: one that is appended is refused.
//!
//! The archive's paths are gone through directory by directory, and only where the branch has that directory: of a few
//! names each is asked for, of more the directory is listed.

use std::collections::{BTreeMap, HashMap, HashSet};

use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::FileKind;

/// So many names of a directory are asked for one by one.
const FEW: usize = 16;

/// What the branch has.
pub(super) trait Tree {
    /// What is at the path, if anything is.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn kind(&self, path: &str) -> Result<Option<FileKind>, Fault>;

    /// Shows the paths in a directory that is there.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn list(&self, directory: &str, show: &mut dyn FnMut(&str, FileKind)) -> Result<(), Fault>;
}

/// A path at which the branch has something else than what comes, or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Collision {
    pub path: String,
    pub what: Clash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clash {
    /// A file comes to where a directory is.
    FileForDirectory,
    /// Files come to below a file.
    FilesBelowFile,
    /// What is to be deleted is a directory.
    DirectoryDeleted,
}

/// Looks for one. The paths are absolute, and files', which overwrite what is there or are appended to it; of the
/// archive `deletions` count first.
///
/// # Errors
/// What the tree fails with.
pub(super) fn find(
    tree: &dyn Tree,
    paths: &[&str],
    deletions: &[&str],
    overwrites: bool,
) -> Result<Option<Collision>, Fault> {
    let goes: HashSet<&str> = deletions.iter().copied().collect();
    let mut left = vec![(String::new(), paths.to_vec(), deletions.to_vec())];
    while let Some((directory, paths, deletions)) = left.pop() {
        let mut below: BTreeMap<String, Below<'_>> = BTreeMap::new();
        sort(&directory, paths, &mut below, |below| &mut below.comes);
        sort(&directory, deletions, &mut below, |below| &mut below.goes);
        let kinds = kinds(tree, &directory, &below)?;
        for (path, Below { comes, goes: gone }) in below {
            let clash = match kinds.get(&path) {
                Some(FileKind::Directory) if gone.itself => Some(Clash::DirectoryDeleted),
                Some(FileKind::Directory) if comes.itself => {
                    let gives_way = overwrites && is_emptied(tree, &path, &goes)?;
                    (!gives_way).then_some(Clash::FileForDirectory)
                }
                Some(FileKind::Directory) => {
                    left.push((path, comes.deeper, gone.deeper));
                    continue;
                }
                Some(FileKind::File) if !comes.deeper.is_empty() && !gone.itself => Some(Clash::FilesBelowFile),
                Some(FileKind::File) | None => None,
            };
            if let Some(what) = clash {
                return Ok(Some(Collision { path, what }));
            }
        }
    }
    Ok(None)
}

/// What comes and goes at one name of a directory.
#[derive(Default)]
struct Below<'a> {
    comes: Files<'a>,
    goes: Files<'a>,
}

#[derive(Default)]
struct Files<'a> {
    itself: bool,
    deeper: Vec<&'a str>,
}

/// Tells paths below a directory apart by their next name.
fn sort<'a>(
    directory: &str,
    paths: Vec<&'a str>,
    below: &mut BTreeMap<String, Below<'a>>,
    place: impl for<'b> Fn(&'b mut Below<'a>) -> &'b mut Files<'a>,
) {
    for path in paths {
        let rest = path.get(directory.len() + 1..).unwrap_or_default();
        let (name, is_deeper) = rest.split_once('/').map_or((rest, false), |(name, _)| (name, true));
        let files = place(below.entry(format!("{directory}/{name}")).or_default());
        if is_deeper {
            files.deeper.push(path);
        } else {
            files.itself = true;
        }
    }
}

/// Whether a directory has no file that stays.
fn is_emptied(tree: &dyn Tree, directory: &str, goes: &HashSet<&str>) -> Result<bool, Fault> {
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        let mut stays = false;
        tree.list(&directory, &mut |path, kind| match kind {
            FileKind::Directory => left.push(path.to_owned()),
            FileKind::File => stays |= !goes.contains(path),
        })?;
        if stays {
            return Ok(false);
        }
    }
    Ok(true)
}

fn kinds(
    tree: &dyn Tree,
    directory: &str,
    below: &BTreeMap<String, Below<'_>>,
) -> Result<HashMap<String, FileKind>, Fault> {
    let mut kinds = HashMap::new();
    if below.len() <= FEW {
        for path in below.keys() {
            if let Some(kind) = tree.kind(path)? {
                kinds.insert(path.clone(), kind);
            }
        }
        return Ok(kinds);
    }
    let directory = if directory.is_empty() { "/" } else { directory };
    tree.list(directory, &mut |path, kind| {
        if below.contains_key(path) {
            kinds.insert(path.to_owned(), kind);
        }
    })?;
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    struct Branch {
        files: Vec<String>,
        /// Directories whose files an earlier commit has deleted.
        emptied: Vec<String>,
        calls: Cell<usize>,
    }

    impl Branch {
        fn of<'a>(files: impl IntoIterator<Item = &'a str>) -> Self {
            Self {
                files: files.into_iter().map(str::to_owned).collect(),
                emptied: Vec::new(),
                calls: Cell::new(0),
            }
        }

        fn look(&self, path: &str) -> Option<FileKind> {
            let is_below = |file: &String| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
            if self.files.iter().any(|file| file == path) {
                Some(FileKind::File)
            } else {
                let is_directory = self.files.iter().any(is_below)
                    || self.emptied.iter().any(|emptied| emptied == path || is_below(emptied));
                is_directory.then_some(FileKind::Directory)
            }
        }
    }

    impl Tree for Branch {
        fn kind(&self, path: &str) -> Result<Option<FileKind>, Fault> {
            self.calls.set(self.calls.get() + 1);
            Ok(self.look(path))
        }

        fn list(&self, directory: &str, show: &mut dyn FnMut(&str, FileKind)) -> Result<(), Fault> {
            self.calls.set(self.calls.get() + 1);
            let prefix = format!("{}/", directory.trim_end_matches('/'));
            for file in self.files.iter().chain(&self.emptied) {
                if let Some(rest) = file.strip_prefix(&prefix) {
                    let name = rest.split('/').next().unwrap_or_default();
                    let path = format!("{prefix}{name}");
                    show(&path, self.look(&path).unwrap());
                }
            }
            Ok(())
        }
    }

    fn found(branch: &Branch, paths: &[&str]) -> Option<(String, Clash)> {
        found_without(branch, paths, &[])
    }

    fn found_without(branch: &Branch, paths: &[&str], deletions: &[&str]) -> Option<(String, Clash)> {
        let found = find(branch, paths, deletions, true).unwrap();
        found.map(|found| (found.path, found.what))
    }

    #[test]
    fn a_file_for_a_directory_and_a_directory_for_a_file_are_found() {
        let branch = Branch::of(["/dir/a", "/dir-x", "/f"]);
        assert_eq!(
            found(&branch, &["/dir"]),
            Some(("/dir".to_owned(), Clash::FileForDirectory))
        );
        assert_eq!(
            found(&branch, &["/f/a"]),
            Some(("/f".to_owned(), Clash::FilesBelowFile))
        );
        assert_eq!(
            found(&branch, &["/dir-x/y/z"]),
            Some(("/dir-x".to_owned(), Clash::FilesBelowFile))
        );
        assert_eq!(found(&branch, &["/dir/a", "/dir/b", "/dir-x", "/f", "/new/f"]), None);
    }

    #[test]
    fn what_the_archive_deletes_makes_room_and_a_directory_is_not_deleted() {
        let branch = Branch::of(["/d/e/a", "/d/b", "/f"]);
        assert_eq!(found_without(&branch, &["/f/a"], &["/f"]), None);
        assert_eq!(found_without(&branch, &["/d"], &["/d/e/a", "/d/b"]), None);
        let collides = Some(("/d".to_owned(), Clash::FileForDirectory));
        assert_eq!(found_without(&branch, &["/d"], &["/d/b"]), collides);
        let deleted = |path: &str| Some((path.to_owned(), Clash::DirectoryDeleted));
        assert_eq!(found_without(&branch, &[], &["/d/e", "/x"]), deleted("/d/e"));
        assert_eq!(found_without(&branch, &["/d"], &["/d"]), deleted("/d"));
        assert_eq!(
            found_without(&branch, &["/f", "/x/y"], &["/f", "/d/b", "/x/y", "/no"]),
            None
        );
    }

    #[test]
    fn an_emptied_directory_gives_way_to_a_file_that_overwrites_and_to_none_that_is_appended() {
        let mut branch = Branch::of(["/d/e/a", "/old/b/f"]);
        branch.emptied = ["/gone", "/old/a", "/d/e/x"].map(str::to_owned).into();
        let found = |path, deletions: &[&str], overwrites| {
            let found = find(&branch, &[path], deletions, overwrites).unwrap();
            found.map(|found| (found.path, found.what))
        };
        let collides = |path: &str| Some((path.to_owned(), Clash::FileForDirectory));
        assert_eq!(found("/gone", &[], true), None);
        assert_eq!(found("/gone", &[], false), collides("/gone"));
        assert_eq!(found("/d", &["/d/e/a"], true), None);
        assert_eq!(found("/d", &["/d/e/a"], false), collides("/d"));
        assert_eq!(found("/old/a", &[], true), None);
        assert_eq!(found("/old", &[], true), collides("/old"));
        // Files are put into it either way.
        assert_eq!(found("/gone/f", &[], false), None);
    }

    #[test]
    fn a_new_directory_is_not_looked_into_and_a_full_one_is_listed() {
        let branch = Branch::of(["/old/a"]);
        let names: Vec<String> = (0..1000).map(|at| format!("/new/{at}")).collect();
        let paths: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!((found(&branch, &paths), branch.calls.get()), (None, 1));
        let names: Vec<String> = (0..1000).map(|at| format!("/old/{at}")).collect();
        let paths: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!((found(&branch, &paths), branch.calls.get()), (None, 3));
    }

    proptest! {
        #[test]
        fn exactly_those_paths_collide_that_are_something_else_in_the_branch(
            there in proptest::collection::btree_set("(/[ab-]{1,2}){1,3}", 0..12),
            comes in proptest::collection::btree_set("(/[ab-]{1,2}){1,3}", 1..30),
            goes in proptest::collection::btree_set("(/[ab-]{1,2}){1,3}", 0..12),
        ) {
            // A tree has no file that is a directory, too.
            let parent_of = |one: &String, other: &String| {
                let rest = other.strip_prefix(one.as_str());
                rest.is_some_and(|rest| rest.starts_with('/'))
            };
            let is_leaf = |one: &&String| !there.iter().any(|other| parent_of(one, other));
            let branch = Branch::of(there.iter().filter(is_leaf).map(String::as_str));
            let stays = Branch::of(branch.files.iter().filter(|file| !goes.contains(*file)).map(String::as_str));
            let paths: Vec<&str> = comes.iter().map(String::as_str).collect();
            let deletions: Vec<&str> = goes.iter().map(String::as_str).collect();
            let collides = comes.iter().any(|path| {
                let is_directory = stays.look(path) == Some(FileKind::Directory);
                let ancestors = path.match_indices('/').skip(1).map(|(at, _)| &path[..at]);
                is_directory || ancestors.into_iter().any(|above| stays.look(above) == Some(FileKind::File))
            });
            let deletes = goes.iter().any(|path| branch.look(path) == Some(FileKind::Directory));
            let found = find(&branch, &paths, &deletions, true).unwrap();
            prop_assert_eq!(found.is_some(), collides || deletes);
            // A directory is left behind where nothing overwrites.
            let left = comes.iter().any(|path| branch.look(path) == Some(FileKind::Directory));
            let found = find(&branch, &paths, &deletions, false).unwrap();
            prop_assert_eq!(found.is_some(), collides || deletes || left);
        }
    }
}

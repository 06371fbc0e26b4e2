//! Which files differ between two commits.
//!
//! Against the commit that it was built on, only the paths that a commit's uploads name are looked at. Any two others
//! are walked side by side. Held is a page of files a side.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;

use super::changed::ChangedPaths;
use super::content::PAGE;
use super::store::Store;
use super::tree::{bounds_of_directory, good};
use super::view::{FileEntry, View};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Commit, FilePath};
use spoutctl_core::source::FileChange;

/// A path of one of the two commits, or of both.
struct Pair {
    path: String,
    old: Option<FileEntry>,
    new: Option<FileEntry>,
}

/// Where the paths that may differ come from, in their order.
enum Paths<'a> {
    /// From the uploads of the newer commit; what they name may be the same after all.
    Changed(ChangedPaths),
    /// From both trees.
    All { old: Option<Listing<'a>>, new: Listing<'a> },
}

pub(super) fn visit(
    store: &Store,
    new: &Commit,
    old: Option<&Commit>,
    visit: &mut dyn FnMut(FileChange) -> ControlFlow<()>,
) -> Result<(), Fault> {
    let new = open(store, new)?;
    let old = old.map(|old| open(store, old)).transpose()?;
    let mut paths = match &old {
        Some(old) if new.is_built_on(old) => Paths::Changed(store.database.read(|tx| Ok(new.changed_paths(tx)?))?),
        old => Paths::All {
            old: old.as_ref().map(Listing::of),
            new: Listing::of(&new),
        },
    };
    loop {
        let page = paths.next_page(store, old.as_ref(), &new)?;
        if page.is_empty() {
            return Ok(());
        }
        for pair in page {
            if let Some(change) = change_of(pair, old.as_ref(), &new)?
                && visit(change).is_break()
            {
                return Ok(());
            }
        }
    }
}

/// Open and errored commits have no content for the ports.
fn open<'a>(store: &'a Store, commit: &Commit) -> Result<View<&'a Store>, Fault> {
    store.database.read(|tx| good(tx, commit).map(drop))?;
    View::of(store, &commit.into())
}

fn change_of(pair: Pair, old: Option<&View<&Store>>, new: &View<&Store>) -> Result<Option<FileChange>, Fault> {
    if let (Some(view), Some(before), Some(after)) = (old, &pair.old, &pair.new)
        && !new.differs(after, view, before).map_err(|error| fault_of(&error))?
    {
        return Ok(None);
    }
    let path = FilePath::new(&pair.path).map_err(|error| Fault::new(FaultKind::Local, error.to_string()))?;
    let size = |entry: Option<FileEntry>| entry.map(|entry| entry.size);
    Ok(FileChange::between(path, size(pair.old), size(pair.new)))
}

fn fault_of(error: &io::Error) -> Fault {
    let told = error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()).cloned();
    told.unwrap_or_else(|| Fault::new(FaultKind::Local, error.to_string()))
}

impl Paths<'_> {
    /// The next paths; none after the last.
    fn next_page(&mut self, store: &Store, old: Option<&View<&Store>>, new: &View<&Store>) -> Result<Vec<Pair>, Fault> {
        let mut page = Vec::new();
        match self {
            Self::Changed(paths) => store.database.read(|tx| {
                while page.len() < PAGE
                    && let Some((path, _)) = paths.next(tx)?
                {
                    let before = old.map(|old| old.file_in(tx, &path)).transpose()?.flatten();
                    let after = new.file_in(tx, &path)?;
                    page.push(Pair {
                        path,
                        old: before,
                        new: after,
                    });
                }
                Ok(())
            })?,
            Self::All { old, new } => {
                while page.len() < PAGE
                    && let Some(pair) = next_pair(old.as_mut(), new)?
                {
                    page.push(pair);
                }
            }
        }
        Ok(page)
    }
}

fn next_pair(mut old: Option<&mut Listing<'_>>, new: &mut Listing<'_>) -> Result<Option<Pair>, Fault> {
    let before = old.as_mut().map(|old| old.peek()).transpose()?.flatten();
    let after = new.peek()?;
    let Some(path) = before.iter().chain(&after).min().cloned() else {
        return Ok(None);
    };
    let is_old = before.as_ref() == Some(&path);
    let is_new = after.as_ref() == Some(&path);
    Ok(Some(Pair {
        old: old.filter(|_| is_old).and_then(Listing::take),
        new: if is_new { new.take() } else { None },
        path,
    }))
}

/// All files of a commit, a page at a time.
struct Listing<'a> {
    view: &'a View<&'a Store>,
    page: VecDeque<FileEntry>,
    /// The bounds of what is still to be listed; none when all is.
    rest: Option<(String, String)>,
}

impl<'a> Listing<'a> {
    fn of(view: &'a View<&'a Store>) -> Self {
        Self {
            view,
            page: VecDeque::new(),
            rest: Some(bounds_of_directory("/")),
        }
    }

    fn peek(&mut self) -> Result<Option<String>, Fault> {
        if self.page.is_empty()
            && let Some((after, before)) = self.rest.take()
        {
            self.page = self.view.files(&after, &before)?.into();
            self.rest = self.page.back().map(|last| (last.path.clone(), before));
        }
        Ok(self.page.front().map(|file| file.path.clone()))
    }

    fn take(&mut self) -> Option<FileEntry> {
        self.page.pop_front()
    }
}

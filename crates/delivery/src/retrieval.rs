//! From a commit to the bytes a user asked for: one file, a directory as one tar archive, or what the commit changed.
//!
//! Domain: it knows no server and no terminal. [`FileSource`] is the port that it reads through.

mod error;
mod mirroring;

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use spoutctl_archive::{ArchiveWriter, EntryKind, EntryStream, unescape_path};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::glob::Glob;
use spoutctl_core::history::newest_good_commit;
use spoutctl_core::pfs::{
    Branch, Commit, CommitId, CommitInfo, FileInfo, FileKind, FilePath, Relative, Repo, Revision, Source,
};

pub use error::RetrievalError;
pub use mirroring::{Again, Copied, Extent, copy_changes};
pub use spoutctl_core::source::{ChangeKind, FileChange, FileSource};

/// The commit that `source` means: the one it names, or the branch's newest that is finished without an error, or a
/// relative.
///
/// # Errors
/// When there is none that may be read.
pub fn find_commit(files: &dyn FileSource, source: &Source) -> Result<CommitInfo, RetrievalError> {
    let repo = &source.repo;
    match (&source.revision, source.relative) {
        (Revision::Branch(name), relative) => {
            let branch = Branch {
                repo: repo.clone(),
                name: name.clone(),
            };
            let found = match relative {
                Relative::Itself => newest_good_commit(files, &branch),
                relative => relative_of_head(files, &branch, relative),
            };
            match found {
                Ok(Some(info)) => readable(info),
                Ok(None) if !exists(files, repo)? => Err(RetrievalError::NoRepo(repo.clone())),
                Ok(None) if relative == Relative::Itself => Err(RetrievalError::NothingYet(branch)),
                Ok(None) => Err(RetrievalError::NoRelative {
                    of: branch.to_string(),
                    relative,
                }),
                Err(fault) if fault.kind == FaultKind::NotFound => Err(RetrievalError::NoRepo(repo.clone())),
                Err(fault) => Err(RetrievalError::from_fault(fault)),
            }
        }
        (Revision::Commit(id), relative) => {
            let none = || RetrievalError::NoRelative {
                of: format!("{repo}@{id}"),
                relative,
            };
            let parents = match relative {
                Relative::Itself => 0,
                Relative::Ancestor(parents) => parents,
                Relative::Number(_) => return Err(none()),
            };
            match ancestor(files, repo, id, parents) {
                Ok(Some(info)) => readable(info),
                Ok(None) => Err(none()),
                Err(fault) if fault.kind == FaultKind::NotFound => Err(if exists(files, repo)? {
                    let (repo, id) = (repo.clone(), id.clone());
                    RetrievalError::NoCommit { repo, id }
                } else {
                    RetrievalError::NoRepo(repo.clone())
                }),
                Err(fault) => Err(RetrievalError::from_fault(fault)),
            }
        }
    }
}

fn readable(info: CommitInfo) -> Result<CommitInfo, RetrievalError> {
    if info.finished.is_none() {
        Err(RetrievalError::NotFinished(info.commit))
    } else if !info.error.is_empty() {
        Err(RetrievalError::Errored {
            commit: info.commit,
            error: info.error,
        })
    } else {
        Ok(info)
    }
}

/// A relative of the branch's head, whatever became of that, as pachd counts.
fn relative_of_head(files: &dyn FileSource, branch: &Branch, relative: Relative) -> Result<Option<CommitInfo>, Fault> {
    let mut found = None;
    match relative {
        Relative::Itself | Relative::Ancestor(_) => {
            let parents = if let Relative::Ancestor(parents) = relative {
                parents
            } else {
                0
            };
            let mut left = parents;
            files.list_commits(branch, &mut |info| {
                if left == 0 {
                    found = Some(info);
                    return ControlFlow::Break(());
                }
                left -= 1;
                ControlFlow::Continue(())
            })?;
        }
        Relative::Number(number) => {
            // The end of the list is the beginning of the history, and nobody knows before how long it is. No history
            // is as long as the largest number that can be typed.
            let wanted = usize::try_from(number).unwrap_or(usize::MAX);
            let mut last = VecDeque::new();
            files.list_commits(branch, &mut |info| {
                if last.len() == wanted {
                    last.pop_front();
                }
                last.push_back(info);
                ControlFlow::Continue(())
            })?;
            found = (last.len() == wanted).then(|| last.pop_front()).flatten();
        }
    }
    Ok(found)
}

fn ancestor(files: &dyn FileSource, repo: &Repo, id: &CommitId, parents: u64) -> Result<Option<CommitInfo>, Fault> {
    let mut info = files.find_commit(repo, id)?;
    for _ in 0..parents {
        let Some(parent) = info.parent.clone() else {
            return Ok(None);
        };
        info = files.inspect_commit(&parent)?;
    }
    Ok(Some(info))
}

/// Shows the regular files that `source` means in this commit, in the order of their paths, until `visit` breaks: those
/// below its path, those that its pattern means or that are in a directory which it means, or all.
///
/// # Errors
/// When there is none, or the listing breaks off.
pub fn list_files(
    files: &dyn FileSource,
    info: &CommitInfo,
    source: &Source,
    visit: &mut dyn FnMut(FilePath, u64) -> ControlFlow<()>,
) -> Result<(), RetrievalError> {
    let glob = match &source.pattern {
        Some(pattern) => Some(Glob::new(pattern).map_err(|_| RetrievalError::NoMatch {
            pattern: pattern.clone(),
            commit: info.commit.clone(),
        })?),
        None => None,
    };
    let path = source.path.clone().unwrap_or_else(FilePath::root);
    if glob.is_none() {
        inspect(files, &info.commit, &path)?;
    }
    let is_below = |file: &FilePath| {
        let rest = file.as_str().strip_prefix(path.as_str());
        path.is_root() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut any = false;
    let listed = files.diff_files(&info.commit, None, &mut |change| {
        let is_meant = match &glob {
            Some(glob) => glob.covers(change.path.as_str()),
            None => is_below(&change.path),
        };
        if !is_meant {
            return ControlFlow::Continue(());
        }
        any = true;
        visit(change.path, change.size_bytes)
    });
    listed.map_err(|fault| not_there(fault, &info.commit, &path))?;
    match &source.pattern {
        Some(pattern) if !any => Err(RetrievalError::NoMatch {
            pattern: pattern.clone(),
            commit: info.commit.clone(),
        }),
        _ => Ok(()),
    }
}

fn exists(files: &dyn FileSource, repo: &Repo) -> Result<bool, RetrievalError> {
    files.repo_exists(repo).map_err(RetrievalError::from_fault)
}

/// Writes the bytes of one file to `output`.
///
/// # Errors
/// When it is no file, or does not come whole. What was written before a break is the file's beginning.
pub fn copy_file(
    files: &dyn FileSource,
    commit: &Commit,
    path: &FilePath,
    output: &mut dyn Write,
) -> Result<(), RetrievalError> {
    if inspect(files, commit, path)?.kind == FileKind::Directory {
        return Err(RetrievalError::IsDirectory(path.clone()));
    }
    let mut input = files
        .get_file(commit, path)
        .map_err(|fault| not_there(fault, commit, path))?;
    copy(&mut input, output)?;
    output.flush().map_err(RetrievalError::Output)
}

/// Writes what is at or under `path` to `output` as one tar archive: regular files only, sorted, names without a
/// leading `/`, the time of each being the commit's. The two zero blocks at its end are written last, and only when
/// everything before them came whole.
///
/// # Errors
/// When nothing is there, or not all of it comes.
pub fn copy_archive(
    files: &dyn FileSource,
    info: &CommitInfo,
    path: &FilePath,
    unescape: bool,
    output: &mut dyn Write,
) -> Result<(), RetrievalError> {
    let time = info
        .finished
        .map_or(0, |time| u64::try_from(time.as_second()).unwrap_or(0));
    let mut writer = ArchiveWriter::new(output, time);
    copy_files(files, &info.commit, path, unescape, &mut |name, size, content| {
        writer.append(name, size, content)
    })?;
    writer.finish().map_err(RetrievalError::Output)?;
    Ok(())
}

/// What takes a file: its name without a slash before it, its bytes' number, and they themselves.
pub type TakeFile<'a> = dyn FnMut(&[u8], u64, &mut dyn Read) -> io::Result<()> + 'a;

/// Hands the regular files at or under `path` to `take`, in the order of their paths.
///
/// # Errors
/// When nothing is there, not all of it comes, or `take` fails.
pub fn copy_files(
    files: &dyn FileSource,
    commit: &Commit,
    path: &FilePath,
    unescape: bool,
    take: &mut TakeFile<'_>,
) -> Result<(), RetrievalError> {
    inspect(files, commit, path)?;
    match files.get_file_tar(commit, path) {
        Ok(archive) => copy_entries(archive, unescape, take),
        // A commit without a file: pachd calls that not found (recording follow 017). It has no file to hand over.
        Err(fault) if fault.kind == FaultKind::NotFound && path.is_root() => Ok(()),
        Err(fault) => Err(not_there(fault, commit, path)),
    }
}

fn inspect(files: &dyn FileSource, commit: &Commit, path: &FilePath) -> Result<FileInfo, RetrievalError> {
    match files.inspect_file(commit, path) {
        Ok(Some(info)) => Ok(info),
        Ok(None) => Err(RetrievalError::NoFile {
            path: path.clone(),
            commit: commit.clone(),
        }),
        Err(fault) => Err(not_there(fault, commit, path)),
    }
}

fn not_there(fault: Fault, commit: &Commit, path: &FilePath) -> RetrievalError {
    if fault.kind == FaultKind::NotFound {
        RetrievalError::NoFile {
            path: path.clone(),
            commit: commit.clone(),
        }
    } else {
        RetrievalError::from_fault(fault)
    }
}

/// Copies until the end of `input`. A fault of either side is told from the other's.
fn copy(input: &mut dyn Read, output: &mut dyn Write) -> Result<(), RetrievalError> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(bytes) => output.write_all(&buffer[..bytes]).map_err(RetrievalError::Output)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(RetrievalError::broken(error)),
        }
    }
}

/// Hands over the regular files of the archive that the server sends.
fn copy_entries(
    archive: Box<dyn Read + Send + '_>,
    unescape: bool,
    take: &mut TakeFile<'_>,
) -> Result<(), RetrievalError> {
    let mut entries = EntryStream::new(archive, "pachd".into());
    while let Some(mut entry) = entries.next_entry().map_err(RetrievalError::no_archive)? {
        if entry.kind() != EntryKind::File {
            continue;
        }
        let name = String::from_utf8_lossy(entry.path()).into_owned();
        // pachd's names are absolute (recording follow 015), which every tar warns about when it unpacks them.
        let name = name.trim_start_matches('/');
        let path = if unescape {
            unescape_path(name).ok_or_else(|| RetrievalError::NotEscaped(name.to_owned()))?
        } else {
            name.as_bytes().to_vec()
        };
        let size = entry.size();
        let mut broken = None;
        let mut content = Noting {
            content: &mut entry,
            broken: &mut broken,
        };
        let written = take(&path, size, &mut content);
        match (broken, written) {
            (Some(error), _) => return Err(RetrievalError::broken(error)),
            (None, Err(error)) => return Err(RetrievalError::Output(error)),
            (None, Ok(())) => {}
        }
    }
    Ok(())
}

/// Remembers why reading failed, so that it is told from a fault of the output.
struct Noting<'a, R> {
    content: &'a mut R,
    broken: &'a mut Option<io::Error>,
}

impl<R: Read> Read for Noting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(buffer).map_err(|error| {
            let told = io::Error::new(error.kind(), error.to_string());
            *self.broken = Some(error);
            told
        })
    }
}

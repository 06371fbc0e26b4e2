//! From a commit to the bytes a user asked for: one file, a directory as one tar archive, or what the commit changed.
//!
//! Domain: it knows no server and no terminal. [`FileSource`] is the port that it reads through.

mod mirroring;

use std::io::{self, Read, Write};

use spoutctl_archive::{
    ArchiveErrorKind, ArchiveWriter, EntryKind, EntryStream, EntryStreamError, Trouble, unescape_path,
};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::history::newest_good_commit;
use spoutctl_core::pfs::{Branch, Commit, CommitId, CommitInfo, FileInfo, FileKind, FilePath, Repo, Revision, Source};
use spoutctl_core::quantity::grouped;

pub use mirroring::{Again, Copied, Extent, copy_changes};
pub use spoutctl_core::source::{ChangeKind, FileChange, FileSource};

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RetrievalError {
    #[error("repo {0} does not exist")]
    NoRepo(Repo),
    #[error("{0} has no finished commit yet")]
    NothingYet(Branch),
    #[error("commit {repo}@{id} does not exist")]
    NoCommit { repo: Repo, id: CommitId },
    #[error("commit {0} is not finished yet")]
    NotFinished(Commit),
    #[error("commit {commit} finished with an error: {error}")]
    Errored { commit: Commit, error: String },
    #[error("{path} is not in commit {commit}")]
    NoFile { path: FilePath, commit: Commit },
    #[error("{0} is a directory")]
    IsDirectory(FilePath),
    #[error("pachd refused: {0}")]
    Refused(Fault),
    #[error("pachd cannot be read from: {0}")]
    Unavailable(Fault),
    #[error("what pachd sent broke off: {error}")]
    Broken { error: io::Error },
    #[error("{0}")]
    NoArchive(EntryStreamError),
    #[error("name `{0}` of the archive is none that --escape-paths makes")]
    NotEscaped(String),
    /// What was listed is not what comes.
    #[error(
        "{path} has {} bytes, and {} were to come",
        if found > listed { format!("more than {}", grouped(*listed)) } else { grouped(*found) },
        grouped(*listed)
    )]
    Differs { path: FilePath, listed: u64, found: u64 },
    #[error("cannot write: {0}")]
    Output(io::Error),
    #[error("the store cannot be read: {0}")]
    Local(Fault),
}

impl RetrievalError {
    /// What the store said, where it does not know us or does not let us.
    #[must_use]
    pub fn denied(&self) -> Option<&Fault> {
        match self {
            Self::Refused(fault) if fault.kind == FaultKind::Denied => Some(fault),
            _ => None,
        }
    }

    fn from_fault(fault: Fault) -> Self {
        match fault.kind {
            FaultKind::Local => Self::Local(fault),
            _ if fault.is_passing() => Self::Unavailable(fault),
            _ => Self::Refused(fault),
        }
    }

    /// A stream that ended too early: the disk of an embedded store is told from a connection.
    fn broken(error: io::Error) -> Self {
        match fault_in(&error) {
            Some(fault) if fault.kind == FaultKind::Local => Self::Local(fault.clone()),
            _ => Self::Broken { error },
        }
    }

    fn no_archive(error: EntryStreamError) -> Self {
        match &error.trouble.kind {
            ArchiveErrorKind::Read(read) => match fault_in(read) {
                Some(fault) if fault.kind == FaultKind::Local => Self::Local(fault.clone()),
                _ => Self::NoArchive(error),
            },
            _ => Self::NoArchive(error),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::IsDirectory(_) => "--tar writes a directory as one archive",
            Self::Errored { .. } => "its data are in no later commit; name the branch to read the newest good one",
            Self::Unavailable(_) | Self::Broken { .. } | Self::Differs { .. } => "the same command may succeed later",
            Self::NotEscaped(_) => "read it without --unescape-paths: it was not put with --escape-paths",
            _ => return None,
        })
    }
}

/// The commit that `source` means: the one it names, or the branch's newest that is finished without an error.
///
/// # Errors
/// When there is none that may be read.
pub fn find_commit(files: &dyn FileSource, source: &Source) -> Result<CommitInfo, RetrievalError> {
    let repo = &source.repo;
    match &source.revision {
        Revision::Branch(name) => {
            let branch = Branch {
                repo: repo.clone(),
                name: name.clone(),
            };
            match newest_good_commit(files, &branch) {
                Ok(Some(info)) => Ok(info),
                Ok(None) => Err(if exists(files, repo)? {
                    RetrievalError::NothingYet(branch)
                } else {
                    RetrievalError::NoRepo(repo.clone())
                }),
                Err(fault) if fault.kind == FaultKind::NotFound => Err(RetrievalError::NoRepo(repo.clone())),
                Err(fault) => Err(RetrievalError::from_fault(fault)),
            }
        }
        Revision::Commit(id) => match files.find_commit(repo, id) {
            Ok(info) if info.finished.is_none() => Err(RetrievalError::NotFinished(info.commit)),
            Ok(info) if !info.error.is_empty() => Err(RetrievalError::Errored {
                commit: info.commit,
                error: info.error,
            }),
            Ok(info) => Ok(info),
            Err(fault) if fault.kind == FaultKind::NotFound => Err(if exists(files, repo)? {
                let (repo, id) = (repo.clone(), id.clone());
                RetrievalError::NoCommit { repo, id }
            } else {
                RetrievalError::NoRepo(repo.clone())
            }),
            Err(fault) => Err(RetrievalError::from_fault(fault)),
        },
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

/// Writes what is at or under `path` to `output` as one tar archive: regular files only, sorted, names without a leading
/// `/`, the time of each being the commit's. The two zero blocks at its end are written last, and only when everything
/// before them came whole.
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
    inspect(files, &info.commit, path)?;
    let time = info
        .finished
        .map_or(0, |time| u64::try_from(time.as_second()).unwrap_or(0));
    let mut writer = ArchiveWriter::new(output, time);
    match files.get_file_tar(&info.commit, path) {
        Ok(archive) => copy_entries(archive, unescape, &mut writer)?,
        // A commit without a file: pachd calls that not found (recording follow 017). It is an archive without one.
        Err(fault) if fault.kind == FaultKind::NotFound && path.is_root() => {}
        Err(fault) => return Err(not_there(fault, &info.commit, path)),
    }
    writer.finish().map_err(RetrievalError::Output)?;
    Ok(())
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

/// Writes the regular files of the archive that the server sends into ours.
fn copy_entries<W: Write>(
    archive: Box<dyn Read + Send + '_>,
    unescape: bool,
    writer: &mut ArchiveWriter<W>,
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
        let content = Noting {
            content: &mut entry,
            broken: &mut broken,
        };
        let written = writer.append(&path, size, content);
        match (broken, written) {
            (Some(error), _) => return Err(RetrievalError::broken(error)),
            (None, Err(error)) => return Err(RetrievalError::Output(error)),
            (None, Ok(())) => {}
        }
    }
    Ok(())
}

/// The fault that an adapter put into an error of its stream.
fn fault_in(error: &io::Error) -> Option<&Fault> {
    let inner = error.get_ref()?;
    match inner.downcast_ref::<EntryStreamError>() {
        Some(EntryStreamError {
            trouble: Trouble {
                kind: ArchiveErrorKind::Read(read),
                ..
            },
            ..
        }) => fault_in(read),
        Some(_) => None,
        None => inner.downcast_ref::<Fault>(),
    }
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

//! What a commit changed, as one archive: what `put --obey-deletions` makes the same change of in another repo.
//!
//! Domain: it knows no server and no terminal.
//!
//! # How contents come
//!
//! Measured against a pachd 2.12 through its gateway: a `GetFile` takes 20 ms whatever the file, and in that time a
//! `GetFileTAR` sends about 1 MiB, or 200 small files. So of [`FEW`] files and more one tar archive of their common
//! directory is taken and filtered, as long as what is in it for nothing does not come to more than [`CALL`] for each
//! file that is wanted; when the rest of the directory is larger than that, or turns out to hold more files, the files
//! that are left are asked for one by one. So it never takes more than about twice the time of the better way.
//!
//! # Memory
//!
//! The list of what changed grows with it: about 50 bytes a file and its path. Beside it some 100 KiB for bytes in
//! passing and up to 512 KiB of deletions.
//!
//! # Breaks
//!
//! A commit does not change any more, so what breaks off is taken up again where it broke, within a file as well: the
//! archive that comes of it is the same. A file that is not as long as it was listed ends it all: the archive is left
//! without its end then, and nobody takes it for a whole one.

use std::cmp::Ordering;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use super::{ChangeKind, FileSource, RetrievalError};
use spoutctl_archive::{ArchiveErrorKind, ArchiveWriter, EntryKind, EntryStream};
use spoutctl_core::fault::Fault;
use spoutctl_core::history::base_of;
use spoutctl_core::pfs::{Commit, CommitInfo, FilePath};

/// So many files are worth a tar archive.
const FEW: usize = 4;
/// The bytes that a tar archive sends in the time of a call.
const CALL: u64 = 1 << 20;
/// The bytes that it sends in the time that an entry takes beside its bytes.
const ENTRY: u64 = 4 << 10;

/// How much of a commit an archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What it changed against what it was built on: deletions, and the files that were added or changed.
    Changes,
    /// All its files, and no deletions.
    Full,
}

/// What an archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    pub files: u64,
    /// Bytes of those files.
    pub bytes: u64,
    pub deletions: u64,
}

impl Copied {
    /// Whether there was nothing to copy, so that no archive was written at all.
    pub fn is_nothing(&self) -> bool {
        self.files == 0 && self.deletions == 0
    }
}

/// Told of a fault that may pass, and asked whether to go on where it broke; what was waited for before that is up to
/// whoever is asked. Told `None` when a call has succeeded; the answer to that does not count.
pub type Again<'a> = dyn FnMut(Option<&RetrievalError>) -> ControlFlow<()> + 'a;

/// Writes what a commit changed against the nearest ancestor without an error (or, with [`Extent::Full`], all its
/// files) to `output` as one archive, and flushes: deletions first, then files sorted by path, names without a leading
/// `/`, the time of each being the commit's. Where there is nothing, nothing is written.
///
/// # Errors
/// When the commit is not finished without an error; when `again` does not want to go on; when a file is not as long as
/// it was listed; when `output` fails. What was written until then is no whole archive.
pub fn copy_changes(
    files: &dyn FileSource,
    info: &CommitInfo,
    extent: Extent,
    again: &mut Again<'_>,
    output: &mut dyn Write,
) -> Result<Copied, RetrievalError> {
    check_is_good(info)?;
    let changes = loop {
        match Changes::of(files, info, extent) {
            Ok(changes) => break changes,
            Err(fault) => go_on(again, RetrievalError::from_fault(fault))?,
        }
    };
    let _ = again(None);
    let copied = changes.count();
    if copied.is_nothing() {
        return Ok(copied);
    }
    let time = info
        .finished
        .map_or(0, |time| u64::try_from(time.as_second()).unwrap_or(0));
    let mut writer = ArchiveWriter::new(output, time);
    for path in &changes.deleted {
        writer.delete(name(path)).map_err(RetrievalError::Output)?;
    }
    let work = Copier {
        files,
        info,
        wanted: &changes.written,
        again,
    };
    work.copy_all(&mut writer)?;
    writer.finish().map_err(RetrievalError::Output)?;
    Ok(copied)
}

fn check_is_good(info: &CommitInfo) -> Result<(), RetrievalError> {
    let commit = info.commit.clone();
    if info.finished.is_none() {
        return Err(RetrievalError::NotFinished(commit));
    }
    if !info.error.is_empty() {
        let error = info.error.clone();
        return Err(RetrievalError::Errored { commit, error });
    }
    Ok(())
}

/// A path as an archive names it.
fn name(path: &FilePath) -> &[u8] {
    path.as_str().trim_start_matches('/').as_bytes()
}

fn go_on(again: &mut Again<'_>, error: RetrievalError) -> Result<(), RetrievalError> {
    let may_pass = match &error {
        RetrievalError::Unavailable(_) | RetrievalError::Broken { .. } => true,
        RetrievalError::NoArchive(error) => matches!(
            error.trouble.kind,
            ArchiveErrorKind::Torn(_) | ArchiveErrorKind::Read(_)
        ),
        _ => false,
    };
    if may_pass && again(Some(&error)).is_continue() {
        Ok(())
    } else {
        Err(error)
    }
}

/// A file that goes into the archive.
#[derive(Debug)]
struct Wanted {
    path: FilePath,
    size: u64,
}

/// What a commit changed, sorted by path.
#[derive(Debug, Default)]
struct Changes {
    deleted: Vec<FilePath>,
    written: Vec<Wanted>,
}

impl Changes {
    fn of(files: &dyn FileSource, info: &CommitInfo, extent: Extent) -> Result<Self, Fault> {
        let base = match extent {
            Extent::Full => None,
            Extent::Changes => base_of(files, info)?,
        };
        let mut changes = Self::default();
        let base = base.as_ref().map(|base| &base.commit);
        files.diff_files(&info.commit, base, &mut |change| {
            match change.kind {
                ChangeKind::Deleted => changes.deleted.push(change.path),
                ChangeKind::Added | ChangeKind::Changed => changes.written.push(Wanted {
                    path: change.path,
                    size: change.size_bytes,
                }),
            }
            ControlFlow::Continue(())
        })?;
        Ok(changes)
    }

    fn count(&self) -> Copied {
        Copied {
            files: self.written.len() as u64,
            bytes: total(&self.written),
            deletions: self.deleted.len() as u64,
        }
    }
}

fn total(files: &[Wanted]) -> u64 {
    files.iter().map(|file| file.size).sum()
}

/// The directory that all these files lie in, the deepest one.
fn common_directory(files: &[Wanted]) -> FilePath {
    let path = |file: Option<&Wanted>| file.map_or("/", |file| file.path.as_str()).to_owned();
    // They are sorted, so what the first and the last have in common all have.
    let (first, last) = (path(files.first()), path(files.last()));
    let common = first.bytes().zip(last.bytes()).take_while(|(a, b)| a == b).count();
    let directory = first.get(..common).and_then(|common| common.rfind('/')).unwrap_or(0);
    FilePath::new(&first[..directory]).unwrap_or_else(|_| FilePath::root())
}

/// How the next files come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Out of one tar archive of their common directory.
    Tar,
    OneByOne,
}

/// How a tar archive ended before all files were in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// It holds too much that is not wanted, or not what it should.
    NotWorthIt,
    BrokenOff,
}

struct Copier<'a, 'again> {
    files: &'a dyn FileSource,
    info: &'a CommitInfo,
    wanted: &'a [Wanted],
    again: &'a mut Again<'again>,
}

impl Copier<'_, '_> {
    fn copy_all<W: Write>(mut self, writer: &mut ArchiveWriter<W>) -> Result<(), RetrievalError> {
        let mut next = 0;
        let mut way = self.way(next)?;
        while let Some(file) = self.wanted.get(next) {
            way = match way {
                Way::OneByOne => {
                    self.copy_one(file, None, writer)?;
                    next += 1;
                    Way::OneByOne
                }
                Way::Tar => match self.copy_from_tar(&mut next, writer)? {
                    Left::NotWorthIt => Way::OneByOne,
                    Left::BrokenOff => self.way(next)?,
                },
            };
        }
        Ok(())
    }

    fn way(&mut self, next: usize) -> Result<Way, RetrievalError> {
        let wanted = &self.wanted[next..];
        if wanted.len() < FEW {
            return Ok(Way::OneByOne);
        }
        let directory = common_directory(wanted);
        let size = loop {
            match self.size_of(&directory) {
                Ok(size) => break size,
                Err(fault) => go_on(self.again, RetrievalError::from_fault(fault))?,
            }
        };
        let unwanted = size.saturating_sub(total(wanted));
        Ok(if unwanted > worth(wanted) {
            Way::OneByOne
        } else {
            Way::Tar
        })
    }

    fn size_of(&self, directory: &FilePath) -> Result<u64, Fault> {
        if directory.is_root() {
            return Ok(self.info.size_bytes);
        }
        let found = self.files.inspect_file(&self.info.commit, directory)?;
        // Where there is no such directory, no tar archive of it would come.
        Ok(found.map_or(u64::MAX, |found| found.size_bytes))
    }

    /// Copies the files from `next` on out of one tar archive, as far as that is worth it.
    fn copy_from_tar<W: Write>(
        &mut self,
        next: &mut usize,
        writer: &mut ArchiveWriter<W>,
    ) -> Result<Left, RetrievalError> {
        let directory = common_directory(&self.wanted[*next..]);
        let archive = match self.files.get_file_tar(&self.info.commit, &directory) {
            Ok(archive) => archive,
            Err(fault) => {
                go_on(self.again, RetrievalError::from_fault(fault))?;
                return Ok(Left::BrokenOff);
            }
        };
        let mut entries = EntryStream::new(archive, "pachd".into());
        let mut unwanted = 0;
        while let Some(file) = self.wanted.get(*next) {
            let entry = match entries.next_entry() {
                Ok(Some(entry)) if entry.kind() == EntryKind::File => entry,
                Ok(Some(_)) => continue,
                Ok(None) => return Ok(Left::NotWorthIt),
                Err(error) => {
                    go_on(self.again, RetrievalError::no_archive(error))?;
                    return Ok(Left::BrokenOff);
                }
            };
            // pachd's names are absolute (recording follow 015).
            let found = entry.path().strip_prefix(b"/").unwrap_or(entry.path());
            match found.cmp(name(&file.path)) {
                Ordering::Less => {
                    unwanted += entry.size() + ENTRY;
                    if unwanted > worth(&self.wanted[*next..]) {
                        return Ok(Left::NotWorthIt);
                    }
                }
                // What is not where it should be is asked for by its name.
                Ordering::Greater => return Ok(Left::NotWorthIt),
                Ordering::Equal => {
                    check_size(file, entry.size())?;
                    let broke = self.copy_one(file, Some(Box::new(entry)), writer)?;
                    *next += 1;
                    if broke {
                        return Ok(Left::BrokenOff);
                    }
                }
            }
        }
        Ok(Left::NotWorthIt)
    }

    /// Copies a file whole, from `first` as far as that goes, and says whether it broke.
    fn copy_one<W: Write>(
        &mut self,
        file: &Wanted,
        first: Option<Box<dyn Read + '_>>,
        writer: &mut ArchiveWriter<W>,
    ) -> Result<bool, RetrievalError> {
        let mut content = Content {
            files: self.files,
            commit: &self.info.commit,
            file,
            source: first,
            done: 0,
            broke: false,
            failed: None,
            again: self.again,
        };
        let written = writer.append(name(&file.path), file.size, &mut content);
        // Where the file should end nothing may follow, and its stream has to say that it ends.
        let longer = written.and_then(|()| content.read(&mut [0]));
        let (failed, broke) = (content.failed.take(), content.broke);
        drop(content);
        if let Some(error) = failed {
            return Err(error);
        }
        longer.map_err(RetrievalError::Output)?;
        let _ = (self.again)(None);
        Ok(broke)
    }
}

/// How much may come for nothing before it is better to ask for each of these files.
fn worth(files: &[Wanted]) -> u64 {
    CALL.saturating_mul(files.len() as u64)
}

fn check_size(file: &Wanted, found: u64) -> Result<(), RetrievalError> {
    if found == file.size {
        return Ok(());
    }
    Err(RetrievalError::Differs {
        path: file.path.clone(),
        listed: file.size,
        found,
    })
}

/// A file's bytes, taken up again where they broke off.
struct Content<'a, 'again> {
    files: &'a dyn FileSource,
    commit: &'a Commit,
    file: &'a Wanted,
    /// `None` before it is opened, and after it broke off.
    source: Option<Box<dyn Read + 'a>>,
    /// Bytes that were read.
    done: u64,
    broke: bool,
    /// Why nothing more comes: told from a fault of the output.
    failed: Option<RetrievalError>,
    again: &'a mut Again<'again>,
}

impl Content<'_, '_> {
    fn next(&mut self, buffer: &mut [u8]) -> Result<usize, RetrievalError> {
        loop {
            let read = match &mut self.source {
                Some(source) => source.read(buffer).map_err(RetrievalError::broken),
                None => match self.open() {
                    Ok(()) => continue,
                    Err(error) => Err(error),
                },
            };
            match read {
                Ok(count) => {
                    self.done += count as u64;
                    // Short or long: either shows at once.
                    if (count == 0 && !buffer.is_empty()) || self.done > self.file.size {
                        check_size(self.file, self.done)?;
                    }
                    return Ok(count);
                }
                Err(error) => {
                    self.broke = true;
                    self.source = None;
                    go_on(self.again, error)?;
                }
            }
        }
    }

    /// Opens the file where reading it broke off.
    fn open(&mut self) -> Result<(), RetrievalError> {
        let opened = self.files.get_file(self.commit, &self.file.path);
        let mut file = opened.map_err(RetrievalError::from_fault)?;
        let skipped = io::copy(&mut file.by_ref().take(self.done), &mut io::sink()).map_err(RetrievalError::broken)?;
        if skipped < self.done {
            check_size(self.file, skipped)?;
        }
        self.source = Some(file);
        Ok(())
    }
}

impl Read for Content<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed.is_some() {
            return Err(io::Error::other("nothing more comes"));
        }
        self.next(buffer).map_err(|error| {
            let told = io::Error::other(error.to_string());
            self.failed = Some(error);
            told
        })
    }
}

#[cfg(test)]
mod tests;

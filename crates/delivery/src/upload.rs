//! From an archive to one file set: in parts, each retried alone, all kept alive until a commit holds them.
//!
//! Nobody sees a file set, so everything here may be repeated freely. Where there are no file sets, nothing is sent
//! until there is a commit: [`Uploader::put_file`]. What went up while the archive was still being read is taken over
//! from [`early`](super::early), and only the rest is sent.

use std::cell::Cell;
use std::io::{self, Read};
use std::sync::Arc;

use super::context::Context;
use super::early::{EARLY_PART, Early, Sent};
use super::error::LetGo;
use super::keep_alive::{KeepAlive, TIME_TO_LIVE};
use super::observer::Observer;
use super::parts::{Cursor, Load, PartChanges, SMALLEST_PART, part_end};
use super::write_mode::WriteMode;
use spoutctl_archive::{Archive, File, Files};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, FileSetId};

/// The most bytes of files in one part: 256 MiB. Some proxies limit a body.
const LARGEST_PART: u64 = 256 << 20;
/// A part that fails is sent again whole: at most such a part of an archive, or as much as leaves early at once.
const PARTS: u64 = 64;

/// An archive's changes, as ready as they can be before there is a commit.
pub enum Upload {
    /// Uploaded. The file set is renewed for as long as this lives.
    FileSet { id: FileSetId, _keep_alive: KeepAlive },
    /// The store has no file sets.
    Held,
    /// It would have to be sent anew, and not all of it is held any more.
    LetGo(LetGo),
}

/// Sends the archives' files to the sink.
pub struct Uploader<'a> {
    pub context: &'a Context,
    /// Where commits are started.
    pub branch: &'a Branch,
    pub mode: WriteMode,
    /// What went up before an archive was complete.
    pub early: Option<&'a Early>,
}

impl Uploader<'_> {
    /// Uploads all files of `archive`. `again` is told of each call that succeeded (`None`) or failed; after a failed
    /// one it waits, or says why it is over.
    ///
    /// # Errors
    /// What `again` said, for a fault that it did not want to be tried again.
    pub fn upload<E>(&self, archive: &Archive, files: &Files, again: &mut Again<'_, E>) -> Result<Upload, E> {
        // What was sent are entries of one archive, which those of several are not.
        let early = self.early.filter(|_| archive.batch.is_none());
        let mut early = early.and_then(|early| early.claim(archive.number));
        if !self.has_file_sets(again)? {
            self.check_paths(files, again)?;
            return Ok(Upload::Held);
        }
        loop {
            let keep_alive = KeepAlive::start(Arc::clone(&self.context.sink));
            let sent = early.take();
            let why = if sent.is_some() {
                LetGo::TakenBack
            } else {
                LetGo::Expired
            };
            let rest = sent.as_ref().and_then(|sent| Rest::behind(sent, files, self.mode));
            let parts = if let (Some(sent), Some(rest)) = (sent, rest) {
                let parts = self.complete(archive, files, &sent, rest, &keep_alive, again)?;
                // Renewed by the new one from here on.
                keep_alive.set(&parts);
                parts
            } else if archive.held().held_from() > 0 {
                return Ok(Upload::LetGo(why));
            } else {
                let whole = Selection::all(self, archive, files);
                self.parts(&whole, Cursor::default(), &keep_alive, again)?
            };
            if let Some(file_set) = self.join(parts, &keep_alive, again)? {
                return Ok(Upload::FileSet {
                    id: file_set,
                    _keep_alive: keep_alive,
                });
            }
        }
    }

    /// Sends all files of `archive` into an open commit that nothing was sent to before.
    ///
    /// # Errors
    /// As [`CommitSink::put_file`].
    pub fn put_file(&self, commit: &Commit, archive: &Archive, files: &Files) -> Result<(), Fault> {
        let all = Selection::all(self, archive, files);
        let end = Cursor {
            deletion: files.deletions().len(),
            file: files.len(),
            offset: 0,
        };
        let mut all = PartChanges::new(&all, self.mode, self.context, Cursor::default(), end);
        self.context.sink.put_file(commit, &mut all)
    }

    fn has_file_sets<E>(&self, again: &mut Again<'_, E>) -> Result<bool, E> {
        loop {
            match self.context.sink.has_file_sets() {
                Ok(has) => return Ok(has),
                Err(fault) => again(Some(fault))?,
            }
        }
    }

    fn check_paths<E>(&self, files: &Files, again: &mut Again<'_, E>) -> Result<(), E> {
        let deletions: Vec<&str> = files.deletions().collect();
        let paths: Vec<&str> = files.iter().map(|file| file.path).collect();
        let overwrites = self.mode == WriteMode::Overwrite;
        loop {
            let checked = self
                .context
                .sink
                .check_paths(self.branch, &paths, &deletions, overwrites);
            match checked {
                Ok(()) => return Ok(()),
                Err(fault) => again(Some(fault))?,
            }
        }
    }

    /// All parts in the order in which they count: deletions, what went up early, and what did not.
    fn complete<E>(
        &self,
        archive: &Archive,
        files: &Files,
        sent: &Sent,
        rest: Rest,
        keep_alive: &KeepAlive,
        again: &mut Again<'_, E>,
    ) -> Result<Vec<FileSetId>, E> {
        let deletions = Selection {
            chosen: Some(Vec::new()),
            ..Selection::all(self, archive, files)
        };
        let mut parts = self.parts(&deletions, Cursor::default(), keep_alive, again)?;
        parts.extend(sent.file_sets());
        let start = Cursor {
            offset: rest.offset,
            ..Cursor::default()
        };
        let rest = Selection {
            deletes: false,
            chosen: Some(rest.files),
            sent: Cell::new(sent.bytes()),
            ..Selection::all(self, archive, files)
        };
        parts.extend(self.parts(&rest, start, keep_alive, again)?);
        Ok(parts)
    }

    fn parts<E>(
        &self,
        load: &Selection<'_>,
        mut start: Cursor,
        keep_alive: &KeepAlive,
        again: &mut Again<'_, E>,
    ) -> Result<Vec<FileSetId>, E> {
        let mut parts = Vec::new();
        let mut limit = part_limit(load.files.total_bytes());
        while !start.is_end_of(load) {
            let (end, bytes) = part_end(load, start, limit);
            let before = load.sent.get();
            let mut part = PartChanges::new(load, self.mode, self.context, start, end);
            let created = self.context.sink.create_file_set(&mut part);
            load.sent.set(before);
            match created {
                Ok(id) => {
                    again(None)?;
                    keep_alive.add(id.clone());
                    parts.push(id);
                    start = end;
                    load.sent.set(before + bytes);
                }
                Err(fault) if fault.kind == FaultKind::TooLarge && limit > SMALLEST_PART => limit /= 2,
                Err(fault) => again(Some(fault))?,
            }
        }
        Ok(parts)
    }

    /// One file set of all parts; `None` when a part has expired meanwhile, so that all have to be uploaded again.
    fn join<E>(
        &self,
        parts: Vec<FileSetId>,
        keep_alive: &KeepAlive,
        again: &mut Again<'_, E>,
    ) -> Result<Option<FileSetId>, E> {
        if parts.len() <= 1 {
            return Ok(parts.into_iter().next());
        }
        loop {
            match self.context.sink.compose_file_set(&parts, TIME_TO_LIVE) {
                Ok(whole) => {
                    again(None)?;
                    keep_alive.set(std::slice::from_ref(&whole));
                    return Ok(Some(whole));
                }
                Err(fault) => {
                    let expired = fault.kind == FaultKind::FileSetGone;
                    again(Some(fault))?;
                    if expired {
                        return Ok(None);
                    }
                }
            }
        }
    }
}

/// Bytes of files in one part of an archive that has so many.
fn part_limit(bytes: u64) -> u64 {
    (bytes / PARTS).clamp(EARLY_PART, LARGEST_PART)
}

/// Told of each call; says whether to go on.
type Again<'a, E> = dyn FnMut(Option<Fault>) -> Result<(), E> + 'a;

/// Files of an archive that is held.
struct Selection<'a> {
    archive: &'a Archive,
    files: &'a Files,
    observer: &'a dyn Observer,
    /// Whether its deletions are among them.
    deletes: bool,
    /// Which of its files, by their indices; all of them otherwise.
    chosen: Option<Vec<usize>>,
    /// Bytes of its files that are on their way, or there.
    sent: Cell<u64>,
}

impl<'a> Selection<'a> {
    fn all(uploader: &Uploader<'a>, archive: &'a Archive, files: &'a Files) -> Self {
        Self {
            archive,
            files,
            observer: uploader.context.observer.as_ref(),
            deletes: true,
            chosen: None,
            sent: Cell::new(0),
        }
    }

    fn index(&self, number: usize) -> Option<usize> {
        match &self.chosen {
            Some(chosen) => chosen.get(number).copied(),
            None => Some(number),
        }
    }
}

impl Load for Selection<'_> {
    fn deletions(&self) -> usize {
        if self.deletes { self.files.deletions().len() } else { 0 }
    }

    fn deletion(&self, number: usize) -> Option<&str> {
        self.files.deletion(number).filter(|_| self.deletes)
    }

    fn file(&self, number: usize) -> Option<File<'_>> {
        self.files.get(self.index(number)?)
    }

    fn read(&self, number: usize, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "the archive in hand has no such file");
        let index = self.index(number).ok_or_else(missing)?;
        let mut content = self.archive.open_at(index, offset).ok_or_else(missing)?;
        let read = content.read_exact(buffer);
        if self.archive.held().held_from() == 0 {
            return read;
        }
        let path = self.files.get(index).map(|file| file.path).unwrap_or_default();
        read.map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
    }

    fn sent(&self, bytes: u64) {
        self.sent.set(self.sent.get() + bytes);
        self.observer.sent(self.archive, self.sent.get());
    }
}

/// What is still to be sent of an archive of which some files are there.
struct Rest {
    /// Indices of files.
    files: Vec<usize>,
    /// So much of the first one is there.
    offset: u64,
}

impl Rest {
    /// `None` where what was sent cannot be a part of the archive's changes, now that all of them are known.
    ///
    /// Overwriting, of two entries of one path the later part deletes the earlier one's bytes, so what counts in the
    /// end has only to come last; a file that does not count at all is never right. Appending, nothing takes bytes
    /// back.
    fn behind(sent: &Sent, files: &Files, mode: WriteMode) -> Option<Self> {
        let mut is_there = vec![false; files.len()];
        let counts = |key| {
            let index = files.find(files.path_of(key)?)?;
            let is_last = files.key(index) == Some(key);
            (is_last || mode == WriteMode::Overwrite).then_some(is_last.then_some(index))
        };
        for key in sent.whole() {
            if let Some(index) = counts(*key)? {
                is_there[index] = true;
            }
        }
        let begun = match sent.begun() {
            Some((key, offset)) => counts(key)?.map(|index| (index, offset)),
            None => None,
        };
        let mut rest = Vec::new();
        if let Some((index, _)) = begun {
            is_there[index] = true;
            rest.push(index);
        }
        rest.extend((0..files.len()).filter(|index| !is_there[*index]));
        Some(Self {
            files: rest,
            offset: begun.map_or(0, |(_, offset)| offset),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_never_much_of_a_large_archive_and_never_more_than_a_proxy_takes() {
        let gib = |count: u64| count << 30;
        let parts: Vec<u64> = [gib(1), gib(2), gib(4), gib(8), gib(16), gib(1000)]
            .map(|bytes| part_limit(bytes) >> 20)
            .into();
        assert_eq!(parts, [32, 32, 64, 128, 256, 256]);
    }
}

//! From an archive to one file set: in parts, each retried alone, all kept alive until a commit holds them.
//!
//! Nobody sees a file set, so everything here may be repeated freely. Where there are no file sets, nothing is sent until
//! there is a commit: [`Uploader::put_file`].

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};

use super::patience::{Clock, Interrupt};
use super::{Change, Changes, CommitSink, MAX_CHUNK, Observer, WriteMode};
use spoutctl_archive::{Archive, Files};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, FileSetId};

/// Bytes of files in one part: 256 MiB. A part that fails is sent again whole, and some proxies limit a body.
pub const PART_LIMIT: u64 = 256 << 20;
/// Below this a part is not halved any more: a server that takes less cannot be written to.
const SMALLEST_PART: u64 = 64 << 10;
/// What a file costs in a part besides its bytes, so that parts of empty files end too; and what a deletion costs.
const FILE_COST: u64 = 256;
/// A file set lives ten minutes unless renewed (recording http 060–061, p 096: thirty at most).
pub const TIME_TO_LIVE: Duration = Duration::from_mins(10);
/// How often file sets in hand are renewed: two renewals may fail before one expires.
const RENEW_EVERY: Duration = Duration::from_mins(3);

/// A place in what an archive changes: its deletions, and then its files. Deletions come first, so that a file which the
/// archive both deletes and adds is a new one, also when it is appended to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Cursor {
    deletion: usize,
    file: usize,
    offset: u64,
}

impl Cursor {
    fn is_end_of(self, files: &Files) -> bool {
        self.deletion >= files.deletions().len() && self.file >= files.len()
    }

    fn next_file(self) -> Self {
        Self {
            file: self.file + 1,
            offset: 0,
            ..self
        }
    }
}

/// An archive's changes, as ready as they can be before there is a commit.
pub enum Upload {
    /// Uploaded. The file set is renewed for as long as this lives.
    FileSet { id: FileSetId, _keep_alive: KeepAlive },
    /// The store has no file sets.
    Held,
}

/// Sends the archives' files to the sink.
pub struct Uploader<'a> {
    pub sink: &'a Arc<dyn CommitSink>,
    /// Where commits are started.
    pub branch: &'a Branch,
    pub mode: WriteMode,
    pub clock: &'a dyn Clock,
    pub interrupt: &'a Interrupt,
    pub observer: &'a dyn Observer,
}

impl Uploader<'_> {
    /// Uploads all files of `archive`. `again` is told of each call that succeeded (`None`) or failed; after a failed one
    /// it waits, or says why it is over.
    ///
    /// # Errors
    /// What `again` said, for a fault that it did not want to be tried again.
    pub fn upload<E>(&self, archive: &Archive, files: &Files, again: &mut Again<'_, E>) -> Result<Upload, E> {
        if !self.has_file_sets(again)? {
            self.check_paths(files, again)?;
            return Ok(Upload::Held);
        }
        loop {
            let keep_alive = KeepAlive::start(Arc::clone(self.sink));
            let parts = self.parts(archive, files, &keep_alive, again)?;
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
        let start = Cursor::default();
        let end = Cursor {
            deletion: files.deletions().len(),
            file: files.len(),
            offset: 0,
        };
        let mut all = PartChanges::new(archive, files, self, start, end, 0);
        self.sink.put_file(commit, &mut all)
    }

    fn has_file_sets<E>(&self, again: &mut Again<'_, E>) -> Result<bool, E> {
        loop {
            match self.sink.has_file_sets() {
                Ok(has) => return Ok(has),
                Err(fault) => again(Some(fault))?,
            }
        }
    }

    /// What the archive itself deletes first is meant to go.
    fn check_paths<E>(&self, files: &Files, again: &mut Again<'_, E>) -> Result<(), E> {
        let deleted: HashSet<&str> = files.deletions().collect();
        let paths = files.iter().map(|file| file.path);
        let paths: Vec<&str> = paths.filter(|path| !deleted.contains(path)).collect();
        loop {
            match self.sink.check_paths(self.branch, &paths) {
                Ok(()) => return Ok(()),
                Err(fault) => again(Some(fault))?,
            }
        }
    }

    fn parts<E>(
        &self,
        archive: &Archive,
        files: &Files,
        keep_alive: &KeepAlive,
        again: &mut Again<'_, E>,
    ) -> Result<Vec<FileSetId>, E> {
        let mut parts = Vec::new();
        let mut limit = PART_LIMIT;
        let mut start = Cursor::default();
        let mut sent = 0;
        while !start.is_end_of(files) {
            let (end, bytes) = part_end(files, start, limit);
            let mut part = PartChanges::new(archive, files, self, start, end, sent);
            match self.sink.create_file_set(&mut part) {
                Ok(id) => {
                    again(None)?;
                    keep_alive.add(id.clone());
                    parts.push(id);
                    start = end;
                    sent += bytes;
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
            match self.sink.compose_file_set(&parts, TIME_TO_LIVE) {
                Ok(whole) => {
                    again(None)?;
                    keep_alive.replace(whole.clone());
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

/// Told of each call; says whether to go on.
type Again<'a, E> = dyn FnMut(Option<Fault>) -> Result<(), E> + 'a;

/// Where a part ends that starts at `start` and holds at most `limit` bytes, and how many bytes of files are in it.
/// A part always gets on by at least one byte, one file or one deletion.
fn part_end(files: &Files, start: Cursor, limit: u64) -> (Cursor, u64) {
    let mut end = start;
    let mut cost = 0;
    let mut bytes = 0;
    while end.deletion < files.deletions().len() {
        if cost >= limit {
            return (end, bytes);
        }
        end.deletion += 1;
        cost += FILE_COST;
    }
    while let Some(file) = files.get(end.file).filter(|_| cost < limit) {
        let left = file.size - end.offset;
        let room = (limit - cost).saturating_sub(FILE_COST).max(1);
        if left > room {
            end.offset += room;
            return (end, bytes + room);
        }
        bytes += left;
        cost += left + FILE_COST;
        end = end.next_file();
    }
    (end, bytes)
}

/// The changes of one part, read from the archive that is held.
struct PartChanges<'a> {
    archive: &'a Archive,
    files: &'a Files,
    uploader: &'a Uploader<'a>,
    next: Cursor,
    end: Cursor,
    deleted: bool,
    sent: u64,
    chunk: Vec<u8>,
}

impl<'a> PartChanges<'a> {
    fn new(
        archive: &'a Archive,
        files: &'a Files,
        uploader: &'a Uploader<'a>,
        start: Cursor,
        end: Cursor,
        sent: u64,
    ) -> Self {
        // A file that goes on from the part before was deleted there: deleting it again would lose that piece.
        let deleted = start.offset > 0;
        Self {
            archive,
            files,
            uploader,
            next: start,
            end,
            deleted,
            sent,
            chunk: Vec::new(),
        }
    }
}

impl Changes for PartChanges<'_> {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        if self.uploader.interrupt.is_over(self.uploader.clock.now()) {
            return Err(io::Error::other("the grace period is over"));
        }
        let Cursor {
            deletion,
            file: index,
            offset,
        } = self.next;
        if let Some(path) = self.files.deletion(deletion).filter(|_| deletion < self.end.deletion) {
            self.next.deletion += 1;
            return Ok(Some(Change::Delete { path }));
        }
        // The file that the next part goes on with ends here at the part's end.
        let limit = if index == self.end.file {
            self.end.offset
        } else {
            u64::MAX
        };
        let Some(file) = self
            .files
            .get(index)
            .filter(|_| index <= self.end.file && offset < limit)
        else {
            return Ok(None);
        };
        if self.uploader.mode == WriteMode::Overwrite && !self.deleted {
            self.deleted = true;
            return Ok(Some(Change::Delete { path: file.path }));
        }
        let stop = file.size.min(limit);
        let length = usize::try_from(stop - offset).map_or(MAX_CHUNK, |left| left.min(MAX_CHUNK));
        self.chunk.resize(length, 0);
        let missing = || io::Error::new(io::ErrorKind::NotFound, "the archive in hand has no such file");
        self.archive
            .open_at(index, offset)
            .ok_or_else(missing)?
            .read_exact(&mut self.chunk)?;
        self.sent += length as u64;
        self.uploader.observer.sent(self.archive, self.sent);
        self.next.offset += length as u64;
        if self.next.offset >= file.size {
            self.next = self.next.next_file();
            self.deleted = false;
        }
        Ok(Some(Change::Append {
            path: file.path,
            data: &self.chunk,
        }))
    }
}

/// Renews file sets in the background until it is dropped.
pub struct KeepAlive {
    file_sets: Arc<Mutex<Vec<FileSetId>>>,
    /// Closing it ends the thread.
    _stop: Sender<()>,
}

impl KeepAlive {
    fn start(sink: Arc<dyn CommitSink>) -> Self {
        let file_sets = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = bounded::<()>(0);
        let shared = Arc::clone(&file_sets);
        std::thread::spawn(move || {
            while stopped.recv_timeout(RENEW_EVERY) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
                let due: Vec<FileSetId> = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
                for id in due {
                    // A renewal that fails is made good by the next one; a file set that is gone is found out by
                    // `AddFileSet`, which then has it uploaded again.
                    let _ = sink.renew_file_set(&id, TIME_TO_LIVE);
                }
            }
        });
        Self { file_sets, _stop: stop }
    }

    fn add(&self, id: FileSetId) {
        self.file_sets.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    fn replace(&self, id: FileSetId) {
        *self.file_sets.lock().unwrap_or_else(PoisonError::into_inner) = vec![id];
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::holding::Holding;
    use spoutctl_archive::{ArchiveReader, ArchiveWriter, Options};

    fn archive(deletions: usize, sizes: &[usize]) -> Archive {
        let mut writer = ArchiveWriter::new(Vec::new(), 0);
        for number in 0..deletions {
            writer.delete(format!("gone/{number}").as_bytes()).unwrap();
        }
        for (number, size) in sizes.iter().enumerate() {
            let content = vec![b'x'; *size];
            writer
                .append(format!("file/{number}").as_bytes(), *size as u64, &content[..])
                .unwrap();
        }
        let bytes = writer.finish().unwrap();
        let options = Options {
            obey_deletions: true,
            ..Options::default()
        };
        let hold = Holding::new(std::path::Path::new("/nonexistent")).hold();
        let mut reader = ArchiveReader::new(&bytes[..], Arc::from("test"), 1, options);
        reader.next_archive(hold).unwrap().unwrap()
    }

    /// The ends of the parts of at most `limit` bytes, and the bytes of files in each.
    fn parts(files: &Files, limit: u64) -> Vec<(Cursor, u64)> {
        let mut ends: Vec<(Cursor, u64)> = Vec::new();
        let mut start = Cursor::default();
        while !start.is_end_of(files) {
            let (end, bytes) = part_end(files, start, limit);
            assert_ne!(end, start, "every part gets on");
            ends.push((end, bytes));
            start = end;
        }
        ends
    }

    fn at(deletion: usize, file: usize, offset: u64) -> Cursor {
        Cursor { deletion, file, offset }
    }

    #[test]
    fn deletions_fill_parts_before_any_file_does() {
        let archive = archive(5, &[10, 700]);
        let files = archive.contents.as_ref().unwrap();
        assert_eq!(parts(files, u64::MAX), [(at(5, 2, 0), 710)]);
        assert_eq!(
            parts(files, 4 * FILE_COST),
            [(at(4, 0, 0), 0), (at(5, 1, 246), 256), (at(5, 2, 0), 454)],
        );
    }

    #[test]
    fn an_archive_of_deletions_alone_has_parts_too() {
        let archive = archive(3, &[]);
        let files = archive.contents.as_ref().unwrap();
        assert_eq!(parts(files, u64::MAX), [(at(3, 0, 0), 0)]);
        let one_each: Vec<_> = (1..=3).map(|deletion| (at(deletion, 0, 0), 0)).collect();
        assert_eq!(parts(files, 1), one_each);
    }
}

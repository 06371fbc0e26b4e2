//! The durable spool: every complete archive is on disk, whole and synced, before any of it is sent, and leaves after
//! its commit is finished and acknowledged.
//!
//! It knows a directory, archives and their numbers; it knows no server and no terminal.
//!
//! ```text
//! DIR/journal.json                     the stream's name, how far it is, what it is for; replaced atomically
//! DIR/lock                             held by the one process that uses the spool; its pid stands in it
//! DIR/reserve                          64 KiB that are given up for the journal when the disk is full
//! DIR/incoming.tar                     the archive that is being read
//! DIR/waiting/000000000012-SHA256.tar  complete archives, by number; the name is the checksum
//! DIR/damaged/                         what could not be read any more
//! ```
//!
//! # What holds
//!
//! - A file in `waiting` is a whole archive: it gets its name after its bytes are synced, and the directory is synced
//!   before anybody is told (`accepted`).
//! - A number is used once. The journal holds the greatest one ever used before the file that shows it is removed.
//! - Whatever waits is in no commit that is as old as the journal's floor, or older. So the floor stays where it is
//!   while archives are sent that an earlier run has sent later ones of.
//! - An archive of messages says itself which they are ([`spoutctl_archive::Label`]). The journal holds the greatest
//!   number of a message, too, before the file that shows it is removed. An archive of messages is a batch as it was
//!   made: none is ever formed anew.
//! - Archives that are to be one commit are in the journal before that is started, until they have left: the next run
//!   has the same ones together. They leave together.
//! - The journal says that an archive is finished after whoever asked for its acknowledgement has it
//!   ([`crate::Observer::settled`]). Without that it is found on the branch by the next run, and acknowledged again.
//! - A file is removed after the journal says that it is finished. A crash in between shows at the next opening, as
//!   does one between the acknowledgement and the journal: the archive is looked for on the branch, found, and
//!   acknowledged as `already`.
//!
//! # Bounds
//!
//! What waits, and what is being read, is at most `limit` bytes, each archive counted as 4 KiB at least; whoever writes
//! more waits. In memory is about 100 bytes for each archive that waits, so 25 MB for a gibibyte of the smallest ones,
//! and at most one archive's index beside the one in the delivery's hands.

mod contents;
mod deciding;
pub(super) mod error;
pub mod feeding;
mod files;
mod incoming;
mod journal;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::BufReader;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

pub use self::contents::{Contents, Item};
use self::error::WAITING;
pub use self::error::{Damaged, HeldBack, SpoolError};
use self::files::{Kept, Name, Waiting};
pub use self::journal::CommitOptions;
use self::journal::{BatchRange, Journal};
use super::mark::StreamName;
use super::ready::{Planned, Ready, Spooled};
use parking_lot::{Condvar, Mutex, MutexGuard};
use spoutctl_archive::{Archive, ArchiveErrorKind, ArchiveReader};
use spoutctl_core::pfs::CommitId;

/// How much may wait unless told otherwise: 1 GiB.
pub const DEFAULT_LIMIT: u64 = 1 << 30;

/// What a spool hands out.
pub enum Next {
    Archive(Box<Archive>),
    /// Every archive that waits was handed out, and the next one finds no room before some of them have left.
    Full,
    /// No further one comes.
    End,
}

/// A spool in use by this process. Threads share it.
pub struct Spool {
    dir: PathBuf,
    limit: u64,
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    /// Locked for as long as this lives.
    lock: File,
    journal: Journal,
    waiting: VecDeque<Waiting>,
    /// What `waiting` counts.
    bytes: u64,
    /// The greatest number of a message that was ever taken in.
    messages: u64,
    /// The number of the next archive to be handed out.
    next: u64,
    /// The archive just accepted, when nothing waits before it: it need not be read again.
    at_hand: Option<Box<Archive>>,
    /// What this run has set aside.
    damaged: Vec<Damaged>,
    /// The greatest number that an earlier run has committed, as far as its archive may still wait here.
    sent_before: u64,
    /// Nothing that waited when it was opened can have been sent, for there was nothing.
    fresh: bool,
    intake: Intake,
    /// Nobody takes archives any more.
    closed: bool,
    /// Why the spool cannot be used any more.
    trouble: Option<SpoolError>,
}

/// How it is with the archives that are taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intake {
    GoesOn,
    /// One waits for room, and nobody who has others in hand was told so far.
    WantsRoom,
    /// No further one will be accepted.
    Ended,
}

impl Inner {
    fn accepted(&self) -> u64 {
        let newest = self.waiting.back().map_or(0, |newest| newest.name.sequence);
        newest.max(self.journal.accepted)
    }

    /// As the delivery wants it; `None` when nothing of it waits any more.
    fn planned(&self, batch: BatchRange) -> Option<Planned> {
        let waiting = self.waiting.iter().map(|one| one.name.sequence);
        Some(Planned {
            first: batch.first,
            last: batch.last,
            last_waiting: waiting.rev().find(|sequence| batch.contains(*sequence))?,
        })
    }

    /// The journal for when these have left, before their files go that show it.
    fn without(&self, sequences: &RangeInclusive<u64>) -> Journal {
        let waits = |sequence: &u64| {
            let place = self.waiting.binary_search_by_key(sequence, |one| one.name.sequence);
            sequences.contains(sequence) && place.is_ok()
        };
        let mut journal = self.journal.clone();
        journal.accepted = self.accepted();
        journal.messages = self.messages;
        journal.held_back.take_if(|held| sequences.contains(&held.sequence));
        // Of a batch some may still be set aside. One that waits was put back, and leaves as any other.
        journal.set_aside.retain(|sequence| !waits(sequence));
        journal
    }

    /// Writes the journal; what is in memory follows what is on disk. Not where the lock is no longer ours: another
    /// process may have written its own since.
    fn write(&mut self, dir: &Path, journal: Journal) -> Result<(), SpoolError> {
        if !files::is_lock(dir, &self.lock) {
            return Err(SpoolError::LockLost { dir: dir.to_owned() });
        }
        match journal.write(dir) {
            Err(SpoolError::Io { error, .. }) if files::is_full(&error) && files::release_reserve(dir) => {
                journal.write(dir)?;
            }
            written => written?,
        }
        self.journal = journal;
        Ok(())
    }
}

impl Spool {
    /// Opens the spool in `dir`, which is made when it is not there, for this process alone.
    ///
    /// # Errors
    /// When another process uses it; when `dir` holds something else, or cannot be used.
    pub fn open(dir: &Path, limit: u64) -> Result<Self, SpoolError> {
        Self::with(dir, limit, true)
    }

    /// Opens a spool that is there.
    ///
    /// # Errors
    /// As [`Spool::open`], and when there is none.
    pub fn open_existing(dir: &Path) -> Result<Self, SpoolError> {
        Self::with(dir, u64::MAX, false)
    }

    fn with(dir: &Path, limit: u64, create: bool) -> Result<Self, SpoolError> {
        files::check(dir, create)?;
        let lock = files::lock(dir)?;
        let journal = Journal::open(dir)?;
        files::reserve(dir);
        let (waiting, damaged) = files::list(dir, &journal)?;
        let bytes = waiting.iter().map(Waiting::counted).sum();
        let next = waiting.front().map_or(0, |first| first.name.sequence);
        let messages = files::messages(dir, waiting.iter().rev().map(|waiting| &waiting.name)).max(journal.messages);
        Ok(Self {
            dir: dir.to_owned(),
            limit,
            inner: Mutex::new(Inner {
                lock,
                next: next.max(journal.finished + 1),
                fresh: waiting.is_empty() && journal.floor.is_none(),
                sent_before: 0,
                journal,
                waiting,
                bytes,
                messages,
                at_hand: None,
                damaged,
                intake: Intake::GoesOn,
                closed: false,
                trouble: None,
            }),
            changed: Condvar::new(),
        })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The name under which its archives are marked.
    pub fn stream(&self) -> StreamName {
        self.inner.lock().journal.stream.clone()
    }

    /// The number of the newest archive that was ever taken in; 0 before the first.
    pub fn accepted(&self) -> u64 {
        self.inner.lock().accepted()
    }

    /// The greatest number of a message that was ever taken in; 0 before the first.
    pub fn messages(&self) -> u64 {
        self.inner.lock().messages
    }

    /// How many archives wait, and their bytes.
    pub fn waiting(&self) -> (usize, u64) {
        let inner = self.inner.lock();
        (inner.waiting.len(), inner.waiting.iter().map(|one| one.length).sum())
    }

    /// When the oldest archive that waits was taken in, as its file says; `None` when none waits.
    pub fn waiting_since(&self) -> Option<SystemTime> {
        let oldest = self
            .inner
            .lock()
            .waiting
            .front()
            .map(|oldest| self.path(&oldest.name))?;
        // It may have left the spool meanwhile.
        fs::metadata(oldest).and_then(|file| file.modified()).ok()
    }

    /// How much of the limit is taken, and the limit, in bytes; an archive counts as 4 KiB at least.
    pub fn room(&self) -> (u64, u64) {
        (self.inner.lock().bytes, self.limit)
    }

    /// What a delivery has to know of its stream.
    pub fn spooled(&self) -> Spooled {
        let inner = self.inner.lock();
        let first = inner.waiting.front();
        Spooled {
            oldest: first.map_or_else(|| inner.accepted() + 1, |first| first.name.sequence),
            fresh: inner.fresh,
            floor: inner.journal.floor(),
            cluster: inner.journal.cluster.clone(),
            planned: inner
                .journal
                .batches
                .iter()
                .filter_map(|one| inner.planned(*one))
                .collect(),
        }
    }

    /// What this run has set aside because it could not be read.
    pub fn damaged(&self) -> Vec<Damaged> {
        self.inner.lock().damaged.clone()
    }

    /// Says what the archives are for. What waits keeps the options that it was taken in with.
    ///
    /// # Errors
    /// When archives wait that are for something else.
    pub fn bind(&self, options: &CommitOptions) -> Result<(), SpoolError> {
        let mut inner = self.inner.lock();
        if inner.journal.options.as_ref() == Some(options) {
            return Ok(());
        }
        let before = inner.journal.options.as_ref();
        let differences = before.map(|before| before.differences(options));
        let is_same = differences.as_ref().is_some_and(Vec::is_empty);
        if let Some(differences) = differences.filter(|_| !is_same && !inner.waiting.is_empty()) {
            return Err(SpoolError::OtherOptions {
                dir: self.dir.clone(),
                waiting: inner.waiting.len(),
                held_back: inner.journal.held_back.as_ref().map(|held| held.sequence),
                differences,
            });
        }
        let mut journal = inner.journal.clone();
        journal.options = Some(options.clone());
        if !is_same {
            // Another destination: what was known of the old one says nothing about it.
            journal.cluster = None;
            journal.floor = None;
            journal.batches.clear();
            inner.fresh = true;
        }
        inner.write(&self.dir, journal)
    }

    /// Remembers the cluster that answered and, when nothing was sent before, the newest commit: ours are newer.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn bind_destination(&self, ready: &Ready) -> Result<(), SpoolError> {
        let mut inner = self.inner.lock();
        inner.sent_before = ready.greatest_known;
        let mut journal = inner.journal.clone();
        if inner.fresh && journal.floor.is_none() {
            journal.floor = ready.floor.as_ref().map(CommitId::to_string);
        }
        if ready.cluster.is_some() {
            journal.cluster.clone_from(&ready.cluster);
        }
        if journal == inner.journal {
            return Ok(());
        }
        inner.write(&self.dir, journal)
    }

    /// Takes in the archive that was written to the newest [`Spool::buffer`]: when this returns, it survives a crash.
    ///
    /// # Errors
    /// When its file cannot be named, or the name not synced.
    pub fn accept(&self, archive: Archive) -> Result<(), SpoolError> {
        let name = Name {
            sequence: archive.number,
            digest: archive.digest,
        };
        // Without the lock, which whoever acknowledges needs: only the one who reads the input gives names.
        files::accept(&self.dir, &name)?;
        let mut inner = self.inner.lock();
        let waiting = Waiting {
            name,
            length: archive.length,
            origin: Some((Arc::clone(&archive.input), archive.offset)),
        };
        inner.bytes += waiting.counted();
        inner.messages = inner
            .messages
            .max(archive.label.messages.map_or(0, |messages| messages.last));
        if archive.number == inner.next || inner.waiting.is_empty() {
            inner.next = archive.number;
            inner.at_hand = Some(Box::new(archive));
        }
        inner.waiting.push_back(waiting);
        drop(inner);
        self.changed.notify_all();
        Ok(())
    }

    /// Held by whoever takes archives in: when it goes, however that comes, no further one comes.
    pub fn taking_in(self: &Arc<Self>) -> TakingIn {
        TakingIn(Arc::clone(self))
    }

    fn end(&self) {
        self.inner.lock().intake = Intake::Ended;
        self.changed.notify_all();
    }

    /// Nobody takes archives any more: whoever waits for room is told.
    pub fn close(&self) {
        self.inner.lock().closed = true;
        self.changed.notify_all();
    }

    /// The next archive to be delivered, oldest first; waits for one.
    ///
    /// # Errors
    /// When the spool cannot be used any more, cannot be read now, or holds one back until somebody decides.
    pub fn next(&self, options: &spoutctl_archive::Options) -> Result<Next, SpoolError> {
        loop {
            let waiting = match self.wait_for_next()? {
                ControlFlow::Continue(waiting) => waiting,
                ControlFlow::Break(next) => return Ok(next),
            };
            let at_hand = self
                .inner
                .lock()
                .at_hand
                .take_if(|one| one.number == waiting.name.sequence);
            let read = match at_hand {
                Some(archive) => Ok(archive),
                None => self.read(&waiting, options)?,
            };
            match read {
                Ok(archive) => {
                    self.inner.lock().next = waiting.name.sequence + 1;
                    return Ok(Next::Archive(archive));
                }
                Err(reason) => self.set_aside(&waiting.name, &reason)?,
            }
        }
    }

    fn wait_for_next(&self) -> Result<ControlFlow<Next, Waiting>, SpoolError> {
        let mut inner = self.inner.lock();
        loop {
            if let Some(trouble) = inner.trouble.take() {
                return Err(trouble);
            }
            if inner.closed {
                return Ok(ControlFlow::Break(Next::End));
            }
            let place = inner.waiting.partition_point(|one| one.name.sequence < inner.next);
            if let Some(next) = inner.waiting.get(place) {
                let held_back = inner.journal.held_back.as_ref();
                if let Some(held) = held_back.filter(|held| held.sequence == next.name.sequence) {
                    return Err(SpoolError::HeldBack {
                        dir: self.dir.clone(),
                        held: held.clone(),
                    });
                }
                return Ok(ControlFlow::Continue(next.clone()));
            }
            match inner.intake {
                Intake::GoesOn => {}
                Intake::WantsRoom => {
                    inner.intake = Intake::GoesOn;
                    return Ok(ControlFlow::Break(Next::Full));
                }
                Intake::Ended => return Ok(ControlFlow::Break(Next::End)),
            }
            self.changed.wait(&mut inner);
        }
    }

    /// Reads an archive's index again. Its file is checked on the way: framing, and the digest that is its name. The
    /// inner error is what is wrong with it.
    ///
    /// # Errors
    /// When it cannot be read now, which says nothing about what is in it.
    fn read(
        &self,
        waiting: &Waiting,
        options: &spoutctl_archive::Options,
    ) -> Result<Result<Box<Archive>, String>, SpoolError> {
        let path = self.path(&waiting.name);
        let unreadable = |error| SpoolError::io("read", &path, error);
        let file = File::open(&path).map_err(unreadable)?;
        let again = file.try_clone().map_err(unreadable)?;
        let input = path.display().to_string().into();
        let mut reader = ArchiveReader::new(BufReader::new(file), input, waiting.name.sequence, options.clone());
        let archive = reader.next_archive(Box::new(Kept(again)));
        let mut archive = match archive {
            Ok(Some(archive)) if archive.digest == waiting.name.digest => archive,
            Ok(Some(archive)) => return Ok(Err(format!("its SHA-256 is {}", archive.digest))),
            Ok(None) => return Ok(Err("it is empty".to_owned())),
            Err(error) => match error.trouble.kind {
                ArchiveErrorKind::Read(error) | ArchiveErrorKind::Buffer(error) => return Err(unreadable(error)),
                _ => return Ok(Err(error.trouble.detail())),
            },
        };
        if let Some((input, offset)) = &waiting.origin {
            archive.input = Arc::clone(input);
            archive.offset = *offset;
        }
        Ok(Ok(Box::new(archive)))
    }

    /// One commit of these archives is about to be started: whatever happens to us, they stay together.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn forming(&self, sequences: &RangeInclusive<u64>) -> Result<(), SpoolError> {
        let mut inner = self.inner.lock();
        let one = inner
            .journal
            .batches
            .iter()
            .find(|one| one.contains(*sequences.start()));
        // One that somebody has taken an archive out of is still the same.
        if one.is_some_and(|one| one.contains(*sequences.end())) {
            return Ok(());
        }
        let mut journal = inner.journal.clone();
        journal.batches.push(BatchRange {
            first: *sequences.start(),
            last: *sequences.end(),
        });
        inner.write(&self.dir, journal)
    }

    /// The archives have left: their commit is finished and acknowledged, or there was nothing to commit.
    ///
    /// # Errors
    /// When that cannot be written down. The next run finds their commit on the branch, and nothing is sent twice.
    pub fn finished(&self, sequences: &RangeInclusive<u64>, commit: Option<&CommitId>) -> Result<(), SpoolError> {
        let sequence = *sequences.end();
        let mut inner = self.inner.lock();
        let mut journal = inner.without(sequences);
        journal.finished = journal.finished.max(sequence);
        // One that failed in flight is committed after later ones, which may still wait here: its commit hides theirs.
        if let Some(commit) = commit.filter(|_| sequence >= inner.sent_before) {
            journal.floor = Some(commit.to_string());
        }
        journal.batches.retain(|one| !one.contains(sequence));
        let written = inner.write(&self.dir, journal);
        self.leave(inner, sequences, written)
    }

    /// Waits until nothing waits, or nobody takes archives any more: then `false`.
    pub fn wait_until_drained(&self) -> bool {
        let mut inner = self.inner.lock();
        let is_busy = |inner: &mut Inner| !inner.waiting.is_empty() && !inner.closed && inner.trouble.is_none();
        self.changed.wait_while(&mut inner, is_busy);
        inner.waiting.is_empty()
    }

    fn leave(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        sequences: &RangeInclusive<u64>,
        written: Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        written?;
        let from = inner
            .waiting
            .partition_point(|one| one.name.sequence < *sequences.start());
        let to = inner
            .waiting
            .partition_point(|one| one.name.sequence <= *sequences.end());
        let gone: Vec<Waiting> = inner.waiting.drain(from..to.max(from)).collect();
        inner.bytes -= gone.iter().map(Waiting::counted).sum::<u64>();
        drop(inner);
        self.changed.notify_all();
        // Not synced: a file that comes back after a crash is known as finished by its number, unless it was given up.
        gone.iter().try_for_each(|waiting| {
            let path = self.path(&waiting.name);
            fs::remove_file(&path).map_err(|error| SpoolError::io("remove", path, error))
        })?;
        files::reserve(&self.dir);
        Ok(())
    }

    /// Reports that the spool cannot be used any more to whoever asks for the next archive.
    pub fn fail(&self, trouble: SpoolError) {
        self.inner.lock().trouble.get_or_insert(trouble);
        self.changed.notify_all();
    }

    fn set_aside(&self, name: &Name, reason: &str) -> Result<(), SpoolError> {
        let mut inner = self.inner.lock();
        let mut journal = inner.journal.clone();
        // Before the file goes that shows it.
        journal.accepted = inner.accepted();
        journal.messages = inner.messages;
        journal.set_aside.insert(name.sequence);
        inner.write(&self.dir, journal)?;
        let path = files::set_aside(&self.dir, name)?;
        let place = inner.waiting.iter().position(|one| one.name == *name);
        if let Some(waiting) = place.and_then(|place| inner.waiting.remove(place)) {
            inner.bytes -= waiting.counted();
        }
        let reason = format!("{reason}; have the producer make its data again");
        inner.damaged.push(Damaged { path, reason });
        drop(inner);
        self.changed.notify_all();
        Ok(())
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.dir.join(WAITING).join(name.to_string())
    }
}

/// Whoever takes archives in is still there. Without it a panic there would leave the other side waiting for ever.
pub struct TakingIn(Arc<Spool>);

impl Drop for TakingIn {
    fn drop(&mut self) {
        self.0.end();
    }
}

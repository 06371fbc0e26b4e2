//! Files leave while their archive is still being read: in parts, as file sets, on a thread of its own.
//!
//! Nobody sees a file set before it is in a commit. So an archive that comes slowly need not wait for its end to be
//! sent, and nothing is promised earlier than otherwise: `StartCommit` comes after the archive's end was seen and its
//! digest is known, and a torn archive's file sets are added to nothing. They expire.
//!
//! | | |
//! |---|---|
//! | which archives | those that memory does not hold, once the destination was looked at; not one that an earlier run has committed |
//! | which files | plain ones; deletions, links and sparse files are sent at the end |
//! | a part | 32 MiB that have come whole: no call waits for a producer; halved where the server takes less |
//! | a fault | is tried again as any other; when that is over, the rest waits for the archive's end, and then for its own tries |
//! | the end | what is missing is sent, then all is one file set: deletions, what went early, the rest (recordings 303 to 308) |
//! | two entries of one path | the later part deletes the earlier one's bytes, as `AddFileSet` does with what a commit has (recordings 311, 312); appending, the archive is sent anew, whole |
//! | a file that is none in the end | as where a link to a directory takes its place: the archive is sent anew, whole |
//! | a file set that has expired | the archive is sent anew, whole: its bytes are still held |
//!
//! What is sent early is held as everything else is, so that all of it can be repeated. Unless there is a limit on
//! that: then an archive of any size passes through, and what came waits until what came before is sent. What would
//! need bytes that were let go is an error: a link to them, an archive that would have to be sent anew.
//!
//! Memory: 16 bytes a file that was sent, and of those that were not the path and 56 bytes; one piece of a file.

mod arriving;

use std::collections::{HashSet, VecDeque};
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::context::Context;
use super::error::{DeliveryError, LetGo};
use super::keep_alive::TIME_TO_LIVE;
use super::parts::{Cursor, Load, PartChanges, SMALLEST_PART, part_end};
use super::ready::Ready;
use super::retry::UnknownAnswers;
use super::write_mode::WriteMode;
use parking_lot::{Condvar, Mutex};
use spoutctl_archive::{EntryKey, File, ReadAt};
use spoutctl_core::fault::{Fault, FaultKind};

use arriving::{Arrived, Part};
pub(super) use arriving::{Arriving, Sent};

/// Bytes of files in one part: 32 MiB. What has come when the archive ends and is not sent yet is at most about this.
pub const EARLY_PART: u64 = 32 << 20;
/// So many file sets become one, so that there are few to be renewed however large the archive is.
const TOGETHER: usize = 16;

/// Where the side that reads archives and the one that sends them meet.
#[derive(Clone)]
pub struct Early(Arc<Shared>);

struct Shared {
    /// Bytes of one part.
    part: u64,
    /// What was sent is let go past so many bytes.
    limit: Option<u64>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Oldest first.
    archives: VecDeque<Arc<Arriving>>,
    closed: bool,
    /// Why no more of the archive of this number could be sent.
    failure: Option<(u64, DeliveryError)>,
}

impl Default for Early {
    fn default() -> Self {
        Self::new(EARLY_PART, None)
    }
}

impl Early {
    /// Parts of `part` bytes leave early. Past `limit` what was sent is let go; without one it is held until it is in a
    /// commit.
    pub fn new(part: u64, limit: Option<u64>) -> Self {
        Self(Arc::new(Shared {
            part,
            limit,
            state: Mutex::default(),
            changed: Condvar::new(),
        }))
    }

    /// What was sent is let go past so many bytes.
    pub fn limit(&self) -> Option<u64> {
        self.0.limit
    }

    pub(super) fn part(&self) -> u64 {
        self.0.part
    }

    /// Why no more of the archive could be sent, where that kept it from being read on.
    pub(super) fn take_failure(&self, number: u64) -> Option<DeliveryError> {
        let failure = self.0.state.lock().failure.take();
        failure
            .filter(|(archive, _)| *archive == number)
            .map(|(_, error)| error)
    }

    /// An archive of which parts may be sent from now on.
    pub(super) fn begin(&self, archive: &Arc<Arriving>) {
        let mut state = self.0.state.lock();
        if state.closed {
            archive.end();
            return;
        }
        // One is read while the one before is delivered; all others are settled.
        let number = archive.number;
        state.archives.retain(|earlier| earlier.number + 1 >= number);
        state.archives.push_back(Arc::clone(archive));
        self.0.changed.notify_all();
    }

    /// What was sent of the archive, which is complete: waits for a call that is on its way.
    pub(super) fn claim(&self, number: u64) -> Option<Sent> {
        let mut state = self.0.state.lock();
        let found = state.archives.iter().find(|archive| archive.number == number).cloned();
        state.archives.retain(|archive| archive.number > number);
        drop(state);
        found?.claim()
    }

    /// Waits until everything that has come of the newest archive was sent, as far as it fills parts.
    #[cfg(test)]
    pub(super) fn wait_until_idle(&self) {
        let newest = self.0.state.lock().archives.back().cloned();
        if let Some(archive) = newest {
            archive.wait_until_idle();
        }
    }

    /// No commit will be made of the archive.
    pub(super) fn forget(&self, number: u64) {
        self.0.state.lock().archives.retain(|archive| archive.number > number);
    }

    /// Nothing more is sent early.
    fn close(&self) {
        let mut state = self.0.state.lock();
        state.closed = true;
        state.archives.drain(..).for_each(|archive| archive.end());
        self.0.changed.notify_all();
    }

    /// The next archive of which nothing was looked at; `None` once it is closed.
    fn next(&self) -> Option<Arc<Arriving>> {
        let mut state = self.0.state.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(archive) = state.archives.iter().find(|archive| archive.look()) {
                return Some(Arc::clone(archive));
            }
            self.0.changed.wait(&mut state);
        }
    }
}

/// Nothing is sent early once this is dropped.
pub(super) struct Sending<'a>(pub &'a Early);

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Sends parts on a thread of its own.
pub(super) struct EarlySender {
    pub context: Context,
    pub mode: WriteMode,
    /// Archives that an earlier run has committed, by their numbers in this run.
    pub known: Vec<RangeInclusive<u64>>,
}

/// The archives that an earlier run has committed, by their numbers in this run.
pub(super) fn known(ready: &Ready) -> Vec<RangeInclusive<u64>> {
    let here = ready.known.range(ready.newest.saturating_add(1)..);
    here.map(|(last, known)| known.first.saturating_sub(ready.newest)..=last - ready.newest)
        .collect()
}

impl EarlySender {
    pub fn start(self, early: &Early) -> Sending<'_> {
        let shared = early.clone();
        std::thread::spawn(move || {
            while let Some(archive) = shared.next() {
                if self.known.iter().any(|known| known.contains(&archive.number)) {
                    archive.pass(u64::MAX);
                } else if let Err(error) = self.send(&archive, shared.0.part) {
                    shared.0.state.lock().failure = Some((archive.number, error));
                }
                archive.end();
            }
        });
        Sending(early)
    }

    /// Sends parts of the archive until it is complete, or that is over for another reason.
    ///
    /// # Errors
    /// Why no more could be sent. Where the bytes are held this is met again, and told, when the archive is complete.
    fn send(&self, archive: &Arc<Arriving>, part: u64) -> Result<(), DeliveryError> {
        let number = archive.number;
        let has_file_sets = self.context.sink.has_file_sets();
        if !has_file_sets.map_err(|fault| DeliveryError::from_fault(number, fault))? {
            let fault = Fault::new(FaultKind::Refused, "it has no file sets, which --hold-limit needs");
            return Err(DeliveryError::from_fault(number, fault));
        }
        let mut budget = self.context.retry_budget();
        let mut unknown = UnknownAnswers::default();
        let mut window = Window::default();
        let mut limit = part;
        while window.wait(archive, limit) && !self.context.interrupt.is_raised() {
            let fault = match self.part(archive, &mut window, limit) {
                Ok(()) => {
                    budget.reset();
                    continue;
                }
                Err(fault) => fault,
            };
            if fault.kind == FaultKind::TooLarge && limit > SMALLEST_PART {
                limit /= 2;
                continue;
            }
            if fault.kind == FaultKind::FileSetGone {
                return Err(DeliveryError::LetGo {
                    archive: number,
                    why: LetGo::Expired,
                });
            }
            if !fault.is_passing() || unknown.too_often(&fault) {
                return Err(DeliveryError::from_fault(number, fault));
            }
            self.context.observer.retrying(&fault);
            let waited = budget.wait(fault.retry_after);
            waited.map_err(|end| DeliveryError::exhausted(end, fault))?;
        }
        Ok(())
    }

    /// Sends one part, and has several become one where there are enough.
    fn part(&self, archive: &Arc<Arriving>, window: &mut Window, limit: u64) -> Result<(), Fault> {
        let Some(source) = archive.source() else { return Ok(()) };
        let load = window.load(source.as_ref(), limit);
        let start = load.start();
        let (end, bytes) = part_end(&load, start, limit);
        let end = load.settle(end);
        if end != start {
            // Not one that nobody would take over.
            let Some(call) = archive.call() else { return Ok(()) };
            let mut changes = PartChanges::new(&load, self.mode, &self.context, start, end);
            let id = self.context.sink.create_file_set(&mut changes)?;
            call.add(&self.context.sink, id, load.sent(end), bytes);
            self.context.observer.sent_early(archive.number, bytes);
        }
        let (picked, available) = (load.picked, load.available);
        window.pass(&picked, available, end);
        archive.pass(window.passed);
        let Some(call) = archive.call() else { return Ok(()) };
        call.compose(TOGETHER, |ids| self.context.sink.compose_file_set(ids, TIME_TO_LIVE))
    }
}

/// The files that have come and are not sent.
#[derive(Default)]
struct Window {
    files: VecDeque<Arrived>,
    /// So much of the first one is sent.
    offset: u64,
    /// Bytes of the archive that have come.
    available: u64,
    /// Bytes of the archive of which nothing is to be sent any more.
    passed: u64,
}

impl Window {
    /// Waits until a part of so many bytes has come whole; `false` when nothing more is to be sent early.
    fn wait(&mut self, archive: &Arriving, limit: u64) -> bool {
        let Some((files, available)) = archive.wait_for(self.passed + limit) else {
            return false;
        };
        self.files.extend(files);
        self.available = available;
        true
    }

    /// What lies in the next so many bytes of the archive. Of entries of one path only the last one is sent.
    fn load<'a>(&'a self, source: &'a (dyn ReadAt + Send + Sync), limit: u64) -> Section<'a> {
        let available = self.available.min(self.passed + limit);
        let has_come = |file: &&Arrived| file.data + file.size.min(1) <= available;
        let count = self.files.iter().take_while(has_come).count();
        let mut paths = HashSet::new();
        let last_of_path = |at: &usize| self.files.get(*at).is_some_and(|file| paths.insert(file.path.as_str()));
        let mut picked: Vec<usize> = (0..count).rev().filter(last_of_path).collect();
        picked.reverse();
        Section {
            files: &self.files,
            offset: self.offset,
            picked,
            available,
            source,
        }
    }

    /// What lies before `end` of the section that was picked is sent, or need not be.
    fn pass(&mut self, picked: &[usize], available: u64, end: Cursor) {
        if let Some(first) = picked.get(end.file) {
            self.files.drain(..*first);
            self.offset = end.offset;
            self.passed = self.files.front().map_or(available, |file| file.data + self.offset);
            return;
        }
        while self
            .files
            .front()
            .is_some_and(|file| file.data + file.size.min(1) <= available)
        {
            self.files.pop_front();
        }
        (self.offset, self.passed) = (0, available);
    }
}

/// What can be sent now.
struct Section<'a> {
    files: &'a VecDeque<Arrived>,
    /// So much of the first one is sent.
    offset: u64,
    /// Those that no later one takes the place of.
    picked: Vec<usize>,
    /// It ends here, counted from the archive's start.
    available: u64,
    source: &'a (dyn ReadAt + Send + Sync),
}

impl Section<'_> {
    fn at(&self, number: usize) -> Option<&Arrived> {
        self.files.get(*self.picked.get(number)?)
    }

    /// Bytes of the file that have come.
    fn came(&self, file: &Arrived) -> u64 {
        file.size.min(self.available - file.data)
    }

    /// Whether the first file, which is sent in part, goes on. Otherwise another one took its place.
    fn goes_on(&self) -> bool {
        self.offset > 0 && self.picked.first() == Some(&0)
    }

    fn start(&self) -> Cursor {
        Cursor {
            offset: if self.goes_on() { self.offset } else { 0 },
            ..Cursor::default()
        }
    }

    /// A file of which not all has come goes on in the next part.
    fn settle(&self, end: Cursor) -> Cursor {
        let last = end.file.checked_sub(1).filter(|_| end.offset == 0);
        let begun = last.and_then(|last| Some((last, self.at(last)?)));
        match begun {
            Some((last, file)) if self.came(file) < file.size => Cursor {
                file: last,
                offset: self.came(file),
                ..end
            },
            _ => end,
        }
    }

    /// What has been sent once everything before `end` is.
    fn sent(&self, end: Cursor) -> Part {
        let mut whole: Vec<EntryKey> = (0..end.file).filter_map(|number| Some(self.at(number)?.key)).collect();
        if self.offset > 0 && !self.goes_on() {
            // It counts no more, and its bytes are there.
            whole.extend(self.files.front().map(|file| file.key));
        }
        let begun = self.at(end.file).filter(|_| end.offset > 0);
        Part {
            whole,
            begun: begun.map(|file| (file.key, end.offset)),
        }
    }
}

impl Load for Section<'_> {
    fn file(&self, number: usize) -> Option<File<'_>> {
        self.at(number).map(|file| File {
            path: &file.path,
            size: self.came(file),
        })
    }

    fn read(&self, number: usize, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let file = self.at(number).ok_or(io::ErrorKind::NotFound)?;
        self.source.read_exact_at(buffer, file.data + offset)
    }
}

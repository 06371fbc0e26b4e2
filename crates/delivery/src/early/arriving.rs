//! An archive that is still being read, as far as it has come; and what was sent of it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::CommitSink;
use crate::keep_alive::KeepAlive;
use parking_lot::{Condvar, Mutex};
use spoutctl_archive::{EntryKey, NextFile, ReadAt};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::FileSetId;

/// A file whose header has come.
pub(in crate::early) struct Arrived {
    pub path: String,
    pub size: u64,
    /// Where its bytes start, counted from the archive's start.
    pub data: u64,
    pub key: EntryKey,
}

/// An archive that is being read.
pub(crate) struct Arriving {
    pub number: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Those that were not taken yet.
    files: VecDeque<Arrived>,
    /// Bytes of the archive that can be read from `source`.
    available: u64,
    source: Option<Arc<dyn ReadAt + Send + Sync>>,
    /// Of so many bytes of the archive nothing is to be sent any more.
    passed: u64,
    /// So many are waited for, while somebody waits.
    wanted: Option<u64>,
    /// Somebody sends parts of it, or did.
    looked_at: bool,
    /// Nothing more of it is sent early.
    over: bool,
    /// A call is on its way.
    calling: bool,
    sent: Option<Sent>,
}

impl Arriving {
    pub fn new(number: u64) -> Self {
        Self {
            number,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// The header of a file has come.
    pub fn file(&self, file: &NextFile<'_>) {
        let mut state = self.state.lock();
        if !state.over {
            state.files.push_back(Arrived {
                path: file.path.to_owned(),
                size: file.size,
                data: file.data,
                key: file.key,
            });
        }
    }

    /// Where the archive's bytes can be read.
    pub fn held_in(&self, source: Arc<dyn ReadAt + Send + Sync>) {
        self.state.lock().source = Some(source);
    }

    /// So many bytes of the archive can be read.
    pub fn reached(&self, available: u64) {
        let mut state = self.state.lock();
        state.available = available;
        if state.wanted.is_some_and(|wanted| available >= wanted) {
            self.changed.notify_all();
        }
    }

    /// Of so many bytes of the archive nothing is to be sent any more.
    pub(in crate::early) fn pass(&self, passed: u64) {
        self.state.lock().passed = passed;
        self.changed.notify_all();
    }

    /// Waits until `pass` was told of so many bytes, and answers of how many.
    ///
    /// # Errors
    /// When it will not be.
    pub fn wait_until_passed(&self, wanted: u64) -> io::Result<u64> {
        let mut state = self.state.lock();
        loop {
            if state.passed >= wanted {
                return Ok(state.passed);
            }
            if state.over {
                return Err(io::Error::other(
                    "what came cannot be sent, and more than --hold-limit is not held",
                ));
            }
            self.changed.wait(&mut state);
        }
    }

    /// Nothing more of it is sent early; what was sent stays until it is claimed.
    pub fn end(&self) {
        let mut state = self.state.lock();
        state.over = true;
        state.files = VecDeque::new();
        self.changed.notify_all();
    }

    /// The archive has no end: what was sent of it is nothing.
    pub fn tear(&self) {
        self.end();
        self.state.lock().sent = None;
    }

    /// Whether nobody has looked at it before.
    pub(in crate::early) fn look(&self) -> bool {
        let mut state = self.state.lock();
        !state.over && !std::mem::replace(&mut state.looked_at, true)
    }

    pub(in crate::early) fn source(&self) -> Option<Arc<dyn ReadAt + Send + Sync>> {
        self.state.lock().source.clone()
    }

    /// Waits until so many bytes have come: the files that have come since, and how many bytes. `None` when nothing
    /// more is to be sent early.
    pub(in crate::early) fn wait_for(&self, wanted: u64) -> Option<(VecDeque<Arrived>, u64)> {
        let mut state = self.state.lock();
        state.wanted = Some(wanted);
        while !state.over && state.available < wanted {
            #[cfg(test)]
            self.changed.notify_all();
            self.changed.wait(&mut state);
        }
        state.wanted = None;
        (!state.over).then(|| (std::mem::take(&mut state.files), state.available))
    }

    /// Waits until everything that has come was sent, as far as it fills parts.
    #[cfg(test)]
    pub(in crate::early) fn wait_until_idle(&self) {
        let mut state = self.state.lock();
        while !state.over && state.wanted.is_none_or(|wanted| state.available >= wanted) {
            self.changed.wait(&mut state);
        }
    }

    /// A call of which whoever claims the archive has to wait for the end.
    pub(in crate::early) fn call(&self) -> Option<Call<'_>> {
        let mut state = self.state.lock();
        if state.over {
            return None;
        }
        state.calling = true;
        Some(Call(self))
    }

    /// What was sent, once no call is on its way any more. Nothing is sent afterwards.
    pub(in crate::early) fn claim(&self) -> Option<Sent> {
        self.end();
        let mut state = self.state.lock();
        while state.calling {
            self.changed.wait(&mut state);
        }
        state.sent.take()
    }
}

/// A call is on its way until this is dropped.
pub(in crate::early) struct Call<'a>(&'a Arriving);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.state.lock().calling = false;
        self.0.changed.notify_all();
    }
}

/// Entries of the archive that are in a part.
pub(in crate::early) struct Part {
    /// Those that are there whole.
    pub whole: Vec<EntryKey>,
    /// One of which so many bytes are there.
    pub begun: Option<(EntryKey, u64)>,
}

impl Call<'_> {
    /// A part is there, as this file set.
    pub fn add(&self, sink: &Arc<dyn CommitSink>, id: FileSetId, part: Part, bytes: u64) {
        let mut state = self.0.state.lock();
        let sent = state.sent.get_or_insert_with(|| Sent {
            file_sets: Vec::new(),
            whole: Vec::new(),
            begun: None,
            bytes: 0,
            keep_alive: KeepAlive::start(Arc::clone(sink)),
        });
        sent.file_sets.push((0, id));
        sent.whole.extend(part.whole);
        sent.begun = part.begun;
        sent.bytes += bytes;
        sent.keep_alive.set(&sent.file_sets());
    }

    /// Has the newest file sets become one where there are so many of them, and that with others like it.
    pub fn compose(
        &self,
        together: usize,
        compose: impl Fn(&[FileSetId]) -> Result<FileSetId, Fault>,
    ) -> Result<(), Fault> {
        loop {
            let newest = self.0.state.lock().sent.as_ref().and_then(|sent| sent.newest(together));
            let Some((at, ids)) = newest else { return Ok(()) };
            let composed = compose(&ids);
            let mut state = self.0.state.lock();
            match composed {
                Ok(id) => {
                    if let Some(sent) = &mut state.sent {
                        let level = sent.file_sets.get(at).map_or(0, |(level, _)| *level);
                        sent.file_sets.truncate(at);
                        sent.file_sets.push((level + 1, id));
                        sent.keep_alive.set(&sent.file_sets());
                    }
                }
                Err(fault) => {
                    if fault.kind == FaultKind::FileSetGone {
                        // All of it is sent when the archive is complete.
                        state.sent = None;
                        state.over = true;
                    }
                    return Err(fault);
                }
            }
        }
    }
}

/// What was sent of an archive. Its file sets are renewed for as long as this lives.
pub(crate) struct Sent {
    /// In the order of the archive; how often each was composed.
    file_sets: Vec<(u32, FileSetId)>,
    whole: Vec<EntryKey>,
    begun: Option<(EntryKey, u64)>,
    bytes: u64,
    keep_alive: KeepAlive,
}

impl Sent {
    pub fn file_sets(&self) -> Vec<FileSetId> {
        self.file_sets.iter().map(|(_, id)| id.clone()).collect()
    }

    /// Entries that are there whole, in the order of the archive.
    pub fn whole(&self) -> &[EntryKey] {
        &self.whole
    }

    /// The entry of which so many bytes are there.
    pub fn begun(&self) -> Option<(EntryKey, u64)> {
        self.begun
    }

    /// Bytes of files that are there.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The newest file sets of one level, and where they begin, where there are so many.
    fn newest(&self, together: usize) -> Option<(usize, Vec<FileSetId>)> {
        let level = self.file_sets.last()?.0;
        let same = self
            .file_sets
            .iter()
            .rev()
            .take_while(|(other, _)| *other == level)
            .count();
        let at = self.file_sets.len() - same;
        (same >= together).then(|| (at, self.file_sets()[at..].to_vec()))
    }
}

//! The archives of one stream: each gets its number and its mark, what an earlier run has committed is skipped, and
//! what one has left open is settled.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Receiver;

use super::batching::{Batcher, Hand, Until};
use super::committing::{Committer, GivenUp, Job, LateFinish, Outcome, open_head};
use super::error::DeliveryError;
use super::finishing::Closed;
use super::mark::{Mark, Stage, StreamName};
use super::options::Options;
use super::preflight::DISORDER;
use super::quarantine::Quarantine;
use super::ready::{Known, LeftOpen, Placed, Ready};
use super::settled::{Receipt, Settled};
use super::spill::SpillBuffers;
use super::write_mode::WriteMode;
use spoutctl_archive::{ASIDES, Archive, ContentError, Files, PositionMap, SamePath};
use spoutctl_core::pfs::{Commit, CommitId};

pub(super) struct Stream<'a> {
    committer: Committer<'a>,
    options: &'a Options,
    name: StreamName,
    /// The newest number that this run has started a commit for.
    last: u64,
    /// Added to an archive's number in this run: its number in the stream.
    before: u64,
    ready: Ready,
    batcher: Batcher<'a>,
}

impl<'a> Stream<'a> {
    /// `buffers` is where the archives of a batch are held together.
    pub fn new(committer: Committer<'a>, buffers: &'a SpillBuffers, options: &'a Options, ready: Ready) -> Self {
        Self {
            committer,
            options,
            name: options.stream.clone().unwrap_or_else(StreamName::random),
            last: 0,
            before: ready.newest,
            ready,
            batcher: Batcher {
                batching: options.batching,
                same_path: match options.mode {
                    WriteMode::Overwrite => SamePath::Replaces,
                    WriteMode::Append => SamePath::Follows,
                },
                buffers: (!options.dry_run).then_some(buffers),
                hand: None,
            },
        }
    }

    /// Closed when an archive has failed that was handed over before.
    pub fn earlier_failed(&self) -> &Receiver<()> {
        self.committer.finisher.failed()
    }

    /// An open head of ours from an earlier run is given up: nobody goes on with it, since whoever had it before may
    /// have dropped it. It would block the branch for everybody.
    pub fn begin(&mut self) -> Result<(), DeliveryError> {
        if !self.options.dry_run {
            for left in std::mem::take(&mut self.ready.left_open) {
                self.give_up_left_open(left)?;
            }
        }
        if self.options.has_positions {
            let positions = self.newest_positions()?;
            self.committer.context.observer.placed(positions.as_ref());
        }
        Ok(())
    }

    /// Where the source goes on: behind the newest commit that is finished without an error. One that
    /// pachd still works on is waited for; with an error it counts for nothing.
    fn newest_positions(&mut self) -> Result<Option<PositionMap>, DeliveryError> {
        for placed in std::mem::take(&mut self.ready.placed) {
            // A dry run only looks.
            if placed.is_finished || self.options.dry_run {
                return Ok(Some(placed.positions));
            }
            match self.committer.context.until_finished(&placed.commit, placed.sequence) {
                Ok(_) => return Ok(Some(placed.positions)),
                Err(DeliveryError::FinishedWithError { .. } | DeliveryError::Dropped { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Whether what was published last is still there.
    pub fn check_published(&self) -> Result<(), DeliveryError> {
        self.committer.check_published(self.last)
    }

    /// A `StartCommit` of this run whose answer was lost, and which arrived after its archive was committed by another,
    /// is given up, too.
    pub fn end(&self) {
        if self.committer.lost_starts {
            // What cannot be given up now stays in the ledger.
            let _ = self.give_up_late_start();
        }
    }

    fn give_up_left_open(&mut self, left: LeftOpen) -> Result<(), DeliveryError> {
        let commit = left.commit;
        self.committer.ledger.open(&commit);
        let note = format!("commit {commit} was left open by an earlier run of this stream: it is given up");
        self.committer.context.observer.note(&note);
        let mark = left.mark;
        let given_up = self
            .committer
            .give_up(mark.sequence, &mark, &commit, LateFinish::Possible)?;
        // The earlier run's own call came first, with whole data: its archive may come yet, and is there already.
        // One that is staged only counts for nothing.
        if given_up == GivenUp::Finished && commit.branch == self.options.branch.name {
            let Some(info) = self.committer.inspect(mark.sequence, &commit)? else {
                return Ok(());
            };
            // Somebody else's leaves the mark as it was, and then nobody knows what is in it.
            if Mark::of(&info).is_none_or(|found| found != mark.at(Stage::Done)) {
                return Ok(());
            }
            // It is newer than what was found before.
            if let Some(placed) = Placed::of(&mark, &info) {
                self.ready.placed.insert(0, placed);
            }
            let known = Known {
                first: mark.first,
                digest: mark.digest,
                commit,
                finished: None,
            };
            self.ready.known.insert(mark.sequence, known);
        }
        Ok(())
    }

    fn give_up_late_start(&self) -> Result<(), DeliveryError> {
        let Ok(head) = open_head(self.committer.context.sink.as_ref(), self.committer.branch) else {
            self.committer.ledger.start_lost(self.committer.branch);
            return Ok(());
        };
        self.committer.ledger.start_found();
        let Some(head) = head else { return Ok(()) };
        let late = Mark::of(&head).filter(|mark| mark.stream == self.name && mark.sequence <= self.last);
        let Some(mark) = late else { return Ok(()) };
        let commit = head.commit;
        self.committer.ledger.open(&commit);
        self.committer
            .give_up(mark.sequence, &mark, &commit, LateFinish::Possible)
            .map(|_| ())
    }

    /// Takes an archive that can be stored, and delivers the batch that is complete before it or with it. It breaks
    /// when an earlier one has failed.
    pub fn take(&mut self, archive: Box<Archive>) -> Result<ControlFlow<()>, DeliveryError> {
        let number = archive.number;
        let until = self.until(number);
        if self.batcher.ends_before(&archive, until, self.now()) && self.close_batch()?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let added = self.batcher.add(archive, until, self.now());
        if added.map_err(|error| DeliveryError::Held { archive: number, error })? {
            return self.close_batch();
        }
        Ok(ControlFlow::Continue(()))
    }

    fn now(&self) -> Instant {
        self.committer.context.clock.now()
    }

    /// A channel with a word in it when there may be room that was not there before.
    pub fn progress(&self) -> &Receiver<()> {
        self.committer.finisher.progress()
    }

    /// Whether a commit that is begun now would not wait for an earlier one.
    pub fn has_room(&self) -> bool {
        self.committer.finisher.has_room(self.committer.in_flight)
    }

    /// Delivers what waits for nothing but room, now that there is some. Where nothing does, it is said that an archive
    /// would go at once.
    pub fn use_room(&mut self) -> Result<ControlFlow<()>, DeliveryError> {
        if self.batcher.waits_for_room() {
            return self.close_batch();
        }
        if self.batcher.hand.is_none() {
            self.committer.context.observer.wanted();
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Answers when the batch in hand has waited long enough.
    pub fn batch_due(&self) -> Receiver<Instant> {
        self.batcher.due(self.now())
    }

    /// Which batch an archive belongs to.
    fn until(&self, number: u64) -> Until {
        let sequence = self.before.saturating_add(number);
        let planned = self.options.spooled.iter().flat_map(|spooled| &spooled.planned);
        let last_waiting = planned
            .filter(|planned| (planned.first..=planned.last).contains(&number))
            .map(|planned| planned.last_waiting)
            .next();
        let known = self.ready.known.range(sequence..).next();
        match (known.filter(|(_, known)| known.first <= sequence), last_waiting) {
            (Some((key, _)), last) => Until::Known {
                key: *key,
                last: last.unwrap_or(key.saturating_sub(self.before)),
            },
            (None, Some(last)) => Until::Planned(last),
            (None, None) => Until::Bounds,
        }
    }

    /// Delivers what is in hand, if there is anything.
    pub fn close_batch(&mut self) -> Result<ControlFlow<()>, DeliveryError> {
        let Some(Hand { archives, until, .. }) = self.batcher.hand.take() else {
            return Ok(ControlFlow::Continue(()));
        };
        let number = archives.last().unwrap_or_default();
        let archive = archives.finish();
        let archive = archive.map_err(|error| DeliveryError::Held { archive: number, error })?;
        let Some(archive) = archive else {
            return Ok(ControlFlow::Continue(()));
        };
        let known = match until {
            Until::Known { key, .. } => self.ready.known.remove(&key).map(|known| (key, known)),
            Until::Planned(_) | Until::Bounds => None,
        };
        match (&archive.contents, known) {
            (Ok(files), Some((key, known))) => self.known(key, known, &archive, files),
            (Ok(files), None) => self.archive(&archive, files),
            (Err(error), _) => Err(Box::new(error.clone()).into()),
        }
    }

    /// Nothing more comes for now. What is in hand goes, but for the beginning of a batch that an earlier run has made
    /// of more: it comes again.
    pub fn leave(&mut self) -> Result<(), DeliveryError> {
        self.batcher.hand.take_if(|hand| !hand.is_whole());
        self.close_batch().map(drop)
    }

    fn mark(&self, archive: &Archive) -> Mark {
        let numbers = archive.numbers();
        Mark {
            stream: self.name.clone(),
            first: self.before.saturating_add(*numbers.start()),
            sequence: self.before.saturating_add(*numbers.end()),
            digest: archive.digest,
            messages: archive.label.messages.filter(|_| self.options.counts_messages),
            positions: archive.label.positions.clone().filter(|_| self.options.has_positions),
            has_asides: self.options.asides_have_a_repo && has_asides(archive),
            stage: Stage::Started,
        }
    }

    /// Makes a commit. It breaks when an earlier one has failed.
    fn archive(&mut self, archive: &Archive, files: &Files) -> Result<ControlFlow<()>, DeliveryError> {
        if files.change_nothing() {
            return self.empty(archive);
        }
        let mark = self.mark(archive);
        self.check_gap(&mark, archive)?;
        if self.options.dry_run {
            self.committer.context.observer.would_commit(archive, files);
            return Ok(ControlFlow::Continue(()));
        }
        self.last = mark.sequence;
        if archive.batch.is_some() {
            self.committer.context.observer.forming(archive.numbers())?;
        }
        let receipt = self.receipt(archive, files);
        match self.committer.commit(&Job { archive, files, mark })? {
            Outcome::Abandoned => Ok(ControlFlow::Break(())),
            Outcome::Closed(commit) => {
                self.committer.floor = vec![commit.id.clone()];
                self.hand_over(commit, receipt);
                Ok(ControlFlow::Continue(()))
            }
        }
    }

    /// Has an archive of which no commit can be made committed in another repo, in order.
    pub fn commit_aside(&mut self, archive: Archive) -> Result<ControlFlow<()>, DeliveryError> {
        self.committer.context.observer.note_refused(&archive);
        if self.take(Box::new(archive))?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        // Nothing else is in that commit.
        self.close_batch()
    }

    /// Sets an archive aside of which no commit can be made. In order: not before those that still wait.
    pub fn quarantine(
        &self,
        archive: &Archive,
        reason: &ContentError,
        quarantine: &Quarantine,
    ) -> Result<ControlFlow<()>, DeliveryError> {
        if self.committer.wait_for_all()?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let kept = quarantine.keep(archive, reason);
        let file = kept.map_err(|error| DeliveryError::Quarantine {
            archive: archive.number,
            error,
        })?;
        self.settled(&Settled::Quarantined(archive, &file))?;
        Ok(ControlFlow::Continue(()))
    }

    /// Leaves an archive out of which no commit can be made. In order: not before those that still wait.
    pub fn skip(&self, archive: &Archive) -> Result<ControlFlow<()>, DeliveryError> {
        if self.committer.wait_for_all()?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        self.settled(&Settled::Skipped(archive))?;
        Ok(ControlFlow::Continue(()))
    }

    /// In order: not before those that still wait.
    fn empty(&self, archive: &Archive) -> Result<ControlFlow<()>, DeliveryError> {
        if self.committer.wait_for_all()?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        self.settled(&Settled::Empty(archive))?;
        Ok(ControlFlow::Continue(()))
    }

    fn hand_over(&self, commit: Commit, receipt: Receipt) {
        self.committer.ledger.closed(&commit);
        let receipt = Receipt {
            commit: Some(commit.id.clone()),
            ..receipt
        };
        self.committer.finisher.push(Closed { commit, receipt });
    }

    /// With several commits in flight one in the middle may have failed. Whoever resumes with that flag wants it after
    /// the others; nobody else expects an older archive to overwrite a newer one.
    fn check_gap(&self, mark: &Mark, archive: &Archive) -> Result<(), DeliveryError> {
        if mark.first > self.ready.greatest_known {
            return Ok(());
        }
        // `squash` leaves so many of the newest, and more, that what it took is never taken for what failed.
        let mut later = self.ready.known.range(mark.sequence.saturating_add(1)..);
        if later.nth(DISORDER - 1).is_some() {
            return Err(DeliveryError::Squashed {
                archive: archive.number,
                stream: self.name.to_string(),
                newest: self.ready.greatest_known,
            });
        }
        if self.options.in_flight <= 1 {
            return Err(DeliveryError::Gap {
                archive: archive.number,
                stream: self.name.to_string(),
            });
        }
        let number = archive.number;
        self.committer
            .context
            .observer
            .note(&format!("archive {number} is committed after later ones of its stream"));
        Ok(())
    }

    /// What an earlier run has committed, by the number of its last archive.
    fn known(
        &self,
        key: u64,
        known: Known,
        archive: &Archive,
        files: &Files,
    ) -> Result<ControlFlow<()>, DeliveryError> {
        let mut receipt = self.receipt(archive, files);
        let mark = self.mark(archive);
        let commit = known.commit;
        let are_all = (mark.first, mark.sequence) == (known.first, key)
            && archive
                .batch
                .as_ref()
                .is_none_or(|batch| batch.count == key - known.first + 1);
        // A spool gives a number once, and somebody may have taken an archive out of it.
        if self.options.spooled.is_none() && !are_all {
            return Err(DeliveryError::Incomplete {
                archive: archive.number,
                stream: mark.stream.to_string(),
                first: known.first,
                last: key,
                commit,
            });
        }
        if are_all && known.digest != mark.digest {
            return Err(DeliveryError::AnotherArchive {
                archive: receipt.archive,
                stream: mark.stream.to_string(),
                sequence: mark.sequence,
                commit,
            });
        }
        if known.finished.is_none() {
            self.hand_over(commit, receipt);
            return Ok(ControlFlow::Continue(()));
        }
        // In order: not before those that still wait.
        if self.committer.wait_for_all()?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        receipt.commit = Some(commit.id);
        receipt.finished = known.finished;
        self.settled(&Settled::Already(&receipt))?;
        Ok(ControlFlow::Continue(()))
    }

    fn settled(&self, settled: &Settled<'_>) -> Result<(), DeliveryError> {
        let acknowledged = self.committer.context.observer.settled(settled);
        acknowledged.map_err(|error| DeliveryError::unacknowledged(settled, error))
    }

    fn receipt(&self, archive: &Archive, files: &Files) -> Receipt {
        Receipt {
            archive: archive.number,
            batch: archive.batch.clone(),
            input: Arc::clone(&archive.input),
            offset: archive.offset,
            length: archive.length,
            digest: archive.digest,
            label: archive.label.clone(),
            files: files.len(),
            deletions: files.deletions().len(),
            bytes: files.total_bytes(),
            branch: self.committer.target().clone(),
            also: Arc::clone(&self.options.also),
            commit: None::<CommitId>,
            finished: None,
        }
    }
}

/// Whether there are files in it for another repo.
fn has_asides(archive: &Archive) -> bool {
    let is_aside = |path: &str| path.split('/').any(|element| element == ASIDES);
    let files = archive.contents.as_ref();
    files.is_ok_and(|files| files.iter().any(|file| is_aside(file.path)))
}

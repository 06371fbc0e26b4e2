//! A delivery from its first archive to its last: preflight, then one archive after the other, then the end.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvError, never, select};

use super::committing::{Committer, Job, Outcome, open_head};
use super::error::DeliveryError;
use super::finishing::{Closed, Finisher, Wait};
use super::mark::{Mark, Stage, StreamName};
use super::patience::{Clock, Exhausted, Interrupt, Patience};
use super::preflight::{Known, LeftOpen, NotReady, Preflight, Ready};
use super::{CommitSink, Observer, Receipt, WriteMode};
use crate::archive::{Archive, Files};
use crate::pfs::{Branch, Commit, CommitId};

/// What the reading side hands over.
pub enum Incoming {
    Archive(Box<Archive>),
    /// The last thing that comes: the input ended as it should, or with an error.
    End(Result<(), DeliveryError>),
}

/// How archives are to become commits.
#[derive(Debug, Clone)]
pub struct Options {
    pub branch: Branch,
    pub mode: WriteMode,
    pub message: Option<String>,
    pub create_repo: bool,
    /// The stream's name, if its numbers are to go on where an earlier run ended.
    pub stream: Option<StreamName>,
    /// The input is the same as last time.
    pub resume: bool,
    /// The longest time without any success.
    pub retry_for: Duration,
    /// How many commits may wait to be finished before the next one is closed; at least 1.
    pub in_flight: usize,
    pub dry_run: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Complete archives that were taken from the input.
    pub archives: u64,
    /// Archives without a file: no commit was made of them.
    pub empty: u64,
}

/// One delivery.
pub struct Delivery {
    pub sink: Arc<dyn CommitSink>,
    pub observer: Arc<dyn Observer>,
    pub clock: Arc<dyn Clock>,
    pub interrupt: Interrupt,
    pub options: Options,
}

impl Delivery {
    /// Delivers what comes until its end, an error, or an interrupt.
    ///
    /// # Errors
    /// Why it ended before the input did. What was acknowledged before stays.
    pub fn run(&self, incoming: &Receiver<Incoming>) -> (Summary, Result<(), DeliveryError>) {
        let mut summary = Summary::default();
        let mut first = None;
        let result = match self.get_ready(incoming, &mut first) {
            Ok(Some(ready)) => self.deliver(incoming, first, ready, &mut summary),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        (summary, result)
    }

    /// Looks at the destination until it is ready. When it is not at once, the first archive is waited for: an input
    /// that cannot be used is then told at once, not after ten minutes of trying in vain. `None`: nothing will come.
    fn get_ready(
        &self,
        incoming: &Receiver<Incoming>,
        first: &mut Option<Incoming>,
    ) -> Result<Option<Ready>, DeliveryError> {
        let options = &self.options;
        let preflight = Preflight {
            branch: &options.branch,
            create_repo: options.create_repo,
            stream: options.stream.as_ref(),
            resume: options.resume,
            dry_run: options.dry_run,
        };
        let mut patience = Patience::new(self.clock.as_ref(), &self.interrupt, options.retry_for);
        let mut said_busy = false;
        loop {
            let reason = match preflight.look(self.sink.as_ref()) {
                Ok(ready) => return Ok(Some(ready)),
                Err(NotReady::Never(error)) => return Err(error),
                Err(reason) => reason,
            };
            self.say(&reason, &mut said_busy);
            if first.is_none() {
                match self.receive(incoming, &never()) {
                    Ok(Incoming::End(result)) => return result.map(|()| None),
                    Ok(archive) => *first = Some(archive),
                    Err(stop) => return stop.into_result().map(|()| None),
                }
            }
            let asked = if let NotReady::Fault(fault) = &reason {
                fault.retry_after
            } else {
                None
            };
            patience.wait(asked).map_err(|end| self.not_ready(end, reason))?;
        }
    }

    fn say(&self, reason: &NotReady, said_busy: &mut bool) {
        match reason {
            NotReady::Fault(fault) => self.observer.retrying(fault),
            NotReady::Busy(head) if !std::mem::replace(said_busy, true) => self.observer.note(&format!(
                "waiting: the head of {}, commit {}, is open and not ours",
                self.options.branch, head.commit.id
            )),
            NotReady::Busy(_) | NotReady::Never(_) => {}
        }
    }

    fn not_ready(&self, end: Exhausted, reason: NotReady) -> DeliveryError {
        match (end, reason) {
            (Exhausted::Grace, _) => DeliveryError::Interrupted { unsettled: None },
            (Exhausted::Retries(tried), NotReady::Fault(fault)) => DeliveryError::Unreachable {
                fault,
                tried,
                unsettled: None,
            },
            (Exhausted::Retries(waited), NotReady::Busy(head)) => DeliveryError::Busy {
                branch: self.options.branch.clone(),
                head,
                waited,
            },
            (Exhausted::Retries(_), NotReady::Never(error)) => error,
        }
    }

    /// The next thing from the reading side, unless something ends the delivery first.
    fn receive(&self, incoming: &Receiver<Incoming>, failed: &Receiver<()>) -> Result<Incoming, Stop> {
        if self.interrupt.is_raised() {
            return Err(Stop::Interrupted);
        }
        select! {
            recv(self.interrupt.raised()) -> _ => Err(Stop::Interrupted),
            recv(failed) -> _ => Err(Stop::EarlierFailed),
            recv(incoming) -> message => message.map_err(|RecvError| Stop::ReaderGone),
        }
    }

    fn deliver(
        &self,
        incoming: &Receiver<Incoming>,
        first: Option<Incoming>,
        ready: Ready,
        summary: &mut Summary,
    ) -> Result<(), DeliveryError> {
        let finisher = Finisher::start(Wait {
            sink: Arc::clone(&self.sink),
            observer: Arc::clone(&self.observer),
            clock: Arc::clone(&self.clock),
            interrupt: self.interrupt.clone(),
            retry_for: self.options.retry_for,
        });
        let mut stream = Stream::new(self, &finisher, ready);
        let settled = if self.options.dry_run {
            Ok(())
        } else {
            stream.settle_left_open()
        };
        let result = settled.and_then(|()| self.each(incoming, first, &mut stream, summary));
        stream.give_up_late_start();
        // Earlier archives are waited for whatever happened to a later one, and their failure came first.
        finisher.end().and(result)
    }

    fn each(
        &self,
        incoming: &Receiver<Incoming>,
        mut first: Option<Incoming>,
        stream: &mut Stream<'_>,
        summary: &mut Summary,
    ) -> Result<(), DeliveryError> {
        loop {
            let next = match first.take() {
                Some(first) => first,
                None => match self.receive(incoming, stream.committer.finisher.failed()) {
                    Ok(next) => next,
                    Err(stop) => return stop.into_result(),
                },
            };
            match next {
                Incoming::End(result) => return result,
                Incoming::Archive(archive) => {
                    summary.archives += 1;
                    self.observer.received(&archive);
                    let files = archive.contents.as_ref().map_err(|error| Box::new(error.clone()))?;
                    for skipped in archive.skipped() {
                        self.observer.note(&format!("archive {}: {skipped}", archive.number));
                    }
                    if files.is_empty() {
                        summary.empty += 1;
                        let number = archive.number;
                        self.observer
                            .note(&format!("archive {number} holds no file: no commit is made of it"));
                    } else if self.options.dry_run {
                        self.observer.would_commit(&archive, files);
                    } else if stream.archive(&archive, files)?.is_break() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Why nothing more is taken from the reading side.
enum Stop {
    Interrupted,
    /// A commit that was waited for failed; the finisher knows why.
    EarlierFailed,
    /// The reading side ended without a word: it has panicked, and what it held is not whole.
    ReaderGone,
}

impl Stop {
    fn into_result(self) -> Result<(), DeliveryError> {
        match self {
            Self::EarlierFailed => Ok(()),
            Self::Interrupted => Err(DeliveryError::Interrupted { unsettled: None }),
            Self::ReaderGone => Err(DeliveryError::ReaderGone),
        }
    }
}

/// The archives of one stream, one after the other.
struct Stream<'a> {
    committer: Committer<'a>,
    name: StreamName,
    resume: bool,
    /// The newest number that this run has started a commit for.
    last: u64,
    /// Added to an archive's number in this run: its number in the stream.
    before: u64,
    ready: Ready,
}

impl<'a> Stream<'a> {
    fn new(delivery: &'a Delivery, finisher: &'a Finisher, mut ready: Ready) -> Self {
        let options = &delivery.options;
        let committer = Committer {
            sink: &delivery.sink,
            observer: delivery.observer.as_ref(),
            clock: delivery.clock.as_ref(),
            interrupt: &delivery.interrupt,
            finisher,
            branch: &options.branch,
            message: options.message.as_deref(),
            mode: options.mode,
            retry_for: options.retry_for,
            in_flight: options.in_flight.max(1),
            floor: ready.floor.take(),
            lost_starts: false,
        };
        Self {
            committer,
            name: options.stream.clone().unwrap_or_else(StreamName::random),
            resume: options.resume,
            last: 0,
            before: ready.newest,
            ready,
        }
    }

    /// An open head of ours from an earlier run: its bytes are gone, so it is given up. When resuming they come again,
    /// and the commit may go on where it was left.
    fn settle_left_open(&mut self) -> Result<(), DeliveryError> {
        if self.resume {
            return Ok(());
        }
        let Some(left) = self.ready.left_open.take() else {
            return Ok(());
        };
        let commit = self.commit(left.commit);
        let note = format!("commit {commit} was left open by an earlier run of this stream: it is given up");
        self.committer.observer.note(&note);
        self.committer.give_up(left.mark.sequence, &left.mark, &commit)
    }

    fn archive(&mut self, archive: &Archive, files: &Files) -> Result<ControlFlow<()>, DeliveryError> {
        let sequence = self.before + archive.number;
        let mark = Mark {
            stream: self.name.clone(),
            sequence,
            digest: archive.digest,
            stage: Stage::Started,
        };
        let mut receipt = self.receipt(archive, files);
        if let Some(known) = self.ready.known.remove(&sequence) {
            self.known(&mark, known, receipt)?;
            return Ok(ControlFlow::Continue(()));
        }
        let found = self.found(&mark)?;
        self.last = sequence;
        let job = Job { archive, files, mark };
        match self.committer.commit(&job, found)? {
            Outcome::Abandoned => Ok(ControlFlow::Break(())),
            Outcome::Closed(commit) => {
                receipt.commit = Some(commit.id.clone());
                self.committer.floor = Some(commit.id.clone());
                self.committer.observer.closed_commit(&commit);
                self.committer.finisher.push(Closed { commit, receipt });
                Ok(ControlFlow::Continue(()))
            }
        }
    }

    /// An archive that an earlier run has committed.
    fn known(&mut self, mark: &Mark, known: Known, mut receipt: Receipt) -> Result<(), DeliveryError> {
        let commit = self.commit(known.commit.clone());
        if known.digest != mark.digest {
            return Err(DeliveryError::AnotherArchive {
                archive: receipt.archive,
                stream: mark.stream.to_string(),
                sequence: mark.sequence,
                commit,
            });
        }
        receipt.commit = Some(known.commit);
        receipt.finished = known.finished;
        if receipt.finished.is_some() {
            self.committer.observer.already(&receipt);
        } else {
            self.committer.observer.closed_commit(&commit);
            self.committer.finisher.push(Closed { commit, receipt });
        }
        Ok(())
    }

    /// The commit that an earlier run has left open, if it is for this archive.
    fn found(&mut self, mark: &Mark) -> Result<Option<Commit>, DeliveryError> {
        let Some(LeftOpen { commit, mark: left }) = self.ready.left_open.take() else {
            return Ok(None);
        };
        let commit = self.commit(commit);
        if left.is_same_archive(mark) {
            return Ok(Some(commit));
        }
        self.committer.give_up(mark.sequence, &left, &commit)?;
        Ok(None)
    }

    /// A `StartCommit` whose answer was lost may have arrived after its archive was committed by another. It would
    /// block the branch for everybody.
    fn give_up_late_start(&self) {
        if !self.committer.lost_starts {
            return;
        }
        let head = open_head(self.committer.sink.as_ref(), self.committer.branch)
            .ok()
            .flatten();
        if let Some(head) = head
            && let Some(mark) = Mark::of(&head)
            && mark.stream == self.name
            && mark.sequence <= self.last
        {
            let commit = self.commit(head.commit.id);
            if self.committer.give_up(mark.sequence, &mark, &commit).is_err() {
                self.committer
                    .observer
                    .note(&format!("commit {commit} came late, and is left open"));
            }
        }
    }

    fn commit(&self, id: CommitId) -> Commit {
        self.committer.name(id)
    }

    fn receipt(&self, archive: &Archive, files: &Files) -> Receipt {
        Receipt {
            archive: archive.number,
            input: Arc::clone(&archive.input),
            offset: archive.offset,
            length: archive.length,
            digest: archive.digest,
            files: files.len(),
            bytes: files.total_bytes(),
            branch: self.committer.branch.clone(),
            commit: None,
            finished: None,
        }
    }
}

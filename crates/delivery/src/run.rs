//! A delivery from its first archive to its last: preflight, then one archive after the other, then the end.

use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, at, never, select};

use super::arriving::Arriving;
use super::batching::Batching;
use super::early::{self, Early, EarlySender};
use super::error::{DeliveryError, waiting_for};
use super::finishing::{Finisher, Wait};
use super::ledger::Ledger;
use super::mark::StreamName;
use super::preflight::{NotReady, Preflight, Ready};
use super::quarantine::{Quarantine, wrap};
use super::restarted::{Emptied, Leftover};
use super::retry::{Clock, Exhausted, Interrupt, RetryBudget, UnknownAnswers};
use super::spill::SpillBuffers;
use super::stream::Stream;
use super::{CommitSink, Observer, WriteMode};
use spoutctl_archive::{Archive, ArchiveErrorKind, Files};
use spoutctl_core::pfs::{Branch, CommitId};

/// What the reading side hands over.
pub enum Incoming {
    Archive(Box<Archive>),
    /// The last thing that comes: the input ended as it should, or with an error.
    End(Result<(), DeliveryError>),
}

/// How archives are to become commits.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub struct Options {
    pub branch: Branch,
    /// Where commits are made first, when `branch` is to be moved to finished ones only.
    pub staging: Option<Branch>,
    /// Where the store makes commits of the same ids, too.
    pub also: Arc<[Branch]>,
    pub mode: WriteMode,
    pub message: Option<String>,
    pub create_repo: bool,
    /// The branch is the output of the spout that we are part of.
    pub own_output: bool,
    /// The stream's name, if its numbers are to go on where an earlier run ended.
    pub stream: Option<StreamName>,
    /// The archives are made of messages, whose numbers go on over the life of the stream. Without a spool the input waits until
    /// it is known where.
    pub counts_messages: bool,
    /// The source has partitions, and the marks of commits say where each goes on. Without a spool the input waits until that
    /// is known, and takes one commit at a time to be.
    pub has_positions: bool,
    /// What cannot be taken goes into a repo of its own, and its commits say so.
    pub asides_have_a_repo: bool,
    /// The reading side hears of an interrupt itself: what it has in hand still comes, and then its end.
    pub drains_on_interrupt: bool,
    /// The input is the same as last time.
    pub resume: bool,
    /// The archives bring the numbers of a spool along.
    pub spooled: Option<Spooled>,
    /// How many archives become one commit.
    pub batching: Batching,
    /// The longest time without any success.
    pub retry_for: Duration,
    /// How many commits may wait to be finished before the next one is closed; at least 1.
    pub in_flight: usize,
    /// Append also where pachd has emptied the branch of our own spout.
    pub accept_emptied: bool,
    pub dry_run: bool,
}

/// What a spool knows of its stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spooled {
    /// The oldest number that waits, or will come.
    pub oldest: u64,
    /// Nothing of what waits is in this commit or an older one.
    pub floor: Option<CommitId>,
    /// Whether nothing was ever sent, so that there is nothing to look for.
    pub fresh: bool,
    /// The cluster that its archives are for.
    pub cluster: Option<String>,
    /// Batches of which a commit may have been started.
    pub planned: Vec<Planned>,
}

/// Archives of a spool that an earlier run wanted to have in one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    pub first: u64,
    pub last: u64,
    /// The last one that still waits.
    pub last_waiting: u64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Complete archives that were taken from the input.
    pub archives: u64,
    /// Archives without a file: alone they are no commit.
    pub empty: u64,
}

/// What becomes of an archive of which no commit can be made.
#[derive(Debug, Clone, Default)]
pub enum OnBad {
    /// It ends the delivery.
    #[default]
    Stop,
    Skip,
    SetAside(Quarantine),
    /// It goes into the branch for such archives, in a commit of its own and of the same id in all.
    Along(Branch),
}

/// One delivery.
pub struct Delivery {
    pub sink: Arc<dyn CommitSink>,
    pub observer: Arc<dyn Observer>,
    pub clock: Arc<dyn Clock>,
    pub interrupt: Interrupt,
    pub ledger: Arc<Ledger>,
    /// Where the archives of a batch are held together.
    pub buffers: SpillBuffers,
    pub on_bad: OnBad,
    /// What tells of archives while they are read, where parts of them are to leave early. None with a spool, batches or a dry
    /// run, which have nothing to send before an archive is complete.
    pub early: Option<Early>,
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
            own_output: options.own_output,
            stream: options.stream.as_ref(),
            counts_messages: options.counts_messages,
            has_positions: options.has_positions,
            resume: options.resume,
            spooled: options.spooled.as_ref(),
            staging: options.staging.as_ref(),
            append: options.mode == WriteMode::Append,
            accept_emptied: options.accept_emptied,
            dry_run: options.dry_run,
        };
        let mut budget = RetryBudget::new(self.clock.as_ref(), &self.interrupt, options.retry_for);
        let mut unknown = UnknownAnswers::default();
        let mut said_busy = false;
        loop {
            let reason = match preflight.look(self.sink.as_ref()) {
                Ok(ready) => {
                    self.say_leftover(&ready.leftover);
                    self.observer.ready(&ready);
                    return Ok(Some(ready));
                }
                Err(NotReady::Never(error)) => return Err(error),
                Err(NotReady::Fault(fault)) if unknown.too_often(&fault) => {
                    return Err(DeliveryError::Destination(fault));
                }
                Err(reason) => reason,
            };
            self.say(&reason, &mut said_busy);
            // What waits in a spool is safe there, and of messages that are counted none is read yet: nothing is gained by the
            // grace period.
            if self.interrupt.is_raised() && (options.spooled.is_some() || options.counts_messages) {
                return Err(DeliveryError::Interrupted);
            }
            // One that passes through ends only once it was sent.
            let passes = self.early.as_ref().is_some_and(|early| early.limit().is_some());
            if first.is_none() && !passes && !(options.counts_messages && options.spooled.is_none()) {
                match self.receive(incoming, &never(), &Wakes::none()) {
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
            budget.wait(asked).map_err(|end| self.not_ready(end, reason))?;
        }
    }

    /// What pachd has left on the branch of our own spout.
    fn say_leftover(&self, leftover: &Leftover) {
        let branch = &self.options.branch;
        for head in &leftover.open {
            let done = if self.options.dry_run { "would be" } else { "is" };
            self.observer.note(&format!(
                "pachd itself has begun commit {head} of {branch} when the spout was started, and never finishes it: it {done} \
                 finished, with the files of the one before"
            ));
        }
        if let Some(Emptied { head, last }) = &leftover.emptied {
            self.observer.note(&format!(
                "pachd has emptied {branch} when the spout was started (commit {head}): earlier files are in its history only, \
                 the newest in {last}"
            ));
        }
    }

    fn say(&self, reason: &NotReady, said_busy: &mut bool) {
        match reason {
            NotReady::Fault(fault) => self.observer.retrying(fault),
            NotReady::Busy(head) if !std::mem::replace(said_busy, true) => {
                self.observer.note(&waiting_for(&self.options.branch, &head.commit.id));
            }
            NotReady::Busy(_) | NotReady::Never(_) => {}
        }
    }

    fn not_ready(&self, end: Exhausted, reason: NotReady) -> DeliveryError {
        match (end, reason) {
            (Exhausted::Grace, _) => DeliveryError::Interrupted,
            (Exhausted::Retries(tried), NotReady::Fault(fault)) => DeliveryError::Unreachable { fault, tried },
            (Exhausted::Retries(waited), NotReady::Busy(head)) => DeliveryError::Busy {
                branch: self.options.branch.clone(),
                head,
                waited,
            },
            (Exhausted::Retries(_), NotReady::Never(error)) => error,
        }
    }

    /// The next thing from the reading side, unless something ends the delivery first.
    fn receive(
        &self,
        incoming: &Receiver<Incoming>,
        failed: &Receiver<()>,
        wakes: &Wakes,
    ) -> Result<Incoming, NotReceived> {
        let latest = || self.interrupt.deadline().filter(|_| self.options.drains_on_interrupt);
        if self.interrupt.is_raised() && latest().is_none() {
            return Err(NotReceived::Interrupted);
        }
        let mut raised = self.interrupt.raised().clone();
        let mut over = never();
        loop {
            select! {
                recv(raised) -> _ => {
                    // A closed channel would be ready for ever.
                    raised = never();
                    over = at(latest().ok_or(NotReceived::Interrupted)?);
                }
                recv(over) -> _ => return Err(NotReceived::Interrupted),
                recv(failed) -> _ => return Err(NotReceived::EarlierFailed),
                recv(wakes.due) -> _ => return Err(NotReceived::BatchDue),
                recv(wakes.progress) -> _ => return Err(NotReceived::Progress),
                recv(incoming) -> message => return message.map_err(|RecvError| NotReceived::ReaderGone),
            }
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
            ledger: Arc::clone(&self.ledger),
            branch: self.options.branch.clone(),
            retry_for: self.options.retry_for,
        });
        let options = &self.options;
        let arriving = if options.batching.adaptive && !options.dry_run {
            Arriving::queued(incoming, options.batching.bytes)
        } else {
            Arriving::one_by_one(incoming)
        };
        let _sending = self.early.as_ref().map(|early| self.send_early(early, &ready));
        let result = Stream::new(self, &finisher, ready).and_then(|mut stream| {
            let result = stream
                .begin()
                .and_then(|()| self.each(arriving, first, &mut stream, summary));
            stream.end();
            result.and_then(|()| stream.check_published())
        });
        // Earlier archives are waited for whatever happened to a later one, and their failure came first.
        finisher.end().and(result)
    }

    /// What could not be held any more was to be sent before; why it was not is what matters.
    fn or_why_not_sent(&self, error: DeliveryError) -> DeliveryError {
        let DeliveryError::Archive(archive) = &error else {
            return error;
        };
        let failure = match (&self.early, &archive.trouble.kind) {
            (Some(early), ArchiveErrorKind::Buffer(held))
                if early.limit().is_some() && held.kind() == ErrorKind::Other =>
            {
                early.take_failure(archive.number)
            }
            _ => None,
        };
        failure.unwrap_or(error)
    }

    /// Lets parts leave from now on, until what it answers is dropped.
    fn send_early<'a>(&self, early: &'a Early, ready: &Ready) -> early::Sending<'a> {
        let sender = EarlySender {
            sink: Arc::clone(&self.sink),
            observer: Arc::clone(&self.observer),
            clock: Arc::clone(&self.clock),
            interrupt: self.interrupt.clone(),
            mode: self.options.mode,
            retry_for: self.options.retry_for,
            known: early::known(ready),
        };
        sender.start(early)
    }

    fn each(
        &self,
        mut arriving: Arriving,
        mut first: Option<Incoming>,
        stream: &mut Stream<'_>,
        summary: &mut Summary,
    ) -> Result<(), DeliveryError> {
        loop {
            let next = if let Some(first) = first.take() {
                Ok(first)
            } else {
                if arriving.have_arrived(stream.has_room()) && stream.use_room()?.is_break() {
                    return Ok(());
                }
                let wakes = Wakes {
                    due: stream.batch_due(),
                    progress: stream.progress().clone(),
                };
                let next = self.receive(arriving.incoming(), stream.earlier_failed(), &wakes);
                arriving.taken(next.is_ok());
                next
            };
            let flow = match next {
                Ok(Incoming::Archive(archive)) => self.take(archive, stream, summary)?,
                Ok(Incoming::End(Ok(()))) => return stream.close_batch().map(drop),
                Ok(Incoming::End(Err(error))) => return stream.leave().and(Err(self.or_why_not_sent(error))),
                Err(NotReceived::BatchDue) => stream.close_batch()?,
                Err(NotReceived::Progress) => ControlFlow::Continue(()),
                Err(NotReceived::Interrupted) => return stream.leave().and(Err(DeliveryError::Interrupted)),
                Err(stop) => return stop.into_result(),
            };
            if flow.is_break() {
                return Ok(());
            }
        }
    }

    fn take(
        &self,
        archive: Box<Archive>,
        stream: &mut Stream<'_>,
        summary: &mut Summary,
    ) -> Result<ControlFlow<()>, DeliveryError> {
        summary.archives += 1;
        self.observer.received(&archive);
        if let Err(error) = &archive.contents {
            if let Some(early) = &self.early {
                early.forget(archive.number);
            }
            // In order: not before those that are to be one commit.
            if stream.close_batch()?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            return match &self.on_bad {
                OnBad::Stop => Err(Box::new(error.clone()).into()),
                OnBad::Skip => stream.skip(&archive),
                OnBad::SetAside(quarantine) => stream.quarantine(&archive, error, quarantine),
                OnBad::Along(branch) => {
                    let wrapped = wrap(&archive, error, branch, self.buffers.buffer());
                    let number = archive.number;
                    let wrapped = wrapped.map_err(|error| DeliveryError::Held { archive: number, error })?;
                    stream.commit_aside(wrapped)
                }
            };
        }
        for note in archive.notes() {
            self.observer.note(&format!("archive {}: {note}", archive.number));
        }
        summary.empty += u64::from(archive.contents.as_ref().is_ok_and(Files::change_nothing));
        stream.take(archive)
    }
}

/// What ends the wait for the next archive although nothing is wrong.
struct Wakes {
    /// The batch in hand has waited long enough.
    due: Receiver<Instant>,
    /// A commit was finished.
    progress: Receiver<()>,
}

impl Wakes {
    fn none() -> Self {
        Self {
            due: never(),
            progress: never(),
        }
    }
}

/// Why nothing more is taken from the reading side.
enum NotReceived {
    Interrupted,
    /// Nothing is wrong: the batch in hand has waited long enough.
    BatchDue,
    /// Nothing is wrong: a commit was finished.
    Progress,
    /// A commit that was waited for failed; the finisher knows why.
    EarlierFailed,
    /// The reading side ended without a word: it has panicked, and what it held is not whole.
    ReaderGone,
}

impl NotReceived {
    fn into_result(self) -> Result<(), DeliveryError> {
        match self {
            Self::EarlierFailed | Self::BatchDue | Self::Progress => Ok(()),
            Self::Interrupted => Err(DeliveryError::Interrupted),
            Self::ReaderGone => Err(DeliveryError::Panicked),
        }
    }
}

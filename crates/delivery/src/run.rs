//! A delivery from its first archive to its last: preflight, then one archive after the other, then the end.

use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, after, at, never, select};

use super::arriving::{Arriving, Incoming};
use super::committing::Committer;
use super::context::Context;
use super::early::{self, Early, EarlySender};
use super::error::{DeliveryError, waiting_for};
use super::finishing::{Finisher, Wait};
use super::ledger::Ledger;
use super::options::{OnBad, Options};
use super::preflight::{NotReady, Preflight};
use super::quarantine::wrap;
use super::ready::{Emptied, Leftover, Ready};
use super::retry::Exhausted;
use super::spill::SpillBuffers;
use super::staging::Staging;
use super::stream::Stream;
use spoutctl_archive::{Archive, ArchiveErrorKind, Files};
use spoutctl_core::pfs::DEFAULT_BRANCH;

/// The destination is looked at so often at least while no input has come, whatever it asks for: who watches us wants
/// to know when it is ready.
const LONGEST_IDLE: Duration = Duration::from_mins(1);

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Complete archives that were taken from the input.
    pub archives: u64,
    /// Archives without a file: alone they are no commit.
    pub empty: u64,
}

pub struct Delivery {
    pub context: Context,
    pub ledger: Arc<Ledger>,
    /// Where the archives of a batch are held together.
    pub buffers: SpillBuffers,
    pub on_bad: OnBad,
    /// What tells of archives while they are read, where parts of them are to leave early. None with a spool, batches
    /// or a dry run, which have nothing to send before an archive is complete.
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
    /// that cannot be used is then told at once, not after ten minutes of trying in vain. Meanwhile it is looked at
    /// again, as long as it takes: who watches us wants to know when it is ready. `None`: nothing will come.
    fn get_ready(
        &self,
        incoming: &Receiver<Incoming>,
        first: &mut Option<Incoming>,
    ) -> Result<Option<Ready>, DeliveryError> {
        let options = &self.options;
        // One that passes through ends only once it was sent.
        let passes = self.early.as_ref().is_some_and(|early| early.limit().is_some());
        let is_counted_first = options.counts_messages && options.spooled.is_none();
        let waits_for_input = !passes && !is_counted_first;
        let mut budget = self.context.retry_budget();
        let mut said_busy = false;
        loop {
            let is_tried_idly = waits_for_input && first.is_none();
            let reason = match Preflight(options).look(self.context.sink.as_ref()) {
                Ok(ready) => {
                    self.say_leftover(&ready.leftover);
                    self.say_new_branch(&ready);
                    self.context.observer.ready(&ready);
                    return Ok(Some(ready));
                }
                Err(NotReady::Never(error)) => return Err(error),
                Err(NotReady::Fault(fault)) if !is_tried_idly && budget.is_hopeless(&fault) => {
                    return Err(DeliveryError::Destination(fault));
                }
                Err(reason) => reason,
            };
            self.say(&reason, &mut said_busy);
            // What waits in a spool is safe there, and of messages that are counted none is read yet: nothing is gained
            // by the grace period.
            if self.context.interrupt.is_raised() && (options.spooled.is_some() || options.counts_messages) {
                return Err(DeliveryError::Interrupted);
            }
            let asked = if let NotReady::Fault(fault) = &reason {
                fault.retry_after
            } else {
                None
            };
            if is_tried_idly {
                let wakes = Wakes {
                    due: after(budget.pause(asked).min(LONGEST_IDLE)),
                    progress: never(),
                };
                match self.receive(incoming, &never(), &wakes) {
                    Ok(Incoming::End(result)) => return result.map(|()| None),
                    Ok(archive) => {
                        *first = Some(archive);
                        budget.reset();
                    }
                    Err(NotReceived::Due) => continue,
                    Err(stop) => return stop.into_result().map(|()| None),
                }
            }
            budget.wait(asked).map_err(|end| not_ready(end, reason))?;
        }
    }

    /// What pachd has left on the branch of our own spout.
    fn say_leftover(&self, leftover: &Leftover) {
        let branch = &self.options.branch;
        for head in &leftover.open {
            let done = if self.options.dry_run { "would be" } else { "is" };
            self.context.observer.note(&format!(
                "pachd itself has begun commit {head} of {branch} when the spout was started, and never finishes it: \
                 it {done} finished, with the files of the one before"
            ));
        }
        if let Some(Emptied { head, last }) = &leftover.emptied {
            self.context.observer.note(&format!(
                "pachd has emptied {branch} when the spout was started (commit {head}): earlier files are in its \
                 history only, the newest in {last}"
            ));
        }
    }

    /// A mistake in typing makes a branch that nobody reads.
    fn say_new_branch(&self, ready: &Ready) {
        let branch = &self.options.branch;
        if ready.is_new_branch && branch.name.as_str() != DEFAULT_BRANCH && !self.options.dry_run {
            let text = format!("{branch} is a new branch: the first commit makes it");
            self.context.observer.note(&text);
        }
    }

    fn say(&self, reason: &NotReady, said_busy: &mut bool) {
        match reason {
            NotReady::Fault(fault) => self.context.observer.retrying(fault),
            NotReady::Busy(branch, head) if !std::mem::replace(said_busy, true) => {
                self.context.observer.note(&waiting_for(branch, &head.commit.id));
            }
            NotReady::Busy(..) | NotReady::Never(_) => {}
        }
    }

    /// The next thing from the reading side, unless something ends the delivery first.
    fn receive(
        &self,
        incoming: &Receiver<Incoming>,
        failed: &Receiver<()>,
        wakes: &Wakes,
    ) -> Result<Incoming, NotReceived> {
        let latest = || {
            self.context
                .interrupt
                .deadline()
                .filter(|_| self.options.drains_on_interrupt)
        };
        if self.context.interrupt.is_raised() && latest().is_none() {
            return Err(NotReceived::Interrupted);
        }
        let mut raised = self.context.interrupt.raised().clone();
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
                recv(wakes.due) -> _ => return Err(NotReceived::Due),
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
            context: self.context.clone(),
            ledger: Arc::clone(&self.ledger),
            branch: self.options.branch.clone(),
        });
        let options = &self.options;
        let arriving = if options.batching.adaptive && !options.dry_run {
            Arriving::queued(incoming, options.batching.bytes)
        } else {
            Arriving::one_by_one(incoming)
        };
        let _sending = self.early.as_ref().map(|early| self.send_early(early, &ready));
        let result = self.stream(&finisher, ready).and_then(|mut stream| {
            let result = stream
                .begin()
                .and_then(|()| self.each(arriving, first, &mut stream, summary));
            stream.end();
            result.and_then(|()| stream.check_published())
        });
        // Earlier archives are waited for whatever happened to a later one, and their failure came first.
        finisher.end().and(result)
    }

    /// # Errors
    /// When the store cannot do what `--staging` needs.
    fn stream<'a>(&'a self, finisher: &'a Finisher, mut ready: Ready) -> Result<Stream<'a>, DeliveryError> {
        let options = &self.options;
        let staging = match &options.staging {
            None => None,
            Some(_) => Some(Staging {
                sink: self.context.sink.staging().map_err(DeliveryError::Destination)?,
                target: &options.branch,
            }),
        };
        let committer = Committer {
            context: &self.context,
            finisher,
            ledger: &self.ledger,
            early: self.early.as_ref(),
            branch: options.staging.as_ref().unwrap_or(&options.branch),
            staging,
            message: options.message.as_deref(),
            mode: options.mode,
            in_flight: options.in_flight.max(1),
            floor: ready.floor.take().into_iter().chain(ready.staged.take()).collect(),
            published: None,
            lost_starts: false,
        };
        Ok(Stream::new(committer, &self.buffers, options, ready))
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
            context: self.context.clone(),
            mode: self.options.mode,
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
                Ok(Incoming::Full) => stream.close_batch()?,
                Ok(Incoming::End(Ok(()))) => return stream.close_batch().map(drop),
                Ok(Incoming::End(Err(error))) => return stream.leave().and(Err(self.or_why_not_sent(error))),
                Err(NotReceived::Due) => stream.close_batch()?,
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
        self.context.observer.received(&archive);
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
            self.context
                .observer
                .note(&format!("archive {}: {note}", archive.number));
        }
        summary.empty += u64::from(archive.contents.as_ref().is_ok_and(Files::change_nothing));
        stream.take(archive)
    }
}

fn not_ready(end: Exhausted, reason: NotReady) -> DeliveryError {
    match (end, reason) {
        (Exhausted::Retries(tried), NotReady::Fault(fault)) => DeliveryError::Unreachable { fault, tried },
        (Exhausted::Retries(waited), NotReady::Busy(branch, head)) => DeliveryError::Busy { branch, head, waited },
        (Exhausted::Retries(_), NotReady::Never(error)) => error,
        (Exhausted::Grace | Exhausted::Hopeless, _) => DeliveryError::Interrupted,
    }
}

/// What ends the wait for the next archive although nothing is wrong.
struct Wakes {
    /// The batch in hand has waited long enough, or a destination that was not ready is to be looked at again.
    due: Receiver<Instant>,
    /// A commit was finished.
    progress: Receiver<()>,
}

/// Why nothing more is taken from the reading side.
enum NotReceived {
    Interrupted,
    /// Nothing is wrong: it has waited long enough.
    Due,
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
            Self::EarlierFailed | Self::Due | Self::Progress => Ok(()),
            Self::Interrupted => Err(DeliveryError::Interrupted),
            Self::ReaderGone => Err(DeliveryError::Panicked),
        }
    }
}

//! From an uploaded file set to a commit that is closed for writing, with a look before anything is repeated.
//!
//! | step | no answer, or an unknown one | answers with a meaning |
//! |---|---|---|
//! | `StartCommit` | look | head open: ours → go on with it; another's → wait |
//! | `AddFileSet` | overwriting: again; appending: give up, start again | file set gone → upload, again; finished or dropped by somebody → new commit, three times at most |
//! | `FinishCommit` | again | finished already: our data were in; dropped: refused |
//!
//! Overwriting, a file set deletes each path before it adds it, so adding it twice is right (recordings p 003–007).
//! Appending, it would double.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::error::{DeliveryError, Unsettled};
use super::finishing::{Finisher, NoRoom};
use super::mark::{Mark, Stage};
use super::patience::{Clock, Exhausted, Interrupt, Patience};
use super::upload::{Upload, Uploader};
use super::{CommitSink, Observer, WriteMode};
use crate::archive::{Archive, Files};
use crate::fault::{Fault, FaultKind};
use crate::pfs::{Branch, Commit, CommitId, CommitInfo};

/// How often a commit that somebody else finished or dropped is started anew.
const FRESH_STARTS: usize = 3;
/// How often the same unknown answer is taken before it counts as a refusal.
const SAME_ANSWER: usize = 5;

/// The error of a commit that is closed because it could not be dropped.
const GIVEN_UP: &str = "given up by spoutctl";

/// What a delivery has at hand for one archive after the other.
pub(super) struct Committer<'a> {
    pub sink: &'a Arc<dyn CommitSink>,
    pub observer: &'a dyn Observer,
    pub clock: &'a dyn Clock,
    pub interrupt: &'a Interrupt,
    pub finisher: &'a Finisher,
    pub branch: &'a Branch,
    pub message: Option<&'a str>,
    pub mode: WriteMode,
    pub retry_for: std::time::Duration,
    pub in_flight: usize,
    /// A commit of the branch that is older than anything of ours: no look goes further.
    pub floor: Option<CommitId>,
    /// Whether a `StartCommit` was lost: it may still arrive, and then has to be given up.
    pub lost_starts: bool,
}

/// An archive on its way.
pub(super) struct Job<'a> {
    pub archive: &'a Archive,
    pub files: &'a Files,
    pub mark: Mark,
}

/// How the archive came to be in a commit.
pub(super) enum Outcome {
    /// Closed by us just now; to be waited for.
    Closed(Commit),
    /// An earlier failure of another archive ended this one: it was given up.
    Abandoned,
}

/// What the branch holds of an archive.
enum Found {
    Nothing,
    /// Ours, opened by the call just made: it is empty.
    Started(Commit),
    /// Ours, and open; it may hold data.
    Open(Commit),
    /// Ours, closed with its data whole.
    Closed(Commit),
    /// Ours, finished with an error that pachd gave it.
    Errored(Commit, String),
}

/// What to do after a step.
enum Next<T> {
    Go(T),
    StartAgain,
}

impl Committer<'_> {
    /// Brings the archive into a commit that is closed for writing. `found` is an open commit of ours, left by an
    /// earlier run.
    pub fn commit(&mut self, job: &Job<'_>, found: Option<Commit>) -> Result<Outcome, DeliveryError> {
        let mut upload = self.upload(job)?;
        let mut resumed = found.map(Found::Open);
        let mut fresh_starts = 0;
        while fresh_starts <= FRESH_STARTS {
            let commit = match resumed.take().map_or_else(|| self.start(job), Ok)? {
                Found::Nothing => continue,
                // Whether its data are in already, nobody knows: appended twice they would double.
                Found::Open(commit) if self.mode == WriteMode::Append => {
                    self.give_up(job.archive.number, &job.mark, &commit)?;
                    continue;
                }
                Found::Started(commit) | Found::Open(commit) => commit,
                Found::Closed(commit) => return Ok(Outcome::Closed(commit)),
                Found::Errored(commit, error) => return Err(finished_with_error(job, commit, error)),
            };
            self.observer.open_commit(Some(&commit));
            match self.fill_and_close(job, &commit, &mut upload) {
                Ok(Next::Go(outcome)) => {
                    self.observer.open_commit(None);
                    return Ok(outcome);
                }
                Ok(Next::StartAgain) => fresh_starts += 1,
                Err(error) => return Err(self.leave(job, &commit, error)),
            }
            self.observer.open_commit(None);
        }
        let text = format!("somebody else finished or dropped our commit {fresh_starts} times in a row");
        Err(DeliveryError::from_fault(
            job.archive.number,
            Fault::new(FaultKind::Refused, text),
        ))
    }

    fn fill_and_close(
        &mut self,
        job: &Job<'_>,
        commit: &Commit,
        upload: &mut Upload,
    ) -> Result<Next<Outcome>, DeliveryError> {
        match self.add(job, commit, upload)? {
            Next::StartAgain => return Ok(Next::StartAgain),
            Next::Go(()) => {}
        }
        match self.finisher.room(self.in_flight) {
            Ok(()) => self.finish(job, commit),
            Err(NoRoom::Failed) => {
                self.give_up(job.archive.number, &job.mark, commit)?;
                Ok(Next::Go(Outcome::Abandoned))
            }
            Err(NoRoom::GraceIsOver) => Err(DeliveryError::Interrupted {
                unsettled: Some(Unsettled::Open(commit.clone())),
            }),
        }
    }

    pub fn patience(&self) -> Patience<'_> {
        Patience::new(self.clock, self.interrupt, self.retry_for)
    }

    fn upload(&self, job: &Job<'_>) -> Result<Upload, DeliveryError> {
        let uploader = Uploader {
            sink: self.sink,
            mode: self.mode,
            interrupt: self.interrupt,
            observer: self.observer,
        };
        let mut retry = Retry::new(self, job.archive.number);
        uploader.upload(job.archive, job.files, &mut |fault| match fault {
            None => {
                retry.patience.reset();
                Ok(())
            }
            Some(fault) if fault.kind == FaultKind::Local && self.grace_is_over() => {
                Err(DeliveryError::Interrupted { unsettled: None })
            }
            Some(fault) => retry.again(fault, None),
        })
    }

    fn grace_is_over(&self) -> bool {
        self.interrupt
            .deadline()
            .is_some_and(|deadline| deadline <= self.clock.now())
    }

    /// Starts a commit, or finds the one that an unanswered call has started.
    fn start(&mut self, job: &Job<'_>) -> Result<Found, DeliveryError> {
        let description = job.mark.description(self.message);
        let mut retries = Retry::new(self, job.archive.number);
        let mut busy = Patience::new(self.clock, self.interrupt, self.retry_for);
        let mut lost = false;
        let mut said_busy = false;
        let found = loop {
            match self.sink.start_commit(self.branch, &description) {
                Ok(id) => break Found::Started(self.name(id)),
                Err(fault) if fault.kind == FaultKind::HeadOpen || fault.is_passing() => {
                    lost |= fault.kind != FaultKind::HeadOpen;
                    // pachd may run its own database transaction twice, so that a call is refused because of what it
                    // did itself: hence look before *busy*.
                    match self.look(&job.mark) {
                        Ok(Found::Nothing) if fault.kind == FaultKind::HeadOpen => {
                            self.wait_for_head(job, &mut busy, &mut said_busy)?;
                        }
                        Ok(Found::Nothing) => retries.again(fault, None)?,
                        Ok(found) => break found,
                        Err(look) if look.is_passing() => retries.again(look, None)?,
                        Err(look) => return Err(DeliveryError::from_fault(job.archive.number, look)),
                    }
                }
                Err(fault) => return Err(self.start_refused(job, fault)),
            }
        };
        drop(retries);
        self.lost_starts |= lost;
        Ok(found)
    }

    fn start_refused(&self, job: &Job<'_>, fault: Fault) -> DeliveryError {
        match fault.kind {
            FaultKind::OutputBranch => {
                let kind = self.sink.pipeline_kind(&self.branch.repo).ok().flatten();
                DeliveryError::OutputBranch {
                    branch: self.branch.clone(),
                    kind,
                }
            }
            FaultKind::NotFound => DeliveryError::NoRepo(self.branch.repo.clone()),
            _ => DeliveryError::from_fault(job.archive.number, fault),
        }
    }

    /// The head is an open commit. One of ours for an archive that is acknowledged already came late and is given up;
    /// anybody else's is waited for.
    fn wait_for_head(&self, job: &Job<'_>, busy: &mut Patience<'_>, said: &mut bool) -> Result<(), DeliveryError> {
        let Some(head) = self
            .open_head()
            .map_err(|fault| DeliveryError::from_fault(job.archive.number, fault))?
        else {
            // It was finished between the two calls.
            return Ok(());
        };
        let earlier = |mark: Mark| mark.stream == job.mark.stream && mark.sequence < job.mark.sequence;
        if Mark::of(&head).is_some_and(earlier) {
            let late = self.name(head.commit.id);
            return self.give_up(job.archive.number, &job.mark, &late);
        }
        if !std::mem::replace(said, true) {
            self.observer.note(&format!(
                "waiting: the head of {}, commit {}, is open and not ours",
                self.branch, head.commit.id
            ));
        }
        busy.wait(None).map_err(|end| match end {
            Exhausted::Retries(waited) => DeliveryError::Busy {
                branch: self.branch.clone(),
                head: Box::new(head),
                waited,
            },
            Exhausted::Grace => DeliveryError::Interrupted { unsettled: None },
        })
    }

    /// The branch's head, if it is open.
    pub fn open_head(&self) -> Result<Option<CommitInfo>, Fault> {
        open_head(self.sink.as_ref(), self.branch)
    }

    fn add(&self, job: &Job<'_>, commit: &Commit, upload: &mut Upload) -> Result<Next<()>, DeliveryError> {
        let mut retry = Retry::new(self, job.archive.number);
        loop {
            let Err(fault) = self.sink.add_file_set(commit, &upload.file_set) else {
                return Ok(Next::Go(()));
            };
            match fault.kind {
                FaultKind::FileSetGone => {
                    self.observer
                        .note("the uploaded file set has expired: it is uploaded again");
                    *upload = self.upload(job)?;
                    retry.again(fault, Some(commit))?;
                }
                FaultKind::AlreadyFinished | FaultKind::NotFound => {
                    let what = if fault.kind == FaultKind::NotFound {
                        "dropped"
                    } else {
                        "finished"
                    };
                    self.observer.note(&format!(
                        "somebody else {what} our commit {commit}: a new one is started"
                    ));
                    return Ok(Next::StartAgain);
                }
                _ if fault.is_passing() && self.mode == WriteMode::Append && fault.kind != FaultKind::Unavailable => {
                    self.give_up(job.archive.number, &job.mark, commit)?;
                    retry.again(fault, None)?;
                    return Ok(Next::StartAgain);
                }
                _ => retry.again(fault, Some(commit))?,
            }
        }
    }

    fn finish(&self, job: &Job<'_>, commit: &Commit) -> Result<Next<Outcome>, DeliveryError> {
        let description = job.mark.at(Stage::Done).description(self.message);
        let mut retry = Retry::new(self, job.archive.number);
        loop {
            let Err(fault) = self.sink.finish_commit(commit, &description, None) else {
                return Ok(Next::Go(Outcome::Closed(commit.clone())));
            };
            match fault.kind {
                // By a call of ours whose answer was lost, or by somebody else: our data were in either way, since
                // `AddFileSet` was answered. Its error is looked at when it is finished.
                FaultKind::AlreadyFinished => return Ok(Next::Go(Outcome::Closed(commit.clone()))),
                FaultKind::NotFound => {
                    return Err(DeliveryError::Dropped {
                        archive: job.archive.number,
                        commit: commit.clone(),
                    });
                }
                _ => retry.again(fault, Some(commit))?,
            }
        }
    }

    /// Looks for a commit that carries the mark, from the head back to [`Committer::floor`]. Of two the older counts.
    fn look(&self, mark: &Mark) -> Result<Found, Fault> {
        let mut oldest = None;
        self.sink.list_commits(self.branch, &mut |info| {
            if self.floor.as_ref() == Some(&info.commit.id) {
                return ControlFlow::Break(());
            }
            let stage = Mark::of(&info)
                .filter(|found| found.is_same_archive(mark))
                .map(|found| found.stage);
            if stage.is_some_and(|stage| stage != Stage::GivenUp) {
                oldest = Some((info, stage));
            }
            ControlFlow::Continue(())
        })?;
        let Some((info, stage)) = oldest else {
            return Ok(Found::Nothing);
        };
        let commit = self.name(info.commit.id.clone());
        Ok(if info.is_open() {
            Found::Open(commit)
        } else if !info.error.is_empty() {
            Found::Errored(commit, info.error)
        } else if stage == Some(Stage::Done) {
            Found::Closed(commit)
        } else {
            self.observer.note(&format!(
                "somebody else finished our commit {commit} before its data were in: a new one is started"
            ));
            Found::Nothing
        })
    }

    /// Removes an open commit of ours. Where dropping needs a permission that we do not have, it is finished with an
    /// error instead: its data are never seen (recordings p 057–067).
    pub fn give_up(&self, archive: u64, mark: &Mark, commit: &Commit) -> Result<(), DeliveryError> {
        let mut retry = Retry::new(self, archive);
        let description = mark.at(Stage::GivenUp).description(self.message);
        let mut may_drop = true;
        loop {
            let result = if may_drop {
                self.sink.drop_commit(&commit.id)
            } else {
                self.sink.finish_commit(commit, &description, Some(GIVEN_UP))
            };
            let Err(fault) = result else { break };
            match fault.kind {
                FaultKind::NotFound | FaultKind::AlreadyFinished => break,
                _ if may_drop && !fault.is_passing() => may_drop = false,
                _ => retry.again(fault, Some(commit))?,
            }
        }
        self.observer.open_commit(None);
        Ok(())
    }

    /// An error while a commit is open: it is given up if that can still be done, and named if not.
    fn leave(&self, job: &Job<'_>, commit: &Commit, error: DeliveryError) -> DeliveryError {
        match error {
            // It was tried for as long as it may be; once more, so that the branch is not left blocked.
            DeliveryError::Unreachable {
                fault,
                tried,
                unsettled: Some(_),
            } => {
                let unsettled = self.give_up_once(job, commit);
                DeliveryError::Unreachable {
                    fault,
                    tried,
                    unsettled,
                }
            }
            DeliveryError::Interrupted { unsettled: Some(_) } => DeliveryError::Interrupted {
                unsettled: self.give_up_once(job, commit),
            },
            error @ (DeliveryError::Dropped { .. } | DeliveryError::FinishedWithError { .. }) => {
                self.observer.open_commit(None);
                error
            }
            error => {
                if self.give_up(job.archive.number, &job.mark, commit).is_err() {
                    self.observer
                        .note(&format!("commit {commit} could not be given up and is left open"));
                }
                error
            }
        }
    }

    /// As [`Self::give_up`], but each call is made only once.
    fn give_up_once(&self, job: &Job<'_>, commit: &Commit) -> Option<Unsettled> {
        let mut result = self.sink.drop_commit(&commit.id);
        if result
            .as_ref()
            .is_err_and(|fault| !fault.is_passing() && fault.kind != FaultKind::NotFound)
        {
            let description = job.mark.at(Stage::GivenUp).description(self.message);
            result = self.sink.finish_commit(commit, &description, Some(GIVEN_UP));
        }
        match result {
            Err(fault) if !matches!(fault.kind, FaultKind::NotFound | FaultKind::AlreadyFinished) => {
                Some(Unsettled::Open(commit.clone()))
            }
            _ => {
                self.observer.open_commit(None);
                None
            }
        }
    }

    pub fn name(&self, id: CommitId) -> Commit {
        Commit {
            repo: self.branch.repo.clone(),
            branch: Some(self.branch.name.clone()),
            id,
        }
    }
}

/// The branch's head, if it is an open commit.
pub(super) fn open_head(sink: &dyn CommitSink, branch: &Branch) -> Result<Option<CommitInfo>, Fault> {
    let mut open = None;
    sink.list_commits(branch, &mut |info| {
        open = info.is_open().then_some(info);
        ControlFlow::Break(())
    })?;
    Ok(open)
}

fn finished_with_error(job: &Job<'_>, commit: Commit, error: String) -> DeliveryError {
    DeliveryError::FinishedWithError {
        archive: job.archive.number,
        commit,
        error,
    }
}

/// The retries of one step of one archive.
struct Retry<'a> {
    archive: u64,
    observer: &'a dyn Observer,
    patience: Patience<'a>,
    /// An unknown answer, and how often it came.
    same: Option<(String, usize)>,
}

impl<'a> Retry<'a> {
    fn new(committer: &'a Committer<'_>, archive: u64) -> Self {
        Self {
            archive,
            observer: committer.observer,
            patience: committer.patience(),
            same: None,
        }
    }

    /// Waits, or says why there is no further try. `open` is the commit that would be left behind.
    fn again(&mut self, fault: Fault, open: Option<&Commit>) -> Result<(), DeliveryError> {
        let repeatable = fault.is_passing() || fault.kind == FaultKind::FileSetGone;
        if !repeatable || self.heard_too_often(&fault) {
            return Err(DeliveryError::from_fault(self.archive, fault));
        }
        self.observer.retrying(&fault);
        let left = open.map(|commit| Unsettled::Open(commit.clone()));
        self.patience
            .wait(fault.retry_after)
            .map_err(|end| DeliveryError::exhausted(end, fault, left))
    }

    fn heard_too_often(&mut self, fault: &Fault) -> bool {
        if fault.kind != FaultKind::Unrecognised {
            return false;
        }
        let times = match &self.same {
            Some((text, times)) if *text == fault.message => times + 1,
            _ => 1,
        };
        self.same = Some((fault.message.clone(), times));
        times >= SAME_ANSWER
    }
}

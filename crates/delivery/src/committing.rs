//! From an uploaded file set to a commit that is closed for writing, with a look before anything is repeated.
//!
//! | step | no answer, or an unknown one | answers with a meaning |
//! |---|---|---|
//! | `StartCommit` | look: open → give it up, start again | head open: ours → give it up; another's → wait |
//! | `AddFileSet` | overwriting: again; appending: give up, start again | file set gone → upload, again; finished or dropped → look, then a new commit, three times at most |
//! | `PutFile` | give up, start again | finished or dropped: as above |
//! | `FinishCommit` | again | finished already: our data were in; dropped: refused |
//!
//! **Giving up** a commit for which no `FinishCommit` with whole data was ever sent: `DropCommit`. One for which such a
//! call may be on its way, from us or from an earlier run: `FinishCommit` with an error, since of two of them the first
//! decides for good, and then, once it *is* finished, `DropCommit` to tidy up. A `DropCommit` alone could arrive after
//! the commit was found finished and acknowledged, and would take it away again (found by a property test over several
//! runs). And pachd 2.0 to 2.5 has to be done with a commit before it is dropped (seen on 2.3.9). For the former reason
//! nobody goes on with an open commit whose id did not come as the answer to their own `StartCommit`: whoever had it
//! before may have dropped it, and the call may be late.
//!
//! Overwriting, a file set deletes each path before it adds it, so adding it twice is right (recordings p 003–007).
//! Appending, it would double. A proxy that by itself repeats an `AddFileSet` before it answers does just that, and
//! nobody can tell: an open commit has no size to look at. (Repeated later, it finds the commit closed.)
//! `PutFile`, which takes the place of the upload and of `AddFileSet` in a store without file sets,
//! writes file after file: without an answer nobody knows how many of them are in, or when.

mod giving_up;
mod publishing;
mod retrying;

use std::ops::ControlFlow;

use self::retrying::{Busy, Retry};
use super::CommitSink;
use super::context::Context;
use super::early::Early;
use super::error::DeliveryError;
use super::finishing::{Finisher, NoRoom};
use super::ledger::Ledger;
use super::mark::{Mark, Stage};
use super::observer::Step;
use super::staging::{Published, Staging};
use super::upload::{Upload, Uploader};
use super::write_mode::WriteMode;
use spoutctl_archive::{Archive, Files};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, CommitId, CommitInfo};

/// How often a commit that somebody else finished or dropped is started anew.
const FRESH_STARTS: usize = 3;

/// How often an archive is staged anew because the destination was moved meanwhile.
const OVERTAKEN: usize = 20;

/// What a delivery has at hand for one archive after the other.
pub(super) struct Committer<'a> {
    pub context: &'a Context,
    pub finisher: &'a Finisher,
    pub ledger: &'a Ledger,
    pub early: Option<&'a Early>,
    /// Where commits are started.
    pub branch: &'a Branch,
    /// When that is not where they are for.
    pub staging: Option<Staging<'a>>,
    pub message: Option<&'a str>,
    pub mode: WriteMode,
    pub in_flight: usize,
    /// Commits that are older than anything of ours: no look goes further.
    pub floor: Vec<CommitId>,
    /// With `--staging`: the newest commit that the destination was moved to.
    pub published: Option<CommitId>,
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
    /// Closed with its data whole; to be waited for.
    Closed(Commit),
    /// An earlier failure of another archive ended this one: it was given up.
    Abandoned,
}

/// What the branch holds of an archive.
enum Found {
    Nothing,
    /// Ours, and open; it may hold data.
    Open(Commit),
    /// Ours, closed with its data whole.
    Closed(Commit),
    /// Ours, finished with an error that pachd gave it.
    Errored(Commit, String),
}

/// What is at hand once `StartCommit` is settled.
enum Started {
    /// Open and empty: this run's own call has started it.
    Open(Commit),
    Closed(Commit),
}

/// What to do after a step.
enum Next {
    /// The step is done.
    Go,
    /// The archive is in a commit that is closed already.
    Closed(Commit),
    /// The commit is no longer ours: somebody else has finished or dropped it.
    StartAgain,
    /// We gave the commit up, because nobody can tell whether this call was carried out.
    GaveUp(Fault),
    /// An earlier archive failed: the commit was given up.
    Abandoned,
}

/// Whether a `FinishCommit` with whole data may still arrive at a commit that is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LateFinish {
    Impossible,
    Possible,
}

/// How giving up went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// Whatever it held is never seen.
    Gone,
    /// It was finished before, by a call of ours that came late or by somebody else.
    Finished,
}

impl<'a> Committer<'a> {
    /// Brings the archive into a commit that is closed for writing.
    pub fn commit(&mut self, job: &Job<'_>) -> Result<Outcome, DeliveryError> {
        self.check_published(job.archive.number)?;
        let mut restarts = Retry::new(self.context, job.archive.number);
        let mut upload = self.timed(job, Step::Upload, |committer| committer.upload(job))?;
        let mut fresh_starts = 0;
        let mut overtaken = 0;
        while fresh_starts <= FRESH_STARTS {
            let closed = match self.timed(job, Step::Start, |committer| committer.start(job))? {
                Started::Closed(commit) => commit,
                Started::Open(commit) => {
                    self.ledger.open(&commit);
                    match self.fill_and_close(job, &commit, &mut upload) {
                        Ok(Next::Go) => commit,
                        Ok(Next::Closed(commit)) => commit,
                        Ok(Next::Abandoned) => return Ok(Outcome::Abandoned),
                        Ok(Next::StartAgain) => {
                            fresh_starts += 1;
                            continue;
                        }
                        Ok(Next::GaveUp(fault)) => {
                            restarts.again(fault)?;
                            continue;
                        }
                        Err(error) => return Err(self.leave(job, &commit, error)),
                    }
                }
            };
            match self.move_destination(job, &closed)? {
                Published::There => {
                    self.published = self.staging.is_some().then(|| closed.id.clone());
                    return Ok(Outcome::Closed(closed));
                }
                Published::Overtaken => overtaken += 1,
            }
            if overtaken > OVERTAKEN {
                return Err(refused(
                    job,
                    format!("{} got a new head {overtaken} times in a row", self.target()),
                ));
            }
        }
        Err(refused(
            job,
            format!("somebody else finished or dropped our commit {fresh_starts} times in a row"),
        ))
    }

    /// Tells how long a step took that succeeded.
    fn timed<T>(
        &mut self,
        job: &Job<'_>,
        step: Step,
        take: impl FnOnce(&mut Self) -> Result<T, DeliveryError>,
    ) -> Result<T, DeliveryError> {
        let begun = self.context.clock.now();
        let taken = take(self)?;
        let took = self.context.clock.now().saturating_duration_since(begun);
        self.context.observer.stepped(job.archive.number, step, took);
        Ok(taken)
    }

    fn move_destination(&mut self, job: &Job<'_>, closed: &Commit) -> Result<Published, DeliveryError> {
        if self.staging.is_none() {
            return Ok(Published::There);
        }
        self.timed(job, Step::Move, |committer| committer.publish(job, closed))
    }

    fn fill_and_close(&mut self, job: &Job<'_>, commit: &Commit, upload: &mut Upload) -> Result<Next, DeliveryError> {
        match self.timed(job, Step::Add, |committer| committer.add(job, commit, upload))? {
            Next::Go => {}
            other => return Ok(other),
        }
        if self.wait_for_room(self.in_flight)?.is_break() {
            self.give_up(job.archive.number, &job.mark, commit, LateFinish::Impossible)?;
            return Ok(Next::Abandoned);
        }
        self.timed(job, Step::Close, |committer| committer.finish(job, commit))
    }

    /// Waits until every earlier archive is a finished commit; breaks when one of them failed.
    pub fn wait_for_all(&self) -> Result<ControlFlow<()>, DeliveryError> {
        self.wait_for_room(1)
    }

    /// Waits until fewer than `most` commits wait to be finished; breaks when one of them failed.
    fn wait_for_room(&self, most: usize) -> Result<ControlFlow<()>, DeliveryError> {
        match self.finisher.room(most, self.context) {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(NoRoom::EarlierFailed) => Ok(ControlFlow::Break(())),
            Err(NoRoom::Interrupted) => Err(DeliveryError::Interrupted),
        }
    }

    fn uploader(&self) -> Uploader<'a> {
        Uploader {
            context: self.context,
            branch: self.branch,
            mode: self.mode,
            early: self.early,
        }
    }

    fn upload(&self, job: &Job<'_>) -> Result<Upload, DeliveryError> {
        let mut retry = Retry::new(self.context, job.archive.number);
        let uploaded = self
            .uploader()
            .upload(job.archive, job.files, &mut |fault| match fault {
                None => {
                    retry.succeeded();
                    Ok(())
                }
                Some(fault) if fault.kind == FaultKind::Local && self.context.is_over() => {
                    Err(DeliveryError::Interrupted)
                }
                Some(fault) => retry.again(fault),
            })?;
        match uploaded {
            Upload::LetGo(why) => Err(DeliveryError::LetGo {
                archive: job.archive.number,
                why,
            }),
            uploaded => Ok(uploaded),
        }
    }

    /// Starts a commit, or finds the one that an unanswered call has started.
    fn start(&mut self, job: &Job<'_>) -> Result<Started, DeliveryError> {
        let description = job.mark.description(self.message);
        let mut retry = Retry::new(self.context, job.archive.number);
        let mut busy = Busy::new(self.context);
        let mut lost = false;
        loop {
            // Whoever has to leave while the call is on its way must know of it.
            self.ledger.start_lost(self.branch);
            let fault = match self.start_commit(&description) {
                Ok(id) => {
                    let commit = self.name(id);
                    self.ledger.open(&commit);
                    self.ledger.start_found();
                    return Ok(Started::Open(commit));
                }
                Err(fault) => fault,
            };
            lost |= matches!(fault.kind, FaultKind::Unknown | FaultKind::Unrecognised);
            if lost {
                self.lost_starts = true;
            } else {
                self.ledger.start_found();
            }
            let head_open = fault.kind == FaultKind::HeadOpen;
            if !head_open && !fault.is_passing() {
                return Err(self.start_refused(job, fault));
            }
            // pachd may run its own database transaction twice, so that a call is refused because of what it did
            // itself: hence look before *busy*.
            let found = match self.look(&job.mark) {
                Ok(found) => found,
                Err(look) if look.is_passing() => {
                    retry.again(look)?;
                    continue;
                }
                Err(look) => return Err(DeliveryError::from_fault(job.archive.number, look)),
            };
            match found {
                Found::Nothing if head_open => self.wait_for_head(job, &mut busy, &mut retry)?,
                Found::Nothing => retry.again(fault)?,
                Found::Open(commit) => {
                    self.ledger.open(&commit);
                    if let Some(commit) = self.take_or_give_up(job, &commit)? {
                        self.ledger.start_found();
                        return Ok(Started::Closed(commit));
                    }
                    retry.again(fault)?;
                }
                Found::Closed(commit) => {
                    self.ledger.start_found();
                    return Ok(Started::Closed(commit));
                }
                Found::Errored(commit, error) => return Err(finished_with_error(job, commit, error)),
            }
        }
    }

    fn start_refused(&self, job: &Job<'_>, fault: Fault) -> DeliveryError {
        match fault.kind {
            FaultKind::OutputBranch => {
                let kind = self.context.sink.pipeline_kind(&self.branch.repo).ok().flatten();
                DeliveryError::OutputBranch {
                    branch: self.branch.clone(),
                    kind,
                }
            }
            FaultKind::NotFound => DeliveryError::NoRepo(self.branch.repo.clone()),
            _ => DeliveryError::from_fault(job.archive.number, fault),
        }
    }

    /// The head is an open commit, and not this archive's. One of ours came late and is given up; anybody else's is
    /// waited for.
    fn wait_for_head(&self, job: &Job<'_>, busy: &mut Busy<'a>, retry: &mut Retry<'a>) -> Result<(), DeliveryError> {
        let (branch, head) = match self.open_heads() {
            Ok(Some(found)) => found,
            Ok(None) => return busy.race(retry),
            Err(fault) => return retry.again(fault),
        };
        match Mark::of(&head) {
            // One process at a time uses a stream's name, so this is a call of ours, or of a run that was killed, that
            // took its time. That run may have been further on, when this archive is one that failed in flight.
            Some(late) if late.stream == job.mark.stream => {
                self.give_up(job.archive.number, &late, &head.commit, LateFinish::Possible)?;
                busy.race(retry)
            }
            _ => busy.wait(branch, head),
        }
    }

    /// An open head of the branch where commits are started, or of the one that they are for.
    fn open_heads(&self) -> Result<Option<(&'a Branch, CommitInfo)>, Fault> {
        if let Some(head) = open_head(self.context.sink.as_ref(), self.target())? {
            return Ok(Some((self.target(), head)));
        }
        if self.staging.is_none() {
            return Ok(None);
        }
        let head = open_head(self.context.sink.as_ref(), self.branch)?;
        Ok(head.map(|head| (self.branch, head)))
    }

    fn add(&self, job: &Job<'_>, commit: &Commit, upload: &mut Upload) -> Result<Next, DeliveryError> {
        let mut retry = Retry::new(self.context, job.archive.number);
        loop {
            let Upload::FileSet { id, .. } = upload else {
                return self.put_file(job, commit);
            };
            let Err(fault) = self.context.sink.add_file_set(commit, id) else {
                return Ok(Next::Go);
            };
            match fault.kind {
                FaultKind::FileSetGone => {
                    self.context
                        .observer
                        .note("the uploaded file set has expired: it is uploaded again");
                    *upload = self.upload(job)?;
                    retry.again(fault)?;
                }
                FaultKind::AlreadyFinished | FaultKind::NotFound => return self.lost_commit(job, commit, &fault),
                FaultKind::Unknown | FaultKind::Unrecognised if self.mode == WriteMode::Append => {
                    return self.give_up_doubtful(job, commit, fault);
                }
                _ => retry.again(fault)?,
            }
        }
    }

    fn put_file(&self, job: &Job<'_>, commit: &Commit) -> Result<Next, DeliveryError> {
        let Err(fault) = self.uploader().put_file(commit, job.archive, job.files) else {
            return Ok(Next::Go);
        };
        match fault.kind {
            FaultKind::AlreadyFinished | FaultKind::NotFound => self.lost_commit(job, commit, &fault),
            FaultKind::Local if self.context.is_over() => Err(DeliveryError::Interrupted),
            _ if fault.is_passing() => self.give_up_doubtful(job, commit, fault),
            _ => Err(DeliveryError::from_fault(job.archive.number, fault)),
        }
    }

    /// Nobody can tell what the commit holds.
    fn give_up_doubtful(&self, job: &Job<'_>, commit: &Commit, fault: Fault) -> Result<Next, DeliveryError> {
        let given_up = self.give_up(job.archive.number, &job.mark, commit, LateFinish::Impossible)?;
        match given_up {
            GivenUp::Gone => Ok(Next::GaveUp(fault)),
            GivenUp::Finished => self.lost_commit(job, commit, &fault),
        }
    }

    /// The commit is no longer open: a call of an earlier run came late, which had the data in; or it was somebody
    /// else.
    fn lost_commit(&self, job: &Job<'_>, commit: &Commit, fault: &Fault) -> Result<Next, DeliveryError> {
        let what = if fault.kind == FaultKind::NotFound {
            "dropped"
        } else {
            "finished"
        };
        let found = self.inspect_ours(job, commit)?;
        self.ledger.settled(&commit.id);
        match found {
            Found::Closed(commit) => Ok(Next::Closed(commit)),
            Found::Errored(commit, error) => Err(finished_with_error(job, commit, error)),
            Found::Open(_) | Found::Nothing => {
                self.context.observer.note(&format!(
                    "somebody else {what} our commit {commit} before its data were in: a new one is started"
                ));
                Ok(Next::StartAgain)
            }
        }
    }

    fn finish(&self, job: &Job<'_>, commit: &Commit) -> Result<Next, DeliveryError> {
        let description = job.mark.at(Stage::Done).description(self.message);
        let mut retry = Retry::new(self.context, job.archive.number);
        let mut lost = false;
        loop {
            // Whoever has to leave while the call is on its way must not call the commit open.
            self.ledger.perhaps_closed(commit);
            let Err(fault) = self.context.sink.finish_commit(commit, &description, None) else {
                break;
            };
            lost |= matches!(fault.kind, FaultKind::Unknown | FaultKind::Unrecognised);
            match fault.kind {
                // By a call of ours whose answer was lost, or by somebody else: our data were in either way, since
                // `AddFileSet` was answered. Its error is looked at when it is finished.
                FaultKind::AlreadyFinished => {
                    self.note_missing_mark(job, commit);
                    break;
                }
                FaultKind::NotFound => {
                    self.ledger.settled(&commit.id);
                    return Err(DeliveryError::Dropped {
                        archive: job.archive.number,
                        commit: commit.clone(),
                    });
                }
                _ if !lost => self.ledger.still_open(commit),
                _ => {}
            }
            retry.again(fault)?;
        }
        self.ledger.closed(commit);
        Ok(Next::Go)
    }

    /// Somebody else's `FinishCommit` leaves the description as it was, and a later run would not know the archive.
    fn note_missing_mark(&self, job: &Job<'_>, commit: &Commit) {
        let mark = self
            .context
            .sink
            .inspect_commit(commit)
            .ok()
            .and_then(|info| Mark::of(&info));
        if mark.is_some_and(|mark| mark.is_same_archive(&job.mark) && mark.stage != Stage::Done) {
            self.context.observer.note(&format!(
                "somebody else finished our commit {commit}; its data are whole, but a run with --resume would send \
                 archive {} again",
                job.archive.number
            ));
        }
    }

    /// Looks for a commit that carries the mark, from the head back to [`Committer::floor`]. Of two the older counts.
    fn look(&self, mark: &Mark) -> Result<Found, Fault> {
        let mut oldest = None;
        self.context.sink.list_commits(self.branch, &mut |info| {
            if self.floor.contains(&info.commit.id) {
                return ControlFlow::Break(());
            }
            if Mark::of(&info).is_some_and(|found| found.is_same_archive(mark) && found.stage != Stage::GivenUp) {
                oldest = Some(info);
            }
            ControlFlow::Continue(())
        })?;
        Ok(oldest.map_or(Found::Nothing, |info| judge(info, mark)))
    }

    /// What became of one commit of ours.
    fn inspect_ours(&self, job: &Job<'_>, commit: &Commit) -> Result<Found, DeliveryError> {
        let info = self.inspect(job.archive.number, commit)?;
        Ok(info.map_or(Found::Nothing, |info| judge(info, &job.mark)))
    }

    /// A commit as it is now; `None` when it is gone.
    pub fn inspect(&self, archive: u64, commit: &Commit) -> Result<Option<CommitInfo>, DeliveryError> {
        let mut retry = Retry::new(self.context, archive);
        loop {
            match self.context.sink.inspect_commit(commit) {
                Ok(info) => return Ok(Some(info)),
                Err(fault) if fault.kind == FaultKind::NotFound => return Ok(None),
                Err(fault) => retry.again(fault)?,
            }
        }
    }

    pub fn name(&self, id: CommitId) -> Commit {
        self.branch.commit(id)
    }

    /// The branch that the archives are for.
    pub fn target(&self) -> &'a Branch {
        self.staging.as_ref().map_or(self.branch, |staging| staging.target)
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

pub(super) fn refused(job: &Job<'_>, text: String) -> DeliveryError {
    DeliveryError::from_fault(job.archive.number, Fault::new(FaultKind::Refused, text))
}

fn finished_with_error(job: &Job<'_>, commit: Commit, error: String) -> DeliveryError {
    DeliveryError::FinishedWithError {
        archive: job.archive.number,
        commit,
        error,
    }
}

/// What became of a commit, by what it says of itself.
fn judge(info: CommitInfo, mark: &Mark) -> Found {
    let commit = info.commit.clone();
    match Mark::of(&info).filter(|found| found.is_same_archive(mark)) {
        None
        | Some(Mark {
            stage: Stage::GivenUp, ..
        }) => Found::Nothing,
        Some(_) if info.is_open() => Found::Open(commit),
        Some(_) if !info.error.is_empty() => Found::Errored(commit, info.error),
        Some(Mark { stage: Stage::Done, .. }) => Found::Closed(commit),
        // Finished by somebody else; whether our data were in, nobody can tell.
        Some(Mark {
            stage: Stage::Started, ..
        }) => Found::Nothing,
    }
}

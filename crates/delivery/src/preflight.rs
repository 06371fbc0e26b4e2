//! What is looked at before anything is sent: is the repo there, may we write the branch, is its head free, and where
//! does our stream go on.
//!
//! A long upload that ends in "no such repo" is what users of other tools know; here it is known first.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::CommitSink;
use super::error::DeliveryError;
use super::mark::{Mark, Stage, StreamName};
use super::restarted::{self, Leftover};
use super::run::Spooled;
use super::staging::withdraw_moves;
use spoutctl_archive::Digest;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, CommitId, CommitInfo};
use spoutctl_core::positions::Positions;

/// What is asked of the destination.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub struct Preflight<'a> {
    pub branch: &'a Branch,
    pub create_repo: bool,
    /// The branch is the output of the spout that we are part of, and we talk to its sidecar, which alone may write it
    /// (recordings grpc-2.12-sidecar 034 to 037).
    pub own_output: bool,
    /// A stream whose numbers go on, if its name is not ours alone.
    pub stream: Option<&'a StreamName>,
    /// Find out how many messages the stream has had.
    pub counts_messages: bool,
    /// Find out where the partitions of its source go on.
    pub has_positions: bool,
    /// The input is the same as last time: find out what of it is done.
    pub resume: bool,
    /// The archives come from a spool: as when resuming, but it knows which of them can be there.
    pub spooled: Option<&'a Spooled>,
    /// Where commits are made before the branch is moved to them.
    pub staging: Option<&'a Branch>,
    /// Files get bytes at their end, so that it matters which files there are.
    pub append: bool,
    /// Also where pachd has emptied the branch.
    pub accept_emptied: bool,
    /// Look only: change nothing.
    pub dry_run: bool,
}

/// The destination is as it should be.
#[derive(Debug, Default)]
pub struct Ready {
    /// A commit that is older than anything this run starts.
    pub floor: Option<CommitId>,
    /// The head of the branch for staging, which is older, too.
    pub staged: Option<CommitId>,
    /// The number of the stream's newest archive; 0 for a new stream, and when resuming.
    pub newest: u64,
    /// The number of the stream's newest message, where they are counted; 0 before the first.
    pub messages: u64,
    /// What says where the partitions of the source go on, newest first, down to the first that is finished.
    pub placed: Vec<Placed>,
    /// Open heads that an earlier run of this stream has left behind.
    pub left_open: Vec<LeftOpen>,
    /// When resuming: what earlier runs have committed, by number; several in one commit by the last one's.
    pub known: BTreeMap<u64, Known>,
    /// The greatest of these numbers.
    pub greatest_known: u64,
    /// The id of the cluster, where it has one; known when a spool asks for it.
    pub cluster: Option<String>,
    /// What pachd itself has left on our own branch; what was open is finished, unless nothing may be changed.
    pub leftover: Leftover,
    /// How many finished archives of the stream were looked at.
    pub(super) seen: usize,
    /// How many of them were newer than its first one.
    pub(super) first_at: Option<usize>,
}

/// With `--in-flight` a stream's archives may be committed out of order by as many places as commits may wait: 100 at
/// most. So many of the newest are looked at for the greatest number.
const DISORDER: usize = 100;

/// An open commit of our stream.
#[derive(Debug)]
pub struct LeftOpen {
    pub commit: Commit,
    pub mark: Mark,
}

/// A commit of our stream whose data are whole, and where the partitions of the source go on behind it.
#[derive(Debug)]
pub struct Placed {
    pub commit: Commit,
    pub sequence: u64,
    pub positions: Positions,
    /// pachd has finished it, without an error. Until then that is not known.
    pub is_finished: bool,
}

/// An archive of our stream that is in a commit already, or several in one.
#[derive(Debug)]
pub struct Known {
    /// The first one's number.
    pub first: u64,
    pub digest: Digest,
    pub commit: Commit,
    pub finished: Option<jiff::Timestamp>,
}

/// Why the destination is not ready.
#[derive(Debug)]
pub enum NotReady {
    /// It will not be, whatever the time.
    Never(DeliveryError),
    /// Later perhaps: a fault that passes.
    Fault(Fault),
    /// Somebody else has the head open.
    Busy(Box<CommitInfo>),
}

impl Ready {
    /// Whether it is known for good where the partitions of the source go on.
    fn is_placed(&self) -> bool {
        self.placed.last().is_some_and(|placed| placed.is_finished)
    }
}

impl Placed {
    /// Nothing where the commit is open, or its mark says nothing of partitions.
    pub(super) fn of(mark: &Mark, info: &CommitInfo) -> Option<Self> {
        let positions = mark.positions.clone().filter(|_| !info.is_open())?;
        Some(Self {
            commit: info.commit.clone(),
            sequence: mark.sequence,
            positions,
            is_finished: info.finished.is_some(),
        })
    }
}

/// What the newest commit of a stream says of its source's partitions, as a `put` finds it, but that nothing is waited for:
/// one that pachd still works on counts, too.
///
/// # Errors
/// What a call of pachd's says.
pub fn newest_positions(sink: &dyn CommitSink, branch: &Branch, stream: &StreamName) -> Result<Option<Placed>, Fault> {
    let mut placed = None;
    sink.list_commits(branch, &mut |info| {
        let mark = Mark::of(&info).filter(|mark| mark.stream == *stream && mark.stage == Stage::Done);
        placed = mark
            .filter(|_| info.error.is_empty())
            .and_then(|mark| Placed::of(&mark, &info));
        if placed.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    Ok(placed)
}

impl Preflight<'_> {
    /// Looks once.
    ///
    /// # Errors
    /// What is not as it should be.
    pub fn look(&self, sink: &dyn CommitSink) -> Result<Ready, NotReady> {
        let cluster = self.cluster(sink)?;
        let ready = self.branch(sink)?;
        Ok(Ready { cluster, ..ready })
    }

    /// Whether it is still the cluster that the spool's archives were sent to before.
    fn cluster(&self, sink: &dyn CommitSink) -> Result<Option<String>, NotReady> {
        let Some(spooled) = self.spooled else { return Ok(None) };
        let found = sink.cluster().map_err(sort)?;
        match (&spooled.cluster, found) {
            (Some(expected), Some(found)) if *expected != found => {
                let expected = expected.clone();
                Err(NotReady::Never(DeliveryError::AnotherCluster { expected, found }))
            }
            (_, found) => Ok(found),
        }
    }

    fn branch(&self, sink: &dyn CommitSink) -> Result<Ready, NotReady> {
        if !self.repo(sink)? {
            return Ok(Ready::default());
        }
        // pachd itself says so at `StartCommit` only, after the whole upload (recordings auth 011, 014).
        let missing = sink.missing_permissions(&self.branch.repo).map_err(sort)?;
        if !missing.is_empty() {
            let repo = self.branch.repo.clone();
            return Err(NotReady::Never(DeliveryError::NotAllowed { repo, missing }));
        }
        let ready = match sink.inspect_branch(self.branch).map_err(sort)? {
            None => Ready::default(),
            Some(branch) if branch.has_provenance => {
                self.output(sink)?;
                self.history(sink)?
            }
            Some(_) => {
                if self.staging.is_some() && !self.dry_run {
                    withdraw_moves(sink, self.branch).map_err(sort)?;
                }
                self.history(sink)?
            }
        };
        match self.staging {
            Some(staging) => self.staged(sink, staging, ready),
            None => Ok(ready),
        }
    }

    /// Whether we may write a branch that a pipeline writes.
    fn output(&self, sink: &dyn CommitSink) -> Result<(), NotReady> {
        if !self.own_output {
            let kind = sink.pipeline_kind(&self.branch.repo).ok().flatten();
            return Err(NotReady::Never(DeliveryError::OutputBranch {
                branch: self.branch.clone(),
                kind,
            }));
        }
        if self.staging.is_some() {
            return Err(NotReady::Never(DeliveryError::OutputStaged(self.branch.clone())));
        }
        Ok(())
    }

    /// What an earlier run has left on the branch for staging. What is finished there and not in the destination was not
    /// acknowledged, and counts for nothing.
    fn staged(&self, sink: &dyn CommitSink, staging: &Branch, mut ready: Ready) -> Result<Ready, NotReady> {
        // Also tells a store without transactions, before anything is uploaded.
        sink.staging().map_err(sort)?;
        if sink
            .inspect_branch(staging)
            .map_err(sort)?
            .is_some_and(|info| info.has_provenance)
        {
            return Err(NotReady::Never(DeliveryError::OutputStaged(staging.clone())));
        }
        let mut head = None;
        sink.list_commits(staging, &mut |info| {
            head = Some(info);
            ControlFlow::Break(())
        })
        .map_err(sort)?;
        let Some(info) = head else { return Ok(ready) };
        if !info.is_open() {
            ready.staged = Some(info.commit.id);
            return Ok(ready);
        }
        let Some(mark) = Mark::of(&info).filter(|mark| self.stream == Some(&mark.stream)) else {
            return Err(NotReady::Busy(Box::new(info)));
        };
        let commit = info.commit;
        ready.left_open.push(LeftOpen { commit, mark });
        Ok(ready)
    }

    /// Whether the repo is there, after it was made if that was wanted.
    fn repo(&self, sink: &dyn CommitSink) -> Result<bool, NotReady> {
        let repo = &self.branch.repo;
        if sink.repo_exists(repo).map_err(sort)? {
            return Ok(true);
        }
        if !self.create_repo {
            return Err(NotReady::Never(DeliveryError::NoRepo(repo.clone())));
        }
        if self.dry_run {
            return Ok(false);
        }
        match sink.create_repo(repo) {
            Ok(()) => Ok(true),
            Err(fault) if fault.kind == FaultKind::AlreadyExists => Ok(true),
            Err(fault) => Err(sort(fault)),
        }
    }

    /// The open head, if it is ours, and the stream's numbers.
    fn history(&self, sink: &dyn CommitSink) -> Result<Ready, NotReady> {
        let mut ready = Ready::default();
        let mut busy = None;
        let mut is_head = true;
        let mut leftover = Leftover::default();
        let mut looks_for_leftover = self.own_output;
        let listed = sink.list_commits(self.branch, &mut |info| {
            looks_for_leftover = looks_for_leftover && leftover.see(&info).is_continue();
            if leftover.open.contains(&info.commit.id) {
                is_head = false;
                return ControlFlow::Continue(());
            }
            if self.floor() == Some(&info.commit.id) {
                ready.floor.get_or_insert(info.commit.id);
                return ControlFlow::Break(());
            }
            let ours = Mark::of(&info).filter(|mark| self.stream == Some(&mark.stream));
            if std::mem::take(&mut is_head) && info.is_open() && ours.is_none() {
                busy = Some(Box::new(info));
                return ControlFlow::Break(());
            }
            // An open commit of ours may be dropped, and then bounds nothing.
            if ready.floor.is_none() && !info.is_open() {
                ready.floor = Some(info.commit.id.clone());
            }
            let flow = match ours {
                Some(mark) => self.take(&mut ready, mark, info),
                None if self.stream.is_none() || self.is_fresh() => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            };
            if looks_for_leftover {
                ControlFlow::Continue(())
            } else {
                flow
            }
        });
        if let Some(head) = busy {
            return Err(NotReady::Busy(head));
        }
        listed.map_err(sort)?;
        ready.leftover = leftover;
        self.pachds_own(sink, &ready.leftover)?;
        Ok(ready)
    }

    /// In the spout's own pod nobody else finishes what pachd has begun there.
    fn pachds_own(&self, sink: &dyn CommitSink, leftover: &Leftover) -> Result<(), NotReady> {
        match &leftover.emptied {
            Some(emptied) if self.append && !self.accept_emptied => {
                let branch = self.branch.clone();
                let emptied = emptied.clone();
                Err(NotReady::Never(DeliveryError::Emptied { branch, emptied }))
            }
            _ if self.dry_run => Ok(()),
            _ => restarted::finish(sink, self.branch, leftover).map_err(sort),
        }
    }

    fn floor(&self) -> Option<&CommitId> {
        self.spooled.and_then(|spooled| spooled.floor.as_ref())
    }

    fn is_fresh(&self) -> bool {
        self.spooled.is_some_and(|spooled| spooled.fresh)
    }

    fn take(&self, ready: &mut Ready, mark: Mark, info: CommitInfo) -> ControlFlow<()> {
        let resume = self.resume || self.spooled.is_some();
        // Older numbers of a spool have left it: none of them comes again.
        let is_first = mark.first <= 1 || self.spooled.is_some_and(|spooled| mark.sequence < spooled.oldest);
        let is_done = mark.stage == Stage::Done && info.error.is_empty();
        if !resume {
            ready.newest = ready.newest.max(mark.sequence);
        }
        ready.messages = ready.messages.max(mark.messages.map_or(0, |messages| messages.last));
        if is_done && self.has_positions && !ready.is_placed() {
            ready.placed.extend(Placed::of(&mark, &info));
        }
        if info.is_open() {
            let commit = info.commit;
            ready.left_open.push(LeftOpen { commit, mark });
        } else if is_done && resume {
            // Of two commits for one archive the older counts, and it comes last.
            let known = Known {
                first: mark.first,
                digest: mark.digest,
                commit: info.commit,
                finished: info.finished,
            };
            ready.greatest_known = ready.greatest_known.max(mark.sequence);
            ready.known.insert(mark.sequence, known);
        }
        ready.seen += usize::from(is_done);
        if is_first {
            ready.first_at.get_or_insert(ready.seen);
        }
        // Number 1 need not be the oldest: one that failed in flight may have been committed after those behind it.
        let looked_at = if resume {
            ready.first_at.map_or(0, |at| ready.seen - at)
        } else {
            ready.seen
        };
        // Commits made of archives that came as such have no messages to count.
        let is_counted = !self.counts_messages || self.spooled.is_some() || ready.messages > 0;
        let is_placed = !self.has_positions || ready.is_placed();
        let enough = is_done && looked_at >= DISORDER && is_counted && is_placed;
        if enough {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

fn sort(fault: Fault) -> NotReady {
    if fault.is_passing() {
        NotReady::Fault(fault)
    } else {
        NotReady::Never(DeliveryError::Destination(fault))
    }
}

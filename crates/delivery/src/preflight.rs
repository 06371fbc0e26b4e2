//! What is looked at before anything is sent: is the repo there, may we write the branch, is its head free, and where
//! does our stream go on.
//!
//! A long upload that ends in "no such repo" is what users of other tools know; here it is known first.

use std::ops::ControlFlow;

use super::CommitSink;
use super::error::DeliveryError;
use super::mark::{Mark, Stage};
use super::options::Options;
use super::ready::{Known, LeftOpen, Leftover, Placed, Ready};
use super::restarted;
use super::staging::withdraw_moves;
use super::write_mode::WriteMode;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, CommitId, CommitInfo};

/// Looks at the destination, and changes what was asked for and has to be before anything is sent.
pub(super) struct Preflight<'a>(pub &'a Options);

/// With `--in-flight` a stream's archives may be committed out of order by as many places as commits may wait: 100 at
/// most. So many of the newest are looked at for the greatest number.
pub(super) const DISORDER: usize = 100;

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

/// Whether the repo is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Repo,
    /// It was made just now.
    NewRepo,
    Nothing,
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
        let Some(spooled) = self.0.spooled.as_ref() else {
            return Ok(None);
        };
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
        let repo = self.repo(sink)?;
        if repo == Found::Nothing {
            return Ok(Ready::default());
        }
        // pachd itself says so at `StartCommit` only, after the whole upload (recordings auth 011, 014).
        let missing = sink.missing_permissions(&self.0.branch.repo).map_err(sort)?;
        if !missing.is_empty() {
            let repo = self.0.branch.repo.clone();
            return Err(NotReady::Never(DeliveryError::NotAllowed { repo, missing }));
        }
        let ready = match sink.inspect_branch(&self.0.branch).map_err(sort)? {
            None => Ready {
                is_new_branch: repo == Found::Repo,
                ..Ready::default()
            },
            Some(branch) if branch.has_provenance => {
                self.output(sink)?;
                self.history(sink)?
            }
            Some(_) => {
                if self.0.staging.is_some() && !self.0.dry_run {
                    withdraw_moves(sink, &self.0.branch).map_err(sort)?;
                }
                self.history(sink)?
            }
        };
        match self.0.staging.as_ref() {
            Some(staging) => self.staged(sink, staging, ready),
            None => Ok(ready),
        }
    }

    /// Whether we may write a branch that a pipeline writes.
    fn output(&self, sink: &dyn CommitSink) -> Result<(), NotReady> {
        if !self.0.own_output {
            let kind = sink.pipeline_kind(&self.0.branch.repo).ok().flatten();
            return Err(NotReady::Never(DeliveryError::OutputBranch {
                branch: self.0.branch.clone(),
                kind,
            }));
        }
        if self.0.staging.is_some() {
            return Err(NotReady::Never(DeliveryError::OutputStaged(self.0.branch.clone())));
        }
        Ok(())
    }

    /// What an earlier run has left on the branch for staging. What is finished there and not in the destination was
    /// not acknowledged, and counts for nothing.
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
        let Some(mark) = Mark::of(&info).filter(|mark| self.0.stream.as_ref() == Some(&mark.stream)) else {
            return Err(NotReady::Busy(Box::new(info)));
        };
        let commit = info.commit;
        ready.left_open.push(LeftOpen { commit, mark });
        Ok(ready)
    }

    /// Whether the repo is there, after it was made if that was wanted.
    fn repo(&self, sink: &dyn CommitSink) -> Result<Found, NotReady> {
        let repo = &self.0.branch.repo;
        if sink.repo_exists(repo).map_err(sort)? {
            return Ok(Found::Repo);
        }
        if !self.0.create_repo {
            return Err(NotReady::Never(DeliveryError::NoRepo(repo.clone())));
        }
        if self.0.dry_run {
            return Ok(Found::Nothing);
        }
        match sink.create_repo(repo) {
            Ok(()) => Ok(Found::NewRepo),
            Err(fault) if fault.kind == FaultKind::AlreadyExists => Ok(Found::Repo),
            Err(fault) => Err(sort(fault)),
        }
    }

    /// The open head, if it is ours, and the stream's numbers.
    fn history(&self, sink: &dyn CommitSink) -> Result<Ready, NotReady> {
        let mut ready = Ready::default();
        let mut busy = None;
        let mut is_head = true;
        let mut leftover = Leftover::default();
        let mut looks_for_leftover = self.0.own_output;
        let listed = sink.list_commits(&self.0.branch, &mut |info| {
            looks_for_leftover = looks_for_leftover && leftover.see(&info).is_continue();
            if leftover.open.contains(&info.commit.id) {
                is_head = false;
                return ControlFlow::Continue(());
            }
            if self.floor() == Some(&info.commit.id) {
                ready.floor.get_or_insert(info.commit.id);
                return ControlFlow::Break(());
            }
            let ours = Mark::of(&info).filter(|mark| self.0.stream.as_ref() == Some(&mark.stream));
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
                None if self.0.stream.is_none() || self.is_fresh() => ControlFlow::Break(()),
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
            Some(emptied) if self.0.mode == WriteMode::Append && !self.0.accept_emptied => {
                let branch = self.0.branch.clone();
                let emptied = emptied.clone();
                Err(NotReady::Never(DeliveryError::Emptied { branch, emptied }))
            }
            _ if self.0.dry_run => Ok(()),
            _ => restarted::finish(sink, &self.0.branch, leftover).map_err(sort),
        }
    }

    fn floor(&self) -> Option<&CommitId> {
        self.0.spooled.as_ref().and_then(|spooled| spooled.floor.as_ref())
    }

    fn is_fresh(&self) -> bool {
        self.0.spooled.as_ref().is_some_and(|spooled| spooled.fresh)
    }

    fn take(&self, ready: &mut Ready, mark: Mark, info: CommitInfo) -> ControlFlow<()> {
        let resume = self.0.resume || self.0.spooled.is_some();
        // Older numbers of a spool have left it: none of them comes again.
        let is_first = mark.first <= 1
            || self
                .0
                .spooled
                .as_ref()
                .is_some_and(|spooled| mark.sequence < spooled.oldest);
        let is_done = mark.stage == Stage::Done && info.error.is_empty();
        if !resume {
            ready.newest = ready.newest.max(mark.sequence);
        }
        ready.messages = ready.messages.max(mark.messages.map_or(0, |messages| messages.last));
        if is_done && self.0.has_positions && !ready.is_placed() {
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
        let is_counted = !self.0.counts_messages || self.0.spooled.is_some() || ready.messages > 0;
        let is_placed = !self.0.has_positions || ready.is_placed();
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

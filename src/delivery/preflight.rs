//! What is looked at before anything is sent: is the repo there, may we write the branch, is its head free, and where
//! does our stream go on.
//!
//! A long upload that ends in "no such repo" is what users of other tools know; here it is known first.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::CommitSink;
use super::error::DeliveryError;
use super::mark::{Mark, Stage, StreamName};
use super::run::Spooled;
use crate::archive::Digest;
use crate::fault::{Fault, FaultKind};
use crate::pfs::{Branch, CommitId, CommitInfo};

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
    /// The input is the same as last time: find out what of it is done.
    pub resume: bool,
    /// The archives come from a spool: as when resuming, but it knows which of them can be there.
    pub spooled: Option<&'a Spooled>,
    /// Look only: make no repo.
    pub dry_run: bool,
}

/// The destination is as it should be.
#[derive(Debug, Default)]
pub struct Ready {
    /// A commit that is older than anything this run starts.
    pub floor: Option<CommitId>,
    /// The number of the stream's newest archive; 0 for a new stream, and when resuming.
    pub newest: u64,
    /// The number of the stream's newest message, where they are counted; 0 before the first.
    pub messages: u64,
    /// An open head that an earlier run of this stream has left behind.
    pub left_open: Option<LeftOpen>,
    /// When resuming: what earlier runs have committed, by number.
    pub known: HashMap<u64, Known>,
    /// The greatest of these numbers.
    pub greatest_known: u64,
    /// The id of the cluster, where it has one; known when a spool asks for it.
    pub cluster: Option<String>,
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
    pub commit: CommitId,
    pub mark: Mark,
}

/// An archive of our stream that is in a commit already.
#[derive(Debug)]
pub struct Known {
    pub digest: Digest,
    pub commit: CommitId,
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
        let Some(branch) = sink.inspect_branch(self.branch).map_err(sort)? else {
            return Ok(Ready::default());
        };
        if branch.has_provenance && !self.own_output {
            let kind = sink.pipeline_kind(&self.branch.repo).ok().flatten();
            return Err(NotReady::Never(DeliveryError::OutputBranch {
                branch: self.branch.clone(),
                kind,
            }));
        }
        self.history(sink)
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
        let listed = sink.list_commits(self.branch, &mut |info| {
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
            match ours {
                Some(mark) => self.take(&mut ready, mark, info),
                None if self.stream.is_none() || self.is_fresh() => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            }
        });
        match busy {
            Some(head) => Err(NotReady::Busy(head)),
            None => listed.map_err(sort).map(|()| ready),
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
        let is_first = mark.sequence <= 1 || self.spooled.is_some_and(|spooled| mark.sequence < spooled.oldest);
        let is_done = mark.stage == Stage::Done && info.error.is_empty();
        if !resume {
            ready.newest = ready.newest.max(mark.sequence);
        }
        ready.messages = ready.messages.max(mark.messages.map_or(0, |messages| messages.last));
        if info.is_open() {
            ready.left_open = Some(LeftOpen {
                commit: info.commit.id,
                mark,
            });
        } else if is_done && resume {
            // Of two commits for one archive the older counts, and it comes last.
            let known = Known {
                digest: mark.digest,
                commit: info.commit.id,
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
        let enough = is_done && looked_at >= DISORDER && is_counted;
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

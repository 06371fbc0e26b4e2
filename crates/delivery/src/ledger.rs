//! What we have begun on the server and not seen the end of, so that it can be named whenever we have to stop.

use std::fmt;

use parking_lot::Mutex;
use spoutctl_core::pfs::{Branch, Commit, CommitId};

/// Something that had to be left as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsettled {
    /// The answer to `StartCommit` was lost, and no look could tell since whether a commit is open.
    PerhapsStarted(Branch),
    /// It is open, and blocks the branch until somebody drops it.
    Open(Commit),
    /// `FinishCommit` was sent and not answered: it is open, or holds the whole archive.
    PerhapsClosed(Commit),
    /// It holds the whole archive; whether pachd finished it without an error, nobody has told us.
    Closed(Commit),
    /// It is finished or will be, on the branch for staging, and the destination was not moved to it.
    Staged(Commit),
    /// The destination may be at it already.
    PerhapsMoved(Commit, Branch),
}

impl Unsettled {
    /// The commit that it is about, where its id is known.
    pub fn commit(&self) -> Option<&CommitId> {
        match self {
            Self::PerhapsStarted(_) => None,
            Self::Open(commit)
            | Self::PerhapsClosed(commit)
            | Self::Closed(commit)
            | Self::Staged(commit)
            | Self::PerhapsMoved(commit, _) => Some(&commit.id),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::PerhapsStarted(branch) => format!(
                "the same --stream goes on by itself; otherwise look at the head of {branch} and drop it if it is \
                 open: spoutctl doctor {branch}"
            ),
            Self::Open(commit) => {
                format!(
                    "the same --stream goes on by itself; otherwise drop the commit: {}",
                    to_drop(commit)
                )
            }
            Self::PerhapsClosed(commit) | Self::Closed(commit) => format!(
                "before its archive is sent again, look at the commit: pachctl inspect commit {}; with --stream, \
                 --resume does that",
                commit.repo.for_pachctl(&format!("@{}", commit.id))
            ),
            Self::Staged(_) => "its archive is not in the destination: send it again if it is still wanted".to_owned(),
            Self::PerhapsMoved(commit, branch) => format!(
                "before its archive is sent again, look whether the branch has the commit {}: pachctl list commit {}; \
                 with --stream, --resume does that",
                commit.id,
                branch.repo.for_pachctl(&format!("@{}", branch.name))
            ),
        }
    }
}

/// The command that drops an open commit, on every pachd.
pub fn to_drop(commit: &Commit) -> String {
    let Commit { repo, branch, id } = commit;
    format!("spoutctl doctor {repo}@{branch} --drop {id}")
}

impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerhapsStarted(branch) => write!(f, "a commit of ours may be open on {branch}"),
            Self::Open(commit) => write!(f, "commit {commit} is left open"),
            Self::PerhapsClosed(commit) => write!(f, "commit {commit} is left open, or holds the whole archive"),
            Self::Closed(commit) => write!(f, "commit {commit} holds the whole archive, but was not seen finished"),
            Self::Staged(commit) => write!(f, "commit {commit} is staged and goes no further"),
            Self::PerhapsMoved(commit, branch) => write!(f, "{branch} may have been moved to commit {commit}"),
        }
    }
}

/// Everything unsettled, oldest first. Shared by those who settle it and those who may have to leave.
#[derive(Debug, Default)]
pub struct Ledger {
    unsettled: Mutex<Vec<Unsettled>>,
    /// Commits that somebody here wanted to end with an error, whether it was carried out or not.
    ended: Mutex<Vec<CommitId>>,
}

impl Ledger {
    /// What there is at this moment.
    pub fn unsettled(&self) -> Vec<Unsettled> {
        self.unsettled.lock().clone()
    }

    pub(super) fn start_lost(&self, branch: &Branch) {
        let lost = Unsettled::PerhapsStarted(branch.clone());
        let mut all = self.unsettled.lock();
        if !all.contains(&lost) {
            all.push(lost);
        }
    }

    /// A look has told what became of the lost call.
    pub(super) fn start_found(&self) {
        self.unsettled.lock().retain(|one| one.commit().is_some());
    }

    /// It is open, as far as we know; what is known better stays.
    pub(super) fn open(&self, commit: &Commit) {
        let mut all = self.unsettled.lock();
        if !all.iter().any(|one| one.commit() == Some(&commit.id)) {
            all.push(Unsettled::Open(commit.clone()));
        }
    }

    /// No `FinishCommit` was carried out.
    pub(super) fn still_open(&self, commit: &Commit) {
        self.put(Unsettled::Open(commit.clone()));
    }

    pub(super) fn perhaps_closed(&self, commit: &Commit) {
        self.put(Unsettled::PerhapsClosed(commit.clone()));
    }

    /// Whether a `FinishCommit` was sent that may have been carried out.
    fn is_perhaps_closed(&self, commit: &CommitId) -> bool {
        self.unsettled
            .lock()
            .iter()
            .any(|one| matches!(one, Unsettled::PerhapsClosed(named) | Unsettled::Closed(named) if named.id == *commit))
    }

    /// `FinishCommit` with an error is about to be sent: from now on it may be being finished.
    pub(super) fn ended(&self, commit: &CommitId) {
        let mut ended = self.ended.lock();
        if !ended.contains(commit) {
            ended.push(commit.clone());
        }
    }

    /// Whether it may be dropped as it is: no `FinishCommit` of ours was ever sent, so that it is open.
    pub(super) fn is_surely_open(&self, commit: &CommitId) -> bool {
        let ended = self.ended.lock();
        !ended.contains(commit) && !self.is_perhaps_closed(commit)
    }

    pub(super) fn staged(&self, commit: &Commit) {
        self.put(Unsettled::Staged(commit.clone()));
    }

    pub(super) fn perhaps_moved(&self, commit: &Commit, branch: &Branch) {
        self.put(Unsettled::PerhapsMoved(commit.clone(), branch.clone()));
    }

    pub(super) fn closed(&self, commit: &Commit) {
        self.put(Unsettled::Closed(commit.clone()));
    }

    pub(super) fn settled(&self, commit: &CommitId) {
        let mut ended = self.ended.lock();
        ended.retain(|id| id != commit);
        drop(ended);
        self.unsettled.lock().retain(|one| one.commit() != Some(commit));
    }

    fn put(&self, now: Unsettled) {
        let mut all = self.unsettled.lock();
        match all
            .iter_mut()
            .find(|one| one.commit().is_some() && one.commit() == now.commit())
        {
            Some(before) => *before = now,
            None => all.push(now),
        }
    }
}

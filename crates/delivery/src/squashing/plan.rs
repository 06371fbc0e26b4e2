//! What is wished for, and what is to go and to stay for it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use spoutctl_core::pfs::{Branch, CommitId};

/// Which commits are to go.
#[derive(Debug, Clone)]
pub struct Wish {
    pub branch: Branch,
    /// Those that were finished before, by pachd's clock. The limit itself is by ours.
    pub before: Timestamp,
    /// Of each period of this length, counted from 1970 in UTC, the newest good one stays.
    pub keep_every: Option<Duration>,
    /// These stay. Each has to be on the branch.
    pub keep: HashSet<CommitId>,
    /// What pipelines have made of a commit may go with it.
    pub downstream: bool,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident: $key:literal, $words:literal;)*) => {
        /// Why a commit stays.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $reason,)*
        }

        impl Reason {
            /// One word for programs.
            pub fn key(self) -> &'static str {
                match self {
                    $(Self::$reason => $key,)*
                }
            }
        }

        impl fmt::Display for Reason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$reason => $words,)*
                })
            }
        }
    };
}

reasons! {
    Head: "head", "the head";
    Young: "younger", "younger";
    NewestOfPeriod: "newest_of_period", "the newest of a period";
    Open: "open", "not finished";
    Errored: "error", "finished with an error";
    /// pachd itself made it.
    OfPachd: "of_pachd", "made by pachd itself";
    /// What follows it is not finished without an error, or pachd made it.
    BeforeSuch: "before_such", "before one that is not finished, has an error, or was made by pachd itself";
    Branch: "branch", "another branch stands on it";
    Stream: "stream", "among the newest 200 of a stream";
    Named: "named", "named by --keep or --cursor";
    Downstream: "downstream", "pipelines have made something of it, which only --downstream squashes with it";
    /// Of its id, in a pipeline's repo, something is open or errored, is a head, or stands before such a commit.
    Unfinished: "unfinished", "what a pipeline makes of it is not finished, failed, or is needed for what comes next";
    Provenance: "provenance", "commits of other ids were made of it";
    Shared: "shared", "others have its id, which are no work of a pipeline on it";
    Refused: "refused", "pachd refused";
}

/// What is to go, and what stays.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Oldest first.
    pub(super) goes: Vec<Id>,
    /// All of the branch, sorted.
    pub(super) line: Vec<Id>,
    /// Of these, the ones of which nothing may be expected: not finished, with an error, or made by pachd.
    pub(super) bad: HashSet<Id>,
    /// How many stay, and why.
    pub stays: BTreeMap<Reason, u64>,
}

impl Plan {
    /// The commits that are to go, oldest first.
    pub fn goes(&self) -> impl Iterator<Item = CommitId> {
        self.goes.iter().filter_map(|id| id.full())
    }

    /// How many are to go.
    pub fn going(&self) -> usize {
        self.goes.len()
    }

    /// How many commits the branch has.
    pub fn commits(&self) -> usize {
        self.line.len()
    }

    pub(super) fn has(&self, id: Id) -> bool {
        self.line.binary_search(&id).is_ok()
    }

    pub(super) fn stays(&mut self, reason: Reason, count: usize) {
        if count > 0 {
            *self.stays.entry(reason).or_default() += count as u64;
        }
    }
}

/// A commit's id in 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(u128);

impl Id {
    pub(super) fn of(id: &CommitId) -> Self {
        // Every id is 32 hex digits; what is not one, would be nobody's.
        Self(u128::from_str_radix(id.as_str(), 16).unwrap_or_default())
    }

    pub(super) fn full(self) -> Option<CommitId> {
        CommitId::new(&format!("{:032x}", self.0)).ok()
    }
}

//! How archives are to become commits.

use std::sync::Arc;

use super::batching::Batching;
use super::mark::StreamName;
use super::quarantine::Quarantine;
use super::ready::Spooled;
use super::write_mode::WriteMode;
use spoutctl_core::pfs::Branch;

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
    /// The archives are made of messages, whose numbers go on over the life of the stream. Without a spool the input
    /// waits until it is known where.
    pub counts_messages: bool,
    /// The marks of commits say where each partition of the source goes on, or each source. The input waits until that
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
    /// How many commits may wait to be finished before the next one is closed; at least 1.
    pub in_flight: usize,
    /// Append also where pachd has emptied the branch of our own spout.
    pub accept_emptied: bool,
    pub dry_run: bool,
}

impl Options {
    /// Each archive becomes a commit of its own, and its files replace those of the branch.
    pub fn new(branch: Branch) -> Self {
        Self {
            branch,
            staging: None,
            also: [].into(),
            mode: WriteMode::Overwrite,
            message: None,
            create_repo: false,
            own_output: false,
            stream: None,
            counts_messages: false,
            has_positions: false,
            asides_have_a_repo: false,
            drains_on_interrupt: false,
            resume: false,
            spooled: None,
            batching: Batching::ONE_EACH,
            in_flight: 1,
            accept_emptied: false,
            dry_run: false,
        }
    }
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

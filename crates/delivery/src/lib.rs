//! From a complete archive to a finished commit: once, in order, or not at all.
//!
//! This is the domain's heart. It knows archives and its own port, [`CommitSink`]; it knows no HTTP, no terminal, no
//! environment.
//!
//! | module | part of the way |
//! |---|---|
//! | [`spill`] | holds an archive's bytes while it is in hand, in memory or in a file without a name |
//! | [`rereading`] | an input that is a regular file is read again instead |
//! | [`spool`] | keeps complete archives on disk until their commits are finished: `--spool` |
//! | [`mark`] | names an archive in a commit's description |
//! | [`batching`] | which archives become one commit |
//! | `arriving` | archives that have come while a commit is made |
//! | [`restarted`] | what pachd leaves on a spout's branch when the spout is started again |
//! | `preflight` | looks at the destination before anything is sent, and numbers the stream |
//! | `ready` | what it finds: what the branch holds of our stream |
//! | [`Context`] | what each step has at hand: sink, observer, clock, interrupt, and how long to try |
//! | `stream` | numbers and marks archives; skips what is committed, settles what was left open |
//! | `releasing` | lets go of what was sent: `--hold-limit` |
//! | `upload`, `parts`, `keep_alive` | archive → file set, in parts that are kept alive |
//! | [`early`] | parts that leave while the archive is still being read |
//! | `committing` | file set → commit that is closed for writing; looks before it repeats |
//! | [`routing`] | makes the commits of one archive in several repos, together: `--route` |
//! | [`staging`] | finishes a commit on another branch first, then moves the destination: `--staging` |
//! | `finishing` | waits until the commit is finished and acknowledges it, in order |
//! | [`squashing`] | takes old commits out of a history, and leaves their data to those that stay |
//! | [`quarantine`] | keeps whole archives of which no commit can be made |
//! | [`ledger`] | what was begun and not seen to its end, to be named if we have to stop |
//! | [`retry`] | how long to try, and how an interrupt ends it |
//! | [`run`] | the three of them over a stream of archives |
//!
//! **The rules** (reasons and recordings: the table in each module):
//!
//! 1. Upload into file sets first: nothing is open while bytes travel. A store without file sets ([`CommitSink::put_file`])
//!    gets them in one call after `StartCommit`; after any fault of that call the commit is given up. Whether the paths fit
//!    the branch is looked at before ([`CommitSink::check_paths`]).
//! 2. `FinishCommit` only after an answered `AddFileSet` of the same commit.
//! 3. Never `ClearCommit`: a `FinishCommit` that is still on its way would publish an empty commit under our mark
//!    (recordings p 009–014). Give up by dropping: a dropped id fences every late call (p 017–020); where a
//!    `FinishCommit` may be late, finish with an error first (reasons in `committing`). What was ended in either way is
//!    dropped only once it *is* finished: pachd 2.0 to 2.5 works on it until then.
//! 4. A lost answer is never answered by repeating blindly: look for the mark first.
//! 5. `FinishCommit` of an archive follows the end of the one before (`in_flight` archives before, if told so), so
//!    nothing is published after a failure.
//! 6. Several archives are one commit only as a whole: what an earlier run has committed or begun together stays
//!    together, whatever the bounds are now (`batching`).
//! 7. Acknowledge after the commit is finished without an error, in order; then hand the acknowledgement on
//!    ([`Observer::settled`]), and acknowledge nothing after one that could not be.
//!
//! **Release by release** (numbers are recordings of each release; `docs/versions.md` has the facts side by side):
//!
//! | | 1.12, 1.13 | 2.0 to 2.5 | 2.6 and later |
//! |---|---|---|---|
//! | 1, uploading | no file sets: one `PutFile` into the open commit (031) | file sets (020 to 024) | the same |
//! | 3, dropping | `DeleteCommit`; it fences (037 to 039) | an open commit or a finished one (080, 163), **never one that is being finished** | done in the same way |
//! | 3, ending with an error | `FinishCommit` with `empty` (070 to 078) | `FinishCommit` with `error`; it is finished in the background like any other (083, 084); its data is in no later commit (150 to 157) | the same |
//! | 4, looking | the branch's line | the same, without the aliases of a branch that was moved (177) | the branch's line |
//! | 5, 7, the wait | none: the call ends when it is finished | for FINISHED (019); a wait for FINISHING does not wait | for FINISHED |
//! | a commit's name | repo and id | branch and id together | repo and id; the branch is named, and not looked at |
//! | `--staging` | no | the move gives the destination a head of its own with the transaction's id (186), which stands for the staged commit; the adapter sees through it | the head is the staged commit (186) |
//! | `--route` | no | the commits of one transaction have its id (206) | the same |

pub mod batching;
pub mod early;
pub mod examination;
pub mod following;
pub mod ledger;
pub mod mark;
pub mod messages;
pub mod quarantine;
pub mod rereading;
pub mod restarted;
pub mod retrieval;
pub mod retry;
pub mod routing;
pub mod run;
pub mod spill;
pub mod spool;
pub mod squashing;
pub mod staging;

mod arriving;
mod committing;
mod context;
mod error;
mod finishing;
mod keep_alive;
mod options;
mod parts;
mod preflight;
mod ready;
mod releasing;
mod stream;
mod upload;

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use spoutctl_archive::{Archive, Batch, Digest, Files, Label};
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Branch, CommitId};
use spoutctl_core::positions::Positions;

pub use arriving::Incoming;
pub use batching::Batching;
pub use context::Context;
pub use error::{Consequence, DeliveryError};
pub use ledger::{Ledger, Unsettled, to_drop};
pub use options::{OnBad, Options};
pub use ready::{Emptied, Known, LeftOpen, Leftover, Placed, Planned, Ready, Spooled};
pub use run::{Delivery, Summary};
pub use spoutctl_core::sink::{Change, Changes, CommitSink, MAX_CHUNK, RoutingSink, StagingSink};

/// What happens to a file that the branch has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// The archive's file replaces it (as `pachctl put file` of 2.x does).
    Overwrite,
    /// The archive's bytes go to its end.
    Append,
}

/// One archive that is a finished commit, or several that are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which archive of this run, from 1; of several the last.
    pub archive: u64,
    /// Which archives, where they are several.
    pub batch: Option<Batch>,
    /// The input it came from.
    pub input: std::sync::Arc<str>,
    /// Where its first header begins, in bytes of the decompressed input.
    pub offset: u64,
    /// Bytes from there through its second zero block.
    pub length: u64,
    pub digest: Digest,
    pub label: Label,
    pub files: usize,
    /// Files that the archive deletes.
    pub deletions: usize,
    /// Bytes of its files.
    pub bytes: u64,
    pub branch: Branch,
    /// Where commits of the same id hold the rest of it.
    pub also: Arc<[Branch]>,
    /// The commit that holds it, once there is one.
    pub commit: Option<CommitId>,
    /// When pachd finished the commit, by its own clock.
    pub finished: Option<jiff::Timestamp>,
}

/// What came of an archive, for good.
#[derive(Debug, Clone, Copy)]
pub enum Settled<'a> {
    /// It is a finished commit.
    Committed(&'a Receipt),
    /// An earlier run has committed it; nothing was sent.
    Already(&'a Receipt),
    /// It holds no file and deletes none, so no commit was made of it.
    Empty(&'a Archive),
    /// No commit can be made of it, and it was set aside in this file.
    Quarantined(&'a Archive, &'a Path),
    /// No commit can be made of it, and it was left out.
    Skipped(&'a Archive),
}

impl Settled<'_> {
    /// Which archive of this run, or of the spool; of several the last.
    #[must_use]
    pub fn archive(&self) -> u64 {
        match self {
            Self::Committed(receipt) | Self::Already(receipt) => receipt.archive,
            Self::Empty(archive) | Self::Quarantined(archive, _) | Self::Skipped(archive) => archive.number,
        }
    }

    /// The numbers of the archives that it is told of.
    #[must_use]
    pub fn archives(&self) -> RangeInclusive<u64> {
        self.batch().map_or(self.archive(), |batch| batch.first)..=self.archive()
    }

    /// Which archives, where they are several.
    #[must_use]
    pub fn batch(&self) -> Option<&Batch> {
        match self {
            Self::Committed(receipt) | Self::Already(receipt) => receipt.batch.as_ref(),
            Self::Empty(archive) | Self::Quarantined(archive, _) | Self::Skipped(archive) => archive.batch.as_ref(),
        }
    }

    #[must_use]
    pub fn commit(&self) -> Option<&CommitId> {
        match self {
            Self::Committed(receipt) | Self::Already(receipt) => receipt.commit.as_ref(),
            Self::Empty(_) | Self::Quarantined(..) | Self::Skipped(_) => None,
        }
    }
}

/// An acknowledgement could not be handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unacknowledged {
    /// What happened.
    pub how: String,
}

/// What is done for a commit, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The files are sent, where pachd takes them before there is a commit; of an archive that left early, the rest.
    Upload,
    /// The commit is started.
    Start,
    /// The files are added to it; where pachd has no file sets, they are sent now.
    Add,
    /// It is closed for writing.
    Close,
    /// With a branch for staging: it is finished, and the destination is moved to it.
    Move,
    /// It is waited for until pachd has finished it.
    Finish,
}

/// Who is told what happens on the way. Called from several threads.
pub trait Observer: Send + Sync {
    /// The destination is as it should be: nothing is sent before this.
    fn ready(&self, _ready: &Ready) {}
    /// Where the partitions of the source go on, where it has partitions; `None` when nothing of it is committed. Nothing that was
    /// left open can become a commit any more.
    fn placed(&self, _positions: Option<&Positions>) {}
    /// A complete archive was taken from the input.
    fn received(&self, _archive: &Archive) {}
    /// A commit of these archives together is about to be started.
    ///
    /// # Errors
    /// When that cannot be written down. No commit is started then.
    fn forming(&self, _archives: RangeInclusive<u64>) -> Result<(), DeliveryError> {
        Ok(())
    }
    /// So many bytes of the archive's files are uploaded; less than before when a part is sent again.
    fn sent(&self, _archive: &Archive, _bytes: u64) {}
    /// So many bytes more of the files of the archive of this number are uploaded, which is still being read.
    fn sent_early(&self, _archive: u64, _bytes: u64) {}
    /// A step for the archive of this number was done in so long, the pauses before it was tried again included. A step may be
    /// done again.
    fn stepped(&self, _archive: u64, _step: Step, _took: Duration) {}
    /// A dry run would have committed this archive.
    fn would_commit(&self, archive: &Archive, files: &Files);
    /// No commit can be made of an archive; it is about to be committed in another repo.
    fn note_refused(&self, archive: &Archive) {
        if let Some(refused) = &archive.label.refused {
            self.note(&format!("{}; it goes to {}", refused.reason, refused.place));
        }
    }
    /// What came of an archive: the acknowledgement, which is said here, and handed on. In order, once each; nothing of what
    /// follows is acknowledged before this returns.
    ///
    /// # Errors
    /// When it cannot be handed on. The delivery ends then.
    fn settled(&self, settled: &Settled<'_>) -> Result<(), Unacknowledged>;
    /// Nothing is in hand, and a commit could be made at once: whoever collects messages may hand over what they have.
    fn wanted(&self) {}
    /// Something that whoever runs us should know and need not act on.
    fn note(&self, text: &str);
    /// A call failed and will be made again.
    fn retrying(&self, _fault: &Fault) {}
}

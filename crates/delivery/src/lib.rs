//! From a complete archive to a finished commit: once, in order, or not at all.
//!
//! This is the domain's heart. It knows archives and its own port, [`CommitSink`]; it knows no HTTP, no terminal, no
//! environment.
//!
//! | module | part of the way |
//! |---|---|
//! | [`spill`] | holds an archive's bytes while it is in hand, in memory or in a file without a name |
//! | [`holding`] | how much is held |
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
//! 1. Upload into file sets first: nothing is open while bytes travel. A store without file sets
//!    ([`CommitSink::put_file`]) gets them in one call after `StartCommit`; after any fault of that call the commit is
//!    given up. Whether the paths fit the branch is looked at before ([`CommitSink::check_paths`]).
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

#![allow(
    clippy::must_use_candidate,
    reason = "this crate is not published: its callers are all here"
)]

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
pub mod holding;
mod keep_alive;
mod observer;
mod options;
mod parts;
mod preflight;
mod ready;
mod releasing;
mod settled;
mod stream;
mod upload;
mod write_mode;

#[cfg(test)]
mod tests;

pub use arriving::Incoming;
pub use batching::Batching;
pub use context::Context;
pub use error::{Consequence, DeliveryError};
pub use ledger::{Ledger, Unsettled, to_drop};
pub use observer::{Observer, Step};
pub use options::{OnBad, Options};
pub use ready::{Emptied, Known, LeftOpen, Leftover, Placed, Planned, Ready, Spooled};
pub use run::{Delivery, Summary};
pub use settled::{Receipt, Settled, Unacknowledged};
pub use spoutctl_core::sink::{Change, Changes, CommitSink, MAX_CHUNK, RoutingSink, StagingSink};
pub use write_mode::WriteMode;

//! Following a branch: each finished commit once, oldest first, whatever breaks on the way.
//!
//! Domain: it knows no server, no terminal and no format of output. [`CommitFeed`] is the port that the adapters
//! implement, [`Consumer`] takes the commits, [`follow`] is what must be right.
//!
//! # Rules
//!
//! - **The history is the truth.** A branch's commits are its head and that one's ancestors
//!   ([`CommitHistory`](spoutctl_core::history::CommitHistory)). What a subscription tells is a hint: pachd's begins
//!   with all of history, oldest first, and its `from` hides one commit and no more (recordings follow 032–034). A
//!   commit that is told is taken only when its parent is the last one taken; for any other, the history is looked at.
//! - **After any break** the history is listed from the head back to the last commit that was taken, and what lies
//!   between is delivered oldest first. So nothing is skipped and nothing comes twice, and a subscription may break,
//!   lie, come late or not exist: without one, the head is looked at every second.
//! - **In order.** Delivery stops before a commit that is not finished. An errored one is delivered like any other.
//! - **A rewritten history is never guessed about** ([`trail`]): when the last commit taken is not on the branch any
//!   more, its nearest ancestor that was taken and still is there is where it goes on, and that is said; whoever builds
//!   on what was delivered is stopped instead ([`Options::strict`]), and so is everybody when there is none.
//!
//! # Memory
//!
//! Constant: [`trail`] keeps the ids of the last thousand commits. What lies between two looks may be a million
//! commits, newest first, and is wanted oldest first. Up to 16,384 are held, some 10 MB. Of more, `backlog` keeps ids
//! so far apart and lists the pieces between them one by one, the oldest first, so that each commit is listed twice.

mod backlog;
mod consumer;
pub mod cursor;
mod error;
mod follower;
mod options;
#[cfg(test)]
mod tests;
pub mod trail;

pub use consumer::{Consumer, End, Note, Taken};
pub use error::{FollowError, Rewrite};
pub use follower::follow;
pub use options::{Options, Start};
pub use spoutctl_core::feed::{CommitFeed, TICK};

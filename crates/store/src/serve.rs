//! pachd's API over the embedded store: a session's worth of Pachyderm without a cluster.
//!
//! An adapter above another: it may use [`crate`], the domain and the words, and knows no environment and no
//! command line. [`Service`] has the meaning of the calls, one method a call, named as pachd's; a door ([`http`]) reads
//! requests and writes answers, and decides nothing.
//!
//! # What holds
//!
//! - What was answered is on disk, as the store promises: a kill of the server at any moment loses nothing of it, and
//!   the next one goes on with what was being finished.
//! - A request whose body breaks changes nothing.
//! - Commits finish behind the call that closes them, each checked for collisions, the oldest first (`finishing`).
//! - Others may use the directory by `local:` at the same time: the store keeps them apart.
//!
//! # What is not pachd's
//!
//! On purpose: a file at `/` is refused, where pachd loses its bytes (recording http 031); a repo without a type is
//! refused in words of our own (012); what is no commit's id is not found; a collision is
//! found also between paths that are no neighbours; an open commit is read once its parent is finished, where pachd
//! refuses; what a squashed commit held stays in later ones also where its only child ended with an error, where pachd
//! loses it; a branch may be subscribed to where another one was deleted; hashes are ours, the same only for the same
//! bytes. Pipelines are kept, not run, in their newest version, without a spec repo to read; whoever runs a spout's
//! code asks `spout` for what it needs. Roles are those about repos and projects; lists leave nobody's repos out, and
//! tokens of a file are revoked there. Not served: the work of jobs, logs, groups, triggers, data of a URL, datums,
//! `storage.Fileset`, and globs with `!(…)`. Each says so by its name.
//!
//! What is not there of 1.x is said in `v1`.
//!
//! # Calls
//!
//! Every method blocks, takes a [`Call`] and a message, and answers a message or a [`Status`]. A call with many answers
//! shows one after the other to a function, which says by [`ControlFlow::Break`](std::ops::ControlFlow::Break) that
//! nobody listens any more. A call that waits looks at [`Call::is_over`] each time something happened, and at least
//! once a second.

pub mod access;
mod branches;
mod call;
mod changes;
mod commits;
mod datum;
mod file_sets;
mod files;
mod finishing;
pub mod http;
mod jobs;
mod metadata;
mod naming;
pub mod page;
mod pipelines;
mod repos;
mod secrets;
mod service;
mod spout;
pub mod status;
mod subscription;
#[cfg(test)]
mod tests;
mod transactions;
mod v1;

pub use self::call::{Answers, Call, Caller, Requests};
pub(crate) use self::changes::Changes;
pub use self::service::Service;
pub use self::spout::SpoutNow;
pub use self::status::{Code, Status};

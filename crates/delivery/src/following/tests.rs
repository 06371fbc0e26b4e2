//! The follower against a feed that breaks, lies and comes late, and whose history is rewritten.

mod breaks;
mod rewrites;
mod scripted;
mod starts;

pub(super) use scripted::info;

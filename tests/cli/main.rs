//! The binary as its users run it: arguments and environment in, streams and exit code out.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and says why"
)]

mod runner;

mod deletions;
mod faults;
mod follow;
mod gateway;
mod generated;
mod get;
mod layers;
mod memory;
mod printing;
mod producer;
mod proxied;
mod proxy;
mod put;
mod readme;
mod replay;
mod scripted;
mod serve;
mod served;
mod spool;
mod tail;
mod validate;
mod validate_config;
mod validate_server;

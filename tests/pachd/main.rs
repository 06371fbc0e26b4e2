//! The verbs end to end against a real pachd, the one that `SPOUTCTL_TEST_PACHD` names (`http://HOST:PORT`, its HTTP
//! gateway). A token is taken from `PACH_TOKEN`.
//!
//! Without that variable every test says that it was skipped, and passes. `SPOUTCTL_TEST_NO_SKIP` changes nothing here:
//! CI sets it, and CI has no pachd. What CI can hold, the scripted gateway in `tests/cli` holds.
//!
//! Each test makes a repo `spoutctl-test-<uuid>` and deletes it at its end, whatever that end is. Nothing else on the
//! server is touched. `SPOUTCTL_TEST_LARGE` adds the test that sends 300 MiB twice.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and says why"
)]

#[allow(dead_code, reason = "shared with tests/cli, which uses all of it")]
#[path = "../cli/runner.rs"]
mod runner;

mod branch;
mod get;
mod lab;
mod pipelines;
mod put;
mod streams;

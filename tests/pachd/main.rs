//! The verbs end to end against a pachd: the one that `SPOUTCTL_TEST_PACHD` names (`http://HOST:PORT`, its HTTP
//! gateway, or `grpc://HOST:PORT`; a token is taken from `PACH_TOKEN`), or else a `spoutctl serve` that each test starts for
//! itself. It answers as 2.12, or as the release that `SPOUTCTL_TEST_RELEASE` says, such as `2.3`, and then through gRPC.
//! What 1.x has not is skipped with a word.
//!
//! Only tests about jobs and about roles need a real one; without it they say that they were skipped. `SPOUTCTL_TEST_NO_SKIP`
//! changes nothing here: CI sets it, and CI has no pachd.
//!
//! On a pachd that is named, each test makes a repo `spoutctl-test-<uuid>` and deletes it at its end, whatever that end
//! is. Nothing else on the server is touched. `SPOUTCTL_TEST_LARGE` adds the test that sends 300 MiB twice.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and says why"
)]

#[allow(dead_code, reason = "shared with the library's tests, which use all of it")]
#[path = "../../crates/delivery/src/tests/checker.rs"]
mod checker;
#[allow(dead_code, reason = "shared with tests/cli, which uses all of it")]
#[path = "../cli/grpc_call.rs"]
mod grpc_call;
#[allow(dead_code, reason = "shared with tests/cli, which uses all of it")]
#[path = "../cli/proxy.rs"]
mod proxy;
#[allow(dead_code, reason = "shared with tests/cli, which uses all of it")]
#[path = "../cli/runner.rs"]
mod runner;
#[allow(dead_code, reason = "shared with tests/cli, which uses all of it")]
#[path = "../cli/served.rs"]
mod served;

mod branch;
mod get;
mod lab;
mod pipelines;
mod put;
mod raw;
mod routes;
mod spool;
mod squash;
mod streams;
mod tail;

//! The binary as its users run it: arguments and environment in, streams and exit code out.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and says why"
)]

#[allow(dead_code, reason = "shared with the library's tests, which use all of it")]
#[path = "../../crates/delivery/src/tests/checker.rs"]
mod checker;
mod runner;

mod acknowledging;
mod adaptive;
mod advice;
mod advised;
mod archives;
mod as_spout;
mod auth;
mod batches;
mod completion;
mod config;
mod create;
mod create_code;
mod create_dialogue;
mod create_served;
mod create_spouts;
mod create_submission;
mod deletions;
mod disk_full;
mod docs;
mod doctor;
mod early;
mod faults;
mod figures;
mod follow;
mod gateway;
mod generated;
mod get;
mod grpc;
mod grpc_call;
mod inputs;
mod kafka;
mod kill_points;
mod lives;
mod lsp;
mod marker;
mod memory;
mod messages;
mod misread;
mod nats;
mod options;
mod otlp;
mod pachd;
mod pack;
mod page;
mod permissions;
mod positions;
mod postgres;
mod power_cut;
mod printing;
mod producer;
mod proxied;
mod proxies;
mod proxy;
mod put;
mod reading_again;
mod readme;
mod recipes;
mod releases;
mod replay;
mod replay_grpc;
mod routes;
mod run;
mod said;
mod sdk;
mod secrets;
mod serve;
mod served;
mod settings;
mod settings_tls;
mod spec_urls;
mod spool;
mod squash;
mod synonyms;
mod tail;
mod templates;
mod timeouts;
mod unix_socket;
mod v1;
mod validate;
mod validate_config;
mod validate_gate;
mod validate_server;
mod watch;
mod words;
mod wrong;

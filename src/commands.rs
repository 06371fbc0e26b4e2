//! The verbs, one file each: they introduce the domain to its adapters and do no work of their own.

pub mod auth;
pub mod completion;
pub mod config;
pub mod create;
pub mod doctor;
pub mod explain;
pub mod get;
pub mod jsonnet;
pub mod lsp;
pub mod man;
pub mod pack;
pub mod preferences;
pub mod put;
pub mod run;
pub mod schema;
pub mod serve;
pub mod spool;
pub mod squash;
pub mod tail;
pub mod validate;

mod calls;
mod connections;
mod denied;
pub(crate) mod group;
mod interrupts;
mod kafka;
mod messages;
mod pipelines;
mod printing;
mod restarting;
mod rules;
mod server;
mod target;

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

use crate::cli::Verb;
use crate::failure::Failure;
use spoutctl_core::exit::Exit;

pub(crate) fn dispatch(verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Put(args) => put::run(&args),
        Verb::Run(args) => run::run(&args),
        Verb::Get(args) => get::run(&args),
        Verb::Pack(args) => pack::run(&args),
        Verb::Tail(args) => tail::run(&args),
        Verb::Serve(args) => serve::run(&args),
        Verb::Spool(args) => spool::run(&args),
        Verb::Squash(args) => squash::run(&args),
        Verb::Validate(args) => validate::run(&args),
        Verb::Explain(args) => explain::run(&args),
        Verb::Schema(args) => schema::run(&args),
        Verb::Lsp(args) => lsp::run(&args),
        Verb::Create(args) => create::run(&args),
        Verb::Auth(args) => auth::run(&args),
        Verb::Config(args) => config::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Completions(args) => completion::run(&args),
        Verb::Man(args) => man::run(&args),
        Verb::Spout(verb) => dispatch(verb.into()),
    }
}

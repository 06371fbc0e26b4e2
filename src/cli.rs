//! What can be typed: every clap type and its help, a file for each verb. No behaviour.
//!
//! What several verbs have in common is in `connection`, `output`, `delivery`, `messages` and `values`.
//!
//! House rules: the first line of a help text is one sentence without a full stop; what a script needs to know follows
//! after a blank line; environment variables that stand for a flag are named by clap.

#![expect(
    clippy::doc_markdown,
    reason = "help is read in a terminal, where backticks only add noise"
)]

mod auth;
mod completions;
mod config;
mod connection;
mod create;
mod delivery;
mod doctor;
pub mod effects;
pub mod examples;
mod explain;
mod get;
pub mod kafka;
mod lsp;
mod man;
pub mod manual;
mod messages;
mod output;
mod pack;
pub mod preferred;
mod put;
mod run;
mod schema;
mod serve;
pub mod short;
mod spool;
mod squash;
pub mod streams;
pub mod synonyms;
mod tail;
mod validate;
mod values;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::terminal::log::Form;

pub use auth::{AuthArgs, AuthVerb, LoginArgs, LogoutArgs, UseTokenArgs, WhoamiArgs};
pub use completions::{CompletedShell, CompletionsArgs};
pub use config::ConfigArgs;
pub use connection::ServerArgs;
pub use create::{AnswerArgs, CreateArgs, SharingArgs, SpecFormat, SubmissionArgs, WritingArgs};
pub use delivery::{AcknowledgingArgs, Aside, OnBad, TryingArgs};
pub use doctor::DoctorArgs;
pub use explain::ExplainArgs;
pub use get::GetArgs;
pub use lsp::LspArgs;
pub use man::ManArgs;
pub use messages::{Crlf, MessageArgs, Nulls, Partial, SameName};
pub use output::{Colour, LogArgs, LogFormat, VerbosityArgs};
pub use pack::PackArgs;
pub use put::{
    ArchiveEnd, Batch, CommitArgs, EntryArgs, FiguresArgs, Links, ProductionArgs, PutArgs, Restart, Route, Special,
    SpoolingArgs,
};
pub use run::RunArgs;
pub use schema::SchemaArgs;
pub use serve::ServeArgs;
pub use spool::{DecisionArgs, SpoolArgs};
pub use squash::SquashArgs;
pub use tail::{Beginning, OutputArgs, RangeArgs, SelectionArgs, TailArgs};
pub use validate::{MendingArgs, ReportArgs, ReportFormat, RuleArgs, ValidateArgs};
pub use values::{parse_argument, parse_duration};

/// Turns a stream of tar archives into Pachyderm commits: one complete archive, one finished commit
#[derive(Debug, Parser)]
#[command(
    name = "spoutctl",
    version,
    max_term_width = 100,
    propagate_version = true,
    subcommand_required = true
)]
#[command(arg_required_else_help = true, disable_help_subcommand = true, after_help = examples::help(examples::TOP))]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    Put(Box<PutArgs>),
    Run(RunArgs),
    Get(GetArgs),
    Pack(Box<PackArgs>),
    Tail(Box<TailArgs>),
    Serve(ServeArgs),
    Spool(SpoolArgs),
    Squash(Box<SquashArgs>),
    Validate(ValidateArgs),
    Explain(ExplainArgs),
    Schema(SchemaArgs),
    Lsp(LspArgs),
    Create(Box<CreateArgs>),
    Auth(AuthArgs),
    Config(ConfigArgs),
    Doctor(DoctorArgs),
    #[command(hide = true)]
    Completions(CompletionsArgs),
    #[command(hide = true)]
    Man(ManArgs),
    /// The same verbs, for those who think of them as `spout put` and `spout get`
    #[command(subcommand, hide = true)]
    Spout(SpoutVerb),
}

/// The argument by which this program has another process of itself evaluate one template. No verb, for nobody types
/// it.
pub const EVALUATE_JSONNET: &str = "evaluate-jsonnet";

#[derive(Debug, Subcommand)]
pub enum SpoutVerb {
    Put(Box<PutArgs>),
    Get(GetArgs),
    Tail(Box<TailArgs>),
    Validate(ValidateArgs),
    Explain(ExplainArgs),
}

impl From<SpoutVerb> for Verb {
    fn from(verb: SpoutVerb) -> Self {
        match verb {
            SpoutVerb::Put(args) => Self::Put(args),
            SpoutVerb::Get(args) => Self::Get(args),
            SpoutVerb::Tail(args) => Self::Tail(args),
            SpoutVerb::Validate(args) => Self::Validate(args),
            SpoutVerb::Explain(args) => Self::Explain(args),
        }
    }
}

impl Verb {
    /// In which form it is to say what it says; `None` where that is left to where it runs.
    pub fn log_form(&self) -> Option<Form> {
        let format = match self {
            Self::Put(args) => args.log.log_format,
            Self::Run(args) => args.log.log_format,
            Self::Tail(args) => args.log.log_format,
            Self::Spool(args) => args.log.log_format,
            Self::Squash(args) => args.log.log_format,
            Self::Spout(SpoutVerb::Put(args)) => args.log.log_format,
            Self::Spout(SpoutVerb::Tail(args)) => args.log.log_format,
            _ => return Some(Form::Text),
        };
        match format {
            LogFormat::Auto => None,
            LogFormat::Text => Some(Form::Text),
            LogFormat::Timed => Some(Form::Timed),
            LogFormat::Json => Some(Form::Json),
        }
    }
}

/// The arguments of a `put` that is remembered as a command line.
///
/// # Errors
/// When this version does not know them.
pub fn parse_put(line: Vec<OsString>) -> Result<PutArgs, String> {
    match Cli::try_parse_from(line).map(|cli| cli.verb) {
        Ok(Verb::Put(args)) => Ok(*args),
        Ok(_) => Err("it is no `put`".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn clap_finds_nothing_wrong_with_the_definitions() {
        Cli::command().debug_assert();
    }
}

//! What can be typed about `auth`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::connection::ServerArgs;
use super::examples;
use super::output::VerbosityArgs;
use super::values::parse_duration;

/// Log in to pachd, and keep the token in pachctl's configuration
///
/// The token is kept in the context whose address is meant, and goes to no other. Both programs use it.
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = examples::help(examples::AUTH)
)]
pub struct AuthArgs {
    #[command(subcommand)]
    pub verb: AuthVerb,
}

#[derive(Debug, Subcommand)]
pub enum AuthVerb {
    Login(LoginArgs),
    UseToken(UseTokenArgs),
    Whoami(WhoamiArgs),
    Logout(LogoutArgs),
}

/// Log in with the identity provider of the cluster, in a browser
///
/// Prints the address to open, opens it where there is a screen, and waits until somebody has logged in there. With
/// --pachd URL and --context NAME a context is made that is not there yet.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::LOGIN))]
pub struct LoginArgs {
    /// Open no browser
    #[arg(short = 'b', long)]
    pub no_browser: bool,

    /// Wait for so long until somebody has logged in
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub timeout: Duration,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

/// Take a token that somebody has made: from standard input, or asked for and not shown
///
/// pachd is asked whose it is before it is kept: `pachctl auth get-robot-token NAME -q | spoutctl auth use-token`. With
/// --pachd URL and --context NAME a context is made that is not there yet.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::USE_TOKEN))]
pub struct UseTokenArgs {
    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

/// Say whom pachd takes us for, until when, and where the token is from
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::WHOAMI))]
pub struct WhoamiArgs {
    /// Print one JSON object instead of text
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

/// Forget the context's token; at pachd it stays good until it expires or is revoked
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::LOGOUT))]
pub struct LogoutArgs {
    /// Forget the token of this context instead of the active one's
    #[arg(long, value_name = "NAME", env = "SPOUTCTL_CONTEXT", hide_env_values = true)]
    pub context: Option<String>,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,
}

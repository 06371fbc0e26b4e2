//! What can be typed about `lsp`.

use clap::Args;

use super::examples;
use spoutctl_lint::version::Version;

/// Serve an editor: what `validate` says while a spec is typed, what fields mean, what may be written
///
/// A language server (LSP) on standard input and output. What is open is looked at as in a directory: specs of spouts
/// only, unless --all or spoutctl.toml say otherwise. The version and the rules are those of the nearest spoutctl.toml.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::LSP))]
pub struct LspArgs {
    /// The Pachyderm that the specs are for: 1.12 to 2.12 [default: what spoutctl.toml says, else 2.12]
    #[arg(long, value_name = "VERSION")]
    pub pachyderm: Option<Version>,

    /// Look at ordinary pipelines, too
    #[arg(long)]
    pub all: bool,

    /// Some editors say so; there is nothing else
    #[arg(long, hide = true)]
    pub stdio: bool,
}

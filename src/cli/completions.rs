//! What can be typed about `completions`.

use clap::{Args, ValueEnum};

use super::examples;

/// Print what makes a shell complete our words
///
/// It asks this program at each press of the key, so it knows contexts, rules, templates and versions, and repos,
/// branches and files where pachd answers within 300 ms.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::COMPLETIONS))]
pub struct CompletionsArgs {
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: CompletedShell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompletedShell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

//! `spoutctl man`: a man page, for whoever has no package that installs them.

use anyhow::Context as _;

use crate::cli::{ManArgs, manual};
use crate::commands::printing::print;
use crate::failure::Failure;
use crate::terminal::{Terminal, Verbosity};
use spoutctl_core::exit::Exit;

/// Runs the verb.
///
/// # Errors
/// When there is no such verb, or the page cannot be written.
pub fn run(args: &ManArgs) -> Result<Exit, Failure> {
    let page = manual::page(&args.verb).context("the page cannot be made")?;
    let Some(page) = page else {
        let verbs: Vec<String> = manual::verbs().iter().map(|verb| verb.join(" ")).collect();
        return Err(
            Failure::new(Exit::Usage, format!("there is no verb `{}`", args.verb.join(" ")))
                .help(format!("pages: {}", verbs.join(", ").trim_start_matches(", "))),
        );
    };
    print(
        &Terminal::new(Verbosity::Normal),
        String::from_utf8_lossy(&page).trim_end(),
    )
}

//! `spoutctl schema`: what may be written in a spec, for editors and other linters.

use crate::cli::SchemaArgs;
use crate::commands::printing::print;
use crate::failure::Failure;
use crate::terminal::{Terminal, Verbosity};
use spoutctl_core::exit::Exit;
use spoutctl_lint::schema::schema;

/// Runs the verb.
///
/// # Errors
/// When it could not be written.
pub fn run(args: &SchemaArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(Verbosity::Normal);
    print(&terminal, &format!("{:#}", schema(args.pachyderm.unwrap_or_default())))
}

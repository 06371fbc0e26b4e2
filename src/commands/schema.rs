//! `spoutctl schema`: what may be written in a spec, for editors and other linters.

use crate::cli::SchemaArgs;
use crate::commands::printing::print;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lint::schema::schema;
use crate::terminal::{Terminal, Voice};

/// Runs the verb.
///
/// # Errors
/// When it could not be written.
pub fn run(args: &SchemaArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(Voice::Normal);
    print(&terminal, &format!("{:#}", schema(args.pachyderm.unwrap_or_default())))
}

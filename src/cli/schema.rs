//! What can be typed about `schema`.

use clap::Args;

use super::examples;
use spoutctl_lint::version::Version;

/// Print a JSON Schema of pipeline specs, for editors
///
/// In draft 7, with the fields that the version has, in both spellings. It refuses nothing that `validate` takes; what
/// no schema can say, only `validate` does.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::SCHEMA))]
pub struct SchemaArgs {
    /// The Pachyderm that the specs are for: 1.12 to 2.12 [default: 2.12]
    #[arg(long, value_name = "VERSION")]
    pub pachyderm: Option<Version>,
}

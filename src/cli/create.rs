//! What can be typed about `create`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};

use super::connection::ServerArgs;
use super::examples;
use super::output::VerbosityArgs;
use super::values::parse_argument;
use crate::scaffold::{self, Secret, Variable, template};
use spoutctl_core::pfs::Destination;
use spoutctl_lint::version::Version;

/// Write the spec of a new spout, and with --with-code its code; with -f create pipelines from specs
///
/// What is written passes `spoutctl validate` without a finding. On a terminal it asks for what the flags leave open,
/// shows the spec, and asks before it writes. With all that is needed, with --no-input, or without a terminal it asks
/// nothing.
///
/// The files that were written are printed, one a line.
///
/// With -f, all specs are looked at as by `validate` before any is sent. A pipeline that was created is printed with
/// its version. Exit code 1: they have errors, and none is sent; 4: pachd refused one.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::CREATE))]
pub struct CreateArgs {
    /// The spout's name, which is also that of the repo it writes to
    pub name: Option<String>,

    #[command(flatten)]
    pub answers: AnswerArgs,

    #[command(flatten)]
    pub sharing: SharingArgs,

    #[command(flatten)]
    pub writing: WritingArgs,

    /// What the spout runs, each argument as it is
    #[arg(
        last = true,
        value_name = "CMD",
        value_hint = ValueHint::CommandWithArguments,
        conflicts_with_all = ["cmd", "stdin_script", "with_code"]
    )]
    pub command: Vec<OsString>,

    /// The Pachyderm that the spec is for: 1.12 to 2.12 [default: 2.12]
    #[arg(long, value_name = "VERSION", help_heading = None::<&str>)]
    pub pachyderm: Option<Version>,

    /// Ask nothing
    #[arg(long, help_heading = None::<&str>)]
    pub no_input: bool,

    /// Go on although `validate` finds something
    #[arg(long, help_heading = None::<&str>)]
    pub no_lint: bool,

    #[command(flatten)]
    pub submission: SubmissionArgs,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Creating pipelines")]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
pub struct SubmissionArgs {
    /// Create the pipelines of these specs; `-` is standard input, https:// addresses are read
    #[arg(
        short,
        long = "file",
        value_name = "SPEC",
        num_args = 1..,
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["name", "AnswerArgs", "SharingArgs", "WritingArgs", "command", "no_input"]
    )]
    pub files: Vec<PathBuf>,

    /// Give a template (.jsonnet) this argument, as pachctl does with --arg
    #[arg(long, value_name = "NAME=VALUE", requires = "files", value_parser = parse_argument)]
    pub jsonnet_arg: Vec<(String, String)>,

    /// Replace pipelines that are there
    #[arg(long, requires = "files")]
    pub update: bool,

    /// With --update: do again what the pipelines have done
    #[arg(long, requires = "update")]
    pub reprocess: bool,

    /// With --update: where pachd refuses to update a spout that another pipeline reads from, stop it, update it, and
    /// start it again
    ///
    /// From 2.8 to 2.12 pachd takes such an update only while the spout is stopped. The commit that it then leaves open
    /// at the head of the spout's branch is finished, with the files of the one before.
    #[arg(long, requires = "update", conflicts_with = "dry_run")]
    pub restart: bool,

    /// Create nothing: print the specs with the cluster's defaults, and how they differ from those that run
    #[arg(short = 'n', long, requires = "files")]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The spout")]
pub struct AnswerArgs {
    /// What to begin with: blank, directory, kafka, kcat, mqtt, nats, postgres, redis or webhook
    ///
    /// All but blank and kafka bring a consumer, kcat for instance, whose output `spoutctl put` commits, and which is
    /// started again whenever it ends; --env says where it reads. Without --with-code the image has to have the
    /// consumer, bash and spoutctl. With kafka there is no code: spoutctl, as a release has it, reads it by
    /// itself.
    #[arg(long, value_name = "TEMPLATE", value_parser = template_parser(), hide_possible_values = true)]
    pub template: Option<&'static template::Template>,

    /// The image that it runs in, with a tag
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,

    /// What it runs, as one line that is taken apart as a shell would: 'python3 -u /app/main.py'
    #[arg(long, value_name = "LINE", conflicts_with = "stdin_script")]
    pub cmd: Option<String>,

    /// What it runs: this script, which becomes a part of the spec, for the shell that its first line names
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub stdin_script: Option<PathBuf>,

    /// Set a variable of its environment; a password belongs into a secret
    #[arg(long, value_name = "NAME=VALUE")]
    pub env: Vec<Variable>,

    /// Give it a Kubernetes secret: SECRET:KEY=VARIABLE the value of a key in a variable, SECRET=/PATH all of it as
    /// files
    #[arg(long, value_name = "SECRET:KEY=VARIABLE")]
    pub secret: Vec<Secret>,

    /// The branch that it writes to [default: master]
    #[arg(long, value_name = "BRANCH")]
    pub output_branch: Option<String>,

    /// How much CPU its container asks for: 0.5 or 500m
    #[arg(long, value_name = "CPU", value_parser = scaffold::cpu)]
    pub cpu: Option<f64>,

    /// How much memory its container asks for, and may have at most: 256Mi
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,

    /// Have it watched: `spoutctl put` in it answers Prometheus and Kubernetes' probes at this port
    ///
    /// The spec gets the variable SPOUTCTL_METRICS_LISTEN, annotations for Prometheus, and a `podPatch` with probes of
    /// /healthz and /ready, which fail where the code does not run `spoutctl put`.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub metrics_port: Option<u16>,

    /// Say this of it
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,

    /// The project that it is in [default: default]
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Several spouts of one topic")]
pub struct SharingArgs {
    /// Write the specs of N spouts, NAME-0 and so on, which divide the partitions of Kafka's topics among themselves
    ///
    /// They become one file. Each has the same number of partitions, or one more; those that are added to a topic later
    /// are the last one's.
    #[arg(
        long,
        value_name = "N",
        requires_all = ["topic_partitions", "template"],
        conflicts_with = "with_code",
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    pub spouts: Option<u32>,

    /// How many partitions each of the topics has
    #[arg(long, value_name = "COUNT", requires = "spouts", value_parser = clap::value_parser!(u32).range(1..=3_000))]
    pub topic_partitions: Option<u32>,

    /// Begin where these spouts are, which read the topics so far and are stopped: [project/]repo[@branch],…
    ///
    /// So their number is changed: what they have committed of each partition is read from pachd, and the new specs say
    /// it (--start-at).
    #[arg(long, value_name = "REPO,…", requires = "spouts", value_delimiter = ',')]
    pub positions_of: Vec<Destination>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct WritingArgs {
    /// Write the spec to this file; `-` is standard output [default: NAME.json, in DIR with --with-code]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// How the spec is written [default: as the file's ending says, else json]
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<SpecFormat>,

    /// Also write a small spout that runs to this directory: entrypoint.sh, Dockerfile, README.md
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with_all = ["cmd", "stdin_script"])]
    pub with_code: Option<PathBuf>,

    /// Say in the spec which JSON Schema an editor is to hold it to, such as a file that `spoutctl schema` wrote
    #[arg(long, value_name = "URL|FILE")]
    pub schema: Option<String>,

    /// Replace files that are there
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SpecFormat {
    Json,
    Yaml,
}

impl From<SpecFormat> for scaffold::Format {
    fn from(format: SpecFormat) -> Self {
        match format {
            SpecFormat::Json => Self::Json,
            SpecFormat::Yaml => Self::Yaml,
        }
    }
}

fn template_parser() -> impl TypedValueParser<Value = &'static template::Template> {
    let names = template::ALL.iter().map(|template| template.name);
    // Only known names come through.
    PossibleValuesParser::new(names).map(|name| template::named(&name).unwrap_or(template::BLANK))
}

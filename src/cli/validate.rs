//! What can be typed about `validate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::connection::ServerArgs;
use super::examples;
use super::explain::parse_whole_rule;
use super::output::{Colour, VerbosityArgs};
use super::values::parse_argument;
use spoutctl_lint::diagnostic::{RuleId, Severity};
use spoutctl_lint::kubernetes::Minor;
use spoutctl_lint::version::Version;

/// Find what is wrong with spout specs, without a cluster
///
/// What pachd refuses, what fails later, what passes in silence and never runs. Specs are JSON or YAML, one or several
/// in a file. A file that is named, and standard input, is meant to hold spouts: a spec without `spout` is an error. Of
/// the files found in a directory only spouts are looked at, unless --all is given; one that cannot be read as JSON or
/// YAML is an error whatever it is. Without a file what is piped in is looked at, or else this directory.
///
/// Options may also stand in the nearest `spoutctl.toml`, in this directory or above. In YAML, the comment
/// `# spoutctl: ignore[RULE] REASON` leaves out what is found in its line, or in the next one when it stands alone.
///
/// Exit code 0: no errors; 1: errors; 2: wrong usage; 3: something could not be read.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::VALIDATE))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ValidateArgs {
    /// Look at these: files, directories (all in them that ends in .json, .yaml, .yml, .pipeline or .jsonnet, but not
    /// what .gitignore leaves out), globs such as 'specs/**/*.json', https:// addresses, `-` for standard input
    /// [default: what is piped in, or else this directory]
    #[arg(value_name = "FILE|DIR|GLOB|URL", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,

    /// Call standard input so; its ending says whether it is JSON or YAML
    #[arg(long, value_name = "NAME", default_value = "<stdin>")]
    pub stdin_name: String,

    /// Look at ordinary pipelines, too
    #[arg(long)]
    pub all: bool,

    /// Of the files that are named, look at those only that have a spout, as in a directory
    ///
    /// For hooks that name all files that have changed.
    #[arg(long)]
    pub spouts_only: bool,

    /// The Pachyderm that the specs are for: 1.12 to 2.12 [default: 2.12]
    #[arg(long, value_name = "VERSION")]
    pub pachyderm: Option<Version>,

    /// Give a template (.jsonnet) this argument, as pachctl does with --arg
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_argument)]
    pub jsonnet_arg: Vec<(String, String)>,

    /// The cluster's Kubernetes, such as 1.31, or what `kubectl version` prints
    ///
    /// Without it, what some versions of Kubernetes refuse and others take is a warning.
    #[arg(long, value_name = "VERSION")]
    pub kubernetes: Option<Minor>,

    /// Take options from this file instead of the nearest spoutctl.toml
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Take options from no file
    #[arg(long, conflicts_with = "config")]
    pub no_config: bool,

    #[command(flatten)]
    pub rules: RuleArgs,

    #[command(flatten)]
    pub mending: MendingArgs,

    #[command(flatten)]
    pub report: ReportArgs,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    /// Then ask a pachd (2.8 and newer) what it makes of the specs, which creates nothing
    ///
    /// Asked are the specs without errors of ours. A dry run does not look at everything: names, spouts' own rules and
    /// secrets are looked at only when a pipeline is really created.
    #[arg(long, help_heading = "Where pachd is")]
    pub server: bool,

    #[command(flatten)]
    pub pachd: ServerArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
pub struct RuleArgs {
    /// Apply these rules only
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = parse_rule)]
    pub select: Vec<RuleId>,

    /// Do not apply these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = parse_rule)]
    pub ignore: Vec<RuleId>,

    /// What a rule finds is an error, a warning or info
    #[arg(long, value_name = "RULE=LEVEL", value_delimiter = ',', value_parser = parse_severity)]
    pub severity: Vec<(RuleId, Severity)>,

    /// More warnings than this are an error
    #[arg(long, value_name = "N")]
    pub max_warnings: Option<usize>,

    /// List all rules, and look at nothing
    #[arg(long, visible_alias = "list-rules")]
    pub rules: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Fixes")]
pub struct MendingArgs {
    /// Mend what can be mended without a change of meaning; everything else in a file stays byte for byte
    ///
    /// What is mended of standard input is written to standard output, and the report to standard error.
    #[arg(long)]
    pub fix: bool,

    /// Mend also what a person should look at: removed, added and renamed fields, quantities
    #[arg(long)]
    pub unsafe_fixes: bool,

    /// Write no file: show as a diff what would be mended
    #[arg(long, conflicts_with = "format")]
    pub diff: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct ReportArgs {
    /// How findings are written [default: pretty on a terminal, concise elsewhere]
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<ReportFormat>,

    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// End with 0 whatever is found; what cannot be read still ends with 3
    #[arg(long)]
    pub exit_zero: bool,

    /// When there is colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For a terminal, with the source beside it
    Pretty,
    /// `path:line:col: severity[rule]: message`
    Concise,
    /// One object, with fixes
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML
    Junit,
}

fn parse_rule(name: &str) -> Result<RuleId, String> {
    parse_whole_rule(name).map(|rule| rule.id)
}

fn parse_severity(text: &str) -> Result<(RuleId, Severity), String> {
    let (rule, level) = text.split_once('=').ok_or("write RULE=LEVEL")?;
    let level = level
        .parse()
        .map_err(|()| "the level is error, warning or info; --ignore turns a rule off")?;
    Ok((parse_rule(rule)?, level))
}

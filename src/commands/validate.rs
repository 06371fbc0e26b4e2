//! `spoutctl validate`: finds files, has them looked at on every core, reports in their order.
//!
//! Nothing here is asynchronous; only `--server` starts the gateway's runtime, after everything else.

mod checking;
pub(super) mod files;
mod mend;
mod server;
mod summary;
pub(super) mod suppressions;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::{Colour, MendingArgs, ReportFormat, ValidateArgs};
use crate::commands::denied::advise;
use crate::commands::jsonnet;
use crate::commands::pipelines;
use crate::commands::printing::unless_lost;
use crate::commands::rules::list_rules;
use crate::failure::Failure;
use crate::settings;
use crate::settings::FileError;
use crate::settings::project::{self, Project};
use crate::terminal::Terminal;
use checking::{Findings, Job, on_every_core};
use mend::Mending;
use spoutctl_core::exit::Exit;
use spoutctl_lint::Options;
use spoutctl_lint::diagnostic::{RuleId, Safety};
use spoutctl_lint::report::{self, Format, Style};
use spoutctl_lint::version::Version;
use summary::Summary;
use suppressions::Suppressions;

/// Runs the verb.
///
/// # Errors
/// When the options contradict each other or the project's file, or a pachd that was to be asked does not answer.
pub fn run(args: &ValidateArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.verbosity.level());
    if args.rules.rules {
        let format = args.report.json.then_some(ReportFormat::Json).or(args.report.format);
        return list_rules(&terminal, format);
    }
    let project = load_project(args)?;
    let job = Job {
        options: options(args, project.as_ref()),
        all: args.all || project.as_ref().is_some_and(|project| project.settings.validate.all),
        mending: mending(&args.mending),
        suppressions: Suppressions::new(project.as_ref())?,
        keeps_texts: args.server,
        jsonnet_arguments: args.jsonnet_arg.clone(),
        spouts_only: args.spouts_only,
    };
    let pachd = args
        .server
        .then(|| pipelines::open(&args.pachd, &terminal))
        .transpose()?;

    let found = if args.paths.is_empty() {
        files::find_unsaid(&args.stdin_name, || {
            terminal.note("waiting for standard input; `spoutctl validate .` looks at this directory");
        })
    } else {
        files::find(&args.paths, &args.stdin_name)
    };
    jsonnet::refuse_arguments(&args.jsonnet_arg, &found.inputs)?;
    let mut outcomes = on_every_core(&found.inputs, |input| job.look_at(input));
    let asked = pachd.map_or(Ok(()), |(pachd, server)| {
        let asked = server::ask(&*pachd, &job.options, &mut outcomes);
        asked.map_err(|failure| advise(failure, &server))
    });
    let mut checked = Findings::new(outcomes, found);
    checked.reports.extend(job.suppressions.unused(&job.options));

    show(args, &terminal, &checked)?;
    // What was found without it is worth knowing when pachd cannot be asked.
    asked?;
    Ok(conclude(args, project.as_ref(), &terminal, &checked))
}

/// The project's file; by its name alone when it is in this directory, as messages show it.
fn nearest() -> Option<PathBuf> {
    let directory = std::env::current_dir().ok()?;
    let path = project::find(&directory)?;
    Some(path.strip_prefix(&directory).map_or(path.clone(), Path::to_owned))
}

fn load_project(args: &ValidateArgs) -> Result<Option<Project>, Failure> {
    if args.no_config {
        return Ok(None);
    }
    let path = match &args.config {
        Some(path) => Some(path.clone()),
        None => nearest(),
    };
    let Some(path) = path else { return Ok(None) };
    let failure = |error: FileError| Failure {
        help: error.help().map(str::to_owned).into_iter().collect(),
        ..Failure::new(Exit::Usage, error.to_string())
    };
    project::load(&path).map(Some).map_err(failure)
}

/// Flags over the project's file. A selection of rules on the command line replaces the file's, for it asks for just
/// these.
fn options(args: &ValidateArgs, project: Option<&Project>) -> Options {
    let mut options = project_options(args.pachyderm, project);
    options.kubernetes = args.kubernetes.or(options.kubernetes);
    if !args.rules.select.is_empty() {
        options.select = Some(args.rules.select.iter().copied().collect());
    }
    options.severities.extend(args.rules.severity.iter().copied());
    options.ignore.extend(args.rules.ignore.iter().copied());
    // Named on the command line weighs more than left out in a file.
    let named: BTreeSet<RuleId> = args.rules.select.iter().copied().collect();
    options
        .ignore
        .retain(|rule| !named.contains(rule) || args.rules.ignore.contains(rule));
    options
}

fn mending(args: &MendingArgs) -> Option<Mending> {
    (args.fix || args.unsafe_fixes || args.diff).then_some(Mending {
        safety: if args.unsafe_fixes {
            Safety::Unsafe
        } else {
            Safety::Safe
        },
        diff: args.diff,
    })
}

fn show(args: &ValidateArgs, terminal: &Terminal, checked: &Findings) -> Result<(), Failure> {
    if args.mending.diff {
        let diffs: String = checked.mended.iter().map(|mended| mended.shown.as_str()).collect();
        terminal.whole_result(diffs.as_bytes());
        return unless_lost(terminal);
    }
    let fixes_stdin = checked.mended.iter().find(|mended| mended.is_stdin);
    let text = report::render(format(args, terminal), &checked.reports, style(args, terminal));
    match fixes_stdin {
        Some(mended) => {
            terminal.whole_result(mended.shown.as_bytes());
            if !text.is_empty() {
                terminal.error_line(text.trim_end_matches('\n'));
            }
        }
        None => terminal.whole_result(text.as_bytes()),
    }
    unless_lost(terminal)
}

fn format(args: &ValidateArgs, terminal: &Terminal) -> Format {
    match args.report.format {
        _ if args.report.json => Format::Json,
        None if terminal.is_on_screen() => Format::Pretty,
        None | Some(ReportFormat::Concise) => Format::Concise,
        Some(ReportFormat::Pretty) => Format::Pretty,
        Some(ReportFormat::Json) => Format::Json,
        Some(ReportFormat::Github) => Format::Github,
        Some(ReportFormat::Gitlab) => Format::Gitlab,
        Some(ReportFormat::Sarif) => Format::Sarif,
        Some(ReportFormat::Junit) => Format::Junit,
    }
}

fn style(args: &ValidateArgs, terminal: &Terminal) -> Style {
    Style {
        colour: match args.report.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => settings::colour(terminal.is_on_screen()),
        },
        width: terminal.width(),
    }
}

/// The summary, and how the process ends: what could not be read weighs more than what was found.
fn conclude(args: &ValidateArgs, project: Option<&Project>, terminal: &Terminal, checked: &Findings) -> Exit {
    for directory in &checked.empty {
        terminal.warning(&format!(
            "there is no spec in {directory}: no file ends in {}",
            files::ENDINGS.map(|ending| format!(".{ending}")).join(", ")
        ));
    }
    for unread in &checked.unread {
        terminal.error_line(&format!("error: {unread}"));
    }
    let max_warnings = project.and_then(|project| project.settings.validate.max_warnings);
    let summary = Summary::new(checked, args.rules.max_warnings.or(max_warnings));
    for line in summary.lines(args) {
        terminal.status(&line);
    }
    match (checked.unread.is_empty(), summary.fails()) {
        (false, _) => Exit::Input,
        (true, true) if !args.report.exit_zero => Exit::Faulty,
        (true, _) => Exit::Done,
    }
}

/// What the project's file says of specs, and a version that weighs more.
pub(in crate::commands) fn project_options(version: Option<Version>, project: Option<&Project>) -> Options {
    let settings = project.map(|project| &project.settings);
    let mut options = Options::default();
    if let Some(version) = version.or(settings.and_then(project::Settings::pachyderm)) {
        options.version = version;
    }
    if let Some(settings) = settings {
        options.kubernetes = settings.kubernetes();
        options.select = settings.validate.select().map(FromIterator::from_iter);
        options.severities.extend(settings.validate.severities());
        options.ignore.extend(settings.validate.ignore());
    }
    options
}

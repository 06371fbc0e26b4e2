//! `spoutctl validate`: finds files, has them looked at on every core, reports in their order.
//!
//! Nothing here is asynchronous; only `--server` starts the gateway's runtime, after everything else.

pub(super) mod files;
mod mend;
mod server;
mod summary;
pub(super) mod suppressions;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cli::{Colour, MendingArgs, ReportFormat, ValidateArgs};
use crate::commands::explain::mended_by;
use crate::commands::jsonnet;
use crate::commands::pipelines;
use crate::commands::printing::{print, unless_lost};
use crate::commands::server::advise;
use crate::failure::Failure;
use crate::settings;
use crate::settings::FileError;
use crate::settings::project::{self, Project};
use crate::terminal::Terminal;
use files::{Input, Unread};
use mend::Mended;
use spoutctl_core::exit::Exit;
use spoutctl_lint::diagnostic::{Diagnostic, RuleId, Safety};
use spoutctl_lint::report::{self, FileReport, Format, Style};
use spoutctl_lint::source::SourceFile;
use spoutctl_lint::spec::Parsed;
use spoutctl_lint::version::Version;
use spoutctl_lint::{Expect, Options};
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

/// How each file is looked at.
struct Job {
    options: Options,
    all: bool,
    mending: Option<Mending>,
    suppressions: Suppressions,
    /// A server will be asked about them.
    keeps_texts: bool,
    jsonnet_arguments: Vec<(String, String)>,
    /// Of what is named, too.
    spouts_only: bool,
}

#[derive(Clone, Copy)]
struct Mending {
    safety: Safety,
    /// Show it, write nothing.
    diff: bool,
}

/// What came of one file.
struct Outcome {
    report: FileReport,
    expect: Expect,
    /// Of the specs in it.
    specs: usize,
    skipped: usize,
    holds_no_spec: bool,
    mended: Option<Mended>,
    unread: Option<Unread>,
    /// What came of a template, whose text is not that of a spec.
    evaluated: Option<Parsed>,
}

impl Job {
    fn look_at(&self, input: &Input) -> Outcome {
        match files::read(input) {
            Ok(file) => self.check(input, file),
            Err(unread) => Outcome {
                report: FileReport {
                    file: SourceFile::new(input.name.clone(), ""),
                    diagnostics: Vec::new(),
                },
                expect: Expect::Any,
                specs: 0,
                skipped: 0,
                holds_no_spec: false,
                mended: None,
                unread: Some(unread),
                evaluated: None,
            },
        }
    }

    fn check(&self, input: &Input, mut file: SourceFile) -> Outcome {
        let suppressed = self.suppressions.of(&input.name);
        let mut options = self.options.clone();
        options.expect = match (self.all, input.is_named && !self.spouts_only) {
            (true, false) => Expect::Pipeline,
            (_, true) => Expect::Spout,
            (false, false) => Expect::Any,
        };
        let outcome =
            jsonnet::is_template(&input.name).then(|| jsonnet::evaluate(input, &file, &self.jsonnet_arguments));
        let mut checked = match &outcome {
            Some(outcome) => spoutctl_lint::template::check(&file, outcome, &options),
            None => spoutctl_lint::check(&file, &options),
        };
        suppressed.leave_out(&mut checked.diagnostics);
        let mut mended = None;
        let mut unread = None;
        if let Some(mending) = self.mending
            && outcome.is_none()
            && (checked.diagnostics.iter().any(|found| mending.applies_to(found)) || mending.passes_on(input))
        {
            options.ignore.extend(suppressed.rules());
            match mend::mend(input, &file, &options, mending) {
                Ok(Some((done, after))) => {
                    mended = Some(done);
                    // What a diff shows is not done: the file still has all its faults.
                    if !mending.diff {
                        file = after;
                        checked = spoutctl_lint::check(&file, &options);
                    }
                }
                Ok(None) => {}
                Err(failed) => unread = Some(failed),
            }
        }
        if checked.diagnostics.is_empty() && !self.keeps_texts {
            // Of ten thousand files without a fault only the names are kept.
            file = SourceFile::new(input.name.clone(), "");
        }
        Outcome {
            report: FileReport {
                file,
                diagnostics: checked.diagnostics,
            },
            expect: options.expect,
            specs: checked.specs,
            skipped: checked.skipped,
            holds_no_spec: checked.holds_no_spec,
            mended,
            unread,
            evaluated: outcome.and_then(Result::ok).map(|template| template.parsed),
        }
    }
}

impl Mending {
    /// Standard input goes to standard output whether or not there was something to mend.
    fn passes_on(self, input: &Input) -> bool {
        input.path.is_none() && !self.diff
    }

    fn applies_to(self, found: &Diagnostic) -> bool {
        found.fix.as_ref().is_some_and(|fix| fix.safety <= self.safety)
    }
}

/// Everything that was found, in the order of the command line.
struct Findings {
    reports: Vec<FileReport>,
    mended: Vec<Mended>,
    unread: Vec<Unread>,
    specs: usize,
    skipped: usize,
    /// Files that were found and hold no spec of any kind.
    without_spec: usize,
    /// Directories in which nothing was found.
    empty: Vec<String>,
}

impl Findings {
    fn new(outcomes: Vec<Outcome>, found: files::Found) -> Self {
        let mut all = Self {
            reports: Vec::with_capacity(outcomes.len()),
            mended: Vec::new(),
            unread: found.unread,
            specs: 0,
            skipped: 0,
            without_spec: 0,
            empty: found.empty,
        };
        for outcome in outcomes {
            all.specs += outcome.specs;
            all.skipped += outcome.skipped;
            all.without_spec += usize::from(outcome.holds_no_spec);
            all.mended.extend(outcome.mended);
            let was_read = outcome.unread.is_none();
            all.unread.extend(outcome.unread);
            if was_read || !outcome.report.diagnostics.is_empty() {
                all.reports.push(outcome.report);
            }
        }
        all
    }

    fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.reports.iter().flat_map(|report| &report.diagnostics)
    }
}

/// Does the work for each input on as many threads as there are cores; the answers are in the order of the inputs.
fn on_every_core<T: Send>(inputs: &[Input], work: impl Fn(&Input) -> T + Sync) -> Vec<T> {
    /// With fewer inputs a thread costs more than it gains.
    const WORTH_A_THREAD: usize = 16;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(inputs.len().div_ceil(WORTH_A_THREAD));
    if threads < 2 {
        return inputs.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(at) else { return done };
            done.push((at, work(input)));
        }
    };
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
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

/// Flags over the project's file. A selection of rules on the command line replaces the file's, for it asks for just these.
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

/// All rules, a line each, or as JSON.
pub(in crate::commands) fn list_rules(terminal: &Terminal, format: Option<ReportFormat>) -> Result<Exit, Failure> {
    let rules = spoutctl_lint::rules();
    if format == Some(ReportFormat::Json) {
        let list: Vec<_> = rules
            .iter()
            .map(|rule| {
                serde_json::json!({
                    "rule": rule.id.0, "severity": rule.severity.name(), "pachyderm": rule.versions.to_string(),
                    "mended_by": rule.fixable.map(|_| mended_by(rule)), "opt_in": rule.opt_in, "summary": rule.summary,
                })
            })
            .collect();
        return print(
            terminal,
            &format!("{:#}", serde_json::json!({"version": 1, "rules": list})),
        );
    }
    if !matches!(format, None | Some(ReportFormat::Pretty | ReportFormat::Concise)) {
        return Err(Failure::new(
            Exit::Usage,
            "the list of rules is text, or JSON with --format json",
        ));
    }
    let width = rules.iter().map(|rule| rule.id.0.len()).max().unwrap_or_default();
    let lines: Vec<String> = rules
        .iter()
        .map(|rule| {
            format!(
                "{:width$}  {:7}  {:14}  {:14}  {}",
                rule.id.0,
                rule.severity.name(),
                rule.versions.to_string(),
                mended_by(rule),
                rule.summary
            )
        })
        .collect();
    print(terminal, &lines.join("\n"))
}

/// A path as it is shown, and matched: `./` in front says nothing.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

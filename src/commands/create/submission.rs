//! `create -f`: specs that have no fault become pipelines, one after the other.

use std::collections::BTreeMap;

use serde_json::Value;
use similar::TextDiff;

use super::restarting::Restart;
use crate::cli::CreateArgs;
use crate::commands::denied::advise;
use crate::commands::interrupts::PutOff;
use crate::commands::jsonnet;
use crate::commands::pipelines::{self, failure, find, refusal};
use crate::commands::printing::unless_lost;
use crate::commands::validate::files::{self, Input};
use crate::commands::validate::suppressions::Suppressions;
use crate::failure::Failure;
use crate::settings::{self, Server, project::Project};
use crate::terminal::{Terminal, Verbosity};
use pachyderm_client::Pachd;
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{DEFAULT_PROJECT, ProjectName, Repo, RepoName};
use spoutctl_core::pipelines::{Running, Submission, is_refused_for_downstream};
use spoutctl_core::quantity::counted;
use spoutctl_lint::diagnostic::{Diagnostic, Severity};
use spoutctl_lint::report::{self, FileReport, Format, Style};
use spoutctl_lint::source::SourceFile;
use spoutctl_lint::spec;
use spoutctl_lint::spec::strict::{self, Sent};
use spoutctl_lint::spec::tree::{Document, Node};
use spoutctl_lint::{Expect, Options};

/// Runs `create -f`.
///
/// # Errors
/// When a spec has an error, cannot be read, or is refused; when pachd cannot be asked.
pub(super) fn run(
    args: &CreateArgs,
    options: &Options,
    project: Option<&Project>,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let specs = specs(args, options, project, terminal)?;
    let (pachd, server) = pipelines::open(&args.server, terminal)?;
    specs.iter().try_for_each(|spec| has_project(spec, &server))?;
    let submitter = Submitter {
        pachd: &*pachd,
        terminal,
        restart: args.submission.restart.then(PutOff::new).transpose()?,
        how: Submission {
            update: args.submission.update,
            reprocess: args.submission.reprocess,
        },
    };
    for (number, spec) in specs.iter().enumerate() {
        let done = if args.submission.dry_run {
            submitter.try_out(spec)
        } else {
            submitter.submit(spec)
        };
        done.map_err(|failure| {
            let failure = advise(failure, &server);
            let others = specs.len() - number - 1;
            if others == 0 || args.submission.dry_run {
                return failure;
            }
            failure.detail(unsent(others))
        })?;
    }
    unless_lost(terminal).map(|()| Exit::Done)
}

/// pachctl puts the context's project into a spec that names none. What is sent here is what stands in the file, so the
/// file has to say it: otherwise the pipeline would be made in `default`.
fn has_project(spec: &Spec, server: &Server) -> Result<(), Failure> {
    let Some(project) = server.project().filter(|project| project.as_str() != DEFAULT_PROJECT) else {
        return Ok(());
    };
    if find(&spec.document.root, &["pipeline", "project"]).is_some() {
        return Ok(());
    }
    let text = format!(
        "{} names no project, and the context is for `{project}`; nothing was sent",
        spec.file.name()
    );
    Err(Failure::new(Exit::Usage, text).help(format!(
        "write it into the spec: pipeline: {{project: {{name: {project}}}, name: …}}"
    )))
}

/// What the refusal of one spec means for those behind it.
fn unsent(count: usize) -> String {
    let were = if count == 1 { "was" } else { "were" };
    format!("{} after it {were} not sent", counted(count as u64, "spec"))
}

/// A spec that is to be sent.
struct Spec {
    file: SourceFile,
    document: Document,
    sent: Sent,
    /// The pipeline's name, which is also that of the repo that it writes. None where only pachd can say what is wrong.
    pipeline: Option<Repo>,
}

impl Spec {
    fn shown(&self) -> String {
        match &self.pipeline {
            Some(pipeline) => pipeline.to_string(),
            None => self.file.name().to_owned(),
        }
    }
}

/// Reads all specs, and refuses all when one has an error.
fn specs(
    args: &CreateArgs,
    options: &Options,
    project: Option<&Project>,
    terminal: &Terminal,
) -> Result<Vec<Spec>, Failure> {
    let suppressions = Suppressions::new(project)?;
    let found = files::find(&args.submission.files, "<stdin>");
    jsonnet::refuse_arguments(&args.submission.jsonnet_arg, &found.inputs)?;
    let mut unread = found.unread;
    let mut reports = Vec::new();
    let mut specs = Vec::new();
    for input in &found.inputs {
        match files::read(input) {
            Ok(file) => {
                let (report, of_file) = look_at(args, input, file, options, &suppressions);
                reports.push(report);
                specs.extend(of_file);
            }
            Err(failed) => unread.push(failed),
        }
    }
    if !unread.is_empty() {
        let failure = Failure::new(Exit::Input, "not everything could be read, so nothing is sent");
        return Err(unread
            .iter()
            .fold(failure, |failure, unread| failure.detail(unread.to_string())));
    }
    refuse_errors(args, &reports, terminal)?;
    refuse_twice(&specs)?;
    if specs.is_empty() {
        return Err(Failure::new(Exit::Input, "there is no spec in what -f names"));
    }
    Ok(specs)
}

fn look_at(
    args: &CreateArgs,
    input: &Input,
    file: SourceFile,
    options: &Options,
    suppressions: &Suppressions,
) -> (FileReport, Vec<Spec>) {
    // As `validate` does: whoever names a file says that it holds spouts.
    let expect = if input.is_named { Expect::Spout } else { Expect::Any };
    let options = Options {
        expect,
        ..options.clone()
    };
    let (checked, parsed) = if jsonnet::is_template(&input.name) {
        let outcome = jsonnet::evaluate(input, &file, &args.submission.jsonnet_arg);
        let checked = spoutctl_lint::template::check(&file, &outcome, &options);
        (checked, outcome.ok().map(|template| template.parsed))
    } else {
        let parsed = spec::parse(&file);
        (spoutctl_lint::check(&file, &options), Some(parsed))
    };
    let mut diagnostics = checked.diagnostics;
    suppressions.of(&input.name).leave_out(&mut diagnostics);
    let documents = parsed.into_iter().flat_map(|parsed| parsed.documents);
    let specs = documents
        .filter(|document| expect.includes(&document.root))
        .map(|document| Spec {
            file: file.clone(),
            sent: strict::to_json_with_places(&document.root),
            pipeline: pipeline(&document.root),
            document,
        });
    let specs = specs.collect();
    (FileReport { file, diagnostics }, specs)
}

fn pipeline(root: &Node) -> Option<Repo> {
    let text = |path: &[&str]| find(root, path).and_then(Node::as_str).filter(|text| !text.is_empty());
    let project = text(&["pipeline", "project", "name"]).unwrap_or(DEFAULT_PROJECT);
    Some(Repo {
        project: ProjectName::new(project).ok()?,
        name: RepoName::new(text(&["pipeline", "name"])?).ok()?,
    })
}

/// Shows what was found. Errors end it, before anything is sent.
fn refuse_errors(args: &CreateArgs, reports: &[FileReport], terminal: &Terminal) -> Result<(), Failure> {
    let found = reports.iter().flat_map(|report| &report.diagnostics);
    let errors = found.filter(|found| found.severity == Severity::Error).count();
    if errors > 0 || terminal.verbosity() > Verbosity::Quiet {
        show(reports, terminal);
    }
    if errors == 0 || args.no_lint {
        return Ok(());
    }
    let heading = format!("{} in the specs, so nothing is sent", counted(errors as u64, "error"));
    Err(Failure::new(Exit::Faulty, heading)
        .help("spoutctl validate --fix mends some; --no-lint sends them all the same"))
}

fn show(reports: &[FileReport], terminal: &Terminal) {
    let format = if terminal.is_on_screen() {
        Format::Pretty
    } else {
        Format::Concise
    };
    let style = Style {
        colour: settings::colour(terminal.is_on_screen()),
        width: terminal.width(),
    };
    let text = report::render(format, reports, style);
    if !text.is_empty() {
        terminal.error_line(text.trim_end_matches('\n'));
    }
}

/// The second of two would be refused, or would replace the first at once.
fn refuse_twice(specs: &[Spec]) -> Result<(), Failure> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for spec in specs.iter().filter(|spec| spec.pipeline.is_some()) {
        if let Some(before) = seen.insert(spec.shown(), spec.file.name()) {
            let heading = format!("two of the specs are for pipeline {}, so nothing is sent", spec.shown());
            return Err(Failure::new(Exit::Faulty, heading).detail(format!("{before}, {}", spec.file.name())));
        }
    }
    Ok(())
}

struct Submitter<'a> {
    pachd: &'a dyn Pachd,
    terminal: &'a Terminal,
    how: Submission,
    /// A spout that pachd refuses to update while it runs may be stopped, and signals are put off meanwhile.
    restart: Option<PutOff>,
}

impl Submitter<'_> {
    fn submit(&self, spec: &Spec) -> Result<(), Failure> {
        let before = self.running(spec)?;
        if let Some(before) = before.as_ref().filter(|before| self.is_there_already(before, spec)) {
            let version = before.version;
            self.terminal
                .result(&format!("{}   version {version}   unchanged", spec.shown()));
            return Ok(());
        }
        match (self.send(spec, before.as_ref())?, &spec.pipeline, &self.restart) {
            (Ok(()), ..) => {}
            (Err(words), Some(spout), Some(put_off)) if is_refused_for_downstream(&words) => {
                let restart = Restart {
                    pachd: self.pachd,
                    spout,
                    terminal: self.terminal,
                    put_off,
                };
                restart.around(|| {
                    let sent = self.send(spec, before.as_ref())?;
                    sent.map_err(|words| self.refused(spec, &words, true))
                })?;
            }
            (Err(words), ..) => return Err(self.refused(spec, &words, before.is_some())),
        }
        let version = self.running(spec)?.map(|after| after.version);
        let version = version.map_or_else(String::new, |version| format!("   version {version}"));
        let done = if before.is_some() { "updated" } else { "created" };
        let shown = spec.shown();
        self.terminal.result(&format!("{shown}{version}   {done}"));
        self.terminal.status(&format!(
            "its commits: spoutctl tail {shown} --wait-for-branch; its log: {}",
            log_of(spec)
        ));
        Ok(())
    }

    /// What pachd says to a spec: nothing, or the words of its refusal.
    fn send(&self, spec: &Spec, before: Option<&Running>) -> Result<Result<(), String>, Failure> {
        match self.pachd.submit_pipeline(&spec.sent.json, self.how) {
            Err(fault) if fault.is_passing() => self.look_what_became(spec, before, &fault),
            Err(fault) => Err(cannot(spec, &fault)),
            Ok(verdict) => Ok(verdict.map(drop)),
        }
    }

    /// A second update with the same spec would start its pods anew, and change nothing.
    fn is_there_already(&self, before: &Running, spec: &Spec) -> bool {
        self.how.update && !self.how.reprocess && is_same(&before.submitted, &spec.sent.json)
    }

    /// After an answer that was lost: whether the pipeline is there as it was sent.
    fn look_what_became(
        &self,
        spec: &Spec,
        before: Option<&Running>,
        fault: &Fault,
    ) -> Result<Result<(), String>, Failure> {
        let unknown = || {
            cannot(spec, fault)
                .detail("it may have been created all the same")
                .help("send it again, with --update if it is there")
        };
        if fault.kind == FaultKind::Unavailable {
            return Err(cannot(spec, fault));
        }
        let after = self.running(spec).map_err(|_| unknown())?;
        let version = |running: Option<&Running>| running.map_or(0, |running| running.version);
        let is_ours = after
            .as_ref()
            .is_some_and(|after| is_same(&after.submitted, &spec.sent.json));
        if is_ours && version(after.as_ref()) > version(before) {
            Ok(Ok(()))
        } else {
            Err(unknown())
        }
    }

    /// Shows what would be, and how it differs from what is.
    fn try_out(&self, spec: &Spec) -> Result<(), Failure> {
        let running = self.running(spec)?;
        let verdict = self.pachd.try_pipeline(&spec.sent.json);
        let effective = match verdict.map_err(|fault| cannot_try(spec, &fault))? {
            Ok(effective) => effective,
            Err(words) => return Err(self.refused(spec, &words, running.is_some())),
        };
        let shown = spec.shown();
        let pretty = pretty(&effective);
        self.terminal.whole_result(format!("{pretty}\n").as_bytes());
        let Some(running) = running else {
            self.terminal
                .status(&format!("{shown} is not there and would be created"));
            return Ok(());
        };
        let version = running.version;
        let (old, new) = (pretty_alike(&running.effective), pretty_alike(&effective));
        if old == new {
            self.terminal
                .status(&format!("{shown} is there, version {version}, and has this very spec"));
        } else {
            let diff = TextDiff::from_lines(&old, &new);
            let mut diff = diff.unified_diff();
            let diff = diff.header(&format!("{shown} version {version}"), spec.file.name());
            self.terminal.whole_result(diff.to_string().as_bytes());
            self.terminal
                .status(&format!("{shown} is there, version {version}, and differs"));
        }
        if !self.how.update {
            self.terminal.note("without --update pachd refuses to replace it");
        }
        Ok(())
    }

    fn running(&self, spec: &Spec) -> Result<Option<Running>, Failure> {
        let Some(pipeline) = &spec.pipeline else {
            return Ok(None);
        };
        self.pachd.find_pipeline(pipeline).map_err(|fault| cannot(spec, &fault))
    }

    /// Shows the refusal where the spec is to blame.
    fn refused(&self, spec: &Spec, words: &str, is_there: bool) -> Failure {
        let found: Diagnostic = refusal(&spec.document, &spec.sent, words);
        show(
            &[FileReport {
                file: spec.file.clone(),
                diagnostics: vec![found],
            }],
            self.terminal,
        );
        let failure = Failure::new(Exit::Refused, format!("pachd refuses {}", spec.shown()));
        if is_refused_for_downstream(words) {
            return failure
                .detail(
                    "another pipeline reads from this spout, and pachd's own database then takes no update while \
                         it runs",
                )
                .help("--restart stops it, updates it, and starts it again");
        }
        if is_there && !self.how.update {
            failure.help("--update replaces the pipeline that is there")
        } else {
            failure
        }
    }
}

/// Without `--master` pachctl shows no line of a spout's code.
fn log_of(spec: &Spec) -> String {
    match &spec.pipeline {
        Some(pipeline) if pipeline.project.as_str() != DEFAULT_PROJECT => {
            format!(
                "pachctl logs --project {} --pipeline {} --master",
                pipeline.project, pipeline.name
            )
        }
        Some(pipeline) => format!("pachctl logs --pipeline {} --master", pipeline.name),
        None => "pachctl logs --master".to_owned(),
    }
}

fn cannot(spec: &Spec, fault: &Fault) -> Failure {
    let failure = failure(&format!("pachd cannot be asked about {}", spec.shown()), fault);
    let has_no_call = [
        "not supported on Pachyderm 1.x",
        "it is an older Pachyderm, or no pachd",
    ]
    .iter()
    .any(|words| fault.message.ends_with(words));
    match fault.kind {
        FaultKind::Refused if has_no_call => failure.help("pachctl create pipeline -f FILE creates it there"),
        _ => failure,
    }
}

/// As [`cannot`], of a dry run.
fn cannot_try(spec: &Spec, fault: &Fault) -> Failure {
    let failure = cannot(spec, fault);
    match fault.kind {
        FaultKind::Refused if failure.help.is_empty() => {
            failure.help("without --dry-run it is created; spoutctl validate looks at it beforehand, without pachd")
        }
        _ => failure,
    }
}

/// Whether two texts are the same JSON.
fn is_same(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    read(one).is_some() && read(one) == read(other)
}

fn pretty(json: &str) -> String {
    let value = serde_json::from_str::<Value>(json);
    value.map_or_else(|_| json.to_owned(), |value| format!("{value:#}"))
}

/// The same for a comparison: without what is a choice of the one who submits, and without the default project, which
/// pachd writes into the one and leaves out of the other.
fn pretty_alike(json: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(json) else {
        return json.to_owned();
    };
    if let Some(members) = value.as_object_mut() {
        for choice in ["update", "reprocess", "dryRun"] {
            members.remove(choice);
        }
    }
    if let Some(pipeline) = value.get_mut("pipeline").and_then(Value::as_object_mut)
        && pipeline.get("project").and_then(|project| project.get("name")) == Some(&DEFAULT_PROJECT.into())
    {
        pipeline.remove("project");
    }
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pachd_writes_in_two_ways_is_no_difference() {
        let told =
            r#"{"pipeline":{"project":{"name":"default"}, "name":"a"}, "spout":{}, "update":true, "datumTries":"3"}"#;
        let kept = r#"{"datumTries":"3","pipeline":{"name":"a"},"spout":{}}"#;
        assert_eq!(pretty_alike(told), pretty_alike(kept));
        let elsewhere = told.replace("default", "team");
        assert_ne!(pretty_alike(&elsewhere), pretty_alike(kept));
    }
}

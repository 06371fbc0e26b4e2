//! What `doctor` finds out: a line for each thing that has to be right before a `put` can work, and what to do where
//! one is not.
//!
//! Domain: it knows its ports, and neither a network nor a terminal. Everything it does is a look; what it finds open
//! may be dropped by [`drop_open_head`], which is asked for by the commit's id.

use std::ops::ControlFlow;
use std::time::Duration;

use jiff::Timestamp;

use crate::mark::{Mark, Stage, StreamName};
use crate::ready::{Emptied, Leftover};
use crate::restarted;
use crate::{CommitSink, DeliveryError};
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::{Fault, FaultKind, printable};
use spoutctl_core::pfs::{Branch, BranchInfo, CommitId, CommitInfo, PipelineKind, Repo};
use spoutctl_core::pipelines::{Pipelines, Running, State};
use spoutctl_core::positions::Positions;
use spoutctl_core::quantity::age;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    Address,
    Dns,
    Tcp,
    Tls,
    Version,
    Cluster,
    Auth,
    Store,
    Disk,
    Project,
    Repo,
    Branch,
    Head,
    Write,
    Pipeline,
    Kafka,
    KafkaSettings,
    KafkaDns,
    KafkaTcp,
    KafkaTls,
    KafkaAuth,
    Brokers,
    Topic,
    Partitions,
    Positions,
}

impl Check {
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Version => "version",
            Self::Cluster => "cluster",
            Self::Auth => "auth",
            Self::Store => "store",
            Self::Disk => "disk",
            Self::Project => "project",
            Self::Repo => "repo",
            Self::Branch => "branch",
            Self::Head => "head",
            Self::Write => "write",
            Self::Pipeline => "pipeline",
            Self::Kafka => "kafka",
            Self::KafkaSettings => "settings",
            Self::KafkaDns => "kafka-dns",
            Self::KafkaTcp => "kafka-tcp",
            Self::KafkaTls => "kafka-tls",
            Self::KafkaAuth => "kafka-auth",
            Self::Brokers => "brokers",
            Self::Topic => "topic",
            Self::Partitions => "partitions",
            Self::Positions => "positions",
        }
    }
}

/// What became of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// It works, and may not go on to, or not as somebody thinks.
    Warning,
    /// `put` would end with this.
    Fault(Exit),
    /// Something before it has to be right first.
    NotChecked,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub check: Check,
    pub verdict: Verdict,
    pub said: String,
    /// What exactly.
    pub details: Vec<String>,
    /// What to do next.
    pub next: Vec<String>,
    /// What pachd said, where it does not know us or does not let us: whoever knows which token it got says what mends
    /// it.
    pub denied: Option<String>,
}

impl Finding {
    pub fn new(check: Check, verdict: Verdict, said: impl Into<String>) -> Self {
        Self {
            check,
            verdict,
            said: said.into(),
            details: Vec::new(),
            next: Vec::new(),
            denied: None,
        }
    }

    pub fn fine(check: Check, said: impl Into<String>) -> Self {
        Self::new(check, Verdict::Fine, said)
    }

    pub fn warning(check: Check, said: impl Into<String>) -> Self {
        Self::new(check, Verdict::Warning, said)
    }

    pub fn fault(check: Check, exit: Exit, said: impl Into<String>) -> Self {
        Self::new(check, Verdict::Fault(exit), said)
    }

    /// It waits for `first`.
    pub fn not_checked(check: Check, first: Check) -> Self {
        Self::new(
            check,
            Verdict::NotChecked,
            format!("not checked: {} comes first", first.name()),
        )
    }

    #[must_use]
    pub fn next(mut self, what: impl Into<String>) -> Self {
        self.next.push(what.into());
        self
    }

    /// What a call of pachd's that failed says.
    pub fn of_fault(check: Check, fault: &Fault) -> Self {
        let exit = if fault.is_passing() {
            Exit::Unavailable
        } else {
            Exit::Refused
        };
        Self {
            denied: (fault.kind == FaultKind::Denied).then(|| fault.message.clone()),
            ..Self::fault(check, exit, fault.to_string())
        }
    }

    pub fn is_fault(&self) -> bool {
        matches!(self.verdict, Verdict::Fault(_))
    }
}

/// Somebody's words for a refusal of `put`.
fn of_delivery(check: Check, error: &DeliveryError) -> Finding {
    let mut finding = Finding::fault(check, Exit::Refused, error.to_string());
    finding.details = error.details();
    finding.next.extend(error.help());
    finding
}

/// Where a `put` is to go, and who looks.
pub struct Examination<'a> {
    pub sink: &'a dyn CommitSink,
    /// `None` where the store has no pipelines.
    pub pipelines: Option<&'a dyn Pipelines>,
    pub branch: &'a Branch,
    /// The branch is the output of the spout in whose pod we run.
    pub is_own: bool,
    /// Whether this pachd can start a spout that was stopped; 2.0 and 2.1 cannot (recording grpc-2.0 444).
    pub starts_again: bool,
    pub now: Timestamp,
}

/// Where the partitions of a stream's source go on, as its newest commit says. A `put` goes by the same, but that it
/// waits for one that pachd still works on.
///
/// # Errors
/// What a call of pachd's says.
pub fn newest_positions(
    sink: &dyn CommitSink,
    branch: &Branch,
    stream: &StreamName,
) -> Result<Option<Positions>, Fault> {
    let mut newest = None;
    sink.list_commits(branch, &mut |info| {
        let mark = Mark::of(&info).filter(|mark| mark.stream == *stream && mark.stage == Stage::Done);
        let is_whole = info.error.is_empty() && !info.is_open();
        let positions = mark.filter(|_| is_whole).and_then(|mark| mark.positions);
        newest = positions.and_then(|positions| positions.partitions().ok());
        match newest {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    })?;
    Ok(newest)
}

/// The checks of a destination, in their order.
pub const OF_DESTINATION: [Check; 6] = [
    Check::Project,
    Check::Repo,
    Check::Branch,
    Check::Head,
    Check::Write,
    Check::Pipeline,
];

impl Examination<'_> {
    /// Looks at the destination, and says each finding as soon as there is one.
    pub fn run(&self, say: &mut dyn FnMut(Finding)) {
        let mut is_output = false;
        for (at, check) in OF_DESTINATION.into_iter().enumerate() {
            let finding = match check {
                Check::Project => self.project(),
                Check::Repo => self.repo(),
                Check::Branch => self.branch_itself(&mut is_output),
                Check::Head => self.head(is_output),
                Check::Write => self.write(),
                _ => self.pipeline(),
            };
            // Of what is not there nothing more can be asked.
            let is_end = finding.is_fault() && matches!(check, Check::Project | Check::Repo);
            say(finding);
            if is_end {
                for rest in &OF_DESTINATION[at + 1..] {
                    say(Finding::not_checked(*rest, check));
                }
                return;
            }
        }
    }

    fn project(&self) -> Finding {
        let project = &self.branch.repo.project;
        match self.sink.project_exists(project) {
            Ok(true) => Finding::fine(Check::Project, project.to_string()),
            Ok(false) => Finding::fault(Check::Project, Exit::Refused, format!("there is no project {project}"))
                .next(format!("pachctl create project {project}")),
            Err(fault) => Finding::of_fault(Check::Project, &fault),
        }
    }

    fn repo(&self) -> Finding {
        let repo = &self.branch.repo;
        match self.sink.repo_exists(repo) {
            Ok(true) => Finding::fine(Check::Repo, repo.to_string()),
            Ok(false) => of_delivery(Check::Repo, &DeliveryError::NoRepo(repo.clone())),
            Err(fault) => Finding::of_fault(Check::Repo, &fault),
        }
    }

    fn branch_itself(&self, is_output: &mut bool) -> Finding {
        let branch = self.branch;
        let inspected = self.sink.inspect_branch(branch);
        *is_output = matches!(&inspected, Ok(Some(info)) if info.has_provenance);
        match inspected {
            Ok(None) => Finding::fine(
                Check::Branch,
                format!("{branch} is not there yet; the first commit makes it"),
            ),
            Ok(Some(BranchInfo {
                has_provenance: true, ..
            })) if self.is_own => Finding::fine(Check::Branch, format!("{branch}, the output of this very spout")),
            Ok(Some(BranchInfo {
                has_provenance: true, ..
            })) => self.output(),
            Ok(Some(_)) => Finding::fine(Check::Branch, branch.to_string()),
            Err(fault) => Finding::of_fault(Check::Branch, &fault),
        }
    }

    /// An output that only its pipeline writes; whose spout that is may ask all the same.
    fn output(&self) -> Finding {
        let kind = self.sink.pipeline_kind(&self.branch.repo).ok().flatten();
        let branch = self.branch.clone();
        let mut finding = of_delivery(Check::Branch, &DeliveryError::OutputBranch { branch, kind });
        if matches!(kind, Some(PipelineKind::Spout | PipelineKind::Service)) {
            finding.verdict = Verdict::Warning;
        }
        finding
    }

    fn newest(&self) -> Result<Option<CommitInfo>, Fault> {
        let mut newest = None;
        self.sink.list_commits(self.branch, &mut |info| {
            newest = Some(info);
            ControlFlow::Break(())
        })?;
        Ok(newest)
    }

    fn head(&self, is_output: bool) -> Finding {
        if is_output && let Some(finding) = self.left_by_pachd() {
            return finding;
        }
        match self.newest() {
            Ok(None) => Finding::fine(Check::Head, "no commit yet"),
            Ok(Some(info)) if info.is_open() && is_output => {
                Finding::fine(Check::Head, format!("{}, which its pipeline writes", info.commit.id))
            }
            Ok(Some(info)) if info.is_open() => self.open(&info),
            Ok(Some(info)) if !info.error.is_empty() => {
                let mut finding = Finding::warning(
                    Check::Head,
                    format!("the newest commit, {}, finished with an error", info.commit.id),
                );
                finding.details.push(info.error);
                finding.next("its data is in no later commit; see who made it, and send that again")
            }
            Ok(Some(info)) if info.finished.is_none() => {
                Finding::fine(Check::Head, format!("{}, which pachd is finishing", info.commit.id))
            }
            Ok(Some(info)) => Finding::fine(
                Check::Head,
                match info.finished {
                    Some(finished) => format!("{}, finished {} ago", info.commit.id, self.since(finished)),
                    None => info.commit.id.to_string(),
                },
            ),
            Err(fault) => Finding::of_fault(Check::Head, &fault),
        }
    }

    /// What pachd itself has put at the head of a spout's branch when the spout was started again. On other pipelines'
    /// branches its own open commits are those of their jobs.
    fn left_by_pachd(&self) -> Option<Finding> {
        let kind = self.sink.pipeline_kind(&self.branch.repo).ok().flatten();
        if !self.is_own && kind != Some(PipelineKind::Spout) {
            return None;
        }
        let Repo { name, project } = &self.branch.repo;
        let leftover = restarted::look(self.sink, self.branch).ok()?;
        if let Some(id) = leftover.open.first() {
            if self.is_own {
                let text = format!("{id} is open: pachd began it when the spout was started");
                return Some(Finding::warning(Check::Head, text).next(
                    "spoutctl put finishes it, with the files of the one before, as soon as it has something to commit",
                ));
            }
            let finding = Finding::fault(
                Check::Head,
                Exit::Unavailable,
                format!("{id} is open: pachd began it when the spout was started, and nobody finishes it"),
            );
            // The oldest first: those upon it wait for it.
            let finding = leftover.open.iter().rev().fold(finding, |finding, id| {
                finding.next(format!(
                    "finish it: pachctl finish commit {name}@{id} --project {project}; the branch then has the files \
                     of the one before, unchanged"
                ))
            });
            return Some(finding.next("`spoutctl put` in the spout's own pod does so by itself"));
        }
        match leftover {
            Leftover {
                emptied: Some(Emptied { head, last }),
                ..
            } => {
                let text = format!("{head} is empty: pachd made it when the spout was started (2.6, 2.7)");
                Some(Finding::warning(Check::Head, text).next(format!(
                    "earlier files are in the history only, the newest in {last}; to have them again, write them again"
                )))
            }
            Leftover { .. } => None,
        }
    }

    fn since(&self, time: Timestamp) -> String {
        let since = self.now.duration_since(time);
        age(since.try_into().unwrap_or_default())
    }

    /// Nobody else can start a commit on the branch before this one is finished or dropped.
    fn open(&self, info: &CommitInfo) -> Finding {
        let id = &info.commit.id;
        let age = info.started.map(|started| format!(", for {}", self.since(started)));
        let said = format!("{id} is open{}", age.unwrap_or_default());
        let drop = format!("spoutctl doctor {} --drop {id}", self.branch);
        if let Some(mark) = Mark::of(info) {
            let stream = mark.stream.as_str();
            return Finding::warning(Check::Head, format!("{said}; stream `{stream}` of spoutctl has it"))
                .next(format!(
                    "while that put runs, all is well; started again with --stream {stream} it gives it up by itself"
                ))
                .next(format!("if it is gone for good: {drop}"));
        }
        let mut finding = Finding::fault(Check::Head, Exit::Unavailable, format!("{said}, by somebody else"));
        if !info.description.is_empty() {
            let description = printable(&info.description);
            finding.details.push(format!("its description: {description}"));
        }
        finding
            .next("a put waits until its writer has finished it")
            .next(format!(
                "if its writer is dead: {drop}; do not finish it, that would publish half of what it was to hold"
            ))
    }

    fn write(&self) -> Finding {
        let repo = &self.branch.repo;
        match self.sink.missing_permissions(repo) {
            Ok(missing) if missing.is_empty() => Finding::fine(Check::Write, "nothing says that we may not"),
            Ok(missing) => {
                let repo = repo.clone();
                of_delivery(Check::Write, &DeliveryError::NotAllowed { repo, missing })
            }
            Err(fault) => Finding::of_fault(Check::Write, &fault),
        }
    }

    /// A branch beside the pipeline's own is nobody's: who follows the spout sees nothing of what is written there.
    fn with_output_branch(&self, mut finding: Finding, pipelines: &dyn Pipelines, running: &Running) -> Finding {
        if running.kind != PipelineKind::Spout {
            return finding;
        }
        let Ok(Some(output)) = pipelines.output_branch(&self.branch.repo) else {
            return finding;
        };
        if output == self.branch.name {
            return finding;
        }
        if finding.verdict == Verdict::Fine {
            finding.verdict = Verdict::Warning;
        }
        finding.details.push(format!(
            "its output branch is {output}: who reads what it writes sees nothing of {}",
            self.branch
        ));
        finding.next(format!("look at {}@{output}", self.branch.repo))
    }

    fn pipeline(&self) -> Finding {
        let repo = &self.branch.repo;
        let Some(pipelines) = self.pipelines else {
            return Finding::fine(Check::Pipeline, "this store has none");
        };
        match pipelines.find_pipeline(repo) {
            Ok(None) => Finding::fine(Check::Pipeline, format!("none writes {repo}")),
            Ok(Some(running)) => {
                let finding = of_pipeline(repo, &running, self.starts_again);
                self.with_output_branch(finding, pipelines, &running)
            }
            Err(fault) if fault.kind == FaultKind::Refused => {
                Finding::new(Check::Pipeline, Verdict::NotChecked, format!("not checked: {fault}"))
            }
            Err(fault) => Finding::of_fault(Check::Pipeline, &fault),
        }
    }
}

fn of_pipeline(repo: &Repo, running: &Running, starts_again: bool) -> Finding {
    let what = match running.kind {
        PipelineKind::Spout => "spout",
        PipelineKind::Service => "service",
        PipelineKind::Transform | PipelineKind::Unknown => "pipeline",
    };
    let of_project = format!("{} --project {}", repo.name, repo.project);
    let named = format!("{what} {repo}, version {}", running.version);
    let mut finding = match running.state {
        State::Working => Finding::fine(Check::Pipeline, named),
        State::Stopped => {
            let said = format!("{named}, is stopped: it makes no commits");
            let finding = Finding::fault(Check::Pipeline, Exit::Refused, said);
            if starts_again {
                finding.next(format!("pachctl start pipeline {of_project}"))
            } else {
                finding.next(format!(
                    "Pachyderm 2.0 and 2.1 cannot start a spout again (repo {}.meta not found): create it under \
                     another name; deleting this one deletes its repo, too",
                    repo.name
                ))
            }
        }
        State::Crashing => Finding::warning(
            Check::Pipeline,
            format!("{named}: its workers end and are started again"),
        )
        .next(format!("pachctl logs --pipeline {of_project} --master")),
        State::Failed => Finding::fault(
            Check::Pipeline,
            Exit::Refused,
            format!("{named}, has failed, and stays so"),
        )
        .next(format!(
            "see pachctl logs --pipeline {of_project} --master, then spoutctl create -f SPEC --update"
        )),
    };
    if !running.reason.is_empty() {
        finding.details.push(printable(&running.reason));
    }
    finding
}

/// So long it is waited for that pachd is done with a commit, before it is dropped.
const DONE_WITHIN: Duration = Duration::from_mins(1);

/// How an open commit came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    Gone,
    /// It was finished with an error, and its data is never seen. Dropping needs a permission on the cluster that we
    /// lack.
    FinishedWithError,
    /// The same, and pachd takes its time to finish it, or somebody has built on it meanwhile.
    Left,
}

/// Why a commit was not dropped. It is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDropped {
    #[error("{branch} has no open commit")]
    NothingOpen { branch: Branch },
    #[error("{branch} has another open commit, {found}")]
    Another { branch: Branch, found: CommitId },
    #[error("commit {id} cannot be dropped: {fault}")]
    Fault { id: CommitId, fault: Fault },
}

/// Drops the open head of a branch, if it is this commit.
///
/// It is finished with an error first, which decides against whoever finishes it at the same time, and dropped when
/// pachd is done with it, as 2.0 to 2.5 needs it.
///
/// # Errors
/// When it is not, or pachd refuses.
pub fn drop_open_head(sink: &dyn CommitSink, branch: &Branch, id: &CommitId) -> Result<Dropped, NotDropped> {
    let failed = |fault| NotDropped::Fault { id: id.clone(), fault };
    let mut newest = None;
    let visited = sink.list_commits(branch, &mut |info| {
        newest = Some(info);
        ControlFlow::Break(())
    });
    visited.map_err(failed)?;
    let head = match newest {
        Some(info) if info.is_open() && info.commit.id == *id => info,
        Some(info) if info.is_open() => {
            return Err(NotDropped::Another {
                branch: branch.clone(),
                found: info.commit.id,
            });
        }
        _ => return Err(NotDropped::NothingOpen { branch: branch.clone() }),
    };
    let commit = head.commit.clone();
    match sink.finish_commit(&commit, &head.description, Some("given up: spoutctl doctor --drop")) {
        Ok(()) => {}
        Err(fault) if fault.kind == FaultKind::NotFound => return Ok(Dropped::Gone),
        // Its writer was there before us.
        Err(fault) if fault.kind == FaultKind::AlreadyFinished => {
            return Err(NotDropped::NothingOpen { branch: branch.clone() });
        }
        Err(fault) => return Err(failed(fault)),
    }
    let is_finished = sink
        .wait_commit(&commit, DONE_WITHIN)
        .is_ok_and(|info| info.finished.is_some());
    if !is_finished {
        return Ok(Dropped::Left);
    }
    Ok(match sink.drop_commit(&commit) {
        Err(fault) if fault.kind == FaultKind::Denied => Dropped::FinishedWithError,
        Err(fault) if fault.kind != FaultKind::NotFound => Dropped::Left,
        _ => Dropped::Gone,
    })
}

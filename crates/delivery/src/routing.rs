//! `--route`: the entries of an archive go into several repos, and its commits begin and end together.
//!
//! To the rest of the delivery the commits of one archive are one commit, that of the first branch, and [`Routed`] is a
//! store that makes them: they are started in one transaction, which gives all of them its id, and closed in one, so
//! that there are all or none (tried on 2.12). Dropping one drops all: pachd drops an id. Every branch gets a commit
//! for every archive, also where it has nothing for it: so the first branch's history tells of all of them, a lost
//! answer is answered by looking there alone, and a reader finds what belongs together under one id.
//!
//! What is not together is the end of pachd's own work on each: one may finish with an error when another one is seen
//! already. Both are named then.
//!
//! A transaction in which something went wrong is deleted, as far as that can be done; one that nobody finishes does
//! nothing.
//!
//! Memory: a piece of at most [`MAX_CHUNK`](super::MAX_CHUNK) for each repo while files are uploaded.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use super::mark::Mark;
use super::{Change, Changes, CommitSink, RoutingSink};
use spoutctl_archive::ASIDES;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::glob::Glob;
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{
    Branch, BranchInfo, Commit, CommitId, CommitInfo, FilePath, FileSetId, PipelineKind, ProjectName, Repo,
    TransactionId,
};

/// Where paths go.
#[derive(Debug, Clone)]
pub struct Routes {
    /// The first is for what no pattern means. No two are of one repo.
    branches: Vec<Branch>,
    /// The first that means a path counts; the number is the branch's.
    patterns: Vec<(Glob, usize)>,
    /// The last branch is for what cannot be taken, which is in these directories, and gets a commit only where there
    /// is some.
    asides: Option<[String; 2]>,
}

impl Routes {
    /// `rest` is for what no pattern means.
    ///
    /// # Errors
    /// When two branches of one repo are named: one transaction makes one commit in a repo (recording p 054).
    pub fn new(rest: Branch, patterns: Vec<(Glob, Branch)>) -> Result<Self, (Branch, Branch)> {
        let mut routes = Self {
            branches: vec![rest],
            patterns: Vec::new(),
            asides: None,
        };
        for (glob, branch) in patterns {
            let known = routes.branches.iter().position(|other| other.repo == branch.repo);
            let at = match known {
                Some(at) if routes.branches[at] == branch => at,
                Some(at) => return Err((routes.branches[at].clone(), branch)),
                None => {
                    routes.branches.push(branch);
                    routes.branches.len() - 1
                }
            };
            routes.patterns.push((glob, at));
        }
        Ok(routes)
    }

    /// What cannot be taken goes to `branch`: the files in [`ASIDES`], at the root or below `prefix`.
    ///
    /// # Errors
    /// When it is of the repo of another branch.
    pub fn with_asides(mut self, branch: Branch, prefix: &FilePath) -> Result<Self, (Branch, Branch)> {
        if let Some(other) = self.branches.iter().find(|other| other.repo == branch.repo) {
            return Err((other.clone(), branch));
        }
        self.branches.push(branch);
        let below = if prefix.is_root() { "" } else { prefix.as_str() };
        self.asides = Some([format!("/{ASIDES}/"), format!("{below}/{ASIDES}/")]);
        Ok(self)
    }

    /// All branches but the first.
    fn others(&self) -> &[Branch] {
        &self.branches[1..]
    }

    /// Those of them that get a commit of every archive.
    pub fn also(&self) -> &[Branch] {
        &self.branches[1..self.branches.len() - usize::from(self.asides.is_some())]
    }

    /// Which branch a path is for, and what it is called there.
    fn of<'a>(&self, path: &'a str) -> (usize, &'a str) {
        let mut directories = self.asides.iter().flatten();
        if let Some(name) = directories.find_map(|directory| path.strip_prefix(directory.as_str())) {
            // With the slash before it.
            return (self.branches.len() - 1, &path[path.len() - name.len() - 1..]);
        }
        let found = self.patterns.iter().find(|(glob, _)| glob.covers(path));
        (found.map_or(0, |(_, at)| *at), path)
    }
}

/// A store that makes a commit in several repos out of one.
pub struct Routed {
    sink: Arc<dyn CommitSink>,
    routes: Routes,
    /// Repos that are not there are made.
    create_repos: bool,
}

impl Routed {
    /// # Errors
    /// `Refused` when the store has no transactions.
    pub fn new(sink: Arc<dyn CommitSink>, routes: Routes, create_repos: bool) -> Self {
        Self {
            sink,
            routes,
            create_repos,
        }
    }

    fn first(&self) -> &Branch {
        &self.routes.branches[0]
    }

    /// The branches that a commit of this description is on, the first one's first.
    fn branches_of(&self, description: &str) -> &[Branch] {
        let has_asides = Mark::in_description(description).is_some_and(|mark| mark.has_asides);
        let count = self.routes.also().len() + 1;
        if has_asides {
            &self.routes.branches
        } else {
            &self.routes.branches[..count]
        }
    }

    /// The commits of the same id, the first branch's first. One for what cannot be taken may be missing.
    fn all_of(&self, commit: &Commit) -> Vec<Commit> {
        on_branches(commit, &self.routes.branches)
    }

    /// Has one transaction do something, whole or not at all.
    ///
    /// A call in it that somebody in between repeats is refused for what it did itself, though nothing is carried out
    /// yet: only what is refused in a new transaction as well is meant.
    fn together<T>(&self, what: impl Fn(&dyn RoutingSink, &TransactionId) -> Result<T, Fault>) -> Result<T, Fault> {
        match self.try_together(&what) {
            Err(fault) if matches!(fault.kind, FaultKind::AlreadyFinished | FaultKind::HeadOpen) => {
                self.try_together(&what)
            }
            done => done,
        }
    }

    fn try_together<T>(
        &self,
        what: &impl Fn(&dyn RoutingSink, &TransactionId) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let sink = self.sink.routing()?;
        let transaction = sink.start_transaction().map_err(nothing_done)?;
        let done = what(sink, &transaction).map_err(nothing_done);
        let done = done.and_then(|done| match sink.finish_transaction(&transaction) {
            // A proxy has repeated the call, or pachd its own database transaction: it may be carried out already.
            // (What is in it may have gone as well; the next look tells.)
            Err(fault) if fault.kind == FaultKind::NotFound => Err(Fault {
                kind: FaultKind::Unknown,
                ..fault
            }),
            finished => finished.map(|()| done),
        });
        let may_be_carried_out = |fault: &Fault| matches!(fault.kind, FaultKind::Unknown | FaultKind::Unrecognised);
        if done.as_ref().is_err_and(|fault| !may_be_carried_out(fault)) {
            // One that stays does nothing: nobody finishes it.
            let _ = sink.delete_transaction(&transaction);
        }
        done
    }

    /// Whom the open head is of that keeps all of them from being started, where it is not the first branch's.
    fn name_the_open(&self, fault: Fault) -> Fault {
        let open_head = |branch: &Branch| -> Result<Option<CommitId>, Fault> {
            let mut open = None;
            self.sink.list_commits(branch, &mut |info| {
                open = info.is_open().then_some(info.commit.id);
                ControlFlow::Break(())
            })?;
            Ok(open)
        };
        if !matches!(open_head(self.first()), Ok(None)) {
            return fault;
        }
        for branch in self.routes.others() {
            match open_head(branch) {
                Ok(Some(id)) => {
                    let text = format!("{branch} has an open commit, {id}, which somebody else has to finish or drop");
                    return Fault::new(FaultKind::Unavailable, text);
                }
                Ok(None) => {}
                Err(fault) => return fault,
            }
        }
        fault
    }

    /// Whether the other repos are as they should be: what a look at the first one finds out before anything is sent.
    fn check_others(&self) -> Result<(), Fault> {
        self.sink.routing()?;
        for branch in self.routes.others() {
            if self.sink.repo_exists(&branch.repo)? {
                let is_output = self
                    .sink
                    .inspect_branch(branch)?
                    .is_some_and(|info| info.has_provenance);
                if is_output {
                    let text = format!("{branch} is a pipeline's output, which nobody else may write");
                    return Err(Fault::new(FaultKind::Refused, text));
                }
            } else if self.create_repos {
                self.make(&branch.repo)?;
            } else {
                let text = format!("repo {} of --route does not exist", branch.repo);
                return Err(Fault::new(FaultKind::Refused, text));
            }
        }
        Ok(())
    }

    fn make(&self, repo: &Repo) -> Result<(), Fault> {
        match self.sink.create_repo(repo) {
            Err(fault) if fault.kind == FaultKind::AlreadyExists => Ok(()),
            made => made,
        }
    }
}

fn on_branches(commit: &Commit, branches: &[Branch]) -> Vec<Commit> {
    let of = |branch: &Branch| Commit {
        repo: branch.repo.clone(),
        branch: branch.name.clone(),
        id: commit.id.clone(),
    };
    branches.iter().map(of).collect()
}

/// The first branch's commit with what is wrong with the others' of its id.
fn with_errors_of_others(mut info: CommitInfo, others: &[CommitInfo]) -> CommitInfo {
    let failed: Vec<String> = std::iter::once(&info)
        .chain(others)
        .filter(|info| !info.error.is_empty())
        .map(|info| format!("{}: {}", info.commit, info.error))
        .collect();
    if failed.is_empty() {
        return info;
    }
    let good: Vec<String> = std::iter::once(&info)
        .chain(others)
        .filter(|info| info.is_good())
        .map(|info| info.commit.to_string())
        .collect();
    info.error = failed.join("; ");
    if !good.is_empty() {
        info.error.push_str("; what is in ");
        info.error.push_str(&good.join(" and "));
        info.error.push_str(" is seen already");
    }
    info
}

/// Before its transaction is finished, nothing is carried out.
fn nothing_done(fault: Fault) -> Fault {
    match fault.kind {
        FaultKind::Unknown => Fault {
            kind: FaultKind::Unavailable,
            ..fault
        },
        _ => fault,
    }
}

impl CommitHistory for Routed {
    fn repo_exists(&self, repo: &Repo) -> Result<bool, Fault> {
        let exists = self.sink.repo_exists(repo)?;
        if exists && *repo == self.first().repo {
            self.check_others()?;
        }
        Ok(exists)
    }

    fn inspect_branch(&self, branch: &Branch) -> Result<Option<BranchInfo>, Fault> {
        self.sink.inspect_branch(branch)
    }

    fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault> {
        self.sink.inspect_commit(commit)
    }

    fn find_commit(&self, repo: &Repo, id: &CommitId) -> Result<CommitInfo, Fault> {
        self.sink.find_commit(repo, id)
    }

    /// A commit of ours is only good when those of its id are: an archive that failed in one repo is not there.
    fn list_commits(&self, branch: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        let mut broken = None;
        self.sink.list_commits(branch, &mut |info| {
            if Mark::of(&info).is_none() || !info.is_good() {
                return visit(info);
            }
            let mut others = Vec::new();
            for commit in self.all_of(&info.commit).iter().skip(1) {
                match self.sink.inspect_commit(commit) {
                    Ok(other) => others.push(other),
                    // Of an archive that was not routed there.
                    Err(fault) if fault.kind == FaultKind::NotFound => {}
                    Err(fault) => {
                        broken = Some(fault);
                        return ControlFlow::Break(());
                    }
                }
            }
            let mut whole = with_errors_of_others(info, &others);
            if others.iter().any(|other| other.finished.is_none()) {
                // How it ends is not known before all have.
                whole.finished = None;
            }
            visit(whole)
        })?;
        broken.map_or(Ok(()), Err)
    }
}

impl CommitSink for Routed {
    fn create_repo(&self, repo: &Repo) -> Result<(), Fault> {
        let made = self.sink.create_repo(repo);
        if *repo == self.first().repo {
            self.check_others()?;
        }
        made
    }

    fn project_exists(&self, project: &ProjectName) -> Result<bool, Fault> {
        self.sink.project_exists(project)
    }

    fn pipeline_kind(&self, repo: &Repo) -> Result<Option<PipelineKind>, Fault> {
        self.sink.pipeline_kind(repo)
    }

    fn cluster(&self) -> Result<Option<String>, Fault> {
        self.sink.cluster()
    }

    fn missing_permissions(&self, repo: &Repo) -> Result<Vec<String>, Fault> {
        for branch in self.routes.others() {
            let missing = self.sink.missing_permissions(&branch.repo)?;
            if !missing.is_empty() {
                let text = format!("{} is missing on repo {} of --route", missing.join(", "), branch.repo);
                return Err(Fault::new(FaultKind::Denied, text));
            }
        }
        self.sink.missing_permissions(repo)
    }

    fn has_file_sets(&self) -> Result<bool, Fault> {
        self.sink.has_file_sets()
    }

    fn check_paths(&self, branch: &Branch, paths: &[&str], deletions: &[&str], overwrites: bool) -> Result<(), Fault> {
        self.sink.check_paths(branch, paths, deletions, overwrites)
    }

    /// The id is those of all branches, with nothing for one that gets no change.
    fn create_file_set(&self, changes: &mut dyn Changes) -> Result<FileSetId, Fault> {
        let ids = std::thread::scope(|scope| {
            let mut lanes = Lanes::new(scope, self.sink.as_ref(), self.routes.branches.len());
            let end = self.split(changes, &mut lanes);
            lanes.end(end)
        })?;
        Ok(joined(&ids))
    }

    fn renew_file_set(&self, file_set: &FileSetId, ttl: Duration) -> Result<(), Fault> {
        let mut ids = parts(file_set).into_iter().flatten();
        ids.try_for_each(|id| self.sink.renew_file_set(&id, ttl))
    }

    fn compose_file_set(&self, file_sets: &[FileSetId], ttl: Duration) -> Result<FileSetId, Fault> {
        let all: Vec<Vec<Option<FileSetId>>> = file_sets.iter().map(parts).collect();
        let composed = (0..self.routes.branches.len()).map(|at| {
            let of_branch: Vec<FileSetId> = all.iter().filter_map(|ids| ids.get(at)?.clone()).collect();
            if of_branch.is_empty() {
                Ok(None)
            } else {
                self.sink.compose_file_set(&of_branch, ttl).map(Some)
            }
        });
        Ok(joined(&composed.collect::<Result<Vec<_>, Fault>>()?))
    }

    fn start_commit(&self, _: &Branch, description: &str) -> Result<CommitId, Fault> {
        let started = self.together(|sink, transaction| {
            let mut ids = Vec::new();
            for branch in self.branches_of(description) {
                ids.push(sink.start_commit_in(transaction, branch, description)?);
            }
            Ok(ids)
        });
        let ids = started.map_err(|fault| match fault.kind {
            FaultKind::HeadOpen => self.name_the_open(fault),
            _ => fault,
        })?;
        match ids.as_slice() {
            [first, others @ ..] if others.iter().all(|other| other == first) => Ok(first.clone()),
            // They are there, and found by their marks.
            _ => Err(Fault::new(
                FaultKind::Unknown,
                "the commits of one transaction have several ids",
            )),
        }
    }

    fn add_file_set(&self, commit: &Commit, file_set: &FileSetId) -> Result<(), Fault> {
        let of_branches = self.all_of(commit).into_iter().zip(parts(file_set));
        for (commit, id) in of_branches {
            if let Some(id) = id {
                self.sink.add_file_set(&commit, &id)?;
            }
        }
        Ok(())
    }

    fn finish_commit(&self, commit: &Commit, description: &str, error: Option<&str>) -> Result<(), Fault> {
        self.together(|sink, transaction| {
            let mut commits = on_branches(commit, self.branches_of(description)).into_iter();
            commits.try_for_each(|commit| sink.finish_commit_in(transaction, &commit, description, error))
        })
    }

    fn wait_commit(&self, commit: &Commit, timeout: Duration) -> Result<CommitInfo, Fault> {
        let first = self.sink.wait_commit(commit, timeout)?;
        let commits = on_branches(commit, self.branches_of(&first.description));
        let waited = commits
            .iter()
            .skip(1)
            .map(|commit| self.sink.wait_commit(commit, timeout));
        let waited: Vec<CommitInfo> = waited.collect::<Result<_, Fault>>()?;
        Ok(with_errors_of_others(first, &waited))
    }

    fn drop_commit(&self, commit: &Commit) -> Result<(), Fault> {
        self.sink.drop_commit(commit)
    }
}

impl Routed {
    /// Sends each change where it goes. `Ok(false)` when somebody takes no more.
    fn split(&self, changes: &mut dyn Changes, lanes: &mut Lanes<'_, '_>) -> io::Result<bool> {
        while let Some(change) = changes.next()? {
            let (at, change) = match change {
                Change::Delete { path } => {
                    let (at, path) = self.routes.of(path);
                    (at, Owned::Delete(path.to_owned()))
                }
                Change::Append { path, data } => {
                    let (at, path) = self.routes.of(path);
                    (at, Owned::Append(path.to_owned(), data))
                }
            };
            if !lanes.send(at, change) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

const BETWEEN: char = ',';

fn joined(ids: &[Option<FileSetId>]) -> FileSetId {
    let ids: Vec<&str> = ids
        .iter()
        .map(|id| id.as_ref().map_or("", |id| id.0.as_str()))
        .collect();
    FileSetId(ids.join(&BETWEEN.to_string()))
}

fn parts(id: &FileSetId) -> Vec<Option<FileSetId>> {
    let part = |text: &str| Some(FileSetId(text.to_owned())).filter(|id| !id.0.is_empty());
    id.0.split(BETWEEN).map(part).collect()
}

/// A change that is handed to another thread.
enum Owned {
    Delete(String),
    Append(String, bytes::Bytes),
    /// There are no more. Without this the upload is broken off.
    End,
}

/// The uploads of one archive, each on a thread of its own, which is there once there is something for it.
struct Lanes<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    sink: &'env dyn CommitSink,
    of_branches: Vec<Option<Lane<'scope>>>,
}

struct Lane<'scope> {
    changes: SyncSender<Owned>,
    upload: ScopedJoinHandle<'scope, Result<FileSetId, Fault>>,
}

impl<'scope, 'env> Lanes<'scope, 'env> {
    fn new(scope: &'scope Scope<'scope, 'env>, sink: &'env dyn CommitSink, count: usize) -> Self {
        Self {
            scope,
            sink,
            of_branches: (0..count).map(|_| None).collect(),
        }
    }

    /// Whether it was taken.
    fn send(&mut self, at: usize, change: Owned) -> bool {
        let (scope, sink) = (self.scope, self.sink);
        let Some(lane) = self.of_branches.get_mut(at) else {
            return false;
        };
        let lane = lane.get_or_insert_with(|| {
            let (changes, coming) = sync_channel(0);
            let upload = scope.spawn(move || sink.create_file_set(&mut Coming::new(coming)));
            Lane { changes, upload }
        });
        lane.changes.send(change).is_ok()
    }

    /// Ends all uploads well, or breaks all of them off: one alone is of no use.
    fn end(self, end: io::Result<bool>) -> Result<Vec<Option<FileSetId>>, Fault> {
        let is_whole = matches!(end, Ok(true));
        let lanes = self.of_branches;
        if is_whole {
            for lane in lanes.iter().flatten() {
                // One that takes no more says why below.
                let _ = lane.changes.send(Owned::End);
            }
        }
        let ended = lanes.into_iter().map(|lane| {
            let Some(Lane { changes, upload }) = lane else {
                return Ok(None);
            };
            drop(changes);
            match upload.join() {
                Ok(ended) => ended.map(Some),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        let ended: Vec<Result<Option<FileSetId>, Fault>> = ended.collect();
        // What broke the others off is what counts.
        let telling = ended.iter().filter_map(|ended| ended.as_ref().err());
        let telling = telling.min_by_key(|fault| fault.kind == FaultKind::Local);
        match (end, telling) {
            (Err(error), _) => Err(Fault::new(FaultKind::Local, error.to_string())),
            (Ok(_), Some(fault)) => Err(fault.clone()),
            (Ok(_), None) => ended.into_iter().collect(),
        }
    }
}

/// The changes of one branch.
struct Coming {
    changes: Receiver<Owned>,
    /// The one that was shown last.
    shown: Owned,
}

impl Coming {
    fn new(changes: Receiver<Owned>) -> Self {
        Self {
            changes,
            shown: Owned::End,
        }
    }
}

impl Changes for Coming {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        let broken_off = |_| io::Error::other("the upload into another repo was broken off");
        self.shown = self.changes.recv().map_err(broken_off)?;
        Ok(match &self.shown {
            Owned::Delete(path) => Some(Change::Delete { path }),
            Owned::Append(path, data) => Some(Change::append(path, data.clone())),
            Owned::End => None,
        })
    }
}

//! Why the store does not do what a call asks, in pachd's words: the one place where those texts stand.
//!
//! A refusal is an answer and changes nothing. What can be wrong with the disk is a [`super::StoreError`].

pub(crate) mod v1;
mod words;

use std::fmt;

use super::dialect::Dialect;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Repo};

/// A commit, as an error text names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitName {
    pub repo: Repo,
    /// Empty where nobody has said it.
    pub branch: String,
    /// Empty where it was asked for by its branch.
    pub id: String,
}

impl CommitName {
    fn in_words_of(&self, dialect: Dialect) -> String {
        let Self { repo, branch, id } = self;
        if dialect.commits_are_of_branches() {
            format!("{}@{branch}={id}", dialect.repo(repo))
        } else {
            format!("{}@{id}", dialect.repo(repo))
        }
    }
}

impl fmt::Display for CommitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repo, self.id)
    }
}

/// The store's "no". `Display` is the text of pachd 2.12, the recordings stand beside each; [`Refusal::words`] has
/// those of the others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `call` as pachd names the step, and what was refused in it.
    #[error("{step}: {refusal}")]
    Within { step: String, refusal: Box<Refusal> },

    /// http 009.
    #[error("name ({0}) invalid: only alphanumeric characters, underscores, and dashes are allowed")]
    InvalidName(String),
    #[error("cannot find project {0:?}: get project by name: project {0:?} not found")]
    ProjectNotFound(String),
    /// `DeleteProject`.
    #[error("project {0:?} not found")]
    NoProjectToDelete(String),
    #[error("project {0:?} already exists\nproject {0} already exists")]
    ProjectExists(String),
    /// http 011, 027.
    #[error("repo {0} not found")]
    RepoNotFound(Repo),
    /// http 008.
    #[error("repo {0} already exists")]
    RepoExists(Repo),

    /// Where a commit was asked for by its branch (p 098).
    #[error("branch {branch:?} not found in repo {repo}")]
    BranchNotFound { repo: Repo, branch: String },
    /// Where the branch itself was asked for (http 079).
    #[error("{before}branch (id=0, branch={branch}) not found\nbranch {name:?} not found in repo {repo}",
        before = missing_repo(branch, *.has_repo), name = .branch.name.as_str(), repo = .branch.repo)]
    BranchRowNotFound { branch: Branch, has_repo: bool },
    /// `DeleteBranch`.
    #[error("get branch \"{repo}.user@{name}\": branch (id=0, branch={0}) not found", repo = .0.repo, name = .0.name)]
    NoBranchToDelete(Branch),

    /// p 018, 098, 099
    #[error("pick commit tx: commit {asked} not found\n{because}")]
    CommitNotPicked { asked: CommitName, because: Box<Refusal> },
    #[error("commit {0} not found")]
    CommitNotFound(CommitName),
    /// Named as an ancestor, such as `ID~2`, of a commit with fewer.
    #[error(
        "pick commit tx: picking commit: invalid offset for ancestor of commit: {repo}.user@{id}, offset requested: \
         {wanted}, offset traversable: {ancestors}"
    )]
    TooFewAncestors {
        repo: Repo,
        id: String,
        wanted: u32,
        ancestors: u32,
    },
    #[error("pick commit tx: cannot pick commit with no ID or branch")]
    NothingToPick,
    #[error("no commits found for commitset {0}")]
    CommitSetNotFound(String),
    /// Somebody dropped it while the call waited for it.
    #[error("inspect finishing or finished commit: commit {0} was deleted")]
    CommitDeleted(CommitName),

    /// Only 1.x has such branches (grpc-1.13 059).
    #[error("the branch {0:?} has no head (create one with 'start commit')")]
    NoHead(String),

    /// http 047.
    #[error("create commit: parent commit {0} has not been finished")]
    HeadOpen(CommitName),
    /// No words of pachd's: it takes it, and cannot delete the commit's repo after that.
    #[error("commit {commit} is of another repo than branch {branch}")]
    OfAnotherRepo { commit: CommitName, branch: Branch },
    /// p 054.
    #[error(
        "create commit: commit {repo}.user@{id} already exists\ninconsistent dependencies: cannot create commit from \
         {repo}@{id}; repo ({name}) already has a commit in this transaction", name = .repo.name
    )]
    OneCommitARepo { repo: Repo, id: String },
    /// http 053, 055.
    #[error("commit {0} has already finished")]
    AlreadyFinished(CommitName),
    /// http 054.
    #[error("cannot clear finished commit")]
    ClearFinished,
    #[error("cannot drop a commit that has children: {0}")]
    DropWithChildren(CommitName),
    #[error(
        "cannot squash a commit that has no children as that would cause data loss, use the drop operation instead: {0}"
    )]
    SquashWithoutChildren(CommitName),
    #[error("cannot squash until child commit {child} is finished{hint}",
        hint = if *.finishing { ", consider using WaitCommit" } else { "" })]
    ChildNotFinished { child: CommitName, finishing: bool },
    /// Where a commit is finished at once (grpc-1.13 035, 097, 199). `is_over_directory`: one was there before;
    /// otherwise a file, and something is to be below it.
    #[error("failed to get tree for open commit: {}", collision(file, *.is_over_directory))]
    FileAndDirectory { file: String, is_over_directory: bool },
    /// What this commit goes on from is not settled, so its content is not known yet.
    #[error("base commit {0} not finished")]
    BaseNotFinished(CommitName),

    /// http 105, 106.
    #[error("cannot start a commit on an output branch: {0}")]
    OutputBranch(Branch),
    /// http 092.
    #[error("pipeline \"{0}\" already exists")]
    PipelineExists(Repo),
    /// The constraint and the state were seen; the rest is how `PostgreSQL` says it.
    #[error(
        "add commit provenance: ERROR: insert or update on table \"commit_provenance\" violates foreign key constraint \
         \"fk_to_commit\" (SQLSTATE 23503)"
    )]
    ReadDownstream,
    #[error("job {pipeline}@{id} not found")]
    JobNotFound { pipeline: Repo, id: String },
    /// `CreateSecret`, in Kubernetes' words.
    #[error("secrets {0:?} already exists")]
    SecretExists(String),
    #[error("secrets {0:?} not found")]
    SecretNotFound(String),
    #[error("add_key target key {0:?} already exists; use edit_key instead")]
    MetadataKeyExists(String),
    /// Repos that are in a project which is to be deleted.
    #[error("cannot delete project {project}: {}", repos.join("\n"))]
    ProjectNotEmpty { project: String, repos: Vec<String> },
    /// grpc-2.0 387
    #[error("repo {}.meta not found", .0.name)]
    NoMetaRepo(Repo),
    #[error("pipeline \"{}\" cannot be created because a repo with the same name already exists", .0.name)]
    NoRepoForPipeline(Repo),
    /// http 103.
    #[error(
        "pipeline was not inspected: couldn't find up to date spec for pipeline \"{0}\": pick commit tx: commit \
         {0}.spec@ not found\nrepo {0}.spec not found\npipeline \"{0}\" not found"
    )]
    PipelineNotFound(Repo),
    #[error(
        "delete repo: error checking whether repo \"{0}\" can be deleted: cannot delete a repo associated with a \
         pipeline - delete the pipeline instead"
    )]
    RepoOfPipeline(Repo),
    /// A branch that is deleted, and what the pipelines write that read it.
    #[error(
        "branch \"{branch}\" cannot be deleted because it's in the direct provenance of [{}]",
        outputs(readers)
    )]
    BranchRead { branch: Branch, readers: Vec<Branch> },

    /// `AddFileSet` (http 064).
    #[error("add file set: path does not exist")]
    FileSetToAddGone,
    /// `RenewFileSet` (gateway 003).
    #[error("tracker does not contain item: (fileset/{0})")]
    FileSetToRenewGone(String),
    /// `ComposeFileSet` (gateway 004).
    #[error("the operation would create a dangling reference")]
    FileSetToComposeGone,
    /// In nanoseconds.
    #[error("ttl ({0}) must be at least one second")]
    TtlTooShort(i128),
    /// p 096, in nanoseconds.
    #[error("ttl ({wanted}) exceeds max ttl ({max})")]
    TtlTooLong { wanted: u128, max: u128 },
    /// p 025, 026, 032.
    #[error("transactions {0} not found")]
    TransactionNotFound(String),

    /// http 028–042.
    #[error("path ({path}) invalid: {what}")]
    InvalidPath { path: String, what: String },
    /// http 087, follow 017, with what is known besides.
    #[error("file {path} not found in repo {repo} at commit {id}{but}")]
    FileNotFound {
        path: String,
        repo: String,
        id: String,
        but: &'static str,
    },

    /// No words of pachd's: it would answer with data here, and so does `view`; the ports do not.
    #[error("commit {commit} {what}, so it has no content{more}")]
    NoContent {
        commit: String,
        what: &'static str,
        more: String,
    },
    #[error("commit {commit} was {what} while it was read")]
    ChangedWhileRead { commit: String, what: &'static str },
}

fn collision(file: &str, is_over_directory: bool) -> String {
    if is_over_directory {
        format!("could not put file at {file:?}; a file of type directory is already there")
    } else {
        format!("attempted to visit {file:?}, but it's not a directory")
    }
}

fn missing_branch(dialect: Dialect, repo: &Repo, branch: &str) -> String {
    format!("branch {branch:?} not found in repo {}", dialect.repo(repo))
}

/// Before 2.12 the step is not said, and of a branch the row that is missing since 2.8 (105, 106).
fn not_picked(dialect: Dialect, asked: &CommitName, because: &Refusal) -> String {
    match because {
        _ if !asked.id.is_empty() => format!("commit {} not found", asked.in_words_of(dialect)),
        Refusal::BranchNotFound { repo, branch } if dialect.minds_missing_branches() => {
            format!("branch (id=0, branch={repo}@{branch}) not found\n{because}")
        }
        _ => missing_branch(dialect, &asked.repo, &asked.branch),
    }
}

fn one_commit_a_repo(dialect: Dialect, repo: &Repo, id: &str) -> String {
    let inconsistent = format!(
        "inconsistent dependencies: cannot create commit from {repo}@{id}; repo ({}) already has a commit in this \
         transaction",
        repo.name
    );
    if dialect.minds_missing_branches() {
        format!("commit {repo}.user@{id} already exists\n{inconsistent}")
    } else {
        inconsistent
    }
}

/// 111
fn no_pipeline(dialect: Dialect, name: &Repo) -> String {
    let name = dialect.repo(name);
    let step = "pipeline was not inspected";
    let step = if dialect.says(step) {
        format!("{step}: ")
    } else {
        String::new()
    };
    let branch = format!("branch \"master\" not found in repo {name}.spec");
    let rest = match name.split_once('/') {
        Some((project, pipeline)) if dialect.minds_missing_branches() => format!(
            "repo (id=0, project={project}, name={pipeline}, type=spec) not found\nbranch (id=0, \
             branch={name}.spec@master) not found\n{branch}\npipeline \"{name}\" not found"
        ),
        _ => branch,
    };
    format!("{step}couldn't find up to date spec for pipeline \"{name}\": {rest}")
}

fn missing_repo(branch: &Branch, has_repo: bool) -> String {
    if has_repo {
        return String::new();
    }
    let Repo { project, name } = &branch.repo;
    format!("repo (id=0, project={project}, name={name}, type=user) not found\n")
}

/// What the jobs of these pipelines write: each output branch, and beside it the one of what was done.
fn outputs(readers: &[Branch]) -> String {
    let both = readers.iter().map(|to| format!("{to} {}.meta@{}", to.repo, to.name));
    both.collect::<Vec<_>>().join(" ")
}

impl Refusal {
    /// As a fault, in the words of a dialect.
    pub fn fault(&self, dialect: Dialect) -> Fault {
        let kind = match self.kind() {
            FaultKind::AlreadyExists if self.is_only_inconsistent(dialect) => FaultKind::Refused,
            kind => kind,
        };
        Fault::new(kind, self.words(dialect))
    }

    /// Two commits of a repo in one transaction: since 2.8 the database has a code for it (228).
    fn is_only_inconsistent(&self, dialect: Dialect) -> bool {
        match self {
            Self::Within { refusal, .. } => refusal.is_only_inconsistent(dialect),
            Self::OneCommitARepo { .. } => !dialect.minds_missing_branches(),
            _ => false,
        }
    }

    /// With pachd's name of the step in which it was refused before it.
    #[must_use]
    pub fn within(self, step: impl Into<String>) -> Self {
        Self::Within {
            step: step.into(),
            refusal: Box::new(self),
        }
    }

    /// What the refusal means for the caller.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Within { refusal, .. } => refusal.kind(),
            Self::ProjectNotFound(_)
            | Self::NoProjectToDelete(_)
            | Self::RepoNotFound(_)
            | Self::BranchNotFound { .. }
            | Self::BranchRowNotFound { .. }
            | Self::NoBranchToDelete(_)
            | Self::CommitNotPicked { .. }
            | Self::CommitNotFound(_)
            | Self::CommitSetNotFound(_)
            | Self::CommitDeleted(_)
            | Self::NoHead(_)
            | Self::TransactionNotFound(_)
            | Self::PipelineNotFound(_)
            | Self::JobNotFound { .. }
            | Self::FileNotFound { .. }
            | Self::NoContent { .. }
            | Self::ChangedWhileRead { .. } => FaultKind::NotFound,
            Self::ProjectExists(_) | Self::RepoExists(_) | Self::PipelineExists(_) | Self::OneCommitARepo { .. } => {
                FaultKind::AlreadyExists
            }
            Self::OutputBranch(_) => FaultKind::OutputBranch,
            Self::HeadOpen(_) => FaultKind::HeadOpen,
            Self::AlreadyFinished(_) => FaultKind::AlreadyFinished,
            Self::FileSetToAddGone | Self::FileSetToRenewGone(_) | Self::FileSetToComposeGone => FaultKind::FileSetGone,
            Self::InvalidName(_)
            | Self::NothingToPick
            | Self::NoRepoForPipeline(_)
            | Self::NoMetaRepo(_)
            | Self::ReadDownstream
            | Self::SecretExists(_)
            | Self::SecretNotFound(_)
            | Self::OfAnotherRepo { .. }
            | Self::MetadataKeyExists(_)
            | Self::ProjectNotEmpty { .. }
            | Self::RepoOfPipeline(_)
            | Self::BranchRead { .. }
            | Self::TooFewAncestors { .. }
            | Self::ClearFinished
            | Self::DropWithChildren(_)
            | Self::SquashWithoutChildren(_)
            | Self::ChildNotFinished { .. }
            | Self::BaseNotFinished(_)
            | Self::FileAndDirectory { .. }
            | Self::TtlTooShort(_)
            | Self::TtlTooLong { .. }
            | Self::InvalidPath { .. } => FaultKind::Refused,
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Fault::new(refusal.kind(), refusal.to_string())
    }
}

//! Why the store does not do what a call asks, in pachd's words: the one place where those texts stand.
//!
//! A refusal is an answer and changes nothing. What can be wrong with the disk is a [`super::StoreError`].

use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Repo};

/// The store's "no". `Display` is pachd's text; the recordings stand beside each.
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
    #[error("project {0:?} already exists\nproject {0} already exists")]
    ProjectExists(String),
    /// http 011, 027.
    #[error("repo {0} not found")]
    RepoNotFound(String),
    /// http 008.
    #[error("repo {0} already exists")]
    RepoExists(Repo),

    /// Where a commit was asked for by its branch (p 098).
    #[error("branch {branch:?} not found in repo {repo}")]
    BranchNotFound { repo: String, branch: String },
    /// Where the branch itself was asked for (http 079).
    #[error("{before}branch (id=0, branch={branch}) not found\nbranch {name:?} not found in repo {repo}",
        before = missing_repo(branch, *.has_repo), name = .branch.name.as_str(), repo = .branch.repo)]
    BranchRowNotFound { branch: Branch, has_repo: bool },
    /// `DeleteBranch`.
    #[error("get branch \"{repo}.user@{name}\": branch (id=0, branch={0}) not found", repo = .0.repo, name = .0.name)]
    NoBranchToDelete(Branch),

    /// p 018, 098, 099; `id` is what the call named, or nothing when it named a branch.
    #[error("pick commit tx: commit {repo}@{id} not found\n{because}")]
    CommitNotPicked {
        repo: String,
        id: String,
        because: Box<Refusal>,
    },
    #[error("commit {repo}@{id} not found")]
    CommitNotFound { repo: String, id: String },
    /// Named as an ancestor, such as `ID~2`, of a commit with fewer.
    #[error(
        "pick commit tx: picking commit: invalid offset for ancestor of commit: {repo}.user@{id}, offset requested: \
         {wanted}, offset traversable: {ancestors}"
    )]
    TooFewAncestors {
        repo: String,
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
    CommitDeleted(String),

    /// http 047.
    #[error("create commit: parent commit {0} has not been finished")]
    HeadOpen(String),
    /// p 054.
    #[error(
        "create commit: commit {repo}.user@{id} already exists\ninconsistent dependencies: cannot create commit from \
         {repo}@{id}; repo ({name}) already has a commit in this transaction", name = .repo.name
    )]
    OneCommitARepo { repo: Repo, id: String },
    /// http 053, 055.
    #[error("commit {0} has already finished")]
    AlreadyFinished(String),
    /// http 054.
    #[error("cannot clear finished commit")]
    ClearFinished,
    #[error("cannot drop a commit that has children: {0}")]
    DropWithChildren(String),
    #[error(
        "cannot squash a commit that has no children as that would cause data loss, use the drop operation instead: {0}"
    )]
    SquashWithoutChildren(String),
    #[error("cannot squash until child commit {child} is finished{hint}",
        hint = if *.finishing { ", consider using WaitCommit" } else { "" })]
    ChildNotFinished { child: String, finishing: bool },
    /// What this commit goes on from is not settled, so its content is not known yet.
    #[error("base commit {0} not finished")]
    BaseNotFinished(String),

    /// http 105, 106.
    #[error("cannot start a commit on an output branch: {0}")]
    OutputBranch(Branch),
    /// http 092.
    #[error("pipeline \"{0}\" already exists")]
    PipelineExists(Repo),
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

fn missing_repo(branch: &Branch, has_repo: bool) -> String {
    if has_repo {
        return String::new();
    }
    let Repo { project, name } = &branch.repo;
    format!("repo (id=0, project={project}, name={name}, type=user) not found\n")
}

impl Refusal {
    /// With pachd's name of the step in which it was refused before it.
    #[must_use]
    pub fn within(self, step: impl Into<String>) -> Self {
        Self::Within {
            step: step.into(),
            refusal: Box::new(self),
        }
    }

    /// What the refusal means for the caller.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Within { refusal, .. } => refusal.kind(),
            Self::ProjectNotFound(_)
            | Self::RepoNotFound(_)
            | Self::BranchNotFound { .. }
            | Self::BranchRowNotFound { .. }
            | Self::NoBranchToDelete(_)
            | Self::CommitNotPicked { .. }
            | Self::CommitNotFound { .. }
            | Self::CommitSetNotFound(_)
            | Self::CommitDeleted(_)
            | Self::TransactionNotFound(_)
            | Self::PipelineNotFound(_)
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
            | Self::RepoOfPipeline(_)
            | Self::TooFewAncestors { .. }
            | Self::ClearFinished
            | Self::DropWithChildren(_)
            | Self::SquashWithoutChildren(_)
            | Self::ChildNotFinished { .. }
            | Self::BaseNotFinished(_)
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

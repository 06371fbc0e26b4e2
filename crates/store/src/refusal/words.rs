//! The words of each dialect for a refusal.

use super::v1;
use super::{CommitName, Refusal, missing_branch, no_pipeline, not_picked, one_commit_a_repo};
use crate::dialect::Dialect;
use spoutctl_core::pfs::{Branch, Repo};

impl Refusal {
    /// What the pachd of a dialect says.
    pub fn words(&self, dialect: Dialect) -> String {
        if dialect == Dialect::default() {
            return self.to_string();
        }
        let repo = |name: &Repo| dialect.repo(name);
        let commit = |name: &CommitName| name.in_words_of(dialect);
        match self {
            Self::Within { step, refusal } if dialect.says(step) => format!("{step}: {}", refusal.words(dialect)),
            Self::Within { refusal, .. } => refusal.words(dialect),
            _ if dialect.is_1_x() => v1::words(self),
            Self::ProjectNotFound(_) if dialect.finds_projects_by_name() => self.to_string(),
            Self::ProjectNotFound(name) => format!("cannot find project {name:?}: project {name:?} not found"),
            Self::RepoNotFound(name) => format!("repo {} not found", repo(name)),
            Self::RepoExists(name) => format!("repo {} already exists", repo(name)),
            Self::BranchNotFound { repo: name, branch } => missing_branch(dialect, name, branch),
            Self::BranchRowNotFound { branch, .. } if !dialect.minds_missing_branches() => {
                missing_branch(dialect, &branch.repo, branch.name.as_str())
            }
            Self::CommitNotPicked { asked, because } => not_picked(dialect, asked, because),
            Self::CommitNotFound(name) => format!("commit {} not found", commit(name)),
            Self::HeadOpen(name) => format!("parent commit {} has not been finished", commit(name)),
            Self::OneCommitARepo { repo: name, id } => one_commit_a_repo(dialect, name, id),
            Self::AlreadyFinished(name) => format!("commit {} has already finished", commit(name)),
            Self::DropWithChildren(name) => format!("cannot drop a commit that has children: {}", commit(name)),
            Self::SquashWithoutChildren(name) => format!(
                "cannot squash a commit that has no children as that would cause data loss, use the drop operation \
                 instead: {}",
                commit(name)
            ),
            Self::ChildNotFinished { child, .. } => {
                format!("cannot squash until child commit {} is finished", commit(child))
            }
            Self::OutputBranch(branch) => {
                format!("cannot start a commit on an output branch: {}", dialect.branch(branch))
            }
            Self::BranchRead { branch, readers } if dialect.minds_subvenance() => read(dialect, branch, readers),
            Self::RepoOfPipeline(_) if !dialect.says_what_it_checks() => {
                "cannot delete a repo associated with a pipeline - delete the pipeline instead".to_owned()
            }
            Self::PipelineExists(name) => format!("pipeline \"{}\" already exists", repo(name)),
            Self::PipelineNotFound(name) => no_pipeline(dialect, name),
            Self::FileSetToAddGone => "path does not exist".to_owned(),
            _ => self.to_string(),
        }
    }
}

/// Seen on 2.0.8, 2.3.9 and 2.5.9.
fn read(dialect: Dialect, branch: &Branch, readers: &[Branch]) -> String {
    let outputs = readers.iter().map(|to| {
        let repo = dialect.repo(&to.repo);
        format!("{repo}.meta@{branch} {repo}@{branch}", branch = to.name)
    });
    let outputs = outputs.collect::<Vec<_>>().join(" ");
    format!(
        "branch {} has [{outputs}] as subvenance, deleting it would break those branches",
        branch.name
    )
}

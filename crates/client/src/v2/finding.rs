//! Which commit is meant, in the releases that know a commit by its branch and id together: 2.0 to 2.5.
//!
//! **An id alone** names nothing there. Its branch is found by calls that do no harm in any release: the repo's
//! branches, each asked for the id, and where none has it (its branch was deleted), the list of the repo's commits.
//!
//! **Aliases.** A branch that is moved gets a head of its own there, which stands for a commit of another branch: with
//! that one's id, or with the transaction's (recordings 2.3 172 to 178 and 186). Everybody else here sees what 2.6 and
//! later show: the head is that very commit. Lists leave aliases out by themselves, but name them as parents.
//!
//! Whether an answer comes from such a release is told by its commits: they have no repo of their own (recording 2.3
//! 015).

use super::messages::{self, may_be_alias};
use super::{PachdV2, unreadable};
use crate::pachd::{self, Commits, Model, Projects};
use crate::transport::Transport;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, BranchName, Commit, CommitId, CommitInfo, DEFAULT_PROJECT, Repo};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs;

/// Nobody moves a branch so often onto a branch that was moved.
const LONGEST: usize = 1000;

fn is_alias(info: &pfs::CommitInfo) -> bool {
    let kind = info.origin.map(|origin| origin.kind);
    kind == Some(pfs::OriginKind::Alias.into())
}

impl<T: Transport> PachdV2<T> {
    /// What its release means.
    fn model(&self) -> Result<Model, Fault> {
        if let Some(model) = self.model.get() {
            return Ok(*model);
        }
        let model = match self.release {
            Some(release) => Model::of(release),
            None => Model::by_calls(self.has_projects()?),
        };
        // Of two that ask at the same time both learn the same.
        Ok(*self.model.get_or_init(|| model))
    }

    fn has_projects(&self) -> Result<bool, Fault> {
        let request = pfs::InspectProjectRequest {
            project: Some(pfs::Project {
                name: DEFAULT_PROJECT.to_owned(),
            }),
        };
        match self.pachd()?.ask(pachd::INSPECT_PROJECT, request) {
            Ok(Empty {}) => Ok(true),
            Err(failed) if failed.no_such_call => Ok(false),
            Err(failed) if failed.fault.is_passing() => Err(failed.fault),
            Err(_) => Ok(true),
        }
    }

    /// Where there are no projects, pachd would take the repo of that name that is in none.
    pub(super) fn check_project(&self, repo: &Repo) -> Result<(), Fault> {
        if self.may_have(repo.project.as_str())? {
            return Ok(());
        }
        Err(pachd::no_projects(repo))
    }

    pub(super) fn may_have(&self, project: &str) -> Result<bool, Fault> {
        Ok(project == DEFAULT_PROJECT || self.model()?.projects == Projects::Known)
    }

    pub(super) fn inspect(&self, commit: pfs::Commit) -> Result<pfs::CommitInfo, Fault> {
        let request = pfs::InspectCommitRequest {
            commit: Some(commit),
            ..pfs::InspectCommitRequest::default()
        };
        Ok(self.pachd()?.ask(pachd::INSPECT_COMMIT, request)?)
    }

    /// `asked` is the commit that was asked for.
    pub(super) fn read_commit(&self, mut info: pfs::CommitInfo, asked: &Commit) -> Result<CommitInfo, Fault> {
        let parent = info.parent_commit.take();
        info.parent_commit = parent.map(|parent| self.behind_aliases(parent)).transpose()?;
        let branch = Branch {
            repo: asked.repo.clone(),
            name: asked.branch.clone(),
        };
        messages::commit_info(info, &branch).map_err(unreadable(pachd::INSPECT_COMMIT))
    }

    /// The commit that `commit` stands for, if it is an alias; else itself.
    pub(super) fn behind_aliases(&self, mut commit: pfs::Commit) -> Result<pfs::Commit, Fault> {
        for _ in 0..LONGEST {
            if !may_be_alias(&commit) {
                return Ok(commit);
            }
            let info = match self.inspect(commit.clone()) {
                Ok(info) => info,
                // It was dropped meanwhile: whoever asks for it finds that out.
                Err(fault) if fault.kind == FaultKind::NotFound => return Ok(commit),
                Err(fault) => return Err(fault),
            };
            match info.parent_commit.clone() {
                Some(parent) if is_alias(&info) => commit = parent,
                _ => return Ok(commit),
            }
        }
        let text = "a branch was moved onto itself";
        Err(pachd::unreadable(pachd::INSPECT_COMMIT, text))
    }

    pub(super) fn find(&self, repo: &Repo, id: &CommitId) -> Result<CommitInfo, Fault> {
        self.check_project(repo)?;
        let on = |branch: BranchName| Commit {
            repo: repo.clone(),
            branch,
            id: id.clone(),
        };
        let look = |commit: Commit| self.read_commit(self.inspect((&commit).into())?, &commit);
        if self.model()?.commits == Commits::ById {
            return look(on(BranchName::default()));
        }
        for branch in self.branches(repo)? {
            match look(on(branch)) {
                Err(fault) if fault.kind == FaultKind::NotFound => {}
                found => return found,
            }
        }
        let found = self.branch_in_list(repo, id)?;
        let found = found.ok_or_else(|| {
            let text = format!("{}: commit {repo}@{id} not found", pachd::INSPECT_COMMIT.name);
            Fault::new(FaultKind::NotFound, text)
        })?;
        look(on(found))
    }

    /// The names of the repo's branches, those that were made last first.
    fn branches(&self, repo: &Repo) -> Result<Vec<BranchName>, Fault> {
        let call = pachd::LIST_BRANCH;
        let request = pfs::ListBranchRequest {
            repo: Some(repo.into()),
            reverse: false,
        };
        let mut infos = self.pachd()?.open::<_, pfs::BranchInfo>(call, request)?;
        let mut names = Vec::new();
        while let Some(info) = infos.next()? {
            let name = info.branch.map(|branch| branch.name).unwrap_or_default();
            names.push(BranchName::new(&name).map_err(|why| pachd::unreadable(call, why.to_string()))?);
        }
        Ok(names)
    }

    /// The branch of a commit that none of the repo's branches has.
    fn branch_in_list(&self, repo: &Repo, id: &CommitId) -> Result<Option<BranchName>, Fault> {
        let call = pachd::LIST_COMMIT;
        let request = pfs::ListCommitRequest {
            repo: Some(repo.into()),
            ..pfs::ListCommitRequest::default()
        };
        let mut infos = self.pachd()?.open::<_, pfs::CommitInfo>(call, request)?;
        while let Some(info) = infos.next()? {
            let commit = info.commit.unwrap_or_default();
            if commit.id == id.as_str() {
                let name = commit.branch.map(|branch| branch.name).unwrap_or_default();
                return Ok(BranchName::new(&name).ok());
            }
        }
        Ok(None)
    }
}

//! What `squash` asks of 2.x: the commits of an id, in repos of every type, and their end.

use super::messages;
use super::{PachdV2, Unreadable, unreadable};
use crate::pachd;
use crate::transport::Transport;
use spoutctl_core::commit_set::{Member, RepoType, SquashingSink, TypedCommit, TypedRepo};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{BranchName, Commit, CommitId, DEFAULT_PROJECT, Origin, ProjectName, Repo, RepoName};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs;

impl<T: Transport> SquashingSink for PachdV2<T> {
    fn list_heads(&self, repo: &TypedRepo) -> Result<Vec<(BranchName, Option<CommitId>)>, Fault> {
        let call = pachd::LIST_BRANCH;
        let request = pfs::ListBranchRequest {
            repo: Some(repo_message(repo)),
            reverse: false,
        };
        let mut infos = self.pachd()?.open::<_, pfs::BranchInfo>(call, request)?;
        let mut heads = Vec::new();
        while let Some(info) = infos.next()? {
            heads.push(head(&info).map_err(unreadable(call))?);
        }
        Ok(heads)
    }

    /// 2.6 and later also show what the commits stand on, which has other ids, and say nothing of an id that is gone;
    /// before, it is an error (grpc-2.0 418).
    fn inspect_commit_set(&self, id: &CommitId) -> Result<Vec<Member>, Fault> {
        let call = pachd::INSPECT_COMMIT_SET;
        let request = pfs::InspectCommitSetRequest {
            commit_set: Some(set(id)),
            wait: false,
        };
        let mut members = Vec::new();
        let gone = |fault: &Fault| fault.kind == FaultKind::NotFound;
        let mut infos = match self
            .pachd()?
            .open::<_, pfs::CommitInfo>(call, request)
            .map_err(Fault::from)
        {
            Err(fault) if gone(&fault) => return Ok(members),
            opened => opened?,
        };
        loop {
            let info = match infos.next().map_err(Fault::from) {
                // Somebody has removed it while it was looked at.
                Err(fault) if gone(&fault) => return Ok(Vec::new()),
                Ok(None) => return Ok(members),
                Ok(Some(info)) => info,
                Err(fault) => return Err(fault),
            };
            let member = member(&info).map_err(unreadable(call))?;
            if member.commit.commit.id == *id {
                members.push(member);
            }
        }
    }

    fn inspect_member(&self, commit: &TypedCommit) -> Result<Member, Fault> {
        let repo = repo_message(&commit.repo());
        let info = self.inspect(pfs::Commit {
            repo: Some(repo.clone()),
            id: commit.commit.id.to_string(),
            branch: Some(pfs::Branch {
                repo: Some(repo),
                name: commit.commit.branch.to_string(),
            }),
        })?;
        member(&info).map_err(unreadable(pachd::INSPECT_COMMIT))
    }

    fn squash_commit_set(&self, id: &CommitId) -> Result<(), Fault> {
        let request = pfs::CommitSetRequest {
            commit_set: Some(set(id)),
        };
        let Empty {} = self.pachd()?.ask(pachd::SQUASH_COMMIT_SET, request)?;
        Ok(())
    }
}

fn set(id: &CommitId) -> pfs::CommitSet {
    pfs::CommitSet {
        id: id.as_str().to_owned(),
    }
}

fn repo_message(repo: &TypedRepo) -> pfs::Repo {
    let of = match repo.of {
        RepoType::User => pfs::USER,
        RepoType::Meta => "meta",
        RepoType::Spec => "spec",
    };
    pfs::Repo {
        r#type: of.to_owned(),
        ..(&repo.repo).into()
    }
}

fn head(info: &pfs::BranchInfo) -> Result<(BranchName, Option<CommitId>), Unreadable> {
    let branch = info.branch.as_ref().ok_or(Unreadable::Missing("branch"))?;
    let head = info.head.as_ref().map(messages::commit_id).transpose()?;
    Ok((BranchName::new(&branch.name)?, head))
}

fn member(info: &pfs::CommitInfo) -> Result<Member, Unreadable> {
    let named = |commit: &Option<pfs::Commit>| commit.as_ref().map(typed).transpose();
    let kind = info.origin.map(|origin| origin.kind);
    let is = |origin: pfs::OriginKind| kind == Some(origin.into());
    let origin = match () {
        () if is(pfs::OriginKind::Auto) => Origin::Auto,
        () if is(pfs::OriginKind::Alias) => Origin::Alias,
        () => Origin::User,
    };
    Ok(Member {
        commit: named(&info.commit)?.ok_or(Unreadable::Missing("commit"))?,
        origin,
        is_good: info.finished.is_some() && info.error.is_empty(),
        children: info.child_commits.iter().map(typed).collect::<Result<_, _>>()?,
        subvenance: info
            .direct_subvenance
            .iter()
            .map(messages::commit_id)
            .collect::<Result<_, _>>()?,
    })
}

/// A commit in a repo of whatever type. Since 2.6 it is known by its repo and id, and which branch is named does not
/// matter.
fn typed(commit: &pfs::Commit) -> Result<TypedCommit, Unreadable> {
    let repo = commit.repo().ok_or(Unreadable::Missing("repo"))?;
    let project = repo.project.as_ref().map(|project| project.name.as_str());
    let branch = commit.branch.as_ref().map(|branch| branch.name.as_str());
    Ok(TypedCommit {
        commit: Commit {
            repo: Repo {
                project: ProjectName::new(project.filter(|name| !name.is_empty()).unwrap_or(DEFAULT_PROJECT))?,
                name: RepoName::new(&repo.name)?,
            },
            branch: match branch.filter(|name| !name.is_empty()) {
                Some(name) => BranchName::new(name)?,
                None => BranchName::default(),
            },
            id: messages::commit_id(commit)?,
        },
        of: match repo.r#type.as_str() {
            pfs::USER | "" => RepoType::User,
            "meta" => RepoType::Meta,
            "spec" => RepoType::Spec,
            _ => return Err(Unreadable::RepoType),
        },
    })
}

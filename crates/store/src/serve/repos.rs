//! The calls about projects and repos.

use std::collections::BTreeMap;

use super::{Answers, Call, Service, Status};
use crate::{Failure, ProjectRecord, Refusal, RepoRecord, Work};
use spoutctl_core::pfs::{self, ProjectName};
use spoutctl_proto::google::Empty;
use spoutctl_proto::names;
use spoutctl_proto::pfs::{
    Branch, CreateProjectRequest, CreateRepoRequest, DeleteRepoRequest, DeleteRepoResponse, InspectProjectRequest,
    InspectRepoRequest, ListRepoRequest, Project, ProjectInfo, Repo, RepoDetails, RepoInfo, USER,
};
use spoutctl_proto::transaction::TransactionRequest;

/// A repo as every message names it.
pub(super) fn repo_message(repo: &pfs::Repo) -> Repo {
    Repo {
        name: repo.name.to_string(),
        r#type: USER.to_owned(),
        project: Some(Project {
            name: repo.project.to_string(),
        }),
    }
}

fn repo_info(record: &RepoRecord, details: bool) -> RepoInfo {
    let size = record.size_bytes.cast_signed();
    let repo = repo_message(&record.repo);
    let branches = record.branches.iter().map(|name| Branch {
        repo: Some(repo.clone()),
        name: name.clone(),
    });
    RepoInfo {
        branches: branches.collect(),
        repo: Some(repo),
        created: Some(record.created.into()),
        // `InspectRepo` has it in its details only, `ListRepo` here only (recordings http 010, 013).
        size_bytes_upper_bound: if details { 0 } else { size },
        description: record.description.clone(),
        auth_info: None,
        details: details.then_some(RepoDetails { size_bytes: size }),
        metadata: BTreeMap::new(),
    }
}

fn project_info(record: &ProjectRecord) -> ProjectInfo {
    ProjectInfo {
        project: Some(Project {
            name: record.name.clone(),
        }),
        description: record.description.clone(),
        auth_info: None,
        created_at: Some(record.created.into()),
        metadata: BTreeMap::new(),
        created_by: String::new(),
    }
}

pub(super) fn create_repo(work: &mut Work<'_>, request: &CreateRepoRequest) -> Result<(), Failure> {
    let mut repo = request.repo.clone();
    // Here, and only here, pachd takes a missing type for this one.
    if let Some(repo) = repo.as_mut().filter(|repo| repo.r#type.is_empty()) {
        USER.clone_into(&mut repo.r#type);
    }
    let repo = names::repo(repo.as_ref())?;
    work.create_repo(&repo, &request.description, request.update)
}

pub(super) fn delete_repo(work: &mut Work<'_>, request: &DeleteRepoRequest) -> Result<bool, Failure> {
    let repo = names::repo(request.repo.as_ref())?;
    work.delete_repo(&repo)
}

/// The calls named as pachd's; what each answers is pachd's too.
///
/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Service {
    pub fn create_project(&self, _: &Call, request: &CreateProjectRequest) -> Result<Empty, Status> {
        self.change(|work| {
            let name = request.project.as_ref().map_or("", |project| &project.name);
            let name = ProjectName::new(name)
                .map_err(|_| Refusal::InvalidName(name.to_owned()).within("invalid project name"))?;
            work.create_project(&name, &request.description, request.update)
        })?;
        Ok(Empty {})
    }

    pub fn inspect_project(&self, _: &Call, request: &InspectProjectRequest) -> Result<ProjectInfo, Status> {
        let name = request.project.as_ref().map_or("", |project| &project.name);
        let projects = self.store.projects()?;
        let found = projects.iter().find(|project| project.name == name);
        found.map(project_info).ok_or_else(|| {
            let missing = format!("get project by name: project {name:?} not found");
            Status::not_found(missing).within(format_args!("error getting project {name:?}"))
        })
    }

    pub fn list_project(&self, _: &Call, answers: &mut Answers<'_, ProjectInfo>) -> Result<(), Status> {
        for project in self.store.projects()? {
            if answers(project_info(&project)).is_break() {
                break;
            }
        }
        Ok(())
    }

    pub fn create_repo(&self, call: &Call, request: CreateRepoRequest) -> Result<Empty, Status> {
        self.carry_out(
            call,
            TransactionRequest {
                create_repo: Some(request),
                ..TransactionRequest::default()
            },
        )?;
        Ok(Empty {})
    }

    pub fn inspect_repo(&self, call: &Call, request: &InspectRepoRequest) -> Result<RepoInfo, Status> {
        let repo = names::repo(request.repo.as_ref())?;
        Ok(RepoInfo {
            auth_info: self.auth_info(call, &repo)?,
            ..repo_info(&self.store.repo(&repo)?, true)
        })
    }

    pub fn list_repo(
        &self,
        call: &Call,
        request: &ListRepoRequest,
        answers: &mut Answers<'_, RepoInfo>,
    ) -> Result<(), Status> {
        if !matches!(request.r#type.as_str(), "" | USER) {
            return Ok(());
        }
        let wanted = |project: &str| request.projects.is_empty() || request.projects.iter().any(|p| p.name == project);
        let (skip, take) = match &request.page {
            Some(page) if page.page_size > 0 => {
                let skip = page.page_index.saturating_mul(page.page_size);
                (
                    usize::try_from(skip).unwrap_or(0),
                    usize::try_from(page.page_size).unwrap_or(usize::MAX),
                )
            }
            _ => (0, usize::MAX),
        };
        let repos = self.store.repos()?;
        let repos = repos.iter().filter(|record| wanted(record.repo.project.as_str()));
        for record in repos.skip(skip).take(take) {
            let info = RepoInfo {
                auth_info: self.auth_info(call, &record.repo)?,
                ..repo_info(record, false)
            };
            if answers(info).is_break() {
                break;
            }
        }
        Ok(())
    }

    pub fn delete_repo(&self, call: &Call, request: DeleteRepoRequest) -> Result<DeleteRepoResponse, Status> {
        // Within a transaction nobody knows yet.
        if call.transaction.is_some() {
            self.carry_out(
                call,
                TransactionRequest {
                    delete_repo: Some(request),
                    ..TransactionRequest::default()
                },
            )?;
            return Ok(DeleteRepoResponse { deleted: false });
        }
        let deleted = self.change(|work| delete_repo(work, &request))?;
        Ok(DeleteRepoResponse { deleted })
    }
}

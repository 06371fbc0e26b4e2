//! The calls about projects and repos.

use std::collections::BTreeMap;

use super::naming::repo_message;
use super::{Answers, Call, Code, Service, Status};
use crate::{Dialect, Failure, ProjectRecord, Refusal, RepoRecord, Subject, Work};
use spoutctl_core::pfs::{self, ProjectName};
use spoutctl_proto::google::Empty;
use spoutctl_proto::names;
use spoutctl_proto::pfs::{
    Branch, CreateProjectRequest, CreateRepoRequest, DeleteProjectRequest, DeleteRepoRequest, DeleteRepoResponse,
    DeleteReposRequest, DeleteReposResponse, InspectProjectRequest, InspectProjectV2Response, InspectRepoRequest,
    ListRepoRequest, Project, ProjectInfo, RepoDetails, RepoInfo, USER,
};
use spoutctl_proto::transaction::TransactionRequest;

fn repo_info(dialect: Dialect, record: &RepoRecord, details: bool) -> RepoInfo {
    let size = record.size_bytes.cast_signed();
    let repo = repo_message(dialect, &record.repo);
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

pub(super) fn create_repo(work: &mut Work<'_>, request: &CreateRepoRequest) -> Result<(), Failure> {
    work.create_repo(&repo_to_make(request)?, &request.description, request.update)
}

/// # Errors
/// When it names none.
pub(super) fn repo_to_make(request: &CreateRepoRequest) -> Result<pfs::Repo, Status> {
    let mut repo = request.repo.clone();
    // Here, and only here, pachd takes a missing type for this one.
    if let Some(repo) = repo.as_mut().filter(|repo| repo.r#type.is_empty()) {
        USER.clone_into(&mut repo.r#type);
    }
    Ok(names::repo(repo.as_ref())?)
}

pub(super) fn delete_repo(work: &mut Work<'_>, request: &DeleteRepoRequest) -> Result<bool, Failure> {
    let repo = names::repo(request.repo.as_ref())?;
    work.delete_repo(&repo, request.force)
}

/// The calls named as pachd's; what each answers is pachd's too.
///
/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
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

    pub fn delete_project(&self, _: &Call, request: &DeleteProjectRequest) -> Result<Empty, Status> {
        let name = request.project.as_ref().map_or("", |project| &project.name);
        let deleted = self.change(|work| {
            let name = ProjectName::new(name)
                .map_err(|_| Refusal::InvalidName(name.to_owned()).within("invalid project name"))?;
            work.delete_project(&name, request.force)
        });
        deleted.map_err(|status| {
            if status.message.starts_with("cannot delete project ") {
                Status::new(Code::FailedPrecondition, status.message)
            } else {
                status
            }
        })?;
        Ok(Empty {})
    }

    /// Those of pipelines stay, as in pachd.
    pub fn delete_repos(&self, _: &Call, request: &DeleteReposRequest) -> Result<DeleteReposResponse, Status> {
        let projects: Vec<ProjectName> = if request.all {
            let projects = self.store.projects()?;
            let names = projects.iter().map(|project| ProjectName::new(&project.name));
            names.filter_map(Result::ok).collect()
        } else {
            let names = request.projects.iter().map(ProjectName::try_from);
            names.collect::<Result<_, _>>()?
        };
        let deleted = self.change(|work| {
            let mut deleted = Vec::new();
            for project in &projects {
                for repo in work.repos_of(project)? {
                    if work.pipeline(&repo)?.is_none() && work.delete_repo(&repo, request.force)? {
                        deleted.push(repo);
                    }
                }
            }
            Ok(deleted)
        })?;
        Ok(DeleteReposResponse {
            repos: deleted.iter().map(|repo| repo_message(self.dialect, repo)).collect(),
        })
    }

    pub fn inspect_project(&self, _: &Call, request: &InspectProjectRequest) -> Result<ProjectInfo, Status> {
        let name = request.project.as_ref().map_or("", |project| &project.name);
        let projects = self.store.projects()?;
        let found = projects.iter().find(|project| project.name == name);
        let info = found.map(|project| self.project_info(project)).transpose()?;
        info.ok_or_else(|| {
            let missing = format!("get project by name: project {name:?} not found");
            Status::not_found(missing).within(format_args!("error getting project {name:?}"))
        })
    }

    /// Projects have no defaults of their own here.
    pub fn inspect_project_v2(
        &self,
        call: &Call,
        request: &InspectProjectRequest,
    ) -> Result<InspectProjectV2Response, Status> {
        Ok(InspectProjectV2Response {
            info: Some(self.inspect_project(call, request)?),
            defaults_json: "{}".to_owned(),
        })
    }

    pub fn list_project(&self, _: &Call, answers: &mut Answers<'_, ProjectInfo>) -> Result<(), Status> {
        for project in self.listed_projects()? {
            if answers(self.project_info(&project)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn project_info(&self, record: &ProjectRecord) -> Result<ProjectInfo, Status> {
        let is_dated = record.name != pfs::DEFAULT_PROJECT || self.dialect.dates_default_project();
        let name = ProjectName::new(&record.name).ok();
        let metadata = name
            .map(|name| self.store.metadata(&Subject::Project(name)))
            .transpose()?;
        Ok(ProjectInfo {
            project: Some(Project {
                name: record.name.clone(),
            }),
            description: record.description.clone(),
            auth_info: None,
            created_at: is_dated.then(|| record.created.into()),
            metadata: metadata.unwrap_or_default(),
            created_by: String::new(),
        })
    }

    /// The default one is older than all others.
    fn listed_projects(&self) -> Result<Vec<ProjectRecord>, Status> {
        let mut projects = self.store.projects()?;
        projects.sort_by_key(|project| (project.name != pfs::DEFAULT_PROJECT, project.created));
        if !self.dialect.lists_oldest_projects_first() {
            projects.reverse();
        }
        Ok(projects)
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
            metadata: self.store.metadata(&Subject::Repo(repo.clone()))?,
            ..repo_info(self.dialect, &self.store.repo(&repo)?, true)
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
        let repos = self.listed(call, self.store.repos()?, |record| &record.repo)?;
        let repos = repos.iter().filter(|record| wanted(record.repo.project.as_str()));
        for record in repos.skip(skip).take(take) {
            let info = RepoInfo {
                auth_info: self.auth_info(call, &record.repo)?,
                metadata: self.store.metadata(&Subject::Repo(record.repo.clone()))?,
                ..repo_info(self.dialect, record, false)
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
        let deleted = self.change_authorized(call, &request, |work| delete_repo(work, &request))?;
        let deleted = deleted && self.dialect.tells_of_deleted_repos();
        Ok(DeleteRepoResponse { deleted })
    }
}

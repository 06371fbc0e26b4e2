//! What a shell completes: names of repos, branches and files.

use std::ops::ControlFlow;

use super::{CALL, Incoming, LIST_FILE, PFS, V1, broken, check_project, fault};
use crate::pachd::Call;
use spoutctl_core::fault::Fault;
use spoutctl_core::listing::Listing;
use spoutctl_core::pfs::{Branch, BranchName, FilePath, ProjectName, Repo, RepoName};
use spoutctl_proto::google::Empty;
use spoutctl_proto::v1;

const LIST_REPO: Call = Call::reads(PFS, "ListRepo");
const LIST_BRANCH: Call = Call::reads(PFS, "ListBranch");

impl Listing for V1 {
    fn list_repos(&self) -> Result<Vec<Repo>, Fault> {
        let answer: v1::ListRepoResponse = self.ask(LIST_REPO, Empty {}, CALL)?;
        let names = answer.repo_info.into_iter().filter_map(|info| info.repo);
        // Those of pachd's own, such as `__spec__`, are nobody's.
        let names = names.filter(|repo| !repo.name.starts_with("__"));
        let repos = names
            .filter_map(|repo| RepoName::new(&repo.name).ok())
            .map(|name| Repo {
                project: ProjectName::default(),
                name,
            });
        Ok(repos.collect())
    }

    fn list_branches(&self, repo: &Repo) -> Result<Vec<BranchName>, Fault> {
        check_project(repo)?;
        let request = v1::ListBranchRequest {
            repo: Some(repo.into()),
            ..v1::ListBranchRequest::default()
        };
        let answer: v1::BranchInfos = self.ask(LIST_BRANCH, request, CALL)?;
        let names = answer.branch_info.iter().map(|info| BranchName::new(&info.name));
        Ok(names.filter_map(Result::ok).collect())
    }

    fn list_directory(
        &self,
        branch: &Branch,
        directory: &FilePath,
        visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        check_project(&branch.repo)?;
        let request = v1::FileRequest {
            file: Some(v1::File {
                commit: Some(v1::Commit::head_of(branch)),
                path: directory.as_str().to_owned(),
            }),
        };
        let opened = self.calls.list(LIST_FILE, request);
        let mut infos: Incoming<'_, v1::FileInfo> = opened.map_err(|failed| fault(LIST_FILE, failed))?;
        while let Some(info) = infos.next().map_err(|failed| broken(fault(LIST_FILE, failed)))? {
            let mut path = super::messages::path_of(&info).to_owned();
            if info.file_type() == v1::FileType::Dir {
                path.push('/');
            }
            if visit(&path).is_break() {
                break;
            }
        }
        Ok(())
    }
}

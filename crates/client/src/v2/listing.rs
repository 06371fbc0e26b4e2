//! Names, as a shell completes them.

use std::ops::ControlFlow;

use super::messages;
use super::{PachdV2, Unreadable, unreadable};
use crate::pachd::{self, Call};
use crate::transport::{Answer, Request, Transport};
use spoutctl_core::fault::Fault;
use spoutctl_core::listing::Listing;
use spoutctl_core::pfs::{Branch, BranchName, FilePath, Repo};
use spoutctl_proto::pfs;

impl<T: Transport> PachdV2<T> {
    /// Shows each message of an answer until that is enough.
    fn each<A: Answer>(
        &self,
        call: Call,
        request: impl Request,
        show: &mut dyn FnMut(A) -> Result<ControlFlow<()>, Unreadable>,
    ) -> Result<(), Fault> {
        let mut incoming = self.pachd()?.open(call, request)?;
        while let Some(message) = incoming.next()? {
            if show(message).map_err(unreadable(call))?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl<T: Transport> Listing for PachdV2<T> {
    fn list_repos(&self) -> Result<Vec<Repo>, Fault> {
        let request = pfs::ListRepoRequest {
            r#type: pfs::USER.to_owned(),
            ..pfs::ListRepoRequest::default()
        };
        let mut repos = Vec::new();
        self.each(pachd::LIST_REPO, request, &mut |listed: pfs::ListedRepo| {
            repos.push(messages::listed_repo(&listed)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(repos)
    }

    fn list_branches(&self, repo: &Repo) -> Result<Vec<BranchName>, Fault> {
        self.check_project(repo)?;
        let request = pfs::ListBranchRequest {
            repo: Some(repo.into()),
            ..pfs::ListBranchRequest::default()
        };
        let mut names = Vec::new();
        self.each(pachd::LIST_BRANCH, request, &mut |listed: pfs::BranchInfo| {
            let branch = listed.branch.ok_or(Unreadable::Missing("branch"))?;
            names.push(BranchName::new(&branch.name)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(names)
    }

    fn list_directory(
        &self,
        branch: &Branch,
        directory: &FilePath,
        visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        self.check_project(&branch.repo)?;
        let request = pfs::ListFileRequest {
            file: Some(pfs::File {
                commit: Some(messages::head_of(branch)),
                path: directory.to_string(),
                datum: String::new(),
            }),
            ..pfs::ListFileRequest::default()
        };
        self.each(pachd::LIST_FILE, request, &mut |listed: pfs::FileInfo| {
            let file = listed.file.ok_or(Unreadable::Missing("file"))?;
            Ok(visit(&file.path))
        })
    }
}

//! Which call a path of 1.x means. Its messages are protobuf alone, for it has no gateway that writes.

use std::ops::ControlFlow;

use bytes::Bytes;
use prost::Message;

use super::requested::{Method, RequestBody, Requested, unknown, version};
use crate::Dialect;
use crate::serve::http::body::LONGEST_REQUEST;
use crate::serve::http::log::Subject;
use crate::serve::v1::V1;
use crate::serve::{Answers, Call, Code, Status};
use spoutctl_core::pfs::DEFAULT_PROJECT;
use spoutctl_proto::admin::ClusterInfo;
use spoutctl_proto::google::Empty;
use spoutctl_proto::v1::pps::{
    CreatePipelineRequest, DeletePipelineRequest, ListJobRequest, ListPipelineRequest, Pipeline, PipelineRequest,
};
use spoutctl_proto::v1::{
    Branch, Commit, CreateBranchRequest, CreateRepoRequest, DeleteBranchRequest, DeleteCommitRequest,
    DeleteRepoRequest, DiffFileRequest, File, FileRequest, FinishCommitRequest, FlushCommitRequest, GetFileRequest,
    GlobFileRequest, InspectBranchRequest, InspectCommitRequest, InspectRepoRequest, ListBranchRequest,
    ListCommitRequest, ListFileRequest, PutFileRequest, Repo, StartCommitRequest, SubscribeCommitRequest,
};

/// Services of 1.x that there are; `health.Health` is not asked by name.
const SERVICES: [&str; 9] = [
    "admin.API",
    "auth.API",
    "debug.Debug",
    "enterprise.API",
    "pfs.API",
    "pfs.ObjectAPI",
    "pps.API",
    "transaction.API",
    "versionpb.API",
];

pub(super) fn is_service(name: &str) -> bool {
    SERVICES.contains(&name)
}

pub(super) fn find(path: &str, dialect: Dialect) -> Result<Method, Status> {
    match path.split_once('/') {
        Some(("pfs.API", method)) => files(method),
        Some(("pps.API", method)) => pipelines(method),
        Some(("versionpb.API", "GetVersion")) => Ok(one(move |_, _, Empty {}| Ok(version(dialect)))),
        Some(("admin.API", "InspectCluster")) => Ok(one(|_, _, Empty {}| {
            Ok(ClusterInfo {
                id: "spoutctl".to_owned(),
                ..ClusterInfo::default()
            })
        })),
        // 258, 259
        Some(("auth.API", _)) => Err(Status::new(Code::Unimplemented, "the auth service is not activated")),
        Some((service, _)) if is_service(service) => Err(Status::unserved(path)),
        _ => Err(unknown()),
    }
}

/// A call with one answer.
macro_rules! call {
    ($method:ident) => {
        one(|calls, call, request| calls.$method(call, &request))
    };
}

/// A call with many.
macro_rules! stream {
    ($method:ident) => {
        many(|calls, call, request, answers| calls.$method(call, &request, answers))
    };
}

fn files(method: &str) -> Result<Method, Status> {
    Ok(match method {
        "CreateRepo" => call!(create_repo),
        "InspectRepo" => call!(inspect_repo),
        "ListRepo" => one(|calls, call, Empty {}| calls.list_repo(call)),
        "DeleteRepo" => call!(delete_repo),
        "StartCommit" => call!(start_commit),
        "FinishCommit" => call!(finish_commit),
        "InspectCommit" => call!(inspect_commit),
        "ListCommit" => call!(list_commit),
        "ListCommitStream" => stream!(list_commit_stream),
        "DeleteCommit" => call!(delete_commit),
        "SubscribeCommit" => stream!(subscribe_commit),
        "FlushCommit" => stream!(flush),
        "CreateBranch" => call!(create_branch),
        "InspectBranch" => call!(inspect_branch),
        "ListBranch" => call!(list_branch),
        "DeleteBranch" => call!(delete_branch),
        "PutFile" => Method::One(Box::new(|service, call, requested| {
            is_in_no_transaction(call)?;
            let answer = V1(service).put_file(call, &mut || requested.message())?;
            Ok(answer.encode_to_vec())
        })),
        "DeleteFile" => call!(delete_file),
        "GetFile" => stream!(get_file),
        "InspectFile" => call!(inspect_file),
        "ListFile" => call!(list_file),
        "ListFileStream" => stream!(list_file_stream),
        "WalkFile" => stream!(walk_file),
        "GlobFile" => call!(glob_file),
        "GlobFileStream" => stream!(glob_file_stream),
        "DiffFile" => call!(diff_file),
        // What its other storage layer would do (196, 197).
        "ClearCommitV2" | "CreateTmpFileSet" | "DiffFileV2" | "FileOperationV2" | "GetTarV2" | "RenewTmpFileSet" => {
            return Err(Status::unknown("v2 method not implemented"));
        }
        "BuildCommit" | "CopyFile" | "DeleteAll" | "Fsck" => {
            return Err(Status::unserved(&format!("pfs.API/{method}")));
        }
        _ => return Err(unknown()),
    })
}

fn pipelines(method: &str) -> Result<Method, Status> {
    Ok(match method {
        "CreatePipeline" => call!(create_pipeline),
        "InspectPipeline" => call!(inspect_pipeline),
        "ListPipeline" => call!(list_pipeline),
        "StartPipeline" => call!(start_pipeline),
        "StopPipeline" => call!(stop_pipeline),
        "DeletePipeline" => call!(delete_pipeline),
        "ListJob" => one(|calls, call, request| {
            calls.list_job(call, &request, &mut |_| ControlFlow::Continue(()))?;
            Ok(Empty {})
        }),
        "ListJobStream" => stream!(list_job),
        "FlushJob" => stream!(flush),
        "GetLogs" => return Err(Status::without_logs()),
        _ => return Err(Status::unserved(&format!("pps.API/{method}"))),
    })
}

/// None is served, so none is known (151).
fn is_in_no_transaction(call: &Call) -> Result<(), Status> {
    match &call.transaction {
        None => Ok(()),
        Some(id) => Err(Status::unknown(format!("/pachyderm_pfs/transactions/ {id} not found"))),
    }
}

impl Requested<'_> {
    /// The next message; of 1.x none comes in JSON.
    fn message<Q: About>(&mut self) -> Result<Option<Q>, Status> {
        let RequestBody::Protobuf(messages) = &mut self.source else {
            return Err(unknown());
        };
        let message: Option<Q> = messages.next()?;
        if let Some(subject) = message.as_ref().and_then(About::about) {
            self.entry.about(subject);
        }
        Ok(message)
    }

    fn only_message<Q: About>(&mut self) -> Result<Q, Status> {
        let RequestBody::Protobuf(messages) = &mut self.source else {
            return Err(unknown());
        };
        let message: Q = messages.next_up_to(LONGEST_REQUEST)?.unwrap_or_default();
        if let Some(subject) = message.about() {
            self.entry.about(subject);
        }
        self.was_read = true;
        Ok(message)
    }
}

fn one<Q: About + 'static, A: Message>(
    method: impl FnOnce(V1<'_>, &Call, Q) -> Result<A, Status> + Send + 'static,
) -> Method {
    Method::One(Box::new(move |service, call, requested| {
        let request = requested.only_message()?;
        is_in_no_transaction(call)?;
        Ok(method(V1(service), call, request)?.encode_to_vec())
    }))
}

fn many<Q: About + 'static, A: Message>(
    method: impl FnOnce(V1<'_>, &Call, Q, &mut Answers<'_, A>) -> Result<(), Status> + Send + 'static,
) -> Method {
    Method::Many(Box::new(move |service, call, requested, messages| {
        let request = requested.only_message()?;
        method(V1(service), call, request, &mut |answer| {
            messages(Bytes::from(answer.encode_to_vec()))
        })
    }))
}

/// What a request is about, for the log.
trait About: Message + Default {
    fn about(&self) -> Option<Subject>;
}

impl About for Empty {
    fn about(&self) -> Option<Subject> {
        None
    }
}

/// Something that has a repo.
trait Named {
    fn subject(&self) -> Subject;
}

impl Named for Repo {
    fn subject(&self) -> Subject {
        Subject {
            repo: Some(format!("{DEFAULT_PROJECT}/{}", self.name)),
            commit: None,
        }
    }
}

impl Named for Pipeline {
    fn subject(&self) -> Subject {
        let name = self.name.clone();
        Repo { name }.subject()
    }
}

impl Named for Branch {
    fn subject(&self) -> Subject {
        named_in(self.repo.as_ref(), &self.name)
    }
}

impl Named for Commit {
    fn subject(&self) -> Subject {
        named_in(self.repo.as_ref(), &self.id)
    }
}

impl Named for File {
    fn subject(&self) -> Subject {
        self.commit.as_ref().map(Named::subject).unwrap_or_default()
    }
}

fn named_in(repo: Option<&Repo>, commit: &str) -> Subject {
    Subject {
        commit: Some(commit.to_owned()).filter(|commit| !commit.is_empty()),
        ..repo.map(Named::subject).unwrap_or_default()
    }
}

macro_rules! about {
    ($($request:ty: $field:ident),* $(,)?) => {
        $(impl About for $request {
            fn about(&self) -> Option<Subject> {
                self.$field.as_ref().map(Named::subject)
            }
        })*
    };
}

about! {
    CreateRepoRequest: repo,
    InspectRepoRequest: repo,
    DeleteRepoRequest: repo,
    FinishCommitRequest: commit,
    InspectCommitRequest: commit,
    DeleteCommitRequest: commit,
    CreateBranchRequest: branch,
    InspectBranchRequest: branch,
    ListBranchRequest: repo,
    DeleteBranchRequest: branch,
    PutFileRequest: file,
    FileRequest: file,
    GetFileRequest: file,
    ListFileRequest: file,
    GlobFileRequest: commit,
    DiffFileRequest: new_file,
    CreatePipelineRequest: pipeline,
    PipelineRequest: pipeline,
    ListPipelineRequest: pipeline,
    ListJobRequest: pipeline,
    DeletePipelineRequest: pipeline,
}

impl About for StartCommitRequest {
    fn about(&self) -> Option<Subject> {
        let parent = self.parent.as_ref()?;
        Some(named_in(parent.repo.as_ref(), &self.branch))
    }
}

impl About for ListCommitRequest {
    fn about(&self) -> Option<Subject> {
        let newest = self.to.as_ref().map_or("", |to| &to.id);
        Some(named_in(self.repo.as_ref(), newest))
    }
}

impl About for FlushCommitRequest {
    fn about(&self) -> Option<Subject> {
        self.commits.first().map(Named::subject)
    }
}

impl About for SubscribeCommitRequest {
    fn about(&self) -> Option<Subject> {
        Some(named_in(self.repo.as_ref(), &self.branch))
    }
}

//! Every recorded message of pachd 2.12 and 1.13, read and written again.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use prost::Message;
use serde::Serialize;
use serde_json::Value;

use super::admin::{ClusterInfo, InspectClusterRequest};
use super::auth::{AuthenticateRequest, AuthorizeRequest};
use super::google::{BytesValue, Empty};
use super::pfs::{
    AddFile, AddFileSetRequest, BranchInfo, ClearCommitRequest, Commit, CommitInfo, CommitSetRequest,
    ComposeFileSetRequest, CreateBranchRequest, CreateFileSetResponse, CreateProjectRequest, CreateRepoRequest,
    DeleteFile, DeleteRepoRequest, DeleteRepoResponse, DiffFileRequest, DiffFileResponse, FileInfo,
    FinishCommitRequest, GetFileRequest, GlobFileRequest, InspectBranchRequest, InspectCommitRequest,
    InspectFileRequest, InspectProjectRequest, InspectRepoRequest, ListBranchRequest, ListCommitRequest,
    ListFileRequest, ListRepoRequest, ModifyFileRequest, RenewFileSetRequest, Repo, RepoInfo, StartCommitRequest,
    SubscribeCommitRequest, WalkFileRequest,
};
use super::pps::{
    CreatePipelineV2Request, CreatePipelineV2Response, InspectPipelineRequest, ListPipelineRequest, PipelineInfo,
    StartPipelineRequest, StopPipelineRequest,
};
use super::schema::MessageSchema;
use super::spec::{CREATE_PIPELINE_REQUEST, PIPELINE_INFO};
use super::transaction::{OneTransactionRequest, Transaction, TransactionInfo};
use super::v1;
use super::version::Version;

/// Whether what is left out by us may be missing when a message is written again.
#[derive(Clone, Copy, PartialEq)]
enum Fields {
    All,
    Some,
}

/// Reads `bytes` as a message and gives the bytes that it is written as, which mean the same message.
fn again<M: Message + Default + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Vec<u8> {
    let message = M::decode(bytes).unwrap();
    let written = message.encode_to_vec();
    assert_eq!(M::decode(written.as_slice()).unwrap(), message);
    written
}

/// The same of what has a table of its fields.
fn encoded_again(schema: MessageSchema, bytes: &[u8]) -> Vec<u8> {
    schema.encode(&schema.decode(bytes).unwrap())
}

fn spec_again(bytes: &[u8]) -> Vec<u8> {
    encoded_again(CREATE_PIPELINE_REQUEST, bytes)
}

fn info_again(bytes: &[u8]) -> Vec<u8> {
    // What a client looks at are fields of the same numbers.
    again::<PipelineInfo>(bytes);
    encoded_again(PIPELINE_INFO, bytes)
}

type Again = fn(&[u8]) -> Vec<u8>;

/// How requests and answers of a call are read, and whether their types have all fields.
fn messages(method: &str) -> Option<(Again, Again, Fields)> {
    let all = |request: Again, answer: Again| Some((request, answer, Fields::All));
    let some = |request: Again, answer: Again| Some((request, answer, Fields::Some));
    match method.trim_start_matches('/') {
        "versionpb_v2.API/GetVersion" => all(again::<Empty>, again::<Version>),
        "admin_v2.API/InspectCluster" => some(again::<InspectClusterRequest>, again::<ClusterInfo>),
        "auth_v2.API/WhoAmI" => all(again::<Empty>, again::<Empty>),
        "auth_v2.API/Authorize" => all(again::<AuthorizeRequest>, again::<Empty>),
        "pps_v2.API/InspectPipeline" => all(again::<InspectPipelineRequest>, info_again),
        "pps_v2.API/CreatePipeline" => all(spec_again, again::<Empty>),
        "pps_v2.API/ListPipeline" => all(again::<ListPipelineRequest>, info_again),
        "pps_v2.API/StopPipeline" => all(again::<StopPipelineRequest>, again::<Empty>),
        "pps_v2.API/CreatePipelineV2" => all(again::<CreatePipelineV2Request>, again::<CreatePipelineV2Response>),
        "transaction_v2.API/StartTransaction" => all(again::<Empty>, again::<Transaction>),
        "transaction_v2.API/FinishTransaction" => all(again::<OneTransactionRequest>, again::<TransactionInfo>),
        "transaction_v2.API/DeleteTransaction" => all(again::<OneTransactionRequest>, again::<Empty>),
        "pfs_v2.API/CreateProject" => all(again::<CreateProjectRequest>, again::<Empty>),
        "pfs_v2.API/CreateRepo" => all(again::<CreateRepoRequest>, again::<Empty>),
        "pfs_v2.API/InspectRepo" => all(again::<InspectRepoRequest>, again::<RepoInfo>),
        "pfs_v2.API/ListRepo" => all(again::<ListRepoRequest>, again::<RepoInfo>),
        "pfs_v2.API/DeleteRepo" => all(again::<DeleteRepoRequest>, again::<DeleteRepoResponse>),
        "pfs_v2.API/CreateBranch" => all(again::<CreateBranchRequest>, again::<Empty>),
        "pfs_v2.API/InspectBranch" => all(again::<InspectBranchRequest>, again::<BranchInfo>),
        "pfs_v2.API/ListBranch" => all(again::<ListBranchRequest>, again::<BranchInfo>),
        "pfs_v2.API/StartCommit" => all(again::<StartCommitRequest>, again::<Commit>),
        "pfs_v2.API/FinishCommit" => all(again::<FinishCommitRequest>, again::<Empty>),
        "pfs_v2.API/ClearCommit" => all(again::<ClearCommitRequest>, again::<Empty>),
        "pfs_v2.API/DropCommitSet" => all(again::<CommitSetRequest>, again::<Empty>),
        "pfs_v2.API/InspectCommit" => all(again::<InspectCommitRequest>, again::<CommitInfo>),
        "pfs_v2.API/ListCommit" => all(again::<ListCommitRequest>, again::<CommitInfo>),
        "pfs_v2.API/SubscribeCommit" => all(again::<SubscribeCommitRequest>, again::<CommitInfo>),
        "pfs_v2.API/ModifyFile" => all(again::<ModifyFileRequest>, again::<Empty>),
        "pfs_v2.API/CreateFileSet" => all(again::<ModifyFileRequest>, again::<CreateFileSetResponse>),
        "pfs_v2.API/AddFileSet" => all(again::<AddFileSetRequest>, again::<Empty>),
        "pfs_v2.API/RenewFileSet" => all(again::<RenewFileSetRequest>, again::<Empty>),
        "pfs_v2.API/ComposeFileSet" => all(again::<ComposeFileSetRequest>, again::<CreateFileSetResponse>),
        "pfs_v2.API/InspectFile" => all(again::<InspectFileRequest>, again::<FileInfo>),
        "pfs_v2.API/ListFile" => all(again::<ListFileRequest>, again::<FileInfo>),
        "pfs_v2.API/WalkFile" => all(again::<WalkFileRequest>, again::<FileInfo>),
        "pfs_v2.API/GlobFile" => all(again::<GlobFileRequest>, again::<FileInfo>),
        "pfs_v2.API/DiffFile" => all(again::<DiffFileRequest>, again::<DiffFileResponse>),
        "pfs_v2.API/GetFile" | "pfs_v2.API/GetFileTAR" => all(again::<GetFileRequest>, again::<BytesValue>),
        "pfs.API/CreateRepo" => all(again::<v1::CreateRepoRequest>, again::<Empty>),
        "pfs.API/InspectRepo" => all(again::<v1::InspectRepoRequest>, again::<v1::RepoInfo>),
        "pfs.API/InspectBranch" => all(again::<v1::InspectBranchRequest>, again::<v1::BranchInfo>),
        "pfs.API/StartCommit" => all(again::<v1::StartCommitRequest>, again::<v1::Commit>),
        "pfs.API/FinishCommit" => all(again::<v1::FinishCommitRequest>, again::<Empty>),
        "pfs.API/DeleteCommit" => all(again::<v1::DeleteCommitRequest>, again::<Empty>),
        "pfs.API/InspectCommit" => all(again::<v1::InspectCommitRequest>, again::<v1::CommitInfo>),
        "pfs.API/ListCommitStream" => all(again::<v1::ListCommitRequest>, again::<v1::CommitInfo>),
        "pfs.API/SubscribeCommit" => all(again::<v1::SubscribeCommitRequest>, again::<v1::CommitInfo>),
        "pfs.API/PutFile" => all(again::<v1::PutFileRequest>, again::<Empty>),
        "pfs.API/GetFile" => all(again::<v1::FileRequest>, again::<BytesValue>),
        "pfs.API/InspectFile" | "pfs.API/WalkFile" => all(again::<v1::FileRequest>, again::<v1::FileInfo>),
        _ => None,
    }
}

/// Calls that nothing of ours makes or serves.
const UNUSED: &[&str] = &["/pfs_v2.API/Nope"];

/// The client that was recorded writes a commit's fields in the order 3, 2, 1, which means the same as 1, 2, 3: of two
/// messages that are read as the same one, none has a field that the other lacks if they hold the same bytes.
fn sorted(bytes: &[u8]) -> Vec<u8> {
    let mut sorted = bytes.to_vec();
    sorted.sort_unstable();
    sorted
}

#[test]
fn every_recorded_message_is_read_and_written_whole() {
    let mut seen = 0;
    for folder in ["grpc-2.12", "grpc-2.12-sidecar", "grpc-1.13"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../fixtures/wire")
            .join(folder);
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let recording: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let method = recording["method"].as_str().unwrap();
            if UNUSED.contains(&method) {
                continue;
            }
            let (request, answer, fields) = messages(method).unwrap_or_else(|| panic!("{method}"));
            for (side, again) in [("requests", request), ("responses", answer)] {
                for message in recording[side].as_array().unwrap() {
                    let bytes = from_hex(message["hex"].as_str().unwrap());
                    let written = again(&bytes);
                    if fields == Fields::All {
                        assert_eq!(sorted(&written), sorted(&bytes), "{}: {side}", path.display());
                    }
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 350, "{seen}");
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// In JSON, as clients write it.
fn text(request: &impl Serialize) -> String {
    super::populated(request).unwrap().to_string()
}

#[test]
fn a_request_in_json_leaves_out_what_is_not_set() {
    fn empty<M: Message + Default + Serialize>() -> String {
        text(&M::default())
    }
    for written in [
        empty::<InspectClusterRequest>(),
        empty::<AuthorizeRequest>(),
        empty::<AuthenticateRequest>(),
        empty::<InspectPipelineRequest>(),
        empty::<StopPipelineRequest>(),
        empty::<StartPipelineRequest>(),
        empty::<CreatePipelineV2Request>(),
        empty::<OneTransactionRequest>(),
        empty::<InspectProjectRequest>(),
        empty::<CreateRepoRequest>(),
        empty::<InspectRepoRequest>(),
        empty::<CreateBranchRequest>(),
        empty::<InspectBranchRequest>(),
        empty::<ListBranchRequest>(),
        empty::<StartCommitRequest>(),
        empty::<FinishCommitRequest>(),
        empty::<CommitSetRequest>(),
        empty::<InspectCommitRequest>(),
        empty::<ListCommitRequest>(),
        empty::<SubscribeCommitRequest>(),
        empty::<AddFileSetRequest>(),
        empty::<RenewFileSetRequest>(),
        empty::<ComposeFileSetRequest>(),
        empty::<InspectFileRequest>(),
        empty::<WalkFileRequest>(),
        empty::<DiffFileRequest>(),
        empty::<GetFileRequest>(),
    ] {
        assert_eq!(written, "{}");
    }
}

#[test]
fn what_looks_like_nothing_and_is_something_stays_in_a_request() {
    let request = ListCommitRequest {
        repo: Some(Repo {
            name: "0".to_owned(),
            ..Repo::default()
        }),
        from: Some(Commit::default()),
        number: 7,
        ..ListCommitRequest::default()
    };
    assert_eq!(text(&request), r#"{"from":{},"number":"7","repo":{"name":"0"}}"#);
    let parts = ComposeFileSetRequest {
        file_set_ids: vec![String::new(), "COMMIT_STATE_UNKNOWN".to_owned()],
        ttl_seconds: 0,
    };
    assert_eq!(text(&parts), r#"{"fileSetIds":["","COMMIT_STATE_UNKNOWN"]}"#);
}

fn changes() -> impl Strategy<Value = ModifyFileRequest> {
    let path = || "(/[a-z0\"\\\\\u{e4}]{1,6}){1,3}";
    let raw = prop::option::of(prop::collection::vec(any::<u8>(), 0..200));
    let add = (path(), "[a-z]{0,2}", raw).prop_map(|(path, datum, raw)| ModifyFileRequest {
        add_file: Some(AddFile {
            path,
            datum,
            // No bytes are written as nothing: the file is empty either way.
            raw: raw.filter(|raw| !raw.is_empty()).map(Into::into),
            url: None,
        }),
        ..ModifyFileRequest::default()
    });
    let delete = path().prop_map(|path| ModifyFileRequest {
        delete_file: Some(DeleteFile {
            path,
            datum: String::new(),
        }),
        ..ModifyFileRequest::default()
    });
    prop_oneof![add, delete]
}

proptest! {
    #[test]
    fn a_line_of_a_stream_is_the_message_in_json(change in changes()) {
        let mut line = prost::bytes::BytesMut::new();
        change.write_line(&mut line).unwrap();
        let line = String::from_utf8(line.to_vec()).unwrap();
        prop_assert!(line.ends_with('\n') && line.matches('\n').count() == 1);
        let written: Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(&written, &super::populated(&change).unwrap());
        prop_assert_eq!(serde_json::from_value::<ModifyFileRequest>(written).unwrap(), change);
    }
}

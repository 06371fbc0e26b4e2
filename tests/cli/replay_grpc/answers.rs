//! Answers in protobuf as JSON, so that they can be compared field by field.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message;
use serde::Serialize;
use serde_json::{Value, json};
use spoutctl_proto::admin::{ClusterInfo, HealthCheckResponse};
use spoutctl_proto::google::{BytesValue, Empty};
use spoutctl_proto::pfs::{
    BranchInfo, Commit, CommitInfo, CommitSetInfo, CreateFileSetResponse, DeleteRepoResponse, DiffFileResponse,
    FileInfo, ProjectInfo, RepoInfo,
};
use spoutctl_proto::pps::CreatePipelineV2Response;
use spoutctl_proto::spec::PIPELINE_INFO;
use spoutctl_proto::transaction::{Transaction, TransactionInfo, TransactionInfos};
use spoutctl_proto::version::Version;

fn one<M: Message + Default + Serialize>(bytes: &[u8]) -> Value {
    serde_json::to_value(M::decode(bytes).unwrap()).unwrap()
}

/// With what has no name in JSON any more.
fn commit_info(bytes: &[u8]) -> Value {
    let info = CommitInfo::decode(bytes).unwrap();
    let mut value = serde_json::to_value(&info).unwrap();
    value["directProvenanceBranches"] = json!(info.direct_provenance_branches);
    value
}

fn commit_set_info(bytes: &[u8]) -> Value {
    let info = CommitSetInfo::decode(bytes).unwrap();
    let commits = info.commits.iter().map(|commit| commit_info(&commit.encode_to_vec()));
    json!({"commitSet": info.commit_set, "commits": commits.collect::<Vec<_>>()})
}

/// The answers of a method. The pieces of a file are one, however they were cut.
pub fn read<B: AsRef<[u8]>>(method: &str, messages: &[B]) -> Vec<Value> {
    let read: fn(&[u8]) -> Value = match method.trim_start_matches('/') {
        "versionpb_v2.API/GetVersion" => one::<Version>,
        "admin_v2.API/InspectCluster" => one::<ClusterInfo>,
        "grpc.health.v1.Health/Check" => one::<HealthCheckResponse>,
        "pfs_v2.API/ListProject" => one::<ProjectInfo>,
        "pfs_v2.API/ListRepo" | "pfs_v2.API/InspectRepo" => one::<RepoInfo>,
        "pfs_v2.API/DeleteRepo" => one::<DeleteRepoResponse>,
        "pfs_v2.API/ListBranch" | "pfs_v2.API/InspectBranch" => one::<BranchInfo>,
        "pfs_v2.API/StartCommit" => one::<Commit>,
        "pfs_v2.API/InspectCommit"
        | "pfs_v2.API/ListCommit"
        | "pfs_v2.API/SubscribeCommit"
        | "pfs_v2.API/InspectCommitSet" => commit_info,
        "pfs_v2.API/ListCommitSet" => commit_set_info,
        "pfs_v2.API/InspectFile" | "pfs_v2.API/ListFile" | "pfs_v2.API/WalkFile" | "pfs_v2.API/GlobFile" => {
            one::<FileInfo>
        }
        "pfs_v2.API/DiffFile" => one::<DiffFileResponse>,
        "pfs_v2.API/CreateFileSet" | "pfs_v2.API/ComposeFileSet" | "pfs_v2.API/GetFileSet" => {
            one::<CreateFileSetResponse>
        }
        "pfs_v2.API/GetFile" | "pfs_v2.API/GetFileTAR" | "pfs.API/GetFile" => return file(messages),
        "versionpb.API/GetVersion" => one::<Version>,
        "admin.API/InspectCluster" => one::<ClusterInfo>,
        method if super::v1::is_of_1_x(method) => return super::v1::read(method, messages),
        "pps_v2.API/CreatePipelineV2" => one::<CreatePipelineV2Response>,
        "pps_v2.API/InspectPipeline" | "pps_v2.API/ListPipeline" => |bytes| PIPELINE_INFO.decode(bytes).unwrap(),
        "transaction_v2.API/StartTransaction" => one::<Transaction>,
        "transaction_v2.API/InspectTransaction" | "transaction_v2.API/FinishTransaction" => one::<TransactionInfo>,
        "transaction_v2.API/ListTransaction" => one::<TransactionInfos>,
        _ => one::<Empty>,
    };
    messages.iter().map(|message| read(message.as_ref())).collect()
}

fn file<B: AsRef<[u8]>>(messages: &[B]) -> Vec<Value> {
    let pieces = messages
        .iter()
        .map(|message| BytesValue::decode(message.as_ref()).unwrap());
    let bytes: Vec<u8> = pieces.flat_map(|piece| piece.value).collect();
    if messages.is_empty() {
        Vec::new()
    } else {
        vec![json!(BASE64.encode(bytes))]
    }
}

/// An entry of a tar archive: its name, type, mode and bytes.
type Entry = (String, u8, u32, Vec<u8>);

/// What is in a tar archive in base64, with its end or without.
pub fn entries(text: &str) -> Option<Vec<Entry>> {
    let mut archive = BASE64.decode(text).ok().filter(|bytes| bytes.len() >= 1024)?;
    archive.extend([0; 1024]);
    let mut found = Vec::new();
    for entry in tar::Archive::new(&archive[..]).entries().ok()? {
        let mut entry = entry.ok()?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).ok()?;
        let name = String::from_utf8(entry.path_bytes().into_owned()).ok()?;
        let header = entry.header();
        found.push((name, header.entry_type().as_byte(), header.mode().ok()?, content));
    }
    Some(found)
}

/// Of a commit or a file set; since 2.12 with a token behind it.
pub fn is_id(text: &str) -> bool {
    let (id, token) = text.split_once('.').unwrap_or((text, ""));
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    id.len() == 32 && is_hex(id) && (token.is_empty() || token.len() == 64 && is_hex(token))
}

/// The ids in an error text.
pub fn ids_in(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_hexdigit());
    words.filter(|word| word.len() == 32).map(str::to_owned).collect()
}

/// Whether both are the same JSON: Go's writer puts spaces where it likes.
pub fn is_same_json(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(serde_json::from_str::<Value>);
    matches!((a, b), (Ok(a), Ok(b)) if a.is_object() && a == b)
}

pub fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.as_bytes()[4] == b'-' && text.as_bytes()[10] == b'T' && text.ends_with('Z')
}

//! Calls that the binary itself does not make, through whichever door the server has: JSON to its gateway, or the same as
//! messages of gRPC, where there is no gateway.

mod v1;

use std::io;
use std::net::TcpStream;

use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use spoutctl_proto::auth::{GetRobotTokenRequest, GetRobotTokenResponse};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs::{
    AddFileSetRequest, Commit, CommitInfo, CommitSetRequest, CreateBranchRequest, CreateFileSetResponse,
    CreateRepoRequest, DeleteBranchRequest, DeleteRepoRequest, FinishCommitRequest, InspectCommitRequest,
    ListCommitRequest, ModifyFileRequest, StartCommitRequest,
};
use spoutctl_proto::pps::DeletePipelineRequest;
use spoutctl_proto::schema::Unknown;
use spoutctl_proto::spec::CREATE_PIPELINE_REQUEST;

use crate::grpc_call::{Connection, Reply};
use crate::lab;
use crate::served::post;

/// What a server listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Gateway,
    Grpc,
}

impl Door {
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Gateway => "http",
            Self::Grpc => "grpc",
        }
    }
}

/// What came of a call: the answer in JSON, of many answers a line each.
pub type Answered = Result<String, Refused>;

#[derive(Debug)]
pub struct Refused {
    pub is_missing: bool,
    pub text: String,
}

/// An error when no whole answer came.
pub fn call(door: Door, authority: &str, method: &str, request: &Value, token: Option<&str>) -> io::Result<Answered> {
    match door {
        Door::Gateway => {
            let (status, text) = post(authority, method, request, token)?;
            let is_missing = status == 404;
            Ok(if status == 200 {
                Ok(text)
            } else {
                Err(Refused { is_missing, text })
            })
        }
        Door::Grpc => {
            // A server that is gone is an error, as above; the connection itself would be a panic.
            drop(TcpStream::connect(authority)?);
            let reply = through_grpc(&Connection::to(authority), method, request, token);
            Ok(reply.map_err(|(code, text)| Refused {
                // Before 2.1 it has no code of its own.
                is_missing: code == NOT_FOUND || code == UNKNOWN && text.contains("not found"),
                text,
            }))
        }
    }
}

const UNKNOWN: i32 = 2;
const NOT_FOUND: i32 = 5;

/// The answers in JSON, or gRPC's code and text.
type Told = Result<String, (i32, String)>;

fn through_grpc(server: &Connection, method: &str, request: &Value, token: Option<&str>) -> Told {
    if lab::is_1_x() {
        return v1::ask(server, method, request);
    }
    let token: Vec<(String, String)> = token
        .map(|token| ("authn-token".to_owned(), token.to_owned()))
        .into_iter()
        .collect();
    let ask = |message: Vec<u8>| server.call(method, &token, &[message]);
    match method {
        "pfs_v2.API/CreateRepo" => one::<Empty>(&ask(message::<CreateRepoRequest>(request))),
        "pfs_v2.API/DeleteRepo" => one::<Empty>(&ask(message::<DeleteRepoRequest>(request))),
        "pfs_v2.API/StartCommit" => one::<Commit>(&ask(message::<StartCommitRequest>(request))),
        "pfs_v2.API/FinishCommit" => one::<Empty>(&ask(message::<FinishCommitRequest>(request))),
        "pfs_v2.API/InspectCommit" => one::<CommitInfo>(&ask(message::<InspectCommitRequest>(request))),
        "pfs_v2.API/ListCommit" => many::<CommitInfo>(&ask(message::<ListCommitRequest>(request))),
        "pfs_v2.API/DropCommitSet" => one::<Empty>(&ask(message::<CommitSetRequest>(request))),
        "pfs_v2.API/CreateBranch" => one::<Empty>(&ask(message::<CreateBranchRequest>(request))),
        "pfs_v2.API/DeleteBranch" => one::<Empty>(&ask(message::<DeleteBranchRequest>(request))),
        "pfs_v2.API/CreateFileSet" => one::<CreateFileSetResponse>(&ask(message::<ModifyFileRequest>(request))),
        "pfs_v2.API/AddFileSet" => one::<Empty>(&ask(message::<AddFileSetRequest>(request))),
        "pps_v2.API/CreatePipeline" => {
            let spec = CREATE_PIPELINE_REQUEST.read(request, Unknown::Refuse).unwrap();
            one::<Empty>(&ask(CREATE_PIPELINE_REQUEST.encode(&spec)))
        }
        "pps_v2.API/DeletePipeline" => one::<Empty>(&ask(message::<DeletePipelineRequest>(request))),
        "auth_v2.API/GetRobotToken" => one::<GetRobotTokenResponse>(&ask(message::<GetRobotTokenRequest>(request))),
        _ => unreachable!("no test makes this call: {method}"),
    }
}

fn message<Q: Message + DeserializeOwned>(request: &Value) -> Vec<u8> {
    serde_json::from_value::<Q>(request.clone()).unwrap().encode_to_vec()
}

fn many<A: Message + Default + Serialize>(reply: &Reply) -> Told {
    let (code, text) = reply.status.clone().expect("the call has ended");
    if code != 0 {
        return Err((code, text));
    }
    let lines = reply.ok::<A>().into_iter();
    let lines = lines.map(|answer| serde_json::json!({ "result": answer }).to_string() + "\n");
    Ok(lines.collect())
}

fn one<A: Message + Default + Serialize>(reply: &Reply) -> Told {
    let (code, text) = reply.status.clone().expect("the call has ended");
    if code != 0 {
        return Err((code, text));
    }
    Ok(serde_json::to_string(&reply.one::<A>()).unwrap())
}

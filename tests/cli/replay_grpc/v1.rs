//! What is 1.x' own: its answers as JSON, and what was there before an exchange.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message;
use serde_json::{Value, json};
use spoutctl_proto::google::Empty;
use spoutctl_proto::v1::pps::{DeletePipelineRequest, Pipeline, PipelineInfo};
use spoutctl_proto::v1::{
    Branch, BranchInfo, BranchInfos, Commit, CommitInfo, CommitInfos, CreateRepoRequest, DiffFileResponse, File,
    FileInfo, PutFileRequest, Repo, StartCommitRequest,
};

use super::before::untold;
use super::{Exchange, Replay};
use crate::grpc_call::Connection;

/// Where a real server keeps its things, as its texts say it.
pub const ROOT: &str = "/pachyderm_pfs";

pub fn is_of_1_x(method: &str) -> bool {
    method.starts_with("pfs.API/") || method.starts_with("pps.API/")
}

fn commit(commit: &Commit) -> Value {
    json!({"repo": commit.repo.as_ref().map(|repo| &repo.name), "id": commit.id})
}

fn branch(branch: &Branch) -> Value {
    json!({"repo": branch.repo.as_ref().map(|repo| &repo.name), "name": branch.name})
}

fn commit_info(info: &CommitInfo) -> Value {
    json!({
        "commit": info.commit.as_ref().map(commit),
        "parent": info.parent_commit.as_ref().map(commit),
        "started": info.started,
        "finished": info.finished,
        "size": info.size_bytes,
        "tree": info.tree.as_ref().map(|tree| json!({"hash": tree.hash})),
        "trees": info.trees.len(),
        "description": info.description,
        "children": info.child_commits.iter().map(commit).collect::<Vec<_>>(),
        "branch": info.branch.as_ref().map(branch),
        "hasOrigin": info.origin.is_some(),
    })
}

fn branch_info(info: &BranchInfo) -> Value {
    json!({
        "name": info.name,
        "head": info.head.as_ref().map(commit),
        "provenance": info.provenance.iter().map(branch).collect::<Vec<_>>(),
        "branch": info.branch.as_ref().map(branch),
    })
}

fn file_info(info: &FileInfo) -> Value {
    let file = info.file.as_ref();
    json!({
        "commit": file.and_then(|file| file.commit.as_ref()).map(commit),
        "path": file.map(|file| &file.path),
        "type": info.file_type,
        "size": info.size_bytes,
        "children": info.children,
        "hash": BASE64.encode(&info.hash),
        "objects": info.objects.iter().map(|object| json!({"hash": object.hash})).collect::<Vec<_>>(),
        "committed": info.committed,
    })
}

fn pipeline_info(info: &PipelineInfo) -> Value {
    let transform = info.transform.clone().unwrap_or_default();
    json!({
        "name": info.pipeline.as_ref().map(|pipeline| &pipeline.name),
        "transform": [json!(transform.image), json!(transform.cmd), json!(transform.env), json!(transform.stdin)],
        "codes": transform.accept_return_code,
        "createdAt": info.created_at,
        "version": info.version,
        "outputBranch": info.output_branch,
        "description": info.description,
        "cacheSize": info.cache_size,
        "salt": info.salt,
        "maxQueueSize": info.max_queue_size,
        "specCommit": info.spec_commit.as_ref().map(commit),
        "stopped": info.stopped,
        "datumTries": info.datum_tries,
        "isSpout": info.spout.is_some(),
        "workersRequested": info.workers_requested,
        "reprocessSpec": info.reprocess_spec,
    })
}

/// The answers of a method, each as far as its message has a type here.
pub fn read<B: AsRef<[u8]>>(method: &str, messages: &[B]) -> Vec<Value> {
    fn all<M: Message + Default>(bytes: &[u8], read: fn(&M) -> Value) -> Value {
        read(&M::decode(bytes).unwrap())
    }
    fn empty(bytes: &[u8]) -> Value {
        assert!(bytes.is_empty());
        all(bytes, |Empty {}| json!({}))
    }
    let read: fn(&[u8]) -> Value = match method.rsplit('/').next().unwrap() {
        "StartCommit" => |bytes| all(bytes, commit),
        "InspectCommit" | "ListCommitStream" | "SubscribeCommit" => |bytes| all(bytes, commit_info),
        "ListCommit" => |bytes| {
            all(bytes, |all: &CommitInfos| {
                all.commit_info.iter().map(commit_info).collect()
            })
        },
        "InspectBranch" => |bytes| all(bytes, branch_info),
        "ListBranch" => |bytes| {
            all(bytes, |all: &BranchInfos| {
                all.branch_info.iter().map(branch_info).collect()
            })
        },
        "InspectFile" | "WalkFile" | "ListFileStream" | "GlobFileStream" => |bytes| all(bytes, file_info),
        "DiffFile" => |bytes| {
            all(bytes, |answer: &DiffFileResponse| {
                let of = |files: &[FileInfo]| files.iter().map(file_info).collect::<Vec<_>>();
                json!({"new": of(&answer.new_files), "old": of(&answer.old_files)})
            })
        },
        "InspectPipeline" => |bytes| all(bytes, pipeline_info),
        _ => empty,
    };
    messages.iter().map(|message| read(message.as_ref())).collect()
}

fn repo(name: &str) -> Repo {
    Repo { name: name.to_owned() }
}

fn make_repo(server: &Connection, name: &str) {
    let request = CreateRepoRequest {
        repo: Some(repo(name)),
        ..CreateRepoRequest::default()
    };
    server.ask("pfs.API/CreateRepo", &request).ok::<Empty>();
}

/// Makes a commit of its own.
fn put(server: &Connection, name: &str, files: &[(&str, &str)]) {
    let message = |(path, data): &(&str, &str)| PutFileRequest {
        file: Some(File {
            commit: Some(Commit {
                repo: Some(repo(name)),
                id: "master".to_owned(),
            }),
            path: (*path).to_owned(),
        }),
        value: data.as_bytes().to_vec().into(),
        ..PutFileRequest::default()
    };
    let messages: Vec<Vec<u8>> = files.iter().map(|file| message(file).encode_to_vec()).collect();
    server.call("pfs.API/PutFile", &[], &messages).ok::<Empty>();
}

fn start(server: &Connection, name: &str) -> String {
    let request = StartCommitRequest {
        parent: Some(Commit {
            repo: Some(repo(name)),
            id: String::new(),
        }),
        branch: "master".to_owned(),
        ..StartCommitRequest::default()
    };
    server.ask("pfs.API/StartCommit", &request).one::<Commit>().id
}

/// Brings about what an exchange found.
pub fn prepare(replay: &mut Replay, exchange: &Exchange) {
    if exchange.is_of_test_daemon {
        return;
    }
    let ids = untold(replay, exchange);
    let server = &replay.main;
    match exchange.number {
        101 => {
            make_repo(server, "gx");
            put(server, "gx", &[("/a", "one")]);
        }
        141 => {
            make_repo(server, "gt1");
            make_repo(server, "gt2");
        }
        161 => {
            make_repo(server, "gs");
            for path in ["/1", "/2", "/3"] {
                put(server, "gs", &[(path, "x")]);
            }
        }
        181 => {
            make_repo(server, "gr");
            let first = [("/dir/a", "one"), ("/dir/sub/b", "two"), ("/empty", ""), ("/z", "zz")];
            put(server, "gr", &first);
            put(server, "gr", &[("/dir-x", "x"), ("/dir/c", "three")]);
        }
        192 => {
            let named = Commit {
                repo: Some(repo("gr")),
                id: "master^".to_owned(),
            };
            let request = spoutctl_proto::v1::InspectCommitRequest {
                commit: Some(named),
                block_state: 0,
            };
            let info: CommitInfo = server.ask("pfs.API/InspectCommit", &request).one();
            replay.learn(&ids, info.commit.map(|commit| commit.id));
        }
        198 | 201 | 215 => {
            let made = start(server, "gr");
            replay.learn(&ids, [made]);
        }
        258 => {
            // Gone already, which is no fault: so a 1.13.4 answered when it was asked outside the recordings.
            let request = DeletePipelineRequest {
                pipeline: Some(Pipeline {
                    name: "spout".to_owned(),
                }),
                ..DeletePipelineRequest::default()
            };
            let gone = server.ask("pps.API/DeletePipeline", &request);
            gone.ok::<Empty>();
        }
        _ => {}
    }
}

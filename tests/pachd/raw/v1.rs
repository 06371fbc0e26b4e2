//! The same calls to a pachd 1.x: asked and answered as those of 2.x, with messages of its own on the way.

use serde_json::{Value, json};
use spoutctl_proto::google::Empty;
use spoutctl_proto::v1::{
    Branch, Commit, CommitInfo, CreateBranchRequest, CreateRepoRequest, DeleteBranchRequest, DeleteCommitRequest,
    DeleteRepoRequest, File, FinishCommitRequest, InspectCommitRequest, ListCommitRequest, PutFileRequest, Repo,
    StartCommitRequest,
};

use super::Told;
use crate::grpc_call::{Connection, Reply};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn repo(named: &Value) -> Option<Repo> {
    Some(Repo {
        name: text(&named["name"]),
    })
}

fn branch(named: &Value) -> Option<Branch> {
    Some(Branch {
        repo: repo(&named["repo"]),
        name: text(&named["name"]),
    })
}

/// By its id, or else by its branch.
fn commit(named: &Value) -> Option<Commit> {
    let id = text(&named["id"]);
    Some(Commit {
        repo: repo(&named["repo"]),
        id: if id.is_empty() {
            text(&named["branch"]["name"])
        } else {
            id
        },
    })
}

/// As 2.x tells of a commit, which has an error where 1.x has no list of its files.
fn info(info: &CommitInfo) -> Value {
    let is_given_up = info.finished.is_some() && info.tree.is_none();
    json!({
        "commit": {"id": info.commit.as_ref().map(|commit| &commit.id)},
        "description": info.description,
        "error": if is_given_up { "finished without its data" } else { "" },
        "finishing": info.finished,
        "finished": info.finished,
    })
}

fn told<M: prost::Message + Default>(reply: &Reply, tell: impl Fn(&[M]) -> String) -> Told {
    match reply.status.clone().expect("the call has ended") {
        (0, _) => Ok(tell(&reply.ok::<M>())),
        refused => Err(refused),
    }
}

fn done(reply: &Reply) -> Told {
    told::<Empty>(reply, |_| "{}".to_owned())
}

pub fn ask(server: &Connection, method: &str, request: &Value) -> Told {
    match method {
        "pfs_v2.API/CreateRepo" => done(&server.ask(
            "pfs.API/CreateRepo",
            &CreateRepoRequest {
                repo: repo(&request["repo"]),
                ..CreateRepoRequest::default()
            },
        )),
        "pfs_v2.API/DeleteRepo" => done(&server.ask(
            "pfs.API/DeleteRepo",
            &DeleteRepoRequest {
                repo: repo(&request["repo"]),
                ..DeleteRepoRequest::default()
            },
        )),
        "pfs_v2.API/StartCommit" => {
            let request = StartCommitRequest {
                parent: Some(Commit {
                    repo: repo(&request["branch"]["repo"]),
                    id: String::new(),
                }),
                branch: text(&request["branch"]["name"]),
                description: text(&request["description"]),
            };
            let reply = server.ask("pfs.API/StartCommit", &request);
            told(&reply, |commits: &[Commit]| json!({"id": commits[0].id}).to_string())
        }
        "pfs_v2.API/FinishCommit" => done(&server.ask(
            "pfs.API/FinishCommit",
            &FinishCommitRequest {
                commit: commit(&request["commit"]),
                description: text(&request["description"]),
                empty: !text(&request["error"]).is_empty(),
            },
        )),
        "pfs_v2.API/InspectCommit" => {
            let request = InspectCommitRequest {
                commit: commit(&request["commit"]),
                block_state: if request["wait"].is_null() { 0 } else { 2 },
            };
            let reply = server.ask("pfs.API/InspectCommit", &request);
            told(&reply, |infos: &[CommitInfo]| info(&infos[0]).to_string())
        }
        "pfs_v2.API/ListCommit" => {
            let request = ListCommitRequest {
                repo: repo(&request["repo"]),
                to: commit(&request["to"]),
                ..ListCommitRequest::default()
            };
            let reply = server.ask("pfs.API/ListCommitStream", &request);
            told(&reply, |infos: &[CommitInfo]| {
                let lines = infos.iter().map(|one| json!({"result": info(one)}).to_string() + "\n");
                lines.collect()
            })
        }
        "pfs_v2.API/DropCommit" => done(&server.ask(
            "pfs.API/DeleteCommit",
            &DeleteCommitRequest {
                commit: commit(&request["commit"]),
            },
        )),
        "pfs_v2.API/CreateBranch" => done(&server.ask(
            "pfs.API/CreateBranch",
            &CreateBranchRequest {
                head: commit(&request["head"]),
                branch: branch(&request["branch"]),
                ..CreateBranchRequest::default()
            },
        )),
        "pfs_v2.API/DeleteBranch" => done(&server.ask(
            "pfs.API/DeleteBranch",
            &DeleteBranchRequest {
                branch: branch(&request["branch"]),
                force: false,
            },
        )),
        "pfs.API/PutFile" => done(&server.ask(
            "pfs.API/PutFile",
            &PutFileRequest {
                file: Some(File {
                    commit: commit(&request["commit"]),
                    path: text(&request["path"]),
                }),
                value: b"x".to_vec().into(),
                ..PutFileRequest::default()
            },
        )),
        _ => unreachable!("no test makes this call of 1.x: {method}"),
    }
}

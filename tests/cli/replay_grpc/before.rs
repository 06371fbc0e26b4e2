//! What was done before an exchange and was not recorded: repos and commits that it needs.

use spoutctl_proto::google::{BytesValue, Empty};
use spoutctl_proto::pfs::{
    AddFile, AddFileSetRequest, Branch, Commit, CommitInfo, CreateFileSetResponse, CreateProjectRequest,
    CreateRepoRequest, DeleteFile, DeleteRepoRequest, FinishCommitRequest, InspectCommitRequest, ModifyFileRequest,
    Project, Repo, StartCommitRequest,
};
use spoutctl_proto::pps::{CreatePipelineV2Request, DeletePipelineRequest, Pipeline};

use super::answers::is_id;
use super::{Exchange, Replay};
use crate::grpc_call::Connection;

/// A path, and what is added to it; `None` deletes it.
type Change<'a> = (&'a str, Option<&'a str>);

fn repo(name: &str) -> Repo {
    Repo {
        name: name.to_owned(),
        r#type: "user".to_owned(),
        project: Some(Project {
            name: "default".to_owned(),
        }),
    }
}

fn branch(repo_name: &str, name: &str) -> Branch {
    Branch {
        repo: Some(repo(repo_name)),
        name: name.to_owned(),
    }
}

/// In the one shape that every release takes.
fn commit(repo_name: &str, branch_name: &str, id: &str) -> Commit {
    Commit {
        repo: Some(repo(repo_name)),
        id: id.to_owned(),
        branch: Some(branch(repo_name, branch_name)),
    }
}

fn change((path, data): &Change<'_>) -> Vec<u8> {
    let path = (*path).to_owned();
    let request = match data {
        Some(data) => ModifyFileRequest {
            add_file: Some(AddFile {
                path,
                raw: Some(BytesValue::from(data.as_bytes().to_vec())),
                ..AddFile::default()
            }),
            ..ModifyFileRequest::default()
        },
        None => ModifyFileRequest {
            delete_file: Some(DeleteFile {
                path,
                ..DeleteFile::default()
            }),
            ..ModifyFileRequest::default()
        },
    };
    prost::Message::encode_to_vec(&request)
}

fn make_repo(server: &Connection, name: &str) {
    let request = CreateRepoRequest {
        repo: Some(repo(name)),
        ..CreateRepoRequest::default()
    };
    server.ask("pfs_v2.API/CreateRepo", &request).ok::<Empty>();
}

fn wait(server: &Connection, commit: Commit) -> String {
    let request = InspectCommitRequest {
        commit: Some(commit),
        wait: 4,
    };
    let info: CommitInfo = server.ask("pfs_v2.API/InspectCommit", &request).one();
    info.commit.unwrap().id
}

/// Makes a commit of its own, waits for it, and gives its id.
fn put(server: &Connection, repo_name: &str, branch_name: &str, changes: &[Change<'_>]) -> String {
    let target = ModifyFileRequest {
        set_commit: Some(commit(repo_name, branch_name, "")),
        ..ModifyFileRequest::default()
    };
    let mut messages = vec![prost::Message::encode_to_vec(&target)];
    messages.extend(changes.iter().map(change));
    server.call("pfs_v2.API/ModifyFile", &[], &messages).ok::<Empty>();
    wait(server, commit(repo_name, branch_name, ""))
}

fn start(server: &Connection, repo_name: &str) -> String {
    let request = StartCommitRequest {
        branch: Some(branch(repo_name, "master")),
        ..StartCommitRequest::default()
    };
    server.ask("pfs_v2.API/StartCommit", &request).one::<Commit>().id
}

/// Finishes the head, and waits for it.
fn finish(server: &Connection, repo_name: &str) {
    let request = FinishCommitRequest {
        commit: Some(commit(repo_name, "master", "")),
        ..FinishCommitRequest::default()
    };
    server.ask("pfs_v2.API/FinishCommit", &request).ok::<Empty>();
    wait(server, commit(repo_name, "master", ""));
}

fn file_set(server: &Connection, changes: &[Change<'_>]) -> String {
    let messages: Vec<Vec<u8>> = changes.iter().map(change).collect();
    let made: CreateFileSetResponse = server.call("pfs_v2.API/CreateFileSet", &[], &messages).one();
    made.file_set_id
}

fn add(server: &Connection, repo_name: &str, id: &str, file_set: &str) {
    let request = AddFileSetRequest {
        commit: Some(commit(repo_name, "master", id)),
        file_set_id: file_set.to_owned(),
    };
    server.ask("pfs_v2.API/AddFileSet", &request).ok::<Empty>();
}

/// The ids in a request that nobody has told yet, in their order.
pub fn untold(replay: &Replay, exchange: &Exchange) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for request in &exchange.requests {
        let text: String = request
            .iter()
            .map(|byte| {
                if byte.is_ascii_hexdigit() || *byte == b'.' {
                    char::from(*byte)
                } else {
                    ' '
                }
            })
            .collect();
        for word in text.split(' ').filter(|word| word.len() >= 32) {
            // A byte before it may look like a digit.
            let id = (0..=word.len() - 32).map(|at| &word[at..]).find(|id| is_id(id));
            let id = id
                .map(str::to_owned)
                .filter(|id| !replay.ids.contains_key(id) && !found.contains(id));
            found.extend(id);
        }
    }
    found
}

impl Replay {
    pub fn learn(&mut self, recorded: &[String], ours: impl IntoIterator<Item = String>) {
        self.ids.extend(recorded.iter().cloned().zip(ours));
    }
}

/// Brings about what an exchange found.
pub fn prepare(replay: &mut Replay, exchange: &Exchange) {
    let ids = untold(replay, exchange);
    match exchange.number {
        101..=164 => commits(replay, exchange.number, &ids),
        171 => {
            make_repo(&replay.main, "gz");
            let [first, second] = [("/a", "one"), ("/b", "two")]
                .map(|(path, data)| put(&replay.main, "gz", "master", &[(path, Some(data))]));
            replay.learn(&ids, [first]);
            replay.ids.insert(SECOND_OF_GZ.to_owned(), second);
        }
        173 => {
            let second = replay.ids.get(SECOND_OF_GZ).cloned();
            replay.learn(&ids, second);
        }
        201 => {
            make_repo(&replay.main, "gt1");
            make_repo(&replay.main, "gt2");
        }
        241..=258 => listed(replay, exchange.number),
        271..=296 => files(replay, exchange.number, &ids),
        301..=338 => file_sets(replay, exchange.number, &ids),
        377 => make_repo(&replay.main, "gplain"),
        412..=428 => squashed(replay, exchange.number, &ids),
        441 => spout(replay),
        461 => {
            make_repo(&replay.main, "gv");
            if replay.is_since(12) {
                let request = CreateProjectRequest {
                    project: Some(Project { name: "gp".to_owned() }),
                    ..CreateProjectRequest::default()
                };
                replay.main.ask("pfs_v2.API/CreateProject", &request).ok::<Empty>();
            }
        }
        481..=486 => lines(replay, exchange.number, &ids),
        _ => {}
    }
}

fn commits(replay: &mut Replay, number: u32, ids: &[String]) {
    let server = &replay.main;
    match number {
        101 => {
            make_repo(server, "gx");
            put(server, "gx", "master", &[("/a", Some("one"))]);
        }
        131 => {
            let made = file_set(server, &[("/late", Some("x"))]);
            replay.learn(ids, [made]);
        }
        141 => {
            make_repo(server, "gy");
            put(server, "gy", "master", &[("/a", Some("one"))]);
        }
        150 => {
            put(server, "gy", "master", &[("/c", None)]);
        }
        _ => {}
    }
}

fn listed(replay: &Replay, number: u32) {
    let server = &replay.main;
    match number {
        241 => {
            make_repo(server, "gs");
            for path in ["/1", "/2", "/3"] {
                put(server, "gs", "master", &[(path, Some("x"))]);
            }
        }
        248 => {
            start(server, "gs");
        }
        257 => finish(server, "gs"),
        _ => {}
    }
}

fn files(replay: &mut Replay, number: u32, ids: &[String]) {
    let server = &replay.main;
    if number == 271 {
        make_repo(server, "gr");
        let first: &[Change<'_>] = &[
            ("/dir/a", Some("one")),
            ("/dir/sub/b", Some("two")),
            ("/empty", Some("")),
            ("/z", Some("zz")),
        ];
        let first = put(server, "gr", "master", first);
        put(
            server,
            "gr",
            "master",
            &[("/dir-x", Some("x")), ("/dir/c", Some("three"))],
        );
        // 287 names it.
        replay.ids.insert(FIRST_OF_GR.to_owned(), first);
    } else if number == 287 {
        let first = replay.ids.get(FIRST_OF_GR).cloned();
        replay.learn(ids, first);
    }
}

/// Where our id of a commit stands until its recorded one is known.
const SECOND_OF_GZ: &str = "second of gz";
const FIRST_OF_GR: &str = "first of gr";
const OF_GU: [&str; 3] = ["first of gu", "second of gu", "third of gu"];

fn file_sets(replay: &mut Replay, number: u32, ids: &[String]) {
    let server = &replay.main;
    let learnt: Vec<String> = match number {
        304 => {
            make_repo(server, "gf");
            vec![start(server, "gf")]
        }
        306 => ["3", "1", "2"]
            .map(|data| file_set(server, &[("/p", Some(data))]))
            .into(),
        307 => {
            finish(server, "gf");
            vec![start(server, "gf")]
        }
        309 | 311 => {
            finish(server, "gf");
            let id = start(server, "gf");
            let changes: &[Change<'_>] = match number {
                309 => &[("/twice", Some("x"))],
                _ => &[("/twice", None), ("/twice", Some("y"))],
            };
            let made = file_set(server, changes);
            add(server, "gf", &id, &made);
            vec![id, made]
        }
        320 | 338 => {
            finish(server, "gf");
            Vec::new()
        }
        337 => vec![start(server, "gf")],
        _ => Vec::new(),
    };
    replay.learn(ids, learnt);
}

fn squashed(replay: &mut Replay, number: u32, ids: &[String]) {
    let server = &replay.main;
    match number {
        412 => {
            make_repo(server, "gu");
            let made = [("/a", "1"), ("/b", "2"), ("/c", "3")]
                .map(|(path, data)| put(server, "gu", "master", &[(path, Some(data))]));
            let names = OF_GU.iter().map(|name| (*name).to_owned());
            replay.ids.extend(names.zip(made));
        }
        // 2.12 is asked for the commits with a file, from the newest on.
        416 | 420 => {
            let third = replay.ids.get(OF_GU[2]).cloned();
            replay.learn(ids, third);
        }
        417 => {
            let first = replay.ids.get(OF_GU[0]).cloned();
            replay.learn(ids, first);
        }
        427 => {
            let request = DeleteRepoRequest {
                repo: Some(repo("gu")),
                force: true,
            };
            assert!(server.ask("pfs_v2.API/DeleteRepo", &request).status == Some((0, String::new())));
            make_repo(server, "gu");
            let [first, _] = ["/a", "/b"].map(|path| put(server, "gu", "master", &[(path, Some("x"))]));
            replay.learn(ids, [first]);
        }
        _ => {}
    }
}

/// A spout with one commit of its own.
fn spout(replay: &Replay) {
    let server = &replay.main;
    let pipeline = Pipeline {
        name: "spout".to_owned(),
        project: None,
    };
    let request = DeletePipelineRequest {
        pipeline: Some(pipeline),
        ..DeletePipelineRequest::default()
    };
    server.ask("pps_v2.API/DeletePipeline", &request).ok::<Empty>();
    let spec = r#"{"pipeline": {"name": "spout"}, "transform": {"cmd": ["sh"], "image": "i"}, "spout": {}}"#;
    if replay.is_since(8) {
        let request = CreatePipelineV2Request {
            create_pipeline_request_json: spec.to_owned(),
            ..CreatePipelineV2Request::default()
        };
        let made = server.ask("pps_v2.API/CreatePipelineV2", &request);
        assert_eq!(made.status, Some((0, String::new())));
    } else {
        let spec = serde_json::from_str(spec).unwrap();
        let request = spoutctl_proto::spec::CREATE_PIPELINE_REQUEST.encode(&spec);
        server.call("pps_v2.API/CreatePipeline", &[], &[request]).ok::<Empty>();
    }
    put(replay.sidecar(), "spout", "master", &[("/a", Some("x"))]);
}

fn lines(replay: &mut Replay, number: u32, ids: &[String]) {
    let server = &replay.main;
    match number {
        481 => {
            make_repo(server, "gw");
            for (name, path) in [("master", "/1"), ("other", "/2"), ("master", "/3")] {
                put(server, "gw", name, &[(path, Some("x"))]);
            }
        }
        484 => {
            start(server, "gw");
        }
        486 => {
            let made = file_set(server, &[("/full", Some("x"))]);
            replay.learn(ids, [made]);
        }
        _ => {}
    }
}

//! `serve --token-file`: who may not use a repo does not get at it by another one either.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::runner::{World, tar};
use crate::served::{Served, post};

/// `eve` owns the repo `hers`, and has nothing to do with `secret`, in which there is a file.
struct Guarded {
    _directory: TempDir,
    served: Served,
    /// The commit of `secret`.
    commit: String,
}

fn guarded() -> Guarded {
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users");
    fs::write(
        &users,
        "pach:root root-token\nuser:eve eve-token repoOwner@default/hers\n",
    )
    .unwrap();
    fs::set_permissions(&users, Permissions::from_mode(0o600)).unwrap();
    let args = ["--token-file", users.to_str().unwrap()];
    let served = Served::over(&directory.path().join("store"), &args);
    let root = World::at(&served.url()).with_token(Some("root-token".to_owned()));
    let archive = tar(&[("f", b"hidden")]);
    let put = |repo: &str| root.run_with(&["put", repo, "--create-repo"], &archive);
    put("hers").expect(0);
    let commits = put("secret").expect(0).commits();
    Guarded {
        _directory: directory,
        served,
        commit: commits[0].rsplit_once('@').unwrap().1.to_owned(),
    }
}

fn repo(name: &str) -> Value {
    json!({"name": name, "type": "user", "project": {"name": "default"}})
}

fn master(name: &str) -> Value {
    json!({"repo": repo(name), "name": "master"})
}

fn ask(served: &Served, token: &str, method: &str, request: &Value) -> (u16, String) {
    post(&served.authority, method, request, Some(token)).unwrap()
}

/// Each of these is about `secret`; those that name a repo beside it name `hers`, where the owner may do everything.
fn requests(commit: &str) -> Vec<(&'static str, Value)> {
    let plain = json!({"repo": repo("secret"), "id": commit, "branch": master("secret")});
    // The commit's own repo counts, whatever its branch is said to be of.
    let by_hers = json!({"repo": repo("secret"), "id": commit, "branch": master("hers")});
    let hers = json!({"repo": repo("hers"), "branch": master("hers")});
    let file = |commit: &Value| json!({"commit": commit, "path": "/f"});
    let reading = |commit: &Value| {
        vec![
            ("pfs_v2.API/InspectCommit", json!({"commit": commit})),
            ("pfs_v2.API/GetFile", json!({"file": file(commit)})),
            ("pfs_v2.API/GetFileTAR", json!({"file": file(commit)})),
            ("pfs_v2.API/InspectFile", json!({"file": file(commit)})),
            ("pfs_v2.API/ListFile", json!({"file": file(commit)})),
            ("pfs_v2.API/WalkFile", json!({"file": file(commit)})),
            ("pfs_v2.API/GlobFile", json!({"commit": commit, "pattern": "/*"})),
            ("pfs_v2.API/DiffFile", json!({"newFile": file(commit)})),
            ("pfs_v2.API/GetFileSet", json!({"commit": commit})),
            ("pfs_v2.API/FinishCommit", json!({"commit": commit})),
            ("pfs_v2.API/ClearCommit", json!({"commit": commit})),
            ("pfs_v2.API/DropCommit", json!({"commit": commit})),
            ("pfs_v2.API/SquashCommit", json!({"commit": commit})),
            ("pfs_v2.API/ModifyFile", json!({"setCommit": commit})),
        ]
    };
    let of_all = [
        ("pfs_v2.API/ListCommit", json!({"repo": repo("secret")})),
        ("pfs_v2.API/ListCommit", json!({"repo": {}})),
        (
            "pfs_v2.API/ListCommit",
            json!({"repo": repo("secret"), "from": hers, "to": plain}),
        ),
        (
            "pfs_v2.API/SubscribeCommit",
            json!({"repo": repo("secret"), "branch": "master", "from": hers}),
        ),
        (
            "pfs_v2.API/DiffFile",
            json!({"newFile": file(&hers), "oldFile": file(&plain)}),
        ),
        ("pfs_v2.API/StartCommit", json!({"branch": master("secret")})),
        (
            "pfs_v2.API/CreateBranch",
            json!({"branch": {"repo": repo("secret"), "name": "b"}}),
        ),
        (
            "pfs_v2.API/CreateBranch",
            json!({"branch": {"repo": repo("hers"), "name": "b"}, "head": plain}),
        ),
        ("pfs_v2.API/ListBranch", json!({"repo": repo("secret")})),
        ("pfs_v2.API/DeleteBranch", json!({"branch": master("secret")})),
        ("pfs_v2.API/DropCommitSet", json!({"commitSet": {"id": commit}})),
        ("pfs_v2.API/SquashCommitSet", json!({"commitSet": {"id": commit}})),
        ("pfs_v2.API/DeleteRepo", json!({"repo": repo("secret")})),
        ("pfs_v2.API/DeleteRepos", json!({"all": true})),
        (
            "pfs_v2.API/DeleteProject",
            json!({"project": {"name": "default"}, "force": true}),
        ),
        (
            "transaction_v2.API/BatchTransaction",
            json!({"requests": [{"deleteRepo": {"repo": repo("secret")}}]}),
        ),
        (
            "metadata.API/EditMetadata",
            json!({"edits": [{"addKey": {"key": "k", "value": "v"}, "repo": {"name": {"name": "secret"}}}]}),
        ),
        ("pps_v2.API/CreateSecret", json!({"file": "e30="})),
        ("pps_v2.API/DeleteSecret", json!({"secret": {"name": "s"}})),
        ("pps_v2.API/ListJob", json!({"pipeline": {"name": "secret"}})),
        (
            "pps_v2.API/InspectJob",
            json!({"job": {"pipeline": {"name": "secret"}, "id": commit}}),
        ),
        (
            "pps_v2.API/StopJob",
            json!({"job": {"pipeline": {"name": "secret"}, "id": commit}}),
        ),
        (
            "pps_v2.API/DeleteJob",
            json!({"job": {"pipeline": {"name": "secret"}, "id": commit}}),
        ),
        ("pps_v2.API/DeletePipeline", json!({"pipeline": {"name": "secret"}})),
        (
            "pps_v2.API/CreatePipeline",
            json!({"pipeline": {"name": "copier"}, "transform": {"image": "i", "cmd": ["c"]},
                "input": {"pfs": {"repo": "secret", "glob": "/*"}}}),
        ),
    ];
    [reading(&plain), reading(&by_hers), of_all.into()].concat()
}

#[test]
fn no_call_about_a_repo_is_allowed_by_another_repo_that_it_names() {
    let Guarded {
        _directory,
        served,
        commit,
    } = guarded();
    for (method, request) in requests(&commit) {
        let (status, text) = ask(&served, "eve-token", method, &request);
        assert_eq!(status, 403, "{method} {request}: {text}");
        assert!(text.contains("user:eve is not authorized"), "{method}: {text}");
        assert!(!text.contains("hidden"), "{method}");
        let (status, text) = post(&served.authority, method, &request, None).unwrap();
        assert_eq!(status, 401, "{method}: {text}");
    }
    // Nothing of it happened.
    let root = World::at(&served.url()).with_token(Some("root-token".to_owned()));
    assert_eq!(root.get("secret:/f"), b"hidden");
    let eve = World::at(&served.url()).with_token(Some("eve-token".to_owned()));
    assert_eq!(eve.get("hers:/f"), b"hidden");
    eve.run_with(&["put", "hers"], &tar(&[("g", b"x")])).expect(0);
}

#[test]
fn all_pipelines_are_deleted_only_by_who_may_delete_each() {
    let Guarded { _directory, served, .. } = guarded();
    let spec = json!({"pipeline": {"name": "spout"}, "transform": {"image": "i", "cmd": ["c"]}, "spout": {}});
    assert_eq!(ask(&served, "root-token", "pps_v2.API/CreatePipeline", &spec).0, 200);
    let delete = |token: &str, request: &Value| ask(&served, token, "pps_v2.API/DeletePipeline", request);
    for request in [json!({"all": true}), json!({"all": true, "pipeline": {"name": "hers"}})] {
        let (status, text) = delete("eve-token", &request);
        assert_eq!(status, 403, "{text}");
        assert!(
            text.contains("needs permissions [REPO_DELETE] on REPO default/spout"),
            "{text}"
        );
    }
    let list = || {
        ask(&served, "root-token", "pps_v2.API/ListPipeline", &json!({}))
            .1
            .lines()
            .count()
    };
    assert_eq!(list(), 1);
    assert_eq!(delete("root-token", &json!({"all": true})).0, 200);
    assert_eq!(list(), 0);
}

/// What it is about may not have been there when it was asked for, and then it asked for nothing.
#[test]
fn what_a_transaction_keeps_has_to_be_allowed_when_it_is_carried_out() {
    let Guarded { _directory, served, .. } = guarded();
    let (_, text) = ask(&served, "eve-token", "transaction_v2.API/StartTransaction", &json!({}));
    let transaction: Value = serde_json::from_str(&text).unwrap();
    let within = |method: &str, request: &Value| {
        let id = transaction["id"].as_str().unwrap();
        let headers = [("authn-token", "eve-token"), ("pach-transaction", id)];
        served.request(
            "POST",
            &format!("/api/pfs_v2.API/{method}"),
            &headers,
            request.to_string().as_bytes(),
        )
    };
    assert_eq!(within("DeleteRepo", &json!({"repo": repo("future")})).status, 200);
    // What it makes itself is the caller's.
    assert_eq!(within("CreateRepo", &json!({"repo": repo("own")})).status, 200);
    assert_eq!(within("StartCommit", &json!({"branch": master("own")})).status, 200);
    let root = World::at(&served.url()).with_token(Some("root-token".to_owned()));
    root.run_with(&["put", "future", "--create-repo"], &tar(&[("f", b"kept")]))
        .expect(0);
    let finish = || {
        ask(
            &served,
            "eve-token",
            "transaction_v2.API/FinishTransaction",
            &json!({"transaction": transaction}),
        )
    };
    let (status, text) = finish();
    assert_eq!(status, 403, "{text}");
    assert!(
        text.contains("needs permissions [REPO_DELETE] on REPO default/future"),
        "{text}"
    );
    assert_eq!(root.get("future:/f"), b"kept");
    let gone = ask(
        &served,
        "root-token",
        "pfs_v2.API/DeleteRepo",
        &json!({"repo": repo("future")}),
    );
    assert_eq!(gone.0, 200, "{}", gone.1);
    let (status, text) = finish();
    assert_eq!(status, 200, "{text}");
}

/// pachd asks for it only where something is changed.
#[test]
fn a_repos_description_is_changed_by_who_may_write_it() {
    let Guarded { _directory, served, .. } = guarded();
    let update = |name: &str, description: &str| {
        let request = json!({"repo": repo(name), "description": description, "update": true});
        ask(&served, "eve-token", "pfs_v2.API/CreateRepo", &request)
    };
    let (status, text) = update("secret", "mine");
    assert_eq!(status, 403, "{text}");
    assert!(text.contains("could not update description of"), "{text}");
    // A repo that is to be made may go without a type.
    let untyped = json!({"repo": {"name": "secret"}, "description": "mine", "update": true});
    let (status, text) = ask(&served, "eve-token", "pfs_v2.API/CreateRepo", &untyped);
    assert_eq!(status, 403, "{text}");
    assert_eq!(update("secret", "").0, 200);
    assert_eq!(update("hers", "mine").0, 200);
    assert_eq!(update("new", "mine").0, 200);
}

#[test]
fn a_file_is_copied_from_where_the_caller_may_read_alone() {
    let Guarded {
        _directory,
        served,
        commit,
    } = guarded();
    let by_hers = json!({"repo": repo("secret"), "id": commit, "branch": master("hers")});
    let into = json!({"setCommit": {"repo": repo("hers"), "branch": master("hers")}});
    let copy = json!({"copyFile": {"dst": "/f", "src": {"commit": by_hers, "path": "/f"}}});
    let body = format!("{into}\n{copy}\n");
    let token = [("authn-token", "eve-token")];
    let answer = served.request("POST", "/api/pfs_v2.API/ModifyFile", &token, body.as_bytes());
    assert_eq!(answer.status, 403, "{}", answer.text());
}

#[test]
fn a_list_of_all_jobs_leaves_those_out_that_the_caller_may_not_see() {
    let Guarded { _directory, served, .. } = guarded();
    let spec = json!({"pipeline": {"name": "copier"}, "transform": {"image": "i", "cmd": ["c"]},
        "input": {"pfs": {"repo": "secret", "glob": "/*"}}});
    let (status, text) = ask(&served, "root-token", "pps_v2.API/CreatePipeline", &spec);
    assert_eq!(status, 200, "{text}");
    let root = World::at(&served.url()).with_token(Some("root-token".to_owned()));
    root.run_with(&["put", "secret"], &tar(&[("g", b"x")])).expect(0);
    let told = |token, call: &str, request: &Value| {
        let (status, text) = ask(&served, token, call, request);
        assert_eq!(status, 200, "{text}");
        text
    };
    let all = told("root-token", "pps_v2.API/ListJob", &json!({}));
    let job: Value = serde_json::from_str(all.lines().next().expect("a job")).unwrap();
    let set = json!({"jobSet": {"id": job.pointer("/result/job/id").expect("its id")}});
    for (call, request) in [
        ("pps_v2.API/ListJob", json!({})),
        ("pps_v2.API/ListJobSet", json!({})),
        ("pps_v2.API/InspectJobSet", set),
    ] {
        assert!(told("root-token", call, &request).lines().count() > 0, "{call}");
        assert_eq!(told("eve-token", call, &request), "", "{call}");
    }
}

//! `serve --pachyderm RELEASE` as a whole: what is refused, and that the verbs work against each release.

use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs::{
    Branch, Commit, CommitInfo, CommitSet, CommitSetRequest, CreateRepoRequest, FinishCommitRequest,
    InspectCommitRequest, RemoveCommitRequest, Repo, StartCommitRequest,
};

use crate::grpc_call::{Connection, Reply};
use crate::runner::{World, fixture_bytes};
use crate::served::Served;

const RELEASES: &[&str] = &["2.0", "2.3", "2.5", "2.6", "2.7", "2.8", "2.10", "2.12"];

/// gRPC's code of what would do harm.
const INTERNAL: i32 = 13;

fn served(release: &str) -> (tempfile::TempDir, Served) {
    let directory = tempfile::tempdir().unwrap();
    let served = Served::over(&directory.path().join("store"), &["--pachyderm", release]);
    (directory, served)
}

fn repo() -> Repo {
    Repo {
        name: "events".to_owned(),
        r#type: "user".to_owned(),
        project: None,
    }
}

fn master() -> Branch {
    Branch {
        repo: Some(repo()),
        name: "master".to_owned(),
    }
}

fn inspect(server: &Connection, commit: Commit, wait: i32) -> Reply {
    let request = InspectCommitRequest {
        commit: Some(commit),
        wait,
    };
    server.ask("pfs_v2.API/InspectCommit", &request)
}

#[track_caller]
fn assert_harmful(reply: &Reply, why: &str) {
    let (code, text) = reply.status.as_ref().unwrap();
    assert_eq!(*code, INTERNAL, "{text}");
    assert!(
        text.starts_with("this would do harm to a pachd ") && text.contains(why),
        "{text}"
    );
}

#[test]
fn what_would_do_harm_to_a_pachd_before_2_6_is_refused() {
    for release in ["2.0", "2.3", "2.5"] {
        let (_directory, served) = served(release);
        let pachd = Connection::to(&served.authority);
        let make = CreateRepoRequest {
            repo: Some(repo()),
            ..CreateRepoRequest::default()
        };
        pachd.ask("pfs_v2.API/CreateRepo", &make).ok::<Empty>();
        let start = StartCommitRequest {
            branch: Some(master()),
            ..StartCommitRequest::default()
        };
        let started: Commit = pachd.ask("pfs_v2.API/StartCommit", &start).one();
        let named = Commit {
            branch: Some(master()),
            ..started.clone()
        };
        let unnamed = Commit {
            repo: Some(repo()),
            branch: None,
            ..started.clone()
        };
        assert_harmful(&inspect(&pachd, unnamed, 0), "named within a branch");
        // As pachctl of the release does for `events@ID` and `events@master`.
        for id in [started.id.as_str(), "master"] {
            let within = Commit {
                repo: None,
                branch: Some(Branch {
                    name: String::new(),
                    ..master()
                }),
                id: id.to_owned(),
            };
            let found = inspect(&pachd, within, 0).one::<CommitInfo>();
            assert_eq!(found.commit.unwrap().id, started.id);
        }
        let give_up = FinishCommitRequest {
            commit: Some(named.clone()),
            error: "given up".to_owned(),
            ..FinishCommitRequest::default()
        };
        pachd.ask("pfs_v2.API/FinishCommit", &give_up).ok::<Empty>();
        let drop = CommitSetRequest {
            commit_set: Some(CommitSet { id: started.id }),
        };
        assert_harmful(&pachd.ask("pfs_v2.API/DropCommitSet", &drop), "before it is finished");
        if release == "2.5" {
            let alone = RemoveCommitRequest {
                commit: Some(named.clone()),
                ..RemoveCommitRequest::default()
            };
            assert_harmful(&pachd.ask("pfs_v2.API/DropCommit", &alone), "before it is finished");
        }
        inspect(&pachd, named, 4).one::<CommitInfo>();
        pachd.ask("pfs_v2.API/DropCommitSet", &drop).ok::<Empty>();
    }
}

#[test]
fn archives_become_commits_and_are_read_again_on_every_release() {
    for release in RELEASES {
        let (_directory, served) = served(release);
        let world = World::at(&format!("grpc://{}", served.authority));
        let put = ["put", "events", "--create-repo", "--stream", "s", "--resume"];
        let input = fixture_bytes("archives/three.tar");
        let commits = world.run_with(&put, &input).expect(0).commits();
        assert_eq!(commits.len(), 3, "{release}");
        // They are there already.
        world.run_with(&put, &input).expect(0);
        let (_, last) = commits[2].rsplit_once('@').unwrap();
        let followed = world.run(&["tail", "events", "--until", last]);
        assert_eq!(followed.expect(0).commits().len(), 3, "{release}");
        assert!(!world.get("events:/offset").is_empty(), "{release}");
        assert!(!served.said().contains("would do harm"), "{}", served.said());
    }
}

#[test]
fn a_bad_message_goes_into_another_repo_on_every_release() {
    for release in RELEASES {
        let (_directory, served) = served(release);
        let world = World::at(&format!("grpc://{}", served.authority));
        world.run(&["put", "bad", "--create-repo"]).expect(0);
        let put = "put events --create-repo --json --messages ndjson --into f --on-bad repo=bad";
        let put: Vec<&str> = put.split(' ').collect();
        let json = world.run_with(&put, b"1\nno json\n2\n").expect(0).json();
        let place = json[0]["messages"]["listed"][0]["file"].as_str().unwrap();
        assert_eq!(world.get(place), b"no json", "{release}");
        assert_eq!(world.get("events:/f"), b"1\n2\n", "{release}");
        let (_, id) = place.split_once(':').unwrap();
        assert!(id.starts_with("/000000000002-"), "{release}: {place}");
        let aside = world.run(&["tail", "bad", "-e", "--json"]).expect(0).json();
        assert_eq!(aside.last().unwrap()["commit"], json[0]["commit"], "{release}");
        assert!(!served.said().contains("would do harm"), "{}", served.said());
    }
}

#[test]
fn without_transactions_a_bad_message_goes_into_no_other_repo_and_that_is_said_before() {
    let (_directory, served) = served("1.13");
    let world = World::at(&format!("grpc://{}", served.authority));
    let put = "put events --create-repo --messages ndjson --into f --on-bad repo=bad";
    let put: Vec<&str> = put.split(' ').collect();
    world
        .run_with(&put, b"1\nno json\n")
        .expect(4)
        .says("--on-bad quarantine=DIR");
}

#[test]
fn a_release_that_nobody_has_recorded_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let ran = World::local().run(&["serve", store.to_str().unwrap(), "--pachyderm", "2.4"]);
    ran.expect(2)
        .says("nobody has recorded what a pachd 2.4.0 answers")
        .says("2.3, 2.5, 2.6");
    assert!(!store.exists());
}

#[test]
fn a_pachd_without_a_gateway_says_so_over_http() {
    let (_directory, served) = served("2.3");
    let answer = served.call("pfs_v2.API/ListRepo", &serde_json::json!({}));
    assert_eq!(answer.status, 404);
    assert!(
        answer.text().contains("pachd 2.3.9 has no HTTP gateway"),
        "{}",
        answer.text()
    );
}

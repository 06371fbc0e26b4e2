//! Every method of the ports against what pachd answered to that very request.

use std::io::Read;
use std::ops::ControlFlow;
use std::time::Duration;

use super::scripted::{Recording, Server, answer, json, play};
use super::{
    List, branch, commit, recorded_add, recorded_commit, recorded_file, recorded_file_set, recorded_file_sets,
    recorded_request, repo,
};
use crate::connection::token::Token;
use crate::gateway::Gateway;
use crate::pachd::Pachd as _;
use crate::v2::tests::{assert_nothing_is_done, elsewhere};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::history::{CommitHistory, newest_good_commit};
use spoutctl_core::pfs::{Commit, FileKind, FilePath, PipelineKind};
use spoutctl_core::pipelines::Pipelines;
use spoutctl_core::sink::{Change, CommitSink};
use spoutctl_core::source::{ChangeKind, FileSource};

fn read(mut reader: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

/// What `diff_files` shows of the exchange that was recorded: path, kind, size before and after.
fn changes_in(gateway: &Gateway, label: &str) -> Result<Vec<(String, ChangeKind, u64, u64)>, Fault> {
    let request = recorded_request(label);
    let new = request.get("newFile").or(request.get("file")).unwrap();
    let old = request.get("oldFile").map(|file| recorded_commit(&file["commit"]));
    let mut shown = Vec::new();
    gateway.diff_files(&recorded_commit(&new["commit"]), old.as_ref(), &mut |change| {
        shown.push((
            change.path.to_string(),
            change.kind,
            change.old_size_bytes,
            change.size_bytes,
        ));
        ControlFlow::Continue(())
    })?;
    Ok(shown)
}

fn names_in(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect()
}

#[test]
fn an_archive_becomes_a_commit_in_the_calls_of_the_protocol() {
    let (gateway, played) = play(&["p 086", "p 002", "p 003", "p 005", "p 006"]);
    let mark = "spoutctl/1 stream=s seq=1 sha256=00";
    let file_set = gateway
        .create_file_set(&mut List::new(&[
            Change::Delete { path: "/big" },
            Change::Append {
                path: "/big",
                data: "one".into(),
            },
        ]))
        .unwrap();
    assert!(file_set.0.starts_with("3da5a9bb8baa0a05f294581d3e6a6c03."));
    let id = gateway.start_commit(&branch("ev", "master"), mark).unwrap();
    let commit = Commit {
        repo: repo("ev"),
        branch: branch("ev", "master").name,
        id,
    };
    let in_recording = recorded_file_set("p 003");
    gateway.add_file_set(&commit, &in_recording).unwrap();
    gateway.finish_commit(&commit, &format!("{mark} done"), None).unwrap();
    let info = gateway.wait_commit(&commit, Duration::from_secs(5)).unwrap();
    assert!(info.is_good());
    assert_eq!(info.description, format!("{mark} done"));
    assert_eq!(info.size_bytes, 3);
    assert_eq!(info.commit, commit, "the branch is kept though 2.12 leaves it out");
    played.check();
}

#[test]
fn an_open_commit_and_one_finished_with_an_error_are_told_apart() {
    let (gateway, played) = play(&["http 050", "follow 022", "follow 023"]);
    let open = commit("events", None, "0cbcc986a246400083d517962f9e5a02");
    let info = gateway.inspect_commit(&open).unwrap();
    assert!(info.is_open() && !info.is_good());
    assert_eq!(info.parent.unwrap().id.as_str(), "2a77b1695713432eaf2fcfc09ef00c83");
    let mirror = commit("mirror", None, "4a84ada7440f4ab78dd1ef16118fe65e");
    gateway.finish_commit(&mirror, "", Some("given up")).unwrap();
    let info = gateway.wait_commit(&mirror, Duration::from_secs(5)).unwrap();
    assert_eq!(
        (info.error.as_str(), info.is_good(), info.is_open()),
        ("given up", false, false)
    );
    played.check();
}

#[test]
fn file_sets_are_renewed_joined_and_known_to_be_gone() {
    let (gateway, played) = play(&["http 061", "p 088", "http 064", "gateway 003", "gateway 004"]);
    let set = recorded_file_set("http 061");
    gateway.renew_file_set(&set, Duration::from_mins(10)).unwrap();
    let parts = recorded_file_sets("p 088");
    let whole = gateway.compose_file_set(&parts, Duration::from_mins(10)).unwrap();
    assert!(whole.0.starts_with("8474b22422a8ad8762f1d9a8a131261e."));
    let (of, gone) = recorded_add("http 064");
    let fault = gateway.add_file_set(&of, &gone).unwrap_err();
    assert_eq!(fault.kind, FaultKind::FileSetGone, "{fault}");
    let gone = recorded_file_set("gateway 003");
    let ttl = Duration::from_mins(10);
    assert_eq!(
        gateway.renew_file_set(&gone, ttl).unwrap_err().kind,
        FaultKind::FileSetGone
    );
    let fault = gateway.compose_file_set(&[gone], ttl).unwrap_err();
    assert_eq!(fault.kind, FaultKind::FileSetGone);
    assert!(fault.message.starts_with("ComposeFileSet: "), "{fault}");
    played.check();
}

#[test]
fn a_repo_is_there_or_not_and_is_made_once() {
    let (gateway, played) = play(&["http 010", "http 011", "http 007", "http 008", "gateway 021"]);
    assert!(gateway.repo_exists(&repo("events")).unwrap());
    assert!(!gateway.repo_exists(&repo("nope")).unwrap());
    gateway.create_repo(&repo("events")).unwrap();
    let again = gateway.create_repo(&repo("events")).unwrap_err();
    assert_eq!(again.kind, FaultKind::AlreadyExists);
    let mut elsewhere = repo("x");
    elsewhere.project = spoutctl_core::pfs::ProjectName::new("noproj").unwrap();
    assert_eq!(gateway.create_repo(&elsewhere).unwrap_err().kind, FaultKind::NotFound);
    played.check();
}

#[test]
fn a_branch_that_is_missing_is_none_and_a_missing_repo_is_not_found() {
    let (gateway, played) = play(&["http 078", "http 079", "gateway 001", "http 107"]);
    let info = gateway.inspect_branch(&branch("events", "master")).unwrap().unwrap();
    assert_eq!(info.head.unwrap().id.as_str(), "98f4b8d8d2e14c79983aba22dee87f28");
    assert!(!info.has_provenance);
    assert_eq!(gateway.inspect_branch(&branch("events", "nope")).unwrap(), None);
    let fault = gateway.inspect_branch(&branch("nope", "master")).unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    let spout = gateway.inspect_branch(&branch("my-spout", "master")).unwrap().unwrap();
    assert!(spout.has_provenance, "a pipeline's output");
    played.check();
}

#[test]
fn a_pipeline_is_known_by_its_kind() {
    let (gateway, played) = play(&["gateway 023", "gateway 024"]);
    let kind = gateway.pipeline_kind(&repo("gwrec-spout")).unwrap();
    assert_eq!(kind, Some(PipelineKind::Spout));
    assert_eq!(gateway.pipeline_kind(&repo("nope")).unwrap(), None);
    played.check();
}

#[test]
fn a_branch_is_listed_head_first_and_no_further_than_asked() {
    let (gateway, played) = play(&["follow 006", "follow 006"]);
    let mut ids = Vec::new();
    let all = &mut |info: spoutctl_core::pfs::CommitInfo| {
        ids.push((info.commit.id, info.parent.map(|parent| parent.id)));
        ControlFlow::Continue(())
    };
    gateway.list_commits(&branch("mirror", "master"), all).unwrap();
    assert_eq!(ids.len(), 5);
    assert_eq!(ids[0].0.as_str(), "b1cec61228ca4bc9a6d10b7fd94c696d");
    for pair in ids.windows(2) {
        assert_eq!(
            pair[0].1.as_ref(),
            Some(&pair[1].0),
            "each is the parent of the one before"
        );
    }
    let mut count = 0;
    let two = &mut |_| {
        count += 1;
        if count == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    gateway.list_commits(&branch("mirror", "master"), two).unwrap();
    assert_eq!(count, 2);
    played.check();
}

#[test]
fn a_missing_branch_has_no_commits_and_a_missing_repo_is_said() {
    let (gateway, played) = play(&["gateway 002", "gateway 020"]);
    let found = newest_good_commit(&gateway, &branch("gwrec", "nope")).unwrap();
    assert_eq!(found, None);
    let fault = newest_good_commit(&gateway, &branch("nope", "master")).unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(fault.message.contains("repo default/nope not found"), "{fault}");
    played.check();
}

#[test]
fn a_visitor_may_ask_the_gateway_itself() {
    let listing = Recording::load("follow 006").response();
    let inspected = Recording::load("http 010").response();
    let server = Server::answering([listing, inspected]);
    let gateway = server.gateway();
    let mut exists = false;
    let visit = &mut |_| {
        exists = gateway.repo_exists(&repo("events")).unwrap();
        ControlFlow::Break(())
    };
    gateway.list_commits(&branch("mirror", "master"), visit).unwrap();
    assert!(exists);
}

#[test]
fn refusals_to_start_and_finish_say_what_the_domain_must_know() {
    let (gateway, played) = play(&["http 106", "p 019", "gateway 022"]);
    let fault = gateway.start_commit(&branch("my-spout", "master"), "").unwrap_err();
    assert_eq!(fault.kind, FaultKind::OutputBranch);
    let dropped = commit("ev", Some("master"), "7714b08ced514a96998009c3f69effb5");
    let fault = gateway.finish_commit(&dropped, "", None).unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    let fault = gateway.start_commit(&branch("nope", "master"), "m").unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    played.check();
}

#[test]
fn an_open_head_and_a_finished_commit_are_told_by_their_words() {
    for (label, kind) in [
        ("http 047", FaultKind::HeadOpen),
        ("http 053", FaultKind::AlreadyFinished),
        ("auth 011", FaultKind::Denied),
        ("auth 024", FaultKind::Denied),
        ("http 006", FaultKind::Refused),
    ] {
        let server = Server::answering([Recording::load(label).response()]);
        let fault = server
            .gateway()
            .start_commit(&branch("events", "master"), "")
            .unwrap_err();
        assert_eq!(fault.kind, kind, "{label}: {fault}");
        assert!(fault.message.starts_with("StartCommit: "), "{fault}");
        assert!(!fault.message.contains("stack trace"), "{fault}");
    }
}

#[test]
fn a_commit_set_is_dropped_by_its_id() {
    let (gateway, played) = play(&["p 017", "gateway 011"]);
    let dropped = commit("proto", None, "7714b08ced514a96998009c3f69effb5");
    gateway.drop_commit(&dropped).unwrap();
    gateway.drop_commit(&dropped).unwrap();
    played.check();
}

#[test]
fn a_file_comes_back_byte_for_byte_and_an_empty_one_as_nothing() {
    let (gateway, played) = play(&["p 093", "gateway 009", "gateway 010"]);
    let big = commit("co", Some("master"), "a7b6d675de8e40fd99000b63815d7f79");
    let file = gateway.get_file(&big, &FilePath::new("/big").unwrap()).unwrap();
    assert_eq!(read(file), b"onetwo");
    let (of, _) = recorded_file("gateway 009");
    let file = gateway.get_file(&of, &FilePath::new("/a\\b").unwrap()).unwrap();
    assert_eq!(read(file), b"x", "a backslash is no escape");
    let file = gateway.get_file(&of, &FilePath::new("/empty").unwrap()).unwrap();
    assert_eq!(read(file), b"");
    played.check();
}

#[test]
fn what_is_not_there_is_not_found_before_anything_is_read() {
    let (gateway, played) = play(&["gateway 007", "follow 027"]);
    let (of, path) = recorded_file("gateway 007");
    let refused = gateway.get_file(&of, &path).err().unwrap();
    assert_eq!(refused.kind, FaultKind::Refused, "a directory: {refused}");
    let (of, path) = recorded_file("follow 027");
    let none = gateway.get_file(&of, &path).err().unwrap();
    assert_eq!(none.kind, FaultKind::NotFound);
    played.check();
}

#[test]
fn a_directory_comes_as_one_archive_of_its_own_tree() {
    let (gateway, played) = play(&["gateway 013", "follow 015", "gateway 015"]);
    let (of, path) = recorded_file("gateway 013");
    let archive = read(gateway.get_file_tar(&of, &path).unwrap());
    assert_eq!(
        names_in(&archive),
        ["/d/", "/d/e/", "/d/e/f/", "/d/e/f/z", "/d/e/y", "/d/x"]
    );
    assert!(archive.ends_with(&[0; 1024]), "with its end marker");
    let (of, _) = recorded_file("follow 015");
    let archive = read(gateway.get_file_tar(&of, &FilePath::root()).unwrap());
    assert!(
        names_in(&archive)
            .iter()
            .all(|name| name != "/" && name.starts_with('/'))
    );
    let (empty, _) = recorded_file("gateway 015");
    let none = gateway.get_file_tar(&empty, &FilePath::root()).err().unwrap();
    assert_eq!(none.kind, FaultKind::NotFound);
    played.check();
}

#[test]
fn a_path_is_a_file_a_directory_or_nothing() {
    let (gateway, played) = play(&["gateway 016", "gateway 017", "gateway 018", "gateway 019"]);
    let (of, path) = recorded_file("gateway 016");
    let info = gateway.inspect_file(&of, &path).unwrap().unwrap();
    assert_eq!((info.kind, info.size_bytes), (FileKind::Directory, 3));
    let (of, path) = recorded_file("gateway 017");
    let info = gateway.inspect_file(&of, &path).unwrap().unwrap();
    assert_eq!((info.kind, info.size_bytes), (FileKind::File, 1));
    let (of, path) = recorded_file("gateway 018");
    assert_eq!(gateway.inspect_file(&of, &path).unwrap(), None);
    let (of, path) = recorded_file("gateway 019");
    assert_eq!(gateway.inspect_file(&of, &path).unwrap_err().kind, FaultKind::NotFound);
    played.check();
}

#[test]
fn the_root_of_a_commit_is_there_even_when_the_commit_is_empty() {
    let (gateway, played) = play(&["http 050"]);
    let of = commit("events", None, "0cbcc986a246400083d517962f9e5a02");
    let root = gateway.inspect_file(&of, &FilePath::root()).unwrap().unwrap();
    assert_eq!((root.kind, root.size_bytes), (FileKind::Directory, 0));
    played.check();
}

#[test]
fn a_probe_tells_the_version_and_a_stranger_is_named() {
    let server = Server::answering([
        json(r#"{"major":2, "minor":12, "micro":1, "additional":"-rc.1"}"#),
        answer("404 Not Found", "Content-Type: text/plain\r\n", "404 page not found\n"),
    ]);
    let gateway = server.gateway();
    assert_eq!(gateway.version().unwrap(), "2.12.1-rc.1");
    let fault = gateway.version().unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused);
    assert!(
        fault
            .message
            .contains("not a pachd gateway: HTTP 404, text/plain, \"404 page not found\""),
        "{fault}"
    );
}

#[test]
fn an_answer_without_what_was_asked_for_is_unknown_never_a_success() {
    for body in ["", "{", "{}", r#"{"id":"nonsense"}"#, "[]", "null"] {
        let server = Server::answering([json(body)]);
        let fault = server.gateway().start_commit(&branch("ev", "master"), "").unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unknown, "{body}: {fault}");
    }
    let server = Server::answering([json("{}")]);
    let fault = server.gateway().create_file_set(&mut List::new(&[])).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unknown);
}

#[test]
fn what_a_token_lacks_is_asked_before_anything_is_uploaded() {
    for (name, missing) in [("auth 018", vec!["REPO_READ", "REPO_WRITE"]), ("auth 020", Vec::new())] {
        let recording = Recording::load(name);
        let server = Server::answering([recording.response()]);
        let gateway = server.gateway_with_token("hunter2");
        assert_eq!(gateway.missing_permissions(&repo("events")).unwrap(), missing);
        let asked: serde_json::Value = serde_json::from_slice(&server.seen()[0].body).unwrap();
        assert_eq!(
            asked,
            serde_json::from_str::<serde_json::Value>(&recording.request).unwrap()
        );
    }
}

#[test]
fn where_auth_is_off_no_permission_is_missing() {
    let server = Server::answering([Recording::load("http 005").response()]);
    let missing = server
        .gateway_with_token("hunter2")
        .missing_permissions(&repo("events"));
    assert_eq!(missing, Ok(Vec::new()));
}

#[test]
fn a_spec_is_tried_without_being_created() {
    let spec = r#"{"pipeline": {"name": "other"}, "transform": {"cmd": ["y"]}, "spout": {}}"#;
    let (gateway, played) = play(&["http 094"]);
    let effective = gateway.try_pipeline(spec).unwrap().unwrap();
    assert!(effective.contains(r#""datumTries":"3""#), "{effective}");
    played.check();
}

#[test]
fn a_refusal_of_a_spec_is_an_answer_and_anything_else_a_fault() {
    let server = Server::answering([
        Recording::load("http 096").response(),
        Recording::load("http 097").response(),
        answer(
            "404 Not Found",
            "Content-Type: application/json\r\n",
            r#"{"code":5,"message":"Not Found","details":[]}"#,
        ),
        answer("404 Not Found", "Content-Type: text/plain\r\n", "404 page not found\n"),
        answer("200 OK", "Content-Type: text/html\r\n", "<html>"),
    ]);
    let gateway = server.gateway();
    let refused = gateway.try_pipeline("{}").unwrap().unwrap_err();
    assert_eq!(refused, "CreatePipelineV2: request.Pipeline cannot be nil");
    let refused = gateway.try_pipeline("{}").unwrap().unwrap_err();
    assert!(refused.contains("unknown field \"foo\""), "{refused}");
    let older = gateway.try_pipeline("{}").unwrap_err();
    assert!(older.message.contains("older Pachyderm"), "{older}");
    for _ in 0..2 {
        assert_eq!(gateway.try_pipeline("{}").unwrap_err().kind, FaultKind::Refused);
    }
}

#[test]
fn the_changes_of_a_commit_are_its_files_without_directories() {
    let labels = ["follow 009", "follow 010", "follow 011", "follow 012"];
    let (gateway, played) = play(&labels);
    let shown = labels.map(|label| changes_in(&gateway, label).unwrap());
    let file = |path: &str, kind, old, new| (path.to_owned(), kind, old, new);
    assert_eq!(
        shown,
        [
            vec![
                file("/a", ChangeKind::Changed, 4, 4),
                file("/d/b", ChangeKind::Changed, 4, 9),
            ],
            vec![
                file("/d/c", ChangeKind::Deleted, 6, 0),
                file("/e", ChangeKind::Added, 0, 5),
            ],
            vec![file("/d/b", ChangeKind::Deleted, 9, 0)],
            vec![],
        ]
    );
    played.check();
}

#[test]
fn any_two_commits_are_compared_by_their_bytes() {
    let labels = ["gateway 025", "gateway 026", "gateway 027"];
    let (gateway, played) = play(&labels);
    let [over_errored, backwards, same_bytes] = labels.map(|label| changes_in(&gateway, label).unwrap());
    let file = |path: &str, kind, old, new| (path.to_owned(), kind, old, new);
    let expected = [
        file("/a", ChangeKind::Deleted, 1, 0),
        file("/d/b", ChangeKind::Changed, 2, 3),
        file("/e", ChangeKind::Deleted, 1, 0),
        file("/e/f", ChangeKind::Added, 0, 0),
    ];
    assert_eq!(over_errored, expected);
    let kinds: Vec<_> = backwards
        .iter()
        .map(|(path, kind, ..)| (path.as_str(), *kind))
        .collect();
    assert_eq!(
        kinds,
        [
            ("/a", ChangeKind::Added),
            ("/d/b", ChangeKind::Changed),
            ("/e", ChangeKind::Added),
            ("/e/f", ChangeKind::Deleted)
        ]
    );
    assert_eq!(same_bytes, []);
    played.check();
}

#[test]
fn without_an_older_commit_every_file_is_an_added_one() {
    let (gateway, played) = play(&["gateway 028", "gateway 029"]);
    let shown = changes_in(&gateway, "gateway 028").unwrap();
    let file = |path: &str, size| (path.to_owned(), ChangeKind::Added, 0, size);
    assert_eq!(shown, [file("/d/b", 3), file("/e/f", 0)]);
    assert_eq!(changes_in(&gateway, "gateway 029").unwrap(), []);
    played.check();
}

#[test]
fn commits_that_cannot_be_compared_are_a_fault_and_no_empty_list() {
    let (gateway, played) = play(&["p 066", "gateway 030"]);
    let fault = changes_in(&gateway, "p 066").unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused);
    let fault = changes_in(&gateway, "gateway 030").unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    played.check();
}

#[test]
fn a_listing_of_changes_that_breaks_off_is_a_fault() {
    let recorded = Recording::load("gateway 025");
    for cut in [1, 40] {
        let mut cut_short = recorded.clone();
        cut_short.answer.truncate(recorded.answer.len() - cut);
        let server = Server::answering([cut_short.response()]);
        let outcome = changes_in(&server.gateway(), "gateway 025");
        // A last line without its newline is whole; one without its end is not.
        assert_eq!(outcome.is_ok(), cut == 1, "{cut}");
    }
}

#[test]
fn nothing_is_done_at_a_deployment_that_is_not_the_one_that_is_meant() {
    let another = || json(r#"{"id":"c1", "deploymentId":"another"}"#);
    let server = Server::answering((0..64).map(|_| another()));
    let mut options = server.options();
    options.token = Some(Token::new("hunter2").unwrap());
    options.expected = Some(elsewhere());
    let calls = assert_nothing_is_done(&Gateway::new(options).unwrap());
    let seen = server.seen();
    assert_eq!(seen.len(), calls);
    assert!(seen.iter().all(|seen| seen.path == "/api/admin_v2.API/InspectCluster"));
}

#[test]
fn the_deployment_that_is_meant_is_asked_for_once() {
    let meant = r#"{"id":"c1", "deploymentId":"the-one-that-is-meant"}"#;
    let started = || Recording::load("p 002").response();
    let server = Server::answering([json(meant), started(), started()]);
    let mut options = server.options();
    options.expected = Some(elsewhere());
    let gateway = Gateway::new(options).unwrap();
    for _ in 0..2 {
        gateway.start_commit(&branch("ev", "master"), "").unwrap();
    }
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn an_older_pachd_is_not_sent_a_spec_as_a_message_through_its_gateway() {
    let none = r#"{"code":12, "message":"unknown method CreatePipelineV2", "details":[]}"#;
    let server = Server::answering([answer("501 No", "Content-Type: application/json\r\n", none)]);
    let how = spoutctl_core::pipelines::Submission {
        update: false,
        reprocess: false,
    };
    let fault = server.gateway().submit_pipeline("{}", how).unwrap_err();
    assert!(fault.message.contains("older Pachyderm"), "{fault}");
    assert_eq!(server.seen().len(), 1);
}

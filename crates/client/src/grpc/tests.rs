//! The client on a server that plays recordings, and on one that does wrong.

mod releases;
mod scripted;
mod transport;

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use prost::Message as _;

use self::scripted::{Answer, Recording, Scripted, recording};
use super::*;
use crate::v2::tests::{assert_nothing_is_done, elsewhere};
use spoutctl_core::pfs::{BranchName, PipelineKind};
use spoutctl_core::sink::{Change, MAX_CHUNK};
use spoutctl_proto::admin::ClusterInfo;
use spoutctl_proto::spec::CREATE_PIPELINE_REQUEST;

fn branch() -> Branch {
    "gmore".parse::<spoutctl_core::pfs::Destination>().unwrap().branch
}

fn commit(id: &str) -> Commit {
    Commit {
        repo: branch().repo,
        branch: BranchName::new("master").unwrap(),
        id: CommitId::new(id).unwrap(),
    }
}

fn options(server: &Scripted) -> GrpcOptions {
    let mut options = GrpcOptions::new(format!("grpc://{}", server.address).parse().unwrap());
    options.times.call = Duration::from_secs(2);
    options.times.idle = Duration::from_secs(2);
    options
}

/// The version, which is asked first, and then these.
fn serving(answers: Vec<Answer>) -> (Scripted, Grpc) {
    let version = recording("grpc-2.12", "001").answer;
    let server = Scripted::start([vec![version], answers].concat());
    let grpc = Grpc::new(options(&server)).unwrap();
    (server, grpc)
}

struct Listed(Vec<(Option<&'static str>, &'static str)>);

impl Changes for Listed {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        Ok(Some(match self.0.remove(0) {
            (None, path) => Change::Delete { path },
            (Some("error"), _) => return Err(io::Error::other("the disk is gone")),
            (Some(data), path) => Change::Append {
                path,
                data: data.into(),
            },
        }))
    }
}

/// What a recorded request says, whatever the order in which its fields were written.
fn sorted(messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut messages = messages.to_vec();
    for message in &mut messages {
        message.sort_unstable();
    }
    messages
}

/// Makes one call that was recorded: what is sent is what was sent then.
fn play<T>(number: &str, call: impl FnOnce(&Grpc) -> T) -> T {
    let Recording { path, requests, answer } = recording("grpc-2.12", number);
    let (server, grpc) = serving(vec![answer]);
    let result = call(&grpc);
    let seen = server.wait_for(2).remove(1);
    assert_eq!(seen.path, path, "{number}");
    assert_eq!(sorted(&seen.messages), sorted(&requests), "{number}");
    assert!(seen.is_whole);
    result
}

const WRITTEN: &str = "178c44f086034d548c3262f04cf4f1b1";

#[test]
fn an_archive_becomes_a_commit_by_the_calls_that_were_recorded() {
    let one = play("064", |grpc| {
        grpc.create_file_set(&mut Listed(vec![(None, "/big"), (Some("one"), "/big")]))
            .unwrap()
    });
    let two = play("065", |grpc| {
        grpc.create_file_set(&mut Listed(vec![(Some("two"), "/big")])).unwrap()
    });
    let both = play("066", |grpc| {
        grpc.compose_file_set(&[one, two], Duration::from_mins(10)).unwrap()
    });
    let mark = "spoutctl/1 stream=s seq=1 sha256=00";
    let id = play("067", |grpc| grpc.start_commit(&branch(), mark).unwrap());
    assert_eq!(id.as_str(), WRITTEN);
    let commit = commit(WRITTEN);
    play("068", |grpc| grpc.add_file_set(&commit, &both).unwrap());
    let done = format!("{mark} done");
    play("069", |grpc| grpc.finish_commit(&commit, &done, None).unwrap());
    let info = play("070", |grpc| grpc.wait_commit(&commit, Duration::from_secs(2)).unwrap());
    assert!(info.is_good());
    assert_eq!((info.description.as_str(), info.size_bytes), (done.as_str(), 12));
    play("080", |grpc| {
        grpc.drop_commit(&self::commit("ee5a60c2442e492babab819dba1e36f3"))
            .unwrap();
    });
    let given_up = self::commit("6999ce823573413ea012a31993238677");
    play("083", |grpc| {
        grpc.finish_commit(&given_up, "m given-up", Some("given up")).unwrap();
    });
    let info = play("084", |grpc| {
        grpc.wait_commit(&given_up, Duration::from_secs(2)).unwrap()
    });
    assert!(!info.is_good() && !info.error.is_empty());
}

#[test]
fn what_pachd_refuses_means_what_it_means_through_the_gateway() {
    let repo = |name: &str| {
        format!("default/{name}")
            .parse::<spoutctl_core::pfs::Destination>()
            .unwrap()
            .branch
            .repo
    };
    let kind = |result: Result<(), Fault>| result.unwrap_err().kind;
    assert_eq!(
        play("005", |grpc| kind(grpc.create_repo(&repo("gevents")))),
        FaultKind::AlreadyExists
    );
    assert!(!play("006", |grpc| grpc.repo_exists(&repo("nope")).unwrap()));
    assert_eq!(
        play("079", |grpc| kind(grpc.start_commit(&branch(), "").map(drop))),
        FaultKind::HeadOpen
    );
    let dropped = commit("ee5a60c2442e492babab819dba1e36f3");
    assert_eq!(
        play("081", |grpc| kind(grpc.finish_commit(&dropped, "", None))),
        FaultKind::NotFound
    );
}

#[test]
fn what_was_written_is_read_by_the_calls_that_were_recorded() {
    let commit = commit(WRITTEN);
    let path = |path: &str| FilePath::new(path).unwrap();
    let mut text = String::new();
    let (server, grpc) = serving(vec![recording("grpc-2.12", "071").answer]);
    grpc.get_file(&commit, &path("/big"))
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "onetwo");
    assert_eq!(
        sorted(&server.seen()[1].messages),
        sorted(&recording("grpc-2.12", "071").requests)
    );
    let missing = play("072", |grpc| grpc.get_file(&commit, &path("/nope")).err().unwrap().kind);
    assert_eq!(missing, FaultKind::NotFound);
    let info = play("073", |grpc| {
        grpc.inspect_file(&commit, &path("/big")).unwrap().unwrap()
    });
    assert_eq!(info.size_bytes, 6);
    let gevents = "gevents".parse::<spoutctl_core::pfs::Destination>().unwrap().branch;
    let info = play("028", |grpc| grpc.inspect_branch(&gevents).unwrap().unwrap());
    assert!(info.head.is_some() && !info.has_provenance);
    // Asked for in other words (the kind alone, from a branch's head), answered in these.
    let (_server, grpc) = serving(vec![
        recording("grpc-2.12", "033").answer,
        recording("grpc-2.12", "025").answer,
    ]);
    assert_eq!(grpc.pipeline_kind(&branch().repo).unwrap(), Some(PipelineKind::Spout));
    let mut listed = 0;
    grpc.list_commits(&gevents, &mut |_| {
        listed += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(listed, 2);
}

#[test]
fn a_sidecar_is_known_without_a_version_and_writes_its_own_branch() {
    let start = recording("grpc-2.12-sidecar", "035");
    let server = Scripted::start(vec![
        unknown_service("versionpb_v2.API"),
        unknown_service("versionpb.API"),
        Answer::refusal(2, "repo cannot be nil"),
        start.answer,
        recording("grpc-2.12-sidecar", "037").answer,
    ]);
    let grpc = Grpc::new(options(&server)).unwrap();
    let branch = "gspout".parse::<spoutctl_core::pfs::Destination>().unwrap().branch;
    let id = grpc.start_commit(&branch, "").unwrap();
    // One is named, whichever.
    let asked = &server.seen()[2].messages[0];
    assert!(InspectRepoRequest::decode(asked.as_slice()).unwrap().repo.is_some());
    assert_eq!(sorted(&server.seen()[3].messages), sorted(&start.requests));
    let commit = Commit {
        repo: branch.repo,
        branch: branch.name,
        id,
    };
    assert!(grpc.wait_commit(&commit, Duration::from_secs(2)).is_ok());
}

fn unknown_service(name: &str) -> Answer {
    Answer::refusal(12, &format!("unknown service {name}"))
}

/// What the version call of 1.x answers.
fn version_1() -> Answer {
    let version = Version {
        major: 1,
        minor: 13,
        micro: 4,
        ..Version::default()
    };
    Answer::ok(vec![version.encode_to_vec()])
}

#[test]
fn a_pachd_1_tells_its_release_and_is_asked_for_nothing_of_2_then() {
    let version_2 = || recording("grpc-1.13", "044").answer;
    let server = Scripted::start(vec![
        version_2(),
        version_1(),
        recording("grpc-1.13", "003").answer,
        version_2(),
        version_1(),
    ]);
    let grpc = Grpc::new(options(&server)).unwrap();
    let nope = "nope".parse::<spoutctl_core::pfs::Destination>().unwrap();
    assert!(!grpc.repo_exists(&nope.branch.repo).unwrap());
    assert_eq!(server.seen()[2].path, "/pfs.API/InspectRepo");
    assert_eq!(grpc.version().unwrap(), "1.13.4");
}

#[test]
fn a_sidecar_that_has_no_call_of_2_is_a_1() {
    let server = Scripted::start(vec![
        recording("grpc-1.13", "044").answer,
        unknown_service("versionpb.API"),
        recording("grpc-1.13", "045").answer,
        recording("grpc-1.13", "003").answer,
        recording("grpc-1.13", "003").answer,
    ]);
    let grpc = Grpc::new(options(&server)).unwrap();
    assert!(!grpc.has_file_sets().unwrap());
    assert!(
        !grpc
            .repo_exists(&"nope".parse::<spoutctl_core::pfs::Destination>().unwrap().branch.repo)
            .unwrap()
    );
    assert_eq!(server.seen()[3].path, "/pfs.API/InspectRepo");
    assert_eq!(server.seen()[4].path, "/pfs.API/InspectRepo");
    assert_eq!(server.seen()[4].messages, recording("grpc-1.13", "003").requests);
}

#[test]
fn a_server_that_cannot_be_reached_has_not_said_which_it_is() {
    let (server, grpc) = serving(vec![]);
    drop(server);
    let fault = grpc.repo_exists(&branch().repo).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.contains("Connection refused"), "{fault}");
    assert!(grpc.found.get().is_none());
}

#[test]
fn an_upload_that_fails_on_this_side_is_broken_off_and_never_ended() {
    let (server, grpc) = serving(vec![]);
    let mut changes = Listed(vec![(Some("half"), "/f"), (Some("error"), "/f")]);
    let fault = grpc.create_file_set(&mut changes).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Local);
    assert!(
        fault.message.contains("the disk is gone; the upload was broken off"),
        "{fault}"
    );
    let seen = server.wait_for(2);
    assert!(!seen[1].is_whole);
}

#[test]
fn an_answer_without_its_last_words_is_no_answer() {
    let version = recording("grpc-2.12", "001").answer;
    let Answer::GRpc { messages: started, .. } = recording("grpc-2.12", "067").answer else {
        unreachable!()
    };
    let Answer::GRpc { messages: pieces, .. } = recording("grpc-2.12", "071").answer else {
        unreachable!()
    };
    for cut in [
        |messages| Answer::CutOff { messages },
        |messages| Answer::Reset { messages },
    ] {
        let server = Scripted::start(vec![version.clone(), cut(started.clone()), cut(pieces.clone())]);
        let grpc = Grpc::new(options(&server)).unwrap();
        // It may have been carried out: whoever asked has to look.
        let fault = grpc.start_commit(&branch(), "").unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unknown, "{fault}");
        // Reset at once, the stream may be gone before its first message was read.
        let fault = match grpc.get_file(&commit(WRITTEN), &FilePath::new("/big").unwrap()) {
            Err(fault) => fault,
            Ok(mut content) => {
                let mut read = Vec::new();
                let error = content.read_to_end(&mut read).unwrap_err();
                assert_eq!(read, b"onetwo");
                error.get_ref().unwrap().downcast_ref::<Fault>().unwrap().clone()
            }
        };
        assert_eq!(fault.kind, FaultKind::Unavailable, "{fault}");
    }
}

#[test]
fn who_knows_neither_generation_is_no_pachd_yet_and_not_remembered_as_one() {
    let server = Scripted::start(vec![
        unknown_service("versionpb_v2.API"),
        unknown_service("versionpb.API"),
        unknown_service("pfs_v2.API"),
        unknown_service("pfs.API"),
        recording("grpc-2.12", "001").answer,
        recording("grpc-2.12", "067").answer,
    ]);
    let grpc = Grpc::new(options(&server)).unwrap();
    let fault = grpc.start_commit(&branch(), "").unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unrecognised, "{fault}");
    assert!(fault.message.contains("neither pfs_v2.API nor pfs.API"), "{fault}");
    grpc.start_commit(&branch(), "").unwrap();
}

#[test]
fn a_message_that_comes_with_an_error_is_none() {
    let Answer::GRpc { messages, .. } = recording("grpc-2.12", "067").answer else {
        unreachable!()
    };
    let answer = Answer::GRpc {
        messages,
        code: 2,
        words: "cannot start a commit on an output branch".to_owned(),
    };
    let (_server, grpc) = serving(vec![answer]);
    assert_eq!(
        grpc.start_commit(&branch(), "").unwrap_err().kind,
        FaultKind::OutputBranch
    );
}

#[test]
fn what_is_no_grpc_is_told_from_pachd() {
    for (status, kind) in [
        (502, FaultKind::Unknown),
        (503, FaultKind::Unknown),
        (429, FaultKind::Unknown),
        (404, FaultKind::Refused),
        (200, FaultKind::Refused),
        (413, FaultKind::TooLarge),
    ] {
        let answer = Answer::Http {
            status,
            kind: "text/html",
            body: "<h1>hello</h1>",
        };
        let (_server, grpc) = serving(vec![answer]);
        let fault = grpc.start_commit(&branch(), "").unwrap_err();
        assert_eq!(fault.kind, kind, "{fault}");
        assert!(
            fault
                .message
                .contains(&format!("HTTP {status}, text/html, \"<h1>hello</h1>\""))
                || status == 413,
            "{fault}"
        );
    }
}

#[test]
fn nobody_is_waited_for_longer_than_was_said() {
    let (_server, grpc) = serving(vec![Answer::Silence, Answer::Silence]);
    let begun = Instant::now();
    assert_eq!(grpc.start_commit(&branch(), "").unwrap_err().kind, FaultKind::Unknown);
    let fault = grpc
        .wait_commit(&commit(WRITTEN), Duration::from_millis(300))
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn messages_that_are_too_large_are_halved_until_they_fit() {
    let refused = || Answer::refusal(8, "grpc: received message larger than max (262200 vs. 150000)");
    let (server, grpc) = serving(vec![refused(), recording("grpc-2.12", "065").answer]);
    let data: &'static str = Box::leak("x".repeat(MAX_CHUNK).into_boxed_str());
    let fault = grpc.create_file_set(&mut Listed(vec![(Some(data), "/f")])).unwrap_err();
    assert_eq!(fault.kind, FaultKind::TooLarge);
    grpc.create_file_set(&mut Listed(vec![(Some(data), "/f")])).unwrap();
    let sizes = |call: usize| server.seen()[call].messages.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(sizes(1).len(), 1);
    assert_eq!(sizes(2).len(), 2);
    assert!(sizes(2)[0] < 150_000);
}

#[test]
fn the_token_goes_with_every_call_and_is_never_shown() {
    let (server, _) = serving(vec![Answer::ok(vec![vec![]])]);
    let mut options = options(&server);
    options.token = Some(Token::new("hunter2").unwrap());
    let grpc = Grpc::new(options).unwrap();
    assert!(!format!("{grpc:?}").contains("hunter2"));
    assert!(grpc.repo_exists(&branch().repo).unwrap());
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.token.as_deref() == Some("hunter2"))
    );
}

#[test]
fn a_pachd_without_the_newer_call_gets_the_spec_as_a_message() {
    let none = || Answer::refusal(12, "unknown method CreatePipelineV2 for service pps_v2.API");
    let done = Answer::ok(vec![Vec::new()]);
    let (server, grpc) = serving(vec![none(), done, none(), none(), none()]);
    let spec = r#"{"pipeline":{"name":"orders"},"transform":{"cmd":["run"],"image":"a:1"},"spout":{}}"#;
    let how = Submission {
        update: true,
        reprocess: false,
    };
    assert_eq!(grpc.submit_pipeline(spec, how).unwrap(), Ok(spec.to_owned()));
    let sent = server.seen().pop().unwrap();
    assert_eq!(sent.path, "/pps_v2.API/CreatePipeline");
    let read = CREATE_PIPELINE_REQUEST.decode(&sent.messages[0]).unwrap();
    assert_eq!(read["pipeline"]["name"], "orders");
    assert_eq!(read["transform"]["cmd"], serde_json::json!(["run"]));
    assert_eq!((&read["update"], read.get("spout").is_some()), (&true.into(), true));
    // What stands in the spec and nowhere else is said as newer pachds say it, and nothing is sent.
    let unknown = spec.replace("spout", "spuot");
    let verdict = grpc.submit_pipeline(&unknown, how).unwrap();
    assert_eq!(verdict, Err("unknown field \"spuot\"".to_owned()));
    let fault = grpc.try_pipeline(spec).unwrap_err();
    assert!(fault.message.contains("of before 2.8"), "{fault}");
}

#[test]
fn nothing_is_done_at_a_deployment_that_is_not_the_one_that_is_meant() {
    let another = ClusterInfo {
        deployment_id: "another".to_owned(),
        ..ClusterInfo::default()
    };
    let (server, _) = serving(vec![Answer::ok(vec![another.encode_to_vec()]); 64]);
    let mut options = options(&server);
    options.token = Some(Token::new("hunter2").unwrap());
    options.expected = Some(elsewhere());
    let calls = assert_nothing_is_done(&Grpc::new(options).unwrap());
    let seen = server.seen();
    assert_eq!(seen.len(), 1 + calls);
    assert!(seen[1..].iter().all(|seen| seen.path == "/admin_v2.API/InspectCluster"));
}

type List<'a> = &'a dyn Fn(&Grpc) -> Result<(), Fault>;

/// Each list has its time, whichever call and generation it is of.
#[test]
fn no_list_is_waited_for_longer_than_lists_may_take() {
    let refused = |answers: Vec<Answer>, list: List<'_>| {
        let server = Scripted::start(answers);
        let mut options = options(&server);
        // Nothing is left from the beginning on.
        options.times.list = Duration::ZERO;
        let fault = list(&Grpc::new(options).unwrap()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unavailable);
        assert!(fault.message.ends_with("did not end within 0 s"), "{fault}");
    };
    let commit = &commit(WRITTEN);
    let root = &FilePath::root();
    let endless = || Answer::ok(vec![Vec::new(); 3]);
    let lists: [List<'_>; 3] = [
        &|grpc| grpc.list_commits(&branch(), &mut |_| ControlFlow::Continue(())),
        &|grpc| grpc.diff_files(commit, None, &mut |_| ControlFlow::Continue(())),
        &|grpc| grpc.list_directory(&branch(), root, &mut |_| ControlFlow::Continue(())),
    ];
    let one = || vec![recording("grpc-1.13", "044").answer, version_1()];
    for list in lists {
        refused(vec![recording("grpc-2.12", "001").answer, endless()], list);
        refused([one(), vec![endless()]].concat(), list);
    }
    // What 2.x answers as one file is a list and its files in 1.x.
    refused([one(), vec![endless()]].concat(), &|grpc| {
        grpc.get_file_tar(commit, root).map(drop)
    });
}

//! The whole way against a running pachd without auth: `SPOUTCTL_TEST_PACHD=http://… cargo test live -- --ignored`.

use std::io::Read;
use std::ops::ControlFlow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{List, branch, repo};
use crate::delivery::{Change, CommitSink, MAX_CHUNK};
use crate::fault::FaultKind;
use crate::gateway::{Gateway, GatewayOptions};
use crate::history::{CommitHistory, newest_good_commit};
use crate::pfs::{Commit, FileKind, FilePath, FileSetId};
use crate::retrieval::FileSource;

const TTL: Duration = Duration::from_mins(10);

fn gateway() -> Gateway {
    let address = std::env::var("SPOUTCTL_TEST_PACHD").expect("SPOUTCTL_TEST_PACHD names a pachd");
    Gateway::new(GatewayOptions::new(address.parse().unwrap())).unwrap()
}

fn fresh_name() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("spoutctl-{}", now.as_nanos())
}

fn read(mut reader: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

struct Scene {
    gateway: Gateway,
    name: String,
}

impl Scene {
    fn new() -> Self {
        let (gateway, name) = (gateway(), fresh_name());
        gateway.create_repo(&repo(&name)).unwrap();
        Self { gateway, name }
    }

    fn upload(&self, changes: &[Change<'_>]) -> FileSetId {
        self.gateway.create_file_set(&mut List::new(changes)).unwrap()
    }

    fn start(&self) -> Commit {
        let on = branch(&self.name, "master");
        let id = self.gateway.start_commit(&on, "a mark").unwrap();
        Commit {
            repo: on.repo,
            branch: Some(on.name),
            id,
        }
    }

    fn put(&self, changes: &[Change<'_>]) -> Commit {
        let file_set = self.upload(changes);
        let commit = self.start();
        self.gateway.add_file_set(&commit, &file_set).unwrap();
        self.gateway.finish_commit(&commit, "a mark done", None).unwrap();
        let info = self.gateway.wait_commit(&commit, Duration::from_mins(1)).unwrap();
        assert!(info.is_good(), "{info:?}");
        commit
    }
}

#[test]
#[ignore = "needs a running pachd"]
fn what_goes_in_comes_back() {
    let scene = Scene::new();
    let big: Vec<u8> = (0..MAX_CHUNK).map(|i| u8::try_from(i * 7 % 256).unwrap()).collect();
    let commit = scene.put(&[
        Change::Delete { path: "/d/e/big" },
        Change::Append {
            path: "/d/e/big",
            data: &big,
        },
        Change::Append {
            path: "/d/e/big",
            data: &big,
        },
        Change::Append {
            path: "/d/empty",
            data: b"",
        },
        Change::Append {
            path: "/d\\x/\"q\"",
            data: b"odd",
        },
        Change::Append {
            path: "/dx",
            data: b"beside",
        },
    ]);
    let path = |text: &str| FilePath::new(text).unwrap();
    let file = |text: &str| read(scene.gateway.get_file(&commit, &path(text)).unwrap());
    assert!(file("/d/e/big") == [big.clone(), big].concat());
    assert_eq!(file("/d/empty"), b"");
    assert_eq!(file("/d\\x/\"q\""), b"odd");
    let names = |text: &str| {
        let bytes = read(scene.gateway.get_file_tar(&commit, &path(text)).unwrap());
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries().unwrap();
        entries
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("/d"), ["/d/", "/d/e/", "/d/e/big", "/d/empty"]);
    assert_eq!(names("/d\\x"), ["/d\\x/", "/d\\x/\"q\""]);
    assert_eq!(names("/dx"), ["/dx"]);
    assert_eq!(names("/").len(), 7);
    let kind = |text: &str| {
        scene
            .gateway
            .inspect_file(&commit, &path(text))
            .unwrap()
            .map(|i| i.kind)
    };
    assert_eq!(kind("/d"), Some(FileKind::Directory));
    assert_eq!(kind("/dx"), Some(FileKind::File));
    assert_eq!(kind("/"), Some(FileKind::Directory));
    assert_eq!(kind("/d/none"), None);
    assert_eq!(
        scene.gateway.get_file(&commit, &path("/none")).err().unwrap().kind,
        FaultKind::NotFound
    );
}

#[test]
#[ignore = "needs a running pachd"]
fn states_and_fences_are_as_the_domain_expects_them() {
    let scene = Scene::new();
    let gateway = &scene.gateway;
    let master = branch(&scene.name, "master");
    assert_eq!(gateway.inspect_branch(&master).unwrap(), None);
    assert_eq!(newest_good_commit(gateway, &master).unwrap(), None);
    assert!(gateway.repo_exists(&master.repo).unwrap());
    assert_eq!(gateway.pipeline_kind(&master.repo).unwrap(), None);
    assert_eq!(
        gateway.create_repo(&master.repo).unwrap_err().kind,
        FaultKind::AlreadyExists
    );

    let first = scene.put(&[Change::Append { path: "/a", data: b"1" }]);
    let parts = [
        scene.upload(&[Change::Append {
            path: "/b",
            data: b"one",
        }]),
        scene.upload(&[Change::Append {
            path: "/b",
            data: b"two",
        }]),
    ];
    for part in &parts {
        gateway.renew_file_set(part, TTL).unwrap();
    }
    let whole = gateway.compose_file_set(&parts, TTL).unwrap();
    let second = scene.start();
    assert_eq!(
        gateway.start_commit(&master, "again").unwrap_err().kind,
        FaultKind::HeadOpen
    );
    assert!(gateway.inspect_commit(&second).unwrap().is_open());
    let waited = gateway.wait_commit(&second, Duration::from_millis(300)).unwrap_err();
    assert_eq!(waited.kind, FaultKind::Unavailable);
    gateway.add_file_set(&second, &whole).unwrap();
    gateway.finish_commit(&second, "done", None).unwrap();
    let again = gateway.finish_commit(&second, "done", None).unwrap_err();
    assert_eq!(again.kind, FaultKind::AlreadyFinished);
    gateway.wait_commit(&second, Duration::from_mins(1)).unwrap();
    let file = gateway.get_file(&second, &FilePath::new("/b").unwrap()).unwrap();
    assert_eq!(read(file), b"onetwo");

    let third = scene.start();
    gateway.finish_commit(&third, "given up", Some("given up")).unwrap();
    let errored = gateway.wait_commit(&third, Duration::from_mins(1)).unwrap();
    assert_eq!(errored.error, "given up");
    let fourth = scene.start();
    gateway.drop_commit(&fourth.id).unwrap();
    for fault in [
        gateway.add_file_set(&fourth, &whole).unwrap_err(),
        gateway.finish_commit(&fourth, "", None).unwrap_err(),
        gateway.inspect_commit(&fourth).unwrap_err(),
    ] {
        assert_eq!(fault.kind, FaultKind::NotFound, "{fault}");
    }
    let mut ids = Vec::new();
    let all = &mut |info: crate::pfs::CommitInfo| {
        ids.push(info.commit.id);
        ControlFlow::Continue(())
    };
    gateway.list_commits(&master, all).unwrap();
    assert_eq!(
        ids,
        [third.id, second.id.clone(), first.id],
        "newest first, errored ones too"
    );
    let newest = newest_good_commit(gateway, &master).unwrap().unwrap();
    assert_eq!(newest.commit.id, second.id);
}

/// Pachyderm's test daemon collects no garbage, so one that never was stands for one that has expired: pachd keeps
/// nothing of that either.
#[test]
#[ignore = "needs a running pachd"]
fn a_file_set_that_is_not_there_is_known_in_every_call() {
    let scene = Scene::new();
    let gone = FileSetId(format!("{:032x}.{:064x}", 1, 2));
    let commit = scene.start();
    for fault in [
        scene.gateway.renew_file_set(&gone, TTL).unwrap_err(),
        scene.gateway.add_file_set(&commit, &gone).unwrap_err(),
        scene.gateway.compose_file_set(&[gone], TTL).unwrap_err(),
    ] {
        assert_eq!(fault.kind, FaultKind::FileSetGone, "{fault}");
    }
    scene.gateway.drop_commit(&commit.id).unwrap();
}

/// pachd refuses at the first message and leaves the rest of the body unread.
#[test]
#[ignore = "needs a running pachd"]
fn a_refusal_in_the_middle_of_an_upload_is_read() {
    let scene = Scene::new();
    let piece = vec![7; MAX_CHUNK];
    let mut changes = vec![Change::Append {
        path: "/x/../y",
        data: b"1",
    }];
    changes.extend((0..48).map(|_| Change::Append {
        path: "/big",
        data: &piece,
    }));
    for _ in 0..10 {
        let fault = scene.gateway.create_file_set(&mut List::new(&changes)).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Refused, "{fault}");
        assert!(fault.message.contains("relative file paths"), "{fault}");
    }
}

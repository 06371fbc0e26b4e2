use std::ops::ControlFlow;

use proptest::prelude::*;
use spoutctl_proto::pfs::CommitState;
use spoutctl_proto::v1::{
    Commit, CreateRepoRequest, DeleteCommitRequest, File, FileRequest, FinishCommitRequest, PutFileRequest, Repo,
    StartCommitRequest,
};

use super::V1;
use crate::serve::{Call, Service};
use crate::{Dialect, Store};
use spoutctl_core::release::Release;

/// A service that plays 1.13, with the repo `events`.
fn pachd() -> (Service, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let dialect = Dialect::of(Release::new(1, 13, 0)).unwrap();
    let service = Service::new(Store::open(directory.path()).unwrap().as_pachd(dialect)).unwrap();
    let request = CreateRepoRequest {
        repo: commit("").repo,
        ..CreateRepoRequest::default()
    };
    V1(&service).create_repo(&Call::default(), &request).unwrap();
    (service, directory)
}

fn commit(id: &str) -> Commit {
    Commit {
        repo: Some(Repo {
            name: "events".to_owned(),
        }),
        id: id.to_owned(),
    }
}

fn start(service: &Service) -> String {
    let request = StartCommitRequest {
        parent: Some(commit("")),
        branch: "master".to_owned(),
        ..StartCommitRequest::default()
    };
    V1(service).start_commit(&Call::default(), &request).unwrap().id
}

fn finish(service: &Service, id: &str) {
    let request = FinishCommitRequest {
        commit: Some(commit(id)),
        ..FinishCommitRequest::default()
    };
    V1(service).finish_commit(&Call::default(), &request).unwrap();
}

fn delete(service: &Service, id: &str) {
    let request = DeleteCommitRequest {
        commit: Some(commit(id)),
    };
    V1(service).delete_commit(&Call::default(), &request).unwrap();
}

/// Puts each path, its own bytes in it.
fn put(service: &Service, into: &str, paths: &[&str]) {
    let mut paths = paths.iter();
    let mut next = || {
        Ok(paths.next().map(|path| PutFileRequest {
            file: Some(File {
                commit: Some(commit(into)),
                path: (*path).to_owned(),
            }),
            value: path.as_bytes().to_vec().into(),
            ..PutFileRequest::default()
        }))
    };
    V1(service).put_file(&Call::default(), &mut next).unwrap();
}

fn walk(service: &Service, commit_id: &str) -> Vec<String> {
    let request = FileRequest {
        file: Some(File {
            commit: Some(commit(commit_id)),
            path: "/".to_owned(),
        }),
    };
    let mut paths = Vec::new();
    let mut show = |info: spoutctl_proto::v1::FileInfo| {
        paths.push(info.file.unwrap().path);
        ControlFlow::Continue(())
    };
    V1(service).walk_file(&Call::default(), &request, &mut show).unwrap();
    paths
}

#[test]
fn a_commit_that_is_deleted_leaves_its_data_to_what_was_finished_on_it() {
    let (service, _directory) = pachd();
    put(&service, "master", &["/a"]);
    let second = start(&service);
    put(&service, &second, &["/b"]);
    finish(&service, &second);
    put(&service, "master", &["/c"]);
    delete(&service, &second);
    assert_eq!(walk(&service, "master"), ["/", "/a", "/b", "/c"]);
    assert_eq!(walk(&service, "master^"), ["/", "/a"]);
}

#[test]
fn a_commit_that_is_deleted_leaves_nothing_to_what_is_open_on_it() {
    let (service, _directory) = pachd();
    put(&service, "master", &["/a"]);
    let second = start(&service);
    put(&service, &second, &["/b"]);
    finish(&service, &second);
    let third = start(&service);
    put(&service, &third, &["/c"]);
    delete(&service, &second);
    assert_eq!(walk(&service, &third), ["/", "/a", "/c"]);
    finish(&service, &third);
    assert_eq!(walk(&service, "master"), ["/", "/a", "/c"]);
}

#[test]
fn who_waits_for_a_commit_hears_that_it_was_deleted() {
    let (service, _directory) = pachd();
    let id = start(&service);
    let open = service
        .store
        .record(&super::commit(Some(&commit(&id))).unwrap())
        .unwrap();
    delete(&service, &id);
    let refused = service.wait_for(&Call::default(), open, CommitState::Finished);
    // Recording 056.
    assert_eq!(refused.unwrap_err().message, format!("commit events/{id} was deleted"));
}

#[test]
fn what_cannot_be_done_here_is_refused_by_name_and_nothing_happens() {
    let (service, _directory) = pachd();
    let refused = |request: PutFileRequest| {
        let mut one = Some(PutFileRequest {
            file: Some(File {
                commit: Some(commit("master")),
                path: "/a".to_owned(),
            }),
            ..request
        });
        let answer = V1(&service).put_file(&Call::default(), &mut || Ok(one.take()));
        answer.unwrap_err().message
    };
    let fetched = refused(PutFileRequest {
        url: "http://localhost/a".to_owned(),
        ..PutFileRequest::default()
    });
    let cut = refused(PutFileRequest {
        delimiter: 2,
        ..PutFileRequest::default()
    });
    assert_eq!(fetched, "spoutctl serve does not serve files that pachd is to fetch");
    assert_eq!(cut, "spoutctl serve does not serve files that pachd is to cut");
    let branch = service.store.branches(&super::repo(commit("").repo.as_ref()).unwrap());
    assert!(branch.unwrap().is_empty());
}

/// Every directory of the paths and the paths themselves, sorted element by element.
fn in_order(paths: &[String]) -> Vec<String> {
    let mut all: Vec<Vec<&str>> = Vec::new();
    for path in paths {
        let elements: Vec<&str> = path.split('/').skip(1).collect();
        all.extend((0..=elements.len()).map(|length| elements[..length].to_vec()));
    }
    all.sort();
    all.dedup();
    all.iter().map(|elements| format!("/{}", elements.join("/"))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn files_come_element_by_element_whatever_their_names(
        names in prop::collection::btree_set("/[ab][#.0-]{0,2}(/[ab][#.0-]{0,2}){0,2}", 1..24),
    ) {
        // What would be a file and a directory is left out.
        let is_above = |one: &String, other: &String| other.strip_prefix(one.as_str()).is_some_and(|rest| rest.starts_with('/'));
        let paths: Vec<String> = names.iter().filter(|name| !names.iter().any(|other| is_above(name, other))).cloned().collect();
        let (service, _directory) = pachd();
        put(&service, "master", &paths.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(walk(&service, "master"), in_order(&paths));
    }
}

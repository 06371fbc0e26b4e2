use std::ops::ControlFlow;

use proptest::prelude::*;
use spoutctl_proto::pfs::CommitState;
use spoutctl_proto::v1::pps::{DeletePipelineRequest, ListJobRequest, Pipeline};
use spoutctl_proto::v1::{
    Commit, CreateRepoRequest, DeleteCommitRequest, DiffFileRequest, File, FileRequest, FinishCommitRequest,
    FlushCommitRequest, GetFileRequest, InspectCommitRequest, OverwriteIndex, PutFileRequest, Repo, StartCommitRequest,
};

use super::V1;
use crate::serve::{Call, Service, Status};
use crate::{Dialect, Store};
use spoutctl_core::release::Release;

/// A service that plays 1.13, with the repo `events`.
fn pachd() -> (Service, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let dialect = Dialect::of(Release::new(1, 13, 0)).unwrap();
    let service = Service::new(Store::open(directory.path()).unwrap().as_pachd(dialect)).unwrap();
    create_repo(&service);
    (service, directory)
}

fn create_repo(service: &Service) {
    let request = CreateRepoRequest {
        repo: commit("").repo,
        ..CreateRepoRequest::default()
    };
    V1(service).create_repo(&Call::default(), &request).unwrap();
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

fn file(commit_id: &str, path: &str) -> Option<File> {
    Some(File {
        commit: Some(commit(commit_id)),
        path: path.to_owned(),
    })
}

fn put_stream(service: &Service, messages: impl IntoIterator<Item = PutFileRequest>) -> Result<(), Status> {
    let mut messages = messages.into_iter();
    let answer = V1(service).put_file(&Call::default(), &mut || Ok(messages.next()));
    answer.map(|_| ())
}

/// Puts each path, its own bytes in it.
fn put(service: &Service, into: &str, paths: &[&str]) {
    let message = |path: &&str| PutFileRequest {
        file: file(into, path),
        value: path.as_bytes().to_vec().into(),
        ..PutFileRequest::default()
    };
    put_stream(service, paths.iter().map(message)).unwrap();
}

fn get(service: &Service, commit_id: &str, path: &str) -> Result<String, Status> {
    let request = GetFileRequest {
        file: file(commit_id, path),
        ..GetFileRequest::default()
    };
    let mut bytes = Vec::new();
    V1(service).get_file(&Call::default(), &request, &mut |piece| {
        bytes.extend_from_slice(&piece.value);
        ControlFlow::Continue(())
    })?;
    Ok(String::from_utf8(bytes).unwrap())
}

fn walk(service: &Service, commit_id: &str) -> Vec<String> {
    let request = FileRequest {
        file: file(commit_id, "/"),
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
fn a_file_is_overwritten_once_also_where_every_message_of_it_says_so() {
    let (service, _directory) = pachd();
    let say = |path: Option<&str>, value: &'static str| PutFileRequest {
        file: path.and_then(|path| file("master", path)),
        value: value.as_bytes().into(),
        overwrite_index: Some(OverwriteIndex::default()),
        ..PutFileRequest::default()
    };
    put(&service, "master", &["/a", "/b"]);
    let messages = [
        say(Some("/a"), "one "),
        say(None, "two "),
        say(Some("/b"), "new "),
        say(None, "b"),
    ];
    put_stream(&service, messages).unwrap();
    assert_eq!(get(&service, "master", "/a").unwrap(), "one two ");
    assert_eq!(get(&service, "master", "/b").unwrap(), "new b");
    put_stream(&service, [say(Some("/a"), "next")]).unwrap();
    assert_eq!(get(&service, "master", "/a").unwrap(), "next");
}

#[test]
fn a_collision_keeps_a_commit_open_and_ends_one_that_a_process_of_2_x_has_closed() {
    let directory = tempfile::tempdir().unwrap();
    let service = |minor_of_1: Option<u32>| {
        let release = minor_of_1.map_or(Release::new(2, 12, 0), |minor| Release::new(1, minor, 0));
        let store = Store::open(directory.path()).unwrap();
        Service::new(store.as_pachd(Dialect::of(release).unwrap())).unwrap()
    };
    let collides = |service: &Service| {
        let id = start(service);
        put(service, &id, &["/f/x"]);
        id
    };
    let closed = {
        let newer = service(None);
        create_repo(&newer);
        put(&newer, "master", &["/f"]);
        while newer.store.settle_next().unwrap().is_some() {}
        let id = collides(&newer);
        let selector = super::commit(Some(&commit(&id))).unwrap();
        newer
            .store
            .change(|work| work.finish_commit(&selector, "", ""))
            .unwrap();
        assert!(newer.store.record(&selector).unwrap().info.finished.is_none());
        id
    };

    let older = service(Some(13));
    let selector = super::commit(Some(&commit(&closed))).unwrap();
    let record = older.store.record(&selector).unwrap();
    // The service settles it by itself.
    let settled = older.wait_for(&Call::default(), record, CommitState::Finished).unwrap();
    assert!(settled.info.finished.is_some());
    assert!(settled.info.error.contains("path collision (/f/x)"), "{settled:?}");
    // The branch goes on from what was there before.
    put(&older, "master", &["/g"]);
    assert_eq!(walk(&older, "master"), ["/", "/f", "/g"]);
    // One that is closed here hears of it and stays open.
    let open = collides(&older);
    let request = FinishCommitRequest {
        commit: Some(commit(&open)),
        ..FinishCommitRequest::default()
    };
    let refused = V1(&older).finish_commit(&Call::default(), &request).unwrap_err();
    assert!(
        refused.message.contains("failed to get tree for open commit"),
        "{refused}"
    );
    assert!(
        older
            .store
            .record(&super::commit(Some(&commit(&open))).unwrap())
            .unwrap()
            .info
            .is_open()
    );
}

#[test]
fn an_ancestor_that_there_is_not_is_missing_in_the_words_of_1_x() {
    let (service, _directory) = pachd();
    let id = start(&service);
    for asked in ["master^", "master~999999999999"] {
        let request = InspectCommitRequest {
            commit: Some(commit(asked)),
            ..InspectCommitRequest::default()
        };
        let refused = V1(&service).inspect_commit(&Call::default(), &request).unwrap_err();
        assert_eq!(
            refused.message,
            format!("commit {id} not found in repo events"),
            "{asked}"
        );
    }
}

#[test]
fn what_cannot_be_done_here_is_refused_by_name_and_nothing_happens() {
    let (service, _directory) = pachd();
    let refused = |request: PutFileRequest| {
        let one = PutFileRequest {
            file: file("master", "/a"),
            ..request
        };
        put_stream(&service, [one]).unwrap_err().message
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
        let is_above = |one: &str, other: &str| other.strip_prefix(one).is_some_and(|rest| rest.starts_with('/'));
        let is_file = |name: &&String| !names.iter().any(|other| is_above(name, other));
        let paths: Vec<String> = names.iter().filter(is_file).cloned().collect();
        let (service, _directory) = pachd();
        put(&service, "master", &paths.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(walk(&service, "master"), in_order(&paths));
    }
}

#[test]
fn what_differs_is_told_as_it_is_asked_for_with_a_slash_or_without() {
    let (service, _directory) = pachd();
    let id = start(&service);
    put(&service, &id, &["/d/x"]);
    finish(&service, &id);
    for (asked, told) in [("/", "/d/x"), ("", "d/x"), ("/d", "/d/x"), ("d", "d/x")] {
        let request = DiffFileRequest {
            new_file: file("master", asked),
            ..DiffFileRequest::default()
        };
        let answer = V1(&service).diff_file(&Call::default(), &request).unwrap();
        let paths: Vec<String> = answer
            .new_files
            .into_iter()
            .filter_map(|new| Some(new.file?.path))
            .collect();
        assert_eq!(paths, [told], "{asked:?}");
    }
}

#[test]
fn a_flush_waits_for_commits_and_nothing_comes_of_them_and_there_are_no_jobs() {
    let (service, _directory) = pachd();
    let mut silent = |_| panic!("nobody does anything here");
    let id = start(&service);
    finish(&service, &id);
    let flushed = |id: &str| FlushCommitRequest {
        commits: vec![commit(id)],
    };
    let calls = V1(&service);
    calls.flush(&Call::default(), &flushed("master"), &mut silent).unwrap();
    let refused = calls
        .flush(&Call::default(), &flushed("nope"), &mut silent)
        .unwrap_err();
    assert_eq!(refused.message, "/pachyderm_pfs/branches/events/ nope not found");
    let all = ListJobRequest::default();
    calls.list_job(&Call::default(), &all, &mut silent).unwrap();
    let nope = Some(Pipeline {
        name: "nope".to_owned(),
    });
    let of_nope = ListJobRequest {
        pipeline: nope.clone(),
        ..ListJobRequest::default()
    };
    let refused = calls.list_job(&Call::default(), &of_nope, &mut silent).unwrap_err();
    assert_eq!(refused.message, "pipeline \"nope\" not found");
    let gone = DeletePipelineRequest {
        pipeline: nope,
        ..DeletePipelineRequest::default()
    };
    calls.delete_pipeline(&Call::default(), &gone).unwrap();
}

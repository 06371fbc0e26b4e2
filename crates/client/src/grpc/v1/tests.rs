//! What is asked of 1.13 and understood of its answers, on what a real one was asked and said.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use prost::Message;
use serde_json::Value;

use super::messages;
use super::tar::{TarReader, Walk};
use spoutctl_archive::EntryStream;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, CommitId, Destination, FileKind};
use spoutctl_core::sink::{Change, Changes};
use spoutctl_proto::v1;

/// One recorded call.
pub(super) struct Recording {
    pub number: String,
    pub requests: Vec<Vec<u8>>,
    pub responses: Vec<Vec<u8>>,
    pub code: String,
    pub message: String,
}

pub(super) fn recordings() -> Vec<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/wire/grpc-1.13");
    let mut all: Vec<Recording> = fs::read_dir(folder)
        .unwrap()
        .map(|file| read(&file.unwrap().path()))
        .collect();
    all.sort_by(|a, b| a.number.cmp(&b.number));
    all
}

fn read(path: &Path) -> Recording {
    let recording: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let messages = |side: &str| {
        let messages = recording[side].as_array().unwrap().iter();
        messages
            .map(|message| from_hex(message["hex"].as_str().unwrap()))
            .collect()
    };
    Recording {
        number: path.file_name().unwrap().to_str().unwrap()[..3].to_owned(),
        requests: messages("requests"),
        responses: messages("responses"),
        code: recording["status"]["code"].as_str().unwrap().to_owned(),
        message: recording["status"]["message"].as_str().unwrap().to_owned(),
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// The only request of a recording.
#[track_caller]
fn asked<M: Message + Default>(number: &str) -> M {
    let recordings = recordings();
    let recording = recordings.iter().find(|recording| recording.number == number).unwrap();
    let [request] = &recording.requests[..] else {
        panic!("{number}")
    };
    M::decode(request.as_slice()).unwrap()
}

#[track_caller]
fn answered<M: Message + Default>(number: &str) -> M {
    let recordings = recordings();
    let recording = recordings.iter().find(|recording| recording.number == number).unwrap();
    M::decode(recording.responses[0].as_slice()).unwrap()
}

fn branch(repo: &str) -> Branch {
    repo.parse::<Destination>().unwrap().branch
}

fn commit(repo: &str, id: &str) -> Commit {
    Commit {
        repo: branch(repo).repo,
        branch: branch(repo).name,
        id: CommitId::new(id).unwrap(),
    }
}

#[test]
fn requests_are_those_that_were_recorded() {
    let proto = branch("proto");
    assert_eq!(
        messages::start_commit(&proto, "spoutctl/1 stream=s seq=1 sha256=00"),
        asked("027")
    );
    let listed = messages::list_commit(&branch("given"));
    assert_eq!(listed, asked("080"));
    let file = messages::file(&commit("proto", "5fb73b70b2554445a59e35cf9e46ff68"), "/a");
    assert_eq!(file, asked("032"));
    let deleted: v1::DeleteCommitRequest = asked("037");
    assert_eq!(
        deleted.commit,
        Some((&commit("proto", "79f0686072b74bb291fe673a4e54fa13")).into())
    );
    let inspected: v1::InspectBranchRequest = asked("040");
    assert_eq!(inspected.branch, Some((&proto).into()));
}

#[test]
fn a_commit_is_open_finished_or_finished_without_its_data() {
    let read = |number| {
        let given = branch("given");
        messages::commit_info(answered(number), &given.repo, &given.name).unwrap()
    };
    let open = read("013");
    assert!(open.is_open() && !open.is_good());
    assert_eq!(open.description, "spoutctl stream=4f1d seq=7");
    assert_eq!(open.parent.unwrap().id.as_str(), "a54088d5406642588c0edb08bbc1f43b");
    let finished = read("031");
    assert!(finished.is_good());
    assert_eq!(finished.description, "spoutctl/1 stream=s seq=1 sha256=00 done");
    assert_eq!(finished.finished.unwrap().to_string(), "2026-11-22T16:34:15.304863951Z");
    let given_up = read("071");
    assert!(given_up.finished.is_some() && !given_up.is_good());
}

#[test]
fn a_branch_that_depends_on_a_spec_alone_may_be_written() {
    let on = |repos: &[&str]| {
        let provenance = repos.iter().map(|name| v1::Branch {
            repo: Some(v1::Repo {
                name: (*name).to_owned(),
            }),
            name: "master".to_owned(),
        });
        let info = v1::BranchInfo {
            provenance: provenance.collect(),
            ..answered("023")
        };
        messages::branch_info(&info, &branch("given")).unwrap().has_provenance
    };
    assert!(!on(&[]) && !on(&["__spec__"]) && on(&["__spec__", "input"]));
    let headless = messages::branch_info(&answered("057"), &branch("given")).unwrap();
    assert_eq!(headless.head, None);
}

#[test]
fn files_and_directories_are_told_apart() {
    let info = |number| messages::file_info(&answered(number)).unwrap();
    assert_eq!((info("083").kind, info("083").size_bytes), (FileKind::File, 6));
    assert_eq!(info("084").kind, FileKind::Directory);
    assert_eq!(info("073").kind, FileKind::Directory);
}

/// Changes out of a list.
struct List(
    std::vec::IntoIter<(&'static str, Option<Vec<u8>>)>,
    (String, Option<Vec<u8>>),
);

impl List {
    fn new(changes: Vec<(&'static str, Option<Vec<u8>>)>) -> Self {
        Self(changes.into_iter(), (String::new(), None))
    }
}

impl Changes for List {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        let Some((path, data)) = self.0.next() else {
            return Ok(None);
        };
        self.1 = (path.to_owned(), data);
        let (path, data) = (&self.1.0, &self.1.1);
        Ok(Some(match data {
            Some(data) => Change::Append {
                path,
                data: data.clone().into(),
            },
            None => Change::Delete { path },
        }))
    }
}

fn put(most: usize, changes: Vec<(&'static str, Option<Vec<u8>>)>) -> Vec<v1::PutFileRequest> {
    let mut changes = List::new(changes);
    let commit = commit("given", "9fb97c9679eb4c6da4a9e5d4d4b1e7be");
    let mut put = messages::PutFile::new(&commit, &mut changes, most);
    let mut all = Vec::new();
    while let Some(message) = put.next().unwrap() {
        all.push(message);
    }
    all
}

#[test]
fn a_file_that_is_deleted_and_appended_is_overwritten_in_one_message() {
    let sent = put(
        3,
        vec![
            ("/a", None),
            ("/a", Some(b"onetwo".to_vec())),
            ("/d/e", None),
            ("/d/e", Some(b"x".to_vec())),
            ("/empty", None),
            ("/empty", Some(b"".to_vec())),
            ("/plain", Some(b"p".to_vec())),
        ],
    );
    let recordings = recordings();
    let recorded = &recordings
        .iter()
        .find(|recording| recording.number == "061")
        .unwrap()
        .requests;
    let recorded: Vec<_> = recorded
        .iter()
        .map(|bytes| v1::PutFileRequest::decode(bytes.as_slice()).unwrap())
        .collect();
    assert_eq!(sent, recorded);
}

#[test]
fn a_deletion_stands_alone_unless_its_file_follows() {
    let shown: Vec<_> = put(
        9,
        vec![
            ("/a", Some(b"1".to_vec())),
            ("/b", None),
            ("/a", Some(b"2".to_vec())),
            ("/c", None),
            ("/d", None),
        ],
    )
    .into_iter()
    .map(|put| {
        (
            put.file.map(|file| file.path),
            put.value.to_vec(),
            put.delete,
            put.overwrite_index.is_some(),
        )
    })
    .collect();
    let path = |path: &str| Some(path.to_owned());
    assert_eq!(
        shown,
        [
            (path("/a"), b"1".to_vec(), false, false),
            (path("/b"), Vec::new(), true, false),
            // pachd has closed `/a` meanwhile: it has to be named again.
            (path("/a"), b"2".to_vec(), false, false),
            (path("/c"), Vec::new(), true, false),
            (path("/d"), Vec::new(), true, false),
        ]
    );
}

/// Files whose content is as long as this says, which may not be what the walk says.
struct Walked(Vec<(&'static str, u64, usize)>);

impl Walk for Walked {
    type Content = io::Take<io::Repeat>;

    fn next_file(&mut self) -> Result<Option<(String, u64)>, Fault> {
        Ok(self.0.first().map(|(path, size, _)| ((*path).to_owned(), *size)))
    }

    fn open(&mut self, _: &str) -> Result<Self::Content, Fault> {
        let (_, _, length) = self.0.remove(0);
        Ok(io::repeat(b'x').take(length as u64))
    }
}

#[test]
fn a_walk_is_read_as_an_archive() {
    let mut bytes = Vec::new();
    let walked = vec![("/a", 3, 3), ("/dir/empty", 0, 0), ("/z", 1024, 1024)];
    TarReader::new(Walked(walked)).read_to_end(&mut bytes).unwrap();
    let mut entries = EntryStream::new(&bytes[..], "test".into());
    for (path, size) in [("/a", 3), ("/dir/empty", 0), ("/z", 1024)] {
        let mut entry = entries.next_entry().unwrap().unwrap();
        assert_eq!((entry.path(), entry.size()), (path.as_bytes(), size));
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, vec![b'x'; content.len()]);
        assert_eq!(content.len() as u64, size);
    }
    assert!(entries.next_entry().unwrap().is_none());
}

#[test]
fn a_file_that_ends_before_its_size_ends_no_archive() {
    let mut reader = TarReader::new(Walked(vec![("/a", 3, 2), ("/b", 1, 1)]));
    let mut bytes = Vec::new();
    for _ in 0..2 {
        let error = reader.read_to_end(&mut bytes).unwrap_err();
        let fault = error.get_ref().unwrap().downcast_ref::<Fault>().unwrap();
        assert_eq!(fault.kind, FaultKind::Unavailable);
    }
    assert_eq!(bytes.len(), 514);
}

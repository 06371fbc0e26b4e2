//! The gateway against real sockets: recorded answers for every method, and connections that misbehave.

mod endless;
mod ports;
pub(super) mod scripted;
mod subscriptions;
mod transport;
mod uploads;

use std::io;

use serde_json::Value;

use self::scripted::Recording;
use spoutctl_core::pfs::{Branch, BranchName, Commit, CommitId, FilePath, FileSetId, ProjectName, Repo, RepoName};
use spoutctl_core::sink::{Change, Changes};

fn repo(name: &str) -> Repo {
    Repo {
        project: ProjectName::new("default").unwrap(),
        name: RepoName::new(name).unwrap(),
    }
}

fn branch(repo_name: &str, name: &str) -> Branch {
    Branch {
        repo: repo(repo_name),
        name: BranchName::new(name).unwrap(),
    }
}

fn commit(repo_name: &str, branch: Option<&str>, id: &str) -> Commit {
    Commit {
        repo: repo(repo_name),
        branch: branch.map_or_else(BranchName::default, |name| BranchName::new(name).unwrap()),
        id: CommitId::new(id).unwrap(),
    }
}

/// Changes out of a list.
struct List<'a> {
    changes: &'a [Change<'a>],
    next: usize,
}

impl<'a> List<'a> {
    fn new(changes: &'a [Change<'a>]) -> Self {
        Self { changes, next: 0 }
    }
}

impl Changes for List<'_> {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        self.next += 1;
        Ok(self.changes.get(self.next - 1).cloned())
    }
}

fn recorded_request(label: &str) -> Value {
    serde_json::from_str(&Recording::load(label).request).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn recorded_commit(commit: &Value) -> Commit {
    let mut of = self::commit(
        text(&commit["repo"]["name"]),
        commit["branch"]["name"].as_str(),
        text(&commit["id"]),
    );
    of.repo.project = ProjectName::new(text(&commit["repo"]["project"]["name"])).unwrap();
    of
}

fn recorded_file_set(label: &str) -> FileSetId {
    FileSetId(text(&recorded_request(label)["fileSetId"]).to_owned())
}

fn recorded_file_sets(label: &str) -> Vec<FileSetId> {
    let request = recorded_request(label);
    let ids = request["fileSetIds"].as_array().unwrap();
    ids.iter().map(|id| FileSetId(text(id).to_owned())).collect()
}

fn recorded_add(label: &str) -> (Commit, FileSetId) {
    (
        recorded_commit(&recorded_request(label)["commit"]),
        recorded_file_set(label),
    )
}

fn recorded_file(label: &str) -> (Commit, FilePath) {
    let file = &recorded_request(label)["file"];
    (
        recorded_commit(&file["commit"]),
        FilePath::new(text(&file["path"])).unwrap_or_else(|_| FilePath::root()),
    )
}

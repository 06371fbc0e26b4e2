//! A repo on a pachd, and the raw calls that the binary itself does not make.

use std::io::Write;
use std::ops::Deref;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::checker::{Good, Outcome};
use crate::runner::{Ran, World, tree_of};
use crate::served::{Served, post};

/// A commit as pachd tells it.
#[derive(Debug, Clone)]
pub struct Commit {
    pub id: String,
    pub description: String,
    pub error: String,
    pub is_open: bool,
    pub is_finished: bool,
}

impl Commit {
    fn of(info: &Value) -> Self {
        Self {
            id: info["commit"]["id"].as_str().unwrap().to_owned(),
            description: info["description"].as_str().unwrap_or_default().to_owned(),
            error: info["error"].as_str().unwrap_or_default().to_owned(),
            is_open: info["finishing"].is_null() && info["finished"].is_null(),
            is_finished: !info["finished"].is_null(),
        }
    }

    pub fn is_good(&self) -> bool {
        self.is_finished && self.error.is_empty()
    }

    /// The number that the mark in the description has.
    #[track_caller]
    pub fn sequence(&self) -> u64 {
        let mark = self.description.lines().last().unwrap();
        let (_, rest) = mark.split_once(" seq=").unwrap();
        rest.split(' ').next().unwrap().parse().unwrap()
    }
}

/// A repo of the test's own on the server, and the binary to use it with.
pub struct Lab {
    world: World,
    /// `HOST:PORT` of the server.
    pub authority: String,
    pub token: Option<String>,
    /// Its name; it exists only once somebody has made it.
    pub repo: String,
    /// The server, where it is the test's own.
    served: Option<Served>,
}

impl Deref for Lab {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// Where the binary goes: to the gateway, or with `SPOUTCTL_TEST_DOOR=grpc` to gRPC, on the same port unless
/// `SPOUTCTL_TEST_PACHD_GRPC` says where. The test's own questions go to the gateway in any case.
fn door_of(url: &str) -> String {
    if std::env::var("SPOUTCTL_TEST_DOOR").is_ok_and(|door| door == "grpc") {
        std::env::var("SPOUTCTL_TEST_PACHD_GRPC").unwrap_or_else(|_| url.replace("http://", "grpc://"))
    } else {
        url.to_owned()
    }
}

impl Lab {
    /// On the server that is named, or else on one of the test's own.
    pub fn without_repo() -> Self {
        Self::named().unwrap_or_else(|| {
            let served = Served::start();
            Self::on(&served.url(), None, Some(served))
        })
    }

    /// On a server of the test's own, whichever is named: for what is true of `serve` alone.
    pub fn of_serve() -> Self {
        let served = Served::start();
        let lab = Self::on(&served.url(), None, Some(served));
        lab.make_repo();
        lab
    }

    /// As [`Self::without_repo`], with the repo made.
    pub fn new() -> Self {
        let lab = Self::without_repo();
        lab.make_repo();
        lab
    }

    /// A server that runs jobs and has Kubernetes: `None` where none is named, and the test is skipped.
    pub fn with_jobs() -> Option<Self> {
        let named = Self::named();
        if named.is_none() {
            // Past the test harness, which keeps what a passing test prints.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: SPOUTCTL_TEST_PACHD names no pachd, and `serve` runs no jobs"
            );
        }
        named
    }

    /// A server that asks for tokens: `None` where `PACH_TOKEN` has none, and the test is skipped.
    pub fn with_auth() -> Option<Self> {
        let named = Self::named().filter(|lab| lab.token.is_some());
        if named.is_none() {
            let _ = writeln!(
                std::io::stderr(),
                "skipped: PACH_TOKEN has no token for a pachd with auth"
            );
        }
        named
    }

    fn named() -> Option<Self> {
        let server = std::env::var("SPOUTCTL_TEST_PACHD").ok()?;
        Some(Self::on(&server, std::env::var("PACH_TOKEN").ok(), None))
    }

    fn on(url: &str, token: Option<String>, served: Option<Served>) -> Self {
        let authority = url
            .strip_prefix("http://")
            .expect("SPOUTCTL_TEST_PACHD is http://HOST:PORT");
        Self {
            world: World::at(&door_of(url)).with_token(token.clone()),
            authority: authority.trim_end_matches('/').to_owned(),
            token,
            repo: format!("spoutctl-test-{}", uuid::Uuid::new_v4().simple()),
            served,
        }
    }

    /// Another repo on the same server, which is made.
    pub fn beside(&self) -> Self {
        let other = Self::on(&format!("http://{}", self.authority), self.token.clone(), None);
        other.make_repo();
        other
    }

    pub fn make_repo(&self) {
        self.ask("pfs_v2.API/CreateRepo", &json!({"repo": self.repo_name()}));
    }

    /// `repo@branch:/path`, or whatever else follows the repo's name.
    pub fn at(&self, rest: &str) -> String {
        format!("{}{rest}", self.repo)
    }

    /// `put` of these bytes into the repo; `args` come after the destination.
    pub fn put(&self, args: &[&str], input: &[u8]) -> Ran {
        let args = [&["put", self.repo.as_str()], args].concat();
        self.run_with(&args, input)
    }

    /// One call and its answer's status and body.
    pub fn call(&self, method: &str, request: &Value) -> (u16, String) {
        self.try_call(method, request).unwrap()
    }

    fn try_call(&self, method: &str, request: &Value) -> std::io::Result<(u16, String)> {
        post(&self.authority, method, request, self.token.as_deref())
    }

    /// A call that must succeed. Under load pachd now and then rolls one back, and says so.
    #[track_caller]
    pub fn ask(&self, method: &str, request: &Value) -> Value {
        let is_rollback = |body: &str| body.contains("commit unexpectedly resulted in rollback");
        let (status, body) = (0..5)
            .map(|_| self.call(method, request))
            .find(|(_, body)| !is_rollback(body))
            .expect("five rollbacks in a row");
        assert_eq!(status, 200, "{method}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    pub fn repo_name(&self) -> Value {
        json!({"name": self.repo, "type": "user", "project": {"name": "default"}})
    }

    pub fn branch_name(&self) -> Value {
        json!({"repo": self.repo_name(), "name": "master"})
    }

    /// Starts a commit as another tool would, and answers its id.
    pub fn start_commit(&self, description: &str) -> String {
        let request = json!({"branch": self.branch_name(), "description": description});
        let answer = self.ask("pfs_v2.API/StartCommit", &request);
        answer["id"].as_str().unwrap().to_owned()
    }

    pub fn finish_commit(&self, id: &str) {
        let request = json!({"commit": {"repo": self.repo_name(), "id": id, "branch": self.branch_name()}});
        self.ask("pfs_v2.API/FinishCommit", &request);
    }

    /// Writes a file into an open commit as another tool would.
    pub fn add_file(&self, id: &str, path: &str) {
        let request = json!({"addFile": {"path": path, "raw": "eA=="}});
        let file_set = self.ask("pfs_v2.API/CreateFileSet", &request)["fileSetId"].clone();
        let commit = json!({"repo": self.repo_name(), "id": id, "branch": self.branch_name()});
        let request = json!({"commit": commit, "fileSetId": file_set});
        self.ask("pfs_v2.API/AddFileSet", &request);
    }

    pub fn inspect_commit(&self, id: &str) -> Commit {
        let request = json!({"commit": {"repo": self.repo_name(), "id": id}});
        Commit::of(&self.ask("pfs_v2.API/InspectCommit", &request))
    }

    /// The commits of `master`, oldest first.
    pub fn commits(&self) -> Vec<Commit> {
        let request = json!({"repo": self.repo_name(), "to": {"repo": self.repo_name(), "branch": self.branch_name()}});
        let (status, body) = self.call("pfs_v2.API/ListCommit", &request);
        if status == 404 {
            return Vec::new();
        }
        assert_eq!(status, 200, "{body}");
        let mut commits: Vec<Commit> = body
            .lines()
            .map(|line| Commit::of(&serde_json::from_str::<Value>(line).unwrap()["result"]))
            .collect();
        commits.reverse();
        commits
    }

    /// The ids of the commits of `master` that are finished without an error, oldest first.
    pub fn good_commits(&self) -> Vec<String> {
        let good = self.commits().into_iter().filter(Commit::is_good);
        good.map(|commit| commit.id).collect()
    }

    /// What `master` holds, and what these runs have acknowledged, as the checker wants it.
    pub fn outcome(&self, runs: &[&Ran]) -> Outcome {
        let commits = self.commits();
        // A branch's first head may be an empty commit that nobody described.
        let ours = commits.iter().filter(|commit| !commit.description.is_empty());
        let good = ours.filter(|commit| commit.is_good()).map(|commit| {
            let archive = self.run(&["get", &self.at(&format!("@{}", commit.id)), "--tar"]);
            Good {
                commit: commit.id.clone(),
                archive: commit.sequence(),
                tree: tree_of(&archive.expect(0).stdout),
            }
        });
        Outcome {
            good: good.collect(),
            open: commits.iter().filter(|commit| commit.is_open).count(),
            acknowledged: runs.iter().flat_map(|ran| ran.acknowledged()).collect(),
        }
    }

    /// Fails unless the branch's commits are just the ones that were acknowledged, each finished without an error.
    #[track_caller]
    pub fn holds_just(&self, acknowledged: &[String]) {
        let commits = self.commits();
        let ids: Vec<&String> = commits.iter().map(|commit| &commit.id).collect();
        assert_eq!(ids, acknowledged.iter().collect::<Vec<_>>());
        for commit in commits {
            assert!(commit.is_good(), "{commit:?}");
            assert!(commit.description.ends_with(" done"), "{commit:?}");
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.served.is_some() {
            return;
        }
        // Also after a failed test, which must not become a panic in a panic.
        let pipeline = json!({"pipeline": {"project": {"name": "default"}, "name": self.repo}, "force": true});
        let repo = json!({"repo": self.repo_name(), "force": true});
        let deadline = Instant::now() + Duration::from_secs(20);
        let _ = self.try_call("pps_v2.API/DeletePipeline", &pipeline);
        // pachd refuses while it still works on the repo.
        while let Ok((status, body)) = self.try_call("pfs_v2.API/DeleteRepo", &repo) {
            if matches!(status, 200 | 404) || Instant::now() > deadline {
                if !matches!(status, 200 | 404) {
                    eprintln!("repo {} is left behind: {body}", self.repo);
                }
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

//! A repo on a pachd, and the raw calls that the binary itself does not make.

use std::io::Write;
use std::ops::Deref;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::checker::{Good, Outcome};
use crate::proxy::Proxy;
use crate::raw::{self, Answered, Door, Refused};
use crate::runner::{Ran, World, tree_of};
use crate::served::Served;

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
    /// Where the test's own questions go.
    door: Door,
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

/// What the tests' own server answers as, if not the newest.
fn release() -> Option<String> {
    std::env::var("SPOUTCTL_TEST_RELEASE").ok()
}

/// Whether the server is older than this minor version of 2.x; one that is named is taken for a new one.
pub fn is_before(minor: u32) -> bool {
    let of = |release: &str| release.strip_prefix("2.").and_then(|minor| minor.parse::<u32>().ok());
    let is_older = |release: String| of(&release).expect("SPOUTCTL_TEST_RELEASE is 1.13 or 2.MINOR") < minor;
    is_1_x() || release().is_some_and(is_older)
}

/// Whether the server plays 1.12 or 1.13.
pub fn is_1_x() -> bool {
    release().is_some_and(|release| release.starts_with("1."))
}

/// Whether there is nothing of the kind with 1.x: then the scenario is skipped, and says so.
pub fn is_lacking(what: &str) -> bool {
    if is_1_x() {
        // Past the test harness, which keeps what a passing test prints.
        let _ = writeln!(std::io::stderr(), "skipped: with Pachyderm 1.x there are no {what}");
    }
    is_1_x()
}

/// The call by which data come into a commit.
pub fn writing_call() -> &'static str {
    if is_1_x() { "PutFile" } else { "AddFileSet" }
}

/// A server of the test's own.
fn serve() -> Served {
    let release = release();
    let args: Vec<&str> = release.iter().flat_map(|release| ["--pachyderm", release]).collect();
    Served::start_with(&args)
}

/// Where the binary goes: where the test's own questions do, or with `SPOUTCTL_TEST_DOOR=grpc` to gRPC, on the same port
/// unless `SPOUTCTL_TEST_PACHD_GRPC` says where.
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
        Self::named().unwrap_or_else(Self::on_serve)
    }

    /// On a server of the test's own, whichever is named: for what is true of `serve` alone.
    pub fn of_serve() -> Self {
        let lab = Self::on_serve();
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

    fn on_serve() -> Self {
        let served = serve();
        let url = match release() {
            Some(_) => format!("grpc://{}", served.authority),
            None => served.url(),
        };
        Self::on(&url, None, Some(served))
    }

    fn on(url: &str, token: Option<String>, served: Option<Served>) -> Self {
        let (door, authority) = match url.split_once("://") {
            Some(("http", authority)) => (Door::Gateway, authority),
            Some(("grpc", authority)) => (Door::Grpc, authority),
            _ => panic!("SPOUTCTL_TEST_PACHD is http://HOST:PORT or grpc://HOST:PORT"),
        };
        Self {
            world: World::at(&door_of(url)).with_token(token.clone()),
            door,
            authority: authority.trim_end_matches('/').to_owned(),
            token,
            repo: format!("spoutctl-test-{}", uuid::Uuid::new_v4().simple()),
            served,
        }
    }

    /// Another repo on the same server, which is made.
    pub fn beside(&self) -> Self {
        let url = format!("{}://{}", self.door.scheme(), self.authority);
        let other = Self::on(&url, self.token.clone(), None);
        other.make_repo();
        other
    }

    /// The binary, to be used through this proxy before [`Self::authority`]: in gRPC, if that is spoken there and wanted.
    pub fn behind(&self, proxy: &Proxy) -> World {
        let url = format!("{}://{}", self.door.scheme(), proxy.authority());
        let is_elsewhere = std::env::var_os("SPOUTCTL_TEST_PACHD_GRPC").is_some();
        let url = if is_elsewhere { url } else { door_of(&url) };
        World::at(&url).with_token(self.token.clone())
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

    /// One call and what came of it.
    pub fn call(&self, method: &str, request: &Value) -> Answered {
        self.try_call(method, request).unwrap()
    }

    fn try_call(&self, method: &str, request: &Value) -> std::io::Result<Answered> {
        raw::call(self.door, &self.authority, method, request, self.token.as_deref())
    }

    /// A call that must succeed. Under load pachd now and then rolls one back, and says so.
    #[track_caller]
    pub fn ask(&self, method: &str, request: &Value) -> Value {
        let is_rollback = |refused: &Refused| refused.text.contains("commit unexpectedly resulted in rollback");
        let answered = (0..5)
            .map(|_| self.call(method, request))
            .find(|answered| !answered.as_ref().is_err_and(is_rollback))
            .expect("five rollbacks in a row");
        let answer = answered.unwrap_or_else(|refused| panic!("{method}: {refused:?}"));
        serde_json::from_str(&answer).unwrap()
    }

    pub fn repo_name(&self) -> Value {
        json!({"name": self.repo, "type": "user", "project": {"name": "default"}})
    }

    pub fn branch_name(&self) -> Value {
        json!({"repo": self.repo_name(), "name": "master"})
    }

    /// A commit of `master`, with its branch: without it, some releases take harm.
    pub fn commit_name(&self, id: &str) -> Value {
        json!({"repo": self.repo_name(), "id": id, "branch": self.branch_name()})
    }

    /// Starts a commit as another tool would, and answers its id.
    pub fn start_commit(&self, description: &str) -> String {
        let request = json!({"branch": self.branch_name(), "description": description});
        let answer = self.ask("pfs_v2.API/StartCommit", &request);
        answer["id"].as_str().unwrap().to_owned()
    }

    pub fn finish_commit(&self, id: &str) {
        self.ask("pfs_v2.API/FinishCommit", &json!({"commit": self.commit_name(id)}));
    }

    /// Writes a file into an open commit as another tool would.
    pub fn add_file(&self, id: &str, path: &str) {
        if is_1_x() {
            let request = json!({"commit": self.commit_name(id), "path": path});
            self.ask("pfs.API/PutFile", &request);
            return;
        }
        let request = json!({"addFile": {"path": path, "raw": "eA=="}});
        let file_set = self.ask("pfs_v2.API/CreateFileSet", &request)["fileSetId"].clone();
        let request = json!({"commit": self.commit_name(id), "fileSetId": file_set});
        self.ask("pfs_v2.API/AddFileSet", &request);
    }

    /// Takes a commit away as another tool would.
    pub fn drop_commit(&self, id: &str) {
        if is_1_x() {
            self.ask("pfs_v2.API/DropCommit", &json!({"commit": self.commit_name(id)}));
        } else {
            self.ask("pfs_v2.API/DropCommitSet", &json!({"commitSet": {"id": id}}));
        }
    }

    pub fn inspect_commit(&self, id: &str) -> Commit {
        let request = json!({"commit": self.commit_name(id)});
        Commit::of(&self.ask("pfs_v2.API/InspectCommit", &request))
    }

    pub fn wait_until_finished(&self, id: &str) {
        let request = json!({"commit": self.commit_name(id), "wait": "FINISHED"});
        self.ask("pfs_v2.API/InspectCommit", &request);
    }

    /// The commits of `master`, oldest first.
    pub fn commits(&self) -> Vec<Commit> {
        let request = json!({"repo": self.repo_name(), "to": {"repo": self.repo_name(), "branch": self.branch_name()}});
        let body = match self.call("pfs_v2.API/ListCommit", &request) {
            Ok(body) => body,
            Err(refused) if refused.is_missing => return Vec::new(),
            Err(refused) => panic!("{refused:?}"),
        };
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
        if !is_1_x() {
            let _ = self.try_call("pps_v2.API/DeletePipeline", &pipeline);
        }
        // pachd refuses while it still works on the repo.
        while let Ok(Err(refused)) = self.try_call("pfs_v2.API/DeleteRepo", &repo) {
            if refused.is_missing {
                return;
            }
            if Instant::now() > deadline {
                eprintln!("repo {} is left behind: {}", self.repo, refused.text);
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

//! Where pachd is and who we are, as pachctl's configuration says it: end to end, against `serve` and one that does wrong.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::pachd::Pachd;
use crate::proxy::{Proxy, refusal, reply};
use crate::runner::{Ran, tar};
use crate::served::Served;

pub const TOKEN: &str = "token-that-nobody-may-see";

/// A user with a home, and pachctl's configuration in it.
pub struct User {
    home: TempDir,
}

impl User {
    pub fn new(config: &Value) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".pachyderm")).unwrap();
        let user = Self { home };
        std::fs::write(user.config(), config.to_string()).unwrap();
        user
    }

    pub fn with_context(context: &Value) -> Self {
        Self::new(&json!({"v2": {"active_context": "prod", "contexts": {"prod": context}}}))
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn config(&self) -> std::path::PathBuf {
        self.home.path().join(".pachyderm/config.json")
    }

    pub fn content(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.config()).unwrap()).unwrap()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        crate::runner::give_default_signals();
        let mut command = Command::new(env!("CARGO_BIN_EXE_spoutctl"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.home.path())
            .env("TMPDIR", self.home.path())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it, and looks that no token is shown.
    #[track_caller]
    pub fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        let ran = self.command(args).envs(variables.iter().copied()).output().unwrap();
        checked(Ran::from(ran))
    }

    #[track_caller]
    pub fn run_with(&self, args: &[&str], input: &[u8]) -> Ran {
        let file = self.home.path().join("input");
        std::fs::write(&file, input).unwrap();
        let mut command = self.command(args);
        checked(Ran::from(
            command.stdin(std::fs::File::open(file).unwrap()).output().unwrap(),
        ))
    }
}

#[track_caller]
fn checked(ran: Ran) -> Ran {
    assert!(!ran.stderr.contains(TOKEN) && !ran.text().contains(TOKEN), "{ran:?}");
    ran
}

/// A server that wants [`TOKEN`].
fn served_with_token(directory: &Path) -> Served {
    let token = directory.join("server-token");
    std::fs::write(&token, TOKEN).unwrap();
    Served::over(&directory.join("store"), &["--token-file", token.to_str().unwrap()])
}

fn one() -> Vec<u8> {
    tar(&[("a", b"x")])
}

#[test]
fn a_context_gives_address_token_and_project() {
    let directory = tempfile::tempdir().unwrap();
    let served = served_with_token(directory.path());
    let project = json!({"project": {"name": "team"}}).to_string();
    let made = served.request(
        "POST",
        "/api/pfs_v2.API/CreateProject",
        &[("authn-token", TOKEN)],
        project.as_bytes(),
    );
    assert_eq!(made.status, 200, "{}", made.text());
    // As pachctl keeps it, and as somebody may have written it.
    for address in [format!("grpc://{}", served.authority), served.authority.clone()] {
        let user = User::with_context(&json!({"pachd_address": address, "session_token": TOKEN, "project": "team"}));
        let before = user.content();
        let ran = user.run_with(&["put", "events", "--create-repo", "-v"], &one());
        assert!(ran.expect(0).commits()[0].starts_with("team/events@"), "{}", ran.text());
        user.run(&["get", "team/events:/a"], &[]).expect(0);
        user.run(&["get", "events:/a"], &[]).expect(0);
        user.run(&["get", "default/events:/a"], &[]).expect(4);
        let ran = user.run(&["tail", "events", "-e", "--json"], &[]);
        assert_eq!(ran.expect(0).json()[0]["project"], "team");
        assert_eq!(user.content(), before, "nothing but auth writes there");
    }
    assert!(!served.said().contains(TOKEN));
}

#[test]
fn a_spec_without_a_project_is_not_created_in_another_than_the_contexts() {
    let directory = tempfile::tempdir().unwrap();
    let served = served_with_token(directory.path());
    let user = User::with_context(
        &json!({"pachd_address": format!("grpc://{}", served.authority), "session_token": TOKEN, "project": "team"}),
    );
    let spec = "pipeline: {name: events}\nspout: {}\ntransform: {image: 'x:1', cmd: [run]}\n";
    std::fs::write(user.home().join("spout.yaml"), spec).unwrap();
    let ran = user.run(&["create", "-f", "spout.yaml"], &[]);
    ran.expect(2).says("names no project").says("`team`");
    assert!(!served.said().contains("CreatePipeline"));
}

#[test]
fn a_contexts_token_goes_to_its_own_address_alone() {
    let user = User::with_context(&json!({"pachd_address": "grpcs://prod:443", "session_token": TOKEN}));
    let gateway = Pachd::start();
    gateway.at("ListCommit", 1, refusal(16, "no authentication token (try logging in)"));
    let url = gateway.url();
    let get = ["get", "events:/a", "-v"];
    let ran = user.run(&get, &[("PACHD_ADDRESS", &url)]);
    ran.expect(4)
        .says("no token was sent: that of context `prod` is for another address, grpcs://prod:443")
        .says("--context prod sends its token all the same");
    assert!(gateway.tokens().is_empty());
    // Said so, it goes there.
    let ran = user.run(&[&get[..], &["--pachd", &url, "--context", "prod"]].concat(), &[]);
    ran.expect(1);
    assert_eq!(gateway.tokens().into_iter().collect::<Vec<_>>(), [TOKEN]);
}

#[test]
fn a_token_that_is_not_taken_is_named_by_where_it_is_from() {
    let directory = tempfile::tempdir().unwrap();
    let served = served_with_token(directory.path());
    let user = User::with_context(&json!({"pachd_address": served.authority, "session_token": "expired-long-ago"}));
    let get = ["get", "events:/a"];
    let ran = user.run(&get, &[]);
    ran.expect(4)
        .says("the token is that of context `prod` in ")
        .says("spoutctl auth login --context prod");
    assert!(!ran.stderr.contains("expired-long-ago"));
    let ran = user.run(&get, &[("PACH_TOKEN", "another")]);
    ran.expect(4).says("the token is that of PACH_TOKEN");
    let file = user.home().join("token");
    std::fs::write(&file, "a-third\n").unwrap();
    let ran = user.run(
        &get,
        &[("SPOUTCTL_TOKEN_FILE", file.to_str().unwrap()), ("PACH_TOKEN", TOKEN)],
    );
    ran.expect(4).says("/token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let with_file = [&get[..], &["--token-file", file.to_str().unwrap()]].concat();
    user.run(&with_file, &[]).expect(4).says("does not exist");
}

#[test]
fn a_permission_that_is_missing_is_told_with_the_line_that_grants_it() {
    let words = "robot:ci is not authorized to perform this operation - needs permissions [REPO_READ] on REPO team/events. \
                 Run `pachctl auth roles-for-permission` to find roles that grant a given permission.";
    let gateway = Pachd::start();
    gateway.at("ListCommit", 1, refusal(7, words));
    let user = User::with_context(&json!({}));
    let variables = [("PACHD_ADDRESS", gateway.url()), ("PACH_TOKEN", TOKEN.to_owned())];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    user.run(&["get", "team/events:/a"], &variables)
        .expect(4)
        .says("robot:ci lacks REPO_READ")
        .says("pachctl auth set repo events repoReader robot:ci --project team");
}

#[test]
fn another_cluster_than_the_contexts_is_an_error_before_anything_is_done() {
    let user = User::with_context(&json!({"pachd_address": "grpc://h:1", "cluster_deployment_id": "ours"}));
    for (found, code) in [("theirs", 4), ("ours", 0), ("", 0)] {
        let gateway = Pachd::start();
        let answer = json!({"id": "x", "deploymentId": found});
        gateway.at("InspectCluster", 1, reply(&answer));
        let url = gateway.url();
        let put = ["put", "events", "--create-repo", "--pachd", &url, "--context", "prod"];
        let ran = user.run_with(&put, &one());
        ran.expect(code);
        assert_eq!(gateway.calls("InspectCluster"), 1);
        if code == 4 {
            ran.says("this is not the cluster of context `prod`, which is deployment ours, but deployment theirs")
                .says("--remove-cluster-deployment-id");
            assert_eq!(gateway.calls(Proxy::ANY), 1, "{}", ran.stderr);
        }
    }
}

#[test]
fn what_cannot_be_used_says_where_and_what_to_do() {
    let user = User::with_context(&json!({"source": 3}));
    let get = ["get", "events:/a"];
    user.run(&get, &[])
        .expect(2)
        .says("context `prod` in ")
        .says("pachctl port-forward");
    user.run(&["get", "events:/a", "--context", "porod"], &[])
        .expect(2)
        .says("there is no context `porod`")
        .says("has prod");
    std::fs::write(user.config(), format!("{{\"v2\": {{\n  \"token\": \"{TOKEN}\",,\n}}}}")).unwrap();
    user.run(&get, &[]).expect(2).says(".pachyderm/config.json:2:");
    // With an address of its own the file is not needed.
    let store = format!("local:{}", user.home().join("store").display());
    let ran = user.run_with(&["put", "events", "--create-repo", "--pachd", &store], &one());
    ran.expect(0);
    assert!(!ran.stderr.contains("config.json"), "{}", ran.stderr);
    let served = Served::start();
    let ran = user.run_with(&["put", "events", "--create-repo", "--pachd", &served.url()], &one());
    ran.expect(0).says("warning: ").says("config.json:2:");
    User::new(&json!({}))
        .run(&get, &[])
        .expect(2)
        .says("no pachd is named")
        .says("has no active context")
        .says("--pachd");
}

//! `spoutctl doctor`: each fault is named for what it is, and what to do next is said.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::pachd::Pachd;
use crate::proxy::{refusal, reply};
use crate::runner::{Ran, World, tar};
use crate::served::Served;
use crate::settings::{TOKEN, User};
use crate::settings_tls::{Terminator, self_signed, signed};

/// Asks the doctor in a home without any configuration.
#[track_caller]
fn ask(args: &[&str]) -> Ran {
    ask_with(args, &[])
}

#[track_caller]
fn ask_with(args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let user = User::new(&json!({}));
    user.run(&[&["doctor", "--timeout", "2s"][..], args].concat(), variables)
}

/// The one fault in the output, and with it what to do.
#[track_caller]
fn fault(ran: &Ran, code: i32, check: &str, said: &str) -> Vec<String> {
    let text = ran.expect(code).text();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("fault ")).collect();
    assert_eq!(rows.len(), 1, "{text}");
    assert!(rows[0].starts_with(&format!("fault    {check:<9} ")), "{text}");
    assert!(text.contains(said), "{text}");
    let after = text.lines().skip_while(|line| !line.starts_with("fault ")).skip(1);
    let belongs = after.take_while(|line| line.starts_with(' '));
    belongs.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn where_nothing_is_wrong_every_line_is_ok() {
    let served = Served::start();
    for scheme in ["http", "grpc"] {
        let address = format!("{scheme}://{}", served.authority);
        let user = User::new(&json!({}));
        user.run_with(
            &["put", "events", "--create-repo", "--pachd", &address],
            &tar(&[("a", b"x")]),
        )
        .expect(0);
        let ran = ask(&["events", "--pachd", &address]);
        let text = ran.expect(0).text();
        let rows: Vec<&str> = text.lines().map(|row| row.split_whitespace().nth(1).unwrap()).collect();
        assert_eq!(
            rows,
            [
                "address", "dns", "tcp", "tls", "version", "cluster", "auth", "project", "repo", "branch", "head",
                "write", "pipeline"
            ],
            "{text}"
        );
        assert!(text.lines().all(|row| row.starts_with("ok ")), "{text}");
    }
    let world = World::local();
    world
        .run_with(&["put", "events", "--create-repo"], &tar(&[("a", b"x")]))
        .expect(0);
    let json = world.run(&["doctor", "events", "--json"]).expect(0).json();
    assert!(json.iter().any(|line| line["check"] == "disk"));
    assert_eq!(
        json.last().unwrap(),
        &json!({"type": "summary", "faults": 0, "warnings": 0, "exit": 0})
    );
}

#[test]
fn nothing_that_names_a_pachd_is_one_fault_and_the_rest_waits() {
    let ran = ask(&["events"]);
    let next = fault(&ran, 2, "address", "no pachd is named");
    assert!(
        next.iter().any(|line| line.contains("--context or PACHD_ADDRESS")),
        "{next:?}"
    );
    assert!(
        ran.text().contains("-        dns, tcp, version, auth, project"),
        "{}",
        ran.text()
    );
    assert!(ran.text().contains("not checked: address comes first"));
}

#[test]
fn a_name_that_leads_nowhere_is_named() {
    let ran = ask(&["--pachd", "grpc://pachd.no-such-namespace.svc.invalid:30650"]);
    let next = fault(&ran, 5, "dns", "pachd.no-such-namespace.svc.invalid leads nowhere");
    assert!(next[0].contains("inside of it only"), "{next:?}");
}

#[test]
fn a_port_at_which_nobody_listens_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = ask(&["--pachd", &format!("grpc://{free}")]);
    let next = fault(&ran, 5, "tcp", &format!("nobody listens at {free}"));
    assert!(next[0].contains("kubectl get service"), "{next:?}");
}

#[test]
fn a_port_that_says_nothing_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    for (scheme, check) in [("http", "version"), ("grpc", "version"), ("grpcs", "tls")] {
        let begun = std::time::Instant::now();
        let ran = ask(&["--pachd", &format!("{scheme}://{address}")]);
        fault(&ran, 5, check, "within 2 s");
        assert!(begun.elapsed().as_secs() < 20, "{scheme}");
    }
}

#[test]
fn the_wrong_door_is_told_with_the_right_one() {
    let gateway = Pachd::start();
    gateway.speak_http_1_alone();
    let authority = gateway.url().replace("http://", "");
    let ran = ask(&["--pachd", &format!("grpc://{authority}")]);
    // What a server says to a greeting in HTTP/2 differs from one to the next.
    let next = fault(
        &ran,
        ran.code.unwrap(),
        "version",
        "and with http:// if it is the gateway",
    );
    assert_eq!(
        next,
        [format!("help: pachd answers at http://{authority}: use that address")]
    );
}

#[test]
fn a_certificate_that_is_not_trusted_is_described() {
    let served = Served::start();
    let unknown = Terminator::start(&signed(&["localhost"]), &served.authority);
    let ran = ask(&["--pachd", &unknown.url("grpcs", "localhost")]);
    let details = fault(&ran, 5, "tls", "name its authority with --cacert FILE");
    assert!(
        details[0].contains("certificate CN=") && details[0].contains("for localhost"),
        "{details:?}"
    );
    let other = Terminator::start(&self_signed(&["pachd.example.com"], true), &served.authority);
    let ran = ask(&["--pachd", &other.url("https", "localhost"), "--insecure"]);
    ran.expect(0);
    assert!(ran.text().contains("warning  tls"), "{}", ran.text());
}

#[test]
fn a_certificate_for_another_name_or_out_of_date_is_named() {
    let served = Served::start();
    let user = User::new(&json!({}));
    for (identity, said) in [
        (
            self_signed(&["pachd.example.com"], true),
            "its certificate is for another name",
        ),
        (self_signed(&["localhost"], false), "its certificate has expired"),
    ] {
        let terminator = Terminator::start(&identity, &served.authority);
        let file = user.home().join("ca.pem");
        std::fs::write(&file, &identity.authority).unwrap();
        let url = terminator.url("https", "localhost");
        let ran = user.run(&["doctor", "--pachd", &url, "--cacert", file.to_str().unwrap()], &[]);
        let details = fault(&ran, 5, "tls", said);
        assert!(details[0].contains(" until "), "{details:?}");
    }
}

#[test]
fn a_token_that_is_not_taken_is_named_with_where_it_is_from() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, TOKEN).unwrap();
    let served = Served::over(
        &directory.path().join("store"),
        &["--token-file", file.to_str().unwrap()],
    );
    for scheme in ["http", "grpc"] {
        let address = format!("{scheme}://{}", served.authority);
        let ran = ask_with(&["events", "--pachd", &address], &[("PACH_TOKEN", "another")]);
        let next = fault(&ran, 4, "auth", "");
        assert!(
            next.iter().any(|line| line == "the token is that of PACH_TOKEN"),
            "{next:?}"
        );
        assert!(
            next.iter()
                .any(|line| line.starts_with("help: put another token there")),
            "{next:?}"
        );
        assert!(!ran.text().contains("another\n") && !ran.stderr.contains("another"));
    }
}

#[test]
fn another_cluster_than_the_contexts_is_named() {
    let gateway = Pachd::start();
    let answer = json!({"id": "x", "deploymentId": "theirs"});
    gateway.at("InspectCluster", 1, reply(&answer));
    let user = User::with_context(&json!({"pachd_address": "grpc://h:1", "cluster_deployment_id": "ours"}));
    let ran = user.run(&["doctor", "--pachd", &gateway.url(), "--context", "prod"], &[]);
    fault(&ran, 4, "cluster", "which is deployment ours, but deployment theirs");
}

#[test]
fn a_repo_or_a_project_that_is_not_there_is_named() {
    let served = Served::start();
    for scheme in ["http", "grpc"] {
        let address = format!("{scheme}://{}", served.authority);
        let ran = ask(&["nope", "--pachd", &address]);
        fault(&ran, 4, "repo", "default/nope");
        let ran = ask(&["nowhere/nope", "--pachd", &address]);
        let next = fault(&ran, 4, "project", "there is no project nowhere");
        assert_eq!(next, ["help: pachctl create project nowhere"]);
    }
}

#[test]
fn a_permission_that_is_missing_is_named() {
    let gateway = Pachd::start();
    gateway.at("WhoAmI", 1, reply(&json!({"username": "robot:ci"})));
    let authorize = json!({"authorized": false, "missing": ["REPO_WRITE"], "principal": "robot:ci"});
    gateway.at("Authorize", 1, reply(&authorize));
    let user = User::new(&json!({}));
    user.run_with(
        &["put", "events", "--create-repo", "--pachd", &gateway.url()],
        &tar(&[("a", b"x")]),
    )
    .expect(0);
    let ran = ask_with(&["events", "--pachd", &gateway.url()], &[("PACH_TOKEN", TOKEN)]);
    let next = fault(&ran, 4, "write", "REPO_WRITE");
    assert!(next[0].contains("pachctl auth set repo events repoWriter"), "{next:?}");
}

/// A commit that somebody has started and left.
fn left_open(served: &Served) -> String {
    let repo = json!({"name": "events", "type": "user", "project": {"name": "default"}});
    served.ask("pfs_v2.API/CreateRepo", &json!({"repo": repo}));
    let branch = json!({"repo": repo, "name": "master"});
    let commit = served.ask(
        "pfs_v2.API/StartCommit",
        &json!({"branch": branch, "description": "a notebook's"}),
    );
    commit["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_open_head_of_somebody_else_is_named_and_dropped_only_by_its_id() {
    let served = Served::start();
    let id = left_open(&served);
    let url = served.url();
    let ran = ask(&["events", "--pachd", &url]);
    let next = fault(&ran, 5, "head", &format!("{id} is open, for "));
    assert_eq!(next[0], "its description: a notebook's");
    assert!(
        next[2].contains(&format!("spoutctl doctor default/events@master --drop {id}")),
        "{next:?}"
    );
    // Neither without a word nor another one.
    ask(&["events", "--pachd", &url, "--drop", &id])
        .expect(2)
        .says("say --yes");
    let other = "3fb3cdfe1fce41649b650606d4c86d35";
    ask(&["events", "--pachd", &url, "--drop", other, "--yes"])
        .expect(4)
        .says(&format!("default/events@master has another open commit, {id}"));
    let ran = ask(&["events", "--pachd", &url, "--drop", &id, "--yes"]);
    ran.expect(0).says(&format!("commit {id} is dropped"));
    assert!(ran.text().contains("ok       head "), "{}", ran.text());
    ask(&["events", "--pachd", &url, "--drop", &id, "--yes"])
        .expect(4)
        .says("has no open commit");
}

#[test]
fn who_may_not_drop_finishes_with_an_error() {
    let gateway = Pachd::start();
    let user = User::new(&json!({}));
    let put = ["put", "events", "--create-repo", "--pachd", &gateway.url()];
    user.run_with(&put, &tar(&[("a", b"x")])).expect(0);
    gateway.somebody().starts("theirs");
    let id = gateway.commits().pop().unwrap().commit.id.to_string();
    let words =
        "user:a@b is not authorized to perform this operation - needs permissions [CLUSTER_DELETE_ALL] on CLUSTER .";
    gateway.at("DropCommitSet", 1, refusal(7, words));
    ask(&["events", "--pachd", &gateway.url(), "--drop", &id, "--yes"])
        .expect(0)
        .says("is finished with an error")
        .says("we lack a permission on the cluster");
    let commits = gateway.commits();
    let left = commits.last().unwrap();
    assert_eq!(left.commit.id.as_str(), id);
    assert!(
        !left.is_open() && left.error.contains("spoutctl doctor --drop"),
        "{left:?}"
    );
}

#[test]
fn a_spout_that_is_stopped_or_has_failed_is_named() {
    for (state, stopped, said, next) in [
        (
            "PIPELINE_PAUSED",
            true,
            "is stopped: it makes no commits",
            "pachctl start pipeline events",
        ),
        (
            "PIPELINE_FAILURE",
            false,
            "has failed, and stays so",
            "pachctl logs --pipeline events",
        ),
    ] {
        let gateway = Pachd::start();
        let info = json!({"type": "PIPELINE_TYPE_SPOUT", "version": "3", "state": state, "stopped": stopped,
                          "reason": "image \u{1b}[31mnot found"});
        gateway.at("InspectPipeline", 1, reply(&info));
        let user = User::new(&json!({}));
        let put = ["put", "events", "--create-repo", "--pachd", &gateway.url()];
        user.run_with(&put, &tar(&[("a", b"x")])).expect(0);
        let ran = ask(&["events", "--pachd", &gateway.url()]);
        let lines = fault(&ran, 4, "pipeline", said);
        assert!(ran.text().contains("spout default/events, version 3"), "{}", ran.text());
        assert_eq!(lines[0], r"image \u{1b}[31mnot found");
        assert!(lines[1].contains(next), "{lines:?}");
    }
}

#[test]
fn a_newest_commit_with_an_error_is_a_warning() {
    let served = Served::start();
    let id = left_open(&served);
    let repo = json!({"name": "events", "type": "user", "project": {"name": "default"}});
    let commit = json!({"repo": repo, "branch": {"repo": repo, "name": "master"}, "id": id});
    served.ask(
        "pfs_v2.API/FinishCommit",
        &json!({"commit": commit, "error": "half of it"}),
    );
    let json = ask(&["events", "--pachd", &served.url(), "--json"]).expect(0).json();
    let head: &Value = json.iter().find(|line| line["check"] == "head").unwrap();
    assert_eq!(head["verdict"], "warning");
    assert_eq!(head["details"], json!(["half of it"]));
    assert_eq!(json.last().unwrap()["warnings"], 1);
}

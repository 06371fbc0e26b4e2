//! Words of other tools, and where things go: what somebody sees who types them for the first time.

use std::net::TcpListener;

use serde_json::json;

use crate::grpc::Sidecar;
use crate::runner::{Ran, World, tar};
use crate::served::Served;
use crate::settings::User;

/// A world with one repo: `a` in its first commit, `b.csv` in its second, `a` again in its third.
fn world() -> World {
    let world = World::local();
    for (files, message) in [
        (tar(&[("a", b"1")]), "first"),
        (tar(&[("d/b.csv", b"2")]), "second"),
        (tar(&[("a", b"3")]), "third"),
    ] {
        world
            .run_with(&["put", "r", "--create-repo", "-m", message], &files)
            .expect(0);
    }
    world
}

#[test]
fn other_words_for_verbs_and_options_do_what_they_mean() {
    let world = world();
    assert_eq!(world.run(&["cat", "r:/a"]).expect(0).text(), "3");
    assert_eq!(
        world.run(&["ls", "r"]).expect(0).lines(),
        ["/a   1 B", "/d/b.csv   1 B"]
    );
    let followed = world.run(&["watch", "r", "-e", "-o", "json", "-n", "+1"]);
    assert_eq!(followed.expect(0).json().len(), 3);
    let limited = world.run(&["tail", "r", "--limit", "2", "--format", "{description}"]);
    assert_eq!(limited.expect(0).lines(), ["second", "third"]);
    let version = world.run(&["version"]);
    assert!(version.expect(0).text().starts_with("spoutctl "), "{}", version.text());
    let help = world.run(&["help", "put"]);
    assert!(help.expect(0).text().contains("Usage: spoutctl put"), "{}", help.text());
    std::fs::write(world.path("x.tar"), tar(&[("x", b"4")])).unwrap();
    let file = world.path("x.tar");
    let put = [
        "put",
        "r",
        "--branch",
        "side",
        "--prefix",
        "p",
        "-f",
        file.to_str().unwrap(),
    ];
    world.run(&put).expect(0);
    assert_eq!(world.get("r@side:/p/x"), b"4");
}

#[test]
fn lines_that_are_no_archive_name_the_option_that_takes_them() {
    let world = World::local();
    let ran = world.run_with(&["put", "r", "--create-repo"], b"{\"a\":1}\n");
    ran.expect(3).says("--messages json --into NAME");
    let ran = world.run_with(&["put", "r", "--create-repo"], b"hello\n");
    ran.expect(3).says("--messages lines --into NAME");
}

#[test]
fn a_prefix_that_looks_like_a_branch_and_a_new_branch_are_said() {
    let world = world();
    let archive = tar(&[("x", b"1")]);
    let ran = world.run_with(&["put", "r:master"], &archive);
    ran.expect(0).says("files go below /master of default/r@master");
    let ran = world.run_with(&["put", "r@mastre"], &archive);
    ran.expect(0).says("default/r@mastre is a new branch");
    for destination in ["r", "r@mastre", "r:/master"] {
        let ran = world.run_with(&["put", destination], &archive);
        assert!(!ran.expect(0).stderr.contains("note:"), "{}", ran.stderr);
    }
}

#[test]
fn a_dry_run_says_where_commits_would_go_and_what_would_be_made() {
    let world = world();
    let archive = tar(&[("x", b"1")]);
    let said = |args: &[&str]| {
        let args = [&["put", "--dry-run"], args].concat();
        world.run_with(&args, &archive).expect(0).stderr.clone()
    };
    for (args, expected) in [
        (&["r:/in"][..], "commits would go to default/r@master, below /in\n"),
        (
            &["r@new"],
            "commits would go to default/r@new; the branch would be made\n",
        ),
        (
            &["other", "--create-repo"],
            "commits would go to default/other@master; the repo and its branch would be made\n",
        ),
    ] {
        let stderr = said(args);
        assert!(stderr.contains(expected), "{stderr}");
    }
}

#[test]
fn a_store_is_served_by_its_address_and_a_port_that_is_taken_is_said() {
    let world = world();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let store = format!("local:{}", world.path("store").display());
    let ran = world.run(&["serve", &store, "--listen", &address]);
    ran.expect(5).says("--listen 127.0.0.1:0 picks a free port");
    assert!(!world.path("local:").exists());
}

#[test]
fn nobody_to_be_is_no_error_where_auth_is_not_activated() {
    let directory = tempfile::tempdir().unwrap();
    let served = Served::over(&directory.path().join("store"), &[]);
    let user = User::new(&json!({}));
    let pachd = format!("grpc://{}", served.authority);
    let ran: Ran = user.run(&["auth", "whoami", "--pachd", &pachd], &[]);
    assert!(
        ran.expect(0).text().starts_with("nobody is asked for a token there"),
        "{}",
        ran.text()
    );
    let ran = user.run(&["whoami", "--json", "--pachd", &pachd], &[]);
    assert_eq!(ran.expect(0).json()[0]["name"], json!(null));
}

#[test]
fn the_address_of_the_other_protocol_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let sidecar = Sidecar::of(&directory.path().join("store"), "orders");
    let world = World::at(&format!("http://127.0.0.1:{}", sidecar.port()));
    let right = format!("pachd answers at grpc://127.0.0.1:{}: use that address", sidecar.port());
    let ran = world.run_with(&["put", "orders"], &tar(&[("x", b"1")]));
    ran.expect(4).says(&right);
    world.run(&["get", "orders:/x"]).expect(4).says(&right);
}

#[test]
fn a_token_that_is_wrong_leads_to_our_own_ways_to_a_right_one() {
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "right").unwrap();
    let served = Served::over(
        &directory.path().join("store"),
        &["--token-file", token.to_str().unwrap()],
    );
    let world = World::at(&served.url());
    let archive = tar(&[("x", b"1")]);
    let ran = world.run_with(&["put", "r", "--create-repo"], &archive);
    ran.expect(4).says("spoutctl auth login --pachd http://");
    let world = World::at(&served.url()).with_token(Some("wrong".to_owned()));
    let ran = world.run_with(&["put", "r", "--create-repo"], &archive);
    ran.expect(4).says("spoutctl auth use-token");
}

#[test]
fn commits_are_named_by_their_relatives() {
    let world = world();
    for (source, content) in [
        ("r:/a", "3"),
        ("r@master^:/a", "1"),
        ("r@master^^:/a", "1"),
        ("r@master~2:/a", "1"),
        ("r@master.1:/a", "1"),
        ("r@master.3:/a", "3"),
    ] {
        assert_eq!(world.run(&["get", source]).expect(0).text(), content, "{source}");
    }
    let newest = world.run(&["tail", "r", "-e", "-n", "1", "--format", "{commit}"]);
    let of_commit = format!("r@{}^2:/a", newest.text().trim());
    assert_eq!(world.run(&["get", &of_commit]).expect(0).text(), "1");
    for source in ["r@master^3:/a", "r@master.4:/a"] {
        world.run(&["get", source]).expect(1).says("its history is shorter");
    }
    world.run(&["get", "r@master^x:/a"]).expect(2).says("names no commit");
    world.run(&["get", "none@master^:/a"]).expect(4);
}

#[test]
fn a_glob_means_several_files() {
    let world = World::local();
    let files = tar(&[
        ("a.csv", b"1\n"),
        ("b.csv", b"2\n"),
        ("b.txt", b"3\n"),
        ("d/c.csv", b"4\n"),
    ]);
    world.run_with(&["put", "r", "--create-repo"], &files).expect(0);
    assert_eq!(world.run(&["get", "r:/*.csv"]).expect(0).text(), "1\n2\n");
    assert_eq!(world.run(&["get", "r:/**.csv"]).expect(0).text(), "1\n2\n4\n");
    assert_eq!(
        world.run(&["get", "--list", "r:/{d,b.txt}"]).expect(0).lines(),
        ["/b.txt   2 B", "/d/c.csv   2 B"]
    );
    world.run(&["get", "r:/*.none"]).expect(1).says("nothing in commit");
    let out = world.path("out");
    world
        .run(&["get", "-r", "r:/**.csv", "-o", out.to_str().unwrap()])
        .expect(0);
    assert_eq!(std::fs::read(out.join("d/c.csv")).unwrap(), b"4\n");
    assert!(!out.join("b.txt").exists());
}

#[test]
fn a_directory_is_written_whole_or_not_at_all() {
    let world = World::local();
    let files = tar(&[("d/a", b"1"), ("d/e/b", b"2"), ("dd/c", b"3")]);
    world.run_with(&["put", "r", "--create-repo"], &files).expect(0);
    let out = world.path("out");
    let to = out.to_str().unwrap();
    world.run(&["get", "-r", "r:/d", "-o", to]).expect(0);
    assert_eq!(std::fs::read(out.join("a")).unwrap(), b"1");
    assert_eq!(std::fs::read(out.join("e/b")).unwrap(), b"2");
    assert!(!out.join("c").exists());
    world
        .run(&["get", "-r", "r:/d", "-o", to])
        .expect(2)
        .says("no empty directory");
    let missing = world.path("missing");
    world
        .run(&["get", "-r", "r:/none", "-o", missing.to_str().unwrap()])
        .expect(1);
    assert!(!missing.exists());
    let one = world.path("one");
    world
        .run(&["get", "-r", "r:/d/a", "-o", one.to_str().unwrap()])
        .expect(0);
    assert_eq!(std::fs::read(one.join("a")).unwrap(), b"1");
    world.run(&["get", "-r", "r:/d"]).expect(2).says("--output");
}

#[test]
fn the_last_commit_of_a_glob_is_the_last_that_it_means() {
    let world = world();
    let described = |args: &[&str]| {
        let args = [&["tail", "-e", "--format", "{description}"], args].concat();
        world.run(&args).expect(0).lines()
    };
    assert_eq!(described(&["r:/**.csv", "-n", "1"]), ["second"]);
    assert_eq!(described(&["r:/a", "-n", "1"]), ["third"]);
    assert_eq!(described(&["r:/a", "-n", "5"]), ["first", "third"]);
    assert_eq!(described(&["r:/none", "-n", "1"]), [""; 0]);
}

/// What fish would be offered behind these words.
fn offered(world: &World, words: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let mut command = world.command(&[&["--", "spoutctl"], words].concat());
    command.env("COMPLETE", "fish").envs(variables.iter().copied());
    let ran = Ran::from(command.output().unwrap());
    let lines = ran.expect(0).lines();
    lines
        .iter()
        .map(|line| line.split('\t').next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_shell_is_offered_contexts_rules_and_what_else_is_known_without_a_server() {
    let world = World::local();
    let config = world.path("config.json");
    let context = json!({"pachd_address": "grpc://h:1"});
    let text = json!({"v2": {"active_context": "prod", "contexts": {"prod": context, "pre": context, "x": context}}});
    std::fs::write(&config, text.to_string()).unwrap();
    let variables = [("PACH_CONFIG", config.to_str().unwrap())];
    assert_eq!(
        offered(&world, &["tail", "--context", "pr"], &variables),
        ["pre", "prod"]
    );
    assert_eq!(offered(&world, &["explain", "missing-com"], &[]), ["missing-comma"]);
    assert_eq!(
        offered(&world, &["validate", "--ignore", "image-tag,missing-com"], &[]),
        ["image-tag,missing-comma"]
    );
    assert_eq!(
        offered(&world, &["validate", "--severity", "image-tag=w"], &[]),
        ["image-tag=warning"]
    );
    assert!(offered(&world, &["create", "--template", ""], &[]).contains(&"kafka".to_owned()));
    assert!(offered(&world, &["put", "r", "--messages", "n"], &[]).contains(&"netstring".to_owned()));
    assert!(offered(&world, &["validate", "--pachyderm", "2.1"], &[]).contains(&"2.12".to_owned()));
}

#[test]
fn the_scripts_for_shells_ask_this_program() {
    let world = World::local();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = world.run(&["completions", shell]).expect(0).text();
        assert!(script.contains("COMPLETE"), "{shell}: {script}");
    }
    let zsh = world.run(&["completions", "zsh"]).expect(0).text();
    assert!(
        zsh.contains("dirs+=(\"${completion%/}\")"),
        "the library's script is another one: {zsh}"
    );
    let page = world.run(&["man", "put"]).expect(0).text();
    assert!(
        page.contains(".SH \"EXIT STATUS\"") || page.contains(".SH EXIT"),
        "{page}"
    );
    world.run(&["man", "nothing"]).expect(2).says("there is no verb");
}

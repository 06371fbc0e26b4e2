//! A token is in no output and no file but the ones that are for it; and the page about threats names tests that there are.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use regex::Regex;

use crate::docs::{page, root};
use crate::runner::{World, tar};
use crate::served::Served;

const TOKEN: &str = "0123456789abcdef-of-nobody";

/// Files below a directory that hold the token.
fn holding_token(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holding_token(&path, found);
        } else if path.is_file() && memchr::memmem::find(&fs::read(&path).unwrap(), TOKEN.as_bytes()).is_some() {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn no_verb_shows_or_leaves_the_token() {
    let directory = tempfile::tempdir().unwrap();
    let token_file = directory.path().join("token");
    fs::write(&token_file, TOKEN).unwrap();
    let served = Served::over(
        &directory.path().join("store"),
        &["--token-file", token_file.to_str().unwrap()],
    );
    for door in ["http", "grpc"] {
        let world = World::at(&format!("{door}://{}", served.authority)).with_token(Some(TOKEN.to_owned()));
        let repo = format!("events-{door}");
        let file = |name: &str| world.path(name).display().to_string();
        let spec = file("spec.json");
        fs::write(
            &spec,
            format!(
                r#"{{"pipeline":{{"name":"spout-{door}"}},"spout":{{}},"transform":{{"image":"x:1","cmd":["run"]}}}}"#
            ),
        )
        .unwrap();
        let archives = [tar(&[("a", b"1")]), tar(&[("b", b"2")])].concat();
        let (spool, cursor, bad, out) = (file("spool"), file("cursor"), file("bad"), file("out"));
        let quarantine = format!("quarantine={bad}");
        let verbs: &[(i32, &[&str])] = &[
            (0, &["put", &repo, "--create-repo", "-v"]),
            (0, &["put", &repo, "--spool", &spool, "--json", "-v"]),
            (0, &["put", &repo, "--on-bad", &quarantine]),
            (4, &["put", "not-there", "-v"]),
            (0, &["put", &repo, "--dry-run"]),
            (0, &["spool", &spool]),
            (0, &["get", &format!("{repo}:/a"), "-v"]),
            (0, &["get", &format!("{repo}:/"), "-r", "-o", &out]),
            (1, &["get", &format!("{repo}:/none")]),
            (0, &["tail", &repo, "-e", "--cursor", &cursor, "-v"]),
            (0, &["tail", &repo, "-e", "--json"]),
            (0, &["doctor", &repo]),
            (0, &["doctor", &repo, "--json"]),
            (0, &["auth", "whoami"]),
            (0, &["config"]),
            (0, &["validate", &spec, "--server"]),
            (0, &["create", "-f", &spec]),
        ];
        for (code, args) in verbs {
            let ran = world.run_with(args, &archives);
            assert_eq!(ran.code, Some(*code), "{args:?}: {} {}", ran.text(), ran.stderr);
            let said = format!("{}{}", ran.text(), ran.stderr);
            assert!(!said.contains(TOKEN), "{args:?} shows it: {said}");
        }
        let mut found = Vec::new();
        holding_token(world.directory.path(), &mut found);
        assert!(found.is_empty(), "{found:?}");
    }
    assert!(!served.said().contains(TOKEN), "the server's log");
}

#[test]
fn each_test_that_the_page_about_threats_names_is_there() {
    let test_name = Regex::new("`([a-z][a-z0-9]*(?:_[a-z0-9]+){3,})`").unwrap();
    let text = page("docs/security.md");
    let names: Vec<&str> = test_name
        .captures_iter(&text)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    assert!(names.len() > 30, "{names:?}");
    let listed = Command::new("grep")
        .args(["-rhoE", "fn [a-z0-9_]+\\(", "--include=*.rs", "src", "crates", "tests"])
        .current_dir(root())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for name in names {
        assert!(
            listed.lines().any(|line| line == format!("fn {name}(")),
            "there is no test {name}"
        );
    }
}

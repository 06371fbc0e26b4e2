//! `validate` as a gate of a CI system: over a directory, with nothing named, and with a cluster's version.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::runner::{Ran, World};
use crate::validate::{GOOD, validate, world};

/// An ordinary pipeline.
const PIPELINE: &str = r#"{"pipeline": {"name": "sums"}, "input": {"pfs": {"repo": "events", "glob": "/*"}},
  "transform": {"image": "registry.example.com/sums:1.4", "cmd": ["python3", "/app/sum.py"]}}
"#;

fn piped(world: &World, args: &[&str], text: &str) -> Ran {
    let args = [&["validate"], args].concat();
    let mut child = world
        .command(&args)
        .current_dir(world.directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn what_cannot_be_read_in_a_directory_is_an_error_whatever_it_is() {
    for (name, text) in [
        (
            "cut.json",
            "{\"pipeline\": {\"name\": \"a\"}, \"transform\": {\"cmd\": [\"x\"]",
        ),
        ("open.yaml", "pipeline: {name: x\n"),
        ("empty.json", ""),
        ("other.json", "{\"compilerOptions\": {\"strict\": true, }, // why\n}"),
        ("chart.yaml", "{{- if .Values.x }}\nkind: Deployment\n"),
    ] {
        let world = world(&[("specs/events.json", GOOD), (&format!("specs/{name}"), text)]);
        let ran = validate(&world, &["specs"]);
        assert!(
            ran.expect(1).text().starts_with(&format!("specs/{name}:")),
            "{}",
            ran.text()
        );
    }
}

#[test]
fn what_can_be_read_and_is_no_spout_is_counted_by_what_it_is_and_once() {
    let world = world(&[
        ("specs/events.json", GOOD),
        ("specs/sums.json", PIPELINE),
        ("specs/sites.json", "[{\"site\": \"a\"}, {\"site\": \"b\"}]"),
        ("specs/names.json", "[\"a\", \"b\"]"),
        ("specs/tsconfig.json", "{\"compilerOptions\": {\"strict\": true,}}"),
        ("specs/compose.yaml", "x: &x {a: 1}\ny: *x\n---\n"),
    ]);
    let ran = validate(&world, &["specs"]);
    assert_eq!(ran.expect(0).text(), "");
    ran.says("nothing wrong in 1 spec; 1 ordinary pipeline skipped (--all); 4 files hold no spec");
    let all = validate(&world, &["--all", "specs"]);
    assert!(!all.expect(0).stderr.contains("ordinary pipeline"), "{}", all.stderr);
    all.says("in 2 specs; 4 files hold no spec");
}

#[test]
fn alone_it_looks_at_this_directory_or_at_what_is_piped_in() {
    let world = world(&[("events.json", &GOOD.replace("\"spout\": {}", "\"spout\": null"))]);
    let alone = validate(&world, &[]);
    assert!(alone.expect(1).text().starts_with("events.json:"), "{}", alone.text());
    let closed = piped(&world, &[], "");
    assert!(closed.expect(1).text().starts_with("events.json:"), "{}", closed.text());
    let ran = piped(&world, &[], GOOD);
    ran.expect(0).says("nothing wrong in 1 spec");
    let ran = piped(&world, &["--stdin-name", "x.json"], "{\"spout\": {}");
    assert!(ran.expect(1).text().starts_with("x.json:"), "{}", ran.text());
}

#[test]
fn what_some_versions_of_kubernetes_refuse_is_judged_for_the_one_that_is_named() {
    let spec = GOOD.replace("\"cmd\"", "\"env\": {\"9A\": \"x\"}, \"cmd\"");
    let world = world(&[("events.json", &spec)]);
    let said = |args: &[&str]| validate(&world, &[args, &["events.json"]].concat());
    assert!(said(&[]).expect(0).text().contains("warning[env-name]"));
    assert!(
        said(&["--kubernetes", "v1.31.4+k3s1"])
            .expect(1)
            .text()
            .contains("error[env-name]")
    );
    assert_eq!(said(&["--kubernetes", "1.32"]).expect(0).text(), "");
    fs::write(world.path("spoutctl.toml"), "kubernetes = \"1.25\"\n").unwrap();
    said(&[]).expect(1);
    assert_eq!(said(&["--kubernetes", "1.34.2-gke.100"]).expect(0).text(), "");
    said(&["--kubernetes", "two"])
        .expect(2)
        .says("is no version of Kubernetes");
}

#[test]
fn a_template_is_told_once_and_never_rewritten() {
    let rendered = "pipeline:\n  name: {{ .Values.name }}\nspout: {}\ntransform:\n  image: {{ .Values.image }}\n  cmd: [a]\n  user: \"-1\"\n";
    let world = world(&[("events.yaml", rendered)]);
    let ran = validate(&world, &["events.yaml"]);
    let lines = ran.expect(1).lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("events.yaml:2:9: error[template]"), "{lines:?}");
    assert!(lines[1].contains("error[user-number]"), "{lines:?}");
    validate(&world, &["--unsafe-fixes", "events.yaml"]);
    assert_eq!(fs::read_to_string(world.path("events.yaml")).unwrap(), rendered);
}

#[test]
fn a_merge_that_is_not_finished_is_one_finding() {
    let spec = format!("<<<<<<< HEAD\n{GOOD}=======\n{PIPELINE}>>>>>>> main\n");
    let world = world(&[("specs/events.json", &spec)]);
    for path in ["specs/events.json", "specs"] {
        let lines = validate(&world, &[path]).expect(1).lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("[merge-conflict]"), "{lines:?}");
    }
}

#[test]
fn utf_16_is_one_finding_with_and_without_a_mark() {
    let world = World::local();
    let bytes: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(world.path("plain.json"), &bytes).unwrap();
    fs::write(world.path("marked.json"), [&[0xff, 0xfe], &bytes[..]].concat()).unwrap();
    for name in ["plain.json", "marked.json"] {
        let lines = validate(&world, &[name]).lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("UTF-16"), "{lines:?}");
    }
}

#[test]
fn a_file_is_mended_through_one_without_a_name() {
    let world = world(&[("events.json", &GOOD.replace("\"spout\": {},", "\"spout\": {},,"))]);
    validate(&world, &["--fix", "events.json"]).expect(0);
    let left: Vec<_> = fs::read_dir(world.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with(".spoutctl"))
        .collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new());
}

#[test]
fn in_a_directory_a_pipe_is_not_waited_for_and_a_link_to_nothing_is_told() {
    let world = world(&[("specs/events.json", GOOD)]);
    rustix::fs::mkfifoat(rustix::fs::CWD, world.path("specs/pipe.yaml"), rustix::fs::Mode::RWXU).unwrap();
    let ran = validate(&world, &["specs"]);
    assert_eq!(ran.expect(0).stderr, "nothing wrong in 1 spec\n");
    std::os::unix::fs::symlink("gone.json", world.path("specs/link.json")).unwrap();
    validate(&world, &["specs"])
        .expect(3)
        .says("specs/link.json: a link that leads nowhere: ");
}

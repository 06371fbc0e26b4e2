//! `validate` and `explain` as somebody uses them who has a file that will not run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value;

use crate::runner::{Ran, World, fixture};

pub const GOOD: &str = r#"{
  "pipeline": {"name": "events"},
  "spout": {},
  "transform": {"image": "registry.example.com/events:1.4", "cmd": ["python3", "/app/main.py"]}
}
"#;

/// An ordinary pipeline.
const PIPELINE: &str = r#"{
  "pipeline": {"name": "sums"},
  "input": {"pfs": {"repo": "events", "glob": "/*"}},
  "transform": {"image": "registry.example.com/sums:1.4", "cmd": ["python3", "/app/sum.py"]}
}
"#;

/// A comma is missing, and one is too many.
const COMMAS: &str = r#"{
  "pipeline": {"name": "events"},
  "spout": {}
  "transform": {
    "image": "registry.example.com/events:1.4",
    "cmd": ["python3", "/app/main.py"],
  }
}
"#;

const COMMAS_MENDED: &str = r#"{
  "pipeline": {"name": "events"},
  "spout": {},
  "transform": {
    "image": "registry.example.com/events:1.4",
    "cmd": ["python3", "/app/main.py"]
  }
}
"#;

/// A directory with these files, in which the binary runs.
pub fn world(files: &[(&str, &str)]) -> World {
    let world = World::local();
    for (name, text) in files {
        let path = world.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    world
}

/// Runs `validate` in the world's directory.
pub fn validate(world: &World, args: &[&str]) -> Ran {
    let args = [&["validate"], args].concat();
    Ran::from(
        world
            .command(&args)
            .current_dir(world.directory.path())
            .output()
            .unwrap(),
    )
}

fn with_name(name: &str) -> String {
    GOOD.replace("\"name\": \"events\"", &format!("\"name\": \"{name}\""))
}

#[test]
fn a_good_spec_is_exit_0_and_says_nothing_on_standard_output() {
    let world = world(&[("spout.json", GOOD)]);
    let ran = validate(&world, &["spout.json"]);
    assert_eq!(ran.expect(0).text(), "");
    ran.says("nothing wrong in 1 spec");
    assert_eq!(validate(&world, &["-q", "spout.json"]).expect(0).stderr, "");
}

#[test]
fn faults_are_a_line_each_in_a_pipe_and_exit_1() {
    let world = world(&[("spout.json", COMMAS)]);
    let ran = validate(&world, &["spout.json"]);
    let lines = ran.expect(1).lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with("spout.json:3:14: error[missing-comma]: "),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("spout.json:6:39: "), "{lines:?}");
    assert!(lines[1].contains("[trailing-comma]: "), "{lines:?}");
    ran.says("--fix mends both");
}

#[test]
fn the_published_example_of_1_12_has_two_faults_and_is_mended_to_strict_json() {
    let published = fs::read_to_string(fixture("../crates/lint/fixtures/specs/docs/spout-1.12.json")).unwrap();
    let world = world(&[("spout.json", &published)]);
    let places = |version: &str| -> Vec<String> {
        let lines = validate(&world, &["--pachyderm", version, "spout.json"]).lines();
        let of_syntax = lines.iter().filter(|line| line.contains("-comma]"));
        of_syntax
            .map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(" "))
            .collect()
    };
    let newest = places("2.12");
    assert_eq!(newest.len(), 2, "{newest:?}");
    assert!(newest[0].ends_with(" error[missing-comma]") && newest[1].ends_with(" warning[trailing-comma]"));
    assert!(places("1.13")[1].ends_with(" error[trailing-comma]"));
    validate(&world, &["--fix", "spout.json"]);
    let mended = fs::read(world.path("spout.json")).unwrap();
    assert!(serde_json::from_slice::<Value>(&mended).is_ok());
    assert!(places("1.13").is_empty());
}

#[test]
fn a_named_file_is_meant_to_be_a_spout_and_a_found_one_is_not() {
    let world = world(&[("specs/sums.json", PIPELINE), ("specs/events.yaml", GOOD)]);
    let ran = validate(&world, &["specs"]);
    assert_eq!(ran.expect(0).text(), "");
    ran.says("1 spec; 1 ordinary pipeline skipped (--all)");
    let named = validate(&world, &["specs/sums.json"]);
    assert!(named.expect(1).text().contains("error["), "{}", named.text());
    let all = validate(&world, &["specs", "--all"]);
    all.expect(0).says("2 specs");
}

#[test]
fn a_directory_is_searched_for_the_four_endings_and_gitignore_is_heeded() {
    let world = world(&[
        ("repo/a.json", COMMAS),
        ("repo/deep/b.YAML", GOOD),
        ("repo/deep/c.pipeline", GOOD),
        ("repo/deep/d.yml", GOOD),
        ("repo/notes.txt", COMMAS),
        ("repo/build/e.json", COMMAS),
        ("repo/.gitignore", "build/\n"),
        ("repo/.git/HEAD", ""),
        ("repo/.hidden/f.json", COMMAS),
    ]);
    let ran = validate(&world, &["repo"]);
    let lines = ran.expect(1).lines();
    assert!(
        !lines.is_empty() && lines.iter().all(|line| line.starts_with("repo/a.json:")),
        "{lines:?}"
    );
    ran.says("in 4 specs");
}

/// As `validate <(…)` names one.
#[test]
fn a_pipe_that_is_named_is_read() {
    let world = world(&[]);
    let fifo = world.path("b.yaml");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    let writer = std::thread::spawn({
        let fifo = fifo.clone();
        move || fs::write(fifo, "pipeline: {name: b}\n")
    });
    let ran = validate(&world, &[fifo.to_str().unwrap()]);
    assert!(ran.expect(1).text().contains("b.yaml"), "{}", ran.text());
    writer.join().unwrap().unwrap();
}

#[test]
fn a_quoted_glob_means_what_a_shell_would_make_of_it() {
    let world = world(&[
        ("specs/a.json", GOOD),
        ("specs/deep/b.json", GOOD),
        ("specs/sums.json", PIPELINE),
        ("specs/c.txt", GOOD),
    ]);
    validate(&world, &["specs/[ab].json"]).expect(0).says("1 spec");
    validate(&world, &["specs/**/[ab].json"]).expect(0).says("2 specs");
    validate(&world, &["*/*.txt"]).expect(0).says("1 spec");
    let named = validate(&world, &["specs/*.json"]);
    assert!(
        named.expect(1).text().starts_with("specs/sums.json:"),
        "{}",
        named.text()
    );
    validate(&world, &["specs/*.toml"])
        .expect(3)
        .says("specs/*.toml: no such file");
}

#[test]
fn each_file_is_looked_at_once_and_as_it_was_named() {
    let world = world(&[("specs/sums.json", PIPELINE)]);
    let ran = validate(&world, &["specs", "specs/sums.json", "./specs/sums.json"]);
    let text = ran.expect(1).text();
    assert!(
        text.contains("error[") && text.lines().all(|line| line.starts_with("specs/sums.json:")),
        "{text}"
    );
    ran.says("in 1 spec");
}

#[test]
fn what_cannot_be_read_is_exit_3_and_the_rest_is_looked_at() {
    let world = world(&[("spout.json", COMMAS)]);
    let ran = validate(&world, &["nowhere.json", "spout.json"]);
    ran.expect(3).says("error: nowhere.json: No such file");
    assert_eq!(ran.lines().len(), 2);
    fs::write(world.path("huge.json"), vec![b' '; (16 << 20) + 1]).unwrap();
    validate(&world, &["huge.json"]).expect(3).says("larger than 16 MiB");
}

#[test]
fn a_directory_without_specs_is_said_to_be_one() {
    let world = world(&[("docs/readme.md", "")]);
    validate(&world, &["docs"])
        .expect(0)
        .says("warning: there is no spec in docs");
}

#[test]
fn wrong_usage_is_exit_2() {
    let world = world(&[("spout.json", GOOD)]);
    validate(&world, &["spout.json", "--pachyderm", "3.1"])
        .expect(2)
        .says("1.12, 1.13 and 2.0 to 2.12");
    validate(&world, &["spout.json", "--ignore", "missing-coma"])
        .expect(2)
        .says("missing-comma is near");
    validate(&world, &["spout.json", "--severity", "missing-comma=fatal"])
        .expect(2)
        .says("error, warning or info");
    validate(&world, &["spout.json", "--diff", "--format", "json"]).expect(2);
}

#[test]
fn standard_input_has_the_name_that_it_is_given() {
    let world = world(&[]);
    let ran = world.run_with(&["validate", "-"], COMMAS.as_bytes());
    assert!(ran.expect(1).text().starts_with("<stdin>:3:14: "), "{}", ran.text());
    let ran = world.run_with(&["validate", "--stdin-name", "x/spout.json", "-"], COMMAS.as_bytes());
    assert!(
        ran.expect(1).text().starts_with("x/spout.json:3:14: "),
        "{}",
        ran.text()
    );
}

#[test]
fn fix_mends_commas_and_leaves_every_other_byte() {
    let world = world(&[("spout.json", COMMAS)]);
    let path = world.path("spout.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("spout.json", world.path("link.json")).unwrap();
    // As one leaves it that is killed between its name and its place.
    fs::write(world.path(".spoutctl-mended-spout.json"), COMMAS_MENDED).unwrap();
    let ran = validate(&world, &["--fix", "link.json"]);
    ran.expect(0).says("2 faults mended in 1 file");
    assert_eq!(fs::read_to_string(&path).unwrap(), COMMAS_MENDED);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert!(world.path("link.json").is_symlink());
    let names = fs::read_dir(world.directory.path()).unwrap().count();
    assert_eq!(names, 2, "no temporary file is left");
    let before = path.metadata().unwrap().modified().unwrap();
    validate(&world, &["--fix", "spout.json"]).expect(0);
    assert_eq!(
        path.metadata().unwrap().modified().unwrap(),
        before,
        "nothing to mend: not written"
    );
}

#[test]
fn what_may_not_be_written_is_left_and_said() {
    let world = world(&[("spout.json", COMMAS)]);
    fs::set_permissions(world.path("spout.json"), fs::Permissions::from_mode(0o444)).unwrap();
    validate(&world, &["--fix", "spout.json"])
        .expect(3)
        .says("spout.json: it could not be mended, and is as it was");
    assert_eq!(fs::read_to_string(world.path("spout.json")).unwrap(), COMMAS);
}

#[test]
fn fix_of_standard_input_writes_the_spec_out_and_the_report_aside() {
    let world = world(&[]);
    let mended = world.run_with(&["validate", "--fix", "-"], COMMAS.as_bytes());
    assert_eq!(mended.expect(0).text(), COMMAS_MENDED);
    // What needs no mending goes through as it is, and what cannot be mended, too.
    let good = world.run_with(&["validate", "--fix", "-"], GOOD.as_bytes());
    assert_eq!(good.expect(0).text(), GOOD);
    let pipeline = world.run_with(&["validate", "--fix", "-"], PIPELINE.as_bytes());
    assert_eq!(pipeline.expect(1).text(), PIPELINE);
    pipeline.says("<stdin>:");
    // A byte order mark is a byte like any other; what is not UTF-8 at all is not passed on as something else.
    let marked = format!("\u{feff}{COMMAS}");
    let mended = world.run_with(&["validate", "--fix", "-"], marked.as_bytes());
    assert_eq!(mended.text(), format!("\u{feff}{COMMAS_MENDED}"));
    let broken = [COMMAS.as_bytes(), b"\xff"].concat();
    let ran = world.run_with(&["validate", "--fix", "-"], &broken);
    ran.expect(3).says("it is not UTF-8");
}

#[test]
fn diff_shows_what_fix_would_do_and_writes_nothing() {
    let world = world(&[("spout.json", COMMAS)]);
    let ran = validate(&world, &["--diff", "spout.json"]);
    let diff = ran.expect(1).text();
    assert!(diff.starts_with("--- a/spout.json\n+++ b/spout.json\n@@ "), "{diff}");
    assert!(
        diff.contains("\n-  \"spout\": {}\n") && diff.contains("\n+  \"spout\": {},\n"),
        "{diff}"
    );
    assert_eq!(fs::read_to_string(world.path("spout.json")).unwrap(), COMMAS);
    let clean = validate(&world, &["--diff", "--no-config", "spout.json", "-q"]);
    assert_eq!(clean.text(), diff);
}

#[test]
fn every_machine_readable_format_is_well_formed_with_and_without_findings() {
    let world = world(&[("bad.json", COMMAS), ("good.json", GOOD)]);
    for format in ["json", "gitlab", "sarif"] {
        for (file, code) in [("bad.json", 1), ("good.json", 0)] {
            let ran = validate(&world, &["--format", format, file]);
            let value: Value = serde_json::from_slice(&ran.expect(code).stdout).unwrap();
            assert!(value.is_object() || value.is_array(), "{format}");
        }
    }
    let json: Value = serde_json::from_slice(&validate(&world, &["--format", "json", "bad.json"]).stdout).unwrap();
    let found = &json["diagnostics"][0];
    assert_eq!(found["path"], "bad.json");
    assert_eq!((&found["line"], &found["column"]), (&3.into(), &14.into()));
    assert_eq!(found["fix"]["edits"][0]["replacement"], ",");
    let junit = validate(&world, &["--format", "junit", "good.json"]).text();
    assert!(
        junit.starts_with("<?xml") && junit.contains("tests=\"1\" failures=\"0\""),
        "{junit}"
    );
    let github = validate(&world, &["--format", "github", "bad.json"]).text();
    assert!(github.starts_with("::error file=bad.json,line=3,"), "{github}");
}

#[test]
fn colour_is_only_where_it_is_wanted() {
    let world = world(&[("bad.json", COMMAS)]);
    let run = |args: &[&str], variable: (&str, &str)| {
        let args = [&["validate", "--format", "pretty", "bad.json"], args].concat();
        let mut command = world.command(&args);
        let ran = command
            .env(variable.0, variable.1)
            .current_dir(world.directory.path())
            .output()
            .unwrap();
        String::from_utf8(ran.stdout).unwrap().contains('\u{1b}')
    };
    assert!(!run(&[], ("A", "b")), "nobody sees it");
    assert!(run(&["--color", "always"], ("NO_COLOR", "1")));
    assert!(run(&[], ("CLICOLOR_FORCE", "1")));
    assert!(!run(&["--color", "never"], ("CLICOLOR_FORCE", "1")));
}

#[test]
fn the_version_decides_which_faults_there_are() {
    let world = world(&[(
        "spout.json",
        &GOOD.replace("\"spout\": {}", "\"spout\": {\"overwrite\": true}"),
    )]);
    validate(&world, &["spout.json", "--pachyderm", "1.13"]).expect(0);
    let newer = validate(&world, &["spout.json", "--pachyderm", "2.0"]);
    assert!(newer.expect(1).text().contains("overwrite"), "{}", newer.text());
}

#[test]
fn rules_can_be_chosen_left_out_and_weighed() {
    let world = world(&[("bad.json", COMMAS)]);
    let ran = validate(&world, &["bad.json", "--select", "trailing-comma"]);
    assert_eq!(ran.lines().len(), 1);
    validate(&world, &["bad.json", "--ignore", "missing-comma,trailing-comma"]).expect(0);
    let weighed = ["bad.json", "--severity", "missing-comma=warning,trailing-comma=warning"];
    validate(&world, &weighed).expect(0).says("2 warnings in 1 spec");
    let few = [&weighed[..], &["--max-warnings", "1"]].concat();
    validate(&world, &few).expect(1).says("no more than 1 are allowed");
    let enough = [&weighed[..], &["--max-warnings", "2"]].concat();
    validate(&world, &enough).expect(0);
}

#[test]
fn a_comment_with_a_reason_turns_a_rule_off_for_its_line() {
    let spec = "pipeline:\n  name: events\nspout: {}\ntransform:\n  image: registry.example.com/events:latest\n  \
                cmd: [python3, /app/main.py]\n";
    let trailing = spec.replace(
        ":latest\n",
        ":latest # spoutctl: ignore[image-tag] rebuilt each night\n",
    );
    let above = spec.replace(
        "  image",
        "  # spoutctl: ignore[image-tag] rebuilt each night\n  # (by CI)\n  image",
    );
    let unreasoned = spec.replace(":latest\n", ":latest # spoutctl: ignore[image-tag]\n");
    let unused = trailing.replace(":latest", ":1.4");
    let world = world(&[
        ("plain.yaml", spec),
        ("trailing.yaml", &trailing),
        ("above.yaml", &above),
        ("unreasoned.yaml", &unreasoned),
        ("unused.yaml", &unused),
    ]);
    let rules = |file: &str| -> Vec<String> {
        let lines = validate(&world, &[file]).lines();
        lines
            .iter()
            .map(|line| line.split(['[', ']']).nth(1).unwrap().to_owned())
            .collect()
    };
    assert_eq!(rules("plain.yaml"), ["image-tag"]);
    assert!(rules("trailing.yaml").is_empty());
    assert!(rules("above.yaml").is_empty());
    assert_eq!(rules("unreasoned.yaml"), ["image-tag", "invalid-suppression"]);
    assert_eq!(rules("unused.yaml"), ["unused-suppression"]);
    let line = validate(&world, &["unused.yaml"]).text();
    assert!(line.starts_with("unused.yaml:5:"), "{line}");
}

#[test]
fn every_rule_is_listed_and_can_be_explained() {
    let world = world(&[]);
    let list = validate(&world, &["--rules"]);
    let names: Vec<String> = list
        .expect(0)
        .lines()
        .iter()
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    assert!(names.len() > 60, "{}", names.len());
    let json: Value = serde_json::from_slice(&validate(&world, &["--rules", "--format", "json"]).stdout).unwrap();
    assert_eq!(json["rules"].as_array().unwrap().len(), names.len());
    // What a server answers has no example.
    let of_servers = ["refused-by-server", "server-defaults"];
    for name in of_servers.iter().chain(&["jsonnet-error"]) {
        assert!(names.iter().any(|listed| listed == name), "{name} is not listed");
    }
    for name in &names {
        let ran = world.run(&["explain", name]);
        let text = ran.expect(0).text();
        for part in [&format!("[{name}]: "), "\nPachyderm: ", "\nSource:    "] {
            assert!(text.contains(part), "{name}: no {part} in {text}");
        }
        if !of_servers.contains(&name.as_str()) {
            assert!(
                text.contains("\nBad:\n") && text.contains("\nGood:\n"),
                "{name}: {text}"
            );
        }
    }
    world
        .run(&["explain", "spout-with-inputs"])
        .expect(2)
        .says("spout-with-input is near");
    world.run(&["spout", "explain", &names[0]]).expect(0);
}

#[test]
fn many_files_are_reported_in_their_order() {
    let world = world(&[]);
    for number in 0..300 {
        let text = if number % 3 == 0 {
            COMMAS.to_owned()
        } else {
            with_name(&format!("s{number}"))
        };
        fs::write(world.path(&format!("{number:03}.json")), text).unwrap();
    }
    let ran = validate(&world, &["."]);
    let paths: Vec<String> = ran.expect(1).lines().iter().map(|line| line[..8].to_owned()).collect();
    assert_eq!(paths.len(), 200);
    assert!(paths.is_sorted(), "{paths:?}");
    ran.says("in 300 specs");
}

#[test]
fn a_reader_that_has_enough_ends_validate_quietly() {
    let world = world(&[]);
    for number in 0..3000 {
        fs::write(world.path(&format!("{number}.json")), COMMAS).unwrap();
    }
    let args = ["validate", "--format", "json", "."];
    let mut command = world.command(&args);
    let mut child = command
        .current_dir(world.directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

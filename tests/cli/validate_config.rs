//! `spoutctl.toml` as a project has it.

use crate::runner::{Ran, World};
use crate::validate::{GOOD, validate, world};

const LATEST: &str = ":latest";

fn latest() -> String {
    GOOD.replace(":1.4", LATEST)
}

fn rules(ran: &Ran) -> Vec<String> {
    let lines = ran.lines();
    lines
        .iter()
        .map(|line| line.split(['[', ']']).nth(1).unwrap().to_owned())
        .collect()
}

fn in_directory(world: &World, directory: &str, args: &[&str]) -> Ran {
    let args = [&["validate"], args].concat();
    Ran::from(
        world
            .command(&args)
            .current_dir(world.path(directory))
            .output()
            .unwrap(),
    )
}

#[test]
fn the_file_is_found_above_and_flags_weigh_more() {
    let world = world(&[
        ("spoutctl.toml", "[validate.severity]\nimage-tag = \"error\"\n"),
        ("specs/deep/a.json", &latest()),
    ]);
    in_directory(&world, "specs/deep", &["a.json"]).expect(1);
    in_directory(&world, "specs/deep", &["a.json", "--no-config"]).expect(0);
    in_directory(&world, "specs/deep", &["a.json", "--severity", "image-tag=warning"]).expect(0);
    validate(&world, &["specs/deep/a.json", "--ignore", "image-tag"]).expect(0);
}

#[test]
fn the_version_and_the_selection_may_stand_in_it() {
    let spec = latest().replace("\"spout\": {}", "\"spout\": {\"overwrite\": true}");
    let world = world(&[
        (
            "spoutctl.toml",
            "pachyderm = \"1.13\"\n\n[validate]\nignore = [\"image-tag\"]\nmax-warnings = 0\n",
        ),
        ("a.json", &spec),
    ]);
    assert_eq!(validate(&world, &["a.json"]).expect(0).text(), "");
    validate(&world, &["a.json", "--pachyderm", "2.12"]).expect(1);
    let selected = validate(&world, &["a.json", "--select", "image-tag"]);
    assert_eq!(
        rules(selected.expect(1)),
        ["image-tag"],
        "named on the command line, and over max-warnings"
    );
}

#[test]
fn a_path_may_be_excused_with_a_reason_and_an_excuse_without_need_is_said() {
    let config =
        "[[validate.suppress]]\npath = \"legacy\"\nrules = [\"image-tag\"]\nreason = \"they go away in May\"\n";
    let world = world(&[
        ("spoutctl.toml", config),
        ("legacy/a.json", &latest()),
        ("new/b.json", &latest()),
        ("fine/c.json", GOOD),
    ]);
    assert_eq!(validate(&world, &["legacy/a.json"]).expect(0).text(), "");
    assert_eq!(rules(&validate(&world, &["new/b.json"])), ["image-tag"]);
    in_directory(&world, "new", &["../legacy/a.json"]).expect(0);
    assert_eq!(
        validate(&world, &["fine"]).expect(0).text(),
        "",
        "none of its files was looked at"
    );

    std::fs::write(world.path("legacy/a.json"), GOOD).unwrap();
    let unused = validate(&world, &["."]);
    let text = unused.expect(0).text();
    assert!(
        text.contains("spoutctl.toml:3:10: warning[unused-suppression]: "),
        "{text}"
    );
}

#[test]
fn it_may_not_say_where_pachd_is_or_whom_to_trust() {
    for line in [
        "address = \"http://x\"",
        "token = \"t\"",
        "ca = \"x.pem\"",
        "insecure = true",
    ] {
        let world = world(&[("spoutctl.toml", line), ("a.json", GOOD)]);
        validate(&world, &["a.json"])
            .expect(2)
            .says("cannot be set here")
            .says("PACH_TOKEN");
    }
}

#[test]
fn a_mistake_in_it_is_exit_2_with_its_place_and_the_nearest_name() {
    let world = world(&[("spoutctl.toml", "[validate]\nselekt = []\n"), ("a.json", GOOD)]);
    validate(&world, &["a.json"])
        .expect(2)
        .says("spoutctl.toml:2:1: ")
        .says("did you mean `select`?");
    validate(&world, &["a.json", "--no-config"]).expect(0);
    validate(&world, &["a.json", "--config", "other.toml"])
        .expect(2)
        .says("cannot read other.toml");
}

//! What the README prints is what happens.

use clap::CommandFactory;
use spoutctl::exit::Exit;

use crate::runner::{World, fixture, fixture_bytes};

fn readme() -> String {
    std::fs::read_to_string(fixture("../README.md")).unwrap()
}

/// The commands of the fenced blocks that say `sh`.
fn commands() -> Vec<String> {
    let readme = readme();
    let blocks = readme.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("\n```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_first_command_makes_three_commits_of_the_fixture() {
    let commands = commands();
    let (args, input) = commands[0]
        .strip_prefix("cargo run -q -- ")
        .unwrap()
        .split_once(" < ")
        .unwrap();
    let world = World::local();
    let store = format!("local:{}", world.path("try").display());
    let args: Vec<&str> = args
        .split(' ')
        .map(|arg| if arg == "local:target/try" { store.as_str() } else { arg })
        .collect();
    let ran = world.run_with(&args, &fixture_bytes(input.strip_prefix("fixtures/").unwrap()));
    ran.expect(0);
    assert_eq!(ran.commits().len(), 3, "{}", ran.text());
    let get = world.run(&["get", "events:/offset", "--pachd", &store]);
    assert!(readme().contains(&format!(
        "get events:/offset --pachd local:target/try\n{}",
        get.expect(0).text()
    )));
}

#[test]
fn the_second_command_runs_the_tests() {
    assert_eq!(commands()[1], "cargo test");
}

#[test]
fn every_verb_and_every_exit_code_is_in_the_readme() {
    let readme = readme();
    for verb in spoutctl::cli::Cli::command()
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
    {
        assert!(
            readme.contains(&format!("`spoutctl {}", verb.get_name())),
            "{}",
            verb.get_name()
        );
    }
    for exit in [
        Exit::Done,
        Exit::NotFound,
        Exit::Usage,
        Exit::Input,
        Exit::Refused,
        Exit::Unavailable,
        Exit::Producer,
    ] {
        assert!(readme.contains(&format!("\n| {} | ", exit.code())), "{exit:?}");
    }
}

//! The README's two commands, and what it and the pages list. What they print is looked at in `docs.rs`.

use clap::CommandFactory;
use serde_json::json;
use spoutctl::settings::preferences::{PREFERABLE, Scope};
use spoutctl_core::exit::Exit;

use crate::docs::page;
use crate::runner::{World, fixture, fixture_bytes};
use crate::settings::{TOKEN, User};

fn readme() -> String {
    page("README.md")
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

/// The block of the page in which there is `part`.
fn toml_block(name: &str, part: &str) -> String {
    let page = page(name);
    let blocks = page.split("```toml\n").skip(1);
    let mut blocks = blocks.map(|block| block.split("```").next().unwrap());
    blocks.find(|block| block.contains(part)).unwrap().to_owned()
}

#[test]
fn the_users_file_of_the_settings_is_taken() {
    let user = User::new(&json!({}));
    std::fs::create_dir_all(user.home().join(".config/spoutctl")).unwrap();
    std::fs::write(
        user.home().join(".config/spoutctl/config.toml"),
        toml_block("docs/settings.md", "token-file"),
    )
    .unwrap();
    std::fs::write(user.home().join(".config/spoutctl/token"), TOKEN).unwrap();
    let shown = user.run(&["config"], &[]).expect(0).text();
    for part in ["grpcs://pachd.example.com:443", "(not shown)", "30m", "never"] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[test]
fn the_options_that_the_page_lists_are_those_that_can_be_said_once() {
    let settings = page("docs/settings.md");
    for known in PREFERABLE {
        let verbs: Vec<String> = known.verbs.iter().map(|verb| format!("`{verb}`")).collect();
        let in_project = if known.scope == Scope::Project { "yes" } else { "no" };
        let row = format!(
            "| `{}` | {} | `{}` | {in_project} |",
            known.name,
            verbs.join(", "),
            known.variable
        );
        assert!(settings.contains(&row), "{row}");
    }
}

#[test]
fn the_configuration_of_validate_is_taken() {
    let world = World::local();
    std::fs::write(
        world.path("spoutctl.toml"),
        toml_block("docs/validate.md", "[validate]"),
    )
    .unwrap();
    std::fs::copy(fixture("validate/kafka.json"), world.path("kafka.json")).unwrap();
    let config = world.path("spoutctl.toml");
    let file = world.path("kafka.json");
    let args = ["validate", "--config", config.to_str().unwrap(), file.to_str().unwrap()];
    world.run(&args).expect(1);
}

//! Man pages and completions are made from the clap definitions; what is checked in has to be the same.
//!
//! `UPDATE=1 cargo test generated` rewrites them.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};
use spoutctl::cli::Cli;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Compares the folder's files with what was made, or rewrites them.
fn compare(folder: &str, made: &[(String, Vec<u8>)]) {
    let folder = root().join(folder);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in made {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
    for (name, bytes) in made {
        let checked_in = fs::read(folder.join(name)).unwrap_or_default();
        assert!(
            checked_in == *bytes,
            "{name} is out of date: UPDATE=1 cargo test generated"
        );
    }
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut expected: Vec<String> = made.iter().map(|(name, _)| name.clone()).collect();
    expected.sort();
    assert_eq!(names, expected, "{} holds other files", folder.display());
}

/// Sections that clap knows nothing of, as roff. Without them a man page answers none of the questions it is opened for.
const SECTIONS: &str = include_str!("sections.roff");

fn man_page(command: Command) -> Vec<u8> {
    let is_top = command.get_name() == "spoutctl";
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).unwrap();
    let mut text = String::from_utf8(page).unwrap();
    let sections = SECTIONS.trim_start_matches(|c| c != '.');
    // The top page has no exit codes of its own but those of its verbs, so all pages tell them.
    let at = text.find(".SH VERSION").unwrap_or(text.len());
    text.insert_str(at, sections);
    assert!(is_top || text.contains(".SH OPTIONS"));
    text.into_bytes()
}

#[test]
fn man_pages_are_those_of_the_definitions() {
    let mut top = Cli::command();
    top.build();
    let mut pages = vec![("spoutctl.1".to_owned(), man_page(top.clone()))];
    for verb in top
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set() && verb.get_name() != "help")
    {
        let name = format!("spoutctl-{}", verb.get_name());
        let page = man_page(
            verb.clone()
                .name(name.clone())
                .bin_name(format!("spoutctl {}", verb.get_name())),
        );
        pages.push((format!("{name}.1"), page));
        for inner in verb.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let inner_name = format!("{name}-{}", inner.get_name());
            let bin_name = format!("spoutctl {} {}", verb.get_name(), inner.get_name());
            let page = man_page(inner.clone().name(inner_name.clone()).bin_name(bin_name));
            pages.push((format!("{inner_name}.1"), page));
        }
    }
    compare("man", &pages);
}

#[test]
fn completions_are_those_of_the_definitions() {
    let made: Vec<(String, Vec<u8>)> = [
        (Shell::Bash, "spoutctl.bash"),
        (Shell::Zsh, "_spoutctl"),
        (Shell::Fish, "spoutctl.fish"),
    ]
    .map(|(shell, name)| {
        let mut script = Vec::new();
        generate(shell, &mut Cli::command(), "spoutctl", &mut script);
        (name.to_owned(), script)
    })
    .to_vec();
    compare("completions", &made);
}

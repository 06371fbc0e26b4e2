//! Man pages and completions are made from the clap definitions; what is checked in has to be the same.
//!
//! `UPDATE=1 cargo test generated` rewrites them.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use spoutctl::cli::{Cli, examples, manual, short};

use crate::runner::{World, has_program, skip};

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

#[test]
fn man_pages_are_those_of_the_definitions() {
    let pages = manual::verbs().into_iter().map(|verb| {
        let page = manual::page(&verb).unwrap().unwrap();
        let name = std::iter::once("spoutctl".to_owned()).chain(verb).collect::<Vec<_>>();
        (format!("{}.1", name.join("-")), page)
    });
    compare("man", &pages.collect::<Vec<_>>());
}

#[test]
fn man_pages_are_read_without_a_warning() {
    if !has_program("man") {
        return skip("man is not installed");
    }
    for entry in fs::read_dir(root().join("man")).unwrap() {
        let path = entry.unwrap().path();
        let read = std::process::Command::new("man")
            .args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"])
            .arg(&path)
            .env("MANROFFSEQ", "")
            .output()
            .unwrap();
        let warnings = String::from_utf8_lossy(&read.stderr);
        assert!(
            read.status.success() && warnings.is_empty(),
            "{}: {warnings}",
            path.display()
        );
    }
}

/// Each page answers what it is opened for.
#[test]
fn each_man_page_has_its_own_sections_and_a_date() {
    let date = manual::date().expect("the changelog has a date");
    for verb in manual::verbs() {
        let page = String::from_utf8(manual::page(&verb).unwrap().unwrap()).unwrap();
        for section in ["EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"] {
            let heading = [format!(".SH \"{section}\""), format!(".SH {section}")];
            assert!(
                heading.iter().any(|heading| page.contains(heading)),
                "{verb:?}: {section}"
            );
        }
        assert!(
            page.lines().any(|line| line.starts_with(".TH") && line.contains(date)),
            "{verb:?}"
        );
        assert!(!examples::of(&verb.join(" ")).is_empty(), "{verb:?}");
    }
}

/// The lines of a verb's short help.
fn short_help(verb: &[String]) -> String {
    let mut command = short::command().term_width(100);
    command.build();
    let mut found = &mut command;
    for word in verb {
        found = found.find_subcommand_mut(word).unwrap();
    }
    found.render_help().to_string()
}

#[test]
fn the_short_help_of_put_fits_a_screen_and_says_where_pachd_is_last() {
    let help = short_help(&["put".to_owned()]);
    assert!(help.lines().count() <= 45, "{} lines:\n{help}", help.lines().count());
    for verb in manual::verbs() {
        let help = short_help(&verb);
        assert!(help.contains("\nExamples:\n"), "{verb:?}");
        if let Some((_, after)) = help.split_once("\nWhere pachd is:\n") {
            let headings: Vec<&str> = after
                .lines()
                .filter(|line| line.ends_with(':') && !line.starts_with(' '))
                .collect();
            assert_eq!(headings, ["Examples:"], "{verb:?}");
        }
    }
}

#[test]
fn the_command_line_of_the_book_is_that_of_the_definitions() {
    let mut page =
        "# Command line\n\nWhat `--help` says, generated from the definitions. `-h` is shorter.\n".to_owned();
    for verb in manual::verbs() {
        let mut command = Cli::command().term_width(100);
        command.build();
        let mut found = &mut command;
        for word in &verb {
            found = found.find_subcommand_mut(word).unwrap();
        }
        let name = std::iter::once("spoutctl")
            .chain(verb.iter().map(String::as_str))
            .collect::<Vec<_>>();
        let help = found.render_long_help().to_string();
        let help: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
        page += &format!("\n## {}\n\n```text\n{}\n```\n", name.join(" "), help.join("\n"));
    }
    let path = root().join("docs/cli.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let checked_in = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == page,
        "docs/cli.md is out of date: UPDATE=1 cargo test generated"
    );
}

#[test]
fn completions_are_what_the_program_says() {
    let made: Vec<(String, Vec<u8>)> = [
        ("bash", "spoutctl.bash"),
        ("zsh", "_spoutctl"),
        ("fish", "spoutctl.fish"),
    ]
    .map(|(shell, name)| {
        let script = World::local().run(&["completions", shell]).expect(0).stdout.clone();
        (name.to_owned(), script)
    })
    .to_vec();
    compare("completions", &made);
}

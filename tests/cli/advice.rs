//! What a text advises can be typed: the verb is one of ours, and each option is that verb's.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use regex::Regex;
use spoutctl::cli::Cli;

use crate::docs;

/// The program's own texts: errors, help, rules, pages.
fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // What others type is answered there, and is no advice.
        if ["tests", "tests.rs", "synonyms", "target"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            texts(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// All that can be typed behind a verb, with the verbs below it.
fn options_of(command: &Command) -> BTreeSet<String> {
    let mut options = BTreeSet::new();
    for argument in command.get_arguments() {
        let longs = argument.get_long_and_visible_aliases().unwrap_or_default();
        options.extend(longs.iter().map(|name| format!("--{name}")));
        let shorts = argument.get_short_and_visible_aliases().unwrap_or_default();
        options.extend(shorts.iter().map(|name| format!("-{name}")));
    }
    command
        .get_subcommands()
        .for_each(|below| options.extend(options_of(below)));
    options
}

/// A source's string literals and comments with their lines joined; a page is taken as it is.
fn joined(path: &Path, text: &str) -> String {
    if path.extension().is_some_and(|extension| extension == "md") {
        return text.to_owned();
    }
    let line_break = Regex::new(r"\\\n\s*|\n\s*(///? ?|//! ?)?").unwrap();
    line_break.replace_all(text, " ").into_owned()
}

/// The commands that a text names, each with its verb and its options.
fn advised(text: &str) -> Vec<(String, Vec<String>)> {
    // A phrase ends where a sentence, a quotation or a pipe goes on, and at the command of somebody else.
    let command = Regex::new(r#"spoutctl ([a-z]+)((?: +[^\s`"'|;,()&]+)*)"#).unwrap();
    let option = Regex::new(r"^(--[a-z][a-z-]*|-[a-zA-Z])(=.*)?$").unwrap();
    let of_one = |found: regex::Captures<'_>| {
        let words = found[2].split_whitespace().take_while(|word| *word != "--");
        let words = words.map(|word| word.trim_end_matches(['.', ':', '\\']));
        let options = words.filter_map(|word| option.captures(word).map(|found| found[1].to_owned()));
        (found[1].to_owned(), options.collect())
    };
    command.captures_iter(text).map(of_one).collect()
}

#[test]
fn every_command_of_ours_that_is_advised_has_that_verb_and_those_options() {
    let mut cli = Cli::command();
    cli.build();
    let mut paths = vec![
        docs::root().join("docs/troubleshooting.md"),
        docs::root().join("docs/getting-started.md"),
    ];
    for folder in ["src", "crates"] {
        texts(&docs::root().join(folder), &mut paths);
    }
    let (mut wrong, mut options_seen) = (Vec::new(), 0);
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        for (verb, options) in advised(&joined(&path, &text)) {
            // Prose: `spoutctl keeps`.
            let Some(command) = cli.find_subcommand(&verb) else {
                continue;
            };
            let known = options_of(command);
            options_seen += options.len();
            let unknown = options.iter().filter(|option| !known.contains(*option));
            wrong.extend(unknown.map(|option| format!("{}: spoutctl {verb} … {option}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(options_seen > 40, "only {options_seen} options were found in all texts");
}

#[test]
fn an_advice_with_an_option_that_is_not_there_is_found() {
    let text = "help: \"spoutctl spool {dir} --resend {n}, or spoutctl get r:/ --nothing \\\n     --tar; -x\"";
    let told = advised(&joined(Path::new("x.rs"), text));
    let of = |verb: &str, options: &[&str]| (verb.to_owned(), options.iter().map(|o| (*o).to_owned()).collect());
    assert_eq!(told, [of("spool", &["--resend"]), of("get", &["--nothing", "--tar"])]);
    let cli = Cli::command();
    let known = options_of(cli.find_subcommand("get").unwrap());
    assert!(known.contains("--tar") && !known.contains("--nothing"));
}

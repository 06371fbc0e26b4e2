//! The README and the pages of `docs/`: what they show is what happens, and where they point something is.
//!
//! A ` ```console ` block is run, command by command, in one shell a page; what it prints, on both streams, is compared with what is
//! shown. Commit ids, times and durations may differ, and a line `…` stands for any lines. Two comments before a block:
//! `<!-- run: CMD -->` prepares it, and `<!-- not run: REASON -->` leaves it alone. Behind `<!-- ended behind this -->` the last command of
//! the block, which does not end by itself, is ended when it has said as much as is shown.
//! `UPDATE=1 cargo test --test cli docs` writes what was printed into the pages.

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::Regex;

use crate::runner::{fixture, has_program, skip};

pub fn root() -> PathBuf {
    fixture("..")
}

/// A page's text, by its name in the repo: `docs/tail.md`.
pub fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All pages: the README and what is below `docs/`.
fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    let mut directories = vec!["docs".to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root().join(&directory)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{directory}/{}", entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                directories.push(name);
            } else if Path::new(&name).extension().is_some_and(|ending| ending == "md") {
                pages.push(name);
            }
        }
    }
    pages.sort();
    pages
}

/// Something that the shell of a page does.
#[derive(Debug)]
enum Step {
    /// Prepares what follows; not shown.
    Prepare(String),
    Show {
        command: String,
        /// What the page says it prints.
        shown: String,
        how: How,
    },
}

/// How a command is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    ToItsEnd,
    /// In the background, with what it says on standard output.
    Behind,
    /// Until it has said what is shown.
    UntilSaid,
}

/// The steps of a page, and where the shown output of each stands, in lines.
fn steps(text: &str) -> Vec<(Step, std::ops::Range<usize>)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut steps = Vec::new();
    let (mut at, mut is_run, mut is_ended) = (0, true, false);
    while at < lines.len() {
        let line = lines[at];
        at += 1;
        if let Some(rest) = line.strip_prefix("<!-- run: ") {
            let command = rest.strip_suffix(" -->").expect("a comment of one line");
            steps.push((Step::Prepare(command.to_owned()), at..at));
        } else if line.starts_with("<!-- not run: ") {
            is_run = false;
        } else if line == "<!-- ended behind this -->" {
            is_ended = true;
        } else if line == "```console" {
            let end = at
                + lines[at..]
                    .iter()
                    .position(|line| *line == "```")
                    .expect("the block ends");
            if is_run {
                block(&lines, at, end, is_ended, &mut steps);
            }
            (at, is_run, is_ended) = (end + 1, true, false);
        } else if line.starts_with("```") {
            at += 1 + lines[at..]
                .iter()
                .position(|line| *line == "```")
                .expect("the block ends");
            is_run = true;
        }
    }
    steps
}

fn block(lines: &[&str], mut at: usize, end: usize, is_ended: bool, steps: &mut Vec<(Step, std::ops::Range<usize>)>) {
    while at < end {
        let mut command = lines[at]
            .strip_prefix("$ ")
            .expect("a block begins with `$ `")
            .to_owned();
        while command.ends_with('\\') {
            at += 1;
            command = format!("{command}\n{}", lines[at]);
        }
        at += 1;
        let next = lines[at..end].iter().position(|line| line.starts_with("$ "));
        let until = next.map_or(end, |next| at + next);
        let shown = lines[at..until].iter().map(|line| format!("{line}\n")).collect();
        let how = match command.strip_suffix(" &").map(str::to_owned) {
            Some(behind) => {
                command = behind;
                How::Behind
            }
            None if is_ended && until == end => How::UntilSaid,
            None => How::ToItsEnd,
        };
        steps.push((Step::Show { command, shown, how }, at..until));
        at = until;
    }
}

/// Between the outputs of two commands.
const SEPARATOR: char = '\u{1e}';

/// One script of a page's steps. What goes on in the background is waited for until it has said what is shown.
fn script(steps: &[(Step, std::ops::Range<usize>)], port: &str) -> String {
    let mut script =
        "cargo() { shift 3; spoutctl \"$@\"; }\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\nexec 2>&1\n".to_owned();
    for (number, (step, _)) in steps.iter().enumerate() {
        let step = match step {
            Step::Prepare(command) => format!("{{ {command}\n}} >/dev/null 2>&1\n"),
            Step::Show {
                command,
                how: How::ToItsEnd,
                ..
            } => format!("{command}\n"),
            Step::Show { command, shown, how } => {
                let lines = shown.lines().count();
                let (file, lines) = match command.rsplit_once(" > ") {
                    Some((_, file)) => (file.to_owned(), 1),
                    None => (format!("said.{number}"), lines),
                };
                let (errors, end) = if *how == How::UntilSaid {
                    ("&1", "kill $!; wait $!\n")
                } else {
                    ("/dev/null", "")
                };
                format!(
                    "(exec {command}) >said.{number} 2>{errors} &\nfor i in $(seq 600); do \
                     [ \"$(wc -l 2>/dev/null <{file})\" -ge {lines} ] 2>/dev/null && break; sleep 0.1; done\n{end}cat said.{number}\n(exit 0)\n"
                )
            }
        };
        script += &step.replace("1659", port);
        script += "__=$?; printf '\\036'; (exit $__)\n";
    }
    script
}

/// What may differ from one run to the next becomes the same.
fn steady(text: &str) -> String {
    static CHANGING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"\b[0-9a-f]{32}\b", "ID"),
            (r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z", "TIME"),
            (r"\bin [0-9.]+ (s|ms)\b", "in TIME"),
            (r"\b[0-9,]+ ms\b", "TIME"),
        ]
        .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
        .into()
    });
    let mut text = text.to_owned();
    for (pattern, with) in &*CHANGING {
        text = pattern.replace_all(&text, *with).into_owned();
    }
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Whether this was printed, where a line `…` stands for any lines.
fn is_as_shown(printed: &str, shown: &str) -> bool {
    let (printed, shown) = (steady(printed), steady(shown));
    match shown.split_once("…\n") {
        Some((before, after)) if before.is_empty() || before.ends_with('\n') => {
            printed.len() >= before.len() + after.len() && printed.starts_with(before) && printed.ends_with(after)
        }
        _ => printed == shown,
    }
}

/// Runs a page's steps in a directory of their own; what each printed.
fn outputs(name: &str, steps: &[(Step, std::ops::Range<usize>)]) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().join("fixtures"), directory.path().join("fixtures")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
        .to_string();
    let mut script = script(steps, &port);
    if name == "README.md" {
        let text = page(name);
        let first = text.split("```sh\n").nth(1).unwrap().split("\n```").next().unwrap();
        script = script.replacen("exec 2>&1\n", &format!("{first} >/dev/null\nexec 2>&1\n"), 1);
    }
    fs::write(directory.path().join(".script"), script).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_spoutctl")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let ran = Command::new("timeout")
        .args(["300", "bash", ".script"])
        .current_dir(directory.path())
        .env_clear()
        .env("PATH", format!("{}:{path}", binary.display()))
        .env("HOME", directory.path())
        .env("LC_ALL", "C.UTF-8")
        .env("PACHD_ADDRESS", "local:store")
        .env("SPOUTCTL_LISTEN", format!("127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&ran.stdout).replace(&port, "1659");
    let mut outputs: Vec<String> = printed.split(SEPARATOR).map(str::to_owned).collect();
    outputs.truncate(steps.len());
    assert_eq!(
        outputs.len(),
        steps.len(),
        "{name} ended early: {printed}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    outputs
}

/// Runs the blocks of a page; what is not as it is shown.
fn differences(name: &str) -> Vec<String> {
    let text = page(name);
    let steps = steps(&text);
    if !steps.iter().any(|(step, _)| matches!(step, Step::Show { .. })) {
        return Vec::new();
    }
    let outputs = outputs(name, &steps);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut different = Vec::new();
    for ((step, place), printed) in steps.iter().zip(&outputs).rev() {
        let Step::Show { command, shown, .. } = step else {
            continue;
        };
        if !is_as_shown(printed, shown) {
            different.push(format!("{name}: $ {command}\n--- shown\n{shown}--- printed\n{printed}"));
            lines.splice(place.clone(), printed.lines().map(|line| line.trim_end().to_owned()));
        }
    }
    if std::env::var_os("UPDATE").is_some() && !different.is_empty() {
        fs::write(root().join(name), lines.join("\n") + "\n").unwrap();
    }
    different.reverse();
    different
}

#[test]
fn what_the_pages_show_is_what_happens() {
    for program in ["curl", "jq", "tar"] {
        assert!(has_program(program), "{program} is needed to run what the pages show");
    }
    let different: Vec<String> = pages().iter().flat_map(|name| differences(name)).collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// What a heading is called in a link, as forges and mdBook have it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The text without its fenced blocks and code spans.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    let lines: Vec<&str> = lines.collect();
    lines.join("\n")
}

fn anchors(text: &str) -> Vec<String> {
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let mut anchors: Vec<String> = headings
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect();
    let named = Regex::new(r#"<a (?:id|name)="([^"]+)""#).unwrap();
    anchors.extend(named.captures_iter(text).map(|found| found[1].to_owned()));
    anchors
}

#[test]
fn every_link_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut known: HashMap<PathBuf, Vec<String>> = HashMap::new();
    let mut broken = Vec::new();
    for name in pages() {
        let text = page(&name);
        for found in link.captures_iter(&prose(&text)) {
            let target = &found[1];
            if target.starts_with("https://") || target.starts_with("http://") {
                continue;
            }
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let from = root().join(&name);
            let path = if file.is_empty() {
                from
            } else {
                from.parent().unwrap().join(file)
            };
            if !path.exists() {
                broken.push(format!("{name}: {target}"));
                continue;
            }
            if !fragment.is_empty() {
                let anchors = known
                    .entry(path.clone())
                    .or_insert_with(|| anchors(&fs::read_to_string(&path).unwrap()));
                if !anchors.iter().any(|anchor| anchor == fragment) {
                    broken.push(format!("{name}: {target} (no such heading)"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn pictures_are_as_they_are_drawn() {
    if !has_program("python3") {
        return skip("python3 is not installed");
    }
    let drawn = Command::new("python3")
        .arg(root().join("docs/images/draw.py"))
        .arg("--check")
        .output()
        .unwrap();
    assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
}

#[test]
fn every_page_is_in_the_book_once() {
    let summary = page("docs/SUMMARY.md");
    for name in pages() {
        if let Some(name) = name.strip_prefix("docs/").filter(|name| *name != "SUMMARY.md") {
            assert_eq!(summary.matches(&format!("({name})")).count(), 1, "{name}");
        }
    }
}

#[test]
fn the_readme_is_short() {
    let lines = page("README.md").lines().count();
    assert!(lines <= 170, "{lines} lines");
}

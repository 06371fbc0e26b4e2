//! Repos, branches and files, as the store that the line names has them: within the time that somebody waits at a key,
//! or not at all.
//!
//! Nothing is said and nothing is made. A token goes to no other machine in clear, and to nobody whom `--insecure`
//! would let in: pressing a key asks for less than running the command.
//!
//! Whoever may write to a repo chooses the names of its files, and bash puts an answer on the line as it is: so a name
//! that a shell might take for more than a word is not offered.

use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Parser as _;
use clap_complete::engine::CompletionCandidate;

use super::super::server;
use crate::cli::{ServerArgs, parse_duration};
use crate::settings::Server;
use spoutctl_core::listing::Listing;
use spoutctl_core::pfs::{Branch, Destination, FilePath, Repo};

/// From when the process was started.
const LIMIT: Duration = Duration::from_millis(300);
/// Says another one, for a pachd that is far away.
const ANOTHER: &str = "SPOUTCTL_COMPLETION_TIMEOUT";
/// Names that are offered.
const OFFERED: usize = 1000;
/// The options that say where pachd is, and take a value.
const WITH_VALUE: [&str; 4] = ["--pachd", "--context", "--token-file", "--cacert"];

/// What is wanted behind the `:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paths {
    Files,
    Directories,
    /// None: a branch ends the word.
    Nothing,
}

/// The line, as far as it says where pachd is.
#[derive(Debug, Clone)]
pub(super) struct Line {
    begun: Instant,
    words: Vec<OsString>,
}

impl Line {
    /// From the arguments that a shell hands over; the words stand behind the first `--`.
    pub fn of(args: &[OsString], begun: Instant) -> Self {
        let words = args.iter().skip_while(|word| *word != "--").skip(1);
        // Behind another one stands the command of a producer, whose options are not ours.
        let words = words.take_while(|word| *word != "--");
        Self {
            begun,
            words: about_the_server(words),
        }
    }

    /// What `typed` may go on with.
    pub fn offers(&self, typed: &OsStr, paths: Paths) -> Vec<CompletionCandidate> {
        let (Some(typed), Some(args)) = (typed.to_str().map(str::to_owned), server_args(&self.words)) else {
            return Vec::new();
        };
        let (sender, receiver) = mpsc::channel();
        let left = limit().saturating_sub(self.begun.elapsed());
        // Whatever it still waits for ends with the process.
        std::thread::spawn(move || sender.send(names(&args, &typed, paths, left)));
        let names = receiver.recv_timeout(left).ok().flatten().unwrap_or_default();
        names.into_iter().map(CompletionCandidate::new).collect()
    }
}

fn limit() -> Duration {
    let said = std::env::var(ANOTHER).ok();
    said.and_then(|text| parse_duration(&text).ok()).unwrap_or(LIMIT)
}

fn about_the_server<'a>(words: impl Iterator<Item = &'a OsString>) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let Some(text) = word.to_str() else { continue };
        if WITH_VALUE.contains(&text) {
            if let Some(value) = words.next() {
                kept.extend([word.clone(), value.clone()]);
            }
        } else if text == "--insecure" || WITH_VALUE.iter().any(|name| is_set(text, name)) {
            kept.push(word.clone());
        }
    }
    kept
}

fn is_set(word: &str, name: &str) -> bool {
    word.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
}

/// `None` where they cannot be read, as when one of them is being typed.
fn server_args(words: &[OsString]) -> Option<ServerArgs> {
    #[derive(clap::Parser)]
    struct Where {
        #[command(flatten)]
        server: ServerArgs,
    }
    let line = std::iter::once(OsString::from("spoutctl")).chain(words.iter().cloned());
    Where::try_parse_from(line).ok().map(|found| found.server)
}

fn names(args: &ServerArgs, typed: &str, paths: Paths, limit: Duration) -> Option<Vec<String>> {
    if args.insecure {
        return None;
    }
    let server = server::find(args).ok()?;
    let listing = server::listing_within(&server, limit)?;
    let mut names = wanted(listing.as_ref(), &server, typed, paths)?;
    names.retain(|name| name.starts_with(typed) && is_one_word(name));
    if let [only] = names.as_slice()
        && paths == Paths::Files
        && !only.contains([':', '@'])
    {
        // A path may follow: with two to choose from, the shell adds no blank.
        names.push(format!("{only}:/"));
    }
    names.sort_unstable();
    names.truncate(OFFERED);
    Some(names)
}

/// Whether every shell takes the name for one word and nothing else.
fn is_one_word(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/@:._-+,%=".contains(letter);
    !name.starts_with('-') && name.chars().all(is_plain)
}

fn wanted(listing: &dyn Listing, server: &Server, typed: &str, paths: Paths) -> Option<Vec<String>> {
    if let Some((before, path)) = typed.split_once(':') {
        if paths == Paths::Nothing {
            return None;
        }
        return files(listing, &named(before, server)?, before, path, paths);
    }
    if let Some((repo, _)) = typed.split_once('@') {
        let branches = listing.list_branches(&named(repo, server)?.repo).ok()?;
        return Some(branches.iter().map(|branch| format!("{repo}@{branch}")).collect());
    }
    let own = named("any", server)?.repo.project;
    let repos = listing.list_repos().ok()?;
    let name = |repo: &Repo| {
        if repo.project == own && !typed.contains('/') {
            repo.name.to_string()
        } else {
            repo.to_string()
        }
    };
    Some(repos.iter().map(name).collect())
}

/// The branch that a text names, in the project that holds here.
fn named(text: &str, server: &Server) -> Option<Branch> {
    let destination: Destination = text.parse().ok()?;
    let mut branch = destination.branch;
    if let (false, Some(project)) = (destination.names_project, server.project()) {
        branch.repo.project = project.clone();
    }
    Some(branch)
}

fn files(listing: &dyn Listing, branch: &Branch, before: &str, path: &str, paths: Paths) -> Option<Vec<String>> {
    if path.is_empty() {
        return Some(vec![format!("{before}:/")]);
    }
    let (directory, _) = path.rsplit_once('/')?;
    let directory = FilePath::new(&format!("{directory}/")).ok()?;
    let mut found = Vec::new();
    let listed = listing.list_directory(branch, &directory, &mut |file| {
        let is_wanted = file.starts_with(path) && (paths == Paths::Files || file.ends_with('/'));
        if is_wanted {
            found.push(format!("{before}:{file}"));
        }
        if found.len() < OFFERED {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    listed.ok().map(|()| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_shell_would_take_for_more_is_not_offered() {
        for name in ["events:/2026-11/ä_1+2,3=4.json", "team/events@master"] {
            assert!(is_one_word(name), "{name}");
        }
        for name in [
            "ev:/a b", "ev:/a;b", "ev:/$x", "ev:/`x`", "ev:/a&b", "ev:/a\nb", "ev:/it's", "ev:/a(b)", "-x",
        ] {
            assert!(!is_one_word(name), "{name}");
        }
    }

    #[test]
    fn of_a_line_what_says_where_pachd_is_counts_wherever_it_stands() {
        let line = [
            "spoutctl",
            "--",
            "spoutctl",
            "get",
            "--pachd",
            "local:x",
            "-v",
            "--context=c",
            "ev",
        ];
        let args: Vec<OsString> = line.iter().map(OsString::from).collect();
        let line = Line::of(&args, Instant::now());
        assert_eq!(line.words, ["--pachd", "local:x", "--context=c"]);
        // The producer's own.
        let line = ["x", "--", "x", "put", "ev", "--", "y", "--pachd", "local:y"];
        let args: Vec<OsString> = line.iter().map(OsString::from).collect();
        assert!(Line::of(&args, Instant::now()).words.is_empty());
        // A value that is not typed yet.
        let args: Vec<OsString> = ["x", "--", "x", "put", "--pachd"].iter().map(OsString::from).collect();
        assert!(Line::of(&args, Instant::now()).words.is_empty());
    }
}

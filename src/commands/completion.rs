//! What a shell completes: it asks this program at each press of the key.
//!
//! Known without a server are contexts, rules, levels, framings and versions, beside the options themselves. Repos,
//! branches and files are asked for where the line, the environment or pachctl's configuration says that pachd is.

mod bash;
mod live;
mod zsh;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::{Arg, Command, CommandFactory as _};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{self, CompleteEnv, Elvish, EnvCompleter, Fish, Powershell, Shells};

use crate::cli::{Cli, CompletedShell, CompletionsArgs};
use crate::failure::Failure;
use crate::settings::Surroundings;
use crate::settings::contexts::Contexts;
use crate::terminal::{Terminal, Verbosity};
use live::{Line, Paths};
use spoutctl_core::exit::Exit;
use spoutctl_lint::rules;
use spoutctl_lint::version::Version;

/// Set by the script of the shell, to the shell's name.
const ASKED: &str = "COMPLETE";
const SHELLS: Shells<'static> = Shells(&[
    &WithScript(&env::Bash, bash::script),
    &Elvish,
    &Fish,
    &Powershell,
    &WithScript(&env::Zsh, zsh::script),
]);
const LEVELS: [&str; 3] = ["error", "warning", "info"];
/// As a user would type them; `delimiter=` wants more.
const FRAMINGS: [&str; 14] = [
    "lines",
    "nul",
    "json",
    "ndjson",
    "json-seq",
    "csv",
    "netstring",
    "octet-counting",
    "u32be",
    "u32le",
    "varint",
    "journal-export",
    "sse",
    "delimiter=",
];

/// A shell as the library knows it, but with another script: of the variable, the name, the program and who completes.
struct WithScript(
    &'static (dyn EnvCompleter + Sync),
    fn(&str, &str, &str, &str) -> io::Result<String>,
);

impl EnvCompleter for WithScript {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn is(&self, name: &str) -> bool {
        self.0.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        to: &mut dyn io::Write,
    ) -> io::Result<()> {
        to.write_all(self.1(var, name, bin, completer)?.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        here: Option<&Path>,
        to: &mut dyn io::Write,
    ) -> io::Result<()> {
        self.0.write_complete(command, words, here, to)
    }
}

/// Answers the shell, if it is the one who asks.
pub fn answer(args: &[OsString]) -> Option<Exit> {
    std::env::var_os(ASKED)?;
    let line = Arc::new(Line::of(args, Instant::now()));
    let here = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(|| command(&line)).var(ASKED).shells(SHELLS);
    match asked.try_complete(args, here.as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(Exit::Done),
        Err(error) => {
            // The shell shows nothing of it, unless somebody looks.
            let _ = error.print();
            Some(Exit::Usage)
        }
    }
}

/// Prints the script that makes a shell ask.
///
/// # Errors
/// When it cannot be written.
pub fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let name = match args.shell {
        CompletedShell::Bash => "bash",
        CompletedShell::Elvish => "elvish",
        CompletedShell::Fish => "fish",
        CompletedShell::Powershell => "powershell",
        CompletedShell::Zsh => "zsh",
    };
    let shell = SHELLS.completer(name).context("this shell is not known")?;
    let mut script = Vec::new();
    shell
        .write_registration(ASKED, "spoutctl", "spoutctl", "spoutctl", &mut script)
        .context("the script cannot be made")?;
    super::printing::print(
        &Terminal::new(Verbosity::Normal),
        String::from_utf8_lossy(&script).trim_end(),
    )
}

/// Everything that can be typed, and what its values may be.
fn command(line: &Arc<Line>) -> Command {
    with_values(Cli::command(), line)
}

fn with_values(command: Command, line: &Arc<Line>) -> Command {
    let takes_no_path = command.get_name() == "squash";
    command
        .mut_args(|argument| with_value(argument, takes_no_path, line))
        .mut_subcommands(|command| with_values(command, line))
}

fn with_value(argument: Arg, takes_no_path: bool, line: &Arc<Line>) -> Arg {
    let names = |paths: Paths| {
        let line = Arc::clone(line);
        ArgValueCompleter::new(move |typed: &OsStr| line.offers(typed, paths))
    };
    let completer = match argument.get_id().as_str() {
        "destination" => names(Paths::Directories),
        "source" if takes_no_path => names(Paths::Nothing),
        "source" => names(Paths::Files),
        "context" => ArgValueCompleter::new(contexts),
        "select" | "ignore" => ArgValueCompleter::new(|typed: &OsStr| listed(typed, rule_names())),
        "severity" => ArgValueCompleter::new(severities),
        "rule" => ArgValueCompleter::new(|typed: &OsStr| beginning_with(typed, rule_names())),
        "pachyderm" => ArgValueCompleter::new(|typed: &OsStr| {
            beginning_with(typed, Version::all().map(|version| version.to_string()))
        }),
        "messages" if argument.get_long().is_some() => {
            ArgValueCompleter::new(|typed: &OsStr| beginning_with(typed, FRAMINGS.map(str::to_owned)))
        }
        _ => return argument,
    };
    argument.add(completer)
}

fn rule_names() -> impl Iterator<Item = String> {
    rules().iter().map(|rule| rule.id.to_string())
}

fn beginning_with(typed: &OsStr, names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let names = names.into_iter().filter(|name| name.starts_with(&*typed));
    names.map(CompletionCandidate::new).collect()
}

/// The last of several with commas between them.
fn listed(typed: &OsStr, names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let before = &typed[..typed.rfind(',').map_or(0, |comma| comma + 1)];
    let whole = names.into_iter().map(|name| format!("{before}{name}"));
    beginning_with(OsStr::new(&*typed), whole)
}

fn severities(typed: &OsStr) -> Vec<CompletionCandidate> {
    let text = typed.to_string_lossy();
    let last = text.rsplit(',').next().unwrap_or_default();
    match last.split_once('=') {
        None => listed(typed, rule_names().map(|name| format!("{name}="))),
        Some((rule, _)) => listed(typed, LEVELS.iter().map(|level| format!("{rule}={level}"))),
    }
}

fn contexts(typed: &OsStr) -> Vec<CompletionCandidate> {
    let read = |path: &Path| Contexts::read(path).ok();
    let contexts = Surroundings::ours().config_path().as_deref().and_then(read);
    beginning_with(typed, contexts.map(|contexts| contexts.names()).unwrap_or_default())
}

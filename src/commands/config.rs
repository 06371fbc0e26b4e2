//! `spoutctl config`: what holds here, and where each of it was said.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::{ConfigArgs, preferred};
use crate::commands::preferences::{check, file_failure};
use crate::commands::printing::print;
use crate::commands::server;
use crate::failure::Failure;
use crate::settings::preferences::{self, PREFERABLE};
use crate::settings::project::{self, Project};
use crate::settings::{Origin, Server, Surroundings, user};
use crate::terminal::Terminal;
use pachyderm_client::connection::proxy::Proxy;
use pachyderm_client::connection::tls::Trust;
use spoutctl_core::exit::Exit;

/// Variables that are no preferences, and those that spoutctl sets for programs it runs.
const OTHER_VARIABLES: &[&str] = &[
    "SPOUTCTL_BRANCH",
    "SPOUTCTL_CACERT",
    "SPOUTCTL_COMMIT",
    "SPOUTCTL_COMPLETION_TIMEOUT",
    "SPOUTCTL_CONTEXT",
    "SPOUTCTL_DESCRIPTION",
    "SPOUTCTL_FINISHED",
    "SPOUTCTL_PACHD",
    "SPOUTCTL_PARENT",
    "SPOUTCTL_POSITIONS",
    "SPOUTCTL_PROJECT",
    "SPOUTCTL_REPO",
    "SPOUTCTL_SPOOL",
    "SPOUTCTL_TOKEN_FILE",
];

/// Runs the verb.
///
/// # Errors
/// When something that is said cannot be used; what can be is printed before.
pub fn run(args: &ConfigArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.verbosity.level());
    let mut shown = Shown::default();
    shown.server(server::find(&args.server));
    let here = std::env::current_dir().ok();
    shown.preferences(here.as_deref());
    shown.project(here.as_deref());
    shown.files(here.as_deref());
    for name in unknown_variables() {
        terminal.warning(&format!("{name} is set, and is no variable of spoutctl's"));
    }
    let text = if args.json { shown.json()? } else { shown.text() };
    print(&terminal, &text)?;
    // The first is the heading; what else cannot be used is said as well.
    let mut failures = shown.failures.into_iter();
    let Some(first) = failures.next() else {
        return Ok(Exit::Done);
    };
    let others = failures.map(|failure| failure.heading);
    let others: BTreeSet<String> = others.filter(|heading| *heading != first.heading).collect();
    Err(others.into_iter().fold(first, Failure::detail))
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line {
    Setting {
        name: String,
        value: Option<String>,
        from: Option<String>,
    },
    File {
        whose: &'static str,
        path: PathBuf,
        is_there: bool,
    },
}

#[derive(Default)]
struct Shown {
    lines: Vec<Line>,
    failures: Vec<Failure>,
}

impl Shown {
    fn say(&mut self, name: impl Into<String>, value: Option<String>, from: Option<String>) {
        let name = name.into();
        self.lines.push(Line::Setting { name, value, from });
    }

    fn server(&mut self, found: Result<Server, Failure>) {
        let server = match found {
            Ok(server) => server,
            Err(failure) => {
                self.failures.push(failure);
                return self.say("pachd", None, None);
            }
        };
        self.say(
            "pachd",
            Some(server.address.to_string()),
            Some(said_by(&server.address_from)),
        );
        let token = server.token.as_ref();
        self.say(
            "token",
            token.map(|_| "(not shown)".to_owned()),
            token.map(|(_, from)| said_by(from)),
        );
        let (trust, from) = match (&server.trust, &server.trust_from) {
            (Trust::System, _) => ("the system's authorities", None),
            (Trust::Anybody, from) => ("whoever answers", from.as_ref()),
            (Trust::Given(_), from) => ("given authorities alone", from.as_ref()),
            (Trust::Nobody, _) => ("nobody", None),
        };
        self.say("trusted", Some(trust.to_owned()), from.map(said_by));
        let proxy = server.proxy.as_ref();
        self.say(
            "proxy",
            proxy.map(Proxy::url),
            proxy.map(|proxy| proxy.variable.to_owned()),
        );
        let context = server.context.as_ref();
        let context_from = context.map(|context| context.path.display().to_string());
        self.say("context", context.map(|context| context.name.clone()), context_from);
        let project = server.project().map(ToString::to_string);
        let from = project.as_ref().and(context).map(|context| {
            let (name, path) = (context.name.clone(), context.path.clone());
            Origin::Context { name, path }.to_string()
        });
        self.say("project", Some(project.unwrap_or_else(|| "default".to_owned())), from);
    }

    fn preferences(&mut self, here: Option<&Path>) {
        let mut verbs: Vec<&str> = PREFERABLE.iter().flat_map(|known| known.verbs).copied().collect();
        verbs.sort_unstable();
        verbs.dedup();
        for verb in verbs {
            let gathered = preferences::gather(verb, &Surroundings::ours(), here);
            let gathered = gathered.unwrap_or_else(|error| {
                self.failures.push(file_failure(&error));
                Vec::new()
            });
            self.failures
                .extend(gathered.iter().filter_map(|said| check(said).err()));
            for known in PREFERABLE.iter().filter(|known| known.verbs.contains(&verb)) {
                let said = gathered.iter().find(|said| said.name == known.name);
                let shown = |value: OsString| value.to_string_lossy().into_owned();
                let value = match said {
                    Some(said) => Some(shown(said.value.clone())),
                    None => preferred::default(verb, known.name).map(shown),
                };
                let from = said.map(|said| said.from.to_string());
                self.say(format!("{verb}.{}", known.name), value, from);
            }
        }
    }

    /// What the project says of `validate`.
    fn project(&mut self, here: Option<&Path>) {
        let Some(path) = here.and_then(project::find) else {
            return;
        };
        // When it cannot be used, the preferences have said so.
        let said = project::load(&path)
            .ok()
            .as_ref()
            .map(Project::said)
            .unwrap_or_default();
        for (name, value, from) in said {
            self.say(name, Some(value), Some(from.to_string()));
        }
    }

    fn files(&mut self, here: Option<&Path>) {
        let around = Surroundings::ours();
        let project = here.map(|here| project::find(here).unwrap_or_else(|| here.join(project::NAME)));
        let paths = [
            ("project", project),
            ("user", user::path(&around)),
            ("pachctl", around.config_path()),
        ];
        for (whose, path) in paths {
            self.lines.extend(path.map(|path| Line::File {
                is_there: path.exists(),
                whose,
                path,
            }));
        }
    }

    fn json(&self) -> Result<String, Failure> {
        let lines = self.lines.iter().map(serde_json::to_string);
        let lines: Result<Vec<String>, _> = lines.collect();
        let lines = lines.map_err(|error| Failure::new(Exit::Input, error.to_string()))?;
        Ok(lines.join("\n"))
    }

    fn text(&self) -> String {
        let rows: Vec<[String; 3]> = self.lines.iter().map(row).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let (first, second) = (width(0), width(1));
        let line = |[name, value, from]: &[String; 3]| {
            let line = format!("{name:first$}  {value:second$}  {from}");
            line.trim_end().to_owned()
        };
        rows.iter().map(line).collect::<Vec<String>>().join("\n")
    }
}

/// Name, value, and where it was said.
fn row(line: &Line) -> [String; 3] {
    match line {
        Line::Setting { name, value, from } => {
            let from = match (value, from) {
                (None, _) => String::new(),
                (Some(_), Some(from)) => from.clone(),
                (Some(_), None) => "default".to_owned(),
            };
            [name.clone(), value.clone().unwrap_or_else(|| "-".to_owned()), from]
        }
        Line::File { whose, path, is_there } => {
            let there = if *is_there { "" } else { "is not there" };
            [format!("{whose}'s file"), path.display().to_string(), there.to_owned()]
        }
    }
}

/// A flag's variable is named where it has the flag's part.
fn said_by(from: &Origin) -> String {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match from {
        Origin::Flag("--pachd") if is_set("SPOUTCTL_PACHD") => "--pachd or SPOUTCTL_PACHD".to_owned(),
        from => from.to_string(),
    }
}

/// Variables that look like ours and are none: a mistake in typing would be passed over in silence.
fn unknown_variables() -> Vec<String> {
    let is_ours = |name: &str| {
        OTHER_VARIABLES.contains(&name)
            || PREFERABLE.iter().any(|known| known.variable == name)
            || name.starts_with("SPOUTCTL_ACK_")
            || name.starts_with("SPOUTCTL_TEST_")
    };
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<String> = names
        .filter(|name| name.starts_with("SPOUTCTL_") && !is_ours(name))
        .collect();
    names.sort_unstable();
    names
}

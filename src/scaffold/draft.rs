//! The answers so far, and the spec that they make.

use super::answers::{Secret, Variable};
use super::format::{Format, Piece};
use super::probes;
use super::template::{self, Kind, Template};
use spoutctl_lint::Options;
use spoutctl_lint::diagnostic::Diagnostic;
use spoutctl_lint::source::SourceFile;

/// What runs in the spout's container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A program and its arguments.
    Command(Vec<String>),
    /// What a shell reads on its standard input.
    Script { shell: String, lines: Vec<String> },
}

impl Program {
    /// A script, for the shell that its first line names.
    pub fn script(text: &str) -> Self {
        let named = text.lines().next().and_then(|line| line.strip_prefix("#!"));
        // `#!/usr/bin/env bash` and `#!/bin/bash -e` both name bash.
        let mut words = named.unwrap_or("sh").split_whitespace();
        let program = words.next().unwrap_or("sh");
        let shell = if program.ends_with("/env") {
            words.next().unwrap_or("sh")
        } else {
            program.rsplit('/').next().unwrap_or(program)
        };
        Self::Script {
            shell: shell.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
        }
    }
}

/// The answers so far.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub name: Option<String>,
    pub project: Option<String>,
    pub description: Option<String>,
    pub image: Option<String>,
    pub template: Option<&'static Template>,
    /// The template's program is a file in the image, and not a part of the spec.
    pub with_code: bool,
    /// Instead of the template's.
    pub program: Option<Program>,
    /// What `put` is told besides by the template's program.
    pub more: Vec<String>,
    pub env: Vec<Variable>,
    pub secrets: Vec<Secret>,
    pub output_branch: Option<String>,
    pub cpu: Option<f64>,
    pub memory: Option<String>,
    /// Where `put` in the spout answers Prometheus and the probes.
    pub metrics_port: Option<u16>,
}

/// An answer without which there is no spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Name,
    Image,
    Command,
    /// A variable, or a secret that is to be in one, which the template's program reads.
    Variable(&'static template::Variable),
}

impl Missing {
    /// What to write on a command line.
    pub fn argument(self) -> String {
        match self {
            Self::Name => "NAME".to_owned(),
            Self::Image => "--image IMAGE".to_owned(),
            Self::Command => "--cmd LINE, --stdin-script FILE or -- CMD ARG…".to_owned(),
            Self::Variable(variable) => match variable.kind {
                Kind::Secret => format!("--secret SECRET:KEY={}", variable.name),
                Kind::Plain => format!("--env {}=…", variable.name),
            },
        }
    }

    /// What it is, in a few words.
    pub fn what(self) -> &'static str {
        match self {
            Self::Name => "the spout's name, and that of the repo it writes to",
            Self::Image => "the image, with a tag",
            Self::Command => "what it runs",
            Self::Variable(variable) => variable.question,
        }
    }
}

impl Draft {
    /// Everything that is needed and not there, in the order in which one would ask for it.
    pub fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        if self.name.is_none() {
            missing.push(Missing::Name);
        }
        if self.image.is_none() {
            missing.push(Missing::Image);
        }
        if self.program.is_none() && !self.template().brings_program(self.with_code) {
            missing.push(Missing::Command);
        }
        let variables = self.template().variables.iter();
        let needed = variables.filter(|variable| variable.is_needed && !self.sets(variable.name));
        missing.extend(needed.map(Missing::Variable));
        missing
    }

    pub fn template(&self) -> &'static Template {
        self.template.unwrap_or(template::BLANK)
    }

    /// Whether an answer says what this variable has.
    pub fn sets(&self, name: &str) -> bool {
        self.env.iter().any(|variable| variable.name == name)
            || self.secrets.iter().any(|secret| secret.variable() == Some(name))
    }

    /// The spec. What is missing is left out.
    pub fn spec(&self, format: Format) -> String {
        format.write(&self.pieces())
    }

    /// What the linter has against the answers so far; what is missing is not held against them.
    pub fn objections(&self, options: &Options) -> Vec<Diagnostic> {
        let mut whole = self.clone();
        whole.name.get_or_insert_with(|| "spout".to_owned());
        whole.image.get_or_insert_with(|| "image:1".to_owned());
        if whole.missing().contains(&Missing::Command) {
            whole.program = Some(Program::Command(vec!["program".to_owned()]));
        }
        let file = SourceFile::new("spec.json", whole.spec(Format::Json));
        spoutctl_lint::check(&file, options).diagnostics
    }

    /// What a template's part of the spec needs in the image; nothing when there is none, or when it has a Dockerfile.
    pub fn programs(&self) -> Vec<&'static str> {
        if self.program.is_some() || self.with_code {
            return Vec::new();
        }
        let template = self.template();
        let of_all: &[&str] = if template.has_consumer() {
            &["bash", "spoutctl"]
        } else {
            &[]
        };
        [of_all, template.programs()].concat()
    }

    /// `[project/]repo[@branch]`, where the spout's commits go.
    pub fn destination(&self) -> String {
        let project = self.project.as_deref().unwrap_or(spoutctl_core::pfs::DEFAULT_PROJECT);
        let name = self.name.as_deref().unwrap_or_default();
        format!("{project}/{name}{}", self.at_branch())
    }

    pub(super) fn at_branch(&self) -> String {
        self.output_branch
            .as_deref()
            .map_or_else(String::new, |branch| format!("@{branch}"))
    }

    fn pieces(&self) -> Piece {
        let text = |text: &Option<String>| text.clone().map(Piece::Text);
        let project = text(&self.project).map(|name| Piece::Map(vec![("name".to_owned(), name)]));
        let pipeline = Piece::of([("name", text(&self.name)), ("project", project)]);
        let requests = [("cpu", self.cpu.map(Piece::Number)), ("memory", text(&self.memory))];
        let limits = [("memory", text(&self.memory))];
        Piece::of([
            ("pipeline", Some(pipeline)),
            ("description", text(&self.description)),
            ("spout", Some(self.spout())),
            ("transform", Some(self.transform())),
            ("outputBranch", text(&self.output_branch)),
            ("resourceRequests", Piece::of(requests).unless_empty()),
            // Memory that is not limited is taken from others; CPU that is limited is only lost.
            ("resourceLimits", Piece::of(limits).unless_empty()),
            ("metadata", self.metrics_port.map(probes::annotations)),
            ("podPatch", self.metrics_port.map(probes::patch)),
        ])
    }

    fn spout(&self) -> Piece {
        let port = self.template().port.filter(|_| self.program.is_none());
        let variable = port.and_then(|port| self.variables().into_iter().find(|variable| variable.name == port));
        let service = variable.map(|variable| {
            // What is no number is for the linter to say.
            let port = variable.value.parse::<u16>();
            let port = || {
                Some(port.as_ref().map_or(Piece::Text(variable.value.clone()), |port| {
                    Piece::Number(f64::from(*port))
                }))
            };
            Piece::of([
                ("internalPort", port()),
                ("externalPort", port()),
                ("type", Some(Piece::Text("ClusterIP".to_owned()))),
            ])
        });
        Piece::of([("service", service)])
    }

    fn transform(&self) -> Piece {
        let list = |texts: Vec<String>| Piece::List(texts.into_iter().map(Piece::Text).collect());
        let (cmd, stdin) = match &self.program {
            Some(Program::Command(words)) => (Some(list(words.clone())), None),
            Some(Program::Script { shell, lines }) => (Some(list(vec![shell.clone()])), Some(list(lines.clone()))),
            None if self.template().brings_program(self.with_code) => (Some(list(command(self))), None),
            None => (None, None),
        };
        let env = self.variables().into_iter();
        let env = env.map(|variable| (variable.name, Piece::Text(variable.value)));
        let secrets = self.secrets.iter().map(Secret::piece).collect();
        Piece::of([
            ("image", self.image.clone().map(Piece::Text)),
            ("cmd", cmd),
            ("stdin", stdin),
            ("env", Piece::Map(env.collect()).unless_empty()),
            ("secrets", Piece::List(secrets).unless_empty()),
        ])
    }

    /// The template's variables first, each with its answer or its default; then the others.
    pub(super) fn variables(&self) -> Vec<Variable> {
        let given = |name: &str| self.env.iter().rev().find(|variable| variable.name == name);
        let of_template = self.template().variables_of(self.with_code);
        let mut all: Vec<Variable> = Vec::new();
        for variable in of_template {
            if let Some(given) = given(variable.name) {
                all.push(given.clone());
            } else if let Some(default) = variable.default.filter(|_| !self.sets(variable.name)) {
                all.push(Variable {
                    name: variable.name.to_owned(),
                    value: self.worded(default),
                });
            }
        }
        for variable in &self.env {
            if !all.iter().any(|other| other.name == variable.name) {
                all.extend(given(&variable.name).cloned());
            }
        }
        if let Some(port) = self.metrics_port.filter(|_| given(probes::LISTEN).is_none()) {
            all.push(probes::variable(port));
        }
        all
    }

    /// A default of a template, in which the spout's name may stand.
    pub fn worded(&self, default: &str) -> String {
        default.replace("__NAME__", self.name.as_deref().unwrap_or("spout"))
    }
}

/// Where the script is in the image.
const ENTRYPOINT: &str = "/spout/entrypoint.sh";

/// What the spec runs.
pub(super) fn command(draft: &Draft) -> Vec<String> {
    let destination = draft.output_branch.as_ref().map(|_| draft.destination());
    let mut words = put(draft.template(), destination.as_deref());
    words.extend_from_slice(&draft.more);
    let Some(consumer) = consumer(draft) else {
        return words;
    };
    if draft.with_code {
        return vec![ENTRYPOINT.to_owned()];
    }
    let script = format!("set -euo pipefail\n{}", without_comments(&consumer));
    words.extend(["--", "bash", "-c"].map(str::to_owned));
    words.push(script);
    words
}

/// `spoutctl put …`, up to the command that it runs, if it runs one. In its pod it needs no destination, unless the
/// branch is another.
pub(super) fn put(template: &Template, destination: Option<&str>) -> Vec<String> {
    let begin = ["spoutctl", "put"].into_iter().chain(destination);
    let restart: &[&str] = if template.has_consumer() {
        &["--restart", "always"]
    } else {
        &[]
    };
    let end = restart.iter().chain(template.taken).copied();
    begin.chain(end).map(str::to_owned).collect()
}

pub(super) fn consumer(draft: &Draft) -> Option<String> {
    let text = draft.template().consumer?;
    Some(text.replace("__BRANCH__", &draft.at_branch()))
}

/// Comments that stand alone, in a text that nobody edits. Not within what a here-document holds: there they may be
/// anything.
fn without_comments(script: &str) -> String {
    let mut kept = String::new();
    let mut until: Option<&str> = None;
    for line in script.lines() {
        let is_comment = line.trim_start().starts_with('#') || line.trim().is_empty();
        if until.is_none() && is_comment {
            continue;
        }
        match until {
            Some(end) if line == end => until = None,
            None => until = line.split_once("<<").and_then(|(_, after)| here_document(after)),
            Some(_) => {}
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

/// The line that ends a here-document, from what stands behind `<<`; `None` for `<<<`.
fn here_document(after: &str) -> Option<&str> {
    let word = after.trim_matches('\'');
    (!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(word)
}

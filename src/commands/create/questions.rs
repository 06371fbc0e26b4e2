//! What is asked on a terminal, in which order, and when it is enough.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::failure::Failure;
use crate::scaffold::template::{self, Kind, Template};
use crate::scaffold::{Draft, Program, Secret, Variable, command_line};
use crate::terminal::{Terminal, dialogue};
use spoutctl_core::exit::Exit;
use spoutctl_lint::Options;

/// The signals that end a dialogue. SIGINT is last: it is also raised by us, for whatever broke a question off.
const SIGNALS: [i32; 3] = [SIGTERM, SIGHUP, SIGINT];

/// Somebody who can be asked.
pub(super) struct Questions<'a> {
    terminal: &'a Terminal,
    options: &'a Options,
    seen: [Arc<AtomicBool>; 3],
}

/// The dialogue was broken off by this signal.
pub(super) struct BrokenOff {
    signal: u8,
}

impl BrokenOff {
    pub fn exit(&self) -> Exit {
        Exit::Signal(self.signal)
    }
}

type Answered = Result<(), BrokenOff>;

impl<'a> Questions<'a> {
    /// From now on signals break the dialogue off and do not end the process: a terminal without its cursor, and in a
    /// mode of its own, would stay behind.
    pub fn new(terminal: &'a Terminal, options: &'a Options) -> Result<Self, Failure> {
        let seen: [Arc<AtomicBool>; 3] = Default::default();
        for (signal, seen) in SIGNALS.into_iter().zip(&seen) {
            flag::register(signal, Arc::clone(seen)).context("cannot listen for signals")?;
        }
        Ok(Self {
            terminal,
            options,
            seen,
        })
    }

    /// Asks for everything that is missing, and for what often is wanted.
    pub fn ask(&self, draft: &mut Draft) -> Answered {
        self.name(draft)?;
        self.template(draft)?;
        self.template_variables(draft)?;
        self.image(draft)?;
        self.command(draft)?;
        self.more_variables(draft)?;
        self.more_secrets(draft)
    }

    /// Shows the spec, and asks whether it is to be written.
    pub fn confirm(&self, spec: &str, output: Option<&Path>) -> Result<bool, BrokenOff> {
        self.terminal.error_line(&format!("\n{spec}"));
        let to = output.map_or("standard output".to_owned(), |path| path.display().to_string());
        self.asked(dialogue::yes(&format!("Write it to {to}?")))
    }

    fn name(&self, draft: &mut Draft) -> Answered {
        if draft.name.is_none() {
            let name = self.text("Name", None, |name| {
                self.judge(draft, |draft| draft.name = Some(name.to_owned()))
            })?;
            draft.name = Some(name);
        }
        Ok(())
    }

    fn template(&self, draft: &mut Draft) -> Answered {
        if draft.template.is_some() || draft.program.is_some() {
            return Ok(());
        }
        let shown = |template: &&Template| format!("{}: {}", template.name, template.title);
        let items: Vec<String> = template::ALL.iter().map(shown).collect();
        let chosen = self.asked(dialogue::choice("Begin with", &items))?;
        draft.template = template::ALL.get(chosen).copied();
        Ok(())
    }

    fn template_variables(&self, draft: &mut Draft) -> Answered {
        if draft.program.is_some() || !draft.template().brings_program(draft.with_code) {
            return Ok(());
        }
        for variable in draft.template().variables {
            if draft.sets(variable.name) {
                continue;
            }
            match variable.kind {
                Kind::Plain => self.plain(draft, variable)?,
                Kind::Secret => self.secret(draft, variable)?,
            }
        }
        Ok(())
    }

    fn plain(&self, draft: &mut Draft, variable: &template::Variable) -> Answered {
        let question = format!("{}: {}", variable.name, variable.question);
        let default = variable.default.map(|default| draft.worded(default));
        let set = |value: &str| Variable {
            name: variable.name.to_owned(),
            value: value.to_owned(),
        };
        let value = self.text(&question, default.as_deref(), |value| {
            self.judge(draft, |draft| draft.env.push(set(value)))
        })?;
        draft.env.push(set(&value));
        Ok(())
    }

    /// A variable whose value has to come from a secret.
    fn secret(&self, draft: &mut Draft, variable: &template::Variable) -> Answered {
        let or_none = if variable.is_needed { "" } else { "; empty: none" };
        let question = format!(
            "{}: {}, from the Kubernetes secret SECRET:KEY{or_none}",
            variable.name, variable.question
        );
        let read = |text: &str| format!("{text}={}", variable.name).parse::<Secret>();
        let answer = self.maybe(&question, variable.is_needed, |text| {
            let secret = read(text).map_err(|_| "write SECRET:KEY".to_owned())?;
            self.judge(draft, |draft| draft.secrets.push(secret))
        })?;
        draft.secrets.extend(read(&answer));
        Ok(())
    }

    fn image(&self, draft: &mut Draft) -> Answered {
        if draft.image.is_none() {
            let image = self.text("Image, with a tag", None, |image| {
                self.judge(draft, |draft| draft.image = Some(image.to_owned()))
            })?;
            draft.image = Some(image);
        }
        Ok(())
    }

    fn command(&self, draft: &mut Draft) -> Answered {
        if draft.program.is_some() || draft.template().brings_program(draft.with_code) {
            return Ok(());
        }
        let line = self.text("Command", None, |line| {
            let words = command_line(line).map_err(|error| error.to_string())?;
            self.judge(draft, |draft| draft.program = Some(Program::Command(words)))
        })?;
        draft.program = command_line(&line).ok().map(Program::Command);
        Ok(())
    }

    fn more_variables(&self, draft: &mut Draft) -> Answered {
        if !draft.env.is_empty() && draft.template().brings_program(draft.with_code) {
            // The template's own were asked for, or given.
            return Ok(());
        }
        loop {
            let answer = self.maybe("Variable NAME=VALUE; empty: no more", false, |text| {
                let variable: Variable = text.parse().map_err(|error| format!("{error}"))?;
                self.judge(draft, |draft| draft.env.push(variable))
            })?;
            let Ok(variable) = answer.parse() else { return Ok(()) };
            draft.env.push(variable);
        }
    }

    fn more_secrets(&self, draft: &mut Draft) -> Answered {
        loop {
            let question = "Secret, SECRET:KEY=VARIABLE or SECRET=/PATH; empty: no more";
            let answer = self.maybe(question, false, |text| {
                let secret: Secret = text.parse().map_err(|error| format!("{error}"))?;
                self.judge(draft, |draft| draft.secrets.push(secret))
            })?;
            let Ok(secret) = answer.parse() else { return Ok(()) };
            draft.secrets.push(secret);
        }
    }

    /// Asks for something that may not be empty.
    fn text(
        &self,
        question: &str,
        default: Option<&str>,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String, BrokenOff> {
        self.asked(dialogue::line(question, default, |text| {
            if text.is_empty() {
                return Err("it is needed".to_owned());
            }
            check(text)
        }))
    }

    /// Asks for something that may be left out, unless it is needed.
    fn maybe(
        &self,
        question: &str,
        is_needed: bool,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String, BrokenOff> {
        self.asked(dialogue::line(question, None, |text| match text {
            "" if is_needed => Err("it is needed".to_owned()),
            "" => Ok(()),
            _ => check(text),
        }))
    }

    /// What the linter says of the answers so far with one more.
    fn judge(&self, draft: &Draft, answer: impl FnOnce(&mut Draft)) -> Result<(), String> {
        let before = draft.objections(self.options);
        let mut with = draft.clone();
        answer(&mut with);
        let new = with.objections(self.options).into_iter();
        // Of what flags have answered wrongly, everything is said at the end.
        let mut new = new.filter(|found| {
            !before
                .iter()
                .any(|old| old.rule == found.rule && old.message == found.message)
        });
        match new.next() {
            Some(found) => Err(match found.help {
                Some(help) => format!("{}; {help}", found.message),
                None => found.message,
            }),
            None => Ok(()),
        }
    }

    fn asked<T>(&self, answer: Result<T, dialogue::Interrupted>) -> Result<T, BrokenOff> {
        let signal = SIGNALS
            .into_iter()
            .zip(&self.seen)
            .find(|(_, seen)| seen.load(Ordering::Acquire));
        let broken_off = |signal: i32| BrokenOff {
            signal: u8::try_from(signal).unwrap_or_default(),
        };
        match (answer, signal) {
            (Ok(answer), None) => Ok(answer),
            (_, Some((signal, _))) => Err(broken_off(signal)),
            (Err(dialogue::Interrupted), None) => Err(broken_off(SIGHUP)),
        }
    }
}

//! What people type who come from other tools: taken for what it means, or answered with the word that is right here.
//!
//! Only a line that clap refuses is looked at, so nothing that is an option can change its meaning. What follows `--`
//! is somebody else's command, and is never touched.

mod framings;
pub mod meaning;
pub mod table;
mod values;
pub mod verbs;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, CommandFactory as _};

use super::{Cli, short};
use meaning::{DANGEROUS, Meaning, Part, Synonym};
use verbs::{AUTH_VERBS, NOUNS, OTHER_NOUNS, TOO_MANY, VERBS, VerbMeaning};

/// What the line says, the line as it is understood, and what clap made of it.
///
/// # Errors
/// As clap has them, with the right word for a wrong one.
pub fn parse(args: &[OsString]) -> Result<(Cli, Vec<OsString>, ArgMatches), clap::Error> {
    let mut line = Line::new(without_noun(args.to_vec()));
    // A rewritten word is never one that is rewritten, so each word is looked at once at most.
    for _ in 0..=args.len() {
        let mut error = match short::parse(&line.words) {
            Ok((cli, matches)) => return Ok((cli, line.words, matches)),
            Err(error) => error,
        };
        match line.understand(&error) {
            Understood::Rewritten => {}
            Understood::Not => return Err(without_bad_advice(error)),
            Understood::Said(what) => {
                for kind in [
                    ContextKind::SuggestedArg,
                    ContextKind::SuggestedSubcommand,
                    ContextKind::SuggestedValue,
                    ContextKind::Suggested,
                ] {
                    error.remove(kind);
                }
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![what.into()]));
                return Err(error);
            }
        }
    }
    Err(Cli::command().error(ErrorKind::InvalidValue, "this line cannot be understood"))
}

/// What became of a line that clap refused.
enum Understood {
    Rewritten,
    /// Something else is to be typed.
    Said(String),
    Not,
}

/// A line, and where its verb stands.
struct Line {
    words: Vec<OsString>,
    /// Where the options of the verb begin.
    options: usize,
    verb: String,
}

impl Line {
    fn new(words: Vec<OsString>) -> Self {
        let mut line = Self {
            words,
            options: 0,
            verb: String::new(),
        };
        line.find_verb();
        line
    }

    fn find_verb(&mut self) {
        let is_spout = self.words.get(1).is_some_and(|word| word == "spout");
        let mut at = if is_spout { 2 } else { 1 };
        if self.words.get(at).is_some_and(|word| word == "auth") {
            at += 1;
        }
        self.verb = self.word(at).unwrap_or_default().to_owned();
        self.options = (at + 1).min(self.words.len());
    }

    fn word(&self, at: usize) -> Option<&str> {
        self.words.get(at).and_then(|word| word.to_str())
    }

    /// Where the words of a command of somebody else begin.
    fn end(&self) -> usize {
        let end = self.words.iter().position(|word| word == "--");
        end.unwrap_or(self.words.len())
    }

    fn understand(&mut self, error: &clap::Error) -> Understood {
        let said = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            _ => None,
        };
        // An option that nobody knows is not explained by the noun before it.
        let is_option = |refused: Option<String>| refused.is_some_and(|argument| argument.starts_with('-'));
        match error.kind() {
            ErrorKind::InvalidSubcommand => match said(ContextKind::InvalidSubcommand) {
                Some(verb) => self.verb(&verb),
                None => Understood::Not,
            },
            ErrorKind::UnknownArgument | ErrorKind::MissingRequiredArgument
                if !is_option(said(ContextKind::InvalidArg)) && self.other_noun().is_some() =>
            {
                self.other_noun()
                    .map_or(Understood::Not, |said| Understood::Said(said.to_owned()))
            }
            ErrorKind::MissingRequiredArgument if self.misses_framing(error) => Understood::Said(
                "--messages lines says where messages end; --message, or -m, is for the commit's description"
                    .to_owned(),
            ),
            ErrorKind::MissingRequiredArgument if misses(error, "--into") => {
                Understood::Said("--into NAME makes one file of the messages, --each NAME a file of each".to_owned())
            }
            ErrorKind::UnknownArgument if self.verb.starts_with('-') => self.options_first(),
            ErrorKind::UnknownArgument => match said(ContextKind::InvalidArg) {
                Some(typed) => self.flag(&typed),
                None => Understood::Not,
            },
            ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
                match (said(ContextKind::InvalidArg), said(ContextKind::InvalidValue)) {
                    (Some(flag), Some(value)) => self.value(&flag, &value),
                    _ => Understood::Not,
                }
            }
            ErrorKind::ArgumentConflict => self.noun(),
            _ => Understood::Not,
        }
    }

    fn verb(&mut self, typed: &str) -> Understood {
        // The first word is what we were started by: it may be any.
        let Some(at) = (1..self.words.len()).find(|at| self.words[*at] == typed) else {
            return Understood::Not;
        };
        let verbs = match self.word(at - 1) {
            Some("auth") if at > 1 => AUTH_VERBS,
            _ => VERBS,
        };
        let Some((_, meaning)) = verbs
            .iter()
            .find(|(names, _)| names.split(' ').any(|name| name == typed))
        else {
            return Understood::Not;
        };
        match meaning {
            VerbMeaning::Words(words) => {
                self.words.splice(at..=at, words.split(' ').map(OsString::from));
            }
            VerbMeaning::Apply => {
                let names_file = self.words.iter().any(|word| {
                    word.to_str()
                        .is_some_and(|word| word == "--file" || word.starts_with("--file=") || word.starts_with("-f"))
                });
                let words: &[&str] = if names_file {
                    &["create", "--update"]
                } else {
                    &["create", "--update", "-f"]
                };
                self.words.splice(at..=at, words.iter().map(OsString::from));
            }
            VerbMeaning::Help => {
                self.words.remove(at);
                self.words.push("--help".into());
            }
            VerbMeaning::Say(what) => return Understood::Said((*what).to_owned()),
        }
        self.find_verb();
        Understood::Rewritten
    }

    fn flag(&mut self, typed: &str) -> Understood {
        if !typed.starts_with('-') {
            return match self.noun() {
                Understood::Not => self.too_many(),
                understood => understood,
            };
        }
        let Some(at) = self.place_of(typed) else {
            return Understood::Not;
        };
        let Some(synonym) = synonym(&self.verb, typed) else {
            return Understood::Not;
        };
        if let Meaning::Say(what) = synonym.meaning {
            return Understood::Said(what.to_owned());
        }
        if !synonym.meaning.takes_value() {
            let has_value = |word: &str| word.strip_prefix(typed).is_some_and(|rest| rest.starts_with('='));
            if typed.starts_with("--") && self.word(at).is_some_and(has_value) {
                return Understood::Said(format!("{typed} takes no value"));
            }
            self.take_flag(at, typed);
            let words = synonym.meaning.words();
            self.words.splice(at..at, words.map(OsString::from));
            return Understood::Rewritten;
        }
        let Some(value) = self.take_value(at, typed) else {
            return Understood::Said(format!("{typed} wants a value: {}", synonym.meaning.instead()));
        };
        match synonym.meaning {
            Meaning::Option(option) => {
                self.words.splice(at..at, [OsString::from(option), value]);
            }
            Meaning::Value(words_of) => match value.to_str().ok_or_else(String::new).and_then(words_of) {
                Ok(words) => {
                    self.words.splice(at..at, words.into_iter().map(OsString::from));
                }
                Err(what) => return Understood::Said(what),
            },
            Meaning::Part(part) => return self.part(part, typed, &value),
            Meaning::File => return self.file(value),
            Meaning::Flags(_) | Meaning::Say(_) => {}
        }
        Understood::Rewritten
    }

    /// Where the word stands that clap has called so: `--flag`, `--flag=value`, or `-f` with more letters behind it.
    fn place_of(&self, typed: &str) -> Option<usize> {
        let is_it = |word: &OsString| {
            word.to_str().is_some_and(|word| {
                word == typed
                    || word.strip_prefix(typed).is_some_and(|rest| {
                        typed.starts_with('-') && (rest.starts_with('=') || !typed.starts_with("--"))
                    })
            })
        };
        (self.options..self.end()).find(|at| self.words.get(*at).is_some_and(is_it))
    }

    /// Removes the flag, and leaves the letters that stand behind it.
    fn take_flag(&mut self, at: usize, typed: &str) {
        let rest = self
            .word(at)
            .and_then(|word| word.strip_prefix(typed))
            .unwrap_or_default();
        match rest {
            "" => drop(self.words.remove(at)),
            rest => self.words[at] = format!("-{rest}").into(),
        }
    }

    /// Removes the flag and its value.
    fn take_value(&mut self, at: usize, typed: &str) -> Option<OsString> {
        let word = self.words.remove(at);
        let rest = word
            .to_str()
            .and_then(|word| word.strip_prefix(typed))
            .unwrap_or_default();
        if rest.is_empty() {
            (at < self.end()).then(|| self.words.remove(at))
        } else {
            Some(rest.strip_prefix('=').unwrap_or(rest).into())
        }
    }

    /// The value of an option that has it not: `-n +1`, `--format json`.
    fn value(&mut self, flag: &str, value: &str) -> Understood {
        let name = flag.split([' ', '=']).next().unwrap_or_default();
        let words = match (self.verb.as_str(), name) {
            ("put" | "pack", "--messages") => framings::meant(value).map(|meant| meant.map_err(str::to_owned)),
            (verb, name) => values::meant(verb, name, value),
        };
        match words {
            Some(Ok(words)) => self.replace_value(name, value, &words),
            Some(Err(said)) => Understood::Said(said),
            None => Understood::Not,
        }
    }

    /// Whether a framing is missing, and `--message` has what may be one.
    fn misses_framing(&self, error: &clap::Error) -> bool {
        let is_message = |word: &OsString| {
            let word = word.to_str().unwrap_or_default();
            word == "--message" || word.starts_with("--message=")
        };
        misses(error, "--messages") && self.words[self.options..self.end()].iter().any(is_message)
    }

    /// Puts other words where an option stands with its value.
    fn replace_value(&mut self, name: &str, value: &str, words: &[String]) -> Understood {
        let is_it = |word: &str| word == name || word == "-n" && name == "--last";
        let glued = |word: &str| word == format!("{name}={value}") || name == "--last" && word == format!("-n{value}");
        for at in self.options..self.end() {
            let Some(word) = self.word(at) else { continue };
            let length = match () {
                () if glued(word) => 1,
                () if is_it(word) && self.word(at + 1) == Some(value) => 2,
                () => continue,
            };
            self.words.splice(at..at + length, words.iter().map(OsString::from));
            return Understood::Rewritten;
        }
        Understood::Not
    }

    /// What to say of a noun of pachctl's that is none here: `create repo`.
    fn other_noun(&self) -> Option<&'static str> {
        let noun = self.word(self.options)?;
        let row = OTHER_NOUNS
            .iter()
            .find(|(verb, nouns, _)| *verb == self.verb && nouns.split(' ').any(|known| known == noun));
        row.map(|(.., said)| *said)
    }

    /// Nouns and verbs behind a verb: `create pipeline -f SPEC`, `spool drain DIR`.
    fn noun(&mut self) -> Understood {
        let Some(at) = self.operands().first().copied() else {
            return Understood::Not;
        };
        let noun = self.word(at).unwrap_or_default();
        let row = NOUNS
            .iter()
            .find(|(verb, nouns, _)| *verb == self.verb && nouns.split(' ').any(|known| known == noun));
        let Some((.., words)) = row else {
            return Understood::Not;
        };
        self.words.splice(at..=at, words.split_whitespace().map(OsString::from));
        Understood::Rewritten
    }

    /// What to say of an operand for which there is no room.
    fn too_many(&self) -> Understood {
        let said = match (self.verb.as_str(), self.end() < self.words.len()) {
            ("run", true) => Some("run takes a file of streams; one command runs so: spoutctl put DEST -- CMD ARG…"),
            (verb, _) => TOO_MANY.iter().find(|(known, _)| *known == verb).map(|(_, said)| *said),
        };
        said.map_or(Understood::Not, |said| Understood::Said(said.to_owned()))
    }

    /// Options before the verb, as pachctl and kubectl have them, go behind it.
    fn options_first(&mut self) -> Understood {
        const SAID: &str = "options stand behind the verb: spoutctl put DEST --quiet";
        let root = Cli::command();
        for at in 2..self.end() {
            let Some((verb, command)) = self
                .word(at)
                .and_then(|word| root.find_subcommand(word).map(|command| (word.to_owned(), command)))
            else {
                continue;
            };
            let mut next = 1;
            while next < at && self.word(next).is_some_and(|word| word.starts_with('-')) {
                next += 1 + usize::from(wants_next(Some(command), &verb, self.word(next).unwrap_or_default()));
            }
            // Otherwise it is the value of an option, or something else stands before it.
            if next == at {
                self.words[1..=at].rotate_right(1);
                self.find_verb();
                return Understood::Rewritten;
            }
        }
        Understood::Said(SAID.to_owned())
    }

    /// A part of what the first operand names.
    fn part(&mut self, part: Part, typed: &str, value: &OsStr) -> Understood {
        let operands = self.operands();
        let (Some(at), Some(value)) = (operands.first(), value.to_str()) else {
            return Understood::Said(format!("it is a part of the name: {}", part.example()));
        };
        let Some(name) = self.word(*at) else {
            return Understood::Not;
        };
        if !part.may_be(value) {
            let kafka = match (self.verb.as_str(), part) {
                ("put", Part::Branch) => {
                    "; of Kafka, --from kafka://HOST[:PORT]/TOPIC, or `-- kcat -C -u -b HOST -t TOPIC`"
                }
                _ => "",
            };
            return Understood::Said(format!(
                "`{value}` is the name of no {}; write {}{kafka}",
                part.noun(),
                part.example()
            ));
        }
        match part.put_into(name, value) {
            Some(name) => {
                self.words[*at] = name.into();
                Understood::Rewritten
            }
            None => Understood::Said(format!(
                "`{name}` says it already, so {typed} cannot say `{value}`; write {}",
                part.example()
            )),
        }
    }

    /// A file is an operand, behind where it goes.
    fn file(&mut self, file: OsString) -> Understood {
        let _ = self.noun();
        if self.operands().is_empty() && self.verb == "put" {
            return Understood::Said("name where it goes first: spoutctl put DEST FILE".to_owned());
        }
        let end = self.end();
        self.words.insert(end, file);
        Understood::Rewritten
    }

    /// Where the words stand that are neither options nor their values.
    fn operands(&self) -> Vec<usize> {
        let command = command_of(&self.words);
        let mut operands = Vec::new();
        let mut at = self.options;
        while at < self.end() {
            match self.word(at) {
                Some(word) if word.len() > 1 && word.starts_with('-') => {
                    at += usize::from(wants_next(command.as_ref(), &self.verb, word));
                }
                _ => operands.push(at),
            }
            at += 1;
        }
        operands
    }
}

/// clap's own advice, but for what loses data, for the opposite of what was typed, for what is nothing like it, and
/// for `-- -f`: no operand begins with a dash.
fn without_bad_advice(mut error: clap::Error) -> clap::Error {
    let suggested = match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(argument)) => argument.clone(),
        _ => String::new(),
    };
    let typed = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.clone(),
        _ => String::new(),
    };
    let name = |flag: &str| {
        flag.trim_start_matches('-')
            .split([' ', '='])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let (suggested, typed) = (name(&suggested), name(&typed));
    let is_opposite = suggested.strip_prefix("no-") == Some(typed.as_str())
        || typed.strip_prefix("no-") == Some(suggested.as_str())
        || suggested.starts_with("no-") != typed.starts_with("no-");
    let is_bad = is_opposite || DANGEROUS.contains(&suggested.as_str()) || !is_near(&typed, &suggested);
    if !suggested.is_empty() && is_bad {
        error.remove(ContextKind::SuggestedArg);
        // It would show the option, too.
        error.remove(ContextKind::Usage);
    }
    error.remove(ContextKind::Suggested);
    if let (Some(ContextValue::String(typed)), Some(ContextValue::Strings(suggested))) = (
        error.get(ContextKind::InvalidSubcommand),
        error.get(ContextKind::SuggestedSubcommand),
    ) {
        let is_likely = |verb: &&String| *verb != "spout" && is_near(typed, verb);
        let likely: Vec<String> = suggested.iter().filter(is_likely).cloned().collect();
        error.remove(ContextKind::SuggestedSubcommand);
        if !likely.is_empty() {
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(likely));
        }
    }
    error
}

/// Whether this option is missing.
fn misses(error: &clap::Error, option: &str) -> bool {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) => missing.iter().any(|missing| missing.contains(option)),
        _ => false,
    }
}

/// Whether a suggestion may be what was meant: a letter or so in three is another one, or its end is missing.
///
/// clap finds words alike that have nothing but letters in common.
fn is_near(typed: &str, suggested: &str) -> bool {
    let shorter = typed.chars().count().min(suggested.chars().count());
    strsim::osa_distance(typed, suggested) <= (shorter / 3).max(1) || typed.len() >= 3 && suggested.starts_with(typed)
}

/// `put file repo@branch …`: a line that would be understood, and not as it is meant.
fn without_noun(mut words: Vec<OsString>) -> Vec<OsString> {
    let text = |at: usize| words.get(at).and_then(|word| word.to_str()).unwrap_or_default();
    if text(1) == "put" && text(2) == "file" && text(3).contains('@') && !Path::new(text(3)).exists() {
        words.remove(2);
    }
    words
}

fn command_of(words: &[OsString]) -> Option<Command> {
    let mut command = Cli::command();
    let mut found = None;
    for word in words.iter().skip(1) {
        let Some(inner) = word.to_str().and_then(|word| command.find_subcommand(word)).cloned() else {
            break;
        };
        found = Some(inner.clone());
        command = inner;
    }
    found
}

/// Whether the value of this option is the next word.
fn wants_next(command: Option<&Command>, verb: &str, word: &str) -> bool {
    let takes = |is_it: &dyn Fn(&clap::Arg) -> bool| {
        let mut arguments = command.into_iter().flat_map(Command::get_arguments);
        arguments
            .find(|argument| is_it(argument))
            .map(|argument| argument.get_action().takes_values())
    };
    if let Some(name) = word.strip_prefix("--") {
        return !name.contains('=')
            && takes(&|argument| argument.get_long() == Some(name))
                .or_else(|| synonym(verb, word).map(|synonym| synonym.meaning.takes_value()))
                .unwrap_or(false);
    }
    for (at, letter) in word.char_indices().skip(1) {
        let is_last = at + letter.len_utf8() == word.len();
        let takes_value = takes(&|argument| argument.get_short() == Some(letter))
            .or_else(|| synonym(verb, &format!("-{letter}")).map(|synonym| synonym.meaning.takes_value()));
        if takes_value == Some(true) {
            return is_last;
        }
    }
    false
}

fn synonym(verb: &str, typed: &str) -> Option<&'static Synonym> {
    let name = typed.split('=').next().unwrap_or_default();
    table::flags().find(|synonym| synonym.is_for(verb, name))
}

//! Options that would do nothing beside others are refused: whoever types one counts on it.
//!
//! What clap itself can say (`requires`, `conflicts_with`) stands at the options. Here is what depends on a value. Only
//! what is typed counts: a variable, or what somebody prefers, is there for many runs.

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::settings::of_store;
use spoutctl_delivery::messages::{Framing, Key};

/// Refuses options that the rest of the line leaves without effect.
///
/// # Errors
/// Which option, and what it needs.
pub fn check(mut matches: &ArgMatches) -> Result<(), String> {
    let mut verb = "";
    while let Some((name, below)) = matches.subcommand() {
        (verb, matches) = (name, below);
    }
    match useless(verb, matches) {
        Some((option, means)) => Err(format!("--{option} has no effect here: it is for {means}")),
        None => Ok(()),
    }
}

/// An option without effect among those that were typed of a verb, and what it is for.
pub(super) fn useless(verb: &str, matches: &ArgMatches) -> Option<(String, &'static str)> {
    let line = Line { matches };
    let rules = match verb {
        "put" => [line.of_messages(), line.of_put()].concat(),
        "pack" => line.of_messages(),
        "tail" => line.of_tail(),
        "get" => line.of_get(),
        _ => Vec::new(),
    };
    let useless = rules.iter().find(|rule| line.is_typed(rule.option) && !rule.has_effect);
    useless.map(|rule| (rule.option.replace('_', "-"), rule.means))
}

/// When an option does something.
#[derive(Clone)]
struct Rule {
    /// By its id.
    option: &'static str,
    has_effect: bool,
    means: &'static str,
}

impl From<(&'static str, (bool, &'static str))> for Rule {
    fn from((option, (has_effect, means)): (&'static str, (bool, &'static str))) -> Self {
        Self {
            option,
            has_effect,
            means,
        }
    }
}

/// Whether messages have columns, fields and what a JSON pointer finds, and which have.
fn places(framing: &Framing) -> [(bool, &'static str); 3] {
    let is_csv = matches!(framing, Framing::Csv(_));
    [
        (
            is_csv || framing.is_of_bytes(),
            "csv, lines and frames, which have columns",
        ),
        (framing.has_fields(), "--messages journal-export and sse"),
        (!is_csv && *framing != Framing::JournalExport, "messages that are JSON"),
    ]
}

struct Line<'a> {
    matches: &'a ArgMatches,
}

impl Line<'_> {
    fn is_typed(&self, option: &str) -> bool {
        self.matches.value_source(option) == Some(ValueSource::CommandLine)
    }

    fn is_set(&self, flag: &str) -> bool {
        self.matches.get_flag(flag)
    }

    /// What depends on how messages are told apart.
    fn of_messages(&self) -> Vec<Rule> {
        // In one file no message has a name.
        let named = Rule::from(("same_name", (self.matches.get_raw("each").is_some(), "--each")));
        let Some(framing) = self.matches.get_one::<Framing>("messages") else {
            return vec![named];
        };
        let csv = (matches!(framing, Framing::Csv(_)), "--messages csv");
        let [columns, fields, json] = places(framing);
        let rules = [
            ("csv_delimiter", csv),
            ("csv_escape", csv),
            ("csv_quote", csv),
            ("csv_no_header", csv),
            ("crlf", (framing.has_lines(), "--messages lines and csv")),
            (
                "nulls",
                (
                    framing.has_nulls() || self.has_source(),
                    "--messages netstring, u32be and u32le, and --from",
                ),
            ),
            ("key_field", fields),
            ("position_field", fields),
            ("key_column", columns),
            ("position_column", columns),
            ("key_json", json),
            ("position_json", json),
        ];
        rules.into_iter().map(Rule::from).chain([named]).collect()
    }

    /// Whether messages come as such: only `put` has that.
    fn has_source(&self) -> bool {
        self.matches.try_contains_id("from").unwrap_or_default() && self.matches.get_raw("from").is_some()
    }

    /// clap waives what an option requires where something that is typed conflicts with that.
    fn has_command(&self) -> bool {
        self.matches.get_raw("command").is_some()
    }

    /// What a place in messages needs: a column, a field or a JSON pointer.
    fn of_place(&self, place: &Key) -> (bool, &'static str) {
        let framing = self.matches.get_one::<Framing>("messages");
        let [columns, fields, json] = places(framing.unwrap_or(&Framing::Lines));
        match place {
            Key::Column(_) => columns,
            Key::Field(_) => fields,
            _ => json,
        }
    }

    fn of_put(&self) -> Vec<Rule> {
        let pachd = self.matches.get_one::<String>("pachd");
        let is_local = pachd.is_some_and(|address| of_store(address).is_some());
        let remote = (!is_local, "pachd, and not for a store in a directory");
        let is_heard = !self.is_set("quiet") || self.is_set("json");
        let is_batch = self.matches.get_one::<u64>("batch_count") != Some(&1);
        let rules = [
            ("insecure", remote),
            ("cacert", remote),
            ("token_file", remote),
            ("accept_emptied", (self.is_set("append"), "--append")),
            ("batch", (is_batch, "batches of more than one")),
            ("restart", (self.has_command(), "a command that makes the input")),
            ("stats_every", (is_heard, "runs that are not --quiet, or print --json")),
        ];
        let source = self.matches.get_one::<Key>("position_by");
        let source = source.map(|source| ("position_by", self.of_place(source)));
        rules.into_iter().chain(source).map(Rule::from).collect()
    }

    fn of_get(&self) -> Vec<Rule> {
        vec![Rule::from(("unescape_paths", (self.is_set("tar"), "--tar")))]
    }

    fn of_tail(&self) -> Vec<Rule> {
        let has_command = self.has_command();
        let makes_archives = has_command || self.is_set("tar");
        let is_text = !makes_archives && !self.is_set("json") && self.matches.get_raw("format").is_none();
        let archives = (makes_archives, "--tar and commands");
        let rules = [
            ("full", archives),
            ("retry", (has_command, "a command")),
            ("tmp_dir", archives),
            ("color", (is_text, "lines of text")),
        ];
        rules.into_iter().map(Rule::from).collect()
    }
}

//! What a line on standard error looks like: as text, as text behind a time, or as a JSON object.

use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use jiff::Timestamp;
use serde::Serialize;

use super::line::{LONGEST, length_in_a_log, shortened};

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    /// Each line begins with the time in UTC.
    Timed,
    /// One object for each note and error.
    Json,
}

static FORM: OnceLock<Form> = OnceLock::new();

/// Has lines written so from now on; `None` leaves it to where we run. The first word counts.
pub fn choose(form: Option<Form>) {
    FORM.get_or_init(|| form.unwrap_or_else(usual));
}

/// How lines are written.
pub fn form() -> Form {
    *FORM.get_or_init(usual)
}

/// In a spout's pod standard error is a log that is read days later; `serve --as-spout`, which plays the pod, has no
/// Kubernetes. Elsewhere it may be a script that reads it, or a journal that has times of its own.
fn usual() -> Form {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("PPS_PIPELINE_NAME") && is_set("KUBERNETES_SERVICE_HOST") && !io::stderr().is_terminal() {
        Form::Timed
    } else {
        Form::Text
    }
}

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

/// A note or an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry<'a> {
    pub level: Level,
    /// What stands before the message in a text.
    #[serde(skip)]
    pub word: &'static str,
    /// The stream that it is about, where the process has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<&'a str>,
    pub message: &'a str,
    /// The exit code that it leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u8>,
    /// The number of the archive that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<u64>,
    /// The id of the commit that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub details: &'a [String],
    /// What to do next.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub help: &'a [String],
}

impl<'a> Entry<'a> {
    pub fn new(level: Level, word: &'static str, message: &'a str) -> Self {
        Self {
            level,
            word,
            stream: None,
            message,
            code: None,
            archive: None,
            commit: None,
            details: &[],
            help: &[],
        }
    }

    /// Without a newline at its end.
    pub(super) fn written(&self, form: Form, now: Timestamp) -> String {
        match form {
            Form::Text => self.text(),
            Form::Timed => {
                let text = self.text();
                let lines = text.lines().map(|line| format!("{now:.3} {line}"));
                lines.collect::<Vec<_>>().join("\n")
            }
            Form::Json => self.json(now),
        }
    }

    fn text(&self) -> String {
        let mut text = match self.stream {
            Some(stream) => format!("{stream}: {}{}", self.word, self.message),
            None => format!("{}{}", self.word, self.message),
        };
        for line in self.details.iter().flat_map(|detail| detail.lines()) {
            text.push_str("\n  ");
            text.push_str(line);
        }
        for help in self.help {
            let _ = write!(text, "\n  help: {help}");
        }
        shortened(&text).into_owned()
    }

    /// Where it is longer than a line of a log may be, the message goes first and then what explains it.
    fn json(&self, now: Timestamp) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            time: String,
            #[serde(flatten)]
            entry: &'a Entry<'a>,
        }
        let write = |entry: &Entry<'_>| {
            let time = format!("{now:.3}");
            // Texts and numbers alone: there is nothing in it that JSON has not.
            serde_json::to_string(&Line { time, entry }).unwrap_or_default()
        };
        let whole = write(self);
        if length_in_a_log(&whole) <= LONGEST {
            return whole;
        }
        // Each byte of it may become six, twice.
        let end = self.message.floor_char_boundary(LONGEST / 36);
        let message = format!("{}… ({} bytes more)", &self.message[..end], self.message.len() - end);
        write(&Entry {
            message: if end < self.message.len() {
                &message
            } else {
                self.message
            },
            details: &[],
            help: &[],
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-30T02:03:04.567891Z".parse().unwrap()
    }

    #[test]
    fn each_line_of_a_text_begins_with_the_time() {
        let details = ["one\ntwo".to_owned()];
        let help = ["do".to_owned()];
        let entry = Entry {
            details: &details,
            help: &help,
            ..Entry::new(Level::Error, "error: ", "it broke")
        };
        assert_eq!(
            entry.written(Form::Text, now()),
            "error: it broke\n  one\n  two\n  help: do"
        );
        let at = "2026-11-30T02:03:04.567Z";
        let timed = format!("{at} error: it broke\n{at}   one\n{at}   two\n{at}   help: do");
        assert_eq!(entry.written(Form::Timed, now()), timed);
    }

    #[test]
    fn an_object_has_what_is_known_and_nothing_else() {
        let read = |entry: &Entry<'_>| -> Value { serde_json::from_str(&entry.written(Form::Json, now())).unwrap() };
        let note = Entry::new(Level::Info, "note: ", "a \"b\"\nc");
        let time = "2026-11-30T02:03:04.567Z";
        assert_eq!(
            read(&note),
            json!({"time": time, "level": "info", "message": "a \"b\"\nc"})
        );
        let help = ["do".to_owned()];
        let error = Entry {
            code: Some(4),
            archive: Some(7),
            commit: Some("c"),
            help: &help,
            ..Entry::new(Level::Error, "error: ", "no")
        };
        assert_eq!(
            read(&error),
            json!({
                "time": time, "level": "error", "message": "no", "code": 4, "archive": 7, "commit": "c",
                "help": ["do"],
            })
        );
    }

    #[test]
    fn an_object_is_whole_however_long_its_message_is() {
        for text in ["x", "\"", "\u{1}", "ä"] {
            let message = text.repeat(200 << 10);
            let line = Entry::new(Level::Info, "", &message).written(Form::Json, now());
            assert!(length_in_a_log(&line) <= LONGEST, "{}", length_in_a_log(&line));
            let read: Value = serde_json::from_str(&line).unwrap();
            assert!(read["message"].as_str().unwrap().ends_with(" bytes more)"));
        }
        let details = ["d".repeat(100 << 10)];
        let entry = Entry {
            details: &details,
            ..Entry::new(Level::Info, "", "short")
        };
        let read: Value = serde_json::from_str(&entry.written(Form::Json, now())).unwrap();
        assert_eq!(read["message"], "short");
    }
}

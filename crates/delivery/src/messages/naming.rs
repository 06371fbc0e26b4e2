//! The path of the file that a message goes to.

use std::fmt::Write as _;
use std::ops::Range;

use jiff::Timestamp;
use uuid::Uuid;

use super::error::MessageFault;
use super::framing::{Columns, Message};
use super::key::Key;
use super::record::Record;
use spoutctl_archive::{ASIDES, MAX_PATH, escape_path};
use spoutctl_core::pfs::{FilePath, is_allowed_in_path};

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    /// All of an archive into one file.
    Into(Template),
    /// Each into a file of its own.
    Each(Template),
}

impl Naming {
    /// For files below this path of the destination.
    #[must_use]
    pub fn below(self, prefix: &FilePath) -> Self {
        match self {
            Self::Into(template) => Self::Into(template.below(prefix)),
            Self::Each(template) => Self::Each(template.below(prefix)),
        }
    }

    /// Whether the numbers of messages are in names.
    pub fn has_number(&self) -> bool {
        let (Self::Into(template) | Self::Each(template)) = self;
        template.has_number()
    }
}

/// A path with `{time:FORMAT}`, `{uuid}`, `{key}` and `{seq}` in it; of a record also `{topic}`, `{partition}` and
/// `{offset}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    key: Option<Key>,
    escape: Escape,
    /// How many bytes a path may have.
    longest: usize,
}

/// What is percent-encoded, and `%` itself with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    Nothing,
    /// In a key what pachd refuses in a path, and `/`: one element, whatever the key is.
    Keys,
    /// In the whole path what pachd refuses; a key's slashes make directories.
    Paths,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Time(String),
    Uuid,
    Key,
    /// With so many digits at least.
    Seq(usize),
    Topic,
    Partition,
    /// With so many digits at least.
    Offset(usize),
}

/// What a name without a message's own words is made from: `%Y-%m-%dT%H%M%SZ`.
const USUAL_TIME: &str = "%Y-%m-%dT%H%M%SZ";

impl Template {
    /// # Errors
    /// When the text is no template, or has a `{key}` and nothing says where it is.
    pub fn new(text: &str, key: Option<Key>, escape: Escape) -> Result<Self, String> {
        let parts = parse(text)?;
        match (parts.contains(&Part::Key), &key) {
            (true, None) => {
                return Err(
                    "{key} needs --key-json, --key-column, --key-field or --key-delimiter, which say where it is"
                        .to_owned(),
                );
            }
            (false, Some(_)) => return Err("the name has no {key}, so nothing uses the message's key".to_owned()),
            _ => {}
        }
        let template = Self {
            parts,
            key,
            escape,
            longest: MAX_PATH,
        };
        // Whatever is refused of every message is refused before the first.
        let sample = Record {
            topic: "topic",
            partition: 0,
            offset: 0,
            key: None,
            value: None,
            time: None,
            headers: Some(&[]),
        };
        let sample = template.filled(Timestamp::UNIX_EPOCH, 1, b"key", Some(&sample));
        let sample = template.escaped_whole(sample.text);
        let sample = String::from_utf8_lossy(&sample);
        let path = FilePath::new(&sample).map_err(|error| error.to_string())?;
        if path.is_root() || sample.ends_with('/') {
            return Err("the name of a file is missing".to_owned());
        }
        Ok(template)
    }

    /// For paths that stand behind this one in the destination.
    #[must_use]
    pub fn below(self, prefix: &FilePath) -> Self {
        let taken = if prefix.is_root() { 0 } else { prefix.as_str().len() };
        Self {
            longest: MAX_PATH.saturating_sub(taken),
            ..self
        }
    }

    /// Whether two messages cannot have names of their own.
    pub fn is_fixed(&self) -> bool {
        !self
            .parts
            .iter()
            .any(|part| matches!(part, Part::Uuid | Part::Key | Part::Seq(_) | Part::Offset(_)))
    }

    /// Whether the number of a message is in it.
    pub fn has_number(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Seq(_)))
    }

    /// Whether it says what records alone have.
    pub fn is_of_records(&self) -> bool {
        let is_of_record = |part: &Part| matches!(part, Part::Topic | Part::Partition | Part::Offset(_));
        self.parts.iter().any(is_of_record)
    }

    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// The path of a message with this number in the stream, read at `time`.
    ///
    /// # Errors
    /// When it has no key, or pachd would refuse the path.
    pub fn path(&self, message: &Message<'_>, number: u64, time: Timestamp) -> Result<FilePath, MessageFault> {
        let key = match &self.key {
            None => Vec::new(),
            Some(key) => key
                .of(message)
                .map_err(|why| MessageFault::NoKey { why: why.to_string() })?,
        };
        let bad = |why: String| MessageFault::BadName { why };
        let record = match message.columns {
            Columns::Record(record) => Some(record),
            _ => None,
        };
        let time = record.and_then(|record| record.time).unwrap_or(time);
        let filled = self.filled(time, number, &key, record);
        if filled.loses_something_of_a_key() {
            // It would be the file of another key.
            let key = key.escape_ascii();
            let words =
                format!("of its key `{key}` a path leaves something out; behind a word it stays: 'keys{{key}}'");
            return Err(bad(words));
        }
        let Ok(text) = String::from_utf8(self.escaped_whole(filled.text)) else {
            return Err(bad(format!("its key `{}` is not text", key.escape_ascii())));
        };
        let path = FilePath::new(&text).map_err(|error| bad(error.to_string()))?;
        if path.is_root() || text.ends_with('/') {
            return Err(bad(format!("`{text}` is a directory")));
        }
        let length = path.as_str().len();
        if length > self.longest {
            return Err(MessageFault::LongName {
                length,
                longest: self.longest,
            });
        }
        let mut elements = path.as_str().split('/').skip(1);
        if elements.next() == Some(ASIDES) {
            return Err(bad(format!("`{ASIDES}` is where messages are that cannot be taken")));
        }
        Ok(path)
    }

    fn filled(&self, time: Timestamp, number: u64, key: &[u8], record: Option<&Record<'_>>) -> Filled {
        let mut text = Vec::new();
        let mut keys = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.extend_from_slice(part.as_bytes()),
                Part::Time(format) => text.extend_from_slice(time.strftime(format).to_string().as_bytes()),
                Part::Uuid => text.extend_from_slice(Uuid::new_v4().simple().to_string().as_bytes()),
                Part::Seq(digits) => text.extend_from_slice(format!("{number:0digits$}").as_bytes()),
                Part::Topic => text.extend(record.iter().flat_map(|record| record.topic.bytes())),
                Part::Partition => text.extend(
                    record
                        .iter()
                        .flat_map(|record| record.partition.to_string().into_bytes()),
                ),
                Part::Offset(digits) => {
                    text.extend(
                        record
                            .iter()
                            .flat_map(|record| format!("{:0digits$}", record.offset).into_bytes()),
                    );
                }
                Part::Key if self.escape == Escape::Keys => text.extend_from_slice(escaped(key).as_bytes()),
                Part::Key => {
                    keys.push(text.len()..text.len() + key.len());
                    text.extend_from_slice(key);
                }
            }
        }
        Filled { text, keys }
    }

    fn escaped_whole(&self, text: Vec<u8>) -> Vec<u8> {
        if self.escape != Escape::Paths {
            return text;
        }
        let is_directory = text.ends_with(b"/");
        let mut text = escape_path(&text).unwrap_or_default().into_bytes();
        if is_directory {
            text.push(b'/');
        }
        text
    }
}

/// A name with all its fields filled in.
struct Filled {
    text: Vec<u8>,
    /// Where keys stand in it as they are.
    keys: Vec<Range<usize>>,
}

impl Filled {
    /// Whether an element that no path has, an empty one or `.`, stands in a key or at one.
    fn loses_something_of_a_key(&self) -> bool {
        let mut start = 0;
        self.text.split(|byte| *byte == b'/').any(|element| {
            let end = start + element.len();
            let touches = self.keys.iter().any(|key| start <= key.end && end >= key.start);
            // Behind the last slash there is nothing: a directory, which is said in other words.
            let is_last = end == self.text.len();
            start = end + 1;
            touches && (element == b"." || (element.is_empty() && !is_last))
        })
    }
}

/// One element of a path that stands for these bytes, and for no others.
fn escaped(key: &[u8]) -> String {
    if matches!(key, b"." | b"..") {
        return "%2E".repeat(key.len());
    }
    let mut text = String::with_capacity(key.len());
    for byte in key {
        let c = char::from(*byte);
        if byte.is_ascii() && is_allowed_in_path(c) && !matches!(c, '%' | '/') {
            text.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn parse(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        let (field, after) = after
            .split_once('}')
            .ok_or_else(|| format!("`{{{after}` has no closing brace"))?;
        parts.push(part(field)?);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

fn part(field: &str) -> Result<Part, String> {
    match field.split_once(':') {
        None if field == "uuid" => Ok(Part::Uuid),
        None if field == "key" => Ok(Part::Key),
        None if field == "seq" => Ok(Part::Seq(1)),
        None if field == "topic" => Ok(Part::Topic),
        None if field == "partition" => Ok(Part::Partition),
        None if field == "offset" => Ok(Part::Offset(1)),
        Some((counted @ ("seq" | "offset"), digits)) => match digits.parse() {
            Ok(digits @ 1..=20) if counted == "offset" => Ok(Part::Offset(digits)),
            Ok(digits @ 1..=20) => Ok(Part::Seq(digits)),
            _ => Err(format!(
                "`{digits}` is no number of digits: write {{{counted}:9}}, and 20 at most"
            )),
        },
        None if field == "time" => Ok(Part::Time(USUAL_TIME.to_owned())),
        Some(("time", format)) => {
            jiff::fmt::strtime::format(format, Timestamp::UNIX_EPOCH)
                .map_err(|error| format!("`{format}` is no format of a time: {error}"))?;
            Ok(Part::Time(format.to_owned()))
        }
        _ => Err(format!(
            "`{{{field}}}` is unknown: there are {{time}}, {{time:%Y/%m/%d}} and so on, {{uuid}}, {{key}}, {{seq}} and \
             {{seq:9}}; with --from also {{topic}}, {{partition}} and {{offset}}; a field of JSON is {{key}}, with \
             --key-json /{field}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(text: &str, key: Option<Key>, escape: bool) -> Result<Template, String> {
        Template::new(text, key, if escape { Escape::Keys } else { Escape::Nothing })
    }

    fn message(body: &[u8]) -> Message<'_> {
        Message {
            number: 1,
            offset: 0,
            head: b"",
            body,
            tail: b"",
            header: None,
            columns: Columns::Tabs,
            is_null: false,
            fault: None,
        }
    }

    #[test]
    fn a_name_is_made_of_time_key_and_uuid() {
        let time: Timestamp = "2026-11-22T10:17:02Z".parse().unwrap();
        let named = template("in/{time:%Y/%m/%d}/{key}.json", Some(Key::Column(1)), false).unwrap();
        assert_eq!(
            named.path(&message(b"left\tright"), 1, time).unwrap().as_str(),
            "/in/2026/11/22/left.json"
        );
        let unique = template("{uuid}", None, false).unwrap();
        assert_ne!(
            unique.path(&message(b""), 1, time).unwrap(),
            unique.path(&message(b""), 1, time).unwrap()
        );
        assert_eq!(unique.path(&message(b""), 1, time).unwrap().as_str().len(), 33);
        let usual = template("{time}", None, false).unwrap();
        assert_eq!(
            usual.path(&message(b""), 1, time).unwrap().as_str(),
            "/2026-11-22T101702Z"
        );
        let numbered = template("{seq}-{seq:3}", None, false).unwrap();
        assert_eq!(numbered.path(&message(b""), 42, time).unwrap().as_str(), "/42-042");
        assert_eq!(numbered.path(&message(b""), 4242, time).unwrap().as_str(), "/4242-4242");
    }

    #[test]
    fn what_can_never_be_a_name_is_refused_at_once() {
        for (text, why) in [
            ("a/{sequence}", "unknown"),
            ("a/{uuid", "no closing brace"),
            ("", "missing"),
            ("dir/", "missing"),
            ("a*b", "refuses"),
            ("../x", "refuses"),
            ("{time:%!}", "no format"),
            ("{time:%a*}", "refuses"),
            ("{key}", "--key-json"),
            ("{seq:0}", "number of digits"),
            ("{seq:21}", "number of digits"),
        ] {
            let error = template(text, None, false).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(template("plain", Some(Key::Column(1)), false).is_err());
    }

    #[test]
    fn a_key_that_pachd_refuses_is_an_error_or_escaped() {
        let key = || Some(Key::Before(b"|".to_vec()));
        let plain = template("{key}", key(), false).unwrap();
        let escaping = template("{key}", key(), true).unwrap();
        let path = |body: &[u8]| {
            escaping
                .path(&message(body), 1, Timestamp::UNIX_EPOCH)
                .unwrap()
                .as_str()
                .to_owned()
        };
        for body in [&b"a*b|"[..], b"../up|", b"caf\xc3\xa9|", b"\xff|", b"/|"] {
            let fault = plain.path(&message(body), 1, Timestamp::UNIX_EPOCH).unwrap_err();
            assert!(matches!(fault, MessageFault::BadName { .. }), "{fault:?}");
        }
        assert_eq!(path(b"a*b|"), "/a%2Ab");
        assert_eq!(path(b"a/b|"), "/a%2Fb");
        assert_eq!(path(b"caf\xc3\xa9|"), "/caf%C3%A9");
        assert_eq!(path(b"\xff|"), "/%FF");
        // What would be no element of its own stays one.
        for body in [&b"..|"[..], b".|", b"/|", b"../up|", b"a//b|"] {
            assert_eq!(path(body).matches('/').count(), 1, "{}", path(body));
        }
    }

    #[test]
    fn directories_of_a_key_stay_directories_where_paths_are_escaped() {
        let by_topic = |text: &str| Template::new(text, Some(Key::Column(1)), Escape::Paths).unwrap();
        let path = |body: &[u8]| by_topic("t/{key}").path(&message(body), 1, Timestamp::UNIX_EPOCH);
        assert_eq!(
            path("home/büro/50%\t1".as_bytes()).unwrap().as_str(),
            "/t/home/b%C3%BCro/50%25"
        );
        assert_eq!(path(b"a/../\xff").unwrap().as_str(), "/t/a/%2E%2E/%FF");
        // Keys that differ never become one file.
        for vanishing in [&b"a//b"[..], b"./a", b"a/./b", b"a/", b"/a", b"//a", b""] {
            assert!(path(vanishing).is_err(), "{}", vanishing.escape_ascii());
        }
        // Behind a word the slash is one between two elements.
        let path = |body: &[u8]| by_topic("t{key}").path(&message(body), 1, Timestamp::UNIX_EPOCH);
        assert_eq!(path(b"/home/x").unwrap().as_str(), "/t/home/x");
        assert!(path(b"//home").is_err());
        let fixed = Template::new("größe.txt", None, Escape::Paths).unwrap();
        assert_eq!(
            fixed.path(&message(b""), 1, Timestamp::UNIX_EPOCH).unwrap().as_str(),
            "/gr%C3%B6%C3%9Fe.txt"
        );
    }

    #[test]
    fn a_path_that_no_archive_takes_is_its_messages_fault() {
        let key = || Some(Key::Before(b"|".to_vec()));
        let plain = template("{key}", key(), false).unwrap();
        let prefix = FilePath::new("/in/2026").unwrap();
        for (template, longest) in [(plain.clone(), 4_095), (plain.below(&prefix), 4_095 - 8)] {
            let path = |length: usize| {
                let body = format!("{}|", "k".repeat(length));
                template.path(&message(body.as_bytes()), 1, Timestamp::UNIX_EPOCH)
            };
            assert!(path(longest).is_ok());
            let fault = path(longest + 1).unwrap_err();
            assert!(matches!(fault, MessageFault::LongName { .. }), "{fault:?}");
        }
    }

    proptest! {
        #[test]
        fn no_two_keys_become_one_file(
            before in "(|a|/|a/|a//|\\./)", after in "(|b|/b)",
            one in "[ab./]{0,6}", other in "[ab./]{0,6}",
            escape in prop_oneof![Just(Escape::Nothing), Just(Escape::Paths)],
        ) {
            let key = || Some(Key::Before(b"|".to_vec()));
            if let Ok(template) = Template::new(&format!("{before}{{key}}{after}"), key(), escape) {
                let path = |key: &str| {
                    let body = format!("{key}|");
                    template.path(&message(body.as_bytes()), 1, Timestamp::UNIX_EPOCH).ok()
                };
                if let (Some(a), Some(b)) = (path(&one), path(&other)) {
                    prop_assert!(a != b || one == other, "{} and {} are {}", one, other, a);
                }
            }
        }
    }
}

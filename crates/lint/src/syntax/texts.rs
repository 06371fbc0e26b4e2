//! Quotes, escapes, and words without quotes.

use super::rules::{
    CONTROL_CHARACTER, JSON_ESCAPE, LINE_BREAK_IN_STRING, LITERAL_SPELLING, LONE_SURROGATE, MISSING_OPENING_QUOTE,
    NUMBER_NOT_JSON, SINGLE_QUOTES, TRAILING_TEXT, TYPOGRAPHIC_QUOTES, UNCLOSED_STRING, UNEXPECTED_CHARACTER,
    UNKNOWN_ESCAPE, UNQUOTED_KEY, UNQUOTED_TEXT, YAML_ESCAPE,
};
use super::scene::{Reader, Scene, replace};
use crate::diagnostic::{Safety, Severity};
use crate::edit;
use crate::finding::{Finding, Findings};
use crate::source::Span;
use crate::spec::strict::quoted;
use crate::spec::syntax::{Cause, Escape, SyntaxFault};
use crate::spec::tree::{Node, Value};
use crate::spec::{Dialect, LINE_ENDS, Parsed};
use crate::version::Version;

impl Scene<'_> {
    pub(super) fn quotes(&self, fault: &SyntaxFault) -> Option<Finding> {
        let span = fault.span;
        let finding = match &fault.cause {
            Cause::UnclosedString { quote } => unclosed(span, *quote, fault.related),
            Cause::MissingOpeningQuote => {
                Finding::new(&MISSING_OPENING_QUOTE, span, "this string has no opening quote")
                    .label("insert a quote here")
                    .unsafe_fix("insert a quote", replace(span, "\""))
            }
            Cause::SingleQuotes { value, backslash } => {
                let safety = if *backslash { Safety::Unsafe } else { Safety::Safe };
                Finding::new(&SINGLE_QUOTES, span, "strings of JSON have double quotes")
                    .severity(self.leniency())
                    .note(self.reading())
                    .fix(
                        safety,
                        "write double quotes".to_owned(),
                        vec![replace(span, quoted(value))],
                    )
            }
            Cause::TypographicQuotes { value } => Finding::new(
                &TYPOGRAPHIC_QUOTES,
                span,
                "these quotes are for typography; JSON has `\"`",
            )
            .note("YAML takes them for a part of the text")
            .unsafe_fix("write plain quotes", replace(span, quoted(value))),
            Cause::LineBreakInString { meaning } => self.line_break(span, meaning),
            Cause::ControlCharacter { character, in_string } => {
                return self.control_character(span, *character, *in_string);
            }
            _ => return None,
        };
        Some(finding)
    }

    fn line_break(&self, span: Span, meaning: &str) -> Finding {
        let replacement = meaning.replace('\n', "\\n");
        let safety = if self.reader == Reader::Yaml {
            Safety::Safe
        } else {
            Safety::Unsafe
        };
        let reading = match self.reader {
            Reader::StrictJson => self.reading(),
            Reader::Yaml => "YAML makes a blank of a line break, and a line feed of each empty line".to_owned(),
        };
        Finding::new(&LINE_BREAK_IN_STRING, span, "a string of JSON ends in its line")
            .severity(self.leniency())
            .note(reading)
            .help("write `\\n` where the text has a line break")
            .fix(
                safety,
                "write what YAML reads".to_owned(),
                vec![replace(span, replacement)],
            )
    }

    /// Characters that end a line to the YAML reader of pachctl 2.x, and are characters like others to JSON and to the
    /// parser here. Of a line that has many of them one thing is said.
    pub(crate) fn line_ends(&self, parsed: &Parsed, findings: &mut Findings<'_>) {
        let text = self.file.text();
        if self.reader == Reader::StrictJson || text.is_ascii() {
            return;
        }
        let mut surroundings = None;
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let found = line.match_indices(LINE_ENDS);
            let ends: Vec<_> = found
                .map(|(at, end)| Span::new(start + at, start + at + end.len()))
                .collect();
            start += line.len();
            if ends.is_empty() {
                continue;
            }
            let finding = match self.dialect {
                Dialect::Json => self.next_lines(&ends),
                Dialect::Yaml => {
                    let surroundings = surroundings.get_or_insert_with(|| Surroundings::of(text, parsed));
                    self.worst_line_end(line, start, &ends, surroundings)
                }
            };
            if let Some(finding) = finding {
                findings.add(finding);
            }
        }
    }

    /// What is said of U+0085 in a line of JSON; the others stay what they are in its strings.
    fn next_lines(&self, ends: &[Span]) -> Option<Finding> {
        let is_next_line = |end: &&Span| self.file.slice(**end) == NEXT_LINE;
        let all: Vec<_> = ends.iter().filter(is_next_line).collect();
        let escapes = all.iter().map(|end| replace(**end, "\\u0085")).collect();
        let finding = blank_of_next_line(**all.first()?);
        Some(finding.help("write `\\u0085` in a string, or delete it").fix(
            Safety::Unsafe,
            "write `\\u0085`".to_owned(),
            escapes,
        ))
    }

    /// What is said of a line of YAML that ends at `line_end` and has ends within it.
    fn worst_line_end(
        &self,
        line: &str,
        line_end: usize,
        ends: &[Span],
        surroundings: &Surroundings,
    ) -> Option<Finding> {
        let is_outside = |end: &&Span| !surroundings.keep(**end);
        let outside: Vec<_> = ends.iter().filter(is_outside).copied().collect();
        let nexts = outside.iter().skip(1).map(|next| next.start).chain([line_end]);
        let judged = outside.iter().zip(nexts).map(|(end, next)| {
            let rest = self.file.slice(Span::new(end.end, next));
            (line_end_severity(line, rest, surroundings.is_in_comment(*end)), *end)
        });
        if let Some((severity, span)) = judged.min_by_key(|(severity, _)| *severity != Severity::Error) {
            let code = self.file.slice(span).chars().next().map_or(0, u32::from);
            return Some(
                ends_line(span, code)
                    .severity(severity)
                    .note("what follows is another line to pachctl, which then mostly refuses the file")
                    .help(format!("delete it, or write `\\u{code:04x}` in double quotes")),
            );
        }
        // Between quotes or brackets the other two stay what they are.
        let next_line = ends.iter().find(|end| self.file.slice(**end) == NEXT_LINE)?;
        let finding = blank_of_next_line(*next_line);
        Some(finding.help("delete it, or write `\\x85` in double quotes"))
    }

    fn control_character(&self, span: Span, character: char, in_string: bool) -> Option<Finding> {
        let message = format!(
            "the control character U+{:04X} has to be written as an escape",
            u32::from(character)
        );
        if !in_string {
            let message = format!(
                "the control character U+{:04X} means nothing here",
                u32::from(character)
            );
            return Some(Finding::new(&CONTROL_CHARACTER, span, message).safe_fix("delete it", replace(span, "")));
        }
        let finding = Finding::new(&CONTROL_CHARACTER, span, message);
        let finding = match (character, self.reader) {
            ('\t', Reader::Yaml) => finding.severity(Severity::Warning).note(self.reading()),
            // JSON takes this one.
            ('\u{7f}', Reader::StrictJson) => return None,
            _ => finding,
        };
        let escape = quoted(&character.to_string());
        Some(finding.safe_fix("write an escape", replace(span, escape.trim_matches('"'))))
    }

    pub(super) fn escape(&self, fault: &SyntaxFault, escape: Escape) -> Option<Finding> {
        let span = fault.span;
        let written = self.file.slice(span);
        let in_json = |character: char| {
            let quoted = quoted(&character.to_string());
            quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
        };
        let finding = match escape {
            Escape::Unknown => Finding::new(&UNKNOWN_ESCAPE, span, format!("`{written}` is no escape"))
                .help("a backslash itself is written `\\\\`"),
            Escape::LoneSurrogate => {
                let severity = if self.reader == Reader::Yaml {
                    Severity::Error
                } else {
                    Severity::Warning
                };
                Finding::new(&LONE_SURROGATE, span, format!("`{written}` is half a character")).severity(severity)
            }
            Escape::JsonOnly(_) if self.reader == Reader::StrictJson => return None,
            Escape::JsonOnly(character) => {
                Finding::new(&JSON_ESCAPE, span, format!("YAML does not know the escape `{written}`"))
                    .note(format!("{}, and refuses it", self.reads_yaml()))
                    .safe_fix("write the character", replace(span, in_json(character)))
            }
            Escape::YamlOnly(_) if self.dialect == Dialect::Yaml => return None,
            Escape::YamlOnly(character) => {
                Finding::new(&YAML_ESCAPE, span, format!("JSON does not know the escape `{written}`"))
                    .severity(self.leniency())
                    .note(self.reading())
                    .safe_fix("write it as JSON does", replace(span, in_json(character)))
            }
        };
        Some(finding)
    }

    pub(super) fn word(&self, fault: &SyntaxFault) -> Option<Finding> {
        let span = fault.span;
        let lenient = |finding: Finding| finding.severity(self.leniency()).note(self.reading());
        let finding = match &fault.cause {
            Cause::UnquotedKey { name, spaced } => {
                let finding = Finding::new(&UNQUOTED_KEY, span, "keys of JSON have quotes");
                let finding = if name.char_indices().skip(1).any(|(_, c)| c == '?') {
                    self.cut_at_question_mark(finding)
                } else if *spaced || self.reader == Reader::StrictJson {
                    lenient(finding)
                } else {
                    let note = "YAML takes it for a key only when a blank follows the colon";
                    finding.severity(Severity::Error).note(note)
                };
                finding.safe_fix("write quotes", replace(span, quoted(name)))
            }
            Cause::UnquotedValue { value } => {
                let is_cut = self.reader == Reader::Yaml && edit::goes_on(self.file, span);
                let safety = if is_cut { Safety::Unsafe } else { Safety::Safe };
                let finding = Finding::new(&UNQUOTED_TEXT, span, "texts of JSON have quotes");
                let finding = if value.contains('?') {
                    self.cut_at_question_mark(finding)
                } else {
                    lenient(finding)
                };
                finding.fix(safety, "write quotes".to_owned(), vec![replace(span, quoted(value))])
            }
            Cause::Literal { json } => {
                let message = format!("JSON writes `{json}`");
                lenient(Finding::new(&LITERAL_SPELLING, span, message))
                    .safe_fix(format!("write `{json}`"), replace(span, *json))
            }
            Cause::OddNumber { json } => return self.odd_number(span, json.as_deref()),
            Cause::UnexpectedCharacter { character, invisible } => unexpected(span, *character, *invisible),
            _ => {
                Finding::new(&TRAILING_TEXT, span, "this belongs to no spec").help("delete it, or put it into the spec")
            }
        };
        Some(finding)
    }

    /// A word that ends before a `?` of its own to pachctl, which then misses a comma.
    fn cut_at_question_mark(&self, finding: Finding) -> Finding {
        match self.reader {
            Reader::StrictJson => finding.severity(self.leniency()).note(self.reading()),
            Reader::Yaml => finding
                .severity(Severity::Error)
                .note("pachctl 2.x reads specs as YAML, where between brackets a `?` ends a text, and refuses it"),
        }
    }

    fn odd_number(&self, span: Span, json: Option<&str>) -> Option<Finding> {
        let written = self.file.slice(span);
        // `.5` alone gets its zero from pachctl; `-.5` does not.
        let is_completed = written.starts_with('.') && json.is_some();
        let is_refused = match self.reader {
            Reader::StrictJson => true,
            Reader::Yaml => json.is_none() || self.version >= Version::new(2, 8) && !is_completed,
        };
        let finding = Finding::new(
            &NUMBER_NOT_JSON,
            span,
            format!("JSON does not write numbers like `{written}`"),
        );
        let finding = match (is_refused, self.dialect) {
            (false, Dialect::Yaml) => return None,
            (false, Dialect::Json) => finding.severity(Severity::Warning).note(self.reading()),
            (true, _) if self.reader == Reader::StrictJson => finding.note(self.reading()),
            (true, _) => finding.note("pachctl makes JSON of it, and fails"),
        };
        // It may as well be meant as a text.
        Some(match json {
            Some(json) => finding
                .help(format!("write {json}; or \"{written}\", if a text is meant"))
                .unsafe_fix(format!("write {json}"), replace(span, json)),
            None => finding.help("write a number that has digits only, or a text in quotes"),
        })
    }
}

fn unclosed(span: Span, quote: char, end: Option<Span>) -> Finding {
    let finding = Finding::new(&UNCLOSED_STRING, span, "this string is never closed").label("opened here");
    match end {
        Some(end) => finding
            .also(end, format!("insert `{quote}` here"))
            .unsafe_fix("insert a quote", replace(end, quote.to_string())),
        None => finding,
    }
}

fn unexpected(span: Span, character: char, invisible: bool) -> Finding {
    if !invisible {
        return Finding::new(&UNEXPECTED_CHARACTER, span, format!("`{character}` means nothing here"));
    }
    let replacement = if character.is_whitespace() { " " } else { "" };
    let message = format!(
        "the invisible character U+{:04X} means nothing here",
        u32::from(character)
    );
    Finding::new(&UNEXPECTED_CHARACTER, span, message)
        .help("it often comes with text that was copied from a web page")
        .safe_fix("take it out", replace(span, replacement))
}

const NEXT_LINE: &str = "\u{85}";

fn ends_line(span: Span, code: u32) -> Finding {
    Finding::new(&CONTROL_CHARACTER, span, format!("U+{code:04X} ends a line in YAML"))
}

fn blank_of_next_line(span: Span) -> Finding {
    ends_line(span, 0x85)
        .severity(Severity::Warning)
        .note("pachctl 2.x reads specs as YAML, and makes a blank of it")
}

/// What a character may stand in. Both are in the order of their places.
struct Surroundings {
    /// What is between quotes or brackets.
    quoted: Vec<Span>,
    comments: Vec<Span>,
}

impl Surroundings {
    fn of(text: &str, parsed: &Parsed) -> Self {
        let mut quoted = Vec::new();
        for document in &parsed.documents {
            collect_quoted(text, &document.root, &mut quoted);
        }
        quoted.sort_unstable();
        // What an alias stands for is met twice, and may be within brackets where it is written.
        quoted.dedup_by(|next, last| next.end <= last.end);
        let mut comments: Vec<_> = parsed.comments.iter().map(|comment| comment.span).collect();
        comments.sort_unstable();
        Self { quoted, comments }
    }

    /// Whether a line does not end there: between quotes or brackets, and in no comment.
    fn keep(&self, at: Span) -> bool {
        at.is_in_one_of(&self.quoted) && !self.is_in_comment(at)
    }

    fn is_in_comment(&self, at: Span) -> bool {
        at.is_in_one_of(&self.comments)
    }
}

/// The outermost places between quotes or brackets.
fn collect_quoted(text: &str, node: &Node, quoted: &mut Vec<Span>) {
    let begins =
        |span: Span, marks: [char; 2]| text.get(span.range()).is_some_and(|written| written.starts_with(marks));
    let is_quoted = match &node.value {
        Value::String(text) => !text.block && begins(node.span, ['"', '\'']),
        Value::Array(_) | Value::Object(_) => begins(node.span, ['[', '{']),
        _ => false,
    };
    if is_quoted {
        return quoted.push(node.span);
    }
    node.elements()
        .iter()
        .for_each(|element| collect_quoted(text, element, quoted));
    for member in node.members() {
        quoted.extend(Some(member.key.span).filter(|key| begins(*key, ['"', '\''])));
        collect_quoted(text, &member.value, quoted);
    }
}

/// How bad the end of a line is where nobody sees one: what follows, the `rest`, is read as a line that is indented by
/// the blanks before it. That can go well.
fn line_end_severity(line: &str, rest: &str, is_in_comment: bool) -> Severity {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let is_empty = rest.trim().is_empty() || rest.trim_start().starts_with('#');
    let goes_on = || rest.contains(": ") || indent(rest) >= indent(line).max(1);
    if is_empty || !is_in_comment && goes_on() {
        Severity::Warning
    } else {
        Severity::Error
    }
}

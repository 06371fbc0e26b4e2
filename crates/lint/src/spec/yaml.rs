//! YAML → the tree, from the events of a parser. What YAML knows and some pachctl does not (aliases, merge keys, tags,
//! numbers of other bases) becomes a fault and is understood all the same.
//!
//! A fault of YAML's own ends its document. [`recovery`] takes out what is at fault and reads the rest again.

pub(super) mod breaks;
pub(super) mod escapes;
mod problem;
mod recovery;
mod tabs;

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, Tag, options};

use super::reading::{Comment, MAX_ALIASED, MAX_DEPTH, Reading};
use super::scalar::{self, Plain};
use super::syntax::{Cause, YamlProblem};
use super::tree::{Key, Member, Node, Text, Value};
use crate::source::Span;

/// Reads a text of one or more documents, each up to its first fault of YAML's own. Where one of the `dashes` begins, a
/// plain text means `-`, whatever it is.
fn read(text: &str, dashes: &HashSet<usize>) -> Reading {
    let options = options! {
        emit_anchor_events: false,
        emit_unresolved_aliases: true,
        block_scalar_eof_without_line_feed: true,
        max_buffered_comment_events: usize::MAX,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut events = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder::new(text, dashes);
    loop {
        let stopped = match events.next() {
            None => break,
            Some(Ok((event, span))) => {
                let start = span.start.byte_offset().unwrap_or_default();
                let span = Span::new(start, span.end.byte_offset().unwrap_or(start).max(start));
                builder.event(event, span)
            }
            Some(Err(error)) => {
                builder.stop(&error);
                true
            }
        };
        if stopped {
            builder.end_document();
            if !matches!(events.proceed_next_document(), Ok(true)) {
                break;
            }
        }
    }
    builder.reading
}

/// A collection that is being read.
struct Frame {
    start: usize,
    /// The end of what is in it so far.
    end: usize,
    /// It stands in brackets.
    is_flow: bool,
    anchor: usize,
    /// How many values it holds.
    size: usize,
    kind: Kind,
}

enum Kind {
    Sequence(Vec<Node>),
    Mapping {
        members: Vec<Member>,
        /// The key whose value comes next.
        key: Option<Key>,
        /// That key is `<<`.
        merges: bool,
        merged: Vec<Member>,
    },
}

/// A value and how many it holds, itself included.
#[derive(Clone)]
struct Sized {
    node: Node,
    size: usize,
}

struct Builder<'a> {
    text: &'a str,
    dashes: &'a HashSet<usize>,
    reading: Reading,
    frames: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Sized>,
    /// How many values the aliases of this file stand for so far.
    aliased: usize,
    /// How many faults there were before this document.
    first_fault: usize,
    /// `---`, or the place where it would stand.
    document: Span,
    /// The end of the last token.
    last_end: usize,
    /// It is a plain scalar.
    is_plain: bool,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, dashes: &'a HashSet<usize>) -> Self {
        Self {
            text,
            dashes,
            reading: Reading::default(),
            frames: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            aliased: 0,
            first_fault: 0,
            document: Span::at(0),
            last_end: 0,
            is_plain: false,
        }
    }

    fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Takes an event. Answers whether the document has to be given up.
    fn event(&mut self, event: Event<'_>, span: Span) -> bool {
        self.check_tabs(span.start);
        let is_plain = matches!(&event, Event::Scalar(_, ScalarStyle::Plain, ..));
        match event {
            Event::DocumentStart(explicit, _) => self.start_document(explicit, span),
            Event::DocumentEnd => self.end_document(),
            Event::Comment(..) => self.reading.comments.push(Comment { span }),
            Event::Scalar(value, style, anchor, tag) => self.scalar(&value, style, anchor, tag.as_deref(), span),
            Event::SequenceStart(style, anchor, tag) => {
                return self.start(Kind::Sequence(Vec::new()), style, anchor, tag.as_deref(), span);
            }
            Event::MappingStart(style, anchor, tag) => {
                let kind = Kind::Mapping {
                    members: Vec::new(),
                    key: None,
                    merges: false,
                    merged: Vec::new(),
                };
                return self.start(kind, style, anchor, tag.as_deref(), span);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span.end),
            Event::Alias(id) => self.alias(id, span),
            Event::UnresolvedAlias(name) => {
                self.reading.fault(
                    Cause::UnknownAlias {
                        name: name.into_owned(),
                    },
                    span,
                    None,
                );
                self.place(
                    Sized {
                        node: Node {
                            span,
                            value: Value::Unreadable,
                        },
                        size: 1,
                    },
                    0,
                );
            }
            _ => return false,
        }
        if span.end > self.last_end {
            (self.last_end, self.is_plain) = (span.end, is_plain);
        }
        false
    }

    /// Looks at the lines between the last token and the next one, which begins at `next`.
    fn check_tabs(&mut self, next: usize) {
        if next <= self.last_end || self.open_flow().is_some() {
            return;
        }
        let inner = self.frames.last().map(|frame| match frame.kind {
            Kind::Sequence(_) => tabs::column(self.text, tabs::dash(self.text, frame.start)),
            Kind::Mapping { .. } => tabs::column(self.text, frame.start),
        });
        let between = Span::new(self.last_end, next);
        self.last_end = next;
        if let Some(tab) = tabs::refused(self.text, between, inner.filter(|_| self.is_plain)) {
            let problem = YamlProblem::TabBeforeNothing;
            self.reading.fault(Cause::Yaml { problem }, tab, None);
        }
    }

    fn start_document(&mut self, explicit: bool, span: Span) {
        let before = self.text.get(self.document.end..span.start).unwrap_or_default();
        if let Some(at) = before.rfind("%YAML") {
            let start = self.document.end + at;
            let line = self
                .text
                .get(start..)
                .and_then(|rest| rest.lines().next())
                .unwrap_or_default()
                .trim_end();
            let accepted = line.split_ascii_whitespace().nth(1) == Some("1.1");
            self.reading.fault(
                Cause::Directive { accepted },
                Span::new(start, start + line.len()),
                None,
            );
        }
        self.document = if explicit { span } else { Span::at(span.start) };
        self.first_fault = self.reading.faults.len();
        self.anchors.clear();
    }

    /// Closes what is open and hands the document over.
    fn end_document(&mut self) {
        while !self.frames.is_empty() {
            self.end(0);
        }
        let Some(mut root) = self.root.take() else { return };
        if root.value == Value::Null && root.span.is_empty() {
            root.span = self.document;
        }
        self.reading.document(root, self.first_fault);
    }

    fn stop(&mut self, error: &granit_parser::ScanError) {
        let at = error
            .marker()
            .byte_offset()
            .unwrap_or(self.last_end)
            .min(self.text.len());
        let (problem, span, related) = problem::locate(self.text, error.kind(), at, self.open_flow());
        self.reading.fault(Cause::Yaml { problem }, span, related);
    }

    /// Where the innermost bracket begins that is open.
    fn open_flow(&self) -> Option<usize> {
        let frame = self.frames.last()?;
        frame.is_flow.then_some(frame.start)
    }

    /// The `?` at which the reader of pachctl ends a plain text between brackets. A key may begin with one.
    fn check_question_mark(&mut self, plain: Span) {
        if self.open_flow().is_none() {
            return;
        }
        let written = self.slice(plain);
        let first = usize::from(self.is_key_next() && written.starts_with('?'));
        let found = written.get(first..).and_then(|rest| rest.find('?'));
        if let Some(at) = found.map(|at| plain.start + first + at) {
            let problem = YamlProblem::ReservedCharacter('?');
            self.reading.fault(Cause::Yaml { problem }, Span::new(at, at + 1), None);
        }
    }

    fn start(&mut self, kind: Kind, style: StructureStyle, anchor: usize, tag: Option<&Tag>, span: Span) -> bool {
        self.last_end = self.last_end.max(span.end);
        if self.frames.len() >= MAX_DEPTH {
            self.reading.fault(
                Cause::Yaml {
                    problem: YamlProblem::TooDeep,
                },
                span,
                None,
            );
            return true;
        }
        self.check_tag(tag, &["map", "seq"], span);
        self.frames.push(Frame {
            start: span.start,
            end: span.end,
            is_flow: style == StructureStyle::Flow,
            anchor,
            size: 1,
            kind,
        });
        false
    }

    fn end(&mut self, end: usize) {
        let Some(frame) = self.frames.pop() else { return };
        // A block has no end of its own; the event's place is where the next token begins.
        let span = Span::new(frame.start, if frame.is_flow { frame.end.max(end) } else { frame.end });
        let value = match frame.kind {
            Kind::Sequence(elements) => Value::Array(elements),
            Kind::Mapping {
                mut members,
                key,
                merged,
                ..
            } => {
                members.extend(key.map(|key| {
                    let value = Node {
                        span: Span::at(key.span.end),
                        value: Value::Unreadable,
                    };
                    Member { key, value }
                }));
                merge(&mut members, merged);
                Value::Object(members)
            }
        };
        self.place(
            Sized {
                node: Node { span, value },
                size: frame.size,
            },
            frame.anchor,
        );
    }

    /// Puts a value where it belongs: under the key before it, into the sequence, or at the top.
    fn place(&mut self, value: Sized, anchor: usize) {
        if anchor != 0 && value.size <= MAX_ALIASED {
            self.anchors.insert(anchor, value.clone());
        }
        let Sized { node, size } = value;
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return;
        };
        frame.size += size;
        frame.end = frame.end.max(node.span.end);
        match &mut frame.kind {
            Kind::Sequence(elements) => elements.push(node),
            Kind::Mapping {
                members,
                key,
                merges,
                merged,
            } => match key.take() {
                Some(_) if std::mem::take(merges) => {
                    if !is_mergeable(&node) {
                        self.reading.fault(Cause::MergesNoMap, node.span, None);
                    }
                    merged.extend(members_of(node));
                }
                Some(key) => members.push(Member { key, value: node }),
                None => {
                    let name = node.as_str().map(str::to_owned);
                    if name.is_none() {
                        self.reading.fault(Cause::ComplexKey, node.span, None);
                    }
                    *key = Some(Key {
                        span: node.span,
                        name: name.unwrap_or_default(),
                    });
                }
            },
        }
    }

    fn is_key_next(&self) -> bool {
        matches!(
            self.frames.last(),
            Some(Frame {
                kind: Kind::Mapping { key: None, .. },
                ..
            })
        )
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>, span: Span) {
        if style == ScalarStyle::DoubleQuoted {
            escapes::check(self.text, span, &mut self.reading);
        }
        if style == ScalarStyle::Plain {
            self.check_question_mark(span);
        }
        let is_dash = self.dashes.contains(&span.start);
        let value = if is_dash { "-" } else { value };
        let meaning = self.meaning(value, style, tag, span);
        if self.is_key_next() {
            self.key(value, meaning.unwrap_or(Plain::String), span);
            return;
        }
        let text = |quoted| {
            Value::String(Text {
                value: value.to_owned(),
                quoted,
                block: matches!(style, ScalarStyle::Literal | ScalarStyle::Folded),
            })
        };
        let value = match meaning.unwrap_or(Plain::String) {
            _ if meaning.is_none() => Value::Unreadable,
            Plain::Null => Value::Null,
            Plain::Bool(value) => Value::Bool(value),
            Plain::Number => Value::Number(value.to_owned()),
            Plain::OddNumber => {
                self.reading.fault(
                    Cause::OddNumber {
                        json: scalar::to_json_number(value),
                    },
                    span,
                    None,
                );
                Value::Number(value.to_owned())
            }
            Plain::Timestamp => {
                self.reading.fault(Cause::Timestamp, span, None);
                text(false)
            }
            Plain::Merge => {
                self.reading.fault(Cause::MergeWord, span, None);
                text(false)
            }
            Plain::String => text(style != ScalarStyle::Plain),
        };
        let span = if span.is_empty() { self.after_colon(span) } else { span };
        self.place(
            Sized {
                node: Node { span, value },
                size: 1,
            },
            anchor,
        );
    }

    /// None for a value that its tag does not fit.
    fn meaning(&mut self, value: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Option<Plain> {
        let is_known = self.check_tag(tag, &["str", "int", "float", "bool", "null"], span);
        let suffix = tag.and_then(Tag::core_suffix).filter(|_| is_known);
        let Some(suffix) = suffix else {
            // `!` alone says nothing of a plain scalar to the reader of pachctl.
            let is_bare = tag.is_none_or(is_without_name);
            let is_resolved = is_bare && style == ScalarStyle::Plain;
            return Some(if is_resolved {
                scalar::resolve(value)
            } else {
                Plain::String
            });
        };
        let tagged = scalar::tagged(suffix, value);
        if !tagged.fits_before_2_8 || !tagged.fits_since_2_8 {
            let cause = Cause::Misfit {
                tag: format!("!!{suffix}"),
                before_2_8: !tagged.fits_before_2_8,
                since_2_8: !tagged.fits_since_2_8,
            };
            self.reading.fault(cause, span, None);
        }
        tagged.meaning
    }

    /// Where a value that is not there would stand: after the colon of its key.
    fn after_colon(&self, span: Span) -> Span {
        let Some(Frame {
            kind: Kind::Mapping { key: Some(key), .. },
            ..
        }) = self.frames.last()
        else {
            return span;
        };
        let after = self.text.get(key.span.end..).unwrap_or_default();
        let blanks = after.len() - after.trim_start().len();
        if after.trim_start().starts_with(':') {
            Span::at(key.span.end + blanks + 1)
        } else {
            Span::at(key.span.end)
        }
    }

    fn key(&mut self, name: &str, meaning: Plain, span: Span) {
        // The parser writes `~` for a key that is not there.
        let name = if span.is_empty() { "" } else { name };
        if let Some(frame) = self.frames.last_mut() {
            frame.end = frame.end.max(span.end);
            if let Kind::Mapping { key, merges, .. } = &mut frame.kind {
                *key = Some(Key {
                    span,
                    name: name.to_owned(),
                });
                *merges = meaning == Plain::Merge;
            }
        }
        match meaning {
            Plain::String => {}
            Plain::Merge => self.reading.fault(Cause::MergeKey, span, None),
            _ => self
                .reading
                .fault(Cause::NonStringKey { name: name.to_owned() }, span, None),
        }
    }

    /// Puts what an alias stands for in its place: with the alias's span, and the spans of the anchor within.
    fn alias(&mut self, id: usize, span: Span) {
        let name = self.slice(span).trim_start_matches('*').to_owned();
        let Some(Sized { node, size }) = self.anchors.get(&id) else {
            // It stands within what it means, or for too much.
            self.reading.fault(Cause::ExcessiveAliases, span, None);
            return self.place(
                Sized {
                    node: Node {
                        span,
                        value: Value::Unreadable,
                    },
                    size: 1,
                },
                0,
            );
        };
        let size = *size;
        if self.aliased.saturating_add(size) > MAX_ALIASED {
            self.aliased = MAX_ALIASED;
            self.reading.fault(Cause::ExcessiveAliases, span, None);
            return self.place(
                Sized {
                    node: Node {
                        span,
                        value: Value::Unreadable,
                    },
                    size: 1,
                },
                0,
            );
        }
        self.aliased += size;
        let value = node.value.clone();
        self.reading.fault(Cause::Alias { name }, span, None);
        self.place(
            Sized {
                node: Node { span, value },
                size,
            },
            0,
        );
    }

    /// Whether a tag is one of YAML's own that fits.
    fn check_tag(&mut self, tag: Option<&Tag>, fitting: &[&str], span: Span) -> bool {
        let Some(tag) = tag else { return true };
        if fitting.iter().any(|suffix| tag.is_yaml_core_schema_tag(suffix)) {
            return true;
        }
        if !is_without_name(tag) {
            let tag = tag
                .core_suffix()
                .map_or_else(|| format!("!{}", tag.suffix()), |suffix| format!("!!{suffix}"));
            self.reading.fault(Cause::Tag { tag }, span, None);
        }
        false
    }
}

/// `!` alone.
fn is_without_name(tag: &Tag) -> bool {
    tag.handle().is_empty() && tag.suffix() == "!" || tag.handle() == "!" && tag.suffix().is_empty()
}

/// Whether `<<` can bring it.
fn is_mergeable(node: &Node) -> bool {
    let is_map = |node: &Node| matches!(node.value, Value::Object(_) | Value::Unreadable);
    is_map(node) || matches!(&node.value, Value::Array(elements) if elements.iter().all(is_map))
}

fn members_of(node: Node) -> Vec<Member> {
    match node.value {
        Value::Object(members) => members,
        Value::Array(elements) => elements.into_iter().flat_map(members_of).collect(),
        _ => Vec::new(),
    }
}

/// Adds what `<<` brings: keys that are not there yet, the first of a name.
fn merge(members: &mut Vec<Member>, merged: Vec<Member>) {
    if merged.is_empty() {
        return;
    }
    let mut names: HashSet<String> = members.iter().map(|member| member.key.name.clone()).collect();
    let new = merged
        .into_iter()
        .filter(|member| names.insert(member.key.name.clone()));
    members.extend(new);
}

#[cfg(test)]
mod tests;

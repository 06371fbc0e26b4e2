//! A spec as rules ask it: by the names of fields, in either spelling, with the value that pachd would take.
//!
//! A value of a wrong type is absent here, so that what `shape` reports once is not reported again by every rule that
//! would have liked to read it.

use super::edit;
use super::kubernetes::Minor;
use super::likeness::{is_known, likeness};
use super::version::Version;
use crate::diagnostic::Edit;
use crate::source::{SourceFile, Span};
use crate::spec::tree::{Key, Member, Node, Value};
use spoutctl_fields::is_camel_case_of;

/// A spec, and what its rules need to know of its surroundings.
#[derive(Clone, Copy)]
pub(super) struct Spec<'a> {
    pub file: &'a SourceFile,
    pub root: Fields<'a>,
    pub version: Version,
    pub kubernetes: Option<Minor>,
    /// Nothing in it was unreadable, so what is not there is really missing.
    pub whole: bool,
    /// It has a spout, or is meant to have one.
    pub spout: bool,
}

/// An object of a spec and how it is called.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    /// The key that it is the value of, or in whose list it is; none for the spec itself.
    pub key: Option<&'a Key>,
    pub node: &'a Node,
}

impl<'a> Spec<'a> {
    pub(super) fn pipeline(self) -> Fields<'a> {
        self.root.message("pipeline")
    }

    pub(super) fn transform(self) -> Fields<'a> {
        self.root.message("transform")
    }

    /// The service inside of `spout`.
    pub(super) fn spout_service(self) -> Option<&'a Member> {
        self.root.message("spout").get("service")
    }

    pub(super) fn name(self) -> Option<Text<'a>> {
        self.pipeline().text("name").filter(|name| !name.value.is_empty())
    }

    /// The project that the spec names.
    pub(super) fn project(self) -> Option<Text<'a>> {
        let name = self.pipeline().message("project").text("name");
        name.filter(|name| !name.value.is_empty())
    }

    /// Where to point at when something at the top level is missing: the spec's first byte.
    pub(super) fn beginning(self) -> Span {
        self.root.beginning()
    }
}

/// A string and where it is written.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub node: &'a Node,
    pub value: &'a str,
}

impl Text<'_> {
    pub(super) fn span(self) -> Span {
        self.node.span
    }
}

/// The members of an object; none when there is no object.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(Option<&'a Node>);

impl<'a> Fields<'a> {
    pub(super) fn of(node: &'a Node) -> Self {
        Self(matches!(node.value, Value::Object(_)).then_some(node))
    }

    /// The object itself, if there is one.
    pub(super) fn node(self) -> Option<&'a Node> {
        self.0
    }

    pub(super) fn beginning(self) -> Span {
        let start = self.0.map_or(0, |node| node.span.start);
        let is_flow = self.0.is_some_and(|node| {
            matches!(&node.value, Value::Object(members)
            if members.first().is_none_or(|first| first.key.span.start > start))
        });
        match self.0.and_then(|node| node.members().first()) {
            Some(first) if !is_flow => first.key.span,
            _ => Span::new(start, start + usize::from(is_flow)),
        }
    }

    pub(super) fn members(self) -> &'a [Member] {
        self.0.map_or(&[], Node::members)
    }

    /// The member of that name that counts, a `null` too. Of two of one spelling it is the last, of two spellings the
    /// one in camelCase.
    pub(super) fn find(self, name: &str) -> Option<&'a Member> {
        let mut as_it_is = None;
        for member in self.members().iter().rev() {
            if is_camel_case_of(&member.key.name, name) {
                return Some(member);
            }
            if as_it_is.is_none() && member.key.name == name {
                as_it_is = Some(member);
            }
        }
        as_it_is
    }

    /// The member of that name, unless it is `null`, which is as good as none.
    pub(super) fn get(self, name: &str) -> Option<&'a Member> {
        self.find(name).filter(|member| member.value.value != Value::Null)
    }

    pub(super) fn message(self, name: &str) -> Fields<'a> {
        Self(self.get(name).and_then(|member| Self::of(&member.value).0))
    }

    pub(super) fn text(self, name: &str) -> Option<Text<'a>> {
        text(&self.get(name)?.value)
    }

    pub(super) fn elements(self, name: &str) -> &'a [Node] {
        self.get(name).map_or(&[], |member| member.value.elements())
    }

    /// The strings of a list.
    pub(super) fn texts(self, name: &str) -> impl Iterator<Item = Text<'a>> {
        self.elements(name).iter().filter_map(text)
    }

    /// The objects of a list.
    pub(super) fn messages(self, name: &str) -> impl Iterator<Item = Fields<'a>> {
        self.elements(name)
            .iter()
            .map(Self::of)
            .filter(|fields| fields.0.is_some())
    }

    /// The change that takes the member of that name away, if it can be made.
    pub(super) fn remove(self, file: &SourceFile, name: &str) -> Option<Edit> {
        let member = self.find(name)?;
        let at = self.members().iter().position(|other| std::ptr::eq(other, member))?;
        edit::remove(file, self.0?, at)
    }

    /// Whether a key is there that was surely meant to be this one, and is reported as an unknown field.
    pub(super) fn has_like(self, name: &str) -> bool {
        let is_meant = |written: &str| !is_known(written) && likeness(written, name).is_some();
        self.members().iter().any(|member| is_meant(&member.key.name))
    }

    /// The member, if it is `true`.
    pub(super) fn flag(self, name: &str) -> Option<&'a Member> {
        self.get(name).filter(|member| member.value.value == Value::Bool(true))
    }

    /// The name of an enumeration's member, whether it is written as a name or as a number.
    pub(super) fn chosen(self, field: &str, names: &[&'a str]) -> Option<&'a str> {
        let value = &self.get(field)?.value;
        match &value.value {
            Value::String(text) => Some(&text.value),
            Value::Number(_) => {
                let number = number(value)?;
                let mut numbered = (0_u8..).map(f64::from).zip(names);
                Some(numbered.find(|(at, _)| at.total_cmp(&number).is_eq())?.1)
            }
            _ => None,
        }
    }

    /// The member and its number, which may be written as a string.
    pub(super) fn number(self, name: &str) -> Option<(&'a Member, f64)> {
        let member = self.get(name)?;
        Some((member, number(&member.value)?))
    }
}

fn text(node: &Node) -> Option<Text<'_>> {
    node.as_str().map(|value| Text { node, value })
}

/// A number, or a string that holds one.
pub(super) fn number(node: &Node) -> Option<f64> {
    match &node.value {
        Value::Number(written) => written.parse().ok(),
        Value::String(text) => text
            .value
            .parse()
            .ok()
            .or_else(|| number_before(&text.value)?.parse().ok()),
        _ => None,
    }
}

/// The number that a text begins with and that something follows which ends a number in JSON. Since 2.7 pachd reads a
/// number in a string so, and does not look at what follows: `1,5` is 1.
pub(super) fn number_before(text: &str) -> Option<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-+._".contains(c);
    let end = text.find(|c: char| !is_part(c))?;
    let (number, _) = text.split_at_checked(end)?;
    (text.trim() == text && !number.is_empty()).then_some(number)
}

impl Text<'_> {
    /// Where `part` of it is written, if it is written as it is meant; else the whole of it.
    pub(super) fn find(self, file: &SourceFile, part: &str) -> Span {
        match file.slice(self.node.span).find(part) {
            Some(at) if !part.is_empty() => {
                let start = self.node.span.start + at;
                Span::new(start, start + part.len())
            }
            _ => self.node.span,
        }
    }
}

/// Whether something in it could not be read.
pub(super) fn has_gap(node: &Node) -> bool {
    match &node.value {
        Value::Unreadable => true,
        Value::Array(elements) => elements.iter().any(has_gap),
        Value::Object(members) => members.iter().any(|member| has_gap(&member.value)),
        _ => false,
    }
}

/// Somebody's own words in a message: in backticks, on one line, not for ever.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut said = String::with_capacity(text.len().min(MOST) + 2);
    said.push('`');
    for letter in text.chars().take(MOST) {
        if letter.is_control() {
            said.extend(letter.escape_default());
        } else {
            said.push(letter);
        }
    }
    if text.chars().nth(MOST).is_some() {
        said.push('…');
    }
    said.push('`');
    said
}

//! For a person: the source with the places marked in it, drawn by rustc's own library.

use std::fmt::Write;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::concise;
use super::escape::{is_unsafe, one_line};
use super::found::{FileReport, each};
use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::source::{SourceFile, Span};
use crate::{any_rule_named, link};

/// How the terminal is; only [`Format::Pretty`](super::Format::Pretty) asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    pub colour: bool,
    /// In columns; some usual width when it is not known.
    pub width: Option<usize>,
}

/// Bytes of the source that one picture may be made of: 4 KiB before, in and behind what is marked. The library's time
/// grows with them, and a file may be one line with a fault in every word.
const MOST_DRAWN: usize = 4 << 10;

pub(super) fn render(files: &[FileReport], style: Style) -> String {
    let renderer = if style.colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut renderer = renderer.decor_style(DecorStyle::Unicode);
    if let Some(width) = style.width {
        renderer = renderer.term_width(width);
    }
    let mut text = String::new();
    for (file, found) in each(files) {
        match snippet(file, found) {
            Some(snippet) => text += &renderer.render(&[group(found, snippet)]),
            None => text += &undrawn(file, found),
        }
        text += "\n\n";
    }
    text
}

/// Words alone, where the line is too long for a picture of it to help anybody.
fn undrawn(file: &SourceFile, found: &Diagnostic) -> String {
    let mut text = concise::line(file, found);
    for (kind, words) in [("note", &found.note), ("help", &found.help)] {
        if let Some(words) = words {
            // Writing into a String does not fail.
            let _ = writeln!(text, "  {kind}: {}", lines(words));
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn group<'a>(found: &'a Diagnostic, snippet: Snippet<'a, Annotation<'a>>) -> Group<'a> {
    let level = match found.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let mut title = level.primary_title(one_line(&found.message)).id(found.rule.0);
    // Drawn with colours only: a terminal that has none may not know what a link is.
    if let Some(link) = any_rule_named(found.rule.0).and_then(link) {
        title = title.id_url(link);
    }
    let mut group = title.element(snippet);
    if let Some(note) = &found.note {
        group = group.element(Level::NOTE.message(lines(note)));
    }
    if let Some(help) = &found.help {
        group = group.element(Level::HELP.message(lines(help)));
    }
    group
}

/// The lines from the first to the last place that is marked: the library goes through all that it is given, so much is
/// given of it only. `None` when the marked line itself is too long.
fn snippet<'a>(file: &'a SourceFile, found: &'a Diagnostic) -> Option<Snippet<'a, Annotation<'a>>> {
    let text = file.text();
    let within = |span: Span| span.start.min(text.len())..span.end.clamp(span.start.min(text.len()), text.len());
    let drawn = |labels: &[Label]| {
        let spans = || {
            std::iter::once(&found.primary)
                .chain(labels)
                .map(|label| within(label.span))
        };
        let first = spans().map(|span| span.start).min()?;
        let last = spans().map(|span| span.end).max()?;
        lines_around(text, first..last)
    };
    // A far place goes without a mark before the whole goes without a picture.
    let (secondary, Range { start: from, end: to }) = match drawn(&found.secondary) {
        Some(range) => (found.secondary.as_slice(), range),
        None => (&[][..], drawn(&[])?),
    };
    let mark = |kind: AnnotationKind, label: &'a Label| {
        let span = within(label.span);
        let annotation = kind.span(span.start - from..span.end - from);
        if label.text.is_empty() {
            annotation
        } else {
            annotation.label(one_line(&label.text))
        }
    };
    let snippet = Snippet::source(text.get(from..to).unwrap_or_default())
        .line_start(file.position(from).line)
        .path(one_line(file.name()))
        .annotation(mark(AnnotationKind::Primary, &found.primary))
        .annotations(secondary.iter().map(|label| mark(AnnotationKind::Context, label)));
    Some(snippet)
}

/// The whole lines that `marked` is in, if they are no more than can be drawn.
fn lines_around(text: &str, marked: Range<usize>) -> Option<Range<usize>> {
    if marked.len() > MOST_DRAWN {
        return None;
    }
    let near = text.floor_char_boundary(marked.start.saturating_sub(MOST_DRAWN));
    let from = match text.get(near..marked.start)?.rfind('\n') {
        Some(at) => near + at + 1,
        None if near == 0 => 0,
        None => return None,
    };
    let far = text.ceil_char_boundary(marked.end.saturating_add(MOST_DRAWN));
    let to = match text.get(marked.end..far)?.find('\n') {
        Some(at) => marked.end + at,
        None if far == text.len() => far,
        None => return None,
    };
    Some(from..to)
}

/// A message may have several lines, but nothing else that a terminal obeys.
fn lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && is_unsafe(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

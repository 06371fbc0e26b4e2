//! For a person: the source with the places marked in it, drawn by rustc's own library.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::{FileReport, Style, each, is_unsafe, one_line};
use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::source::{SourceFile, Span};

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
        text.push_str(&renderer.render(&[group(file, found)]));
        text.push_str("\n\n");
    }
    text
}

fn group<'a>(file: &'a SourceFile, found: &'a Diagnostic) -> Group<'a> {
    let level = match found.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level.primary_title(one_line(&found.message)).id(found.rule.0);
    let mut group = title.element(snippet(file, found));
    if let Some(note) = &found.note {
        group = group.element(Level::NOTE.message(lines(note)));
    }
    if let Some(help) = &found.help {
        group = group.element(Level::HELP.message(lines(help)));
    }
    group
}

/// The lines from the first to the last place that is marked: the library goes through all that it is given.
fn snippet<'a>(file: &'a SourceFile, found: &'a Diagnostic) -> Snippet<'a, Annotation<'a>> {
    let text = file.text();
    let labels = || std::iter::once(&found.primary).chain(&found.secondary);
    let within = |span: Span| span.start.min(text.len())..span.end.clamp(span.start.min(text.len()), text.len());
    let first = labels().map(|label| within(label.span).start).min().unwrap_or_default();
    let last = labels().map(|label| within(label.span).end).max().unwrap_or_default();
    let from = text
        .get(..first)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |at| at + 1);
    let to = text
        .get(last..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |at| last + at);
    let mark = |kind: AnnotationKind, label: &'a Label| {
        let span = within(label.span);
        let annotation = kind.span(span.start - from..span.end - from);
        if label.text.is_empty() {
            annotation
        } else {
            annotation.label(one_line(&label.text))
        }
    };
    Snippet::source(text.get(from..to).unwrap_or_default())
        .line_start(file.position(from).line)
        .path(one_line(file.name()))
        .annotation(mark(AnnotationKind::Primary, &found.primary))
        .annotations(found.secondary.iter().map(|label| mark(AnnotationKind::Context, label)))
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

//! What is found, and what is known of a place, as an editor shows it.

use std::fmt::Write;

use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionResponse, CodeDescription,
    DiagnosticRelatedInformation, DiagnosticSeverity, Hover, HoverContents, HoverParams, Location, MarkupContent,
    MarkupKind, NumberOrString, Range, TextEdit, Uri, WorkspaceEdit,
};

use super::documents::{Document, Known};
use spoutctl_fields::{Field, Kind, Message, SPEC};
use spoutctl_lint::Rule;
use spoutctl_lint::diagnostic::{Diagnostic, Edit, Safety, Severity};
use spoutctl_lint::source::Span;
use spoutctl_lint::spec::tree::Node;

/// What was found, as it stands in a document.
pub(super) fn diagnostics(document: &Document, uri: &Uri) -> Vec<lsp_types::Diagnostic> {
    let found = document.known.iter().flat_map(|known| &known.diagnostics);
    found.map(|found| diagnostic(document, uri, found)).collect()
}

fn diagnostic(document: &Document, uri: &Uri, found: &Diagnostic) -> lsp_types::Diagnostic {
    let mut message = found.message.clone();
    for (kind, words) in [("note", &found.note), ("help", &found.help)] {
        if let Some(words) = words {
            // Writing into a String does not fail.
            let _ = write!(message, "\n{kind}: {words}");
        }
    }
    let related = found.secondary.iter().filter(|label| !label.text.is_empty());
    let related: Vec<_> = related
        .map(|label| DiagnosticRelatedInformation {
            location: Location::new(uri.clone(), document.range(label.span)),
            message: label.text.clone(),
        })
        .collect();
    let link = spoutctl_lint::any_rule_named(found.rule.0).and_then(spoutctl_lint::link);
    lsp_types::Diagnostic {
        range: document.range(found.primary.span),
        severity: Some(match found.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Info => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(found.rule.0.to_owned())),
        code_description: link.and_then(|link| {
            Some(CodeDescription {
                href: link.parse().ok()?,
            })
        }),
        source: Some("spoutctl".to_owned()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        tags: None,
        data: None,
    }
}

/// The rules that found something here, and the field that is written here.
pub(super) fn hover(document: &Document, params: &HoverParams) -> Option<Hover> {
    let at = document.offset(params.text_document_position_params.position);
    let known = document.known.as_ref()?;
    let mut parts = Vec::new();
    let mut span = None;
    for found in &known.diagnostics {
        if covers(found.primary.span, at) {
            span.get_or_insert(found.primary.span);
            parts.extend(spoutctl_lint::any_rule_named(found.rule.0).map(explained));
        }
    }
    parts.dedup();
    let mut documents = known.parsed(&document.file).documents.iter();
    let field = documents.find_map(|document| place(&document.root, &SPEC, at));
    if let Some((place, words)) = field {
        span.get_or_insert(place);
        parts.push(words);
    }
    (!parts.is_empty()).then(|| Hover {
        contents: HoverContents::Markup(MarkupContent {
            kind: MarkupKind::Markdown,
            value: parts.join("\n\n---\n\n"),
        }),
        range: span.map(|span| document.range(span)),
    })
}

fn covers(span: Span, at: usize) -> bool {
    span.start <= at && at <= span.end
}

/// A rule as `explain` has it, in Markdown.
fn explained(rule: &Rule) -> String {
    let mut text = format!("**{}**: {}\n\n{}", rule.id, rule.summary, rule.why);
    if !rule.good.trim().is_empty() {
        // Writing into a String does not fail, here and below.
        let _ = write!(text, "\n\nRight:\n\n```yaml\n{}\n```", rule.good.trim_end());
    }
    let _ = write!(text, "\n\nPachyderm: {}", rule.versions);
    if let Some(link) = spoutctl_lint::link(rule) {
        let _ = write!(text, "  \n<{link}>");
    }
    text
}

/// What is written at a place: a key, or the name of a value.
fn place(node: &Node, message: &'static Message, at: usize) -> Option<(Span, String)> {
    for member in node.members() {
        let field = message.field(&member.key.name);
        if covers(member.key.span, at) {
            return field.map(|field| (member.key.span, described(message, field)));
        }
        let field = field.filter(|_| covers(member.value.span, at));
        let Some(field) = field else { continue };
        let one = std::slice::from_ref(&member.value);
        let values = if field.repeated { member.value.elements() } else { one };
        let value = values.iter().find(|value| covers(value.span, at))?;
        return match field.kind {
            Kind::Message(inner) => place(value, inner, at),
            Kind::Enum(names) => {
                let words = spoutctl_fields::doc_of_value(names.name, value.as_str()?)?;
                Some((value.span, format!("**{}**: {words}", value.as_str()?)))
            }
            _ => None,
        };
    }
    None
}

/// A field in Markdown.
pub(super) fn described(message: &Message, field: &Field) -> String {
    let words = spoutctl_fields::doc(message.name, field.name).unwrap_or_default();
    format!(
        "**{}** ({})\n\n{words}\n\nPachyderm: {}",
        field.name,
        type_of(field),
        field.versions
    )
}

/// What belongs into a field, in the words of JSON.
pub(super) fn type_of(field: &Field) -> String {
    let one = match field.kind {
        Kind::Bool => "true or false",
        Kind::String => "string",
        Kind::Int32 | Kind::Int64 | Kind::Uint64 | Kind::OptionalInt64 => "whole number",
        Kind::Float | Kind::Double => "number",
        Kind::Duration => "duration, such as \"600s\"",
        Kind::Timestamp => "time, such as \"2026-01-02T03:04:05Z\"",
        Kind::Strings => "object of strings",
        Kind::Enum(names) => return names.values.join(" | "),
        Kind::Message(_) | Kind::Internal(_) => "object",
    };
    if field.repeated {
        format!("list: {one}")
    } else {
        one.to_owned()
    }
}

/// The fixes of what was found in a range, and one for all that is safe.
pub(super) fn code_actions(document: &Document, params: &CodeActionParams) -> Option<CodeActionResponse> {
    let uri = &params.text_document.uri;
    let known = document.known.as_ref()?;
    let wanted = |kind: &CodeActionKind| {
        let only = params.context.only.as_ref();
        only.is_none_or(|only| only.iter().any(|only| kind.as_str().starts_with(only.as_str())))
    };
    let mut actions = Vec::new();
    if wanted(&CodeActionKind::QUICKFIX) {
        let touched = |found: &&Diagnostic| overlap(document.range(found.primary.span), params.range);
        let found = known.diagnostics.iter().filter(touched);
        actions.extend(found.filter_map(|found| quick_fix(document, uri, found)));
    }
    if wanted(&CodeActionKind::SOURCE_FIX_ALL) {
        actions.extend(fix_all(document, known, uri));
    }
    Some(actions.into_iter().map(CodeActionOrCommand::CodeAction).collect())
}

fn overlap(one: Range, other: Range) -> bool {
    one.start <= other.end && other.start <= one.end
}

fn quick_fix(document: &Document, uri: &Uri, found: &Diagnostic) -> Option<CodeAction> {
    let fix = found.fix.as_ref()?;
    let title = match fix.safety {
        Safety::Safe => fix.title.clone(),
        Safety::Unsafe => format!("{} (may change what it means)", fix.title),
    };
    Some(CodeAction {
        title,
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![diagnostic(document, uri, found)]),
        edit: Some(change(document, uri, &fix.edits)),
        is_preferred: Some(fix.safety == Safety::Safe),
        ..CodeAction::default()
    })
}

/// All that is safe, as `validate --fix` does it: what one mend uncovers is mended, too.
fn fix_all(document: &Document, known: &Known, uri: &Uri) -> Option<CodeAction> {
    let is_safe = |found: &Diagnostic| found.fix.as_ref().is_some_and(|fix| fix.safety == Safety::Safe);
    known.diagnostics.iter().any(is_safe).then_some(())?;
    let mended = spoutctl_lint::fix::mend(&document.file, &known.options, Safety::Safe);
    (mended.fixed > 0).then(|| CodeAction {
        title: "mend all that can be mended without a change of meaning".to_owned(),
        kind: Some(CodeActionKind::SOURCE_FIX_ALL),
        edit: Some(change(
            document,
            uri,
            &[difference(document.file.text(), mended.file.text())],
        )),
        ..CodeAction::default()
    })
}

/// The one edit that makes one text of another: what is alike before and behind it keeps its marks and folds.
fn difference(from: &str, to: &str) -> Edit {
    let alike = from.bytes().zip(to.bytes()).take_while(|(one, other)| one == other);
    let start = from.floor_char_boundary(alike.count());
    let behind = from.bytes().skip(start).rev().zip(to.bytes().skip(start).rev());
    let alike = behind.take_while(|(one, other)| one == other).count();
    let end = from.ceil_char_boundary(from.len() - alike);
    let replacement = to.get(start..to.len() - (from.len() - end)).unwrap_or_default();
    Edit {
        span: Span::new(start, end),
        replacement: replacement.to_owned(),
    }
}

fn change(document: &Document, uri: &Uri, edits: &[Edit]) -> WorkspaceEdit {
    let edits = edits.iter().map(|edit| TextEdit {
        range: document.range(edit.span),
        new_text: edit.replacement.clone(),
    });
    WorkspaceEdit::new([(uri.clone(), edits.collect())].into_iter().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_one_edit_makes_the_other_text(from in "[aé😀è\n]{0,8}", to in "[aé😀è\n]{0,8}") {
            let edit = difference(&from, &to);
            let mut changed = from.clone();
            changed.replace_range(edit.span.range(), &edit.replacement);
            prop_assert_eq!(changed, to);
        }
    }

    #[test]
    fn what_is_alike_is_not_in_the_edit() {
        let edit = difference("a: é\nb: 1\nc: è\n", "a: é\nb: \"1\"\nc: è\n");
        assert_eq!((edit.span, edit.replacement.as_str()), (Span::new(9, 10), "\"1\""));
    }
}

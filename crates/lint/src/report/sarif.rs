//! SARIF 2.1.0, as code scanning services take it. A test holds it to the standard's own schema.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::found::{FileReport, each, level, more, place, related};
use super::gitlab::Seen;
use crate::diagnostic::{Diagnostic, Fix, RuleId};
use crate::source::{SourceFile, Span};
use crate::{any_rule_named, link};

/// All but what a path of a URI may hold as it is.
const NOT_IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn render(files: &[FileReport]) -> String {
    let mut rules = Rules::default();
    let mut seen = Seen::default();
    let results: Vec<Value> = each(files)
        .map(|(file, found)| result(file, found, rules.index(found.rule), &seen.fingerprint(file, found)))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "spoutctl",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.list,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

/// The rules that something was found by, in the order of their first finding.
#[derive(Default)]
struct Rules {
    list: Vec<Value>,
    indices: BTreeMap<RuleId, usize>,
}

impl Rules {
    fn index(&mut self, id: RuleId) -> usize {
        let next = self.list.len();
        let index = *self.indices.entry(id).or_insert(next);
        if index == next {
            self.list.push(descriptor(id));
        }
        index
    }
}

fn descriptor(id: RuleId) -> Value {
    let Some(rule) = any_rule_named(id.0) else {
        return json!({"id": id.0});
    };
    let mut descriptor = json!({
        "id": id.0,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "help": {"text": format!("{}\n\nspoutctl explain {id} shows an example.", rule.why)},
        "defaultConfiguration": {"level": level(rule.severity)},
    });
    if let Some(link) = link(rule) {
        descriptor["helpUri"] = link.into();
    }
    descriptor
}

fn result(file: &SourceFile, found: &Diagnostic, index: usize, fingerprint: &str) -> Value {
    let mut text = found.message.clone();
    for (what, words) in more(found) {
        text = format!("{text}\n{what}: {words}");
    }
    let mut result = json!({
        "ruleId": found.rule.0,
        "ruleIndex": index,
        "level": level(found.severity),
        "message": {"text": text},
        "locations": [location(file, found.primary.span)],
        "partialFingerprints": {"rulePathMessage/v1": fingerprint},
    });
    let others: Vec<Value> = related(found)
        .map(|label| {
            let mut location = location(file, label.span);
            location["message"] = json!({"text": label.text});
            location
        })
        .collect();
    if !others.is_empty() {
        result["relatedLocations"] = others.into();
    }
    if let Some(fix) = &found.fix {
        result["fixes"] = json!([fix_object(file, fix)]);
    }
    result
}

fn fix_object(file: &SourceFile, fix: &Fix) -> Value {
    let replacements: Vec<Value> = fix
        .edits
        .iter()
        .map(|edit| json!({"deletedRegion": region(file, edit.span), "insertedContent": {"text": edit.replacement}}))
        .collect();
    json!({
        "description": {"text": fix.title},
        "artifactChanges": [{"artifactLocation": {"uri": uri(file.name())}, "replacements": replacements}],
    })
}

fn location(file: &SourceFile, span: Span) -> Value {
    json!({"physicalLocation": {"artifactLocation": {"uri": uri(file.name())}, "region": region(file, span)}})
}

fn region(file: &SourceFile, span: Span) -> Value {
    let (start, end) = place(file, span);
    json!({"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column})
}

/// A path that is relative stays relative: to the root of the repository, as code scanning wants it.
fn uri(path: &str) -> String {
    let encoded = utf8_percent_encode(path, NOT_IN_A_PATH);
    if path.starts_with('/') {
        format!("file://{encoded}")
    } else {
        encoded.to_string()
    }
}

//! `--server`: what a pachd makes of the specs that have no error of ours.

use std::collections::BTreeMap;

use serde_json::Value;

use super::checking::Outcome;
use crate::commands::pipelines::{about, failure, refusal};
use crate::failure::Failure;
use crate::settings::contexts::camel;
use spoutctl_core::pipelines::Pipelines;
use spoutctl_lint::Options;
use spoutctl_lint::diagnostic::{Diagnostic, Severity};
use spoutctl_lint::server::DEFAULTS;
use spoutctl_lint::spec::tree::Document;
use spoutctl_lint::spec::{self, strict};

/// Adds what the server says to what was found in each file.
pub(super) fn ask(pachd: &dyn Pipelines, options: &Options, outcomes: &mut [Outcome]) -> Result<(), Failure> {
    for outcome in outcomes {
        let found = &mut outcome.report.diagnostics;
        if found.iter().any(|found| found.severity == Severity::Error) {
            continue;
        }
        let parsed = outcome.evaluated.take();
        let parsed = parsed.unwrap_or_else(|| spec::parse(&outcome.report.file));
        for document in parsed
            .documents
            .iter()
            .filter(|document| outcome.expect.includes(&document.root))
        {
            let said = ask_about(pachd, document)?.filter(|said| !options.ignore.contains(&said.rule));
            found.extend(said.map(|said| Diagnostic {
                severity: options.severities.get(&said.rule).copied().unwrap_or(said.severity),
                ..said
            }));
        }
        found.sort_by_key(|found| (found.primary.span, found.rule));
    }
    Ok(())
}

fn ask_about(pachd: &dyn Pipelines, document: &Document) -> Result<Option<Diagnostic>, Failure> {
    let sent = strict::to_json_with_places(&document.root);
    let verdict = pachd
        .try_pipeline(&sent.json)
        .map_err(|fault| failure("pachd cannot be asked about the specs", &fault))?;
    Ok(match verdict {
        Err(words) => Some(refusal(document, &sent, &words)),
        Ok(effective) => defaults(&sent.json, &effective).map(|(count, list)| Diagnostic {
            note: Some(list),
            ..about(
                document,
                &DEFAULTS,
                format!("pachd takes this spec, and fills in {count} of its fields by default"),
            )
        }),
    })
}

/// What is in the effective spec and was not sent: how many, and a line each. Names are compared as pachd reads them,
/// in which `snake_case` and `camelCase` are the same; numbers of 64 bits come back as strings.
fn defaults(sent: &str, effective: &str) -> Option<(usize, String)> {
    let leaves = |text: &str| {
        let mut found = BTreeMap::new();
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            collect(&value, String::new(), &mut found);
        }
        found
    };
    let sent = leaves(sent);
    let added: Vec<String> = leaves(effective)
        .into_iter()
        .filter(|(path, _)| !sent.contains_key(path))
        .map(|(path, value)| format!("{path} = {value}"))
        .collect();
    (!added.is_empty()).then(|| (added.len(), added.join("\n")))
}

fn collect(value: &Value, path: String, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let name = camel(name);
                let path = if path.is_empty() {
                    name
                } else {
                    format!("{path}.{name}")
                };
                collect(value, path, found);
            }
        }
        value => {
            found.insert(path, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cluster_fills_in_is_told_from_what_was_written_in_another_spelling() {
        let sent = r#"{"pipeline":{"name":"s"},"spout":{},"resource_requests":{"cpu":2}}"#;
        let effective = r#"{"pipeline":{"project":{"name":"default"},"name":"s"},"spout":{},
            "resourceRequests":{"cpu":2,"memory":"256Mi"},"datumTries":"3"}"#;
        let (count, list) = defaults(sent, effective).unwrap();
        assert_eq!(count, 3);
        assert_eq!(
            list,
            "datumTries = \"3\"\npipeline.project.name = \"default\"\nresourceRequests.memory = \"256Mi\""
        );
        assert_eq!(defaults(sent, sent), None);
    }
}

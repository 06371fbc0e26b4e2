//! `--server`: what a pachd makes of the specs that have no error of ours.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Outcome;
use crate::cli::ServerArgs;
use crate::commands::server::{self, Pachd};
use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::fault::FaultKind;
use crate::lint::server::{DEFAULTS, REFUSED};
use crate::lint::{Options, Rule};
use crate::settings::{Address, Server};
use crate::source::Span;
use crate::spec::tree::{Document, Node};
use crate::spec::{self, strict};
use crate::terminal::Terminal;

/// A store in a directory makes no pipelines, nor does a sidecar.
pub(super) fn open(args: &ServerArgs, terminal: &Terminal) -> Result<(Pachd, Server), Failure> {
    let server = server::find(args)?;
    if let Address::Sidecar(_) = server.address {
        return Err(Failure::new(Exit::Usage, "a sidecar makes no pipelines")
            .help("name the pachd itself: --pachd grpc://HOST:PORT"));
    }
    let Some(pachd) = server::pachd(&server, terminal)? else {
        return Err(Failure::new(Exit::Usage, "a store in a directory makes no pipelines")
            .help("--server wants a pachd: grpc://HOST:PORT, http://HOST:PORT or https://HOST"));
    };
    Ok((pachd, server))
}

/// Adds what the server says to what was found in each file.
pub(super) fn ask(pachd: &Pachd, options: &Options, outcomes: &mut [Outcome]) -> Result<(), Failure> {
    for outcome in outcomes {
        let found = &mut outcome.report.diagnostics;
        if found.iter().any(|found| found.severity == Severity::Error) {
            continue;
        }
        let parsed = spec::parse(&outcome.report.file);
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

fn ask_about(pachd: &Pachd, document: &Document) -> Result<Option<Diagnostic>, Failure> {
    let json = strict::to_json(&document.root);
    let verdict = pachd.try_pipeline(&json).map_err(|fault| {
        let exit = if fault.is_passing() {
            Exit::Unavailable
        } else {
            Exit::Refused
        };
        let mut failure = Failure::new(exit, "pachd cannot be asked about the specs").detail(fault.to_string());
        failure.denied = (fault.kind == FaultKind::Denied).then_some(fault.message);
        failure
    })?;
    Ok(match verdict {
        Err(words) => Some(about(
            document,
            &REFUSED,
            format!("pachd refuses this spec: {}", shortened(&words, &json)),
        )),
        Ok(effective) => defaults(&json, &effective).map(|(count, list)| Diagnostic {
            note: Some(list),
            ..about(
                document,
                &DEFAULTS,
                format!("pachd takes this spec, and fills in {count} of its fields by default"),
            )
        }),
    })
}

fn about(document: &Document, rule: &Rule, message: String) -> Diagnostic {
    Diagnostic {
        rule: rule.id,
        severity: rule.severity,
        message,
        primary: Label {
            span: place(&document.root),
            text: String::new(),
        },
        secondary: Vec::new(),
        note: None,
        help: None,
        fix: None,
    }
}

/// The pipeline's name, where it is; else where the spec begins.
fn place(root: &Node) -> Span {
    let member = |node: &'_ Node, name: &str| node.members().iter().position(|member| member.key.name == name);
    let pipeline = member(root, "pipeline").and_then(|at| root.members().get(at));
    let name = pipeline.and_then(|pipeline| {
        let at = member(&pipeline.value, "name")?;
        pipeline.value.members().get(at).map(|name| name.value.span)
    });
    name.unwrap_or(Span::at(root.span.start))
}

/// The server's words repeat all that was sent, and say after it what is wrong. The call's name in front is ours.
fn shortened(words: &str, sent: &str) -> String {
    let words = words.split_once(": ").map_or(words, |(_, words)| words);
    words.replace(sent, "…")
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

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut chars = part.chars();
        camel.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(chars.as_str());
    }
    camel
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

    #[test]
    fn a_refusal_is_told_without_the_spec_that_it_repeats() {
        let words =
            r#"CreatePipelineV2: could not parse {"a":1} as Create Pipeline Request message: unknown field "a""#;
        assert_eq!(
            shortened(words, r#"{"a":1}"#),
            r#"could not parse … as Create Pipeline Request message: unknown field "a""#
        );
    }
}

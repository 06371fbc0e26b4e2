//! What `validate --server` and `create -f` have in common: the pachd that is asked about specs, and what its refusals
//! mean for the file that a spec is in.

use std::sync::Arc;

use crate::cli::ServerArgs;
use crate::commands::server;
use crate::failure::Failure;
use crate::settings::contexts::camel;
use crate::settings::{Address, Server};
use crate::terminal::Terminal;
use pachyderm_client::Pachd;
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_lint::Rule;
use spoutctl_lint::diagnostic::{Diagnostic, Label};
use spoutctl_lint::server::REFUSED;
use spoutctl_lint::source::Span;
use spoutctl_lint::spec::strict::Sent;
use spoutctl_lint::spec::tree::{Document, Node};

/// The pachd to ask, through either of its doors. A store in a directory makes no pipelines, nor does a sidecar.
pub(super) fn open(args: &ServerArgs, terminal: &Terminal) -> Result<(Arc<dyn Pachd>, Server), Failure> {
    let server = server::find(args)?;
    if matches!(server.address, Address::Sidecar(_)) {
        return Err(Failure::new(Exit::Usage, "a sidecar makes no pipelines")
            .help("name the pachd itself: --pachd grpc://HOST:PORT"));
    }
    let Some(pachd) = server::pachd(&server, terminal)? else {
        return Err(Failure::new(Exit::Usage, "a store in a directory makes no pipelines")
            .help("name a pachd: --pachd grpc://HOST:PORT, http://HOST:PORT or https://HOST")
            .help("`spoutctl serve DIR` serves such a store as one: --pachd grpc://127.0.0.1:1659"));
    };
    Ok((pachd, server))
}

/// Why a pachd could not be asked.
pub(super) fn failure(heading: &str, fault: &Fault) -> Failure {
    let exit = if fault.is_passing() {
        Exit::Unavailable
    } else {
        Exit::Refused
    };
    let mut failure = Failure::new(exit, heading).detail(fault.to_string());
    failure.denied = (fault.kind == FaultKind::Denied).then(|| fault.message.clone());
    failure
}

/// A refusal as a finding, where the spec is to blame.
pub(super) fn refusal(document: &Document, sent: &Sent, words: &str) -> Diagnostic {
    Diagnostic {
        primary: Label {
            span: blamed(document, sent, words),
            text: String::new(),
        },
        ..about(
            document,
            &REFUSED,
            format!("pachd refuses this spec: {}", shortened(words, &sent.json)),
        )
    }
}

/// A finding about a whole spec: it is shown at the pipeline's name.
pub(super) fn about(document: &Document, rule: &Rule, message: String) -> Diagnostic {
    Diagnostic {
        rule: rule.id,
        severity: rule.severity,
        message,
        primary: Label {
            span: name_of(document),
            text: String::new(),
        },
        secondary: Vec::new(),
        note: None,
        help: None,
        fix: None,
    }
}

/// The pipeline's name, where it is; else where the spec begins.
fn name_of(document: &Document) -> Span {
    let root = &document.root;
    find(root, &["pipeline", "name"]).map_or(Span::at(root.span.start), |name| name.span)
}

/// What in the spec the words are about. They name a column of what was sent, or a thing, which is looked for where
/// things of its kind are.
fn blamed(document: &Document, sent: &Sent, words: &str) -> Span {
    let root = &document.root;
    let column = between(words, "(line 1:", ")").and_then(|column| column.parse().ok());
    if let Some(span) = column.and_then(|column| sent.place(column)) {
        return span;
    }
    let field = |path: &[&str]| find(root, path).map(|node| node.span);
    let found = if words.contains("ubernetes secret") {
        secret(root, words)
    } else if words.contains("project \"") {
        field(&["pipeline", "project", "name"])
    } else if words.contains("must not have an input") {
        field(&["input"])
    } else if words.contains("output branch") {
        field(&["output_branch"])
    } else {
        None
    };
    found.unwrap_or_else(|| name_of(document))
}

/// The secret that is missing, or its key.
fn secret(root: &Node, words: &str) -> Option<Span> {
    let (_, after) = words.split_once("ubernetes secret ")?;
    let name = after.split_whitespace().next()?;
    let secrets = find(root, &["transform", "secrets"])?.elements();
    let is_meant = |secret: &&Node| find(secret, &["name"]).and_then(Node::as_str) == Some(name);
    let part = if after.contains(" missing key ") { "key" } else { "name" };
    let secret = secrets.iter().find(is_meant)?;
    find(secret, &[part]).map(|node| node.span)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// A member's value, by the names on the way to it in `snake_case`; each may be written in camelCase. Of two the last
/// counts, as in what is sent.
pub(super) fn find<'a>(node: &'a Node, path: &[&str]) -> Option<&'a Node> {
    path.iter().try_fold(node, |node, name| {
        let mut members = node.members().iter().rev();
        let member = members.find(|member| member.key.name == *name || member.key.name == camel(name));
        member.map(|member| &member.value)
    })
}

/// The server's words repeat all that was sent, and say after it what is wrong. The call's name in front is ours.
fn shortened(words: &str, sent: &str) -> String {
    let words = words.split_once(": ").map_or(words, |(_, words)| words);
    words.replace(sent, "…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use spoutctl_lint::source::SourceFile;
    use spoutctl_lint::spec;
    use spoutctl_lint::spec::strict::to_json_with_places;

    #[test]
    fn a_refusal_is_told_without_the_spec_that_it_repeats() {
        let words =
            r#"CreatePipelineV2: could not parse {"a":1} as Create Pipeline Request message: unknown field "a""#;
        assert_eq!(
            shortened(words, r#"{"a":1}"#),
            r#"could not parse … as Create Pipeline Request message: unknown field "a""#
        );
    }

    #[test]
    fn a_refusal_is_shown_at_what_it_is_about() {
        let text = "pipeline: {name: events, project: {name: shop}}\nspout: {}\ninput: {pfs: {}}\noutput_branch: a.b\n\
                    transform:\n  image: 5\n  secrets:\n  - {name: other, key: a}\n  - {name: db, key: password, \
                    envVar: P}\n";
        let file = SourceFile::new("a.yaml", text);
        let parsed = spec::parse(&file);
        let sent = to_json_with_places(&parsed.documents[0].root);
        let image = sent.json.find('5').unwrap() + 1;
        for (words, place) in [
            (
                format!(
                    "could not parse {} as X: proto: (line 1:{image}): invalid value",
                    sent.json
                ),
                "5",
            ),
            ("missing Kubernetes secret db".to_owned(), "db"),
            ("Kubernetes secret db missing key password".to_owned(), "password"),
            ("missing Kubernetes secret unheard-of".to_owned(), "events"),
            ("get project by name: project \"shop\" not found".to_owned(), "shop"),
            (
                "spout pipelines (without a service) must not have an input".to_owned(),
                "{pfs: {}}",
            ),
            (
                "could not create/update output branch: name (a.b) invalid".to_owned(),
                "a.b",
            ),
            ("pipeline \"shop/events\" already exists".to_owned(), "events"),
            ("proto: (line 1:99999): what".to_owned(), "events"),
        ] {
            let found = refusal(&parsed.documents[0], &sent, &format!("CreatePipelineV2: {words}"));
            assert_eq!(file.slice(found.primary.span), place, "{words}");
        }
    }
}

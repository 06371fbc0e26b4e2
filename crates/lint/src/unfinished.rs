//! Files that are no specs yet: with the markers of a merge, or with templates in them.

use super::finding::{Finding, Findings};
use super::rule::{Rule, rule};
use super::version::Versions;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{SourceFile, Span};
use crate::spec::tree::{Node, Value};
use crate::spec::{Parsed, template};

const MERGE_CONFLICT: Rule = rule!("merge-conflict", "yaml", Error, Versions::ALL,
    summary: "markers of a merge that nobody has finished",
    why: "git writes both sides of a conflict into the file, between lines of `<`, `=` and `>`. Nothing can read such \
          a file, and what else is wrong with it is not looked at.",
    source: "git-merge(1), How conflicts are presented",
);
const TEMPLATE: Rule = rule!("template", "yaml", Info, Versions::ALL,
    summary: "a template in place of a value",
    why: "`{{ … }}`, `{% … %}`, `<% … %>` and `${NAME}` stand for something that another program writes there. pachctl \
          replaces nothing of it. Values with a template in them are not judged and never rewritten; everything else \
          is. Where the file cannot be read before it is rendered, that is an error: validate what comes out.",
    source: "https://helm.sh/docs/chart_template_guide/; envsubst(1)",
);

pub(super) const RULES: &[Rule] = &[MERGE_CONFLICT, TEMPLATE];

/// Says so when a merge is not finished. Then nothing else is worth saying.
pub(super) fn conflict(file: &SourceFile, findings: &mut Findings<'_>) -> bool {
    let text = file.text();
    let line = |mark: &str, from: usize| {
        let rest = text.get(from..)?;
        let is_first = from == 0 && rest.starts_with(mark);
        let at = if is_first {
            Some(0)
        } else {
            rest.find(&format!("\n{mark}")).map(|at| at + 1)
        };
        at.map(|at| from + at)
    };
    let Some(start) = line("<<<<<<< ", 0) else { return false };
    let Some(end) = line("=======", start).and_then(|middle| line(">>>>>>> ", middle)) else {
        return false;
    };
    findings.add(
        Finding::new(
            &MERGE_CONFLICT,
            Span::new(start, start + 7),
            "a merge is not finished here",
        )
        .also(Span::new(end, end + 7), "the other side ends here")
        .note("nothing can read the file, pachctl neither")
        .help("choose a side, or write what both mean, and delete the three markers"),
    );
    true
}

/// The templates of a file, and whether it can be read before they are replaced.
pub(super) struct Templates {
    spans: Vec<Span>,
    is_readable: bool,
}

/// Takes values with a template in them out of what is judged.
pub(super) fn templates(file: &SourceFile, parsed: &mut Parsed) -> Templates {
    let is_readable = parsed.templates.is_empty();
    let mut spans = parsed.templates.clone();
    let has_any =
        !is_readable || file.text().contains("{{") || file.text().contains("<%") || file.text().contains("${");
    if has_any {
        for document in &mut parsed.documents {
            mask(&mut document.root, false, &mut spans);
        }
        spans.sort_unstable();
        spans.dedup();
    }
    Templates { spans, is_readable }
}

/// Fields whose texts are for somebody else to read, who may well mean what looks like a template.
const FREE: [&str; 14] = [
    "annotations",
    "cmd",
    "description",
    "dockerfile",
    "env",
    "err_cmd",
    "errCmd",
    "err_stdin",
    "errStdin",
    "pod_patch",
    "podPatch",
    "pod_spec",
    "podSpec",
    "stdin",
];

fn mask(node: &mut Node, is_free: bool, spans: &mut Vec<Span>) {
    match &mut node.value {
        Value::String(text) => {
            let is_stand_in = text.value.contains(template::STAND_IN);
            if is_stand_in || !is_free && !template::find(&text.value).is_empty() {
                node.value = Value::Unreadable;
                spans.push(node.span);
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| mask(element, is_free, spans)),
        Value::Object(members) => {
            // Nobody knows what such a key will be.
            members.retain(|member| !member.key.name.contains(template::STAND_IN));
            for member in members {
                let is_free = is_free || FREE.contains(&member.key.name.as_str());
                mask(&mut member.value, is_free, spans);
            }
        }
        _ => {}
    }
}

impl Templates {
    pub(super) fn is_any(&self) -> bool {
        !self.spans.is_empty()
    }

    /// The file as it is stops every reader.
    pub(super) fn stop_readers(&self) -> bool {
        !self.is_readable
    }

    /// Says once that there are templates.
    pub(super) fn say(&self, findings: &mut Findings<'_>) {
        let Some(first) = self.spans.first() else { return };
        let finding = Finding::new(
            &TEMPLATE,
            *first,
            "this is a template, and what will be there is not judged",
        );
        findings.add(if self.is_readable {
            finding.note("pachctl replaces nothing: as it stands, this is the value")
        } else {
            finding
                .severity(Severity::Error)
                .note("pachctl cannot read the file before it is rendered")
                .help("render it first, and look at what comes out: … | spoutctl validate")
        });
    }

    /// Takes away fixes that would touch a template.
    pub(super) fn keep(&self, diagnostics: &mut [Diagnostic]) {
        let touches = |span: Span| {
            self.spans
                .iter()
                .any(|own| span.start < own.end && own.start < span.end)
        };
        for found in diagnostics {
            if found
                .fix
                .as_ref()
                .is_some_and(|fix| fix.edits.iter().any(|edit| touches(edit.span)))
            {
                found.fix = None;
            }
        }
    }
}

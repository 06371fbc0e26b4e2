//! Specs that a Jsonnet template gives. Nothing here evaluates; whoever does says what came of it.
//!
//! What is found has its place in the template, and no fix: what is written there makes more specs than this one.

use super::check::{Checked, check_with};
use super::finding::{Finding, Findings};
use super::options::{Expect, Options};
use super::rule::Rule;
use super::version::{Version, Versions};
use crate::diagnostic::Severity;
use crate::source::{SourceFile, Span};
use crate::spec::Parsed;
use crate::spec::tree::{Node, Value};
use spoutctl_fields::{Field, Kind, Message, SPEC};

/// `fixtures/specs/templates/<err|ok>/<rule>.jsonnet`
macro_rules! example {
    ($folder:literal, $id:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/specs/templates/",
            $folder,
            "/",
            $id,
            ".jsonnet"
        ))
    };
}

const SINCE_2_1: Versions = Versions::since(2, 1);

/// It cannot be evaluated.
pub const ERROR: Rule = Rule {
    summary: "a template that cannot be evaluated",
    why: "`pachctl create pipeline --jsonnet` sends the template to pachd, which evaluates it. What is wrong with \
          it is said there, and nothing is created. Here it may take 10 seconds of computing and 512 MiB of \
          memory.",
    bad: example!("err", "jsonnet-error"),
    good: example!("ok", "jsonnet-error"),
    source: "src/server/pps/server/api_server.go, RenderTemplate; go-jsonnet 0.20",
    ..Rule::plain("jsonnet-error", Severity::Error, Versions::ALL)
};

/// A parameter without a value.
pub const ARGUMENT: Rule = Rule {
    summary: "a template whose parameter has no value",
    why: "A template is a function: each of its parameters needs a value from `--arg name=value` of pachctl, or a \
          default. Here it is `--jsonnet-arg name=value`; values are always strings, and one that the template has \
          no parameter for is an error, too. In a directory a template without its arguments is only warned about.",
    bad: example!("err", "jsonnet-argument"),
    good: example!("ok", "jsonnet-argument"),
    source: "src/server/pps/server/api_server.go, RenderTemplate; run with pachctl 2.12",
    ..Rule::plain("jsonnet-argument", Severity::Error, SINCE_2_1)
};

/// An import of a file.
pub const IMPORT: Rule = Rule {
    summary: "a template that imports a file",
    why: "pachd evaluates the template and has none of the files beside it: `import not available`. Here files \
          below the template's own directory are imported, and `spoutctl create -f` sends what comes of it; with \
          pachctl, evaluate it first, and create what comes of that.",
    bad: example!("err", "jsonnet-import"),
    good: example!("ok", "jsonnet-import"),
    source: "run with pachctl 2.12",
    ..Rule::plain("jsonnet-import", Severity::Warning, SINCE_2_1)
};

/// What pachctl reads more narrowly when it is in a list.
pub const LIST: Rule = Rule {
    summary: "a template's list of specs with a value that pachctl takes in a single spec only",
    why: "Of a template that gives one spec pachctl takes names of enums, durations and numbers in quotes. Of one \
          that gives a list it reads each spec in another way, and refuses these: `json: cannot unmarshal string`. \
          The specs before it in the list are created already.",
    bad: example!("err", "jsonnet-list"),
    good: example!("ok", "jsonnet-list"),
    source: "run with pachctl 2.12",
    ..Rule::plain("jsonnet-list", Severity::Error, SINCE_2_1)
};

pub(super) const RULES: &[Rule] = &[ERROR, ARGUMENT, IMPORT, LIST];

/// What came of a template.
#[derive(Debug)]
pub struct Template {
    /// With places in the template.
    pub parsed: Parsed,
    /// It gives a list of specs.
    pub is_list: bool,
    /// What it imports, and where.
    pub imports: Vec<(Span, String)>,
}

/// Why nothing came of one.
#[derive(Debug)]
pub struct Failed {
    pub message: String,
    pub span: Span,
    /// The parameter that has no value.
    pub missing: Option<String>,
}

/// Says all that is wrong with a template and with what came of it.
#[must_use]
pub fn check(file: &SourceFile, outcome: &Result<Template, Failed>, options: &Options) -> Checked {
    let only = |finding: Finding| {
        let mut findings = Findings::new(options);
        findings.add(finding);
        Checked {
            diagnostics: findings.into_diagnostics(),
            ..Checked::default()
        }
    };
    let mut checked = match outcome {
        _ if !SINCE_2_1.contain(options.version) => {
            let message = format!(
                "pachctl {} takes no templates; 2.1 was the first that does",
                options.version
            );
            only(Finding::new(&ERROR, Span::at(0), message))
        }
        Ok(template) => check_with(file, &template.parsed, options, false, |findings| {
            template_itself(template, options.version, findings);
        }),
        Err(failed) => only(failure(failed, options.expect)),
    };
    for found in &mut checked.diagnostics {
        found.fix = None;
    }
    checked
}

fn template_itself(template: &Template, version: Version, findings: &mut Findings<'_>) {
    for (span, path) in &template.imports {
        let message = format!(
            "`{}` is imported, and pachd has no files to import",
            path.escape_debug()
        );
        findings.add(
            Finding::new(&IMPORT, *span, message)
                .note("pachctl create pipeline --jsonnet: import not available")
                .help("spoutctl create -f evaluates it here, and sends what comes of it"),
        );
    }
    if template.is_list {
        for document in &template.parsed.documents {
            narrow(&document.root, &SPEC, version, findings);
        }
    }
}

fn failure(failed: &Failed, expect: Expect) -> Finding {
    let Some(parameter) = &failed.missing else {
        return Finding::new(
            &ERROR,
            failed.span,
            format!("the template fails: {}", one_line(&failed.message)),
        );
    };
    let parameter = one_line(parameter);
    let finding = Finding::new(
        &ARGUMENT,
        failed.span,
        format!("parameter `{parameter}` of the template has no value"),
    );
    let finding = finding.help(format!("--jsonnet-arg {parameter}=VALUE, as --arg of pachctl"));
    match expect {
        Expect::Spout => finding,
        Expect::Any | Expect::Pipeline => finding
            .severity(Severity::Warning)
            .note("without it, nothing can be said of what comes of it"),
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Looks for what is refused in a list.
fn narrow(node: &Node, message: &'static Message, version: Version, findings: &mut Findings<'_>) {
    for member in node.members() {
        let Some(field) = message.field(&member.key.name) else {
            continue;
        };
        if !field.versions.contain(version) {
            continue;
        }
        let one = std::slice::from_ref(&member.value);
        let values = if field.repeated { member.value.elements() } else { one };
        for value in values {
            match field.kind {
                Kind::Message(inner) => narrow(value, inner, version, findings),
                _ => findings_of(field, value, findings),
            }
        }
    }
}

fn findings_of(field: &Field, value: &Node, findings: &mut Findings<'_>) {
    let Value::String(_) = value.value else { return };
    let what = match field.kind {
        Kind::Enum(_) => "the name of a value",
        Kind::Duration => "a duration",
        Kind::Int32 | Kind::Int64 | Kind::Uint64 | Kind::Float | Kind::Double | Kind::OptionalInt64 => {
            "a number in quotes"
        }
        _ => return,
    };
    let message = format!("{what} in `{}`, which pachctl refuses in a list of specs", field.name);
    findings.add(
        Finding::new(&LIST, value.span, message)
            .note("json: cannot unmarshal string into Go struct field")
            .help("spoutctl create -f takes it; for pachctl, let the template give one spec"),
    );
}

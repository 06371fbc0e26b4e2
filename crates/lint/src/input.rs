//! Rules about an input, which a spout has only beside a service of its own, and ordinary pipelines always.

use super::finding::{Finding, Findings};
use super::rule::{Rule, rule};
use super::version::Versions;
use super::view::{Fields, Spec};

const INPUT_S3: Rule = rule!("input-s3", Error, Versions::ALL,
    summary: "an S3 input that pachd cannot offer",
    why: "With `s3` the code reads an input through an S3 gateway, which shows a commit as a whole: the `glob` has to \
          be `/`, files can be neither `lazy` nor empty, and there is no such input in a join, a group or a union. \
          pachd refuses the spec otherwise.",
    source: "src/server/pps/server/api_server.go:136",
);

pub(super) const RULES: &[Rule] = &[INPUT_S3];

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    one(spec.root.message("input"), None, findings);
}

/// `within` is the kind of input that it is a part of, when that has a say.
fn one(input: Fields<'_>, within: Option<&'static str>, findings: &mut Findings<'_>) {
    s3(input.message("pfs"), within, findings);
    for kind in ["join", "group", "union", "cross"] {
        let within = if kind == "cross" { within } else { Some(kind) };
        for part in input.messages(kind) {
            one(part, within, findings);
        }
    }
}

fn s3(pfs: Fields<'_>, within: Option<&'static str>, findings: &mut Findings<'_>) {
    let Some(flag) = pfs.flag("s3") else { return };
    let glob = pfs.get("glob");
    let is_readable = glob.is_none_or(|glob| glob.value.as_str().is_some());
    let finding = if let Some(kind) = within {
        Finding::new(&INPUT_S3, flag.span(), format!("an S3 input cannot be in a {kind}")).note(format!(
            "pachd refuses the spec: S3 inputs in {kind} expressions are not supported"
        ))
    } else if glob.is_none_or(|glob| glob.value.as_str() != Some("/")) && is_readable && !pfs.has_like("glob") {
        Finding::new(
            &INPUT_S3,
            glob.map_or(flag.span(), |glob| glob.value.span),
            "an S3 input needs the glob `/`",
        )
        .also(flag.span(), "this makes it one")
        .note("pachd refuses the spec: inputs that set 's3' to 'true' must also set 'glob', to \"/\"")
        .help("write \"glob\": \"/\"")
    } else if let Some(other) = pfs.flag("lazy").or_else(|| pfs.flag("empty_files")) {
        Finding::new(
            &INPUT_S3,
            other.span(),
            "an S3 input has no files that this could be about",
        )
        .also(flag.span(), "this makes it one")
        .note("pachd refuses the spec: input cannot specify both")
        .help("delete it")
    } else {
        return;
    };
    findings.add(finding);
}

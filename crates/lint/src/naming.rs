//! Rules about names: what pachd takes for a name, and what Kubernetes then makes of it.

use std::collections::HashMap;

use super::edit;
use super::finding::{Finding, Findings};
use super::kubernetes::Refusal;
use super::kubernetes::names::RELAXED_SERVICES;
use super::rule::{Rule, rule};
use super::version::{Version, Versions};
use super::view::{Spec, Text, shown};
use crate::diagnostic::Safety;

const MISSING_PIPELINE_NAME: Rule = rule!("missing-pipeline-name", Error, Versions::ALL,
    summary: "a spec without `pipeline.name`",
    why: "A pipeline is known by its name, and so is the repo that it writes to. pachctl refuses a spec without one.",
    source: "src/internal/ppsutil/decoder.go:150; src/server/pps/server/api_server.go:1853",
);
const PIPELINE_NAME_CHARSET: Rule = rule!("pipeline-name-charset", Error, Versions::ALL,
    summary: "a name with other characters than letters, digits, `-` and `_`",
    why: "The name is also that of a repo, and `.`, `@`, `^` and `/` mean something in the name of a repo's commit. \
          pachd refuses the spec. A project of such a name cannot exist either.",
    source: "src/internal/ancestry/ancestry.go:76; src/pfs/pfs.go:217",
    fixable: Some(Safety::Unsafe),
);
const PIPELINE_NAME_START: Rule = rule!("pipeline-name-start", Error, Versions::ALL,
    summary: "a name that begins with `-` or `_`",
    why: "pachd refuses the spec: pipeline names must start with an alphanumeric character.",
    source: "src/server/pps/server/api_server.go:1942",
    fixable: Some(Safety::Unsafe),
);
const PIPELINE_NAME_LENGTH: Rule = rule!("pipeline-name-length", Error, Versions::ALL,
    summary: "a name too long for Kubernetes",
    why: "Kubernetes' names have at most 63 characters, and pachd makes them of the project, the name and the version. \
          Since 2.5 that leaves 51 for a pipeline in the project `default`, and less in a project of a longer name; \
          before, pachd took up to 63.",
    source: "src/server/pps/server/api_server.go:1861; src/internal/ppsutil/util.go:53",
);
const SPOUT_NAME_NOT_DNS: Rule = rule!("spout-name-not-dns", Error, Versions::ALL,
    summary: "a spout's name with `_` or an upper-case letter",
    why: "pachd accepts the name. Then it makes a Kubernetes secret for the spout with the name in it as it is \
          written, Kubernetes refuses that (a secret's name is lower-case letters, digits, `-` and `.`), and after \
          three attempts the pipeline fails. Ordinary pipelines have no such secret, so the same name works for them. \
          The same holds for the project's name since 2.5.",
    source: "src/server/pps/server/worker_rc.go:1005; run through Kubernetes' own validation, apimachinery 0.29",
    fixable: Some(Safety::Unsafe),
);
const NAME_TRAILING_DASH: Rule = rule!("name-trailing-dash", Error, Versions::ALL,
    summary: "a name that ends in `-` or `_`",
    why: "pachd accepts the name and writes it into a label of each of the pipeline's objects. The value of a label \
          has to end in a letter or a digit, so Kubernetes refuses the objects and the pipeline fails.",
    source: "src/server/pps/server/api_server.go:3715; run through Kubernetes' own validation, apimachinery 0.29",
    fixable: Some(Safety::Unsafe),
);
const PROJECT_STARTS_WITH_DIGIT: Rule = rule!("project-starts-with-digit", Error, Versions::since(2, 5),
    summary: "a project whose name begins with a digit",
    why: "Such a project can be made, but the names of its pipelines' services begin with it, and a service's name has \
          to begin with a letter before Kubernetes 1.36, which refuses the service, and the pipeline fails. Without \
          --kubernetes it is a warning.",
    source: "src/server/pps/server/worker_rc.go:1102; feature gate RelaxedServiceNameValidation; created on API \
             servers of 1.25.16 and 1.37.2",
);
const PROJECT_NAME_LENGTH: Rule = rule!("project-name-length", Error, Versions::since(2, 5),
    summary: "a project whose name is longer than pachd allows",
    why: "pachd makes no project whose name has more than 51 characters, so that there can be none, and refuses a \
          pipeline of a project that is not there.",
    source: "src/pfs/pfs.go:217-235",
);
const SERVICE_NAME_TOO_LONG: Rule = rule!("service-name-too-long", Error, Versions::ALL,
    summary: "a name that pachd accepts and that is too long for the pipeline's service",
    why: "Kubernetes' services have names of at most 63 characters. pachd makes one of the project, the name and the \
          version (`default-my-spout-v1`; up to 2.4 `pipeline-my-spout-v1`), and for a spout with a service of its own \
          another one with `-user` at its end. Kubernetes refuses what is longer, and the pipeline fails.",
    source: "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/; \
             src/server/pps/server/worker_rc.go:1156; created on API servers of 1.25.16 and 1.37.2",
);
const NAME_FAILS_LATER: Rule = rule!("name-fails-later", Warning, Versions::ALL,
    summary: "a name that is too long for the pipeline's service once its version has more digits",
    why: "The version of a pipeline is in the name of its service, and grows with each `update pipeline`. A name that \
          just fits in version 9 is too long in version 10, or in 100: Kubernetes refuses the service, and the \
          pipeline fails.",
    source: "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/; created on API servers of \
             1.25.16 and 1.37.2",
);

const PIPELINE_TWICE: Rule = rule!("pipeline-twice", Error, Versions::ALL,
    summary: "two specs of one name in a file",
    why: "pachctl creates the pipelines of a file one after the other. The second of one name is refused: the pipeline \
          already exists. With `update pipeline` it replaces the first at once.",
    source: "src/server/pps/pps.go:42; run with pachd 2.12",
);

pub(super) const RULES: &[Rule] = &[
    PIPELINE_TWICE,
    MISSING_PIPELINE_NAME,
    PIPELINE_NAME_CHARSET,
    PIPELINE_NAME_START,
    PIPELINE_NAME_LENGTH,
    SPOUT_NAME_NOT_DNS,
    NAME_TRAILING_DASH,
    PROJECT_STARTS_WITH_DIGIT,
    PROJECT_NAME_LENGTH,
    SERVICE_NAME_TOO_LONG,
    NAME_FAILS_LATER,
];

/// What a Kubernetes name may have at most.
const MOST: usize = 63;
/// What pachd takes for a project's name at most.
const MOST_OF_PROJECT: usize = MOST - "default-".len() - "-v99".len();
const PROJECTS: Version = Version::new(2, 5);

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    missing(spec, findings);
    if let Some(project) = spec.project().filter(|_| spec.version >= PROJECTS) {
        characters(spec, project, "project", findings);
        project_length(project, findings);
        let refusal = Refusal::Before(RELAXED_SERVICES);
        if project.value.starts_with(|c: char| c.is_ascii_digit())
            && let Some(severity) = refusal.severity(spec.kubernetes)
        {
            findings.add(
                Finding::new(
                    &PROJECT_STARTS_WITH_DIGIT,
                    project.span(),
                    format!("the name of project {} begins with a digit", shown(project.value)),
                )
                .severity(severity)
                .note(format!(
                    "pachd accepts it; {} refuses the pipeline's service, and the pipeline fails",
                    refusal.who()
                ))
                .help("use a project whose name begins with a letter"),
            );
        }
    }
    let Some(name) = spec.name() else { return };
    characters(spec, name, "pipeline", findings);
    // Too long a project leaves no name that is short enough.
    if spec
        .project()
        .is_none_or(|project| project.value.len() <= MOST_OF_PROJECT)
    {
        length(spec, name, findings);
    }
}

/// A project of that name cannot be made.
fn project_length(project: Text<'_>, findings: &mut Findings<'_>) {
    let long = project.value.len();
    if long > MOST_OF_PROJECT {
        findings.add(
            Finding::new(
                &PROJECT_NAME_LENGTH,
                project.span(),
                format!("the project's name has {long} characters, and {MOST_OF_PROJECT} is the most"),
            )
            .note("pachd has no such project, for it makes none of so long a name")
            .help("name a project that there is; `pachctl list project` shows them"),
        );
    }
}

fn missing(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let (root, pipeline) = (spec.root, spec.pipeline());
    let (span, message, missing) = match (root.get("pipeline"), pipeline.get("name")) {
        // A name at the top level is told where it belongs.
        _ if !spec.whole || root.find("name").is_some() || root.node().is_none() => return,
        (None, _) if root.find("pipeline").is_none() && root.has_like("pipeline") => return,
        (None, _) => {
            let span = root
                .find("pipeline")
                .map_or(spec.beginning(), |member| member.value.span);
            (span, "this spec has no `pipeline`", "`pipeline`")
        }
        (Some(member), None) if pipeline.node().is_some() && !pipeline.has_like("name") => {
            (member.key.span, "this pipeline has no name", "pipeline `name`")
        }
        (_, Some(name)) if name.value.as_str() == Some("") => {
            (name.value.span, "the name of this pipeline is empty", "pipeline `name`")
        }
        _ => return,
    };
    findings.add(
        Finding::new(&MISSING_PIPELINE_NAME, span, message)
            .note(format!("pachctl refuses the file: no {missing} specified"))
            .help("write \"pipeline\": {\"name\": \"my-spout\"}"),
    );
}

fn characters(spec: &Spec<'_>, name: Text<'_>, of: &str, findings: &mut Findings<'_>) {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let said = shown(name.value);
    let finding = if let Some(wrong) = name.value.chars().find(|c| !is_fine(*c)) {
        Finding::new(
            &PIPELINE_NAME_CHARSET,
            name.span(),
            format!(
                "the name of {of} {said} has {} in it",
                shown(wrong.encode_utf8(&mut [0; 4]))
            ),
        )
        .note("pachd refuses the spec: only alphanumeric characters, underscores, and dashes are allowed")
    } else if name.value.starts_with(['-', '_']) {
        Finding::new(
            &PIPELINE_NAME_START,
            name.span(),
            format!("the name of {of} {said} begins with neither a letter nor a digit"),
        )
        .note(format!(
            "pachd refuses the spec: {of} names must start with an alphanumeric character"
        ))
    } else if let Some(wrong) = name
        .value
        .chars()
        .find(|c| spec.spout && (*c == '_' || c.is_ascii_uppercase()))
    {
        let kind = if wrong == '_' { "`_`" } else { "an upper-case letter" };
        let secret = match (of, spec.project()) {
            ("project", _) => format!("spout-pachctl-secret-{}-…", name.value),
            (_, project) if spec.version >= PROJECTS => {
                format!(
                    "spout-pachctl-secret-{}-{}",
                    project.map_or("default", |project| project.value),
                    name.value
                )
            }
            _ => format!("spout-pachctl-secret-{}", name.value),
        };
        let cannot = if of == "project" { "run in project" } else { "be named" };
        Finding::new(
            &SPOUT_NAME_NOT_DNS,
            name.span(),
            format!("a spout cannot {cannot} {said}, which has {kind} in it"),
        )
        .note(format!(
            "pachd accepts it; Kubernetes refuses the secret {}, and the pipeline fails",
            shown(&secret)
        ))
    } else if name.value.ends_with(['-', '_']) {
        Finding::new(
            &NAME_TRAILING_DASH,
            name.span(),
            format!("the name of {of} {said} does not end in a letter or a digit"),
        )
        .note("pachd accepts it; Kubernetes refuses the label that holds it, and the pipeline fails")
    } else {
        return;
    };
    let better = better(name.value);
    findings.add(if better.is_empty() {
        finding.help("use letters, digits and `-`")
    } else if of == "project" {
        finding.help(format!("use a project of another name, such as `{better}`"))
    } else {
        let finding = finding.help(format!(
            "name it `{better}`; the repo that it writes to has the same name"
        ));
        finding.unsafe_fix(
            format!("name it `{better}`"),
            edit::reword(spec.file, name.node, &better),
        )
    });
}

/// The name with what no check objects to in place of all else.
fn better(name: &str) -> String {
    let fine = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let name: String = name.chars().map(fine).collect();
    name.trim_matches('-').to_owned()
}

/// How long a pipeline's name may be.
struct Lengths {
    /// For pachd.
    accepted: usize,
    /// For the longest service, in version 1; each digit of the version takes one.
    runs: usize,
}

fn lengths(spec: &Spec<'_>) -> Lengths {
    let project = spec.project().map_or("default".len(), |project| project.value.len());
    let has_service = spec.spout && spec.spout_service().is_some();
    let user = if has_service { "-user".len() } else { 0 };
    if spec.version >= PROJECTS {
        let versioned = MOST.saturating_sub(project + "-".len() + "-v99".len());
        Lengths {
            accepted: versioned.min(MOST - "default-".len() - "-v99".len()),
            runs: (versioned + "9".len()).saturating_sub(user),
        }
    } else {
        Lengths {
            accepted: MOST,
            runs: MOST - "pipeline-".len() - "-v1".len() - user,
        }
    }
}

fn length(spec: &Spec<'_>, name: Text<'_>, findings: &mut Findings<'_>) {
    let Lengths { accepted, runs } = lengths(spec);
    let long = name.value.len();
    let finding = if long > accepted {
        Finding::new(
            &PIPELINE_NAME_LENGTH,
            name.span(),
            format!("the pipeline's name has {long} characters, and {accepted} is the most here"),
        )
        .note("pachd refuses the spec: the name is longer than the max")
    } else if long > runs {
        Finding::new(
            &SERVICE_NAME_TOO_LONG,
            name.span(),
            format!("the pipeline's name has {long} characters, and {runs} is the most for its service"),
        )
        .note("pachd accepts it; Kubernetes refuses the pipeline's service, and the pipeline fails")
    } else if let Some(digits) = [1, 2].into_iter().find(|digits| long + digits > runs) {
        let version = if digits == 1 { 10 } else { 100 };
        Finding::new(
            &NAME_FAILS_LATER,
            name.span(),
            format!("the pipeline's name has {long} characters, which is too much from version {version} on"),
        )
        .note(format!(
            "up to version {} all is well; then Kubernetes refuses the pipeline's service, and the pipeline fails",
            version - 1
        ))
    } else {
        return;
    };
    let most = accepted.min(runs.saturating_sub(2));
    let project = spec.project().map_or(0, |project| project.value.len());
    let because = if spec.version >= PROJECTS && project > "default".len() {
        " (the project's name counts, too)"
    } else {
        ""
    };
    findings.add(finding.help(format!("use a name of at most {most} characters{because}")));
}

/// Looks for one name in several specs of a file.
pub(super) fn twice(specs: &[Spec<'_>], findings: &mut Findings<'_>) {
    let mut seen: HashMap<(&str, &str), Text<'_>> = HashMap::new();
    for spec in specs {
        let Some(name) = spec.name() else { continue };
        let project = spec.project().map_or("default", |project| project.value);
        if let Some(before) = seen.insert((project, name.value), name) {
            findings.add(
                Finding::new(
                    &PIPELINE_TWICE,
                    name.span(),
                    format!("this file has pipeline {} twice", shown(name.value)),
                )
                .also(before.span(), "it is here already")
                .note("pachd creates the first and refuses the second: pipeline already exists")
                .help("give one of them another name"),
            );
        }
    }
}

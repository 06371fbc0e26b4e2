//! Rules about the types of values, as protojson reads them: what is a number, a list, a duration.

use super::duration;
use super::edit;
use super::fields::{Enumeration, Field, Type};
use super::finding::{Finding, Findings};
use super::rule::{Rule, rule};
use super::version::{Version, Versions};
use super::view::{Spec, number, shown};
use crate::diagnostic::{Edit, Safety};
use crate::spec::tree::{Key, Member, Node, Value};

const WRONG_TYPE: Rule = rule!("wrong-type", Error, Versions::ALL,
    summary: "a value of another type than its field",
    why: "pachctl reads a spec by the types of its fields and refuses a file with a value of another type. Its message \
          counts columns in a text of its own, not in yours.",
    source: "protojson and gogo's jsonpb; run with pachctl 1.13.4 and 2.12",
    fixable: Some(Safety::Safe),
);
const ENV_VALUE_NOT_STRING: Rule = rule!("env-value-not-string", Error, Versions::ALL,
    summary: "a number, `true` or `null` as the value of an environment variable",
    why: "Values of `env` are strings, and neither pachctl nor pachd makes one of a number: the file is refused with \
          `invalid value for string type`. In YAML, `8080`, `1.5` and `true` are no strings until they are quoted.",
    source: "src/pps/pps.proto, Transform.env; run with pachctl 1.13.4 and 2.12",
    fixable: Some(Safety::Safe),
);
const CMD_NOT_LIST: Rule = rule!("cmd-not-list", Error, Versions::ALL,
    summary: "`cmd` or `stdin` as one string",
    why: "`cmd` is a list, a program and its arguments, and `stdin` is a list of lines. There is no shell that would take a \
          string apart, so pachctl refuses the file.",
    source: "src/pps/pps.proto, Transform.cmd and Transform.stdin; run with pachctl 1.13.4 and 2.12",
    fixable: Some(Safety::Unsafe),
);
const DURATION_FORMAT: Rule = rule!("duration-format", Error, Versions::ALL,
    summary: "a duration that this version cannot read",
    why: "Since 2.7 a duration is a number of seconds and the letter `s`, such as `600s` or `1.5s`. Before, it was whatever \
          Go reads, such as `10m` or `1h30m`, so old specs are refused by new versions.",
    source: "protojson's well-known types; Go's time.ParseDuration; run with pachctl 1.13.4 and 2.12",
    fixable: Some(Safety::Safe),
);
const DURATION_NEGATIVE: Rule = rule!("duration-negative", Warning, Versions::ALL,
    summary: "a time-out below zero",
    why: "No version looks at the sign of a duration, and no time-out below zero means anything.",
    source: "src/server/pps/server/api_server.go checks no duration",
);
const CPU_NOT_NUMBER: Rule = rule!("cpu-not-number", Error, Versions::ALL,
    summary: "`cpu` written as Kubernetes writes it",
    why: "In a pipeline spec `cpu` is a plain number of cores. `500m`, as in a pod, is refused; it is 0.5.",
    source: "src/pps/pps.proto, ResourceSpec.cpu; run with pachctl 1.13.4 and 2.12",
    fixable: Some(Safety::Unsafe),
);
const ENUM_VALUE: Rule = rule!("enum-value", Error, Versions::ALL,
    summary: "a value that is none of the field's names",
    why: "A toleration's `operator` and `effect` and an egress's file type are one of a few names, in capitals: \
          `NO_SCHEDULE`, where Kubernetes writes `NoSchedule`. Another name is refused. A number that stands for none of \
          them is accepted, and the pod cannot be made of it.",
    source: "src/pps/pps.proto; src/server/pps/server/worker_rc.go:973; run with pachctl 2.12",
    fixable: Some(Safety::Safe),
);
const PROJECT_NOT_OBJECT: Rule = rule!("project-not-object", Error, Versions::since(2, 5),
    summary: "a pipeline's project as a string",
    why: "`pipeline.project` is an object with a name, as the pipeline itself is. A string is refused.",
    source: "src/pps/pps.proto, Pipeline.project; run with pachctl 2.12",
    fixable: Some(Safety::Safe),
);

pub(super) const RULES: &[Rule] = &[
    WRONG_TYPE,
    ENV_VALUE_NOT_STRING,
    CMD_NOT_LIST,
    DURATION_FORMAT,
    DURATION_NEGATIVE,
    CPU_NOT_NUMBER,
    ENUM_VALUE,
    PROJECT_NOT_OBJECT,
];

/// Something else where a list belongs.
pub(super) fn not_a_list(spec: &Spec<'_>, field: &Field, member: &Member, findings: &mut Findings<'_>) {
    let (node, name) = (&member.value, shown(&member.key.name));
    let text = node
        .as_str()
        .filter(|_| matches!(field.name, "cmd" | "stdin" | "err_cmd" | "err_stdin"));
    let Some(text) = text else {
        let finding = wrong(
            member.value.span,
            format!("{name} is a list, and this is {}", what(node)),
            "a list",
            spec,
        );
        let is_single = matches!((&node.value, field.kind), (Value::String(_), Type::String));
        let fix =
            is_single.then(|| edit::replace(node.span, format!("[{}]", json_string(node.as_str().unwrap_or("")))));
        findings.add(finding.unsafe_fix("make a list of it", fix));
        return;
    };
    let is_command = field.name.ends_with("cmd");
    let list = if is_command && text.contains(|c: char| !c.is_ascii_alphanumeric() && !"._-/".contains(c)) {
        format!("[\"sh\", \"-c\", {}]", json_string(text))
    } else {
        format!("[{}]", json_string(text))
    };
    let what = if is_command {
        "a program and its arguments"
    } else {
        "the lines that go to the program"
    };
    findings.add(
        Finding::new(
            &CMD_NOT_LIST,
            node.span,
            format!("{name} is a list, {what}, and this is one string"),
        )
        .note(refused(spec.version, "a string where it expects a list"))
        .help(format!("write {list}"))
        .unsafe_fix("make a list of it", edit::replace(node.span, list)),
    );
}

/// A member of `env` and of other objects of strings.
pub(super) fn entry(spec: &Spec<'_>, field: &Field, member: &Member, findings: &mut Findings<'_>) {
    let node = &member.value;
    match &node.value {
        Value::String(_) | Value::Unreadable => {}
        Value::Null if is_null_a_string(spec.version) => {}
        _ if field.name == "env" => {
            let message = format!(
                "the value of {} is a string, and this is {}",
                shown(&member.key.name),
                what(node)
            );
            let finding = Finding::new(&ENV_VALUE_NOT_STRING, node.span, message).note(refused(
                spec.version,
                &format!("invalid value for string type: {}", spec.file.slice(node.span)),
            ));
            findings.add(match edit::quote(spec.file, node) {
                Some(edit) => finding
                    .help(format!("write {}", edit.replacement))
                    .safe_fix("put quotes round it", edit),
                None => finding.help("write a string; for none at all, leave the variable out"),
            });
        }
        _ => scalar(
            spec,
            &Field {
                kind: Type::String,
                ..*field
            },
            &member.key,
            node,
            findings,
        ),
    }
}

/// Whether `null` may stand for an empty string in a list or an object: jsonpb took it, protojson does not.
fn is_null_a_string(version: Version) -> bool {
    version < Version::new(2, 7)
}

/// A value that is to be of the field's type, once.
pub(super) fn scalar(spec: &Spec<'_>, field: &Field, key: &Key, node: &Node, findings: &mut Findings<'_>) {
    let name = shown(&key.name);
    match (field.kind, &node.value) {
        (_, Value::Unreadable)
        | (Type::Bool, Value::Bool(_))
        | (Type::String | Type::Timestamp, Value::String(_))
        | (Type::Opaque, Value::Object(_)) => {}
        (_, Value::Null) => {
            if !is_null_a_string(spec.version) {
                let message = format!("an element of {name} cannot be null");
                findings.add(
                    wrong(node.span, message, "a value", spec).help("delete it, or write \"\" for an empty string"),
                );
            }
        }
        (Type::Int32, _) => integer(spec, &name, node, i32::MIN.into()..=i32::MAX.into(), findings),
        (Type::Int64, _) => integer(spec, &name, node, i64::MIN.into()..=i64::MAX.into(), findings),
        (Type::Uint64, _) => integer(spec, &name, node, 0..=u64::MAX.into(), findings),
        (Type::Float, _) => float(spec, field, &name, node, findings),
        (Type::Duration, Value::String(text)) => time_out(spec, &name, node, &text.value, findings),
        (Type::Enum(names), _) => enumeration(spec, names, &name, node, findings),
        (Type::Message(_), Value::String(text)) if field.name == "project" => {
            let object = format!("{{\"name\": {}}}", json_string(&text.value));
            findings.add(
                Finding::new(
                    &PROJECT_NOT_OBJECT,
                    node.span,
                    "a project is an object with a name, and this is a string",
                )
                .note(refused(spec.version, "a string where it expects an object"))
                .help(format!("write {object}"))
                .safe_fix("make an object of it", edit::replace(node.span, object)),
            );
        }
        (kind, _) => other(spec, kind, field, &name, node, findings),
    }
}

/// What is of a wrong type in a plain way.
fn other(spec: &Spec<'_>, kind: Type, field: &Field, name: &str, node: &Node, findings: &mut Findings<'_>) {
    let wanted = wanted(kind);
    let finding = wrong(
        node.span,
        format!("{name} is {wanted}, and this is {}", what(node)),
        wanted,
        spec,
    );
    let is_plain = matches!(node.value, Value::Number(_) | Value::Bool(_));
    findings.add(match (kind, &node.value) {
        (Type::String, _) if is_plain => match edit::quote(spec.file, node) {
            Some(edit) => finding
                .help(format!("write {}", edit.replacement))
                .safe_fix("put quotes round it", edit),
            None => finding,
        },
        (Type::Bool, Value::String(text)) => match truth(&text.value) {
            Some(meant) => finding
                .help(format!("write {meant}"))
                .unsafe_fix(format!("write {meant}"), edit::replace(node.span, meant)),
            None => finding.help("write true or false"),
        },
        (Type::Message(_), Value::Bool(true)) if field.name == "spout" => finding
            .help("write {}")
            .unsafe_fix("write {}", edit::replace(node.span, "{}")),
        (Type::Message(_), Value::Array(elements)) if elements.is_empty() => finding
            .help("write {}")
            .unsafe_fix("write {}", edit::replace(node.span, "{}")),
        (Type::Duration, Value::Number(seconds)) => {
            let text = format!("\"{seconds}s\"");
            finding
                .help(format!("write {text}, if they are seconds"))
                .unsafe_fix(format!("write {text}"), edit::replace(node.span, text))
        }
        _ => finding,
    });
}

/// What YAML 1.1 would take for a boolean and pachctl does not.
fn truth(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Some("true"),
        "false" | "no" | "off" | "n" => Some("false"),
        _ => None,
    }
}

fn integer(
    spec: &Spec<'_>,
    name: &str,
    node: &Node,
    range: std::ops::RangeInclusive<i128>,
    findings: &mut Findings<'_>,
) {
    let written = match &node.value {
        Value::Number(written) => written,
        Value::String(text) => &text.value,
        _ => "",
    };
    let is_number = matches!(node.value, Value::Number(_));
    if is_number && !is_json_number(written) {
        return; // of YAML's making, and reported as such
    }
    let finding = match whole(written).filter(|_| is_json_number(written)) {
        Some(value) if range.contains(&value) => return,
        Some(_) if *range.start() == 0 && written.starts_with('-') => wrong(
            node.span,
            format!("{name} cannot be below zero"),
            "a whole number",
            spec,
        ),
        Some(_) => wrong(
            node.span,
            format!("{name} cannot be as large as this"),
            "a smaller number",
            spec,
        ),
        None => {
            let this = if is_number { "a fraction" } else { what(node) };
            wrong(
                node.span,
                format!("{name} is a whole number, and this is {this}"),
                "a whole number",
                spec,
            )
        }
    };
    findings.add(finding);
}

/// The number that is written, if it is whole: `3`, `1.0` and `1e1` are.
fn whole(written: &str) -> Option<i128> {
    if let Ok(value) = written.parse() {
        return Some(value);
    }
    let value: f64 = written
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite() && value.fract() == 0.0)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it saturates, which is far out of every field's range"
    )]
    Some(value as i128)
}

fn is_json_number(written: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = written.strip_prefix('-').unwrap_or(written);
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_canonical = integer == "0" || !integer.starts_with('0');
    digits(integer) && is_canonical && digits(fraction) && digits(exponent.trim_start_matches(['+', '-']))
}

fn float(spec: &Spec<'_>, field: &Field, name: &str, node: &Node, findings: &mut Findings<'_>) {
    let Value::String(text) = &node.value else {
        if !matches!(node.value, Value::Number(_)) {
            findings.add(wrong(
                node.span,
                format!("{name} is a number, and this is {}", what(node)),
                "a number",
                spec,
            ));
        }
        return;
    };
    if is_json_number(&text.value) || matches!(text.value.as_str(), "NaN" | "Infinity" | "-Infinity") {
        return;
    }
    if field.name != "cpu" {
        findings.add(wrong(
            node.span,
            format!("{name} is a number, and this is a string"),
            "a number",
            spec,
        ));
        return;
    }
    let cores = cores(&text.value);
    let finding = Finding::new(
        &CPU_NOT_NUMBER,
        node.span,
        format!("`cpu` is a number of cores, and {} is none", shown(&text.value)),
    )
    .note(refused(spec.version, "invalid value for float type"));
    findings.add(match cores {
        Some(cores) => finding
            .help(format!("write {cores}"))
            .unsafe_fix(format!("write {cores}"), edit::replace(node.span, cores)),
        None => finding.help("write a number such as 0.5 or 2"),
    });
}

/// `500m`, a thousand of which are a core, as a number of cores.
fn cores(text: &str) -> Option<String> {
    let thousandths: u32 = text.trim().strip_suffix('m')?.parse().ok()?;
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

fn time_out(spec: &Spec<'_>, name: &str, node: &Node, text: &str, findings: &mut Findings<'_>) {
    let is_seconds_only = spec.version >= Version::new(2, 7);
    let is_read = if is_seconds_only {
        duration::is_seconds(text)
    } else {
        duration::seconds(text).is_some()
    };
    if is_read {
        if text.starts_with('-') && duration::seconds(text).is_some_and(|seconds| seconds != "-0" && seconds != "0") {
            findings.add(
                Finding::new(&DURATION_NEGATIVE, node.span, format!("{name} is below zero"))
                    .note("pachd takes it as it is; no version looks at the sign")
                    .help("write a duration above zero, or leave it out for none"),
            );
        }
        return;
    }
    let message = format!(
        "{} is no duration that Pachyderm {} can read",
        shown(text),
        spec.version
    );
    let finding = Finding::new(&DURATION_FORMAT, node.span, message).note(refused(
        spec.version,
        &format!("invalid duration value \"{}\"", shown(text).trim_matches('`')),
    ));
    let seconds = duration::seconds(text)
        .map(|seconds| format!("\"{seconds}s\""))
        .filter(|_| is_seconds_only);
    findings.add(match seconds {
        Some(seconds) => finding
            .label("since 2.7 in seconds only")
            .help(format!("write {seconds}"))
            .safe_fix(format!("write {seconds}"), edit::replace(node.span, seconds)),
        None if is_seconds_only => finding.help("write a number of seconds and `s`, such as \"600s\" or \"1.5s\""),
        None => finding.help("write a number and a unit, such as \"10m\", \"1h30m\" or \"500ms\""),
    });
}

fn enumeration(spec: &Spec<'_>, names: &Enumeration, name: &str, node: &Node, findings: &mut Findings<'_>) {
    let one_of = names
        .values
        .iter()
        .map(|value| format!("`{value}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let finding = match &node.value {
        Value::String(text) if names.values.contains(&text.value.as_str()) => return,
        Value::Number(_) => match number(node) {
            Some(index) if (0..names.values.len()).any(|known| (index - known as f64).abs() < 0.5) => return,
            _ => Finding::new(&ENUM_VALUE, node.span, format!("{name} has no value of this number"))
                .note("pachd accepts it; the pod that it is for cannot be made"),
        },
        Value::String(text) => {
            let plain = |text: &str| text.replace('_', "").to_ascii_lowercase();
            let meant = names.values.iter().find(|value| plain(value) == plain(&text.value));
            let finding = Finding::new(
                &ENUM_VALUE,
                node.span,
                format!("{name} has no value {}", shown(&text.value)),
            )
            .note(refused(spec.version, "invalid value for enum type"));
            let fix: Option<Edit> = meant.and_then(|meant| edit::reword(spec.file, node, meant));
            match meant {
                Some(meant) => {
                    findings.add(
                        finding
                            .help(format!("write `{meant}`"))
                            .safe_fix(format!("write `{meant}`"), fix),
                    );
                    return;
                }
                None => finding,
            }
        }
        _ => wrong(
            node.span,
            format!("{name} is one of a few names, and this is {}", what(node)),
            "a name",
            spec,
        ),
    };
    findings.add(finding.help(format!("write one of {one_of}")));
}

fn wrong(span: crate::source::Span, message: String, wanted: &str, spec: &Spec<'_>) -> Finding {
    Finding::new(&WRONG_TYPE, span, message)
        .label(format!("{wanted} belongs here"))
        .note(refused(spec.version, "a value of another type"))
}

fn refused(version: Version, why: &str) -> String {
    let program = if version.is_1() { "pachctl" } else { "pachctl and pachd" };
    let verb = if version.is_1() { "refuses" } else { "refuse" };
    format!("{program} {verb} the spec: {why}")
}

/// What a type is, as somebody would say it.
fn wanted(kind: Type) -> &'static str {
    match kind {
        Type::Bool => "true or false",
        Type::String | Type::Enum(_) => "a string",
        Type::Int32 | Type::Int64 | Type::Uint64 => "a whole number",
        Type::Float => "a number",
        Type::Duration => "a duration in a string",
        Type::Timestamp => "a time in a string",
        Type::Strings | Type::Message(_) | Type::Opaque => "an object",
    }
}

fn what(node: &Node) -> &'static str {
    match &node.value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
        Value::Unreadable => "unreadable",
    }
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

//! Rules about the types of values, as protojson reads them: what is a number, a list, a duration.

use std::ops::RangeInclusive;

use super::command;
use super::duration;
use super::edit;
use super::finding::{Finding, Findings};
use super::likeness::listed;
use super::rule::{Rule, rule};
use super::version::{Version, Versions};
use super::view::{Spec, number_before, shown};
use crate::diagnostic::{Safety, Severity};
use crate::spec::scalar::to_json_number;
use crate::spec::tree::{Key, Member, Node, Value};
use spoutctl_fields::{Enumeration, Field, Kind};

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
    why: "`cmd` is a list, a program and its arguments, and `stdin` is a list of lines. There is no shell that would \
          take a string apart, so pachctl refuses the file.",
    source: "src/pps/pps.proto, Transform.cmd and Transform.stdin; run with pachctl 1.13.4 and 2.12",
    fixable: Some(Safety::Unsafe),
);
const DURATION_FORMAT: Rule = rule!("duration-format", Error, Versions::ALL,
    summary: "a duration that this version cannot read",
    why: "Since 2.7 a duration is a number of seconds and the letter `s`, such as `600s` or `1.5s`. Before, it was \
          whatever Go reads, such as `10m` or `1h30m`, so old specs are refused by new versions.",
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
const NUMBER_CUT_SHORT: Rule = rule!("number-cut-short", Warning, Versions::since(2, 7),
    summary: "a number in a string, with something after it",
    why: "A number may be written as a string. pachd reads the number that the string begins with and does not look at \
          the rest: `\"1,5\"` is 1.",
    source: "google.golang.org/protobuf, encoding/protojson; run with pachd 2.12",
);
const ENUM_VALUE: Rule = rule!("enum-value", Error, Versions::ALL,
    summary: "a value that is none of the field's names",
    why: "A toleration's `operator` and `effect` and an egress's file type are one of a few names, in capitals: \
          `NO_SCHEDULE`, where Kubernetes writes `NoSchedule`. Another name is refused. A number that stands for none \
          of them is accepted, and taken as if nothing were there.",
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
    NUMBER_CUT_SHORT,
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
    if let Some(text) = node
        .as_str()
        .filter(|_| ["cmd", "stdin", "err_cmd", "err_stdin"].contains(&field.name))
    {
        findings.add(not_a_list_of_words(spec, field, &name, node, text));
        return;
    }
    let written = spec.file.slice(node.span);
    let is_on_one_line = !written.contains('\n') && !matches!(node.value, Value::Null | Value::Unreadable);
    let is_block = matches!(node.value, Value::Object(_)) && !written.starts_with('{');
    let list = format!("[{written}]");
    let finding = wrong(spec, node, &name, "a list", None);
    findings.add(if is_on_one_line && !is_block {
        let finding = finding.help(format!("write {}", shown(&list)));
        finding.unsafe_fix("make a list of it", edit::rewrite(spec.file, node, list))
    } else {
        finding.help("make it the only element of a list")
    });
}

/// `null` for a list or an object of strings. Since pachd merges defaults into a spec it wants the real thing.
pub(super) fn null_for_many(spec: &Spec<'_>, field: &Field, member: &Member, findings: &mut Findings<'_>) {
    if spec.version < Version::new(2, 8) {
        return;
    }
    let (wanted, go, empty) = if field.repeated {
        ("a list", "[]any", "[]")
    } else {
        ("an object", "map[string]any", "{}")
    };
    let message = format!("{} has to be {wanted}, and this is null", shown(&member.key.name));
    findings.add(
        Finding::new(&WRONG_TYPE, member.value.span, message)
            .note(format!(
                "pachd refuses the spec: could not make effective spec: expected {go}; got <nil>"
            ))
            .help(format!("delete it, or write {}", shown(empty))),
    );
}

/// A command line, or the lines of a script, as one string.
fn not_a_list_of_words(spec: &Spec<'_>, field: &Field, name: &str, node: &Node, text: &str) -> Finding {
    let (what, list) = if field.name.ends_with("cmd") {
        ("a program and its arguments", command::as_list(text))
    } else {
        ("the lines that go to the program", format!("[{}]", json_string(text)))
    };
    let message = format!("{name} has to be a list, {what}, and this is one string");
    Finding::new(&CMD_NOT_LIST, node.span, message)
        .note(refused(spec, node, None))
        .help(format!("write {}", shown(&list)))
        .unsafe_fix("make a list of it", edit::rewrite(spec.file, node, list))
}

/// A member of `env` and of other objects of strings.
pub(super) fn entry(spec: &Spec<'_>, field: &Field, member: &Member, findings: &mut Findings<'_>) {
    let node = &member.value;
    match &node.value {
        Value::String(_) | Value::Unreadable => {}
        Value::Null if is_null_a_string(spec.version) => {}
        _ if field.name == "env" => {
            let name = shown(&member.key.name);
            let message = format!("the value of {name} has to be a string, and this is {}", what(node));
            let finding =
                Finding::new(&ENV_VALUE_NOT_STRING, node.span, message).note(refused(spec, node, Some("string")));
            findings.add(match edit::quote(spec.file, node) {
                Some(edit) => finding
                    .help(format!("write {}", edit.replacement))
                    .safe_fix("put quotes round it", edit),
                None => finding.help("write a string; for none at all, leave the variable out"),
            });
        }
        _ => {
            let field = Field {
                kind: Kind::String,
                ..*field
            };
            scalar(spec, &field, &member.key, node, findings);
        }
    }
}

/// Whether `null` may stand for an empty string in a list or an object: jsonpb took it, protojson does not.
fn is_null_a_string(version: Version) -> bool {
    version < Version::new(2, 7)
}

/// A value that is to be of the field's type, once.
pub(super) fn scalar(spec: &Spec<'_>, field: &Field, key: &Key, node: &Node, findings: &mut Findings<'_>) {
    if let (Kind::Bool, Value::Bool(_)) | (Kind::String, Value::String(_)) = (field.kind, &node.value) {
        return; // as nearly all are
    }
    let mut name = shown(&key.name);
    if field.repeated {
        name.insert_str(0, "an element of ");
    }
    if minus_zero(spec, node, findings) {
        return;
    }
    match (field.kind, &node.value) {
        (_, Value::Unreadable) | (Kind::Timestamp, Value::String(_)) | (Kind::Internal(_), Value::Object(_)) => {}
        (_, Value::Null) if is_null_a_string(spec.version) => {}
        (_, Value::Null) => {
            let wanted = wanted(field.kind);
            findings.add(wrong(spec, node, &name, wanted, proto(field.kind)).help("delete it, or write what is meant"));
        }
        (Kind::Int32, _) => integer(spec, field, &name, node, i32::MIN.into()..=i32::MAX.into(), findings),
        (Kind::Int64 | Kind::OptionalInt64, _) => {
            integer(spec, field, &name, node, i64::MIN.into()..=i64::MAX.into(), findings);
        }
        (Kind::Uint64, _) => integer(spec, field, &name, node, 0..=u64::MAX.into(), findings),
        (Kind::Float | Kind::Double, _) => float(spec, field, &name, node, findings),
        (Kind::Duration, Value::String(text)) => time_out(spec, &name, node, &text.value, findings),
        (Kind::Enum(names), _) => enumeration(spec, names, &name, node, findings),
        (Kind::Message(_), Value::String(text)) if field.name == "project" => {
            let object = format!("{{\"name\": {}}}", json_string(&text.value));
            findings.add(
                Finding::new(
                    &PROJECT_NOT_OBJECT,
                    node.span,
                    "a project has to be an object with a name, and this is a string",
                )
                .note(refused(spec, node, None))
                .help(format!("write {object}"))
                .safe_fix("make an object of it", edit::rewrite(spec.file, node, object)),
            );
        }
        _ => other(spec, field, &name, node, findings),
    }
}

/// Since 2.8 pachctl takes whole numbers of one form only, in which there is no `-0`.
fn minus_zero(spec: &Spec<'_>, node: &Node, findings: &mut Findings<'_>) -> bool {
    let is_refused = spec.version >= Version::new(2, 8) && node.value == Value::Number("-0".to_owned());
    if is_refused {
        findings.add(
            Finding::new(&WRONG_TYPE, node.span, "pachctl knows no `-0`")
                .note("pachctl refuses the file: integer value \"-0\" does not match regexp")
                .help("write 0")
                .safe_fix("write 0", edit::rewrite(spec.file, node, "0")),
        );
    }
    is_refused
}

/// What is of a wrong type in a plain way.
fn other(spec: &Spec<'_>, field: &Field, name: &str, node: &Node, findings: &mut Findings<'_>) {
    let finding = wrong(spec, node, name, wanted(field.kind), proto(field.kind));
    let is_plain = matches!(node.value, Value::Number(_) | Value::Bool(_));
    let write = |finding: Finding, text: &str| {
        let fix = edit::rewrite(spec.file, node, text);
        finding
            .help(format!("write {text}"))
            .unsafe_fix(format!("write {text}"), fix)
    };
    findings.add(match (field.kind, &node.value) {
        (Kind::String, _) if is_plain => match edit::quote(spec.file, node) {
            Some(edit) => finding
                .help(format!("write {}", edit.replacement))
                .safe_fix("put quotes round it", edit),
            None => finding,
        },
        (Kind::Bool, Value::String(text)) => match truth(&text.value) {
            Some(meant) => write(finding, meant),
            None => finding.help("write true or false"),
        },
        (Kind::Message(_), Value::Bool(true)) if field.name == "spout" => write(finding, "{}"),
        (Kind::Message(_), Value::Array(elements)) if elements.is_empty() => write(finding, "{}"),
        (Kind::Duration, Value::Number(seconds)) => {
            let text = format!("\"{seconds}s\"");
            finding
                .help(format!("write {text}, if these are seconds"))
                .unsafe_fix(format!("write {text}"), edit::rewrite(spec.file, node, text))
        }
        (Kind::Message(inner), _) => finding.help(format!("write an object; {}", listed(inner, spec.version))),
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
    field: &Field,
    name: &str,
    node: &Node,
    range: RangeInclusive<i128>,
    findings: &mut Findings<'_>,
) {
    let written = match &node.value {
        Value::Number(written) => written,
        Value::String(text) => &text.value,
        _ => "",
    };
    let is_number = matches!(node.value, Value::Number(_));
    let is_odd = is_number && !is_json_number(written) && !is_pointed(written);
    let resolved = to_json_number(written).filter(|_| is_number);
    if is_odd && (resolved.is_none() || spec.version >= Version::new(2, 8)) {
        return; // of YAML's making, and reported as such
    }
    let written = resolved.as_deref().unwrap_or(written);
    let is_read = is_json_number(written);
    if !is_number && cut_short(spec, name, node, findings) {
        return;
    }
    let message = match whole(written).filter(|_| is_read) {
        Some(value) if range.contains(&value) => return,
        Some(_) if *range.start() == 0 && written.starts_with('-') => format!("{name} cannot be below zero"),
        Some(_) => format!("{name} cannot be as large as this"),
        None if is_number => format!("{name} has to be a whole number, and this is a fraction"),
        None => format!("{name} has to be a whole number, and this is {}", what(node)),
    };
    findings.add(
        Finding::new(&WRONG_TYPE, node.span, message)
            .label("a whole number belongs here")
            .note(refused(spec, node, proto(field.kind))),
    );
}

/// A string that begins with a number, of which pachd takes no more than that.
fn cut_short(spec: &Spec<'_>, name: &str, node: &Node, findings: &mut Findings<'_>) -> bool {
    let text = node.as_str().unwrap_or_default();
    let number = number_before(text).filter(|number| is_json_number(number) && spec.version >= Version::new(2, 7));
    if let Some(number) = number {
        findings.add(
            Finding::new(
                &NUMBER_CUT_SHORT,
                node.span,
                format!("pachd reads {} as {number}", shown(text)),
            )
            .note(format!(
                "it reads a number, and does not look at what follows: {name} is {number}"
            ))
            .help("write a number alone, with a point before its fraction"),
        );
    }
    number.is_some()
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
    let mantissa = written.split(['e', 'E']).next().unwrap_or_default();
    if value == 0.0 && mantissa.contains(|c: char| ('1'..='9').contains(&c)) {
        return None; // too small to be told from nothing, and a fraction
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it saturates, which is far out of every field's range"
    )]
    Some(value as i128)
}

/// YAML's `.5`, which pachctl writes as JSON does.
fn is_pointed(written: &str) -> bool {
    let rest = written.strip_prefix('-').unwrap_or(written).strip_prefix('.');
    rest.is_some_and(|rest| is_json_number(&format!("0.{rest}")))
}

fn is_json_number(written: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = written.strip_prefix('-').unwrap_or(written);
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_canonical = integer == "0" || !integer.starts_with('0');
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    digits(integer) && is_canonical && digits(fraction) && digits(exponent)
}

/// Whether a number is larger than any that the field can hold.
fn is_beyond(kind: Kind, written: &str) -> bool {
    let is_endless = match kind {
        Kind::Float => written.parse::<f32>().is_ok_and(f32::is_infinite),
        _ => written.parse::<f64>().is_ok_and(f64::is_infinite),
    };
    is_endless && is_json_number(written)
}

fn too_large(spec: &Spec<'_>, node: &Node, name: &str, field: &Field) -> Finding {
    Finding::new(&WRONG_TYPE, node.span, format!("{name} cannot be as large as this")).note(refused(
        spec,
        node,
        proto(field.kind),
    ))
}

fn float(spec: &Spec<'_>, field: &Field, name: &str, node: &Node, findings: &mut Findings<'_>) {
    let text = match &node.value {
        Value::Number(written) => {
            if is_beyond(field.kind, written) {
                findings.add(too_large(spec, node, name, field));
            }
            return;
        }
        Value::String(text) => text.value.as_str(),
        _ => {
            findings.add(wrong(spec, node, name, "a number", proto(field.kind)));
            return;
        }
    };
    if cut_short(spec, name, node, findings) {
        return;
    }
    if is_beyond(field.kind, text) {
        findings.add(too_large(spec, node, name, field));
        return;
    }
    let is_endless = matches!(text, "NaN" | "Infinity" | "-Infinity");
    if is_json_number(text) || (is_endless && field.name != "cpu") {
        return;
    }
    if field.name != "cpu" {
        findings.add(wrong(spec, node, name, "a number", proto(field.kind)));
        return;
    }
    let message = format!("`cpu` has to be a number of cores, and {} is none", shown(text));
    let outcome = if is_endless {
        "pachd takes it, writes a line to its log, and goes without the amount".to_owned()
    } else {
        refused(spec, node, proto(field.kind))
    };
    let finding = Finding::new(&CPU_NOT_NUMBER, node.span, message).note(outcome);
    findings.add(match cores(text) {
        Some(cores) => finding
            .help(format!("write {cores}"))
            .unsafe_fix(format!("write {cores}"), edit::rewrite(spec.file, node, cores)),
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
    let seconds = duration::seconds(text);
    let is_read = if is_seconds_only {
        duration::is_seconds(text)
    } else {
        seconds.is_some()
    };
    if is_read {
        if text.starts_with('-') && seconds.is_some_and(|seconds| seconds != "-0") {
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
    let finding = Finding::new(&DURATION_FORMAT, node.span, message).note(if is_seconds_only {
        let text = shown(text);
        format!(
            "pachctl refuses the file: invalid google.protobuf.Duration value \"{}\"",
            text.trim_matches('`')
        )
    } else {
        "pachctl refuses the file".to_owned()
    });
    let seconds = seconds
        .map(|seconds| format!("\"{seconds}s\""))
        .filter(|_| is_seconds_only);
    findings.add(match seconds {
        Some(seconds) => finding
            .label("since 2.7 in seconds only")
            .help(format!("write {seconds}"))
            .safe_fix(format!("write {seconds}"), edit::rewrite(spec.file, node, seconds)),
        None if is_seconds_only => finding.help("write a number of seconds and `s`, such as \"600s\" or \"1.5s\""),
        None => finding.help("write a number and a unit, such as \"10m\", \"1h30m\" or \"500ms\""),
    });
}

fn enumeration(spec: &Spec<'_>, names: &Enumeration, name: &str, node: &Node, findings: &mut Findings<'_>) {
    let finding = match &node.value {
        Value::String(text) if names.values.contains(&text.value.as_str()) => return,
        Value::String(text) => {
            let plain = |text: &str| text.replace('_', "").to_ascii_lowercase();
            let meant = names.values.iter().find(|value| plain(value) == plain(&text.value));
            let finding = Finding::new(
                &ENUM_VALUE,
                node.span,
                format!("{name} has no value {}", shown(&text.value)),
            )
            .note(refused(spec, node, Some("enum")));
            if let Some(meant) = meant {
                let fix = edit::reword(spec.file, node, meant);
                findings.add(
                    finding
                        .help(format!("write `{meant}`"))
                        .safe_fix(format!("write `{meant}`"), fix),
                );
                return;
            }
            finding
        }
        Value::Number(written) => match whole(written).and_then(|number| i32::try_from(number).ok()) {
            None => wrong(spec, node, name, "a name", Some("enum")),
            Some(number) if usize::try_from(number).is_ok_and(|at| at < names.values.len()) => return,
            Some(_) => Finding::new(&ENUM_VALUE, node.span, format!("{name} has no value of this number"))
                .severity(Severity::Warning)
                .note("pachd accepts it, and takes it as if nothing were there"),
        },
        _ => wrong(spec, node, name, "a name", Some("enum")),
    };
    let one_of: Vec<_> = names.values.iter().map(|value| format!("`{value}`")).collect();
    findings.add(finding.help(format!("write one of {}", one_of.join(", "))));
}

/// `name` and what belongs there; `proto` is how protojson calls the type, if it is one of its plain ones.
fn wrong(spec: &Spec<'_>, node: &Node, name: &str, wanted: &str, proto: Option<&str>) -> Finding {
    let message = format!("{name} has to be {wanted}, and this is {}", what(node));
    Finding::new(&WRONG_TYPE, node.span, message)
        .label(format!("{wanted} belongs here"))
        .note(refused(spec, node, proto))
}

/// What pachctl says of a value; jsonpb, before 2.7, had other words.
fn refused(spec: &Spec<'_>, node: &Node, proto: Option<&str>) -> String {
    let refused = "pachctl refuses the file";
    let written = match &node.value {
        Value::Null => "null".to_owned(),
        Value::Array(_) => "[".to_owned(),
        Value::Object(_) => "{".to_owned(),
        Value::String(text) => format!("\"{}\"", shown(&text.value).trim_matches('`')),
        _ => shown(spec.file.slice(node.span)).trim_matches('`').to_owned(),
    };
    match proto {
        _ if spec.version < Version::new(2, 7) => refused.to_owned(),
        Some(proto) => format!("{refused}: invalid value for {proto} type: {written}"),
        None => format!("{refused}: unexpected token {written}"),
    }
}

fn proto(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Bool => "bool",
        Kind::String => "string",
        Kind::Int32 => "int32",
        Kind::Int64 | Kind::OptionalInt64 => "int64",
        Kind::Uint64 => "uint64",
        Kind::Float | Kind::Double => "float",
        Kind::Enum(_) => "enum",
        _ => return None,
    })
}

/// What a type is, as somebody would say it.
fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "true or false",
        Kind::String | Kind::Enum(_) => "a string",
        Kind::Int32 | Kind::Int64 | Kind::OptionalInt64 | Kind::Uint64 => "a whole number",
        Kind::Float | Kind::Double => "a number",
        Kind::Duration => "a duration in a string",
        Kind::Timestamp => "a time in a string",
        Kind::Strings | Kind::Message(_) | Kind::Internal(_) => "an object",
    }
}

fn what(node: &Node) -> &'static str {
    match &node.value {
        Value::Null => "null",
        Value::Bool(true) => "`true`",
        Value::Bool(false) => "`false`",
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

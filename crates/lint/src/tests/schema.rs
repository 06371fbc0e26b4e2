//! The schema and the linter, held against each other.

use jsonschema::Validator;
use proptest::prelude::*;

use super::*;
use crate::schema::schema;
use serde_json::json;
use spoutctl_fields::{Field, Kind, Message, SPEC};

/// What a schema can say as well as the linter. Everything else that is an error, only the linter finds.
const SAYABLE: &[&str] = &[
    "cmd-not-list",
    "cpu-not-number",
    "duplicate-casing",
    "duration-format",
    "enum-value",
    "env-value-not-string",
    "field-not-in-version",
    "missing-pipeline-name",
    "pipeline-name-charset",
    "pipeline-name-start",
    "project-not-object",
    "spout-autoscaling",
    "spout-s3-out",
    "spout-with-input",
    "spout-with-service",
    "unknown-field",
    "wrong-type",
];

fn validator(version: Version) -> Validator {
    jsonschema::draft7::new(&schema(version)).unwrap()
}

fn errors(text: &str, version: Version) -> Vec<RuleId> {
    let options = Options {
        expect: Expect::Pipeline,
        ..options(version, None)
    };
    let found = check(&SourceFile::new("a.json", text), &options).diagnostics;
    let errors = found.iter().filter(|found| found.severity == Severity::Error);
    errors.map(|found| found.rule).collect()
}

/// Right for some fields and wrong for most.
fn any_scalar() -> impl Strategy<Value = String> {
    let texts = [
        "\"\"",
        "\"a\"",
        "\"a_b.c\"",
        "\"10m\"",
        "\"1.5s\"",
        "\"0.5\"",
        "\"3\"",
        "\"-3\"",
        "\"3.0\"",
        "\"EXISTS\"",
        "\"Exists\"",
        "\"NO_SCHEDULE\"",
        "\"CSV\"",
        "\"NaN\"",
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "0.5",
        "1e3",
        "3000000000",
        "[]",
        "{}",
        "[null]",
        "[\"a\"]",
        "[1]",
        "{\"a\":\"b\"}",
        "{\"a\":1}",
        "{\"a\":null}",
    ];
    prop::sample::select(texts.to_vec()).prop_map(str::to_owned)
}

fn right(kind: Kind, depth: usize) -> BoxedStrategy<String> {
    let texts = |texts: &[&'static str]| prop::sample::select(texts.to_vec()).prop_map(str::to_owned).boxed();
    match kind {
        Kind::Bool => texts(&["true", "false"]),
        Kind::String => texts(&["\"a\"", "\"b-c\""]),
        Kind::Int32 | Kind::Int64 | Kind::Uint64 | Kind::OptionalInt64 => texts(&["3", "\"3\"", "1e2"]),
        Kind::Float | Kind::Double => texts(&["0.5", "1", "\"0.5\""]),
        Kind::Duration => texts(&["\"600s\"", "\"1.5s\""]),
        Kind::Timestamp => texts(&["\"2026-01-02T03:04:05Z\""]),
        Kind::Strings => texts(&["{}", "{\"a\": \"b\"}"]),
        Kind::Enum(names) => texts(&names.values[1..]).prop_map(|name| format!("\"{name}\"")).boxed(),
        Kind::Internal(_) => texts(&["{}"]),
        Kind::Message(_) if depth == 0 => texts(&["{}"]),
        Kind::Message(message) => object(message, depth - 1).boxed(),
    }
}

fn member(field: &'static Field, depth: usize) -> impl Strategy<Value = String> + use<> {
    let repeated = field.repeated;
    let value = right(field.kind, depth).prop_map(move |value| if repeated { format!("[{value}]") } else { value });
    let value = prop_oneof![5 => value, 1 => any_scalar()];
    (value, any::<bool>()).prop_map(move |(value, camel)| {
        let name = if camel {
            field.json_name()
        } else {
            field.name.to_owned()
        };
        format!("\"{name}\": {value}")
    })
}

/// Some of a message's fields, in either spelling, and now and then what is no field.
fn object(message: &'static Message, depth: usize) -> impl Strategy<Value = String> + use<> {
    let fields: Vec<&'static Field> = message.fields.iter().collect();
    let some = prop::collection::vec(prop::sample::select(fields), 0..4);
    let members =
        some.prop_flat_map(move |fields| fields.into_iter().map(|field| member(field, depth)).collect::<Vec<_>>());
    let odd = prop_oneof![12 => Just(""), 1 => Just("\"$schema\": \"a\""), 1 => Just("\"Name\": 1")];
    (members, odd).prop_map(|(mut members, odd)| {
        members.extend((!odd.is_empty()).then(|| odd.to_owned()));
        // A key twice is a fault of JSON, of which no schema knows.
        members.sort_by_key(|member| member.split(':').next().map(str::to_owned));
        members.dedup_by_key(|member| member.split(':').next().map(str::to_owned));
        format!("{{{}}}", members.join(", "))
    })
}

fn spec() -> impl Strategy<Value = String> {
    let pipeline = prop_oneof![
        8 => Just("{\"name\": \"a\"}".to_owned()),
        1 => any_scalar(),
        1 => any_scalar().prop_map(|name| format!("{{\"name\": {name}}}")),
    ];
    let spout = prop_oneof![1 => Just(""), 1 => Just("\"spout\": {}, "), 1 => Just("\"spout\": {\"service\": {}}, ")];
    (pipeline, spout, object(&SPEC, 4)).prop_map(|(pipeline, spout, rest)| {
        let rest = rest.strip_prefix('{').unwrap();
        let rest: String = match rest {
            "}" => "\"update\": false}".to_owned(),
            rest => rest.to_owned(),
        };
        format!("{{\"pipeline\": {pipeline}, {spout}{rest}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_schema_refuses_what_the_linter_refuses_as_far_as_a_schema_can_say_it(spec in spec(), at in 0..15_usize) {
        let version = Version::all().nth(at).unwrap();
        let Ok(value) = serde_json::from_str(&spec) else { return Ok(()) };
        // The same key twice, which is for the linter alone.
        let errors = errors(&spec, version);
        if errors.iter().any(|rule| rule.0 == "duplicate-key") { return Ok(()) }
        let refused = !validator(version).is_valid(&value);
        prop_assert!(!refused || !errors.is_empty(), "only the schema of {version} refuses {spec}");
        let sayable = errors.iter().find(|rule| SAYABLE.contains(&rule.0));
        prop_assert!(refused || sayable.is_none(), "the schema of {version} takes {spec}: {sayable:?}");
    }
}

#[test]
fn the_schema_of_each_version_takes_what_the_rules_call_right() {
    let is_json = |path: &Path| path.extension().is_some_and(|ending| ending == "json");
    for (name, path) in specs("ok").into_iter().filter(|(_, path)| is_json(path)) {
        let (_, version) = case(&name);
        let Ok(value) = serde_json::from_slice(&fs::read(&path).unwrap()) else {
            continue; // several specs after another
        };
        let errors: Vec<String> = validator(version)
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn null_is_no_list_and_no_object_of_strings_since_2_8() {
    for transform in [json!({"cmd": null}), json!({"env": null}), json!({"errStdin": null})] {
        let spec = json!({"pipeline": {"name": "sp"}, "spout": {}, "transform": transform});
        for (version, is_taken) in [("2.7", true), ("2.8", false), ("2.12", false)] {
            let version: Version = version.parse().unwrap();
            assert_eq!(validator(version).is_valid(&spec), is_taken, "{version}: {spec}");
            let is_wrong = errors(&spec.to_string(), version).contains(&RuleId("wrong-type"));
            assert_eq!(is_wrong, !is_taken, "{version}: {spec}");
        }
    }
}

#[test]
fn a_schema_knows_both_spellings_and_the_fields_of_its_version_only() {
    let schema = schema("1.13".parse().unwrap());
    let properties = &schema["definitions"]["Spout"]["properties"];
    assert!(properties["overwrite"].is_object() && properties["marker"].is_object());
    let schema = crate::schema::schema(Version::NEWEST);
    let spout = &schema["definitions"]["Spout"]["properties"];
    assert!(spout["overwrite"].is_null() && spout["service"].is_object());
    let spec = &schema["definitions"]["CreatePipelineRequest"]["properties"];
    assert!(spec["pod_patch"].is_object() && spec["podPatch"]["description"].is_string());
}

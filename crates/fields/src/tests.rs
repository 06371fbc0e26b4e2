use std::collections::BTreeSet;

use super::version::{Version, Versions};
use super::*;

/// Every field with its type and its first and last version, as Pachyderm's branches define them.
const FACTS: &str = include_str!("tests/fields.tsv");

fn facts() -> impl Iterator<Item = [&'static str; 6]> {
    let lines = FACTS.lines().skip(1);
    lines.map(|line| line.split('\t').collect::<Vec<_>>().try_into().unwrap())
}

fn type_of(field: &Field) -> String {
    let one = match field.kind {
        Kind::Bool => "bool",
        Kind::String => "string",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Uint64 => "uint64",
        Kind::Float => "float",
        Kind::Double => "double",
        Kind::Duration => "Duration",
        Kind::Timestamp => "Timestamp",
        Kind::OptionalInt64 => "Int64Value",
        Kind::Strings => "map<string, string>",
        Kind::Enum(names) => names.name,
        Kind::Message(message) | Kind::Internal(message) => message.name,
    };
    format!("{}{one}", if field.repeated { "repeated " } else { "" })
}

#[test]
fn each_version_has_the_fields_that_its_branch_defines() {
    for version in Version::all() {
        let in_version = |first: &str, last: &str| {
            let (first, last): (Version, Version) = (first.parse().unwrap(), last.parse().unwrap());
            first <= version && version <= last
        };
        let defined: BTreeSet<[String; 4]> = facts()
            .filter(|[.., first, last]| in_version(first, last))
            .map(|[message, field, json, kind, ..]| [message, field, json, kind].map(str::to_owned))
            .collect();
        let known: BTreeSet<[String; 4]> = MESSAGES
            .iter()
            .flat_map(|message| message.fields_in(version).map(|field| (message.name, field)))
            .map(|(message, field)| [message.into(), field.name.into(), field.json_name(), type_of(field)])
            .collect();
        assert!(defined.len() > 90, "{version}");
        assert_eq!(known, defined, "{version}");
    }
}

#[test]
fn a_field_has_two_spellings_and_no_third() {
    let field = SPEC.field("s3Out").unwrap();
    assert!(field.is_spelt("s3_out") && field.is_spelt("s3Out"));
    assert!(!field.is_spelt("S3Out") && !field.is_spelt("s3out"));
}

#[test]
fn no_message_has_a_field_or_a_number_twice() {
    for message in MESSAGES {
        for (at, field) in message.fields.iter().enumerate() {
            let name = field.name;
            let before = &message.fields[..at];
            assert!(!before.iter().any(|other| other.name == name), "{name}");
            assert!(
                field.tag.is_none() || !before.iter().any(|other| other.tag == field.tag),
                "{name}"
            );
            assert!(field.versions.first <= field.versions.last, "{name}");
        }
    }
}

#[test]
fn a_field_without_a_number_went_before_two() {
    for field in MESSAGES.iter().flat_map(|message| message.fields) {
        assert_eq!(field.tag.is_none(), field.versions == Versions::ONE, "{}", field.name);
    }
}

#[test]
fn the_list_of_messages_is_whole() {
    for field in MESSAGES.iter().flat_map(|message| message.fields) {
        if let Kind::Message(inner) = field.kind {
            assert!(
                MESSAGES.iter().any(|known| std::ptr::eq(*known, inner)),
                "{}",
                field.name
            );
        }
    }
}

#[test]
fn each_field_and_each_value_that_a_person_may_write_is_described() {
    for message in MESSAGES {
        for field in message.fields {
            let words = doc(message.name, field.name).unwrap_or_default();
            assert!(words.ends_with('.'), "{}.{}: {words:?}", message.name, field.name);
            if let Kind::Enum(names) = field.kind {
                let described = |value: &&str| doc_of_value(names.name, value).is_some();
                assert!(names.values.iter().all(described), "{}", names.name);
            }
        }
    }
    let lines = include_str!("docs.tsv").lines();
    for line in lines {
        let (message, field) = line.split('\t').next().unwrap().split_once('.').unwrap();
        let known = MESSAGES.iter().find(|known| known.name == message);
        assert!(known.is_some_and(|known| known.field(field).is_some()), "{line}");
    }
}

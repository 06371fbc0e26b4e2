//! What a spec may consist of. Facts only; what it means when a spec does otherwise is for `shape` to say.

mod table;

use super::version::{Version, Versions};
use super::view::camel_case;

pub(super) use table::SPEC;

/// An object with fields of fixed names.
pub(super) struct Message {
    pub fields: &'static [Field],
}

#[derive(Clone, Copy)]
pub(super) struct Field {
    /// In `snake_case`; camelCase is accepted, too.
    pub name: &'static str,
    pub kind: Type,
    pub repeated: bool,
    pub versions: Versions,
}

#[derive(Clone, Copy)]
pub(super) enum Type {
    Bool,
    String,
    Int32,
    Int64,
    Uint64,
    Float,
    Duration,
    Timestamp,
    /// An object whose keys are free and whose values are strings.
    Strings,
    Enum(&'static Enumeration),
    Message(&'static Message),
    /// An object that nobody writes by hand; what is in it is not looked at.
    Opaque,
}

/// Values in the order of their numbers, which count from 0.
pub(super) struct Enumeration {
    pub values: &'static [&'static str],
}

impl Message {
    /// The field that a name stands for, in whatever version there is one.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.is_spelt(name))
    }
}

impl Field {
    /// Whether `name` is this field's name in either spelling.
    pub(super) fn is_spelt(&self, name: &str) -> bool {
        self.name == name || self.is_camel(name)
    }

    pub(super) fn is_camel(&self, name: &str) -> bool {
        camel_case(self.name).eq(name.chars())
    }
}

/// Whether some object of a spec has a field of that name, in whatever version.
pub(super) fn is_known(name: &str) -> bool {
    table::ALL.iter().any(|message| message.field(name).is_some())
}

/// What other tools call a field, and what it is called here.
const ELSEWHERE_CALLED: &[(&str, &str)] = &[
    ("args", "cmd"),
    ("command", "cmd"),
    ("entrypoint", "cmd"),
    ("environment", "env"),
    ("limits", "resource_limits"),
    ("mount", "mount_path"),
    ("requests", "resource_requests"),
    ("workdir", "working_dir"),
];

/// How far `name` is from `field`, or from another tool's name for it, if it is so near that it may have been meant.
pub(super) fn likeness(name: &str, field: &str) -> Option<usize> {
    const LONGEST: usize = 40;
    let plain = |text: &str| text.replace(['_', '-', ' '], "").to_lowercase();
    if name.len() > LONGEST {
        return None;
    }
    let written = plain(name);
    let distance = |known: &str| {
        let slips = if known.len() <= 4 { 1 } else { 2 };
        let is_comparable = known.len().abs_diff(written.len()) <= slips;
        let distance = is_comparable.then(|| strsim::damerau_levenshtein(known, &written))?;
        (distance <= slips).then_some(distance)
    };
    let others = ELSEWHERE_CALLED.iter().filter(|(_, called)| *called == field);
    let others = others.filter_map(|(other, _)| distance(other));
    others.chain(distance(&plain(field))).min()
}

/// Where in a spec a field of that name may be written, from the top: `transform.image`. The shortest way is taken.
pub(super) fn home_of(name: &str, version: Version) -> Option<String> {
    let mut level = vec![(String::new(), &SPEC)];
    for _ in 0..3 {
        let mut below = Vec::new();
        for (route, message) in level {
            for field in message.fields.iter().filter(|field| field.versions.contain(version)) {
                if field.is_spelt(name) {
                    return Some(format!("{route}{}", field.name));
                }
                match field.kind {
                    Type::Message(inner) if !field.repeated && field.name != "input" => {
                        below.push((format!("{route}{}.", field.name), inner));
                    }
                    _ => {}
                }
            }
        }
        level = below;
    }
    None
}

/// The name of every field of every message.
#[cfg(test)]
pub(super) fn names() -> Vec<&'static str> {
    let fields = table::ALL.iter().flat_map(|message| message.fields);
    fields.map(|field| field.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_two_spellings_and_no_third() {
        let field = SPEC.field("s3Out").unwrap();
        assert!(field.is_spelt("s3_out") && field.is_spelt("s3Out"));
        assert!(!field.is_spelt("S3Out") && !field.is_spelt("s3out"));
    }

    #[test]
    fn the_shortest_way_to_a_field_is_found() {
        assert_eq!(home_of("image", Version::NEWEST).as_deref(), Some("transform.image"));
        assert_eq!(
            home_of("internalPort", Version::NEWEST).as_deref(),
            Some("service.internal_port")
        );
        assert_eq!(home_of("marker", Version::NEWEST), None);
        assert_eq!(home_of("marker", Version::OLDEST).as_deref(), Some("spout.marker"));
    }

    #[test]
    fn no_message_has_a_field_twice() {
        for message in table::ALL {
            for (at, field) in message.fields.iter().enumerate() {
                let name = field.name;
                assert!(!message.fields[..at].iter().any(|other| other.name == name), "{name}");
                assert!(field.versions.first <= field.versions.last, "{name}");
            }
        }
    }

    #[test]
    fn the_list_of_messages_is_whole() {
        for field in table::ALL.iter().flat_map(|message| message.fields) {
            if let Type::Message(inner) = field.kind {
                assert!(
                    table::ALL.iter().any(|known| std::ptr::eq(*known, inner)),
                    "{}",
                    field.name
                );
            }
        }
    }
}

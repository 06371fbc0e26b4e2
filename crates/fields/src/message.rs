//! What the table is made of: messages, their fields, and how a field is spelt.

use super::version::{Version, Versions};

/// An object with fields of fixed names.
#[derive(Debug)]
pub struct Message {
    /// As Pachyderm's own definitions call it.
    pub name: &'static str,
    /// In the order in which pachd writes them, then those that went.
    pub fields: &'static [Field],
}

#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// In `snake_case`; camelCase is accepted, too.
    pub name: &'static str,
    /// Its number in protobuf, which is the same in all of 2.x. None of what only 1.x had: numbers were others there.
    pub tag: Option<u32>,
    pub kind: Kind,
    pub repeated: bool,
    pub versions: Versions,
}

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Bool,
    String,
    Int32,
    Int64,
    Uint64,
    Float,
    Double,
    /// `google.protobuf.Duration`.
    Duration,
    /// `google.protobuf.Timestamp`.
    Timestamp,
    /// `google.protobuf.Int64Value`: an integer that may be unset.
    OptionalInt64,
    /// `map<string, string>`: an object whose keys are free and whose values are strings.
    Strings,
    Enum(&'static Enumeration),
    Message(&'static Message),
    /// A message that nobody writes by hand.
    Internal(&'static Message),
}

#[derive(Debug)]
pub struct Enumeration {
    pub name: &'static str,
    /// In the order of their numbers, which count from 0.
    pub values: &'static [&'static str],
}

impl Message {
    /// The field that a name stands for, in whatever version there is one.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.is_spelt(name))
    }

    /// What there is in a version.
    pub fn fields_in(&self, version: Version) -> impl Iterator<Item = &'static Field> + use<> {
        self.fields.iter().filter(move |field| field.versions.contain(version))
    }
}

impl Field {
    /// Whether `name` is this field's name in either spelling.
    #[must_use]
    pub fn is_spelt(&self, name: &str) -> bool {
        self.name == name || self.is_camel(name)
    }

    #[must_use]
    pub fn is_camel(&self, name: &str) -> bool {
        is_camel_case_of(name, self.name)
    }

    /// In camelCase, as pachd writes it.
    #[must_use]
    pub fn json_name(&self) -> String {
        camel_case(self.name).collect()
    }
}

/// Whether `written` is a name in `snake_case` as protojson writes it.
#[must_use]
pub fn is_camel_case_of(written: &str, name: &str) -> bool {
    // Rules ask this hundreds of times of a spec, so it is by bytes, and the first letter tells nearly all names apart.
    let (written, name) = (written.as_bytes(), name.as_bytes());
    if written.first() != name.first() {
        return false;
    }
    let mut letters = written.iter();
    let mut raised = false;
    for letter in name {
        if *letter == b'_' {
            raised = true;
            continue;
        }
        let meant = if std::mem::take(&mut raised) {
            letter.to_ascii_uppercase()
        } else {
            *letter
        };
        if letters.next() != Some(&meant) {
            return false;
        }
    }
    letters.next().is_none()
}

/// The letters of a name in `snake_case` as protojson writes them: `s3_out` is `s3Out`.
pub fn camel_case(name: &str) -> impl Iterator<Item = char> {
    let mut raised = false;
    name.chars().filter_map(move |letter| {
        let after_line = std::mem::replace(&mut raised, letter == '_');
        match letter {
            '_' => None,
            _ if after_line => Some(letter.to_ascii_uppercase()),
            _ => Some(letter),
        }
    })
}

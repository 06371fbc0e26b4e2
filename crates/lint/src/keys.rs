//! Rules about the names of fields: unknown ones, those of another version, those written twice.

use std::collections::BTreeMap;

use super::edit;
use super::finding::{Finding, Findings};
use super::likeness::{home_of, likeness, listed};
use super::rule::{Rule, rule};
use super::version::{Version, Versions};
use super::view::{Owner, Spec, shown};
use crate::diagnostic::Safety;
use crate::spec::tree::{Key, Member, Node, Value};
use spoutctl_fields::{Field, Kind, Message, SPEC, camel_case};

const UNKNOWN_FIELD: Rule = rule!("unknown-field", Error, Versions::ALL,
    summary: "a key that is no field",
    why: "pachctl refuses a file with a key that it does not know, so nothing is created. Only 2.7 drops such a key in \
          silence, and with it what it was to say.",
    source: "src/internal/serde/decoder.go; run with pachctl 1.13.4 and 2.12",
    fixable: Some(Safety::Safe),
);
const FIELD_NOT_IN_VERSION: Rule = rule!("field-not-in-version", Error, Versions::ALL,
    summary: "a field that another version of Pachyderm has",
    why: "Fields come and go: `spout.overwrite`, `spout.marker`, `standby` and `enable_stats` went with 2.0, \
          `autoscaling` came with 1.13, `tolerations` with 2.5. To the version that the spec is meant for it is an \
          unknown field, and it refuses the spec.",
    source: "src/pps/pps.proto of 2.x, src/client/pps/pps.proto of 1.x",
    fixable: Some(Safety::Unsafe),
);
const DUPLICATE_KEY: Rule = rule!("duplicate-key", Error, Versions::ALL,
    summary: "one key twice in an object",
    why: "It depends on who reads it which one counts: pachctl 1.x and 2.8 to 2.12 take the last without a word, 2.0 \
          to 2.7 refuse the file, and so does pachd itself when the spec is sent to it as JSON. What was meant cannot \
          be known.",
    source: "src/internal/ppsutil/decoder.go; run with pachctl 1.13.4 and 2.12 and CreatePipelineV2 of pachd 2.12",
    fixable: Some(Safety::Unsafe),
);
const DUPLICATE_CASING: Rule = rule!("duplicate-casing", Error, Versions::ALL,
    summary: "one field in both spellings",
    why: "`datum_tries` and `datumTries` are the same field. 2.7 and later refuse the spec; before, the camelCase one \
          is taken without a word.",
    source: "protojson; run with pachctl 1.13.4 and 2.12",
    fixable: Some(Safety::Unsafe),
);
const MIXED_CASING: Rule = rule!("mixed-casing", Info, Versions::ALL,
    summary: "snake_case and camelCase in one spec",
    why: "pachd takes both. People and editors look for one: the JSON schema that pachd 2.8 and later serves knows \
          camelCase only.",
    source: "src/internal/jsonschema/pps_v2/CreatePipelineRequest.schema.json",
    fixable: Some(Safety::Safe),
);

pub(super) const RULES: &[Rule] = &[
    UNKNOWN_FIELD,
    FIELD_NOT_IN_VERSION,
    DUPLICATE_KEY,
    DUPLICATE_CASING,
    MIXED_CASING,
];

/// Where in an object each name is written last.
pub(super) fn last_of_each(members: &[Member]) -> BTreeMap<&str, usize> {
    let named = members.iter().enumerate();
    named.map(|(at, member)| (member.key.name.as_str(), at)).collect()
}

/// Looks for one key twice in an object, here and everywhere below.
pub(super) fn twice(spec: &Spec<'_>, node: &Node, findings: &mut Findings<'_>) {
    match &node.value {
        Value::Array(elements) => elements.iter().for_each(|element| twice(spec, element, findings)),
        Value::Object(members) => {
            let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
            for (at, member) in members.iter().enumerate() {
                if let Some(before) = seen.insert(&member.key.name, at) {
                    findings.add(written_twice(spec, node, before, member));
                }
                twice(spec, &member.value, findings);
            }
        }
        _ => {}
    }
}

fn written_twice(spec: &Spec<'_>, node: &Node, before: usize, member: &Member) -> Finding {
    const REFUSING: Versions = Versions::between(Version::new(2, 0), Version::new(2, 7));
    let name = shown(&member.key.name);
    let finding = Finding::new(
        &DUPLICATE_KEY,
        member.key.span,
        format!("{name} is written twice in one object"),
    )
    .label("again here")
    .note(if REFUSING.contain(spec.version) {
        "pachctl refuses the file: a key is already defined"
    } else {
        "pachctl takes the last and drops the other without a word; other readers refuse the file"
    })
    .help("keep the one that is meant");
    match node.members().get(before) {
        Some(first) => finding.also(first.key.span, "first here").unsafe_fix(
            format!("delete the first {name}"),
            edit::remove(spec.file, node, before),
        ),
        None => finding,
    }
}

/// Whether the field is there in camelCase, too, which is then the one that counts.
pub(super) fn other_spelling_counts(
    spec: &Spec<'_>,
    node: &Node,
    at: usize,
    field: &Field,
    findings: &mut Findings<'_>,
) -> bool {
    let Some(member) = node.members().get(at) else {
        return false;
    };
    if field.is_camel(&member.key.name) {
        return false;
    }
    let Some(other) = node.members().iter().rfind(|other| field.is_camel(&other.key.name)) else {
        return false;
    };
    let camel = field.json_name();
    let message = format!("{} and `{camel}` are the same field", shown(&member.key.name));
    findings.add(
        Finding::new(&DUPLICATE_CASING, member.key.span, message)
            .also(other.key.span, "the other spelling")
            .note("2.7 and later refuse the spec: duplicate field; before, the camelCase one counts")
            .help("keep one of them")
            .unsafe_fix(
                format!("delete {}", shown(&member.key.name)),
                edit::remove(spec.file, node, at),
            ),
    );
    true
}

pub(super) fn not_in_version(spec: &Spec<'_>, owner: Owner<'_>, at: usize, field: &Field, findings: &mut Findings<'_>) {
    let Some(member) = owner.node.members().get(at) else {
        return;
    };
    let name = shown(&member.key.name);
    let version = spec.version;
    let gone = version > field.versions.last;
    let (message, label) = if gone {
        let message = format!(
            "Pachyderm {version} no longer has {name}; it went with {}",
            after(field.versions.last)
        );
        (message, "gone")
    } else {
        let message = format!(
            "{name} needs Pachyderm {}, and this is for {version}",
            field.versions.first
        );
        (message, "not there yet")
    };
    let finding = Finding::new(&FIELD_NOT_IN_VERSION, member.key.span, message)
        .label(label)
        .note(unknown_to(version, &member.key.name));
    findings.add(match (field.name, gone) {
        ("chunk_spec", true) => finding.help("2.0 renamed it to `datum_set_spec`").unsafe_fix(
            "rename it to `datum_set_spec`",
            edit::rename(spec.file, &member.key, &renamed("datum_set_spec", &member.key.name)),
        ),
        ("overwrite" | "marker", true) => finding
            .help("delete it; it was for the pipe /pfs/out, which 2.x no longer has: commit with `pachctl put file`")
            .unsafe_fix(format!("delete {name}"), edit::remove(spec.file, owner.node, at)),
        _ => finding
            .help(if gone {
                "delete it"
            } else {
                "delete it, or say which version the spec is for"
            })
            .unsafe_fix(format!("delete {name}"), edit::remove(spec.file, owner.node, at)),
    });
}

/// The version after the last one that had a field; fields went with 2.0 or, one of them, with 2.8.
fn after(last: Version) -> Version {
    Version::all().find(|version| *version > last).unwrap_or(last)
}

/// A field's name in the spelling that `like` has.
fn renamed(name: &str, like: &str) -> String {
    if like.contains('_') {
        name.to_owned()
    } else {
        camel_case(name).collect()
    }
}

fn unknown_to(version: Version, name: &str) -> String {
    if version == Version::new(2, 7) {
        "pachctl 2.7 drops it without a word".to_owned()
    } else {
        format!(
            "pachctl refuses the file: unknown field {}",
            shown(name).replace('`', "\"")
        )
    }
}

/// What somebody may have meant by a name that is no field.
enum Meant {
    /// The same letters, written otherwise.
    Spelling(&'static Field),
    /// A slip of the keyboard away.
    Near(&'static Field),
    /// It begins like this field.
    Akin(&'static Field),
    /// A field of this name is elsewhere.
    Elsewhere(String),
    Nothing,
}

fn meant(message: &'static Message, name: &str, version: Version) -> Meant {
    let plain = |text: &str| text.replace(['_', '-', ' '], "").to_lowercase();
    if name.len() > 40 {
        return Meant::Nothing;
    }
    let wanted = plain(name);
    let fields = || message.fields_in(version);
    if let Some(field) = fields().find(|field| plain(field.name) == wanted) {
        return Meant::Spelling(field);
    }
    if let Some(home) = home_of(name, version) {
        return Meant::Elsewhere(home);
    }
    let near = fields().filter_map(|field| Some((likeness(name, field.name)?, field)));
    if let Some((_, field)) = near.min_by_key(|(distance, _)| *distance) {
        return Meant::Near(field);
    }
    let akin = |field: &&Field| {
        let candidate = plain(field.name);
        let shorter = candidate.len().min(wanted.len());
        let stem = wanted.trim_end_matches('s');
        shorter >= 3 && (candidate.starts_with(stem) || wanted.starts_with(&candidate))
    };
    fields().find(akin).map_or(Meant::Nothing, Meant::Akin)
}

pub(super) fn unknown(
    spec: &Spec<'_>,
    owner: Owner<'_>,
    member: &Member,
    message: &'static Message,
    findings: &mut Findings<'_>,
) {
    let (key, version) = (&member.key, spec.version);
    if key.name == "$schema" && version >= Version::new(2, 7) {
        return; // pachctl takes it out before pachd sees the spec
    }
    let of = owner
        .key
        .map_or_else(|| "a pipeline spec".to_owned(), |key| shown(&key.name));
    let text = format!("{of} has no field {}", shown(&key.name));
    let finding = Finding::new(&UNKNOWN_FIELD, key.span, text).note(unknown_to(version, &key.name));
    let rename = |finding: Finding, field: &Field, safety: Safety| {
        let name = renamed(field.name, if message_is_snake(owner.node) { "_" } else { &key.name });
        let edits = vec![edit::rename(spec.file, key, &name)];
        let finding = finding.label(format!("do you mean `{name}`?"));
        let is_taken = owner.node.members().iter().any(|other| field.is_spelt(&other.key.name));
        if is_taken {
            finding
        } else {
            finding.fix(safety, format!("rename it to `{name}`"), edits)
        }
    };
    findings.add(match meant(message, &key.name, version) {
        Meant::Spelling(field) => rename(finding, field, Safety::Safe).help("names of fields are case-sensitive"),
        Meant::Near(field) => rename(finding, field, Safety::Unsafe),
        Meant::Akin(field) => finding.help(format!("do you mean `{}`?", field.name)),
        Meant::Elsewhere(home) => elsewhere(finding, &home),
        Meant::Nothing => finding.help(listed(message, version)),
    });
}

/// Whether fields of this object are written in `snake_case`.
fn message_is_snake(node: &Node) -> bool {
    node.members().iter().any(|member| member.key.name.contains('_'))
}

fn elsewhere(finding: Finding, home: &str) -> Finding {
    match home.rsplit_once('.') {
        Some((parent, name)) => finding.label(format!("this belongs inside `{parent}`")).help(format!(
            "write it inside of `{parent}`: \"{parent}\": {{\"{name}\": …}}"
        )),
        None => finding.label("this belongs at the top level").help(format!(
            "write `{home}` beside `pipeline`, not inside of something else"
        )),
    }
}

/// Looks for fields in `snake_case` and fields in camelCase; once in a spec.
pub(super) fn casing(spec: &Spec<'_>, root: &Node, findings: &mut Findings<'_>) {
    let mut kinds = Kinds::default();
    kinds.look(root, &SPEC);
    if kinds.clash {
        return; // one field in both spellings says it already
    }
    let is_snake_odd = kinds.snake.len() <= kinds.camel.len();
    let (odd, usual, name) = if is_snake_odd {
        (kinds.snake, kinds.camel, "camelCase")
    } else {
        (kinds.camel, kinds.snake, "snake_case")
    };
    let (Some((first, _)), Some((example, _))) = (odd.first(), usual.first()) else {
        return;
    };
    let spelt = |field: &Field| {
        if is_snake_odd {
            field.json_name()
        } else {
            field.name.to_owned()
        }
    };
    let edits = odd
        .iter()
        .map(|(key, field)| edit::rename(spec.file, key, &spelt(field)));
    let message = format!("{} is not in {name}, and others in this spec are", shown(&first.name));
    findings.add(
        Finding::new(&MIXED_CASING, first.span, message)
            .also(example.span, "such as this one")
            .note("pachd takes both; the schema that pachd 2.8 and later serves to editors knows camelCase only")
            .fix(Safety::Safe, format!("write all of them in {name}"), edits.collect()),
    );
}

/// The fields that have two spellings, by the one that was chosen.
#[derive(Default)]
struct Kinds<'a> {
    snake: Vec<(&'a Key, &'static Field)>,
    camel: Vec<(&'a Key, &'static Field)>,
    /// A field is there in both.
    clash: bool,
}

impl<'a> Kinds<'a> {
    fn look(&mut self, node: &'a Node, message: &'static Message) {
        let mut met: BTreeMap<&str, &str> = BTreeMap::new();
        for Member { key, value } in node.members() {
            let Some(field) = message.field(&key.name) else {
                continue;
            };
            if field.name.contains('_') {
                let before = met.insert(field.name, &key.name);
                self.clash |= before.is_some_and(|spelt| spelt != key.name);
                let kind = if key.name == field.name {
                    &mut self.snake
                } else {
                    &mut self.camel
                };
                kind.push((key, field));
            }
            if let Kind::Message(inner) = field.kind {
                self.look(value, inner);
                value.elements().iter().for_each(|element| self.look(element, inner));
            }
        }
    }
}

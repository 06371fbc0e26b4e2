//! Walks a spec beside the table of fields and asks of each object whether its keys are fields, and of each value
//! whether it is of the field's type. What pachd never takes, whatever the spec is for, is found here.

use super::finding::Findings;
use super::view::{Owner, Spec};
use super::{keys, types};
use crate::spec::tree::{Key, Member, Node, Value};
use spoutctl_fields::{Field, Kind, Message, SPEC};

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let Some(root) = spec.root.node() else { return };
    keys::twice(spec, root, findings);
    let owner = Owner { key: None, node: root };
    message(spec, owner, &SPEC, findings);
    keys::casing(spec, root, findings);
}

fn message(spec: &Spec<'_>, owner: Owner<'_>, message: &'static Message, findings: &mut Findings<'_>) {
    let members = owner.node.members();
    let last = keys::last_of_each(members);
    for (at, member) in members.iter().enumerate() {
        if last.get(member.key.name.as_str()) != Some(&at) {
            continue;
        }
        match message.field(&member.key.name) {
            Some(field) if field.versions.contain(spec.version) => {
                if !keys::other_spelling_counts(spec, owner.node, at, field, findings) {
                    value(spec, field, member, findings);
                }
            }
            // Where brackets are missing, a key may be in an object that it was not meant for.
            _ if !spec.whole => {}
            Some(field) => keys::not_in_version(spec, owner, at, field, findings),
            None => keys::unknown(spec, owner, member, message, findings),
        }
    }
}

fn value(spec: &Spec<'_>, field: &'static Field, member: &Member, findings: &mut Findings<'_>) {
    match &member.value.value {
        Value::Null if field.repeated || matches!(field.kind, Kind::Strings) => {
            types::null_for_many(spec, field, member, findings);
        }
        Value::Null | Value::Unreadable => {}
        Value::Array(elements) if field.repeated => {
            for element in elements {
                single(spec, field, &member.key, element, findings);
            }
        }
        _ if field.repeated => types::not_a_list(spec, field, member, findings),
        _ => single(spec, field, &member.key, &member.value, findings),
    }
}

fn single(spec: &Spec<'_>, field: &'static Field, key: &Key, node: &Node, findings: &mut Findings<'_>) {
    match (field.kind, &node.value) {
        (Kind::Message(inner), Value::Object(_)) => {
            let owner = Owner { key: Some(key), node };
            message(spec, owner, inner, findings);
        }
        (Kind::Strings, Value::Object(members)) => {
            let last = keys::last_of_each(members);
            for (at, member) in members.iter().enumerate() {
                if last.get(member.key.name.as_str()) == Some(&at) {
                    types::entry(spec, field, member, findings);
                }
            }
        }
        _ => types::scalar(spec, field, key, node, findings),
    }
}

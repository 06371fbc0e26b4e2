//! Names of fields as people write them: what they may have meant by one that is none.

use spoutctl_fields::version::Version;
use spoutctl_fields::{Kind, MESSAGES, Message, SPEC};

/// Whether some object of a spec has a field of that name, in whatever version.
pub(super) fn is_known(name: &str) -> bool {
    MESSAGES.iter().any(|message| message.field(name).is_some())
}

/// The fields that a message has, as help for somebody who wrote another one.
pub(super) fn listed(message: &Message, version: Version) -> String {
    let names: Vec<_> = message
        .fields_in(version)
        .map(|field| format!("`{}`", field.name))
        .collect();
    match names.as_slice() {
        [] => "there are no fields in it".to_owned(),
        [only] => format!("its only field is {only}"),
        few if few.len() <= 14 => format!("its fields are {}", few.join(", ")),
        _ => "delete it, or look for its name in the reference of pipeline specs".to_owned(),
    }
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
            for field in message.fields_in(version) {
                if field.is_spelt(name) {
                    return Some(format!("{route}{}", field.name));
                }
                match field.kind {
                    Kind::Message(inner) if !field.repeated && field.name != "input" => {
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
    let fields = MESSAGES.iter().flat_map(|message| message.fields);
    fields.map(|field| field.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}

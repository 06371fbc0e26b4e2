//! Specs of which nothing is known, except that their keys and values are such as rules look for.

use proptest::prelude::*;

use super::*;

/// A value that may stand anywhere in a spec: often of a wrong type, often a text that some rule looks into.
fn any_value() -> impl Strategy<Value = String> {
    let texts = [
        "\"\"",
        "\"_a-\"",
        "\"sh\"",
        "\"-c\"",
        "\"pachctl put file -ro é@b --overwrite\"",
        "\"/pfs/out\"",
        "\"$(X) | y\"",
        "\"10m\"",
        "\"-1.5s\"",
        "\"1.5Gb\"",
        "\"é\\u0000 K\"",
        "\"[{\\\"op\\\":\\\"add\\\"}]\"",
        "\"a:b@c:d/e:latest\"",
        "null",
        "true",
        "-1",
        "1e400",
        "99999999999999999999",
        "0.5",
        "[]",
        "{}",
        "[null]",
        "[{}]",
    ];
    let leaf = prop::sample::select(texts.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key = prop::sample::select(any_key());
        let members = prop::collection::vec((key, inner.clone()), 0..6);
        let object = members.prop_map(|members| {
            let members = members.iter().map(|(key, value)| format!("\"{key}\": {value}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        });
        let array = prop::collection::vec(inner, 0..4).prop_map(|elements| format!("[{}]", elements.join(",")));
        prop_oneof![3 => object, 1 => array]
    })
}

fn any_key() -> Vec<&'static str> {
    let known = likeness::names();
    known
        .into_iter()
        .chain([
            "naem",
            "Spout",
            "command",
            "$schema",
            "é",
            "",
            "1A",
            "PACH_CONFIG",
            "A_TOKEN",
        ])
        .collect()
}

proptest! {
    #[test]
    fn whatever_a_spec_holds_it_is_told_with_places_and_mends_in_its_text(
        parts in prop::collection::vec((prop::sample::select(any_key()), any_value()), 0..8),
        at in 0..15_usize,
    ) {
        let members: Vec<_> = parts.iter().map(|(key, value)| format!("  \"{key}\": {value}")).collect();
        let file = SourceFile::new("a.json", format!("{{\n{}\n}}", members.join(",\n")));
        let version = Version::all().nth(at).unwrap_or_default();
        for found in check(&file, &options(version, None)).diagnostics {
            prop_assert!(file.text().get(found.primary.span.range()).is_some());
            for edit in found.fix.iter().flat_map(|fix| &fix.edits) {
                prop_assert!(file.text().get(edit.span.range()).is_some(), "{found:?}");
            }
        }
    }
}

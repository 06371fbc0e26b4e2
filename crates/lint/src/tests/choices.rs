//! What is looked at, and what is said: as a person chose, and each cause once.

use super::*;

const ORDINARY: &str =
    "{\"pipeline\": {\"name\": \"Edges\"}, \"input\": {\"pfs\": {\"repo\": \"images\", \"glob\": \"/*\"}},
    \"transform\": {\"image\": \"example/edges:1\", \"cmd\": [\"/edges\"]}, \"datum_tries\": 1, \"podspec\": \"\"}";

fn found(text: &str, options: &Options) -> (Vec<&'static str>, usize, usize) {
    let checked = check(&SourceFile::new("a.json", text), options);
    let rules = checked.diagnostics.iter().map(|found| found.rule.0).collect();
    (rules, checked.specs, checked.skipped)
}

fn expecting(expect: Expect) -> Options {
    Options {
        expect,
        ..Options::default()
    }
}

#[test]
fn an_ordinary_pipeline_is_a_fault_only_where_a_spout_is_expected() {
    let (rules, specs, skipped) = found(ORDINARY, &expecting(Expect::Spout));
    assert!(
        rules.contains(&"not-a-spout") && (specs, skipped) == (1, 0),
        "{rules:?}"
    );
    assert_eq!(found(ORDINARY, &expecting(Expect::Any)), (vec![], 0, 1));
}

#[test]
fn of_an_ordinary_pipeline_only_what_holds_for_all_is_said() {
    // It may have an input, an upper-case letter in its name, and tries.
    assert_eq!(
        found(ORDINARY, &expecting(Expect::Pipeline)),
        (vec!["unknown-field"], 1, 0)
    );
    assert_eq!(
        found("{\"name\": \"left-pad\"}", &expecting(Expect::Pipeline)),
        (vec![], 0, 0)
    );
}

#[test]
fn a_slip_in_the_key_that_makes_a_spout_is_found_in_a_directory_too() {
    let text = ORDINARY.replace("\"input\"", "\"Spout\": {}, \"input\"");
    let (rules, specs, _) = found(&text, &expecting(Expect::Any));
    assert!(rules.contains(&"unknown-field") && specs == 1, "{rules:?}");
}

#[test]
fn a_named_file_with_nothing_in_it_is_a_fault() {
    for text in ["", "\n", "# nothing yet\n"] {
        assert_eq!(
            found(text, &expecting(Expect::Spout)),
            (vec!["not-a-spout"], 0, 0),
            "{text:?}"
        );
        let is_empty = text.trim().is_empty();
        let wanted = if is_empty { vec!["not-a-spout"] } else { vec![] };
        assert_eq!(found(text, &expecting(Expect::Any)), (wanted, 0, 0), "{text:?}");
    }
}

#[test]
fn what_a_person_chose_is_what_is_looked_for() {
    let text = rule_named("image-tag").unwrap().bad;
    let id = |name: &str| rule_named(name).unwrap().id;
    let mut options = Options::default();
    assert_eq!(found(text, &options).0, ["image-tag"]);
    options.ignore.insert(id("image-tag"));
    assert!(found(text, &options).0.is_empty());
    options.ignore.clear();
    options.select = Some([id("default-requests")].into());
    assert_eq!(found(text, &options).0, ["default-requests"]);
    options.select = None;
    options.severities.insert(id("default-requests"), Severity::Error);
    options.severities.insert(id("image-tag"), Severity::Info);
    let checked = check(&SourceFile::new("a.json", text), &options);
    let severities: Vec<_> = checked
        .diagnostics
        .iter()
        .map(|found| (found.rule.0, found.severity))
        .collect();
    assert_eq!(
        severities,
        [("default-requests", Severity::Error), ("image-tag", Severity::Info)]
    );
}

#[test]
fn a_rule_is_found_by_its_name_and_nearly_by_it() {
    assert_eq!(rule_named("spout-nul").map(|rule| rule.id.0), None);
    assert_eq!(rule_nearest("spout-nul").map(|rule| rule.id.0), Some("spout-null"));
    assert_eq!(rule_nearest("quite-something-else").map(|rule| rule.id.0), None);
}

#[test]
fn one_cause_is_told_once() {
    let spec = |fields: &str| format!("{{\"spout\": {{}}, {fields}}}");
    for (fields, rule) in [
        (
            "\"pipeline\": 7, \"transform\": {\"image\": \"a:1\", \"cmd\": [\"a\"]}",
            "wrong-type",
        ),
        (
            "\"name\": \"a\", \"transform\": {\"image\": \"a:1\", \"cmd\": [\"a\"]}",
            "unknown-field",
        ),
        ("\"pipeline\": {\"name\": \"a\"}, \"transfrom\": {}", "unknown-field"),
        (
            "\"pipeline\": {\"name\": \"a\"}, \"transform\": {\"image\": \"a:1\", \"command\": [\"a\"]}",
            "unknown-field",
        ),
        ("\"pipeline\": {\"name\": \"a\"}, \"transform\": [7]", "wrong-type"),
        (
            "\"pipeline\": {\"name\": \"a_\"}, \"transform\": {\"image\": \"a:1\", \"cmd\": [\"a\"]}",
            "spout-name-not-dns",
        ),
        (
            "\"pipeline\": {\"name\": \"a\"}, \"transform\": {\"image\": \"a:1\", \"cmd\": \"a b\"}",
            "cmd-not-list",
        ),
    ] {
        assert_eq!(found(&spec(fields), &Options::default()).0, [rule], "{fields}");
    }
}

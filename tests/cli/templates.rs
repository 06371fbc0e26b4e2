//! Jsonnet templates, as somebody uses them who gives them to `pachctl create pipeline --jsonnet` otherwise.

use std::fs;

use crate::runner::{World, words};
use crate::validate::{validate, world};

const TEMPLATE: &str = "function(name, image='team/events:1.4') {
  pipeline: { name: name },
  transform: { image: image, cmd: ['/events'] },
  spout: {},
}
";

#[test]
fn what_comes_of_a_template_is_judged_and_the_place_is_in_the_template() {
    let world = world(&[("t.jsonnet", &TEMPLATE.replace("cmd:", "cmmd:"))]);
    let ran = validate(&world, &["t.jsonnet", "--jsonnet-arg", "name=Events"]);
    let text = ran.expect(1).text();
    assert!(text.contains("t.jsonnet:3:30: error[unknown-field]"), "{text}");
    assert!(text.contains("t.jsonnet:2:21: error[spout-name-not-dns]"), "{text}");
    let good = crate::validate::world(&[("t.jsonnet", TEMPLATE)]);
    validate(&good, &["t.jsonnet", "--jsonnet-arg", "name=events"])
        .expect(0)
        .says("nothing wrong in 1 spec");
}

#[test]
fn a_missing_argument_is_an_error_of_a_named_template_and_a_warning_in_a_directory() {
    let world = world(&[("specs/t.jsonnet", TEMPLATE)]);
    let named = validate(&world, &["specs/t.jsonnet"]);
    assert!(
        named
            .expect(1)
            .text()
            .contains("error[jsonnet-argument]: parameter `name`"),
        "{}",
        named.text()
    );
    let found = validate(&world, &["specs"]);
    assert!(
        found.expect(0).text().contains("warning[jsonnet-argument]"),
        "{}",
        found.text()
    );
    // One argument for all templates of a directory; some may not have it.
    let given = ["specs", "--jsonnet-arg", "name=events", "--jsonnet-arg", "topic=a"];
    validate(&world, &given).expect(0).says("nothing wrong");
    let given = words("specs/t.jsonnet --jsonnet-arg name=events --jsonnet-arg topic=a");
    assert!(
        validate(&world, &given)
            .expect(1)
            .text()
            .contains("no parameter `topic`")
    );
}

#[test]
fn an_argument_without_a_template_is_refused() {
    let world = world(&[("a.json", crate::validate::GOOD)]);
    let ran = validate(&world, &["a.json", "--jsonnet-arg", "name=a"]);
    ran.expect(2).says("there is no template");
    validate(&world, &["a.json", "--jsonnet-arg", "name"])
        .expect(2)
        .says("NAME=VALUE");
}

#[test]
fn a_comment_turns_a_rule_off_in_a_template_too() {
    let text = TEMPLATE.replace("team/events:1.4'", "team/events'");
    let world = world(&[("t.jsonnet", &text)]);
    let args = ["t.jsonnet", "--jsonnet-arg", "name=events"];
    assert!(
        validate(&world, &args)
            .text()
            .contains("t.jsonnet:1:22: warning[image-tag]")
    );
    let excused = format!("// spoutctl: ignore[image-tag] the registry has one\n{text}");
    fs::write(world.path("t.jsonnet"), excused).unwrap();
    assert_eq!(validate(&world, &args).expect(0).text(), "");
}

#[test]
fn a_template_that_takes_too_much_is_stopped() {
    let doubled = "local f(s, n) = if n == 0 then s else f(s + s, n - 1) tailstrict;\n{ a: f('xxxxxxxx', 60) }";
    let world = world(&[("t.jsonnet", doubled)]);
    let ran = validate(&world, &["t.jsonnet"]);
    let text = ran.expect(1).text();
    assert!(text.contains("error[jsonnet-error]"), "{text}");
}

#[test]
fn a_template_is_read_from_standard_input_when_its_name_says_so() {
    let world = World::local();
    let args = words("validate - --stdin-name t.jsonnet --jsonnet-arg name=events");
    world.run_with(&args, TEMPLATE.as_bytes()).expect(0);
}

#[test]
fn nothing_is_mended_in_a_template() {
    let text = TEMPLATE.replace("['/events']", "'/events'");
    let world = world(&[("t.jsonnet", &text)]);
    let ran = validate(
        &world,
        &["t.jsonnet", "--jsonnet-arg", "name=events", "--fix", "--unsafe-fixes"],
    );
    assert!(ran.expect(1).text().contains("[cmd-not-list]"));
    assert_eq!(fs::read_to_string(world.path("t.jsonnet")).unwrap(), text);
}

//! `create -f`, and what pachd says to it.

use serde_json::{Value, json};

use crate::pachd::Pachd;
use crate::proxy::{Fault, Proxy, refusal};
use crate::runner::{Ran, World};
use crate::validate::{GOOD, world};

fn submit(server: &Pachd, files: &[(&str, &str)], args: &[&str]) -> Ran {
    let local = world(files);
    let url = server.url();
    let args = [&["create", "--pachd", &url, "-f"], args].concat();
    Ran::from(
        local
            .command(&args)
            .current_dir(local.directory.path())
            .output()
            .unwrap(),
    )
}

fn pipelines(server: &Pachd) -> Vec<Value> {
    let answer = server.served.call("pps_v2.API/ListPipeline", &json!({}));
    let lines = answer.text();
    assert_eq!(answer.status, 200, "{lines}");
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn named(name: &str) -> String {
    GOOD.replace("\"events\"", &format!("\"{name}\""))
}

#[test]
fn a_pipeline_is_created_then_updated_and_its_version_told() {
    let server = Pachd::without_repo();
    let asked = server.overhear("CreatePipelineV2");
    let reprocesses = || {
        let request = asked.try_iter().last().unwrap();
        serde_json::from_slice::<Value>(&request).unwrap()["reprocess"] == true
    };
    let ran = submit(&server, &[("a.json", GOOD)], &["a.json"]);
    assert_eq!(ran.expect(0).text(), "default/events   version 1   created\n");
    ran.says("spoutctl tail default/events --wait-for-branch")
        .says("pachctl logs --pipeline events");

    let again = submit(&server, &[("a.json", GOOD)], &["a.json"]);
    again.expect(4).says("already exists").says("--update");
    // At the pipeline's name.
    again.says("a.json:2:24: error[refused-by-server]");

    // The same spec once more would only start its pods anew.
    let ran = submit(&server, &[("a.json", GOOD)], &["a.json", "--update"]);
    assert_eq!(ran.expect(0).text(), "default/events   version 1   unchanged\n");
    let changed = GOOD.replace(":1.4", ":1.5");
    let ran = submit(&server, &[("a.json", &changed)], &["a.json", "--update"]);
    assert_eq!(ran.expect(0).text(), "default/events   version 2   updated\n");
    assert!(!reprocesses());
    submit(&server, &[("a.json", GOOD)], &["a.json", "--update", "--reprocess"]).expect(0);
    assert!(reprocesses());
}

#[test]
fn all_specs_are_looked_at_before_any_is_sent() {
    let server = Pachd::without_repo();
    let bad = named("my_spout");
    let ran = submit(&server, &[("a.json", GOOD), ("b.json", &bad)], &["a.json", "b.json"]);
    ran.expect(1)
        .says("b.json:2:24: error[spout-name-not-dns]")
        .says("nothing is sent");
    assert_eq!(server.calls(Proxy::ANY), 0);
    // A file that cannot be read, and one pipeline twice.
    submit(&server, &[("a.json", GOOD)], &["a.json", "none.json"])
        .expect(3)
        .says("none.json");
    submit(&server, &[("a.json", GOOD), ("b.json", GOOD)], &["a.json", "b.json"])
        .expect(1)
        .says("a.json, b.json");
    assert_eq!(server.calls(Proxy::ANY), 0);
    let args = ["a.json", "b.json", "--no-lint"];
    let ran = submit(&server, &[("a.json", GOOD), ("b.json", &bad)], &args);
    assert_eq!(ran.expect(0).lines().len(), 2);
}

#[test]
fn several_specs_are_sent_in_their_order_up_to_the_first_that_is_refused() {
    let server = Pachd::without_repo();
    server.at("CreatePipelineV2", 2, refusal(3, "could not make effective spec"));
    let files = [
        ("a.json", GOOD),
        ("b.json", &named("second")),
        ("c.json", &named("third")),
    ];
    let ran = submit(&server, &files, &["a.json", "b.json", "c.json"]);
    assert_eq!(ran.expect(4).text(), "default/events   version 1   created\n");
    ran.says("b.json:2:24: error[refused-by-server]")
        .says("1 spec after it was not sent");
    assert_eq!(pipelines(&server).len(), 1);
}

#[test]
fn a_refusal_is_shown_at_the_line_that_it_is_about() {
    let server = Pachd::without_repo();
    server.at("CreatePipelineV2", 1, refusal(2, "missing Kubernetes secret nowhere"));
    let spec = "pipeline: {name: events}\nspout: {}\ntransform:\n  image: a:1\n  cmd: [main]\n  secrets:\n  - name: nowhere\n    \
                key: k\n    envVar: V\n";
    submit(&server, &[("a.yaml", spec)], &["a.yaml"])
        .expect(4)
        .says("a.yaml:7:11: error[refused-by-server]: pachd refuses this spec: missing Kubernetes secret nowhere");
}

#[test]
fn a_dry_run_shows_the_effective_spec_and_how_it_differs_from_the_one_that_runs() {
    let server = Pachd::without_repo();
    let ran = submit(&server, &[("a.json", GOOD)], &["a.json", "--dry-run"]);
    ran.expect(0).says("default/events is not there and would be created");
    let effective: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(effective["datumTries"], "3");
    assert!(pipelines(&server).is_empty());

    submit(&server, &[("a.json", GOOD)], &["a.json"]).expect(0);
    let same = submit(&server, &[("a.json", GOOD)], &["a.json", "-n", "--update"]);
    same.expect(0).says("version 1, and has this very spec");
    let changed = GOOD.replace(":1.4", ":1.5");
    assert_ne!(changed, GOOD);
    let ran = submit(&server, &[("a.json", &changed)], &["a.json", "-n"]);
    ran.expect(0).says("without --update pachd refuses");
    let text = ran.text();
    assert!(text.contains("--- default/events version 1\n+++ a.json\n"), "{text}");
    assert!(
        text.contains("\n-    \"image\": \"registry.example.com/events:1.4\"\n+    "),
        "{text}"
    );
    assert_eq!(pipelines(&server)[0]["result"]["version"], "1");
}

#[test]
fn an_answer_that_is_lost_is_looked_for_before_anything_is_said() {
    let server = Pachd::without_repo();
    server.at("CreatePipelineV2", 1, Fault::CutAnswer(5));
    let ran = submit(&server, &[("a.json", GOOD)], &["a.json"]);
    assert_eq!(ran.expect(0).text(), "default/events   version 1   created\n");
    assert_eq!(server.calls("CreatePipelineV2"), 1);

    let unheard = Pachd::without_repo();
    unheard.at("CreatePipelineV2", 1, Fault::Unheard);
    submit(&unheard, &[("a.json", GOOD)], &["a.json"]).expect(5);

    let denied = Pachd::without_repo();
    denied.at(
        "CreatePipelineV2",
        1,
        refusal(16, "no authentication token (try logging in)"),
    );
    submit(&denied, &[("a.json", GOOD)], &["a.json"])
        .expect(4)
        .says("PACH_TOKEN");

    let older = Pachd::without_repo();
    older.at("CreatePipelineV2", 1, refusal(5, "Not Found"));
    submit(&older, &[("a.json", GOOD)], &["a.json"])
        .expect(4)
        .says("older Pachyderm")
        .says("pachctl create pipeline -f");
}

#[test]
fn what_belongs_to_a_new_spec_does_not_go_with_one_that_is_there() {
    let world = World::local();
    for args in [
        &["orders", "-f", "a.json"][..],
        &["-f", "a.json", "--image", "a:1"],
        &["-f", "a.json", "-o", "b.json"],
        &["-f", "a.json", "--reprocess"],
        &["orders", "--update"],
        &["orders", "--dry-run"],
    ] {
        world.run(&[&["create"], args].concat()).expect(2);
    }
    world
        .run(&["create", "-f", "-"])
        .expect(1)
        .says("there is no spec in this file");
    let spec = GOOD.as_bytes();
    world
        .run_with(&["create", "-f", "-"], spec)
        .expect(2)
        .says("makes no pipelines");
}

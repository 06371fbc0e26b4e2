//! `validate --server`.

use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use crate::pachd::Pachd;
use crate::proxy::{Fault, Proxy, refusal, reply};
use crate::runner::World;
use crate::validate::{GOOD, validate, world};

fn ask(server: &Pachd, files: &[(&str, &str)], args: &[&str]) -> crate::runner::Ran {
    let local = world(files);
    let url = server.url();
    let args = [args, &["--server", "--pachd", &url]].concat();
    validate(&local, &args)
}

/// A server with one default, and the specs that it was asked about.
fn defaulting() -> (Pachd, Receiver<Value>) {
    let server = Pachd::start();
    let (sender, specs) = channel();
    server.each("CreatePipelineV2", move |_| {
        let sender = sender.clone();
        Some(Fault::By(Box::new(move |body| {
            let mut spec: Value = serde_json::from_str(&spec_in(body)).unwrap();
            let _ = sender.send(spec.clone());
            spec["datumTries"] = "3".into();
            Some(reply(&json!({"effectiveCreatePipelineRequestJson": spec.to_string()})))
        })))
    });
    (server, specs)
}

fn spec_in(body: &[u8]) -> String {
    let request: Value = serde_json::from_slice(body).unwrap();
    request["createPipelineRequestJson"].as_str().unwrap().to_owned()
}

#[test]
fn the_server_gets_strict_json_and_its_defaults_are_shown() {
    let (server, specs) = defaulting();
    let yaml = "# a comment\npipeline: {name: events}\nspout: {}\ntransform:\n  image: registry.example.com/events:1.4\n  \
                cmd: [python3, /app/main.py]\n";
    let ran = ask(&server, &[("a.yaml", yaml)], &["--format", "json", "a.yaml"]);
    let report: serde_json::Value = serde_json::from_slice(&ran.expect(0).stdout).unwrap();
    let found = &report["diagnostics"][0];
    assert_eq!(found["rule"], "server-defaults");
    assert_eq!(found["severity"], "info");
    assert_eq!(found["note"], "datumTries = \"3\"");
    assert_eq!(
        specs.try_iter().collect::<Vec<_>>(),
        [json!({
            "pipeline": {"name": "events"}, "spout": {},
            "transform": {"image": "registry.example.com/events:1.4", "cmd": ["python3", "/app/main.py"]},
        })]
    );
}

#[test]
fn a_spec_that_the_server_refuses_is_an_error_at_its_name() {
    let server = Pachd::start();
    let refuse = |body: &bytes::Bytes| {
        let text = spec_in(body);
        Some(refusal(
            3,
            format!("could not make effective spec: could not parse {text} as Create Pipeline Request message"),
        ))
    };
    server.at("CreatePipelineV2", 1, Fault::By(Box::new(refuse)));
    let ran = ask(&server, &[("a.json", GOOD)], &["a.json"]);
    let line = ran.expect(1).text();
    assert_eq!(
        line,
        "a.json:2:24: error[refused-by-server]: pachd refuses this spec: could not make effective spec: could not parse … as \
         Create Pipeline Request message\n"
    );
}

#[test]
fn what_the_server_says_is_weighed_and_explained_like_any_rule() {
    let (server, _specs) = defaulting();
    let files = [("a.json", GOOD)];
    let ignored = ask(&server, &files, &["a.json", "--ignore", "server-defaults"]);
    assert_eq!(ignored.expect(0).text(), "");
    let weighed = ["a.json", "--severity", "server-defaults=error"];
    ask(&server, &files, &weighed).expect(1);
    for rule in ["server-defaults", "refused-by-server"] {
        let explained = World::local().run(&["explain", rule]).expect(0).text();
        assert!(
            explained.contains("--server") && !explained.contains("Bad:"),
            "{explained}"
        );
    }
}

#[test]
fn a_spec_with_an_error_of_ours_is_not_sent() {
    let server = Pachd::start();
    let bad = GOOD.replace("\"spout\": {},", "\"spout\": {}");
    ask(&server, &[("a.json", &bad)], &["a.json"]).expect(1);
    assert_eq!(server.calls(Proxy::ANY), 0);
}

#[test]
fn a_server_that_cannot_be_asked_is_no_verdict_about_the_spec() {
    let server = Pachd::start();
    server.at(
        "CreatePipelineV2",
        1,
        refusal(16, "no authentication token (try logging in)"),
    );
    ask(&server, &[("a.json", GOOD)], &["a.json"])
        .expect(4)
        .says("PACH_TOKEN");

    let older = Pachd::start();
    older.at("CreatePipelineV2", 1, refusal(5, "Not Found"));
    ask(&older, &[("a.json", GOOD)], &["a.json"])
        .expect(4)
        .says("it is an older Pachyderm");

    let broken = Pachd::start();
    broken.at("CreatePipelineV2", 1, Fault::Unheard);
    ask(&broken, &[("a.json", GOOD)], &["a.json"])
        .expect(5)
        .says("cannot be asked");
}

#[test]
fn a_store_in_a_directory_is_not_asked() {
    let local = World::local();
    local
        .run(&["validate", "--server", "-"])
        .expect(2)
        .says("makes no pipelines");
}

//! Pachyderm's own Python SDK, unchanged, against `serve`.

use std::process::Command;

use serde_json::{Value, json};

use crate::runner::{World, fixture, skip, tar};
use crate::served::Served;

/// A Python that has the SDK: what `SPOUTCTL_TEST_PYTHON` names.
fn python() -> Option<String> {
    let python = std::env::var("SPOUTCTL_TEST_PYTHON").ok();
    if python.is_none() {
        skip("SPOUTCTL_TEST_PYTHON names no Python that has pachyderm-sdk 2.12");
    }
    python
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_the_python_sdk_writes_is_read_and_the_other_way_round() {
    let Some(python) = python() else { return };
    let served = Served::start();
    let world = World::at(&format!("grpc://{}", served.authority));
    let script = fixture("../tests/sdk.py");

    let found = run(Command::new(&python).arg(&script).args([&served.authority, "sdk"]));
    let found: Value = serde_json::from_str(found.trim()).unwrap();
    assert_eq!(found["version"], 2);
    assert_eq!(found["files"], json!({"/a/one.txt": 3, "/a/two.bin": 3_000_000}));
    assert_eq!(found["one"], "one");
    assert_eq!(found["subscribed"], found["commit"]);
    assert!(found["refused"].as_str().unwrap().contains("already exists"), "{found}");
    assert_eq!(found["repos"], json!(["sdk", "sdk-2"]));
    assert_eq!(world.get("sdk:/a/one.txt"), b"one");
    assert_eq!(world.get("sdk:/a/two.bin"), b"two".repeat(1_000_000));

    // The other way round, found by a configuration file as in a cluster.
    world
        .run_with(&["put", "from-spoutctl", "--create-repo"], &tar(&[("offset", b"42\n")]))
        .expect(0);
    let config = world.path("config.json");
    let context = json!({"pachd_address": format!("grpc://{}", served.authority)});
    let text = json!({"v2": {"active_context": "here", "contexts": {"here": context}}});
    std::fs::write(&config, text.to_string()).unwrap();
    let read = run(Command::new(&python)
        .arg(&script)
        .arg("/offset")
        .env("PACH_CONFIG", &config));
    assert_eq!(read, "42\n");
}

//! Patches of a pod that are larger than what anybody writes.

use serde_json::{Value as Json, json};

use super::*;

fn found(operations: &[Json]) -> Vec<Diagnostic> {
    let spec = json!({
        "pipeline": {"name": "a"},
        "spout": {},
        "transform": {"image": "a:1", "cmd": ["/a"]},
        "pod_patch": json!(operations).to_string(),
    });
    check(&SourceFile::new("spec.json", spec.to_string()), &Options::default()).diagnostics
}

fn add(path: &str, value: &Json) -> Json {
    json!({"op": "add", "path": path, "value": value})
}

fn transfer(op: &str, from: &str, path: &str) -> Json {
    json!({"op": op, "from": from, "path": path})
}

#[test]
fn a_patch_that_copies_or_moves_too_much_or_makes_the_pod_ever_deeper_is_given_up_with_a_word() {
    let mut doubled = vec![add("/x", &json!([1]))];
    doubled.extend(std::iter::repeat_n(transfer("copy", "/x", "/x/-"), 60));
    let mut deep = vec![add("/x", &json!({}))];
    for _ in 0..300 {
        deep.extend([
            add("/y", &json!({})),
            transfer("move", "/x", "/y/x"),
            transfer("move", "/y", "/x"),
        ]);
    }
    let mut long = vec![add("/x", &json!(["x".repeat(20_000)]))];
    long.extend(std::iter::repeat_n(transfer("copy", "/x", "/x/-"), 18));
    let mut keyed = vec![add("/x", &json!({"k".repeat(20_000): 1})), add("/y", &json!([]))];
    keyed.extend(std::iter::repeat_n(transfer("copy", "/x", "/y/-"), 400));
    let mut moved = vec![add("/x", &json!(vec![1; 10_000]))];
    for _ in 0..100 {
        moved.extend([transfer("move", "/x", "/y"), transfer("move", "/y", "/x")]);
    }
    for operations in [doubled, deep, long, keyed, moved] {
        let found = found(&operations);
        let [finding] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(
            (finding.rule.0, finding.severity),
            ("pod-patch-fails", Severity::Warning)
        );
        assert!(finding.message.ends_with("to be looked at"), "{}", finding.message);
    }
}

#[test]
fn a_small_thing_may_be_copied_often() {
    let copies = vec![transfer("copy", "/containers/0/env/0", "/containers/0/env/-"); 400];
    assert_eq!(found(&copies), []);
}

#[test]
fn of_more_than_is_judged_after_each_operation_none_is_named() {
    let volume = |name: &str| add("/volumes/-", &json!({"name": name, "emptyDir": {}}));
    for (count, called) in [(499, "operation 500 of `pod_patch`: "), (1_500, "`pod_patch`: ")] {
        let mut operations: Vec<Json> = (0..count).map(|at| volume(&format!("v{at}"))).collect();
        operations.push(volume("A_B"));
        let found = found(&operations);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.starts_with(called), "{}", found[0].message);
    }
}

#[test]
fn what_kubernetes_refuses_of_names_portals_and_amounts_of_nothing_is_found() {
    let fields = |name: &str| {
        let field = json!({"key": "metadata.name", "operator": "In", "values": [name]});
        let terms = json!({"nodeSelectorTerms": [{"matchFields": [field]}]});
        let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}});
        found(&[add("/affinity", &affinity)]).len()
    };
    assert_eq!(
        ["node-1", "a.b", "", "A_B", "-a", "a b"].map(fields),
        [0, 0, 1, 1, 1, 1]
    );
    // Of the volume's name, `:` and the portal Kubernetes takes 64 characters.
    let portal = |length: usize, initiator: &Json| {
        let iscsi = json!({
            "iqn": "iqn.2001-04.com.example:storage", "targetPortal": "p".repeat(length), "initiatorName": initiator,
        });
        found(&[add("/volumes/-", &json!({"name": "v", "iscsi": iscsi}))]).len()
    };
    let named = json!("iqn.2001-04.com.example:node");
    assert_eq!(
        [portal(62, &named), portal(63, &named), portal(63, &Json::Null)],
        [0, 1, 0]
    );
    // Null is the amount 0.
    let resources = |limit: Json| {
        let resources = json!({"limits": {"memory": limit}, "requests": {"memory": "1Gi"}});
        found(&[add("/containers/0/resources", &resources)]).len()
    };
    assert_eq!([resources(json!("1Gi")), resources(Json::Null)], [0, 1]);
}

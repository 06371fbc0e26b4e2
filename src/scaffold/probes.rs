//! What makes a spout's pod watched: the variable by which `put` listens, where Prometheus looks, and Kubernetes'
//! probes.

use serde_json::json;

use super::answers::Variable;
use super::format::Piece;

/// What `put` takes for `--metrics-listen`, also where a script calls it.
pub(super) const LISTEN: &str = "SPOUTCTL_METRICS_LISTEN";

/// How the code is told.
pub(super) fn variable(port: u16) -> Variable {
    Variable {
        name: LISTEN.to_owned(),
        value: format!("0.0.0.0:{port}"),
    }
}

/// What most who run Prometheus in Kubernetes have it look for.
pub(super) fn annotations(port: u16) -> Piece {
    let text = |text: &str| Some(Piece::Text(text.to_owned()));
    let annotations = Piece::of([
        ("prometheus.io/scrape", text("true")),
        ("prometheus.io/port", text(&port.to_string())),
    ]);
    Piece::of([("annotations", Some(annotations))])
}

/// The probes of the user's container. The worker begins with the code after some seconds, and again after 17 at most
/// when it has failed; `put` may look for its sidecar for ten minutes before it listens. A container that is killed
/// earlier than that has lost its time for nothing.
pub(super) fn patch(port: u16) -> Piece {
    let probe = |path: &str, failures: u32| {
        let get = json!({"path": path, "port": port});
        json!({"httpGet": get, "periodSeconds": 10, "failureThreshold": failures})
    };
    let add = |name: &str, probe| json!({"op": "add", "path": format!("/containers/0/{name}"), "value": probe});
    let patch = json!([
        add("startupProbe", probe("/healthz", 90)),
        add("livenessProbe", probe("/healthz", 18)),
        add("readinessProbe", probe("/ready", 2)),
    ]);
    Piece::Text(patch.to_string())
}

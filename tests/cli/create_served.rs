//! `create -f` with `serve`, through both of its doors.

use serde_json::json;

use crate::grpc::Sidecar;
use crate::runner::{Ran, World, tar};
use crate::served::Served;

const SPEC: &str = "pipeline: {name: orders}\nspout: {}\ntransform:\n  image: shop/orders:1\n  cmd: [orders]\n";

struct Door {
    world: World,
    spec: String,
}

impl Door {
    fn to(url: &str) -> Self {
        let world = World::at(url);
        let path = world.path("orders.yaml");
        std::fs::write(&path, SPEC).unwrap();
        Self {
            spec: path.display().to_string(),
            world,
        }
    }

    fn create(&self, args: &[&str]) -> Ran {
        self.world.run(&[&["create", "-f", &self.spec], args].concat())
    }

    fn now_with(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.spec).unwrap();
        std::fs::write(&self.spec, text.replace(from, to)).unwrap();
    }
}

fn salt(served: &Served) -> String {
    let request = json!({"pipeline": {"name": "orders"}, "details": true});
    let info = served.ask("pps_v2.API/InspectPipeline", &request);
    info["details"]["salt"].as_str().unwrap().to_owned()
}

/// The whole life of a spec.
fn round_trip(served: &Served, url: &str) {
    let door = Door::to(url);
    door.create(&["-n"]).expect(0).says("is not there and would be created");
    let created = door.create(&[]);
    assert_eq!(created.expect(0).text(), "default/orders   version 1   created\n");
    door.create(&[]).expect(4).says("already exists").says("--update");
    door.create(&["-n"]).expect(0).says("version 1, and has this very spec");
    door.now_with(":1", ":2");
    let tried = door.create(&["-n", "--update"]);
    let text = tried.expect(0).text();
    assert!(
        text.contains("\n-    \"image\": \"shop/orders:1\"\n+    \"image\": \"shop/orders:2\"\n"),
        "{text}"
    );
    let before = salt(served);
    let updated = door.create(&["--update"]);
    assert_eq!(updated.expect(0).text(), "default/orders   version 2   updated\n");
    assert_eq!(salt(served), before);
    door.create(&["--update", "--reprocess"]).expect(0);
    assert_ne!(salt(served), before, "nothing is done again");

    // It writes its repo now, and nobody else does.
    let refused = door.world.run_with(&["put", "orders"], &tar(&[("a", b"x")]));
    refused.expect(4).says("is the output branch").says("of spout `orders`");

    door.now_with("orders}", "orders, project: {name: nowhere}}");
    let refused = door.create(&[]);
    refused.expect(4).says("orders.yaml:1:42: error[refused-by-server]");
    door.now_with("project: {name: nowhere}", "foo: 1");
    let refused = door.create(&["--no-lint"]);
    refused
        .expect(4)
        .says("orders.yaml:1:26: error[refused-by-server]")
        .says("unknown field");
    let request = json!({"pipeline": {"name": "orders"}});
    served.ask("pps_v2.API/DeletePipeline", &request);
}

#[test]
fn a_spec_goes_round_through_both_doors() {
    let served = Served::start();
    round_trip(&served, &served.url());
    round_trip(&served, &served.url().replace("http:", "grpc:"));
}

#[test]
fn a_spouts_code_writes_its_repo_over_the_sidecar_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let served = Served::over(&store, &[]);
    Door::to(&served.url()).create(&[]).expect(0);
    drop(served);
    let sidecar = Sidecar::of(&store, "orders");
    let ran = sidecar.run(&["put"], &tar(&[("a", b"x")]));
    assert_eq!(ran.expect(0).commits().len(), 1);
}

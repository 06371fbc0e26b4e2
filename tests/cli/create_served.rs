//! `create -f` with `serve`, through both of its doors.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::grpc::Sidecar;
use crate::runner::{Ran, World, tar};
use crate::served::{Served, post};

const SPEC: &str = "pipeline: {name: orders}\nspout: {}\ntransform:\n  image: shop/orders:1\n  cmd: [orders]\n";

const USERS: &str = "pach:root root-token\nrobot:ci ci-token\nrobot:old old-token 2020-01-01T00:00:00Z\n";

struct Door {
    world: World,
    spec: String,
}

impl Door {
    fn to(url: &str, token: Option<&str>) -> Self {
        let world = World::at(url).with_token(token.map(str::to_owned));
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

fn ask(served: &Served, token: Option<&str>, method: &str, request: &Value) -> Value {
    let (status, body) = post(&served.authority, method, request, token).unwrap();
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn salt(served: &Served, token: Option<&str>) -> String {
    let request = json!({"pipeline": {"name": "orders"}, "details": true});
    let info = ask(served, token, "pps_v2.API/InspectPipeline", &request);
    info["details"]["salt"].as_str().unwrap().to_owned()
}

/// Over a store in `directory`, for those in [`USERS`].
fn guarded(directory: &Path) -> Served {
    let users = directory.join("users");
    std::fs::write(&users, USERS).unwrap();
    std::fs::set_permissions(&users, Permissions::from_mode(0o600)).unwrap();
    Served::over(&directory.join("store"), &["--token-file", users.to_str().unwrap()])
}

/// The whole life of a spec.
fn round_trip(served: &Served, url: &str, token: Option<&str>) {
    let door = Door::to(url, token);
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
    let before = salt(served, token);
    let updated = door.create(&["--update"]);
    assert_eq!(updated.expect(0).text(), "default/orders   version 2   updated\n");
    assert_eq!(salt(served, token), before);
    door.create(&["--update", "--reprocess"]).expect(0);
    assert_ne!(salt(served, token), before, "nothing is done again");

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
    ask(served, token, "pps_v2.API/DeletePipeline", &request);
}

#[test]
fn a_spec_goes_round_through_both_doors() {
    let served = Served::start();
    round_trip(&served, &served.url(), None);
    round_trip(&served, &served.url().replace("http:", "grpc:"), None);
}

#[test]
fn a_spouts_code_writes_its_repo_over_the_sidecar_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let served = Served::over(&store, &[]);
    Door::to(&served.url(), None).create(&[]).expect(0);
    drop(served);
    let sidecar = Sidecar::of(&store, "orders");
    let ran = sidecar.run(&["put"], &tar(&[("a", b"x")]));
    assert_eq!(ran.expect(0).commits().len(), 1);
}

#[test]
fn with_a_token_a_spec_goes_round_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let served = guarded(directory.path());
    for url in [served.url(), served.url().replace("http:", "grpc:")] {
        // Everybody may make pipelines in the default project.
        round_trip(&served, &url, Some("ci-token"));
    }
}

#[test]
fn what_others_may_not_do_is_refused_with_the_permission() {
    let directory = tempfile::tempdir().unwrap();
    let served = guarded(directory.path());
    for (number, url) in [served.url(), served.url().replace("http:", "grpc:")]
        .iter()
        .enumerate()
    {
        let root = Door::to(url, Some("root-token"));
        let ci = Door::to(url, Some("ci-token"));
        let repo = format!("events{number}");
        let archive = tar(&[("a", b"x")]);
        root.world
            .run_with(&["put", &repo, "--create-repo"], &archive)
            .expect(0);
        let put = || ci.world.run_with(&["put", &repo], &archive);
        put().expect(4).says("REPO_WRITE").says("repoWriter");
        ci.world.run(&["get", &format!("{repo}:/a")]).expect(4);
        let grant = json!({"resource": {"type": "REPO", "name": format!("default/{repo}")}, "principal": "robot:ci",
            "roles": ["repoWriter"]});
        ask(&served, Some("root-token"), "auth_v2.API/ModifyRoleBinding", &grant);
        put().expect(0);
        assert_eq!(ci.world.get(&format!("{repo}:/a")), b"x");

        root.create(&["--update"]).expect(0);
        ci.create(&["--update", "--reprocess"]).expect(4).says("REPO_WRITE");
        let who = ci.world.run(&["auth", "whoami"]);
        assert!(who.expect(0).text().contains("robot:ci"), "{}", who.text());
        Door::to(url, Some("old-token")).create(&[]).expect(4).says("expir");
        Door::to(url, None).create(&[]).expect(4);
    }
    let said = served.said();
    assert!(!said.contains("-token"), "{said}");
}

#[test]
fn tokens_that_others_can_read_are_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users");
    std::fs::write(&users, USERS).unwrap();
    std::fs::set_permissions(&users, Permissions::from_mode(0o644)).unwrap();
    let world = World::local();
    let store = world.path("store").display().to_string();
    let serve = [
        "serve",
        &store,
        "--listen",
        "127.0.0.1:0",
        "--token-file",
        users.to_str().unwrap(),
    ];
    world.run(&serve).expect(2).says("others can read").says("chmod 600");
    std::fs::write(&users, "robot:ci\nci hidden\n").unwrap();
    let ran = world.run(&serve);
    ran.expect(2).says("line 2");
    assert!(!ran.stderr.contains("hidden"), "{}", ran.stderr);
}

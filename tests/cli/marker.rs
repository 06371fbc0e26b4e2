//! The marker: a consumer that puts its offset into the same archive as its data, and goes on from there whenever `put`
//! was killed, between any two steps.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::checker::{Order, Outcome, Promise, Told, Tree};
use crate::faults::in_store;
use crate::proxy::{Fault, Proxy};
use crate::runner::{Ran, World, try_all};
use crate::served::Served;

/// Reads messages 1 to 3 of an endless queue, from the one after the marker on.
const CONSUMER: &str = r#"
work=$(mktemp -d) && cd "$work" || exit 1
offset=$(spoutctl get events:/offset)
case $? in
    0) ;;
    1) offset=0 ;; # none yet
    *) exit 1 ;;
esac
while [ "$offset" -lt 3 ]; do
    offset=$((offset + 1))
    mkdir -p messages && echo "message $offset" > "messages/$offset" && echo "$offset" > offset
    tar cf - "messages/$offset" offset || exit 1
done
"#;

const MESSAGES: u64 = 3;

fn tree(number: u64) -> Tree {
    let messages = (1..=number).map(|n| (format!("messages/{n}"), format!("message {n}\n").into_bytes()));
    let offset = ("offset".to_owned(), format!("{number}\n").into_bytes());
    messages.chain([offset]).collect()
}

/// A repo that a consumer is started for again and again.
struct Scene<'a> {
    world: World,
    store: &'a Path,
    repo: String,
}

impl<'a> Scene<'a> {
    fn new(served: &Served, store: &'a Path) -> Self {
        let repo = format!("r{}", uuid::Uuid::new_v4().simple());
        let name = json!({"name": repo, "type": "user", "project": {"name": "default"}});
        served.ask("pfs_v2.API/CreateRepo", &json!({"repo": name}));
        let world = World::at(&served.url());
        Self { world, store, repo }
    }

    fn put(&self, url: &str) -> std::process::Command {
        let script = self.world.path("consumer.sh");
        fs::write(&script, CONSUMER.replace("events", &self.repo)).unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_spoutctl"));
        let spool = self.world.path("spool").display().to_string();
        let mut put = self.world.command(&["put", &self.repo, "--spool", &spool, "--json"]);
        put.arg("--")
            .arg("sh")
            .arg(&script)
            .env("PATH", format!("{}:/usr/bin:/bin", binary.parent().unwrap().display()))
            .env("PACHD_ADDRESS", url);
        put
    }

    /// Kills `put` once so many calls of it and of its consumer have been made.
    fn kill_at(&self, authority: &str, calls: usize, fault: Fault) -> Ran {
        let proxy = Proxy::before(authority);
        proxy.at(Proxy::ANY, calls, fault);
        let mut child = self.put(&proxy.url()).stdout(Stdio::piped()).spawn().unwrap();
        proxy.wait_for(Proxy::ANY, calls);
        // What was sent is carried out.
        std::thread::sleep(Duration::from_millis(100));
        child.kill().unwrap();
        // The consumer outlives it, and may be waiting for an answer.
        drop(proxy);
        Ran::from(child.wait_with_output().unwrap())
    }

    fn check(&self, runs: &[&Ran]) -> Result<(), String> {
        let promise = Promise {
            archives: MESSAGES,
            tree: &tree,
            order: Order::AsSent,
            told: Told::AgainAfterAKill,
        };
        promise.check(&Outcome {
            acknowledged: runs.iter().flat_map(|ran| ran.acknowledged()).collect(),
            ..in_store(self.store, &self.repo)
        })
    }
}

/// Kills at the call with this number, and lets the next run come to its end.
fn try_one(served: &Served, store: &Path, calls: usize, fault: Fault) -> Result<(), String> {
    let scene = Scene::new(served, store);
    let killed = scene.kill_at(&served.authority, calls, fault);
    let again = Ran::from(scene.put(&served.url()).output().unwrap());
    let checked = match again.code {
        Some(0) => scene.check(&[&killed, &again]),
        code => Err(format!("the second run ended with {code:?}")),
    };
    checked.map_err(|what| format!("call {calls}: {what}\n{}{}", killed.stderr, again.stderr))
}

/// How many calls there are when nothing goes wrong.
fn count_calls(served: &Served, store: &Path) -> usize {
    let scene = Scene::new(served, store);
    let proxy = Proxy::before(&served.authority);
    let ran = Ran::from(scene.put(&proxy.url()).output().unwrap());
    ran.expect(0);
    scene.check(&[&ran]).unwrap();
    proxy.calls(Proxy::ANY)
}

#[test]
fn whenever_put_is_killed_its_consumer_goes_on_after_the_last_message_that_is_committed() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let served = Served::over(&store, &[]);
    let calls = count_calls(&served, &store);
    // Preflight, the marker, and five calls for each message.
    assert!(calls > 15, "{calls}");
    // Nobody waits for anything after the last one's answer.
    let cases = (1..calls).flat_map(|call| [(call, Fault::Stall), (call, Fault::StallAnswer(0))]);
    try_all(8, cases, |(call, fault)| try_one(&served, &store, call, fault));
}

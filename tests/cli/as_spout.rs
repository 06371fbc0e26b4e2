//! `serve --as-spout NAME -- CMD`: what a worker, and pachd around it, do to the code of a spout, by release.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::grpc_call::{Connection, Reply};
use crate::producer::wait_until_gone;
use crate::proxy::{Fault, Proxy};
use crate::runner::{PATIENCE, Ran, World, signal, wait_until, words};
use crate::served::Served;
use spoutctl_proto::pps::{DeletePipelineRequest, Pipeline, StartPipelineRequest, StopPipelineRequest};
use spoutctl_proto::v1;

const USERS: &str = "pach:root root-token\n";

/// pachd of a release with the spout `orders`, whose code is a script that runs where its files are.
pub struct Cluster {
    pub served: Option<Served>,
    pub world: World,
    pub release: &'static str,
    options: Vec<String>,
    pub script: String,
    /// What has been read of commits, which do not change.
    read: RefCell<BTreeMap<String, Vec<u32>>>,
}

impl Cluster {
    pub fn new(release: &'static str, options: &[&str], script: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut cluster = Self {
            served: None,
            world: World::at("grpc://127.0.0.1:1"),
            release,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            script: script.to_owned(),
            read: RefCell::default(),
        };
        cluster.world.directory = directory;
        cluster
    }

    /// In which tokens are asked for; its owner is whoever calls here.
    pub fn guarded(mut self) -> Self {
        let users = self.path("users");
        fs::write(&users, USERS).unwrap();
        fs::set_permissions(&users, fs::Permissions::from_mode(0o600)).unwrap();
        self.options
            .extend(["--token-file".to_owned(), users.display().to_string()]);
        self.world = self.world.with_token(Some("root-token".to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.world.path(name)
    }

    /// Where the code finds programs before all others.
    pub fn bin(&self) -> PathBuf {
        let bin = self.path("bin");
        fs::create_dir_all(&bin).unwrap();
        bin
    }

    /// Serves it; the code runs where [`Cluster::path`] is, and finds `spoutctl` and programs.
    pub fn start(mut self) -> Self {
        self.serve();
        self
    }

    pub fn serve(&mut self) {
        let begin = format!(
            "cd '{}'; PATH=\"$PWD/bin:/usr/local/bin:/usr/bin:/bin\"; export TMPDIR=\"$PWD\"; ",
            self.world.directory.path().display()
        );
        let spoutctl = self.bin().join("spoutctl");
        if !spoutctl.exists() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_spoutctl"), spoutctl).unwrap();
        }
        let script = begin + &self.script;
        let mut args = vec![
            "--pachyderm",
            self.release,
            "--as-spout",
            "orders",
            "--restart-after",
            "50ms",
        ];
        args.extend(self.options.iter().map(String::as_str));
        args.extend(["--", "/bin/sh", "-c", &script]);
        let served = Served::over(&self.path("store"), &args);
        let mut world = World::at(&format!("grpc://{}", served.authority));
        std::mem::swap(&mut world.directory, &mut self.world.directory);
        let token = self
            .options
            .contains(&"--token-file".to_owned())
            .then(|| "root-token".to_owned());
        self.world = world.with_token(token);
        self.served = Some(served);
    }

    fn served(&self) -> &Served {
        self.served.as_ref().unwrap()
    }

    pub fn said(&self) -> String {
        self.served().said()
    }

    /// The same without the requests.
    pub fn told(&self) -> String {
        let said = self.said();
        let told = said
            .lines()
            .filter(|line| !line.contains(" B in, ") && !line.contains("kB in, "));
        told.map(|line| format!("{line}\n")).collect()
    }

    #[track_caller]
    pub fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            let waited = begun.elapsed();
            assert!(waited < PATIENCE, "{}: no {what}: {}", self.release, self.told());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until `serve` has said this so many times.
    #[track_caller]
    fn wait_for_words(&self, words: &str, count: usize) {
        self.wait(words, || (self.said().matches(words).count() >= count).then_some(()));
    }

    /// The content of a file once the code has made it whole: it ends with a newline.
    #[track_caller]
    pub fn wait_for_file(&self, name: &str) -> String {
        self.wait(name, || {
            fs::read_to_string(self.path(name))
                .ok()
                .filter(|text| text.ends_with('\n'))
        })
    }

    /// Waits until a file of the code has so many lines.
    #[track_caller]
    pub fn wait_for_lines(&self, name: &str, count: usize) -> Vec<String> {
        self.wait(name, || {
            let text = fs::read_to_string(self.path(name)).unwrap_or_default();
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            (lines.len() >= count && text.ends_with('\n')).then_some(lines)
        })
    }

    fn is_1_x(&self) -> bool {
        self.release.starts_with("1.")
    }

    fn ask(&self, method: &str, message: &impl prost::Message) -> Reply {
        let token: Vec<_> = self
            .options
            .contains(&"--token-file".to_owned())
            .then(|| ("authn-token".to_owned(), "root-token".to_owned()))
            .into_iter()
            .collect();
        let connection = Connection::to(&self.served().authority);
        // What is asked here is written the same in both.
        let service = if self.is_1_x() { "pps.API" } else { "pps_v2.API" };
        connection.call(&format!("{service}/{method}"), &token, &[message.encode_to_vec()])
    }

    pub fn stop(&self) {
        let message = StopPipelineRequest {
            pipeline: orders(),
            ..StopPipelineRequest::default()
        };
        assert_eq!(self.ask("StopPipeline", &message).status, Some((0, String::new())));
    }

    pub fn start_again(&self) -> Reply {
        self.ask("StartPipeline", &StartPipelineRequest { pipeline: orders() })
    }

    /// Submits a spec of the spout with more in it than it needs.
    fn create(&self, name: &str, more: &str, args: &[&str]) -> Ran {
        let path = self.path(&format!("{name}.yaml"));
        let spec = format!("pipeline: {{name: {name}}}\ntransform: {{image: 'a:1', cmd: [put]{more}\n");
        fs::write(&path, spec).unwrap();
        let path = path.display().to_string();
        self.world.run(&[&["create", "-f", &path, "--no-lint"], args].concat())
    }

    fn update(&self, args: &[&str]) -> Ran {
        // Another variable each time, so that there is something to update.
        let more = format!(", env: {{TIME: '{:?}'}}}}\nspout: {{}}", Instant::now());
        self.create("orders", &more, &[&["--update"], args].concat())
    }

    /// `create -f` is not for 1.x: there pachctl does that.
    pub fn update_well(&self) {
        if !self.is_1_x() {
            self.update(&[]).expect(0);
            return;
        }
        let message = v1::pps::CreatePipelineRequest {
            pipeline: Some(v1::pps::Pipeline {
                name: "orders".to_owned(),
            }),
            transform: Some(v1::pps::Transform {
                image: "a:1".to_owned(),
                cmd: vec!["put".to_owned()],
                ..v1::pps::Transform::default()
            }),
            update: true,
            spout: Some(v1::pps::Spout::default()),
            ..v1::pps::CreatePipelineRequest::default()
        };
        assert_eq!(self.ask("CreatePipeline", &message).status, Some((0, String::new())));
    }

    /// What `read` finds in each of the commits that the code has made, oldest first.
    pub fn committed(&self, read: impl Fn(&World, &str) -> Vec<u32>) -> Vec<u32> {
        let ran = self.world.run(&words(
            "tail orders -e -n 1000 --ok-only --stream default/orders --format {id}",
        ));
        if ran.code != Some(0) {
            return Vec::new();
        }
        let mut known = self.read.borrow_mut();
        let of_one = |id: String| {
            let found = known.entry(id).or_insert_with_key(|id| read(&self.world, id));
            found.clone()
        };
        ran.lines().into_iter().flat_map(of_one).collect()
    }

    /// The lines of `numbers` in each commit of the code.
    fn numbers(&self) -> Vec<u32> {
        self.committed(numbers)
    }
}

/// The lines of `numbers` in a commit.
pub fn numbers(world: &World, commit: &str) -> Vec<u32> {
    let text = String::from_utf8(world.get(&format!("orders@{commit}:/numbers"))).unwrap();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

fn orders() -> Option<Pipeline> {
    Some(Pipeline {
        name: "orders".to_owned(),
        ..Pipeline::default()
    })
}

pub fn kill(process: &str, kind: Signal) {
    signal(process.trim().parse().unwrap(), kind);
}

/// Hangs, and has told its process and that of a child.
const HANG: &str = "trap 'echo > told' TERM INT HUP; sleep 1000 & echo $$ $! >> lives; while :; do wait; done";

#[test]
fn the_code_has_the_environment_of_its_release() {
    for (release, there, missing) in [
        (
            "1.13",
            &["PACH_ROOT", "PACH_CACHE_ROOT", "PACH_NAMESPACE"][..],
            &[
                "PPS_PROJECT_NAME",
                "LOKI_SERVICE_HOST_VAR",
                "GOCOVERDIR",
                "POSTGRES_PASSWORD",
                "PG_BOUNCER_HOST",
            ][..],
        ),
        ("2.0", &[], &["PPS_PROJECT_NAME", "LOKI_SERVICE_HOST_VAR", "GOCOVERDIR"]),
        ("2.3", &["LOKI_SERVICE_HOST_VAR"], &["PPS_PROJECT_NAME", "GOCOVERDIR"]),
        ("2.5", &["PPS_PROJECT_NAME", "LOKI_SERVICE_HOST_VAR"], &["GOCOVERDIR"]),
        (
            "2.12",
            &["PPS_PROJECT_NAME", "LOKI_SERVICE_HOST_VAR", "GOCOVERDIR"],
            &[],
        ),
    ] {
        let script = "env | sort > env.new; mv env.new env; readlink /proc/self/fd/0 > stdin; exec sleep 1000";
        let cluster = Cluster::new(release, &[], script).start();
        assert_eq!(cluster.wait_for_file("stdin"), "/dev/null\n");
        let text = fs::read_to_string(cluster.path("env")).unwrap();
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        let always = [
            "PEER_PORT",
            "PPS_SPEC_COMMIT",
            "PPS_POD_NAME",
            "PPS_WORKER_IP",
            "PPS_ETCD_PREFIX",
            "PPS_WORKER_GRPC_PORT",
        ];
        let of_2_x = ["POSTGRES_PASSWORD", "PG_BOUNCER_HOST"];
        let of_2_x = of_2_x.iter().filter(|_| !cluster.is_1_x());
        for name in always.iter().chain(there).chain(of_2_x) {
            assert!(value(name).is_some(), "{release} {name}: {text}");
        }
        for name in ["PACHD_ADDRESS", "PACH_TOKEN", "PACH_JOB_ID"].iter().chain(missing) {
            assert_eq!(value(name), None, "{release}");
        }
        assert_eq!(
            (value("PACH_IN_WORKER"), value("PPS_PIPELINE_NAME")),
            (Some("true"), Some("orders"))
        );
        let config: Value = serde_json::from_slice(&fs::read(value("PACH_CONFIG").unwrap()).unwrap()).unwrap();
        let context = &config["v2"]["contexts"]["pod"];
        assert_eq!(
            context["pachd_address"],
            format!("grpc://localhost:{}", value("PEER_PORT").unwrap())
        );
        assert_eq!(context.get("session_token"), None);
        // Kubernetes' own, which lead to pachd itself.
        let port = cluster.served().authority.rsplit_once(':').unwrap().1.to_owned();
        assert_eq!(value("PACHD_PEER_SERVICE_PORT"), Some(port.as_str()));
        assert_ne!(value("PEER_PORT"), Some(port.as_str()));
    }
}

#[test]
fn what_the_code_prints_goes_to_standard_error_line_by_line() {
    let script = "echo out; echo err >&2; printf 'no \\377 text' >&2; exec sleep 0";
    let cluster = Cluster::new("2.12", &["--quiet"], script).start();
    for line in ["orders | out\n", "orders | err\n", "orders | no \u{fffd} text\n"] {
        cluster.wait_for_words(line, 1);
    }
    let cluster = Cluster::new("2.12", &["--json"], script).start();
    cluster.wait_for_words("no \u{fffd} text", 1);
    let said = cluster.said();
    let json = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines: Vec<Value> = json.filter(|line| line["pipeline"] == "default/orders").collect();
    assert!(
        lines
            .iter()
            .any(|line| line["stream"] == "stdout" && line["message"] == "out"),
        "{said}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line["stream"] == "stderr" && line["message"] == "err"),
        "{said}"
    );
}

#[test]
fn code_that_ends_well_is_never_run_again_in_its_pod_and_the_pipeline_stays_running() {
    // 7 counts as well in the pipeline's next version.
    let script = "echo >> lives; exit \"$(cat code 2>/dev/null || echo 0)\"";
    let cluster = Cluster::new("2.12", &[], script).start();
    cluster.wait_for_words("ended with exit code 0: a worker never runs it again", 1);
    let state = || {
        cluster.served().ask(
            "pps_v2.API/InspectPipeline",
            &serde_json::json!({"pipeline": {"name": "orders"}}),
        )
    };
    assert_eq!(state()["state"], "PIPELINE_RUNNING");
    cluster.stop();
    assert_eq!(state()["state"], "PIPELINE_PAUSED");
    cluster.start_again();
    // A new pod runs it.
    cluster.wait_for_words("ended with exit code 0", 2);
    fs::write(cluster.path("code"), "7").unwrap();
    let accepts = ", accept_return_code: [7]}\nspout: {}";
    cluster.create("orders", accepts, &["--update"]).expect(0);
    cluster.wait_for_words("ended with exit code 7: a worker never", 1);
    assert_eq!(cluster.wait_for_lines("lives", 3).len(), 3);
}

#[test]
fn code_that_fails_is_run_again_in_its_pod() {
    let script = "echo >> lives; [ $(wc -l < lives) -lt 3 ] || exec sleep 1000; [ $(wc -l < lives) -eq 1 ] || kill -9 $$; exit 1";
    for release in ["2.3", "2.12"] {
        let cluster = Cluster::new(release, &[], script).start();
        cluster.wait_for_lines("lives", 3);
        cluster.wait_for_words("the code failed with exit code 1; the worker runs it again", 1);
        cluster.wait_for_words("the code was killed by signal 9; the worker runs it again", 1);
    }
}

#[test]
fn what_holds_the_output_of_code_that_has_ended_keeps_the_worker_waiting() {
    let script =
        "echo >> lives; [ $(wc -l < lives) -eq 1 ] || exec sleep 1000; mkfifo go; setsid sh -c 'read x < go' & exit 1";
    let cluster = Cluster::new("2.12", &[], script).start();
    cluster.wait_for_words("holds its output: a worker waits for that", 1);
    assert_eq!(cluster.wait_for_lines("lives", 1).len(), 1);
    fs::write(cluster.path("go"), "\n").unwrap();
    cluster.wait_for_lines("lives", 2);
}

#[test]
fn a_stop_kills_the_code_without_a_signal_and_a_start_runs_it_in_a_new_pod() {
    for release in ["1.13", "2.3", "2.6", "2.12"] {
        let cluster = Cluster::new(release, &[], HANG).start();
        let first = cluster.wait_for_lines("lives", 1).remove(0);
        cluster.stop();
        wait_until_gone(&first);
        cluster.wait_for_words("the pipeline is stopped, and its code killed", 1);
        // A start of what runs changes nothing.
        for _ in 0..2 {
            assert_eq!(cluster.start_again().status, Some((0, String::new())));
        }
        let second = cluster.wait_for_lines("lives", 2).remove(1);
        assert_ne!(first, second);
        // Both before anybody looks.
        cluster.stop();
        cluster.start_again();
        wait_until_gone(&second);
        cluster.wait_for_lines("lives", 3);
        assert!(!cluster.path("told").exists(), "{release}");
    }
}

#[test]
fn a_spout_that_was_stopped_cannot_be_started_again_on_2_0() {
    let cluster = Cluster::new("2.0", &[], HANG).start();
    let first = cluster.wait_for_lines("lives", 1).remove(0);
    cluster.stop();
    wait_until_gone(&first);
    let (code, words) = cluster.start_again().status.unwrap();
    assert_ne!(code, 0);
    assert!(words.contains("orders.meta not found"), "{words}");
}

#[test]
fn a_deleted_pipeline_loses_its_code_and_one_made_anew_gets_it() {
    let cluster = Cluster::new("2.12", &[], HANG).start();
    let first = cluster.wait_for_lines("lives", 1).remove(0);
    let delete = DeletePipelineRequest {
        pipeline: orders(),
        ..DeletePipelineRequest::default()
    };
    assert_eq!(cluster.ask("DeletePipeline", &delete).status, Some((0, String::new())));
    wait_until_gone(&first);
    cluster.wait_for_words("the pipeline is deleted, and its code killed", 1);
    cluster.create("orders", "}\nspout: {}", &[]).expect(0);
    cluster.wait_for_lines("lives", 2);
}

#[test]
fn the_code_is_killed_whenever_it_has_run_for_so_long() {
    let cluster = Cluster::new("2.12", &["--kill-after", "100ms"], HANG).start();
    let lives = cluster.wait_for_lines("lives", 3);
    wait_until_gone(&lives[..2].join(" "));
    cluster.wait_for_words("the pod is killed after", 2);
    assert!(!cluster.path("told").exists());
}

#[test]
fn nothing_is_left_of_the_code_when_serve_ends_or_is_killed() {
    for (release, signal) in [
        ("2.12", Signal::TERM),
        ("2.12", Signal::KILL),
        ("2.3", Signal::INT),
        ("2.3", Signal::KILL),
    ] {
        let mut cluster = Cluster::new(release, &[], HANG).start();
        let processes = cluster.wait_for_lines("lives", 1).remove(0);
        let config = cluster.path("store/pods/default/orders/config.json");
        assert_eq!(config.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let mut served = cluster.served.take().unwrap();
        kill(&served.id().to_string(), signal);
        let code = served.wait();
        wait_until_gone(&processes);
        if signal != Signal::KILL {
            assert_eq!(code, Some(0), "{}", served.said());
            assert!(!cluster.path("store/pods").exists());
        }
    }
}

#[test]
fn what_cannot_be_run_is_said_at_once() {
    let world = World::local();
    let store = world.path("store").display().to_string();
    let serve = |args: &[&str]| world.run(&[&["serve", &store, "--listen", "127.0.0.1:0"], args].concat());
    serve(&["--", "true"]).expect(2).says("--as-spout");
    serve(&["--restart-after", "1s"]).expect(2);
    serve(&["--as-spout", "orders", "--", "/nowhere/code"])
        .expect(2)
        .says("cannot run /nowhere/code: No such file");
    serve(&["--as-spout", "team/orders", "--pachyderm", "2.3", "--", "true"])
        .expect(2)
        .says("Pachyderm 2.3 has no projects");
    let cluster = Cluster::new("2.12", &[], HANG).start();
    cluster
        .create("reader", "}\ninput: {pfs: {repo: orders, glob: /}}", &[])
        .expect(0);
    let store = cluster.path("store").display().to_string();
    World::local()
        .run(&[
            "serve",
            &store,
            "--listen",
            "127.0.0.1:0",
            "--as-spout",
            "reader",
            "--",
            "true",
        ])
        .expect(4)
        .says("is no spout");
}

#[test]
fn a_spout_that_another_pipeline_reads_from_is_updated_only_while_it_is_stopped() {
    for (release, is_refused) in [("2.6", false), ("2.8", true), ("2.12", true)] {
        let cluster = Cluster::new(release, &[], HANG).start();
        cluster.wait_for_lines("lives", 1);
        cluster
            .create("reader", "}\ninput: {pfs: {repo: orders, glob: /}}", &[])
            .expect(0);
        if !is_refused {
            cluster.update_well();
            cluster.wait_for_lines("lives", 2);
            continue;
        }
        cluster.update(&[]).expect(4).says("fk_to_commit").says("--restart");
        let ran = cluster.update(&["--restart"]);
        ran.expect(0)
            .says("is stopped, updated and started again")
            .says("never finishes, is finished");
        // Whether what came between was seen or not, the code of the new version runs.
        cluster.wait_for_words("runs the code in", 1);
        cluster.wait_for_lines("lives", 2);
        assert_eq!(cluster.world.run(&["doctor", "orders"]).code, Some(0));
    }
}

/// An update that stops the spout, through a proxy.
fn restarting(cluster: &Cluster, proxy: &Proxy) -> Command {
    let spec = cluster.path("orders.yaml");
    let text = "pipeline: {name: orders}\ntransform: {image: 'a:2', cmd: [put]}\nspout: {}\n";
    fs::write(&spec, text).unwrap();
    let mut command = cluster.world.command(&words("create --no-lint --update --restart -f"));
    command
        .arg(spec)
        .env("SPOUTCTL_PACHD", format!("grpc://{}", proxy.authority()));
    command
}

/// One that another pipeline reads from.
fn read_from() -> Cluster {
    let cluster = Cluster::new("2.12", &[], HANG).start();
    cluster.wait_for_lines("lives", 1);
    let reader = "}\ninput: {pfs: {repo: orders, glob: /}}";
    cluster.create("reader", reader, &[]).expect(0);
    cluster
}

#[test]
fn a_spout_that_was_stopped_without_an_answer_is_started_again() {
    let cluster = read_from();
    let proxy = Proxy::before(&cluster.served().authority);
    proxy.at("StopPipeline", 1, Fault::LoseAnswer);
    let ran = Ran::from(restarting(&cluster, &proxy).output().unwrap());
    ran.expect(5)
        .says("may have been stopped, and is not updated")
        .says("told to start again");
    cluster.wait_for_lines("lives", 2);
    assert_eq!(cluster.world.run(&["doctor", "orders"]).code, Some(0));
    // Nobody can be told to start it.
    let proxy = Proxy::before(&cluster.served().authority);
    proxy.at("StopPipeline", 1, Fault::LoseAnswer);
    proxy.at("StartPipeline", 1, Fault::Unheard);
    let ran = Ran::from(restarting(&cluster, &proxy).output().unwrap());
    ran.expect(5)
        .says("may be stopped, and is not updated")
        .says("pachctl start pipeline orders --project default");
}

#[test]
fn an_interrupt_waits_until_a_spout_that_is_stopped_was_started_again() {
    let cluster = read_from();
    let proxy = Proxy::before(&cluster.served().authority);
    let (sender, child) = channel();
    proxy.at(
        "StopPipeline",
        1,
        Fault::Before(Box::new(move || signal(child.recv().unwrap(), Signal::INT))),
    );
    let child = restarting(&cluster, &proxy).spawn().unwrap();
    sender.send(child.id()).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    ran.expect(130).says("orders is updated and runs again; interrupted");
    cluster.wait_for_lines("lives", 2);
    assert_eq!(cluster.world.run(&["doctor", "orders"]).code, Some(0));
}

#[test]
fn an_update_revokes_the_token_of_the_code_and_its_next_pod_gets_another() {
    let script = "echo >> lives; cp \"$PACH_CONFIG\" config.$(wc -l < lives); env > env.new; mv env.new env; echo >> ready; \
                  exec sleep 1000";
    let cluster = Cluster::new("2.12", &[], script).guarded().start();
    cluster.wait_for_lines("ready", 1);
    let pod = fs::read_to_string(cluster.path("env")).unwrap();
    // As the code would, with the configuration of its first or its second pod.
    let put = |life: u32| {
        let mut command = cluster.world.command(&["put", "--messages", "lines", "--into", "f"]);
        command.env_clear().stdin(Stdio::piped());
        let pod = pod.lines().filter_map(|line| line.split_once('='));
        command
            .envs(pod)
            .env("PACH_CONFIG", cluster.path(&format!("config.{life}")));
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"x\n").unwrap();
        Ran::from(child.wait_with_output().unwrap())
    };
    put(1).expect(0);
    cluster.update_well();
    let ran = put(1);
    ran.expect(4)
        .says("corrupted or has expired")
        .says("an update of the pipeline revokes it a second before this pod ends");
    assert!(!ran.stderr.contains("auth login"), "{}", ran.stderr);
    cluster.wait_for_lines("ready", 2);
    put(2).expect(0);
    let who = |life: u32| {
        let config: Value =
            serde_json::from_slice(&fs::read(cluster.path(&format!("config.{life}"))).unwrap()).unwrap();
        config["v2"]["contexts"]["pod"]["session_token"].clone()
    };
    assert_ne!(who(1), who(2));
    let said = cluster.said();
    assert!(!said.contains(who(2).as_str().unwrap()), "{said}");
}

#[test]
fn the_branch_is_that_of_the_pipeline_and_doctor_minds_another() {
    let code = "exec spoutctl put --messages lines --into f --restart always --batch-period 50ms -- sh -c 'echo x; exec sleep 1000'";
    let cluster = Cluster::new("2.12", &[], code);
    // The pipeline is there before its code is.
    let served = Served::over(&cluster.path("store"), &[]);
    let world = World::at(&format!("grpc://{}", served.authority));
    fs::write(
        cluster.path("spec.yaml"),
        "pipeline: {name: orders}\noutput_branch: out\ntransform: {image: 'a:1', cmd: [put]}\nspout: {}\n",
    )
    .unwrap();
    let spec = cluster.path("spec.yaml").display().to_string();
    world.run(&["create", "-f", &spec, "--no-lint"]).expect(0);
    drop(served);
    let cluster = cluster.start();
    cluster.wait("commit", || {
        (cluster.world.run(&["get", "orders@out:/f"]).code == Some(0)).then_some(())
    });
    assert_eq!(cluster.world.run(&["get", "orders@master:/f"]).code, Some(1));
    let told = cluster.world.run(&["doctor", "orders@side"]).text();
    assert!(told.contains("orders@out"), "{told}");
}

#[test]
fn what_a_start_leaves_at_the_head_is_told_by_doctor_and_finished_by_put() {
    // Nobody writes before the test says so.
    let code = "echo >> lives; while [ ! -e go ]; do sleep 0.05; done; exec spoutctl put --messages lines --into numbers \
                --batch-period 50ms --restart always -- sh -c 'cat more; exec sleep 1000'";
    for release in ["2.3", "2.6", "2.8", "2.12"] {
        let cluster = Cluster::new(release, &[], code).start();
        fs::write(cluster.path("more"), "1\n").unwrap();
        fs::write(cluster.path("go"), "").unwrap();
        cluster.wait("first commit", || (cluster.numbers() == [1]).then_some(()));
        fs::remove_file(cluster.path("go")).unwrap();
        cluster.stop();
        cluster.wait_for_words("is stopped, and its code killed", 1);
        cluster.start_again();
        cluster.wait_for_lines("lives", 2);
        let told = cluster.world.run(&["doctor", "orders"]);
        let file = cluster.world.run(&["get", "orders:/numbers"]);
        match release {
            "2.3" => {
                told.expect(0);
                file.expect(0);
            }
            "2.6" => {
                assert!(told.text().contains("history"), "{}", told.text());
                file.expect(1);
            }
            _ => {
                assert_ne!(told.code, Some(0), "{}", told.text());
                assert!(
                    told.text().contains("--drop") || told.text().contains("finish"),
                    "{}",
                    told.text()
                );
                // The newest finished commit.
                file.expect(0);
            }
        }
        fs::write(cluster.path("more"), "2\n").unwrap();
        fs::write(cluster.path("go"), "").unwrap();
        cluster.wait("second commit", || (cluster.numbers() == [1, 2]).then_some(()));
        match release {
            "2.6" => cluster.wait_for_words("history", 1),
            "2.8" | "2.12" => cluster.wait_for_words("orders | note: ", 1),
            _ => {}
        }
        assert_eq!(cluster.world.get("orders:/numbers"), b"2\n");
    }
}

#[test]
fn a_command_and_all_that_it_started_die_with_a_tail_that_is_killed() {
    let world = World::local();
    world
        .run_with(
            &["put", "events", "--create-repo", "--messages", "lines", "--into", "f"],
            b"x\n",
        )
        .expect(0);
    let ids = world.path("ids").display().to_string();
    let script = format!("trap '' TERM INT HUP; sleep 1000 & echo $$ $! > {ids}.new; mv {ids}.new {ids}; wait");
    let mut tail = world
        .command(&["tail", "events", "--from", "beginning", "--", "/bin/sh", "-c", &script])
        .spawn()
        .unwrap();
    wait_until("the command runs", || world.path("ids").exists());
    tail.kill().unwrap();
    tail.wait().unwrap();
    wait_until_gone(&fs::read_to_string(world.path("ids")).unwrap());
}

//! `PostgreSQL`'s own client as the consumer: `COPY … TO STDOUT`, which goes on after the rows that were acknowledged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::recipes::{Running, changed, recipe, shell};
use crate::runner::{PATIENCE, Ran, World, has_program, skip, wait_until, words};

/// Where the server's programs are; Debian keeps them beside the path, by version.
pub fn programs() -> Option<PathBuf> {
    let by_version = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let by_version = by_version.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(by_version)
        .find(|directory| directory.join("initdb").exists());
    if found.is_none() || !has_program("psql") {
        skip("no PostgreSQL server and client are installed");
        return None;
    }
    found
}

/// A server of the test's own, reached through a socket in its directory, until it is dropped.
pub struct Server {
    child: Child,
    directory: tempfile::TempDir,
}

impl Server {
    pub fn start(programs: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        // It does not run as root.
        let is_root = geteuid().is_root();
        if is_root {
            let owned = Command::new("chown").arg("postgres").arg(directory.path()).status();
            assert!(owned.unwrap().success());
        }
        let run = |program: &str| {
            let program = programs.join(program);
            let mut command = if is_root {
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"])
                    .arg(program);
                command
            } else {
                Command::new(program)
            };
            command
                .arg("-D")
                .arg(&data)
                .current_dir(directory.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command
        };
        let made = run("initdb").args(["-U", "postgres", "-A", "trust", "-N"]).status();
        assert!(made.unwrap().success());
        let child = run("postgres")
            .arg("-k")
            .arg(directory.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .spawn()
            .unwrap();
        let server = Self { child, directory };
        wait_until("it answers", || server.psql("SELECT 1").0);
        server
    }

    fn psql(&self, statement: &str) -> (bool, String) {
        let output = Command::new("psql")
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-U",
                "postgres",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                statement,
            ])
            .arg("-h")
            .arg(self.directory.path())
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    }

    /// Of its socket, which is what its clients take for a host.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    #[track_caller]
    pub fn execute(&self, statement: &str) {
        assert!(self.psql(statement).0, "{statement}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked for it, it ends its own children.
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::QUIT);
        }
        let _ = self.child.wait();
    }
}

const CONSUMER: &str = r#"
position=$(cat "$WORK/position" 2>/dev/null || echo 0)
psql -X -q -U postgres -h "$SERVER" -c "COPY (SELECT id, item FROM orders WHERE id > $position ORDER BY id) TO STDOUT"
"#;

const STORE: &str = r#"echo "$SPOUTCTL_ACK_POSITION" > "$WORK/new" && mv "$WORK/new" "$WORK/position""#;

fn put(world: &World, server: &Server, store: &str) -> Ran {
    let spool = world.path("spool").display().to_string();
    let mut put = world.command(&["put", "orders", "--create-repo", "--spool", &spool, "--append"]);
    put.args(["--messages", "lines", "--into", "orders.tsv", "--batch-count", "400"])
        .args(["--position-column", "1", "--ack-command", store])
        .args(["--", "/bin/sh", "-c", CONSUMER])
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("WORK", world.directory.path())
        .env("SERVER", server.directory.path());
    Ran::from(put.output().unwrap())
}

#[test]
fn rows_that_psql_copies_arrive_once_each_and_the_next_run_goes_on_after_them() {
    let Some(programs) = programs() else { return };
    let server = Server::start(&programs);
    let world = World::local();
    server.execute("CREATE TABLE orders (id bigserial PRIMARY KEY, item text)");
    server.execute(
        "INSERT INTO orders (item) SELECT E'tab\\t, line\\n, back\\\\slash ' || n FROM generate_series(1, 1000) n",
    );
    // It dies after the second commit, before anybody knows that it is done.
    let dies = format!("if test $SPOUTCTL_ACK_ARCHIVE = 2; then kill -9 $PPID; exit; fi; {STORE}");
    assert_eq!(put(&world, &server, &dies).code, None);
    server.execute("INSERT INTO orders (item) VALUES ('one more')");
    put(&world, &server, STORE).expect(0);
    put(&world, &server, STORE).expect(0);
    let copied = server
        .psql("COPY (SELECT id, item FROM orders ORDER BY id) TO STDOUT")
        .1;
    assert_eq!(copied.lines().count(), 1001);
    assert!(String::from_utf8(world.get("orders:/orders.tsv")).unwrap() == copied);
    assert_eq!(fs::read_to_string(world.path("position")).unwrap(), "1001\n");
}

#[test]
fn rows_as_csv_keep_their_newlines_and_every_file_has_the_header() {
    let Some(programs) = programs() else { return };
    let server = Server::start(&programs);
    let world = World::local();
    let copy =
        "COPY (SELECT n AS id, E'a\\n\"b\", c' AS item FROM generate_series(1, 3) n) TO STDOUT (FORMAT csv, HEADER)";
    let (_, rows) = server.psql(copy);
    let args = words("put orders --create-repo --messages csv --each {key}.csv --key-column 1");
    world.run_with(&args, rows.as_bytes()).expect(0);
    assert_eq!(world.get("orders:/2.csv"), b"id,item\n2,\"a\n\"\"b\"\", c\"\n");
}

#[test]
fn the_recipe_copies_each_row_once() {
    let Some(programs) = programs() else { return };
    let server = Server::start(&programs);
    let world = World::local();
    server.execute("CREATE TABLE orders (id bigserial PRIMARY KEY, item text)");
    let socket = format!(
        "postgresql:///postgres?user=postgres&host={}",
        server.directory.path().display()
    );
    let script = changed(
        &recipe("PostgreSQL"),
        &[("postgresql://db/shop", &format!("'\\''{socket}'\\''"))],
    );
    for (id, item) in [(1, "first"), (2, "second")] {
        server.execute(&format!("INSERT INTO orders (item) VALUES ('{item}')"));
        assert!(shell(&world, &script).status().unwrap().success());
        assert_eq!(world.get("rows:/rows.tsv"), format!("{id}\t{item}\n").as_bytes());
    }
}

#[test]
fn what_is_notified_is_committed() {
    let Some(programs) = programs() else { return };
    let server = Server::start(&programs);
    let world = World::local();
    let socket = format!(
        "postgresql:///postgres?user=postgres&host={}",
        server.directory.path().display()
    );
    let changes = [
        ("postgresql://db/shop", &*format!("'{socket}'")),
        ("sleep 1", "sleep 0.2"),
    ];
    let _running = Running::start(shell(
        &world,
        &changed(&recipe("Notifications of PostgreSQL"), &changes),
    ));
    // Nobody may listen yet: it is said again until somebody does.
    let payload = r#"{"id": 1, "text": "a \"b\""}"#;
    let deadline = Instant::now() + PATIENCE;
    while !world
        .run(&["get", "notifications:/notifications.jsonl"])
        .text()
        .contains(payload)
    {
        assert!(Instant::now() < deadline, "it is never seen");
        server.execute(&format!("NOTIFY orders, '{payload}'"));
        std::thread::sleep(Duration::from_millis(300));
    }
}

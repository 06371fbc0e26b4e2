//! Runs the binary with a scrubbed environment and a store of its own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How long something may take to come until a test fails.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// A fixture's path.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// A fixture's bytes.
pub fn fixture_bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// An archive of these files, as the `tar` crate writes it.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// The regular files of an archive, in its order.
pub fn files_of(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(archive);
    let mut files = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.push((entry.path().unwrap().display().to_string(), content));
        }
    }
    files
}

/// The same by path, without the slash that some begin with.
pub fn tree_of(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let named = |(path, data): (String, _)| (path.trim_start_matches('/').to_owned(), data);
    files_of(archive).into_iter().map(named).collect()
}

/// Says that a test was skipped, or fails where nothing may be skipped (`SPOUTCTL_TEST_NO_SKIP`, set by CI).
pub fn skip(reason: &str) {
    assert!(std::env::var_os("SPOUTCTL_TEST_NO_SKIP").is_none(), "skipped: {reason}");
    // Past the test harness, which keeps what a passing test prints.
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}

/// Sees to it that children can be interrupted, also where the tests were started with SIGINT ignored, as a script does with
/// what it starts in the background: what is ignored stays so in a child, and what has a handler gets its default back.
pub fn give_default_signals() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGQUIT] {
            if ignored >> (signal - 1) & 1 == 1 {
                signal_hook::flag::register(signal, std::sync::Arc::default()).unwrap();
            }
        }
    });
}

/// Whether tests that take minutes are wanted; says how they are asked for where they are not. They are a step of their own
/// in `.ci/run`.
pub fn takes_minutes(variable: &str, test: &str) -> bool {
    let is_wanted = std::env::var_os(variable).is_some();
    if !is_wanted {
        let _ = writeln!(
            std::io::stderr(),
            "skipped, for it takes minutes: {variable}=1 cargo test --test cli {test}"
        );
    }
    is_wanted
}

/// The words of a command line, none of which has a blank in it.
pub fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// Waits until it is so.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_for(what, || is_so().then_some(()));
}

/// Waits until it is there.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Tries all cases, so many at a time, and fails with what was wrong in each.
#[track_caller]
pub fn try_all<T: Send>(
    at_a_time: usize,
    cases: impl Iterator<Item = T> + Send,
    try_one: impl Fn(T) -> Result<(), String> + Sync,
) {
    let (cases, wrong) = (Mutex::new(cases), Mutex::new(Vec::new()));
    let next = || cases.lock().unwrap().next();
    let work = || {
        while let Some(case) = next() {
            if let Err(what) = try_one(case) {
                wrong.lock().unwrap().push(what);
            }
        }
    };
    std::thread::scope(|scope| (0..at_a_time).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// A port that nobody listens at. It is below those that outgoing connections get, so that it stays so.
pub fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let port = first + TAKEN.fetch_add(1, Ordering::Relaxed);
        assert!(port < 32_768, "no port is free");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Sends a signal to a process that is there.
pub fn signal(process: u32, signal: Signal) {
    let process = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    kill_process(process, signal).unwrap();
}

/// Whether a program is installed.
pub fn has_program(name: &str) -> bool {
    let found = Command::new(name)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    found.is_ok()
}

/// A directory with an embedded store in it, and the binary to use it with.
pub struct World {
    pub directory: TempDir,
    server: String,
    token: Option<String>,
}

impl World {
    /// An embedded store.
    pub fn local() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = format!("local:{}", directory.path().join("store").display());
        Self {
            directory,
            server,
            token: None,
        }
    }

    /// A server at this address.
    pub fn at(server: &str) -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            server: server.to_owned(),
            token: None,
        }
    }

    /// The binary gets this as `PACH_TOKEN`.
    pub fn with_token(self, token: Option<String>) -> Self {
        Self { token, ..self }
    }

    pub fn server(&self) -> &str {
        &self.server
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The binary, ready to be given more arguments and streams.
    pub fn command(&self, args: &[&str]) -> Command {
        give_default_signals();
        let mut command = Command::new(env!("CARGO_BIN_EXE_spoutctl"));
        command
            .args(args)
            .env_clear()
            .env("PACHD_ADDRESS", &self.server)
            .env("TMPDIR", self.directory.path())
            .envs(self.token.iter().map(|token| ("PACH_TOKEN", token)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().unwrap())
    }

    /// Starts the binary: what runs, and its standard input.
    pub fn start(&self, args: &[&str]) -> (Child, ChildStdin) {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        (child, stdin)
    }

    /// Runs with these bytes on standard input.
    pub fn run_with(&self, args: &[&str], input: &[u8]) -> Ran {
        let (child, mut stdin) = self.start(args);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // The binary may end before it has read everything; that is for the test to judge by its output.
                let _ = stdin.write_all(input);
            });
            Ran::from(child.wait_with_output().unwrap())
        })
    }

    /// The bytes of a file in the store.
    pub fn get(&self, source: &str) -> Vec<u8> {
        let ran = self.run(&["get", source]);
        ran.expect(0);
        ran.stdout
    }
}

/// A process that does not outlive the test.
pub struct Killed(pub Child);

impl Deref for Killed {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Killed {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A `tail` that runs, and the lines that it prints.
pub struct Following {
    pub child: Killed,
    pub lines: Receiver<String>,
}

impl Following {
    pub fn start(mut command: Command) -> Self {
        let mut child = Killed(command.spawn().unwrap());
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    #[track_caller]
    pub fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }

    /// Whatever it still prints until it ends.
    pub fn rest(&self) -> Vec<String> {
        std::iter::from_fn(|| self.lines.recv_timeout(PATIENCE).ok()).collect()
    }

    pub fn signal(&self, kind: Signal) {
        signal(self.child.id(), kind);
    }

    /// Its exit code and what it said.
    pub fn end(mut self) -> (Option<i32>, String) {
        let status = wait_for("it ends", || self.child.try_wait().unwrap());
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status.code(), said)
    }
}

/// What a run of the binary left.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn expect(&self, code: i32) -> &Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout: {}\nstderr: {}",
            self.text(),
            self.stderr
        );
        self
    }

    /// Standard error contains this.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "`{text}` is not in: {}", self.stderr);
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    /// The lines of `--json`.
    pub fn json(&self) -> Vec<Value> {
        self.lines()
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// With `--json`: the number and the commit of each archive that was acknowledged.
    pub fn acknowledged(&self) -> Vec<(u64, String)> {
        let lines = self.json();
        let told = lines
            .iter()
            .filter(|line| line["type"] == "commit" || line["type"] == "already");
        let of = |line: &Value| {
            (
                line["archive"].as_u64().unwrap(),
                line["commit"].as_str().unwrap().to_owned(),
            )
        };
        told.map(of).collect()
    }

    /// The commits that were acknowledged.
    pub fn commits(&self) -> Vec<String> {
        self.lines()
            .iter()
            .map(|line| line.split_whitespace().next().unwrap().to_owned())
            .collect()
    }
}

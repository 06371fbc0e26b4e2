//! Kills `spoutctl serve` and `spoutctl put --spool` at random, with kill -9, while a producer goes on from what was
//! accepted; then looks whether every archive is in the repo once, whole, in order, and was acknowledged.
//!
//! ```sh
//! cargo run --release --example soak -- --kills 1000
//! ```
//!
//! `--seed N` makes the same choices again; the machine's timing stays its own. What it leaves behind when something is
//! wrong is named.

#![allow(
    clippy::print_stdout,
    reason = "its result goes to whoever runs it, who is no script"
)]

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use spoutctl_archive::Digest;
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{Branch, Commit, CommitInfo, Destination, FilePath};
use spoutctl_delivery::mark::{Mark, Stage};
use spoutctl_delivery::retrieval;
use spoutctl_delivery::spool::{Spool, SpoolError};
use spoutctl_store::Store;

#[allow(dead_code, reason = "shared with the library's tests, which use all of it")]
#[path = "../crates/delivery/src/tests/checker.rs"]
mod checker;

use checker::{Good, Order, Outcome, Promise, Told, Tree};

/// As the first argument: the rest is a command line of spoutctl. So the client and the server are built with us.
const AS_SPOUTCTL: &str = "--as-spoutctl";
/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(2);

fn main() -> anyhow::Result<ExitCode> {
    let mut args = std::env::args_os().skip(1).peekable();
    if args.next_if(|first| first == AS_SPOUTCTL).is_some() {
        return Ok(spoutctl::run([OsString::from("spoutctl")].into_iter().chain(args)).into());
    }
    let (kills, seed) = options(args)?;
    let dir = tempfile::tempdir()?;
    let begun = Instant::now();
    let mut soak = Soak::start(dir.path(), seed)?;
    let done = soak.run(kills).and_then(|archives| {
        soak.check(archives)?;
        Ok(archives)
    });
    match done {
        Ok(archives) => {
            println!(
                "{kills} kills ({} of put, {} of serve) in {:.0} s, seed {seed}: {archives} archives, each in the repo \
                 once, whole, in order, and acknowledged",
                soak.killed.0,
                soak.killed.1,
                begun.elapsed().as_secs_f64()
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let kept = dir.keep();
            Err(error.context(format!("seed {seed}; see {}", kept.display())))
        }
    }
}

fn options(mut args: impl Iterator<Item = OsString>) -> anyhow::Result<(u64, u64)> {
    let (mut kills, mut seed) = (30, u64::from(std::process::id()));
    while let Some(name) = args.next() {
        let value = args.next().and_then(|value| value.to_str()?.parse().ok());
        match (name.to_str(), value) {
            (Some("--kills"), Some(number)) => kills = number,
            (Some("--seed"), Some(number)) => seed = number,
            _ => bail!("usage: soak [--kills N] [--seed N]"),
        }
    }
    Ok((kills, seed))
}

struct Soak {
    dir: PathBuf,
    random: Random,
    serve: Child,
    address: String,
    /// How often each was killed: put, and serve.
    killed: (u64, u64),
    /// An archive's number and its commit, as they were acknowledged.
    acknowledged: Vec<(u64, String)>,
    /// The greatest number that was told to be safe on disk.
    told: u64,
}

impl Soak {
    fn start(dir: &Path, seed: u64) -> anyhow::Result<Self> {
        let (serve, address) = serve(dir, "127.0.0.1:0")?;
        Ok(Self {
            dir: dir.to_owned(),
            random: Random(seed),
            serve,
            address,
            killed: (0, 0),
            acknowledged: Vec::new(),
            told: 0,
        })
    }

    /// Kills so often, then lets everything come to its end. How many archives there were.
    fn run(&mut self, kills: u64) -> anyhow::Result<u64> {
        let mut put = self.put()?;
        while self.killed.0 + self.killed.1 < kills {
            std::thread::sleep(Duration::from_millis(self.random.below(250)));
            if self.random.below(3) > 0 {
                self.killed.0 += 1;
                let status = put.kill()?;
                ensure!(status, "put has ended by itself: see put.log");
                self.take_note_of(put.end()?.1)?;
                put = self.put()?;
            } else {
                self.killed.1 += 1;
                self.serve.kill()?;
                self.serve.wait()?;
                std::thread::sleep(Duration::from_millis(self.random.below(200)));
                let address = self.address.clone();
                self.serve = serve(&self.dir, &address)?.0;
            }
        }
        let (archives, lines) = put.end()?;
        self.take_note_of(lines)?;
        self.serve.kill()?;
        self.serve.wait()?;
        Ok(archives)
    }

    /// Starts `put`, and a producer that goes on from what was accepted.
    fn put(&mut self) -> anyhow::Result<Put> {
        let accepted = match Spool::look(&self.dir.join("spool")) {
            Ok(contents) => contents.accepted,
            // It was killed before it had made one.
            Err(SpoolError::NotASpool { .. }) => 0,
            Err(error) => return Err(error.into()),
        };
        ensure!(
            accepted >= self.told,
            "archive {} was told to be safe, and {accepted} are accepted",
            self.told
        );
        // Each door in its turn.
        let door = if self.killed.0.is_multiple_of(2) {
            "http"
        } else {
            "grpc"
        };
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.join("put.log"))?;
        let mut child = spoutctl()?
            .args(["put", "events", "--create-repo", "--json", "--retry-for", "60s"])
            .args([
                "--spool-limit",
                "200kB",
                "--pachd",
                &format!("{door}://{}", self.address),
                "--spool",
            ])
            .arg(self.dir.join("spool"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let stdin = child.stdin.take().context("no standard input")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        Ok(Put {
            child,
            stop,
            producer: std::thread::spawn(move || produce(stdin, accepted + 1, &stopping)),
            lines: std::thread::spawn(move || BufReader::new(stdout).lines().collect()),
        })
    }

    fn take_note_of(&mut self, lines: Vec<String>) -> anyhow::Result<()> {
        for line in lines {
            // The kernel keeps whole what was written before the kill.
            let line: Value = serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
            match line["type"].as_str() {
                Some("spooled") => self.told = self.told.max(number(&line, "seq")?),
                Some("commit" | "already") => {
                    let commit = line["commit"].as_str().unwrap_or_default().to_owned();
                    let archive = number(&line, "archive")?;
                    self.acknowledged.push((archive, commit));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check(&self, archives: u64) -> anyhow::Result<()> {
        let waiting = Spool::look(&self.dir.join("spool"))?;
        ensure!(
            waiting.accepted == archives && waiting.waiting.is_empty(),
            "the spool has accepted {} and keeps {}",
            waiting.accepted,
            waiting.waiting.len()
        );
        let store = Store::open_existing(&self.dir.join("store"))?;
        let branch = "events".parse::<Destination>()?.branch;
        let outcome = Outcome {
            acknowledged: self.acknowledged.clone(),
            ..in_store(&store, &branch)?
        };
        let promise = Promise {
            archives,
            tree: &|number| Tree::from([("/f".to_owned(), content(number))]),
            order: Order::AsSent,
            told: Told::AgainAfterAKill,
        };
        promise.check(&outcome).map_err(anyhow::Error::msg)
    }
}

impl Drop for Soak {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.serve.kill();
        let _ = self.serve.wait();
    }
}

/// What the branch holds.
fn in_store(store: &Store, branch: &Branch) -> anyhow::Result<Outcome> {
    let mut all = Vec::new();
    store.list_commits(branch, &mut |info| {
        all.push(info);
        ControlFlow::Continue(())
    })?;
    let mut outcome = Outcome::default();
    for info in all.iter().rev() {
        outcome.open += usize::from(info.is_open());
        if info.is_good() {
            outcome.good.push(good(store, branch, info)?);
        }
    }
    Ok(outcome)
}

/// A commit that is marked as one of ours whose data are whole.
fn good(store: &Store, branch: &Branch, info: &CommitInfo) -> anyhow::Result<Good> {
    let mark = Mark::of(info).with_context(|| format!("{} has no mark", info.commit))?;
    let digest = Digest::new(Sha256::digest(archive(mark.sequence)?).into());
    ensure!(
        mark.stage == Stage::Done && mark.digest == digest,
        "{} is marked {mark}",
        info.commit
    );
    let commit = Commit {
        repo: branch.repo.clone(),
        branch: branch.name.clone(),
        id: info.commit.id.clone(),
    };
    let mut held = Vec::new();
    retrieval::copy_file(store, &commit, &FilePath::new("/f")?, &mut held)?;
    Ok(Good {
        commit: info.commit.id.to_string(),
        archive: mark.sequence,
        tree: Tree::from([("/f".to_owned(), held)]),
    })
}

/// A running `put`, its producer, and what it prints.
struct Put {
    child: Child,
    stop: Arc<AtomicBool>,
    producer: JoinHandle<u64>,
    lines: JoinHandle<io::Result<Vec<String>>>,
}

impl Put {
    /// Kills it; `false` when it had ended.
    fn kill(&mut self) -> io::Result<bool> {
        let runs = self.child.try_wait()?.is_none();
        self.child.kill()?;
        Ok(runs)
    }

    /// Lets it end, and says how many archives the producer has written in all. One that was not killed must end well.
    fn end(mut self) -> anyhow::Result<(u64, Vec<String>)> {
        self.stop.store(true, Ordering::Release);
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                self.child.kill()?;
                bail!("put does not end");
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let produced = self
            .producer
            .join()
            .map_err(|_| anyhow::anyhow!("the producer panicked"))?;
        let lines = self.lines.join().map_err(|_| anyhow::anyhow!("a reader panicked"))??;
        // Killed by a signal, it has no code.
        ensure!(matches!(status.code(), Some(0) | None), "put: {status}: see put.log");
        Ok((produced, lines))
    }
}

/// Writes archives from this number on, until nobody reads them or it is told to stop. The number of the last whole one.
fn produce(mut output: ChildStdin, first: u64, stop: &AtomicBool) -> u64 {
    let mut number = first;
    loop {
        let written = archive(number).and_then(|bytes| {
            // In pieces, so that it is killed in the middle of one, too.
            bytes.chunks(3000).try_for_each(|piece| output.write_all(piece))
        });
        if written.is_err() {
            return number - 1;
        }
        if stop.load(Ordering::Acquire) {
            return number;
        }
        std::thread::sleep(Duration::from_millis(2));
        number += 1;
    }
}

/// A few bytes up to some 20 kB.
fn content(number: u64) -> Vec<u8> {
    let line = format!("{number}\n");
    line.repeat(usize::try_from(number * 37 % 3000).unwrap_or(0) + 1)
        .into_bytes()
}

fn archive(number: u64) -> io::Result<Vec<u8>> {
    let content = content(number);
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, "f", content.as_slice())?;
    builder.into_inner()
}

/// Starts a server, and says its address.
fn serve(dir: &Path, listen: &str) -> anyhow::Result<(Child, String)> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let log = File::options().create(true).append(true).open(dir.join("serve.log"))?;
        let mut child = spoutctl()?
            .arg("serve")
            .arg(dir.join("store"))
            .args(["--listen", listen])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        if let Some(address) = line.trim().strip_prefix("http://") {
            return Ok((child, address.to_owned()));
        }
        child.wait()?;
        let said = fs::read_to_string(dir.join("serve.log"))?;
        ensure!(Instant::now() < deadline, "serve does not start: {said}");
    }
}

fn spoutctl() -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(AS_SPOUTCTL).env_clear();
    Ok(command)
}

fn number(line: &Value, field: &str) -> anyhow::Result<u64> {
    line[field].as_u64().with_context(|| format!("no {field}: {line}"))
}

/// `SplitMix64`: the same choices for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

//! One round: a store, a stream, and everything that happens to them.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use spoutctl_delivery::spool::{Contents, SpoolError};

use crate::checker::{Promise, Told};
use crate::mode::{ACKNOWLEDGE, Mode};
use crate::process::{DEADLINE, halt, log, serve, spoutctl};
use crate::producing::produce;
use crate::proxy::{Fault, Proxy};
use crate::reading::{self, Line};
use crate::{Random, Score, Setting};

/// One call of so many meets a fault.
const BROKEN: u64 = 40;

pub struct Round {
    dir: PathBuf,
    setting: Setting,
    random: Random,
    serve: Child,
    address: String,
    proxy: Proxy,
    score: Score,
    /// An archive's number and its commit, as they were acknowledged.
    acknowledged: Vec<(u64, String)>,
    /// The greatest number that was told to be safe on disk.
    told: u64,
    /// The greatest number that a producer has written as a whole.
    written: u64,
}

impl Round {
    pub fn begin(dir: &Path, setting: &Setting, seed: u64) -> anyhow::Result<Self> {
        let mut random = Random(seed);
        let (serve, address) = serve(dir, &setting.release, "127.0.0.1:0")?;
        let proxy = Proxy::before(&address);
        let mut broken = Random(random.below(u64::MAX));
        proxy.each(Proxy::ANY, move |_| {
            (broken.below(BROKEN) == 0).then(|| fault(&mut broken))
        });
        Ok(Self {
            dir: dir.to_owned(),
            setting: setting.clone(),
            random,
            serve,
            address,
            proxy,
            score: Score {
                rounds: 1,
                ..Score::default()
            },
            acknowledged: Vec::new(),
            told: 0,
            written: 0,
        })
    }

    /// Kills so often, then lets everything come to its end, and looks at it.
    pub fn play(mut self, kills: u64) -> anyhow::Result<Score> {
        let mut put = self.put()?;
        while self.score.kills() < kills {
            if self.random.below(2) == 0 {
                put.wait_for_a_line();
            }
            let pause = self.random.below(self.mode().pause().as_millis().try_into()?);
            std::thread::sleep(Duration::from_millis(pause));
            put = self.strike(put)?;
        }
        // What is still on its way arrives, and finds a put that goes on.
        self.score.calls_broken = self.proxy.met().len() as u64;
        self.proxy.heal();
        self.proxy.deliver_late();
        put.wait_for_a_line();
        self.end(put)?;
        if self.mode() == Mode::Messages {
            self.drain()?;
        }
        self.serve.kill()?;
        self.serve.wait()?;
        self.check()?;
        Ok(self.score)
    }

    fn pachd(&self) -> String {
        format!("{}://{}", self.setting.door.scheme(), self.proxy.authority())
    }

    fn mode(&self) -> Mode {
        self.setting.mode
    }

    /// One of them is killed, or stands still for a while. The put that runs then.
    fn strike(&mut self, mut put: Put) -> anyhow::Result<Put> {
        match self.random.below(10) {
            0..=5 => {
                self.score.put_killed += 1;
                ensure!(put.kill()?, "put has ended by itself: see put.log");
                self.end(put)?;
                self.put()
            }
            6..=8 => {
                self.score.serve_killed += 1;
                self.serve.kill()?;
                self.serve.wait()?;
                std::thread::sleep(Duration::from_millis(self.random.below(200)));
                self.serve = serve(&self.dir, &self.setting.release, &self.address)?.0;
                Ok(put)
            }
            _ => {
                self.score.halted += 1;
                let who = if self.random.below(2) == 0 {
                    &put.child
                } else {
                    &self.serve
                };
                halt(who, Duration::from_millis(self.random.below(1000)))?;
                Ok(put)
            }
        }
    }

    /// Starts `put`, and a producer that goes on as the mode wants it.
    fn put(&mut self) -> anyhow::Result<Put> {
        let accepted = self.accepted()?;
        let mode = self.mode();
        ensure!(
            mode == Mode::Messages || accepted >= self.told,
            "archive {} was told to be safe, and {accepted} are accepted",
            self.told
        );
        let is_consumer = mode == Mode::Messages;
        let mut child = spoutctl()?
            .current_dir(&self.dir)
            .args(["put", "events", "--create-repo", "--json", "--retry-for", "2m"])
            .args(["--pachd", &self.pachd()])
            .args(mode.flags(&self.dir)?)
            .stdin(if is_consumer { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .stderr(log(&self.dir, "put.log")?)
            .spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopping, at_least) = (Arc::clone(&stop), self.written);
        let producer = child
            .stdin
            .take()
            .map(|stdin| std::thread::spawn(move || produce(mode, stdin, accepted + 1, at_least, &stopping)));
        let said = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&said);
        let lines = std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines();
            let counted = lines.inspect(|_| {
                count.fetch_add(1, Ordering::Release);
            });
            counted.collect()
        });
        Ok(Put {
            child,
            stop,
            producer,
            said,
            lines,
        })
    }

    /// The last archive that the spool has, so that its producer may forget it; 0 where there is none.
    fn accepted(&self) -> anyhow::Result<u64> {
        if !self.mode().has_spool() {
            return Ok(0);
        }
        match Contents::look(&self.dir.join("spool")) {
            Ok(contents) => Ok(contents.accepted),
            // It was killed before it had made one.
            Err(SpoolError::NotASpool { .. }) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets a put end, and takes note of what it has told.
    fn end(&mut self, put: Put) -> anyhow::Result<()> {
        let (written, lines) = put.end()?;
        self.written = self.written.max(written.unwrap_or(0));
        self.take_note_of(lines)
    }

    /// Told to end, put takes the messages that it has into the spool, where they stay until somebody sends them.
    fn drain(&mut self) -> anyhow::Result<()> {
        let output = spoutctl()?
            .current_dir(&self.dir)
            .args(["spool", "spool", "--send", "--json", "--pachd", &self.pachd()])
            .args(ACKNOWLEDGE)
            .stderr(log(&self.dir, "put.log")?)
            .output()?;
        ensure!(output.status.success(), "spool --send: {}: see put.log", output.status);
        self.take_note_of(String::from_utf8(output.stdout)?.lines().map(str::to_owned))
    }

    fn take_note_of(&mut self, lines: impl IntoIterator<Item = String>) -> anyhow::Result<()> {
        for line in lines {
            match Line::parse(self.mode(), &line)? {
                Line::Spooled(number) => self.told = self.told.max(number),
                Line::Committed(numbers, commit) => {
                    self.acknowledged.extend(numbers.map(|number| (number, commit.clone())));
                }
                Line::Other => {}
            }
        }
        Ok(())
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let mode = self.mode();
        if mode.has_spool() {
            let spool = Contents::look(&self.dir.join("spool"))?;
            ensure!(
                spool.waiting.is_empty(),
                "the spool has accepted {} and keeps {}",
                spool.accepted,
                spool.waiting.len()
            );
            ensure!(
                mode == Mode::Messages || spool.accepted == self.written,
                "the spool has accepted {} of {}",
                spool.accepted,
                self.written
            );
        }
        let mut outcome = reading::outcome(mode, &self.dir.join("store"))?;
        outcome.acknowledged = std::mem::take(&mut self.acknowledged);
        // Messages come from a command that ends with put: the last one that it printed is the last one there is.
        let delivered = if mode == Mode::Messages {
            outcome.good.last().map_or(0, |good| good.archive)
        } else {
            self.written
        };
        ensure!(delivered > 0, "nothing was delivered");
        self.score.delivered = delivered;
        let promise = Promise {
            archives: delivered,
            tree: &|number| reading::tree(mode, number),
            order: mode.order(),
            told: Told::AgainAfterAKill,
        };
        promise.check(&outcome).map_err(anyhow::Error::msg)
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.serve.kill();
        let _ = self.serve.wait();
    }
}

/// What happens to a call. Nothing appends here, so that a call which somebody in between repeats has to do no harm.
fn fault(random: &mut Random) -> Fault {
    let few = |random: &mut Random| usize::try_from(random.below(6)).unwrap_or(0);
    match random.below(9) {
        0 => Fault::Unheard,
        1 | 2 => Fault::LoseAnswer,
        3 => Fault::Late(few(random) + 1),
        4 => Fault::Twice(few(random)),
        5 => Fault::Repeated,
        6 => Fault::CutAnswer(random.below(40)),
        7 => Fault::CutRequest(random.below(4000)),
        _ => Fault::Answer(503, None),
    }
}

/// A running `put`, its producer, and what it prints.
struct Put {
    child: Child,
    stop: Arc<AtomicBool>,
    /// None where `put` runs it.
    producer: Option<JoinHandle<u64>>,
    said: Arc<AtomicU64>,
    lines: JoinHandle<io::Result<Vec<String>>>,
}

impl Put {
    /// Waits until it has told anything more: a machine that is busy may take long to start it.
    fn wait_for_a_line(&mut self) {
        let (before, deadline) = (self.said.load(Ordering::Acquire), Instant::now() + DEADLINE);
        while self.said.load(Ordering::Acquire) == before && Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Kills it; `false` when it had ended.
    fn kill(&mut self) -> io::Result<bool> {
        let runs = self.child.try_wait()?.is_none();
        self.child.kill()?;
        Ok(runs)
    }

    /// Lets it end, and says the last archive that was written as a whole, and all lines. One that was not killed must end well.
    fn end(mut self) -> anyhow::Result<(Option<u64>, Vec<String>)> {
        self.stop.store(true, Ordering::Release);
        if self.producer.is_none() && self.child.try_wait()?.is_none() {
            kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        }
        let status = self.wait()?;
        let written = self.producer.map(JoinHandle::join).transpose();
        let written = written.map_err(|_| anyhow::anyhow!("the producer panicked"))?;
        let lines = self.lines.join().map_err(|_| anyhow::anyhow!("a reader panicked"))??;
        // Killed by a signal, it has no code; told by one to end, it has that of the signal.
        ensure!(
            matches!(status.code(), Some(0 | 143) | None),
            "put: {status}: see put.log"
        );
        Ok((written, lines))
    }

    fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                self.child.kill()?;
                bail!("put does not end");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

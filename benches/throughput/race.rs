//! Alternatives that take turns, and the table of their best times.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// What one run does, for rates.
pub enum Work {
    Bytes(u64),
    Files(u64),
    Commits(u64),
}

impl Work {
    fn rate(&self, time: Duration) -> String {
        let a_second = |count: u64| Duration::from_secs(count).as_secs_f64() / time.as_secs_f64();
        match self {
            Self::Bytes(bytes) => format!("{:.0} MB/s", a_second(*bytes) / 1e6),
            Self::Files(files) => format!("{:.0} files/s", a_second(*files)),
            Self::Commits(commits) => format!("{:.0} commits/s", a_second(*commits)),
        }
    }
}

type Run<'a> = Box<dyn FnMut() -> Result<Duration> + 'a>;

/// One question: the same work, done in several ways. The first of them is ours.
pub struct Race<'a> {
    title: String,
    work: Work,
    contenders: Vec<(String, Run<'a>)>,
}

impl<'a> Race<'a> {
    pub fn new(title: impl Into<String>, work: Work) -> Self {
        Self {
            title: title.into(),
            work,
            contenders: Vec::new(),
        }
    }

    /// Adds a way to do it. `run` answers how long that took, without its preparations.
    pub fn contender(mut self, name: impl Into<String>, run: impl FnMut() -> Result<Duration> + 'a) -> Self {
        self.contenders.push((name.into(), Box::new(run)));
        self
    }

    /// Runs all of them in turns and prints the table.
    pub fn run(mut self, rounds: u64) -> Result<()> {
        let mut times = vec![Vec::new(); self.contenders.len()];
        for _ in 0..rounds.max(1) {
            for ((name, run), times) in self.contenders.iter_mut().zip(&mut times) {
                times.push(run().with_context(|| format!("{}: {name}", self.title))?);
            }
        }
        println!("\n### {}\n", self.title);
        println!("| | best | worst | rate | spoutctl takes |\n|---|---|---|---|---|");
        let best = |times: &[Duration]| times.iter().min().copied().unwrap_or_default();
        let ours = times.first().map(|times| best(times)).unwrap_or_default();
        for ((name, _), times) in self.contenders.iter().zip(&times) {
            let time = best(times);
            println!(
                "| {name} | {:.3} s | {:.3} s | {} | {:.2} × |",
                time.as_secs_f64(),
                times.iter().max().copied().unwrap_or_default().as_secs_f64(),
                self.work.rate(time),
                ours.as_secs_f64() / time.as_secs_f64(),
            );
        }
        Ok(())
    }
}

/// How long `work` takes.
pub fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

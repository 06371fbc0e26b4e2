//! `put` and `get` through `spoutctl serve`, next to the same store without HTTP.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use anyhow::{Context, Result};

use crate::Sizes;
use crate::race::{Race, Work, timed};
use crate::samples::{Samples, drain, put, run, spoutctl};

pub fn measure(samples: &Samples, sizes: &Sizes) -> Result<()> {
    let bytes = Work::Bytes(sizes.mib << 20);
    let name = format!("put: one file of {} MiB", sizes.mib);
    race(&name, samples, &samples.large, bytes, sizes.rounds)?;
    let name = format!("put: {} files of 1 KiB", sizes.files);
    race(&name, samples, &samples.many, Work::Files(sizes.files), sizes.rounds)?;
    let name = format!("put: {} archives in a row", sizes.commits);
    race(&name, samples, &samples.row, Work::Commits(sizes.commits), sizes.rounds)?;
    let bytes = Work::Bytes(sizes.mib << 20);
    get(samples, sizes, bytes)
}

fn race(name: &str, samples: &Samples, input: &Path, work: Work, rounds: u64) -> Result<()> {
    Race::new(name.to_owned(), work)
        .contender("through serve", || {
            let server = Server::over(&samples.fresh("served")?)?;
            timed(|| run(&mut put(&server.url, input)))
        })
        .contender("local, without HTTP", || {
            let store = samples.fresh("store")?;
            timed(|| run(&mut put(&format!("local:{}", store.display()), input)))
        })
        .run(rounds)
}

fn get(samples: &Samples, sizes: &Sizes, work: Work) -> Result<()> {
    let store = samples.fresh("served")?;
    let local = format!("local:{}", store.display());
    run(&mut put(&local, &samples.large))?;
    let server = Server::over(&store)?;
    Race::new(format!("get --tar: one file of {} MiB", sizes.mib), work)
        .contender("through serve", || {
            timed(|| drain(spoutctl(&server.url).args(["get", "bench", "--tar"])))
        })
        .contender("local, without HTTP", || {
            timed(|| drain(spoutctl(&local).args(["get", "bench", "--tar"])))
        })
        .run(sizes.rounds)
}

/// A server that ends with this.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    pub fn over(store: &Path) -> Result<Self> {
        let mut child = spoutctl("")
            .args(["serve", "--quiet", "--listen", "127.0.0.1:0"])
            .arg(store)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        let stdout = child.stdout.take().context("no standard output")?;
        BufReader::new(stdout).read_line(&mut url)?;
        Ok(Self {
            child,
            url: url.trim().to_owned(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

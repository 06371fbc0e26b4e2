//! Archives that come one by one, faster than a pachd finishes commits: how late each is acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use spoutctl_archive::ArchiveWriter;

use crate::Sizes;
use crate::discarding::Gateway;
use crate::samples::{Samples, spoutctl};

/// What a real 2.12 takes for a commit of a few files, one commit of a branch after the other.
const FINISHING: Duration = Duration::from_millis(400);
/// Archives of 1 KiB.
const A_SECOND: u32 = 100;

pub fn measure(_: &Samples, sizes: &Sizes) -> Result<()> {
    let gateway = Gateway::finishing_within(FINISHING)?;
    println!(
        "\n### put: {A_SECOND} archives of 1 KiB a second for {} s, {} ms to finish a commit\n",
        sizes.seconds,
        FINISHING.as_millis()
    );
    println!("| from an archive's end to its acknowledgement | p50 | p99 | worst | commits |\n|---|---|---|---|---|");
    let many = u32::try_from(sizes.seconds)?.saturating_mul(A_SECOND);
    let each = Duration::from_secs(1) / A_SECOND;
    run("`--batch adaptive`", &gateway, &["--batch", "adaptive"], many, each)?;
    let fixed = ["--batch-count", "1000", "--batch-period", "1s"];
    run("`--batch-count 1000 --batch-period 1s`", &gateway, &fixed, many, each)?;
    // So slowly that none waits for another.
    run(
        "an archive a second, each its own commit",
        &gateway,
        &[],
        5,
        Duration::from_secs(1),
    )
}

/// Hands over so many archives, one `each` so long, and prints how late they were acknowledged.
fn run(name: &str, gateway: &Gateway, flags: &[&str], archives: u32, each: Duration) -> Result<()> {
    let mut child = spoutctl(&gateway.url())
        .args(["put", "bench", "--create-repo", "--quiet", "--json"])
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    let stdout = child.stdout.take().context("no standard output")?;
    let begun = Instant::now();
    let feeding = thread::spawn(move || -> Result<Vec<Instant>> {
        let mut written = Vec::new();
        for number in 0..archives {
            let mut writer = ArchiveWriter::new(Vec::new(), 0);
            writer.append(format!("{number:06}").as_bytes(), 1024, &[b'x'; 1024][..])?;
            let archive = writer.finish()?;
            // By the clock, so that one that is held back does not make the others rarer.
            thread::sleep((each * number).saturating_sub(begun.elapsed()));
            written.push(begun + each * number);
            stdin.write_all(&archive)?;
        }
        Ok(written)
    });
    let mut acknowledged = Vec::new();
    let mut commits = 0;
    for line in BufReader::new(stdout).lines() {
        let now = Instant::now();
        let line: Value = serde_json::from_str(&line?)?;
        if line["type"] == "commit" {
            commits += 1;
            let last = line["archive"].as_u64().context("no number")?;
            acknowledged.resize(usize::try_from(last)?, now);
        }
    }
    let written = feeding
        .join()
        .map_err(|_| anyhow::anyhow!("the producer has panicked"))??;
    ensure!(
        child.wait()?.success() && acknowledged.len() == written.len(),
        "{name}: not all were acknowledged"
    );
    let mut late: Vec<Duration> = written
        .iter()
        .zip(&acknowledged)
        .map(|(from, to)| to.duration_since(*from))
        .collect();
    late.sort_unstable();
    let at = |hundredths: usize| late.get((late.len() * hundredths / 100).min(late.len() - 1)).copied();
    let seconds = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64();
    println!(
        "| {name} | {:.3} s | {:.3} s | {:.3} s | {commits} |",
        seconds(at(50)),
        seconds(at(99)),
        seconds(late.last().copied())
    );
    Ok(())
}

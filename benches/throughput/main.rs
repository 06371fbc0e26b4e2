//! Measures `spoutctl` next to what one would use instead, or what cannot be beaten: `cargo bench`.
//!
//! A table a question; nothing is asserted. Alternatives take turns and the best of their runs counts, because
//! machines are noisy. `cargo bench -- local framing` measures these alone; sizes come from the environment:
//!
//! | variable | default | means |
//! |---|---|---|
//! | `SPOUTCTL_BENCH_MIB` | 256 | the large file |
//! | `SPOUTCTL_BENCH_FILES` | 10000 | files of 1 KiB in one archive |
//! | `SPOUTCTL_BENCH_COMMITS` | 200 | archives in a row |
//! | `SPOUTCTL_BENCH_HISTORY` | 10000 | commits of a history |
//! | `SPOUTCTL_BENCH_SPECS` | 10000 | specs to validate |
//! | `SPOUTCTL_BENCH_SECONDS` | 10 | how long archives come one by one |
//! | `SPOUTCTL_BENCH_ROUNDS` | 3 | turns of each alternative |

#![allow(clippy::print_stdout, reason = "tables are what this program is for")]

mod adaptive;
mod discarding;
mod framing;
mod gateway;
mod local;
mod messages;
mod race;
mod samples;
mod serve;
mod tail;
mod validate;

use std::path::Path;

use anyhow::{Context, Result, bail};

use samples::Samples;

/// How much is measured.
pub struct Sizes {
    pub mib: u64,
    pub files: u64,
    pub commits: u64,
    pub history: u64,
    pub specs: u64,
    pub seconds: u64,
    pub rounds: u64,
}

impl Sizes {
    fn from_environment() -> Result<Self> {
        Ok(Self {
            mib: number("SPOUTCTL_BENCH_MIB", 256)?,
            files: number("SPOUTCTL_BENCH_FILES", 10_000)?,
            commits: number("SPOUTCTL_BENCH_COMMITS", 200)?,
            history: number("SPOUTCTL_BENCH_HISTORY", 10_000)?,
            specs: number("SPOUTCTL_BENCH_SPECS", 10_000)?,
            seconds: number("SPOUTCTL_BENCH_SECONDS", 10)?,
            rounds: number("SPOUTCTL_BENCH_ROUNDS", 3)?,
        })
    }
}

fn number(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} is no number: {text}")),
        Err(_) => Ok(default),
    }
}

type Part = fn(&Samples, &Sizes) -> Result<()>;

const PARTS: [(&str, Part); 8] = [
    ("gateway", gateway::measure),
    ("adaptive", adaptive::measure),
    ("local", local::measure),
    ("serve", serve::measure),
    ("tail", tail::measure),
    ("framing", framing::measure),
    ("messages", messages::measure),
    ("validate", validate::measure),
];

fn main() -> Result<()> {
    // `cargo bench` itself adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if let Some(unknown) = wanted.iter().find(|name| PARTS.iter().all(|part| part.0 != **name)) {
        bail!("there is no part `{unknown}`: gateway, adaptive, local, serve, tail, framing, messages, validate");
    }
    let sizes = Sizes::from_environment()?;
    let samples = Samples::make(Path::new(env!("CARGO_TARGET_TMPDIR")), &sizes)?;
    for (name, measure) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            measure(&samples, &sizes).with_context(|| format!("measuring {name}"))?;
        }
    }
    Ok(())
}

//! Breaks `spoutctl put` and `spoutctl serve` at random, while a producer goes on: kill -9 of either, a process that
//! stands still, and calls that are lost, cut, late or carried out twice. Then looks whether every archive is in the repo
//! once, whole, in order, and was acknowledged.
//!
//! ```sh
//! cargo run --release --example soak -- --kills 1000
//! ```
//!
//! A round is a store and a stream of its own, in one [`Mode`] against one release through one door. Rounds take turns
//! through all of these, or through those that were asked for: `--mode`, `--pachyderm`, `--door`. `--seed N` makes the
//! same choices again; the machine's timing stays its own. What a round leaves behind when something is wrong is named.

#![allow(
    clippy::print_stdout,
    reason = "its result goes to whoever runs it, who is no script"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};

mod mode;
mod process;
mod producing;
mod reading;
mod round;

#[allow(dead_code, reason = "shared with the library's tests, which use all of it")]
#[path = "../../crates/delivery/src/tests/checker.rs"]
mod checker;

#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which use all of it"
)]
#[path = "../../tests/cli/proxy.rs"]
mod proxy;

use mode::Mode;
use process::{AS_CONSUMER, AS_SPOUTCTL};
use round::Round;

/// Kills put and serve, cuts their connections, and looks whether anything is lost, doubled or torn.
#[derive(Parser)]
#[command(name = "soak")]
struct Options {
    /// Ends after so many kills
    #[arg(long, default_value_t = 30)]
    kills: u64,
    /// So many of them in one round
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..))]
    round: u64,
    /// Makes the choices that another run made
    #[arg(long)]
    seed: Option<u64>,
    /// Only this way of delivering; may be repeated
    #[arg(long)]
    mode: Vec<Mode>,
    /// Only this release of Pachyderm, played by serve; may be repeated
    #[arg(long)]
    pachyderm: Vec<String>,
    /// Only through this door; may be repeated
    #[arg(long)]
    door: Vec<Door>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Door {
    Grpc,
    Http,
}

impl Door {
    fn scheme(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
        }
    }
}

/// One kind of round.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Setting {
    mode: Mode,
    release: String,
    door: Door,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} | {} | {}", self.mode.name(), self.release, self.door.scheme())
    }
}

/// What was done, and to how much.
#[derive(Debug, Clone, Copy, Default)]
struct Score {
    rounds: u64,
    put_killed: u64,
    serve_killed: u64,
    halted: u64,
    calls_broken: u64,
    delivered: u64,
}

impl Score {
    fn add(&mut self, other: &Self) {
        self.rounds += other.rounds;
        self.put_killed += other.put_killed;
        self.serve_killed += other.serve_killed;
        self.halted += other.halted;
        self.calls_broken += other.calls_broken;
        self.delivered += other.delivered;
    }

    fn kills(&self) -> u64 {
        self.put_killed + self.serve_killed
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} | {} | {} | {} | {} | {}",
            self.rounds, self.put_killed, self.serve_killed, self.halted, self.calls_broken, self.delivered
        )
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let mut args = std::env::args_os().skip(1).peekable();
    // spoutctl starts itself to guard what it starts, and takes this program for itself.
    if args.peek().is_some_and(|first| first == "__guard") {
        return Ok(spoutctl::run(std::env::args_os()).into());
    }
    if args.next_if(|first| first == AS_SPOUTCTL).is_some() {
        return Ok(spoutctl::run([OsString::from("spoutctl")].into_iter().chain(args)).into());
    }
    if args.next_if(|first| first == AS_CONSUMER).is_some() {
        return producing::consume(args.next()).map(|()| ExitCode::SUCCESS);
    }
    soak(&Options::parse())?;
    Ok(ExitCode::SUCCESS)
}

fn soak(options: &Options) -> anyhow::Result<()> {
    let seed = options.seed.unwrap_or_else(|| u64::from(std::process::id()));
    let mut random = Random(seed);
    let settings = settings(options, &mut random);
    anyhow::ensure!(
        !settings.is_empty(),
        "no release that was asked for has that door: the gateway came with 2.8"
    );
    let begun = Instant::now();
    let mut scores: BTreeMap<Setting, Score> = BTreeMap::new();
    let mut all = Score::default();
    for setting in settings.iter().cycle() {
        if all.kills() >= options.kills {
            break;
        }
        let kills = options.round.min(options.kills - all.kills());
        let score = play(setting, kills, random.below(u64::MAX), seed)?;
        println!("{setting} | {score}");
        scores.entry(setting.clone()).or_default().add(&score);
        all.add(&score);
    }
    println!("\n| mode | release | door | rounds | put killed | serve killed | halted | calls broken | delivered |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for (setting, score) in &scores {
        println!("| {setting} | {score} |");
    }
    println!(
        "\n{} kills in {:.0} s, seed {seed}: what was delivered is in the repo once, whole, in order, and acknowledged",
        all.kills(),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// One round, in a directory that is kept where something is wrong.
fn play(setting: &Setting, kills: u64, round_seed: u64, seed: u64) -> anyhow::Result<Score> {
    let dir = tempfile::tempdir()?;
    let played = Round::begin(dir.path(), setting, round_seed).and_then(|round| round.play(kills));
    played.map_err(|error| {
        let kept = dir.keep();
        error.context(format!("{setting}, seed {seed}; see {}", kept.display()))
    })
}

/// What the rounds go through, every mode once before one comes again, each time with another release and door.
fn settings(options: &Options, random: &mut Random) -> Vec<Setting> {
    let modes = if options.mode.is_empty() {
        Mode::value_variants()
    } else {
        &options.mode
    };
    let releases = if options.pachyderm.is_empty() {
        ["2.12", "2.3", "2.0"].map(str::to_owned).to_vec()
    } else {
        options.pachyderm.clone()
    };
    let doors = if options.door.is_empty() {
        Door::value_variants()
    } else {
        &options.door
    };
    let mut against: Vec<(String, Door)> = releases
        .iter()
        .flat_map(|release| doors.iter().map(move |door| (release.clone(), *door)))
        .filter(|(release, door)| *door == Door::Grpc || has_gateway(release))
        .collect();
    for left in (1..against.len()).rev() {
        let chosen = random.below(left as u64 + 1);
        against.swap(left, usize::try_from(chosen).unwrap_or(0));
    }
    let turn = |turn: usize| {
        let against = &against;
        modes.iter().enumerate().filter_map(move |(place, mode)| {
            let (release, door) = against.get((turn + place) % against.len())?.clone();
            Some(Setting {
                mode: *mode,
                release,
                door,
            })
        })
    };
    (0..against.len()).flat_map(turn).collect()
}

/// The gateway came with 2.8.
fn has_gateway(release: &str) -> bool {
    let mut numbers = release.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(2), Some(8))
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

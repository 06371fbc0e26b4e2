//! `put` into `local:` and `get` out of it, next to the system's own tools and a sync.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::Sizes;
use crate::race::{Race, Work, timed};
use crate::samples::{Samples, drain, put, run, spoutctl};

pub fn measure(samples: &Samples, sizes: &Sizes) -> Result<()> {
    large(samples, sizes)?;
    many(samples, sizes)?;
    commits(samples, sizes)?;
    let large = format!("get --tar out of local: one file of {} MiB", sizes.mib);
    get(
        &large,
        samples,
        &samples.large,
        Work::Bytes(sizes.mib << 20),
        sizes.rounds,
    )?;
    let many = format!("get --tar out of local: {} files of 1 KiB", sizes.files);
    get(&many, samples, &samples.many, Work::Files(sizes.files), sizes.rounds)
}

fn local(store: &Path) -> String {
    format!("local:{}", store.display())
}

fn large(samples: &Samples, sizes: &Sizes) -> Result<()> {
    let file = &samples.large;
    Race::new(
        format!("put into local: one file of {} MiB", sizes.mib),
        Work::Bytes(sizes.mib << 20),
    )
    .contender("spoutctl put", || {
        let store = samples.fresh("store")?;
        timed(|| run(&mut put(&local(&store), file)))
    })
    .contender("cp and sync", || {
        let target = samples.fresh("copies")?.join("copy");
        timed(|| {
            run(Command::new("cp").arg(file).arg(&target))?;
            run(Command::new("sync").arg(&target))
        })
    })
    .contender("sha256sum, which put does as well", || {
        timed(|| run(Command::new("sha256sum").arg(file)))
    })
    .run(sizes.rounds)
}

fn many(samples: &Samples, sizes: &Sizes) -> Result<()> {
    let file = &samples.many;
    Race::new(
        format!("put into local: {} files of 1 KiB", sizes.files),
        Work::Files(sizes.files),
    )
    .contender("spoutctl put", || {
        let store = samples.fresh("store")?;
        timed(|| run(&mut put(&local(&store), file)))
    })
    .contender("tar xf and sync", || {
        let target = samples.fresh("copies")?;
        timed(|| {
            run(Command::new("tar").arg("xf").arg(file).arg("-C").arg(&target))?;
            run(Command::new("sync").arg("-f").arg(&target))
        })
    })
    .contender("cp of the archive and sync", || {
        let target = samples.fresh("copies")?.join("copy");
        timed(|| {
            run(Command::new("cp").arg(file).arg(&target))?;
            run(Command::new("sync").arg(&target))
        })
    })
    .run(sizes.rounds)
}

fn commits(samples: &Samples, sizes: &Sizes) -> Result<()> {
    Race::new(
        format!("put into local: {} commits of one file of 1 KiB", sizes.commits),
        Work::Commits(sizes.commits),
    )
    .contender("spoutctl put", || {
        let store = samples.fresh("store")?;
        timed(|| run(&mut put(&local(&store), &samples.row)))
    })
    .contender("a file, synced, renamed, its directory synced", || {
        let target = samples.fresh("copies")?;
        timed(|| {
            let directory = File::open(&target)?;
            for number in 0..sizes.commits {
                let (new, name) = (target.join("new"), target.join(number.to_string()));
                fs::write(&new, [7; 2560])?;
                File::open(&new)?.sync_all()?;
                fs::rename(&new, &name)?;
                directory.sync_all()?;
            }
            Ok(())
        })
    })
    .run(sizes.rounds)
}

fn get(title: &str, samples: &Samples, file: &Path, work: Work, rounds: u64) -> Result<()> {
    let store = samples.fresh("store")?;
    run(&mut put(&local(&store), file))?;
    Race::new(title, work)
        .contender("spoutctl get --tar", || {
            timed(|| drain(spoutctl(&local(&store)).args(["get", "bench", "--tar"])))
        })
        .contender("cat of the archive", || timed(|| drain(Command::new("cat").arg(file))))
        .run(rounds)
}

//! `pack` next to `cat`, both from a pipe into a file.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::Sizes;
use crate::race::{Race, Work, timed};
use crate::samples::Samples;

pub fn measure(samples: &Samples, sizes: &Sizes) -> Result<()> {
    let lines = samples.directory().join("lines");
    let line = [&[b'x'; 1023][..], b"\n"].concat();
    std::fs::write(&lines, line.repeat(usize::try_from(sizes.mib << 10)?))?;
    let bytes = Work::Bytes(sizes.mib << 20);
    let spoutctl = env!("CARGO_BIN_EXE_spoutctl");
    let out = samples.directory().join("packed");
    let pack = |framing: &'static str, naming: [&'static str; 2]| {
        let (lines, out) = (lines.clone(), out.clone());
        move || {
            let mut command = Command::new(spoutctl);
            command.args(["pack", "--messages", framing]).args(naming);
            timed(|| piped(command, &lines, &out))
        }
    };
    Race::new(
        format!("{} MiB of lines of 1 KiB, from a pipe into a file", sizes.mib),
        bytes,
    )
    .contender("pack --messages lines --into", pack("lines", ["--into", "data.txt"]))
    .contender("pack --messages csv --into", pack("csv", ["--into", "data.csv"]))
    .contender(
        "pack --messages lines --each {uuid}",
        pack("lines", ["--each", "{uuid}"]),
    )
    .contender("cat", || timed(|| piped(Command::new("cat"), &lines, &out)))
    .run(sizes.rounds)
}

/// `cat input | command > output`
fn piped(mut command: Command, input: &Path, output: &Path) -> Result<()> {
    let mut cat = Command::new("cat").arg(input).stdout(Stdio::piped()).spawn()?;
    if let Some(stdout) = cat.stdout.take() {
        command.stdin(stdout);
    }
    ensure!(command.stdout(File::create(output)?).status()?.success(), "it failed");
    ensure!(cat.wait()?.success(), "cat failed");
    Ok(())
}

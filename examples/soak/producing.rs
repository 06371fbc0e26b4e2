//! What a round delivers: archives on the standard input of `put`, or messages of a command that it starts.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;

use crate::mode::{Mode, message};

pub fn archive(mode: Mode, number: u64) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in mode.files(number) {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, content.as_slice())?;
    }
    builder.into_inner()
}

/// Writes archives from this number on, at least to that one, until nobody reads them or it is told to stop. The number
/// of the last whole one.
pub fn produce(mode: Mode, mut output: ChildStdin, first: u64, at_least: u64, stop: &AtomicBool) -> u64 {
    let mut number = first;
    loop {
        let written = archive(mode, number).and_then(|bytes| {
            // In pieces, so that it is killed in the middle of one, too.
            bytes.chunks(3000).try_for_each(|piece| output.write_all(piece))
        });
        if written.is_err() {
            return number - 1;
        }
        if number >= at_least && stop.load(Ordering::Acquire) {
            return number;
        }
        if number > at_least {
            std::thread::sleep(Duration::from_millis(2));
        }
        number += 1;
    }
}

/// The consumer of [`Mode::Messages`]: goes on behind the position in the file that it is told, for ever.
pub fn consume(position: Option<OsString>) -> anyhow::Result<()> {
    let path = PathBuf::from(position.context("no file of a position")?);
    let done: u64 = match std::fs::read_to_string(&path) {
        Ok(text) => text
            .trim()
            .parse()
            .with_context(|| format!("{}: {text:?}", path.display()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error.into()),
    };
    let mut output = io::stdout().lock();
    for number in done + 1.. {
        let mut line = message(number);
        line.push(b'\n');
        output.write_all(&line)?;
        output.flush()?;
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

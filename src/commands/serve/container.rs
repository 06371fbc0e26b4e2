//! The code of a spout in a process group of its own, which ends with us, however we end.

use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use crate::commands::group::guard::Guard;

/// A longer line is told in several.
const LONGEST_LINE: u64 = 32 << 10;

/// Takes a line of the code: the stream that it came from, and its text.
pub(super) type Lines = dyn Fn(&'static str, &str) + Send + Sync;

/// What becomes of the code.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    /// It has ended. What it started may hold its output open, which a worker waits for.
    Exited,
    /// That is closed as well.
    Over(ExitStatus),
}

/// The process group, and what runs in it.
pub(super) struct Container {
    guard: Guard,
}

impl Container {
    pub fn new() -> io::Result<Self> {
        Ok(Self { guard: Guard::start()? })
    }

    /// Starts the code, whose lines go to `lines`, and what becomes of it to `tell`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(
        &self,
        command: &mut Command,
        lines: &Arc<Lines>,
        tell: impl Fn(Change) + Send + 'static,
    ) -> io::Result<()> {
        let child = command
            .process_group(self.guard.group().as_raw_nonzero().get())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let lines = Arc::clone(lines);
        thread::Builder::new()
            .name("code".to_owned())
            .spawn(move || attend(child, &lines, &tell))?;
        Ok(())
    }

    /// Kills all of it, without a signal before, and waits until it is gone.
    pub fn kill(self) {
        self.guard.end_group();
    }
}

/// Passes the output on, and tells when the process has ended and when its output has.
fn attend(mut child: Child, lines: &Arc<Lines>, tell: &dyn Fn(Change)) {
    let streams = [
        (
            "stdout",
            child
                .stdout
                .take()
                .map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        ),
        (
            "stderr",
            child
                .stderr
                .take()
                .map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        ),
    ];
    let status = thread::scope(|scope| {
        for (name, stream) in streams {
            if let Some(stream) = stream {
                scope.spawn(move || pass_on(name, stream, lines));
            }
        }
        let status = child.wait();
        if status.is_ok() {
            tell(Change::Exited);
        }
        status
    });
    if let Ok(status) = status {
        tell(Change::Over(status));
    }
}

fn pass_on(name: &'static str, stream: Box<dyn Read + Send>, lines: &Arc<Lines>) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut stream).take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                lines(name, text.strip_suffix('\n').unwrap_or(&text));
            }
        }
    }
}

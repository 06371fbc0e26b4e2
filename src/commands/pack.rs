//! `spoutctl pack`: messages in, tar archives out.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use anyhow::Context;
use crossbeam_channel::{bounded, select};

use crate::cli::{OnBad, PackArgs};
use crate::commands::interrupts::Interrupts;
use crate::commands::messages::waited::Waited;
use crate::commands::messages::{Bad, Packing, notes};
use crate::failure::Failure;
use crate::terminal::Terminal;
use spoutctl_archive::STANDARD_INPUT;
use spoutctl_core::exit::Exit;
use spoutctl_core::quantity::{counted, grouped};
use spoutctl_delivery::messages::filter::{self, PackError, pack};

/// Runs the verb.
///
/// # Errors
/// When the input cannot be read to its end as messages, or nobody takes the archives any more.
pub fn run(args: &PackArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.verbosity.level());
    let Some(packing) = Packing::new(&args.messages, args.escape_paths, false)? else {
        return Err(Failure::new(Exit::Usage, "nothing says how messages are told apart").help("add --messages lines"));
    };
    packing.refuse_numbers("use `spoutctl put … --messages` with --spool or --stream, which knows; or {uuid}")?;
    if io::stdout().is_terminal() {
        return Err(Failure::new(Exit::Usage, "a tar archive is not written to a terminal")
            .help("pipe it: spoutctl pack … | spoutctl put DEST"));
    }
    // Without the buffers of the standard library's own streams, which look for line ends.
    let input = File::from(
        io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .context("cannot read standard input")?,
    );
    let output = File::from(
        io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .context("cannot write to standard output")?,
    );
    // Closed by the first signal.
    let (stop, stopped) = io::pipe().context("cannot listen for signals")?;
    let interrupts = Interrupts::listen(Duration::ZERO, move |_| drop(stopped))?;
    let (done, ended) = bounded(1);
    if matches!(args.on_bad, OnBad::Repo(_)) {
        let text = "--on-bad repo= is for `put`, which makes commits";
        return Err(Failure::new(Exit::Usage, text).help("use --on-bad quarantine=DIR or skip"));
    }
    let on_bad = Bad::open(&args.on_bad)?;
    std::thread::spawn(move || {
        // Nobody listens any more only after a second signal.
        let _ = done.send(filter(&packing, &on_bad, input, stop.into(), output));
    });
    let (made, end) = select! {
        recv(ended) -> end => match end {
            Ok(end) => end,
            Err(_) => return Err(Failure::panicked()),
        },
        recv(interrupts.leave) -> _ => return Ok(interrupts.signal().map_or(Exit::Unavailable, Exit::Signal)),
    };
    for note in notes(&made, STANDARD_INPUT) {
        terminal.note(&note);
    }
    if made.dropped > 0 {
        let bytes = grouped(made.dropped as u64);
        terminal.note(&format!("the last message had no end: its {bytes} bytes were left out"));
    }
    terminal.detail(&format!(
        "{} in {}",
        counted(made.messages, "message"),
        counted(made.archives, "archive")
    ));
    match end {
        Ok(()) => Ok(interrupts.signal().map_or(Exit::Done, Exit::Signal)),
        Err(PackError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Input,
            "nobody takes the archives any more, and messages were still to come",
        )
        .help("see why the program that reads them has ended")),
        Err(error) => Err(error.into()),
    }
}

fn filter(
    packing: &Packing,
    on_bad: &Bad,
    input: File,
    stop: OwnedFd,
    mut output: File,
) -> (filter::Packing, Result<(), PackError>) {
    let mut source = Waited::new(input, Some(stop), None);
    let mut made = filter::Packing::default();
    let end = pack(
        &mut source,
        packing.splitter(on_bad.goes_on()),
        packing.packer(0, on_bad.of(STANDARD_INPUT), None),
        &mut made,
        &mut |packed| {
            let mut buffered = io::BufWriter::with_capacity(256 << 10, &mut output);
            packed.write_to(&mut buffered)?;
            buffered.flush()
        },
    );
    (made, end)
}

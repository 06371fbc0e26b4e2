//! `--ack-fd` and `--ack-command`: whoever makes the input is told what is done, before the spool forgets it.
//!
//! One after the other, in order. An acknowledgement that could not be given ends the delivery; with a spool its
//! archive stays there, and is acknowledged first by the next run.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use parking_lot::Mutex;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::commands::group::{ProcessGroup, how};
use crate::failure::Failure;
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_core::quantity::elapsed;
use spoutctl_delivery::Unacknowledged;

/// How long it is waited without a word.
const SILENT: Duration = Duration::from_secs(10);
/// What a command reads on its standard input. It stays locked while one runs, also when we were killed meanwhile.
const INPUT: &str = "acknowledging.json";

/// Who is told.
pub(super) enum Acknowledgee {
    /// Whoever has the other end of this file descriptor.
    Descriptor(i32),
    /// What is run by the shell.
    Command(String),
}

/// Tells them.
pub(super) struct Acknowledger {
    to: To,
    /// The command runs in it.
    pub group: ProcessGroup,
    terminal: Arc<Terminal>,
}

enum To {
    Descriptor { number: i32, file: File },
    Command { command: String, input: Mutex<File> },
}

/// What is told.
pub(super) struct Acknowledgement {
    /// One line of JSON, without its newline.
    pub line: String,
    /// The same for shells: what follows `SPOUTCTL_ACK_`, and its value, where there is one.
    pub variables: Vec<(&'static str, Option<String>)>,
}

impl Acknowledger {
    /// Where there is a spool in `spool`, no two commands for it ever run at once.
    pub fn new(
        whom: &Acknowledgee,
        spool: Option<&Path>,
        temporary: &Path,
        terminal: &Arc<Terminal>,
    ) -> Result<Self, Failure> {
        let to = match whom {
            Acknowledgee::Descriptor(number) => To::Descriptor {
                number: *number,
                file: descriptor(*number)?,
            },
            Acknowledgee::Command(command) => To::Command {
                command: command.clone(),
                input: Mutex::new(input(spool, temporary, terminal)?),
            },
        };
        Ok(Self {
            to,
            group: ProcessGroup::default(),
            terminal: Arc::clone(terminal),
        })
    }

    /// Tells, and answers when that is done.
    pub fn give(&self, what: &Acknowledgement) -> Result<(), Unacknowledged> {
        match &self.to {
            To::Descriptor { number, file } => write(file, &what.line).map_err(|error| Unacknowledged {
                how: format!("file descriptor {number} cannot be written to: {error}"),
            }),
            To::Command { command, input } => {
                let status = self.run(command, input, what).map_err(|error| Unacknowledged {
                    how: format!("the command `{command}` cannot be run: {error}"),
                })?;
                if status.success() {
                    return Ok(());
                }
                Err(Unacknowledged {
                    how: format!("the command `{command}` {}", how(status)),
                })
            }
        }
    }

    fn run(&self, command: &str, input: &Mutex<File>, what: &Acknowledgement) -> io::Result<ExitStatus> {
        let mut input = input.lock();
        // A file has no reader that could leave before it has read everything.
        input.set_len(0)?;
        input.rewind()?;
        writeln!(input, "{}", what.line)?;
        input.rewind()?;
        let mut shell = Command::new("/bin/sh");
        shell
            .arg("-c")
            .arg(command)
            .stdin(input.try_clone()?)
            // Standard output holds our own acknowledgements, and nothing else.
            .stdout(Stdio::from(io::stderr().as_fd().try_clone_to_owned()?));
        for (name, value) in &what.variables {
            let name = format!("SPOUTCTL_ACK_{name}");
            match value {
                // No environment can hold a zero byte.
                Some(value) => shell.env(name, value.replace('\0', "")),
                None => shell.env_remove(name),
            };
        }
        let child = self.group.start(&mut shell)?;
        let mut child = child.ok_or_else(|| io::Error::other("we are being ended"))?;
        self.wait(&mut child, command)
    }

    fn wait(&self, child: &mut Child, command: &str) -> io::Result<ExitStatus> {
        let begun = Instant::now();
        let mut is_said = false;
        self.group.wait(child, || {
            if !is_said && begun.elapsed() >= SILENT {
                is_said = true;
                let text = format!(
                    "the command `{command}` has run for {}; it is waited for",
                    elapsed(SILENT)
                );
                self.terminal.note(&text);
            }
        })
    }
}

/// Opens what somebody else has opened for us, anew: a descriptor that is nobody's cannot be taken over safely.
fn descriptor(number: i32) -> Result<File, Failure> {
    let path = format!("/dev/fd/{number}");
    let refused = |why: String, help: &str| {
        Failure::new(Exit::Usage, format!("--ack-fd {number}: {why}; nothing was sent")).help(help)
    };
    let cannot = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => refused(
            format!("no file descriptor {number} is open"),
            "open it where spoutctl is started: spoutctl put … --ack-fd 3 3> FILE",
        ),
        _ => refused(format!("it cannot be opened: {error}"), "give a pipe, a FIFO or a file"),
    };
    let kind = fs::metadata(&path).map_err(|error| cannot(&error))?.file_type();
    if kind.is_socket() || kind.is_dir() {
        let what = if kind.is_socket() { "a socket" } else { "a directory" };
        return Err(refused(format!("it is {what}"), "give a pipe, a FIFO or a file"));
    }
    let mut options = OpenOptions::new();
    options.append(true);
    if kind.is_fifo() {
        // Without a reader it would be waited for, and nobody knows whether one comes.
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        match options.clone().custom_flags(flags).open(&path) {
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                return Err(refused("nobody reads from it".to_owned(), "start its reader first"));
            }
            Err(error) => return Err(cannot(&error)),
            Ok(_) => {}
        }
    }
    options.open(&path).map_err(|error| cannot(&error))
}

fn write(mut file: &File, line: &str) -> io::Result<()> {
    file.write_all(format!("{line}\n").as_bytes())?;
    // The spool forgets it now, so it has to survive a power cut. A pipe has nothing to sync.
    if file.metadata()?.is_file() {
        file.sync_data()?;
    }
    Ok(())
}

/// The file that commands read. A command that an earlier run has left behind still has it, and is waited for: it would
/// store an older position over a newer one.
fn input(spool: Option<&Path>, temporary: &Path, terminal: &Terminal) -> Result<File, Failure> {
    let Some(spool) = spool else {
        let made = tempfile::tempfile_in(temporary);
        return Ok(made.with_context(|| format!("cannot use {}", temporary.display()))?);
    };
    let path = spool.join(INPUT);
    let cannot = || format!("cannot use {}", path.display());
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(&path).with_context(cannot)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            terminal.note("an acknowledgement command of an earlier run still runs; it is waited for");
            file.lock().with_context(cannot)?;
        }
        Err(TryLockError::Error(error)) => return Err(Failure::from(anyhow::Error::new(error).context(cannot()))),
    }
    Ok(file)
}

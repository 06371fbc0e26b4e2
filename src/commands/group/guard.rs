//! Ends a child and all that it started when we are gone, however we went: nobody can act on a SIGKILL of its own.
//!
//! A guard is this very program, run once more as the leader of the child's process group. It holds one end of a pipe,
//! whose other end only we have: the system closes that when we end. The guard is there before the child, so no moment
//! is without one; and as long as it is there, the group's number can be nobody else's.

use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process_group, test_kill_process_group};
use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

use spoutctl_core::exit::Exit;

/// The word that makes this program a guard. No verb, because nobody types it.
const GUARD: &str = "__guard";
/// What a guard says when nothing but a SIGKILL ends it any more.
const READY: &[u8] = b"+";
/// How long what was killed may take to be gone, and how often that is looked at. What is stuck in the system goes when
/// it comes out of there.
const GONE_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A process group whose leader is a guard.
pub(in crate::commands) struct Guard {
    process: Child,
    group: Pid,
}

impl Guard {
    pub fn start() -> io::Result<Self> {
        let mut process = Command::new(ourselves()?)
            .arg0("spoutctl")
            .arg(GUARD)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        match ready(&mut process) {
            Ok(group) => Ok(Self { process, group }),
            Err(error) => {
                end(&mut process);
                Err(io::Error::other(format!("its guard cannot be started: {error}")))
            }
        }
    }

    /// The number of the group.
    pub fn group(&self) -> Pid {
        self.group
    }

    /// Ends whatever is left in the group, and waits until it is gone.
    pub fn end_group(self) {
        let group = self.group;
        // It may have ended by itself.
        let _ = kill_process_group(group, Signal::KILL);
        self.release();
        let begun = Instant::now();
        while test_kill_process_group(group).is_ok() && begun.elapsed() < GONE_WITHIN {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Nothing needs to be guarded any more. What is left in the group stays.
    pub fn release(mut self) {
        end(&mut self.process);
    }
}

/// This program, also where another has taken its place on the disk since.
fn ourselves() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok("/proc/self/exe".into())
    } else {
        std::env::current_exe()
    }
}

fn ready(process: &mut Child) -> io::Result<Pid> {
    let mut said = [0];
    if let Some(mut stdout) = process.stdout.take() {
        stdout.read_exact(&mut said)?;
    }
    let group = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    group.ok_or_else(|| io::Error::other("it has no number"))
}

/// Before its pipe is closed, which would make it end its group.
fn end(process: &mut Child) {
    // It may be gone already: a SIGKILL to the group meets it, too.
    let _ = process.kill();
    let _ = process.wait();
}

/// Whether these arguments, the program's name first, are those of a guard.
pub(crate) fn is_meant(args: &[impl AsRef<OsStr>]) -> bool {
    args.len() == 2 && args[1].as_ref() == GUARD
}

/// What a guard does.
pub(crate) fn keep_watch() -> Exit {
    // Signals to the group are for the others in it.
    let ignored = Arc::new(AtomicBool::new(false));
    for signal in [SIGALRM, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2] {
        if signal_hook::flag::register(signal, Arc::clone(&ignored)).is_err() {
            return Exit::Usage;
        }
    }
    // As `ps` and `killall` show it: whoever kills every `spoutctl` by its name must leave the guards.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_name(c"cmd-guard");
    // The directory that we were started in may be on a disk that somebody wants to take away.
    let _ = std::env::set_current_dir("/");
    let mut stdout = io::stdout();
    if stdout.write_all(READY).and_then(|()| stdout.flush()).is_err() {
        return Exit::Usage;
    }
    wait_for_the_end();
    // Nobody else's group: whoever types our word in a shell's script may not lead one.
    if getpgrp() == getpid() {
        let _ = kill_process_group(getpid(), Signal::KILL);
    }
    Exit::Done
}

/// Waits until nobody can write into our standard input any more.
fn wait_for_the_end() {
    let mut nothing = [0];
    let mut stdin = io::stdin();
    loop {
        match stdin.read(&mut nothing) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

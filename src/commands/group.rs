//! A child process in a process group of its own, to which signals go, and which ends with us.

pub(crate) mod guard;

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use self::guard::Guard;
use crate::settings;

/// How often it is looked whether the process has ended; at first sooner.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const FIRST_LOOK: Duration = Duration::from_millis(1);
/// How long a process may take to end once it was told to.
pub(super) const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// Place for one process at a time.
#[derive(Default)]
pub(super) struct ProcessGroup {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Set while the process is not waited for yet: afterwards its number may be another's.
    running: Option<Running>,
    /// Of one that failed: it ends what that has left in its group, at the latest when we are gone.
    left: Option<Guard>,
    /// No further one is started.
    stopped: bool,
}

struct Running {
    process: Pid,
    guard: Guard,
}

impl ProcessGroup {
    /// Starts a process; `None` when no further one may be.
    pub fn start(&self, command: &mut Command) -> io::Result<Option<Child>> {
        // Not under the lock: whoever stops us does not wait for what somebody else has left.
        let left = self.state.lock().left.take();
        if let Some(left) = left {
            left.end_group();
        }
        let mut state = self.state.lock();
        if state.stopped {
            return Ok(None);
        }
        for name in settings::withheld_from_children() {
            command.env_remove(name);
        }
        let guard = Guard::start()?;
        let spawned = command.process_group(guard.group().as_raw_nonzero().get()).spawn();
        let child = match spawned {
            Ok(child) => child,
            Err(error) => {
                guard.release();
                return Err(error);
            }
        };
        let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        state.running = process.map(|process| Running { process, guard });
        Ok(Some(child))
    }

    /// Sends a signal to the whole process group; nothing when none runs. No further process is started.
    pub fn stop(&self, signal: Signal) {
        let mut state = self.state.lock();
        state.stopped = true;
        if let Some(running) = &state.running {
            tell(running.guard.group(), signal);
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.state.lock().stopped
    }

    /// Asks the group to end, and makes it end after this time.
    pub fn end(&self, limit: Duration) {
        self.stop(Signal::TERM);
        let begun = Instant::now();
        while self.state.lock().running.is_some() {
            if begun.elapsed() >= limit {
                self.stop(Signal::KILL);
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// How the process ended, once it has; `meanwhile` is called at each look before.
    pub fn wait(&self, child: &mut Child, mut meanwhile: impl FnMut()) -> io::Result<ExitStatus> {
        let mut pause = FIRST_LOOK;
        loop {
            if let Some(status) = self.try_wait(child)? {
                return Ok(status);
            }
            meanwhile();
            std::thread::sleep(pause);
            pause = (pause * 2).min(LOOK_EVERY);
        }
    }

    /// How the process ended, if it has. Nobody ever holds the number of one that is gone.
    ///
    /// When it failed by itself, what it has left in its group is told to end, and is killed before the next one
    /// starts: two of them at a time would read the source. One that ended well may have left its work to another
    /// process.
    pub fn try_wait(&self, child: &mut Child) -> io::Result<Option<ExitStatus>> {
        let mut state = self.state.lock();
        let status = child.try_wait()?;
        if let Some(status) = status
            && let Some(running) = state.running.take()
        {
            if status.success() || state.stopped {
                running.guard.release();
            } else {
                tell(running.guard.group(), Signal::TERM);
                state.left = Some(running.guard);
            }
        }
        Ok(status)
    }

    /// Looks whether the process has ended, without waiting for it, and tells the group what `judge` says to its exit
    /// code. Whether it is worth looking again.
    pub fn look(&self, judge: impl FnOnce(Option<i32>) -> Option<Signal>) -> Looked {
        let state = self.state.lock();
        let Some(running) = &state.running else {
            return Looked::Over;
        };
        let looked = waitid(
            WaitId::Pid(running.process),
            WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT,
        );
        match looked {
            Ok(None) => Looked::Runs,
            Ok(Some(status)) => match judge(status.exit_status()) {
                Some(signal) => {
                    tell(running.guard.group(), signal);
                    Looked::Told
                }
                None => Looked::Over,
            },
            Err(_) => Looked::Over,
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(left) = self.state.get_mut().left.take() {
            left.end_group();
        }
    }
}

/// What a look at a process showed.
pub(super) enum Looked {
    Runs,
    /// It has ended, and its group was told something.
    Told,
    /// There is nothing to do.
    Over,
}

fn tell(group: Pid, signal: Signal) {
    // It may just have ended by itself.
    let _ = kill_process_group(group, signal);
    // One that somebody has stopped would hear of it only when it goes on.
    let _ = kill_process_group(group, Signal::CONT);
}

/// Why a command could not be started, and how a line for a shell is given.
pub fn cannot_run(command: &[OsString], error: &io::Error) -> String {
    let program = command
        .first()
        .map(|program| program.to_string_lossy())
        .unwrap_or_default();
    // Where the first word is a path, a file is meant whose name holds a space.
    let is_line = command.len() == 1
        && program
            .split_once(char::is_whitespace)
            .is_some_and(|(first, _)| !first.contains('/'));
    if is_line && error.kind() == io::ErrorKind::NotFound {
        let quoted = shell_words::quote(&program);
        return format!("there is no program `{program}`; a line for a shell is run so: -- sh -c {quoted}");
    }
    format!("cannot run {program}: {error}")
}

/// How a process ended, after its name.
pub(super) fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "has ended".to_owned(),
        (Some(code), _) => format!("failed with exit code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "failed".to_owned(),
    }
}

/// The number of a signal as the system's call takes it.
pub(super) fn signal(number: u8) -> Signal {
    Signal::from_named_raw(i32::from(number)).unwrap_or(Signal::TERM)
}

//! What Pachyderm's worker, and pachd around it, do to the code of a spout: `serve --as-spout NAME -- CMD`.
//!
//! A pod is killed without a signal when its pipeline is stopped, updated or deleted; a new one runs the code after a
//! while, when the old worker's lock has run out. Within a pod, code that fails is run again after a while, and code
//! that ends well never.

use std::ffi::OsString;
use std::io;
use std::ops::ControlFlow;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::container::{Change, Container, Lines};
use super::pod::Pod;
use crate::commands::group::how;
use crate::failure::Failure;
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_core::quantity::elapsed;
use spoutctl_store::serve::{Service, SpoutNow};

/// An update revokes the token of the code, and its pod is killed so much later (1.3 s were seen).
const REVOKED_BEFORE: Duration = Duration::from_secs(1);
/// When something that the code has started holds its output, after its end, this is said.
const HELD: Duration = Duration::from_secs(2);

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub restart_after: Duration,
    pub kill_after: Option<Duration>,
}

/// Something that the worker hears of.
enum Event {
    Spout(Option<Box<SpoutNow>>),
    /// The number of the run of the code.
    Code(u64, Change),
    End,
}

/// What it waits for.
enum Phase {
    /// Nothing runs, and nothing is to: the pipeline is stopped or gone, or its code has ended for good.
    Idle,
    /// The code is to be started then.
    Starting(Instant),
    Running {
        /// Since when its output is held, after its end.
        held: Option<Instant>,
        since: Instant,
    },
    /// Its pod is killed then, because of an update.
    Replaced(Instant),
}

/// Ends a worker from another thread.
#[derive(Clone)]
pub(super) struct Ender(Sender<Event>);

impl Ender {
    pub fn end(&self) {
        // A worker that is gone needs none.
        let _ = self.0.send(Event::End);
    }
}

pub(super) struct Worker {
    pub service: Arc<Service>,
    pub terminal: Arc<Terminal>,
    pub pod: Pod,
    pub command: Vec<OsString>,
    pub timing: Timing,
    pub lines: Arc<Lines>,
    events: Receiver<Event>,
    sender: Sender<Event>,
    spout: Option<Box<SpoutNow>>,
    phase: Phase,
    container: Option<Container>,
    /// The run of the code that is under way, or was the last.
    run: u64,
    /// The version of the pipeline that the mounted token is for.
    mounted: Option<u64>,
}

impl Worker {
    pub fn new(
        service: Arc<Service>,
        terminal: Arc<Terminal>,
        pod: Pod,
        command: Vec<OsString>,
        timing: Timing,
        lines: Arc<Lines>,
    ) -> Self {
        let (sender, events) = bounded(16);
        Self {
            service,
            terminal,
            pod,
            command,
            timing,
            lines,
            events,
            sender,
            spout: None,
            phase: Phase::Idle,
            container: None,
            run: 0,
            mounted: None,
        }
    }

    pub fn ender(&self) -> Ender {
        Ender(self.sender.clone())
    }

    /// Runs the code until it is told to end; then nothing is left of it.
    ///
    /// # Errors
    /// When the code cannot be started at all.
    pub fn run(mut self) -> Result<(), Failure> {
        self.follow().map_err(|error| cannot("start a thread", &error))?;
        let ended = self.attend();
        self.kill_pod();
        self.pod.unmount();
        ended
    }

    /// Hears of the pipeline from now on.
    fn follow(&self) -> io::Result<()> {
        let (service, spout, sender) = (Arc::clone(&self.service), self.pod.spout.clone(), self.sender.clone());
        thread::Builder::new().name("pipeline".to_owned()).spawn(move || {
            service.follow_spout(&spout, &mut |now| match sender.send(Event::Spout(now.map(Box::new))) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            });
        })?;
        Ok(())
    }

    fn attend(&mut self) -> Result<(), Failure> {
        loop {
            let event = match self.due() {
                Some(at) => self.events.recv_deadline(at).ok(),
                None => self.events.recv().ok(),
            };
            match event {
                Some(Event::End) => return Ok(()),
                Some(Event::Spout(now)) => self.spout_is(now),
                Some(Event::Code(run, change)) if run == self.run => self.code_is(change),
                Some(Event::Code(..)) => {}
                None => self.go_on()?,
            }
        }
    }

    /// When something is to be done, if nothing happens.
    fn due(&self) -> Option<Instant> {
        match self.phase {
            Phase::Idle => None,
            Phase::Starting(at) | Phase::Replaced(at) => Some(at),
            Phase::Running { held: Some(since), .. } => Some(since + HELD),
            Phase::Running { since, .. } => self.timing.kill_after.map(|after| since + after),
        }
    }

    /// Does what is due.
    fn go_on(&mut self) -> Result<(), Failure> {
        match self.phase {
            Phase::Idle => {}
            Phase::Starting(_) => self.start()?,
            Phase::Replaced(_) => {
                self.kill_pod();
                self.say(
                    "the pod is killed, for the pipeline was updated; the new one",
                    "runs the code",
                );
                self.start_later();
            }
            Phase::Running { held: Some(_), .. } => {
                // Nothing is due before it is closed.
                self.phase = Phase::Idle;
                self.terminal.warning(&format!(
                    "the code of {} has ended, and something that it started holds its output: a worker waits for \
                     that, and starts nothing again",
                    self.pod.spout
                ));
            }
            Phase::Running { since, .. } => {
                self.kill_pod();
                let ran = elapsed(since.elapsed());
                self.say(&format!("the pod is killed after {ran}; the next one"), "runs the code");
                self.start_later();
            }
        }
        Ok(())
    }

    fn spout_is(&mut self, now: Option<Box<SpoutNow>>) {
        let before = std::mem::replace(&mut self.spout, now);
        let Some(now) = &self.spout else {
            self.kill_pod();
            if before.is_some() {
                self.note("the pipeline is deleted, and its code killed");
            }
            return;
        };
        if now.record.stopped {
            let was_running = before.is_none_or(|before| !before.record.stopped);
            self.kill_pod();
            if was_running {
                self.note("the pipeline is stopped, and its code killed, without a signal");
            }
            return;
        }
        match before {
            None if self.run == 0 => self.phase = Phase::Starting(Instant::now()),
            Some(before) if !before.record.stopped && before.starts == now.starts => {
                // While it was not looked at, its state or description may have changed: that is no new pod.
                if before.record.version != now.record.version {
                    self.phase = Phase::Replaced(Instant::now() + REVOKED_BEFORE);
                }
            }
            _ => {
                self.kill_pod();
                self.say("the pipeline is started; its new pod", "runs the code");
                self.start_later();
            }
        }
    }

    fn code_is(&mut self, change: Change) {
        // An update kills it soon in any case.
        if matches!(self.phase, Phase::Replaced(_)) {
            return;
        }
        match change {
            Change::Exited => {
                if let Phase::Running { held, .. } = &mut self.phase {
                    *held = Some(Instant::now());
                }
            }
            Change::Over(status) => self.code_ended(status),
        }
    }

    fn code_ended(&mut self, status: ExitStatus) {
        if self.pod.dialect.groups_spout_code() {
            self.kill_pod();
        }
        let accepted = |code: i32| {
            let accepted = self
                .spout
                .as_ref()
                .map(|spout| spout.accepted_codes())
                .unwrap_or_default();
            code == 0 || accepted.contains(&i64::from(code))
        };
        match status.code() {
            Some(code) if accepted(code) => {
                self.phase = Phase::Idle;
                self.terminal.warning(&format!(
                    "the code of {} has ended with exit code {code}: a worker never runs it again, and the pipeline \
                     stays \"running\"; spoutctl put has --restart always and --endless for that",
                    self.pod.spout
                ));
            }
            _ => {
                self.say(&format!("the code {}; the worker", how(status)), "runs it again");
                self.start_later();
            }
        }
    }

    fn start_later(&mut self) {
        self.phase = Phase::Starting(Instant::now() + self.timing.restart_after);
    }

    fn start(&mut self) -> Result<(), Failure> {
        let Some(spout) = self.spout.clone() else {
            self.phase = Phase::Idle;
            return Ok(());
        };
        if self.mounted != Some(spout.record.version) {
            self.mount().map_err(|what| {
                Failure::new(Exit::Input, "what the code finds in its pod cannot be made").detail(what)
            })?;
            self.mounted = Some(spout.record.version);
        }
        let Some((program, arguments)) = self.command.split_first() else {
            return Ok(());
        };
        let mut command = Command::new(program);
        command.args(arguments);
        self.pod.furnish(&mut command, &spout);
        self.run += 1;
        let (sender, run) = (self.sender.clone(), self.run);
        let tell = move |change| {
            // Nobody listens when all ends.
            let _ = sender.send(Event::Code(run, change));
        };
        let container = match &mut self.container {
            Some(container) => container,
            none => none.insert(Container::new().map_err(|error| cannot("make a process group", &error))?),
        };
        let name = program.to_string_lossy();
        container
            .run(&mut command, &self.lines, tell)
            .map_err(|error| cannot(&format!("run {name}"), &error))?;
        self.phase = Phase::Running {
            held: None,
            since: Instant::now(),
        };
        Ok(())
    }

    fn mount(&self) -> Result<(), String> {
        let token = self.service.token_for_code(&self.pod.spout);
        let token = token.map_err(|status| status.message)?;
        self.pod.mount(token.as_deref()).map_err(|error| error.to_string())
    }

    /// Ends what runs, without a signal before. What is said of it later is of no use.
    fn kill_pod(&mut self) {
        self.run += 1;
        self.phase = Phase::Idle;
        if let Some(container) = self.container.take() {
            container.kill();
        }
    }

    fn say(&self, what: &str, does: &str) {
        let after = elapsed(self.timing.restart_after);
        self.note(&format!("{what} {does} in {after}"));
    }

    fn note(&self, what: &str) {
        self.terminal.note(&format!("{}: {what}", self.pod.spout));
    }
}

fn cannot(what: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::Usage, format!("cannot {what}: {error}"))
}

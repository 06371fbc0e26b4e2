//! One stream's life: it runs, is started again when it has failed, and ends when somebody wants that.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use parking_lot::{Condvar, Mutex};

use super::fifos::Fifos;
use super::file::Definition;
use crate::commands::put::{
    self,
    member::{Member, Shared, Shown},
};
use crate::commands::restarting::{self, HEALTHY, LONGEST_PAUSE};
use crate::failure::Failure;
use crate::metrics::{Figures, Labels, Lags, MetricsSource as _, Series};
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_core::quantity::elapsed;

/// How it stands with a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    Starts,
    Runs,
    /// It failed, for this reason, and is started again.
    Waits(String),
    /// Its input has ended, and everything is committed.
    Done,
    /// Somebody wanted it to end.
    Ended,
}

pub(super) struct Stream {
    definition: Definition,
    shared: Arc<Shared>,
    terminal: Terminal,
    state: Mutex<State>,
    changed: Condvar,
    /// Told of each change.
    changes: Sender<()>,
    shown: Arc<Mutex<Shown>>,
}

struct State {
    /// Nobody has told it to end.
    is_wanted: bool,
    /// To what runs, while something does.
    signals: Option<Sender<i32>>,
    standing: Standing,
    /// How often it was started again.
    restarts: u64,
}

impl Stream {
    fn new(definition: Definition, shared: &Arc<Shared>, changes: &Sender<()>) -> Self {
        Self {
            terminal: Terminal::new(definition.args.verbosity.level()).of_stream(&definition.name),
            definition,
            shared: Arc::clone(shared),
            state: Mutex::new(State {
                is_wanted: true,
                signals: None,
                standing: Standing::Starts,
                restarts: 0,
            }),
            changed: Condvar::new(),
            changes: changes.clone(),
            shown: Arc::default(),
        }
    }

    /// Runs from now on, on a thread of its own.
    pub fn start(definition: Definition, shared: &Arc<Shared>, changes: &Sender<()>) -> (Arc<Self>, JoinHandle<()>) {
        let stream = Arc::new(Self::new(definition, shared, changes));
        let living = Arc::clone(&stream);
        (stream, std::thread::spawn(move || living.live()))
    }

    /// Has it end. What runs is told by this signal, and finishes what it has in hand. A second one would have it leave
    /// that at once, so however often it is said, only the first word is passed on.
    pub fn end(&self, signal: i32) {
        let mut state = self.state.lock();
        if !std::mem::replace(&mut state.is_wanted, false) {
            return;
        }
        if let Some(signals) = &state.signals {
            // Nobody hears it only when that has ended.
            let _ = signals.send(signal);
        }
        self.changed.notify_all();
    }

    /// Whether it does what this says, or would. What is preferred changes nothing of one that is done: it would be
    /// started again, and commit its input a second time.
    pub fn is_as(&self, definition: &Definition) -> bool {
        self.definition.is_as(definition)
            || self.standing() == Standing::Done && self.definition.words == definition.words
    }

    /// Whether it is not on its way out.
    pub fn is_wanted(&self) -> bool {
        self.state.lock().is_wanted
    }

    pub fn standing(&self) -> Standing {
        self.state.lock().standing.clone()
    }

    /// What keeps its archives from becoming commits; nothing where it has ended.
    pub fn hindrances(&self) -> Vec<String> {
        let of_it = match self.standing() {
            Standing::Starts => vec!["it is started".to_owned()],
            Standing::Waits(why) => vec![why],
            Standing::Runs => match &*self.shown.lock() {
                Shown::Now(watch) => watch.hindrances(),
                Shown::Nothing | Shown::Before(_) => vec!["it is started".to_owned()],
            },
            Standing::Done | Standing::Ended => Vec::new(),
        };
        of_it
            .into_iter()
            .map(|what| format!("{}: {what}", self.definition.name))
            .collect()
    }

    /// Its figures: of the run that is under way, or of the last one.
    pub fn series(&self) -> Option<Series> {
        let restarts = self.state.lock().restarts;
        // What runs is let go of under this lock, so that nobody holds it while it is started anew.
        let series = self.shown.lock().series();
        let mut series = series.or_else(|| self.series_of_none())?;
        series.figures.stream_restarts = Some(restarts);
        series.figures.is_ready = self.hindrances().is_empty();
        Some(series)
    }

    fn series_of_none(&self) -> Option<Series> {
        let branch = &self.definition.args.destination.as_ref()?.branch;
        Some(Series {
            labels: Labels {
                stream: Some(self.definition.name.to_string()),
                project: branch.repo.project.to_string(),
                repo: branch.repo.name.to_string(),
                branch: branch.name.to_string(),
            },
            figures: Figures::default(),
            lags: Lags::default(),
        })
    }

    fn live(&self) {
        let mut pauses = restarting::pauses();
        let mut fifos = Fifos::default();
        while let Some(signals) = self.begin() {
            fifos.hold(&self.definition.args.files, &self.terminal);
            let begun = Instant::now();
            let ended = self.run(signals);
            if begun.elapsed() >= HEALTHY {
                pauses = restarting::pauses();
            }
            match self.judge(ended) {
                Next::End => {}
                Next::Nothing => {
                    fifos.hold(&[], &self.terminal);
                    self.say(Standing::Done);
                    self.wait(None);
                }
                Next::After(why) => {
                    let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
                    self.terminal
                        .note(&format!("it is started again in {}", elapsed(pause)));
                    self.say(Standing::Waits(why));
                    self.wait(Some(pause));
                }
            }
        }
        fifos.hold(&[], &self.terminal);
        self.say(Standing::Ended);
    }

    /// The signals that what runs now is to hear; `None` when it is to end.
    fn begin(&self) -> Option<Receiver<i32>> {
        let mut state = self.state.lock();
        if !state.is_wanted {
            return None;
        }
        let (signals, heard) = unbounded();
        // Kept as long as it runs: where no signal can come any more, it hears none.
        state.signals = Some(signals);
        Some(heard)
    }

    fn run(&self, signals: Receiver<i32>) -> Result<Exit, Failure> {
        self.definition.check_fifos()?;
        self.say(Standing::Runs);
        let member = Member {
            name: Arc::clone(&self.definition.name),
            shared: Arc::clone(&self.shared),
            signals,
            shown: Arc::clone(&self.shown),
        };
        let ended = put::run_stream(&self.definition.args, &member);
        self.state.lock().signals = None;
        ended
    }

    /// What follows, with a word about how it ended.
    fn judge(&self, ended: Result<Exit, Failure>) -> Next {
        let goes_on = self.is_wanted();
        match ended {
            Ok(_) if goes_on => {
                self.terminal.note("its input has ended, and everything is committed");
                Next::Nothing
            }
            Ok(_) => Next::End,
            Err(failure) => {
                let is_told = matches!(failure.exit, Exit::Signal(_)) && failure.details.is_empty();
                if goes_on || !is_told {
                    failure.show(&self.terminal);
                }
                if goes_on {
                    Next::After(failure.heading)
                } else {
                    Next::End
                }
            }
        }
    }

    /// Waits until it is to end, or it is time to start again.
    fn wait(&self, pause: Option<Duration>) {
        let mut state = self.state.lock();
        let is_wanted = |state: &mut State| state.is_wanted;
        let Some(pause) = pause else {
            return self.changed.wait_while(&mut state, is_wanted);
        };
        self.changed.wait_while_for(&mut state, is_wanted, pause);
        state.restarts += u64::from(state.is_wanted);
    }

    fn say(&self, standing: Standing) {
        self.state.lock().standing = standing;
        // Who has not looked since the last word sees this, too.
        let _ = self.changes.try_send(());
    }
}

/// What follows the end of a run.
enum Next {
    End,
    /// It is done.
    Nothing,
    /// The same again, because of this.
    After(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::streams::StreamOptions;
    use crossbeam_channel::{TryRecvError, bounded};
    use signal_hook::consts::{SIGINT, SIGTERM};

    #[test]
    fn however_often_a_stream_is_told_to_end_what_runs_hears_it_once() {
        let options = StreamOptions::new(&[]);
        let words = options.words(&[("destination", vec!["r"]), ("command", vec!["c"])]);
        let definition = Definition {
            name: "s".into(),
            args: options.parse(&words).unwrap(),
            words,
            preferred: Vec::new(),
        };
        let stream = Stream::new(definition, &Arc::default(), &bounded(1).0);
        let heard = stream.begin().unwrap();
        for signal in [SIGTERM, SIGTERM, SIGINT] {
            stream.end(signal);
        }
        assert_eq!(heard.try_recv(), Ok(SIGTERM));
        // Disconnected, it would be one that cannot be told any more.
        assert_eq!(heard.try_recv(), Err(TryRecvError::Empty));
        assert!(stream.begin().is_none());
    }
}

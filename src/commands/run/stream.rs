//! One stream's life: it runs, is started again when it has failed, and ends, or becomes another, when somebody wants
//! that.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, unbounded};
use signal_hook::consts::SIGTERM;

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
    name: Arc<str>,
    shared: Arc<Shared>,
    terminal: Terminal,
    state: Mutex<State>,
    changed: Condvar,
    /// Told of each change.
    changes: Sender<()>,
    shown: Arc<Mutex<Shown>>,
}

struct State {
    /// What it is to do; `None` when it is to end.
    wish: Option<Arc<Definition>>,
    /// To what runs, while something does.
    signals: Option<Sender<i32>>,
    standing: Standing,
    /// How often it was started again.
    restarts: u64,
}

impl State {
    /// What runs, if something does, hears this signal.
    fn tell(&self, signal: i32) {
        if let Some(signals) = &self.signals {
            // Nobody hears it only when that has ended.
            let _ = signals.send(signal);
        }
    }
}

impl Stream {
    /// Runs from now on, on a thread of its own.
    pub fn start(
        definition: Arc<Definition>,
        shared: &Arc<Shared>,
        changes: &Sender<()>,
    ) -> (Arc<Self>, JoinHandle<()>) {
        let name = Arc::clone(&definition.name);
        let stream = Arc::new(Self {
            terminal: Terminal::new(definition.args.verbosity.level()).of_stream(&name),
            name,
            shared: Arc::clone(shared),
            state: Mutex::new(State {
                wish: Some(definition),
                signals: None,
                standing: Standing::Starts,
                restarts: 0,
            }),
            changed: Condvar::new(),
            changes: changes.clone(),
            shown: Arc::default(),
        });
        let living = Arc::clone(&stream);
        (stream, std::thread::spawn(move || living.live()))
    }

    /// Has it do this from now on, or end. What runs is told by this signal, and finishes what it has in hand. Whether
    /// it can: one that has ended cannot.
    pub fn wish(&self, wish: Option<Arc<Definition>>, signal: i32) -> bool {
        let mut state = self.lock();
        if state.standing == Standing::Ended {
            return false;
        }
        state.wish = wish;
        state.tell(signal);
        self.changed.notify_all();
        true
    }

    /// Whether it does what these words say, or would.
    pub fn is_as(&self, definition: &Definition) -> bool {
        self.lock()
            .wish
            .as_ref()
            .is_some_and(|wish| wish.words == definition.words)
    }

    /// Whether it is not on its way out.
    pub fn is_wanted(&self) -> bool {
        self.lock().wish.is_some()
    }

    pub fn standing(&self) -> Standing {
        self.lock().standing.clone()
    }

    /// What keeps its archives from becoming commits; nothing where it has ended.
    pub fn hindrances(&self) -> Vec<String> {
        let of_it = match self.standing() {
            Standing::Starts => vec!["it is started".to_owned()],
            Standing::Waits(why) => vec![why],
            Standing::Runs => match &*self.lock_shown() {
                Shown::Now(watch) => watch.hindrances(),
                Shown::Nothing | Shown::Before(_) => vec!["it is started".to_owned()],
            },
            Standing::Done | Standing::Ended => Vec::new(),
        };
        of_it.into_iter().map(|what| format!("{}: {what}", self.name)).collect()
    }

    /// Its figures: of the run that is under way, or of the last one.
    pub fn series(&self) -> Option<Series> {
        let (definition, restarts) = {
            let state = self.lock();
            (state.wish.clone(), state.restarts)
        };
        // What runs is let go of under this lock, so that nobody holds it while it is started anew.
        let series = self.lock_shown().series();
        let mut series = series.or_else(|| self.series_of_none(definition.as_deref()?))?;
        series.figures.stream_restarts = Some(restarts);
        series.figures.is_ready = self.hindrances().is_empty();
        Some(series)
    }

    fn series_of_none(&self, definition: &Definition) -> Option<Series> {
        let branch = &definition.args.destination.as_ref()?.branch;
        Some(Series {
            labels: Labels {
                stream: Some(self.name.to_string()),
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
        while let Some(definition) = self.begin() {
            let begun = Instant::now();
            let ended = self.run(&definition);
            if begun.elapsed() >= HEALTHY {
                pauses = restarting::pauses();
            }
            let next = match self.judge(&definition, ended) {
                Next::Anew => {
                    pauses = restarting::pauses();
                    continue;
                }
                Next::Nothing => None,
                Next::After(why) => {
                    let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
                    self.terminal
                        .note(&format!("it is started again in {}", elapsed(pause)));
                    Some((pause, why))
                }
            };
            if !self.wait(&definition, next) {
                pauses = restarting::pauses();
            }
        }
        self.say(Standing::Ended);
    }

    /// What is to be run now.
    fn begin(&self) -> Option<Arc<Definition>> {
        self.lock().wish.clone()
    }

    fn run(&self, definition: &Arc<Definition>) -> Result<Exit, Failure> {
        let (signals, heard) = unbounded();
        {
            let mut state = self.lock();
            state.signals = Some(signals);
            if !is(state.wish.as_ref(), definition) {
                // It was said since; what starts hears of it first.
                state.tell(SIGTERM);
            }
        }
        self.say(Standing::Runs);
        let member = Member {
            name: Arc::clone(&self.name),
            shared: Arc::clone(&self.shared),
            signals: heard,
            shown: Arc::clone(&self.shown),
        };
        let ended = put::run_stream(&definition.args, &member);
        self.lock().signals = None;
        ended
    }

    /// What follows, with a word about how it ended.
    fn judge(&self, definition: &Arc<Definition>, ended: Result<Exit, Failure>) -> Next {
        let goes_on = is(self.lock().wish.as_ref(), definition);
        match ended {
            Ok(_) if goes_on => {
                self.terminal.note("its input has ended, and everything is committed");
                Next::Nothing
            }
            Ok(_) => Next::Anew,
            Err(failure) => {
                let is_told = matches!(failure.exit, Exit::Signal(_)) && failure.details.is_empty();
                if goes_on || !is_told {
                    failure.show(&self.terminal);
                }
                if goes_on {
                    Next::After(failure.heading)
                } else {
                    Next::Anew
                }
            }
        }
    }

    /// Waits until something else is wished, or it is time to start again; whether it was that.
    fn wait(&self, definition: &Arc<Definition>, next: Option<(Duration, String)>) -> bool {
        let (pause, standing) = match next {
            Some((pause, why)) => (Some(pause), Standing::Waits(why)),
            None => (None, Standing::Done),
        };
        let is_again = pause.is_some();
        self.say(standing);
        let state = self.lock();
        let same = |state: &mut State| is(state.wish.as_ref(), definition);
        let mut state = match pause {
            Some(pause) => {
                let waited = self.changed.wait_timeout_while(state, pause, same);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self
                .changed
                .wait_while(state, same)
                .unwrap_or_else(PoisonError::into_inner),
        };
        if is_again && same(&mut state) {
            state.restarts += 1;
            return true;
        }
        false
    }

    fn say(&self, standing: Standing) {
        self.lock().standing = standing;
        // Who has not looked since the last word sees this, too.
        let _ = self.changes.try_send(());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What follows the end of a run.
enum Next {
    /// Something else is wished.
    Anew,
    /// It is done.
    Nothing,
    /// The same again, because of this.
    After(String),
}

fn is(wish: Option<&Arc<Definition>>, definition: &Arc<Definition>) -> bool {
    wish.is_some_and(|wish| Arc::ptr_eq(wish, definition))
}

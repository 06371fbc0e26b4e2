//! What one thread waits for and another one knows, some day or never.

use parking_lot::{Condvar, Mutex};

/// Nobody tells it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NeverTold;

/// Something that is told once.
#[derive(Debug)]
pub(super) struct Told<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
enum State<T> {
    NotYet,
    Is(T),
    Never,
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State::NotYet),
            changed: Condvar::new(),
        }
    }
}

impl<T: Clone> Told<T> {
    /// What was told first stays.
    pub fn tell(&self, what: T) {
        self.set(State::Is(what));
    }

    /// Nobody will tell any more.
    pub fn never(&self) {
        self.set(State::Never);
    }

    fn set(&self, to: State<T>) {
        let mut state = self.state.lock();
        if matches!(*state, State::NotYet) {
            *state = to;
        }
        self.changed.notify_all();
    }

    /// Waits for it.
    ///
    /// # Errors
    /// When nobody tells it any more.
    pub fn wait(&self) -> Result<T, NeverTold> {
        let mut state = self.state.lock();
        let is_not_yet = |state: &mut State<T>| matches!(*state, State::NotYet);
        self.changed.wait_while(&mut state, is_not_yet);
        match &*state {
            State::Is(what) => Ok(what.clone()),
            State::NotYet | State::Never => Err(NeverTold),
        }
    }
}

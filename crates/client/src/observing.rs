//! Who is told of each call: which one it was, how long it took and whether it failed. Never what was in it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::pachd::Call;

/// How a call ended, as far as it is told to a [`CallObserver`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEnd {
    Answered,
    /// A stream of messages or bytes has begun.
    Streams,
    /// It was asked to tell what happens, which may be nothing for long.
    Subscribed,
    /// It was asked to wait, and had nothing to say for as long as that.
    NoAnswer,
    /// pachd refused it, or the way to it broke: in the words that came.
    Failed(String),
}

/// Who is told of each call. Called from several threads, after the call.
pub trait CallObserver: fmt::Debug + Send + Sync {
    fn ended(&self, call: Call, took: Duration, end: &CallEnd);
}

/// The observer, if there is one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed(pub Option<Arc<dyn CallObserver>>);

impl Observed {
    /// Makes a call. `end` says what came of it.
    pub fn call<T>(&self, call: Call, make: impl FnOnce() -> T, end: impl FnOnce(&T) -> CallEnd) -> T {
        let Some(observer) = &self.0 else {
            return make();
        };
        let begun = Instant::now();
        let answer = make();
        observer.ended(call, begun.elapsed(), &end(&answer));
        answer
    }
}

impl CallEnd {
    pub(crate) fn of<T, E>(result: &Result<T, E>, good: Self, words: impl FnOnce(&E) -> String) -> Self {
        match result {
            Ok(_) => good,
            Err(error) => Self::Failed(words(error)),
        }
    }
}

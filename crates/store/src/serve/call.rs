//! What a call comes with, and how its messages go to and fro.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use super::status::Status;

/// Takes one of many answers.
pub type Answers<'a, T> = dyn FnMut(T) -> ControlFlow<()> + 'a;

/// Gives the next of many requests, or `None` after the last.
pub type Requests<'a, T> = dyn FnMut() -> Result<Option<T>, Status> + 'a;

/// A caller who has shown a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub principal: String,
    pub expires: Option<Timestamp>,
}

/// What a call comes with, besides its message.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The transaction that it belongs to, as the client names it.
    pub transaction: Option<String>,
    /// `service/Method`, which says what it needs.
    pub method: String,
    /// Who makes it, where tokens are asked for.
    pub caller: Option<Caller>,
    over: Arc<AtomicBool>,
}

impl Call {
    pub fn new(transaction: Option<String>) -> Self {
        Self {
            transaction,
            ..Self::default()
        }
    }

    /// Nobody waits for the answer any more.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

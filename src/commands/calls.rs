//! Says each call of pachd, for `-vv`: which one, how long it took, and pachd's words where it failed. What is in it is
//! said nowhere else.

use std::fmt;
use std::time::Duration;

use crate::terminal::{Terminal, Verbosity};
use pachyderm_client::pachd::Call;
use pachyderm_client::{CallEnd, CallObserver};
use spoutctl_core::quantity::milliseconds;

pub(super) struct Saying {
    terminal: Terminal,
}

impl Saying {
    /// `None` where nobody wants to know.
    pub fn where_wanted(terminal: &Terminal) -> Option<Self> {
        (terminal.verbosity() == Verbosity::EachCall).then(|| Self {
            terminal: Terminal::new(Verbosity::EachCall),
        })
    }
}

impl fmt::Debug for Saying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Saying")
    }
}

impl CallObserver for Saying {
    fn ended(&self, call: Call, took: Duration, end: &CallEnd) {
        let took = milliseconds(took);
        let name = format!("{}/{}", call.service, call.name);
        self.terminal.detail(&match end {
            CallEnd::Answered => format!("{name}: {took}"),
            CallEnd::Streams => format!("{name}: {took}, then a stream"),
            CallEnd::Subscribed => format!("{name}: asked to tell what happens"),
            CallEnd::NoAnswer => format!("{name}: no answer within {took}"),
            CallEnd::Failed(why) => format!("{name}: {took}, failed: {why}"),
        });
    }
}

//! The delivery against a scripted sink, and the promise checked by a model that knows nothing of the delivery.

mod adaptive;
mod batches;
mod checked;
mod checker;
mod early;
mod endings;
mod placed;
mod reread;
mod restarted;
mod routed;
mod runs;
pub(crate) mod scripted;
mod spooled;
mod staged;
pub(crate) mod stored;
mod unsettled;

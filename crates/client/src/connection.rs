//! What both doors of pachd need for a connection: TLS, a token, a proxy, and a runtime to wait in; and the way there,
//! for whoever wants to know where it breaks. They are used by those that talk to pachd and know nothing of what is
//! said.

pub mod download;
pub mod engine;
pub mod proxy;
pub mod reaching;
pub mod tls;
pub mod token;

use std::error::Error;

/// What an error comes down to: the words of the last of its causes.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

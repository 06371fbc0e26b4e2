//! pachd through gRPC: so far Pachyderm 1.12 and 1.13.
//!
//! An adapter: it translates calls into messages and answers into the domain's words. It knows no command line, no
//! environment and no terminal.
//!
//! | module | holds |
//! |---|---|
//! | `calls` | the connection: the only user of the gRPC library |
//! | `v1` | the ports by the calls of 1.x |

mod calls;
mod v1;

use std::sync::Arc;

use crate::delivery::CommitSink;
use crate::retrieval::FileSource;

/// The server at `address`, `HOST:PORT`, to write to. Nothing is sent before the first call.
///
/// # Errors
/// When the address or the token cannot be used, in words.
pub fn sink(address: &str, token: Option<&str>) -> Result<Arc<dyn CommitSink>, String> {
    Ok(Arc::new(v1::V1::new(calls::Calls::new(address, token)?)))
}

/// The same, to read from.
///
/// # Errors
/// As [`sink`].
pub fn source(address: &str, token: Option<&str>) -> Result<Box<dyn FileSource + Send + Sync>, String> {
    Ok(Box::new(v1::V1::new(calls::Calls::new(address, token)?)))
}

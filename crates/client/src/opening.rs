//! From an address to a client, whichever the door.

use std::sync::Arc;

use crate::error::OpenError;
use crate::gateway::Gateway;
use crate::grpc::Grpc;
use crate::options::{Address, Options};
use crate::pachd::Pachd;

/// pachd behind one address. Nothing is sent before the first call.
///
/// # Errors
/// When the client cannot be set up: with TLS, when the system's certificates cannot be read.
pub fn open(options: Options) -> Result<Arc<dyn Pachd>, OpenError> {
    Ok(match options.address.clone() {
        Address::Gateway(address) => Arc::new(Gateway::new(options.at(address))?),
        Address::Grpc(address) => Arc::new(Grpc::new(options.at(address))?),
    })
}

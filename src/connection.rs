//! What both doors of pachd need for a connection: TLS, a token, and a runtime to wait in. They are used by the adapters
//! that talk to pachd and know nothing of what is said.

pub mod engine;
pub mod tls;
pub mod token;

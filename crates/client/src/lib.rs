//! A client of Pachyderm, 1.12 and newer.
//!
//! | module | what it has |
//! |---|---|
//! | [`grpc`] | pachd's gRPC: 2.x and 1.x |
//! | [`gateway`] | the HTTP gateway of Pachyderm 2.8 and newer |
//! | [`pachd`] | what both doors share: calls, and what pachd's words mean |
//! | [`connection`] | addresses, TLS, proxies and tokens |

pub mod connection;
pub mod gateway;
pub mod grpc;
pub mod pachd;

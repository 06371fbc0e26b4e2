//! pachd's messages, named as pachd names them: each a struct that knows its field numbers for gRPC and its field
//! names for JSON.
//!
//! As in protobuf, every field has a value: a message that is not set is `None`, everything else is empty or zero, and
//! fields that are not known are passed over. In JSON, every field is written, but for requests ([`populated`]). The
//! names of requests are read in `camelCase` and `snake_case`, those of answers as pachd writes them, in `camelCase`.
//! Written by hand, only what is used: there is no `.proto` file and no compiler of them. The numbers are those that
//! recordings of real servers show; a test reads and writes each recorded message byte for byte.
//!
//! What the fields of a `oneof` have in common (at most one is set) is said in each type's words; on the wire they are
//! fields like others.
//!
//! This module knows no door, no store, and no meaning.

pub mod admin;
pub mod auth;
pub mod google;
mod json;
pub mod metadata;
pub mod names;
pub mod pfs;
pub mod pps;
pub mod schema;
pub mod spec;
pub mod transaction;
pub mod v1;
pub mod version;

#[cfg(test)]
mod tests;

pub use json::populated;

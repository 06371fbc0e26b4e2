//! Apache Kafka as a source of records: every partition of some topics, each from where it goes on.
//!
//! | module | part of the way |
//! |---|---|
//! | [`address`] | brokers and topics, as they are written |
//! | [`properties`] | librdkafka's own settings from a file, with secrets from the environment |
//! | [`share`] | which partitions are read, where others read the rest |
//! | [`placing`] | where each partition begins, and which records are lost |
//! | [`standing`] | where a branch stands in each partition, in words |
//! | `consumer` | librdkafka: partitions by hand, records in order, faults in words |
//!
//! **Rules.** No group decides who reads what, and no offset of a group is ever where reading begins: partitions are
//! assigned by hand, at positions that whoever reads them names. The broker is never asked to choose another position
//! (`auto.offset.reset=error`): where it has no longer what was asked for, that is told, or jumped over aloud. Only
//! transactions that are committed are read (`isolation.level=read_committed`).
//!
//! **Memory.** librdkafka fetches ahead: at most 16 MiB wait, and one answer of a broker, 8 MiB, unless a single
//! batch of records is larger; what is larger than that when it is decompressed comes on top.
//!
//! librdkafka is there with the feature `librdkafka`, TLS and SASL/SCRAM with the feature `tls`.

#![allow(
    clippy::must_use_candidate,
    reason = "this crate is not published: its callers are all here"
)]

pub mod address;
mod features;
pub mod placing;
pub mod properties;
pub mod share;
pub mod standing;

#[cfg(feature = "librdkafka")]
mod consumer;

#[cfg(feature = "librdkafka")]
pub use consumer::{Consumer, Examination, Group, OF_TOPICS, Says, TellsEnds, Wishes};

pub use features::{HAS_TLS, IS_BUILT_IN};

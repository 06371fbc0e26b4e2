//! The words and the ports that every part of spoutctl shares.
//!
//! | module | what it has |
//! |---|---|
//! | [`pfs`] | projects, repos, branches, commits, files, as Pachyderm names them |
//! | [`fault`] | what can go wrong between us and a store of commits |
//! | [`named_file`] | files that are read whole, with a bound |
//! | [`durable`] | files that are replaced whole, and stay so after a power cut |
//! | [`buffers`] | buffers that are filled again and again |
//! | [`positions`], [`assignment`] | where each partition of a source goes on; which of them somebody reads |
//! | [`release`], [`glob`], [`quantity`], [`exit`] | releases of Pachyderm; patterns of paths; sizes, times and ages as people write them; exit codes |
//! | [`history`], [`sink`], [`commit_set`], [`source`], [`feed`], [`listing`], [`pipelines`] | the ports: reading a branch's commits, making commits, squashing them, reading files, following a branch, listing names, keeping pipelines |
//!
//! A port is a trait that a store implements: pachd through one of its doors, or the embedded store. Whoever uses a
//! port knows no server.

pub mod assignment;
pub mod buffers;
pub mod commit_set;
pub mod durable;
pub mod exit;
pub mod fault;
pub mod feed;
pub mod glob;
pub mod history;
pub mod listing;
pub mod named_file;
pub mod pfs;
pub mod pipelines;
pub mod positions;
pub mod quantity;
pub mod release;
pub mod sink;
pub mod source;

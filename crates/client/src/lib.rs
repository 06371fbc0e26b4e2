//! A client of Pachyderm, 1.12 and newer.
//!
//! | module | what it has |
//! |---|---|
//! | [`v2`] | Pachyderm 2.x: each of its calls, once, whichever the way |
//! | [`transport`] | what a way to it has to do: bytes, statuses and streams |
//! | [`gateway`] | the HTTP gateway of Pachyderm 2.8 and newer: one such way |
//! | [`grpc`] | pachd's gRPC: the other one, and 1.x |
//! | [`pachd`] | calls, and what pachd's words mean |
//! | [`connection`] | TLS, proxies and tokens |
//!
//! [`open`] gives a [`Pachd`] behind an address, whichever it is and whichever the door. It has the ports of
//! `spoutctl-core`: [`CommitSink`](spoutctl_core::sink::CommitSink) makes commits,
//! [`FileSource`](spoutctl_core::source::FileSource) reads files, [`CommitFeed`](spoutctl_core::feed::CommitFeed)
//! follows a branch. Every method blocks and ends by itself.
//!
//! # Example
//!
//! A commit is made, followed, and read back. Here the server is the embedded store's; with a cluster the address is
//! pachd's.
//!
//! ```
//! use std::io::{self, Read as _};
//! use std::ops::ControlFlow;
//! use std::time::Duration;
//!
//! use pachyderm_client::{Options, open};
//! use spoutctl_core::feed::CommitFeed as _;
//! use spoutctl_core::pfs::{Commit, Destination, FilePath};
//! use spoutctl_core::sink::{Change, Changes, CommitSink as _};
//! use spoutctl_core::source::FileSource as _;
//!
//! # use std::sync::Arc;
//! # use spoutctl_store::serve::{Service, http};
//! # struct Silent;
//! # impl http::Observer for Silent {
//! #     fn answered(&self, _: &http::Answered) {}
//! # }
//! # let directory = tempfile::tempdir()?;
//! # let service = Arc::new(Service::new(spoutctl_store::Store::open(directory.path())?)?);
//! # let server = http::Server::bind(service, ([127, 0, 0, 1], 0).into(), http::Options::default(), Arc::new(Silent))?;
//! # let address = format!("grpc://{}", server.address());
//! # std::thread::spawn(move || server.run());
//! /// One file, once.
//! struct Hello(bool);
//!
//! impl Changes for Hello {
//!     fn next(&mut self) -> io::Result<Option<Change<'_>>> {
//!         let first = !std::mem::replace(&mut self.0, true);
//!         Ok(first.then_some(Change::Append { path: "/hello", data: b"hello" }))
//!     }
//! }
//!
//! let pachd = open(Options::new(address.parse()?))?;
//! let Destination { branch, .. } = "events".parse()?;
//! pachd.create_repo(&branch.repo)?;
//!
//! // Nobody sees a file set before it is in a commit; nobody sees a commit's files before it is finished.
//! let files = pachd.create_file_set(&mut Hello(false))?;
//! let id = pachd.start_commit(&branch, "made by an example")?;
//! let commit = Commit { repo: branch.repo.clone(), branch: branch.name.clone(), id };
//! pachd.add_file_set(&commit, &files)?;
//! pachd.finish_commit(&commit, "made by an example", None)?;
//!
//! // Finished commits come as they are finished.
//! let mut seen = None;
//! pachd.watch(&branch, &mut |info| {
//!     seen = info;
//!     if seen.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
//! })?;
//! assert_eq!(seen.map(|info| info.commit.id), Some(commit.id.clone()));
//! assert!(pachd.wait_commit(&commit, Duration::from_secs(60))?.is_good());
//!
//! let mut text = String::new();
//! pachd.get_file(&commit, &FilePath::new("/hello")?)?.read_to_string(&mut text)?;
//! assert_eq!(text, "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod connection;
mod error;
pub mod gateway;
pub mod grpc;
mod observing;
mod opening;
mod options;
pub mod pachd;
pub mod transport;
pub mod v2;

pub use error::OpenError;
pub use observing::{CallEnd, CallObserver};
pub use opening::open;
pub use options::{Address, Options};
pub use pachd::Pachd;
pub use v2::PachdV2;

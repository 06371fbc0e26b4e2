//! From what consumers print to archives: messages are told apart, named, and packed, so many to an archive.
//!
//! Few consumers speak tar. They print lines, JSON values, or frames; a commit for each would cost 0.2 s of pachd's
//! time apiece. So messages are collected until there are enough of them, enough bytes, or the first has waited long
//! enough, and one archive is made of them.
//!
//! | module | part of the way |
//! |---|---|
//! | [`framing`] | where a message ends |
//! | [`key`] | what a message says of itself: its key, and its position in its source |
//! | [`naming`] | the path of the file that it goes to |
//! | [`aside`] | what is kept of a message that cannot be taken |
//! | [`records`] | the same for records of a source with partitions, which come as such |
//! | `policy` | what becomes of messages that are not as others are |
//! | [`packing`] | how many make an archive, and the archive |
//!
//! What comes out is what went in, message for message: in a file of many, each as it was framed; in a file of its own,
//! each without its frame. The same messages in the same batches give the same bytes.
//!
//! Memory: one message as it is read (`--max-message`), one archive (`--batch-bytes`, or a message that is larger), and
//! of files of their own the names.
//!
//! Domain: this module knows no server, no terminal, no clock and no standard stream.

pub mod aside;
mod chunks;
mod error;
pub mod filter;
pub mod framing;
pub mod key;
pub mod naming;
pub mod packing;
mod pointer;
mod policy;
mod record;
pub mod records;

pub use error::{MessageError, MessageFault};
pub use framing::{Dialect, Framing, Message, Partial, Splitter};
pub use key::Key;
pub use naming::{Escape, Naming, Template};
pub use packing::{Batching, Nulls, OnBad, Packed, Packer, SameName};

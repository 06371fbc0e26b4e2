//! What a pipeline spec may consist of: messages, their fields, and which version of Pachyderm has which.
//!
//! Words only, one table of facts for all who need them: `spoutctl-lint` holds specs against it, `spoutctl-proto` reads
//! and writes specs by it. What it means when a spec does otherwise is for them to say.

mod docs;
mod message;
mod table;
#[cfg(test)]
mod tests;
pub mod version;

pub use docs::{doc, doc_of_value};
pub use message::{Enumeration, Field, Kind, Message, camel_case, is_camel_case_of};
pub use table::*;

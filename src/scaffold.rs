//! A new spout: what its spec is made of, what is still missing, and the code that it may begin with.
//!
//! Domain: it turns answers into texts. It knows no terminal, no command line and no file system, and it has no rules
//! of its own about what is a good answer: [`Draft::objections`] asks [`spoutctl_lint`].

mod answers;
mod code;
mod draft;
mod format;
mod probes;
pub mod template;

pub use answers::{InvalidAnswer, Secret, Use, Variable, command_line, cpu};
pub use code::{CodeFile, files};
pub use draft::{Draft, Missing, Program};
pub use format::Format;

#[cfg(test)]
mod tests;

//! What pachd will make of a pipeline spec, said before it is asked: faults that make it refuse, that make the spout
//! fail later, and that pass in silence.
//!
//! Domain: it knows the trees of [`crate::spec`] and what Pachyderm and Kubernetes do with each field. It knows no file
//! system, no terminal, no network.
//!
//! A family of rules is a file. A rule asks a `view` for fields by name and says what it found as a
//! `finding::Finding`; it never counts lines or columns.
//!
//! # Example
//!
//! ```
//! use spoutctl_lint::report::{FileReport, Format, Style, render};
//! use spoutctl_lint::source::SourceFile;
//! use spoutctl_lint::{Options, check};
//!
//! let spec = r#"{"pipeline": {"name": "events"}, "transform": {"image": "a:1", "cmd": ["sh"]},
//!     "input": {}, "spout": {}}"#;
//! let file = SourceFile::new("spout.json", spec);
//! let checked = check(&file, &Options::default());
//! assert!(checked.diagnostics.iter().any(|found| found.message.contains("input")));
//!
//! let report = FileReport { file, diagnostics: checked.diagnostics };
//! assert!(render(Format::Concise, &[report], Style::default()).starts_with("spout.json:1:"));
//! ```

mod amounts;
mod catalogue;
mod check;
mod command;
mod container;
pub mod diagnostic;
mod duration;
mod edit;
mod environment;
mod finding;
pub mod fix;
mod input;
mod keys;
pub mod kubernetes;
mod likeness;
mod metadata;
mod naming;
mod options;
mod patch;
mod pod;
mod put;
mod reference;
pub mod report;
mod resources;
mod rule;
mod scheduling;
pub mod schema;
mod secrets;
pub mod server;
mod service;
mod shape;
pub mod source;
mod sources;
pub mod spec;
mod spout;
pub mod suppress;
mod syntax;
pub mod template;
#[cfg(test)]
mod tests;
mod types;
mod unfinished;
mod view;
mod worker;
mod workers;

pub use catalogue::every::{any_rule_named, every_rule};
pub use catalogue::{rule_named, rule_nearest, rules};
pub use check::{Checked, check, check_and_keep};
pub use options::{Expect, Options};
pub use rule::Rule;
pub use sources::{link, links};
pub use spoutctl_fields::version;

//! What is kept of a message that cannot be taken: itself, and why.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::policy::Bad;
use spoutctl_archive::Digest;

/// The files that tell of a message that was set aside.
pub struct Kept {
    /// `NUMBER-SHA256`, to which `.message` and `.why` are added.
    pub name: String,
    pub why: String,
}

impl Kept {
    /// Of a message of an input of this name.
    pub fn of(bad: &Bad<'_>, input: &str) -> Self {
        let digest = Digest::new(Sha256::digest(bad.message.body).into());
        let error = bad.error;
        let mut why = format!("{} {}\n", error.name(), error.fault);
        // Writing to a string cannot fail.
        if let Some(help) = error.help() {
            let _ = writeln!(why, "help: {help}");
        }
        let _ = writeln!(
            why,
            "message {} of the stream, {} of {input}, from byte {}, {} bytes here, sha256 {digest}",
            bad.number,
            error.name(),
            error.offset,
            bad.message.body.len()
        );
        if let Some(position) = bad.position {
            let _ = writeln!(why, "position: {}", position.as_json());
        }
        Self {
            name: format!("{:012}-{digest}", bad.number),
            why,
        }
    }
}

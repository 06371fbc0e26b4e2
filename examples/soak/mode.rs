//! The ways in which archives are delivered.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;

use crate::checker::Order;
use crate::process::{AS_CONSUMER, consumer_command};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Mode {
    /// `--spool`: the producer goes on behind what was accepted
    Spool,
    /// `--stream --resume`: the producer begins anew
    Resume,
    /// A spool, and commits that are finished beside each other
    InFlight,
    /// A spool, and several archives a commit
    Batches,
    /// The producer begins anew, and several archives are a commit
    BatchesResumed,
    /// A spool, and as many archives a commit as arrive
    Adaptive,
    /// A spool, and a branch that is moved to finished commits
    Staging,
    /// A spool, and two repos in one transaction
    Routes,
    /// JSON of a command that begins behind the position which was acknowledged
    Messages,
    /// Archives of 40 MiB whose files leave while they come; the producer begins anew
    Early,
    /// The same, and nothing is kept of what has left
    EarlyReleased,
}

/// The name of the stream, where there is one.
const STREAM: [&str; 3] = ["--stream", "soak", "--resume"];
/// Of archives, and of messages.
const BATCH: [&str; 4] = ["--batch-count", "7", "--batch-period", "50ms"];
/// Notes the position behind which the consumer goes on.
pub const ACKNOWLEDGE: [&str; 2] = [
    "--ack-command",
    "echo \"$SPOUTCTL_ACK_POSITION\" > position.new && mv position.new position",
];
/// So many pieces has a large archive, of a mebibyte each.
const LARGE: u64 = 40;

impl Mode {
    pub fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What `put` is told besides where to go.
    pub fn flags(self, dir: &Path) -> std::io::Result<Vec<OsString>> {
        let mut flags: Vec<OsString> = Vec::new();
        if self.has_spool() {
            flags.extend(["--spool".into(), dir.join("spool").into()]);
            flags.extend(["--spool-limit", "200kB"].map(Into::into));
        } else {
            flags.extend(STREAM.map(Into::into));
        }
        let own: &[&str] = match self {
            Self::Spool | Self::Resume | Self::Early => &[],
            Self::InFlight => &["--in-flight", "4"],
            Self::Batches | Self::BatchesResumed => &BATCH,
            Self::Adaptive => &["--batch", "adaptive"],
            Self::Staging => &["--staging", "next"],
            Self::Routes => &["--route", "/r=other"],
            Self::EarlyReleased => &["--hold-limit", "0"],
            Self::Messages => &[
                "--messages",
                "json",
                "--each",
                "n/{key}",
                "--key-json",
                "/n",
                "--position-json",
                "/n",
            ],
        };
        flags.extend(own.iter().map(Into::into));
        if self == Self::Messages {
            flags.extend(BATCH.map(Into::into));
            flags.extend(ACKNOWLEDGE.map(Into::into));
            flags.push("--".into());
            flags.extend(consumer_command(AS_CONSUMER, &dir.join("position"))?);
        }
        Ok(flags)
    }

    pub fn has_spool(self) -> bool {
        !matches!(
            self,
            Self::Resume | Self::BatchesResumed | Self::Early | Self::EarlyReleased
        )
    }

    pub fn is_large(self) -> bool {
        matches!(self, Self::Early | Self::EarlyReleased)
    }

    pub fn order(self) -> Order {
        if self == Self::InFlight {
            Order::AsTheyWent
        } else {
            Order::AsSent
        }
    }

    /// How long one is left alone at most.
    pub fn pause(self) -> Duration {
        Duration::from_millis(if self.is_large() { 3000 } else { 250 })
    }

    /// The files of an archive, or of a message, and their contents.
    pub fn files(self, number: u64) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        if self.is_large() {
            files.extend((0..LARGE).map(|piece| (format!("e/{number}/{piece}"), mebibyte(number, piece))));
        }
        if self == Self::Routes {
            files.push((format!("r/{number}"), format!("{number} elsewhere\n").into_bytes()));
        }
        let content = if self == Self::Messages {
            message(number)
        } else {
            lines(number)
        };
        files.push((format!("n/{number}"), content));
        files
    }
}

/// One JSON value, without white space around it: so it is what its file holds.
pub fn message(number: u64) -> Vec<u8> {
    let pad = "x".repeat(usize::try_from(number * 37 % 300).unwrap_or(0));
    format!("{{\"n\":{number},\"pad\":\"{pad}\"}}").into_bytes()
}

/// A few bytes up to some 20 kB.
fn lines(number: u64) -> Vec<u8> {
    let line = format!("{number}\n");
    line.repeat(usize::try_from(number * 37 % 3000).unwrap_or(0) + 1)
        .into_bytes()
}

fn mebibyte(number: u64, piece: u64) -> Vec<u8> {
    format!("{number:7} {piece:7}\n").repeat((1 << 20) / 16).into_bytes()
}

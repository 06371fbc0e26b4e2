//! What is not compared.

pub enum Except {
    /// It is not played.
    Skip,
    /// It is played, and these fields may differ, wherever they stand.
    Fields(&'static [&'static str]),
    /// It is played, and only the code is compared.
    Text,
    /// It is played, and answered with this code on purpose.
    Refused(i32),
}
use Except::{Fields, Refused, Skip, Text};

/// Releases with `started_time`.
const BY_TIME: &[&str] = &["2.6", "2.7", "2.8", "2.10", "2.12"];

/// Fields that say nothing: where the pipelines of the recordings were kept, no worker ever ran.
pub const NOWHERE: &[&str] = &["state", "reason", "lastJobState", "salt"];

/// Releases (none is each), number, what is left out, and why.
const EXCEPTIONS: &[(&[&str], u32, Except, &str)] = &[
    (
        &[],
        1,
        Fields(&["major", "minor", "micro", "goVersion", "platform", "additional"]),
        "2.12's was a test daemon, and ours says who it is",
    ),
    (&[], 2, Fields(&["id", "webResources", "warnings"]), "says who answers"),
    (&["2.12"], 97, Skip, "its test daemon kept no pipelines"),
    (BY_TIME, 257, Skip, "asks for a time of the recording's"),
    (
        &[],
        328,
        Text,
        "in our texts, what is no printable character is written as its escape",
    ),
    (BY_TIME, 416, Refused(12), "FindCommits is not served"),
    (BY_TIME, 466, Refused(12), "FindCommits is not served"),
    (
        &[],
        335,
        Refused(2),
        "pachd loses these bytes without a word; serve says that it cannot keep them",
    ),
];

pub fn exception(release: &str, number: u32) -> Option<&'static Except> {
    let mine = |(of, n, _, _): &&(&[&str], u32, Except, &str)| (of.is_empty() || of.contains(&release)) && *n == number;
    EXCEPTIONS.iter().find(mine).map(|(_, _, except, _)| except)
}

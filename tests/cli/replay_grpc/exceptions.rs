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
    /// It is played, and what is said to be missing is looked for elsewhere.
    Root,
}
use Except::{Fields, Refused, Root, Skip, Text};

use super::Exchange;

/// What is told of 1.x stands by itself: there the same numbers mean other steps.
const ONE: &[&str] = &["1.12", "1.13"];
const EXCEPTIONS_OF_1_X: &[(&[&str], u32, Except, &str)] = &[
    (ONE, 101, Fields(&["additional", "platform"]), "ours says who it is"),
    (ONE, 102, Fields(&["id"]), "says who answers"),
    (ONE, 141, Refused(12), TRANSACTIONS),
    (ONE, 142, Refused(2), TRANSACTIONS),
    (ONE, 143, Refused(2), TRANSACTIONS),
    (ONE, 144, Refused(12), TRANSACTIONS),
    (ONE, 145, Refused(12), TRANSACTIONS),
    (ONE, 146, Refused(12), TRANSACTIONS),
    (ONE, 147, Refused(12), TRANSACTIONS),
    (ONE, 148, Refused(12), TRANSACTIONS),
    (ONE, 149, Refused(12), TRANSACTIONS),
    (ONE, 150, Refused(12), TRANSACTIONS),
];
/// The test daemon's.
const EXCEPTIONS_OF_TEST_DAEMON: &[(u32, Except, &str)] = &[(56, Skip, "it was deleted while it was waited for")];
const TRANSACTIONS: &str = "transactions of 1.x are not served";

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

pub fn exception(release: &str, exchange: &Exchange) -> Option<&'static Except> {
    if exchange.is_of_test_daemon {
        let mine = EXCEPTIONS_OF_TEST_DAEMON
            .iter()
            .find(|(number, _, _)| *number == exchange.number);
        return mine.map(|(_, except, _)| except).or(Some(&Root));
    }
    if release == "1.13" && exchange.number <= 100 {
        return Some(&Root);
    }
    let list = if ONE.contains(&release) {
        EXCEPTIONS_OF_1_X
    } else {
        EXCEPTIONS
    };
    let mine = |(of, n, _, _): &&(&[&str], u32, Except, &str)| {
        (of.is_empty() || of.contains(&release)) && *n == exchange.number
    };
    list.iter().find(mine).map(|(_, _, except, _)| except)
}

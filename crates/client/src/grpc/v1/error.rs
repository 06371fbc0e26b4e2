//! What 1.x says no with, and what that means: one table.
//!
//! Every refusal has the gRPC code Unknown, so the words alone decide. A number names a recording of 1.13; 1.12 has the
//! same words in its source. What is not in the table is `Unrecognised`.

use spoutctl_core::fault::FaultKind;

/// What a "not found" is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Repo,
    /// A branch, or its head.
    Branch,
    Commit,
    File,
}

/// What one of its texts means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Is(FaultKind),
    Missing(Missing),
    /// Something between pachd and its own stores broke: the call may have been carried out.
    Lost,
}

struct Rule {
    /// All of them are in the text, in this order.
    words: &'static [&'static str],
    meaning: Meaning,
    /// A recording, or `source` for what was read in the server's own source only.
    #[cfg_attr(not(test), expect(dead_code, reason = "the table's evidence; a test looks each up"))]
    seen: &'static str,
}

const fn rule(words: &'static [&'static str], meaning: Meaning, seen: &'static str) -> Rule {
    Rule { words, meaning, seen }
}

use FaultKind::{AlreadyExists, AlreadyFinished, Denied, HeadOpen, OutputBranch, Refused, TooLarge};
use Meaning::{Is, Lost};

/// The first rule that fits counts.
static TABLE: &[Rule] = &[
    // Who is asking.
    rule(&["no authentication token"], Is(Denied), "source"),
    rule(&["no authentication metadata"], Is(Denied), "source"),
    rule(&["auth token is corrupted or has expired"], Is(Denied), "source"),
    rule(&["token expiration is in the past"], Is(Denied), "source"),
    rule(&["not authorized to perform this operation"], Is(Denied), "source"),
    // The state of a branch or a commit.
    rule(&["parent commit ", "has not been finished"], Is(HeadOpen), "018"),
    rule(&["commit ", "has already finished"], Is(AlreadyFinished), "015"),
    rule(
        &["cannot start a commit on an output branch"],
        Is(OutputBranch),
        "source",
    ),
    rule(&["repo ", " already exists"], Is(AlreadyExists), "002"),
    // What the call names.
    rule(&["/repos/ ", " not found"], Meaning::Missing(Missing::Repo), "003"),
    rule(&["/branches/", " not found"], Meaning::Missing(Missing::Branch), "047"),
    rule(
        &["the branch ", " has no head"],
        Meaning::Missing(Missing::Branch),
        "059",
    ),
    rule(
        &["commit ", " not found in repo "],
        Meaning::Missing(Missing::Commit),
        "038",
    ),
    // Said to who waits for it, and of a commit that was open when the call began.
    rule(&["commit ", " was deleted"], Meaning::Missing(Missing::Commit), "056"),
    rule(&["file ", " not found"], Meaning::Missing(Missing::File), "085"),
    // A file where a directory is, or the other way round: said by `FinishCommit`, which leaves the commit open.
    rule(&["attempted to visit ", "not a directory"], Is(Refused), "035"),
    rule(&["could not put file at ", "is already there"], Is(Refused), "097"),
    // Names and paths.
    rule(&["invalid: traverses above root"], Is(Refused), "010"),
    rule(&["invalid: globbing character"], Is(Refused), "093"),
    rule(
        &["invalid: only printable ASCII characters allowed"],
        Is(Refused),
        "094",
    ),
    rule(&["invalid: only alphanumeric characters"], Is(Refused), "052"),
    rule(&["larger than max"], Is(TooLarge), "source"),
    // Passing.
    rule(&["etcdserver: "], Lost, "source"),
    rule(&["context deadline exceeded"], Lost, "source"),
    rule(&["context canceled"], Lost, "source"),
    rule(&["transport is closing"], Lost, "source"),
    rule(&["code = Unavailable"], Lost, "source"),
];

/// What pachd's words mean; `None` when nobody has told us yet.
pub(super) fn meaning(text: &str) -> Option<Meaning> {
    TABLE
        .iter()
        .find(|rule| holds(text, rule.words))
        .map(|rule| rule.meaning)
}

fn holds(text: &str, words: &[&str]) -> bool {
    let after = |text: &'_ str, word: &str| text.find(word).map(|at| at + word.len());
    let mut from = 0;
    words.iter().all(|word| match after(&text[from..], word) {
        Some(end) => {
            from += end;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::v1::tests::recordings;

    #[test]
    fn every_refusal_that_was_recorded_is_known() {
        let mut refusals = 0;
        for recording in recordings() {
            if recording.code == "UNKNOWN" {
                let meaning = meaning(&recording.message);
                assert!(
                    meaning.is_some_and(|meaning| meaning != Lost),
                    "{}: {}",
                    recording.number,
                    recording.message
                );
                refusals += 1;
            }
        }
        assert!(refusals > 25, "{refusals}");
    }

    #[test]
    fn every_rule_fits_the_recording_that_it_names() {
        let recordings = recordings();
        for rule in TABLE.iter().filter(|rule| rule.seen != "source") {
            let recording = recordings
                .iter()
                .find(|recording| recording.number == rule.seen)
                .unwrap();
            let first = TABLE
                .iter()
                .find(|other| holds(&recording.message, other.words))
                .unwrap();
            assert_eq!(first.words, rule.words, "{}", recording.message);
        }
    }

    #[test]
    fn other_words_mean_nothing() {
        assert_eq!(meaning("rpc error: 0xdeadbeef"), None);
        assert_eq!(meaning("not found: the file "), None);
    }
}

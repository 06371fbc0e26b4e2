//! What is committed, as far as an error has to say it: what to send again, and what may be wrong.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};

use super::wording::numbered;
use parking_lot::Mutex;
use spoutctl_archive::{ArchiveError, ArchiveErrorKind};
use spoutctl_core::quantity::grouped;
use spoutctl_delivery::{DeliveryError, Receipt};

/// How many commits are remembered.
const NEWEST: usize = 1000;
/// How many commits an error names.
const NAMED: usize = 10;

#[derive(Default)]
pub(in crate::commands::put) struct Resumption {
    /// How many there are, of this run and of earlier ones.
    commits: AtomicU64,
    /// The newest commits, for when the compressed data that they came from turn out to be damaged.
    newest: Mutex<VecDeque<Receipt>>,
    /// Of all that are acknowledged.
    last_message: AtomicU64,
    /// The archives that are to be one commit, of each that is on its way.
    together: Mutex<Vec<RangeInclusive<u64>>>,
}

impl Resumption {
    /// These archives are to be one commit.
    pub fn forming(&self, archives: RangeInclusive<u64>) {
        let mut together = self.together.lock();
        together.push(archives);
    }

    /// What this archive has become is acknowledged.
    pub fn settled(&self, archive: u64) {
        let mut together = self.together.lock();
        together.retain(|one| !one.contains(&archive));
    }

    pub fn committed(&self, receipt: &Receipt) {
        if let Some(messages) = receipt.label.messages {
            self.last_message.store(messages.last, Ordering::Relaxed);
        }
        self.commits.fetch_add(1, Ordering::Relaxed);
        let mut newest = self.newest.lock();
        if newest.len() == NEWEST {
            newest.pop_front();
        }
        let mut receipt = receipt.clone();
        // Where its last archive is, tells what it needs to; a thousand lists would not be small.
        if let Some(batch) = receipt.batch.take() {
            receipt.length -= batch.last_offset - receipt.offset;
            receipt.offset = batch.last_offset;
        }
        newest.push_back(receipt);
    }

    /// Which archives were to be one commit with the one that an error names.
    pub fn together(&self, error: &DeliveryError) -> Option<String> {
        let archive = error.archive()?;
        let together = self.together.lock();
        let one = together.iter().find(|one| one.contains(&archive))?;
        Some(format!("{} were to be one commit", numbered(one)))
    }

    /// Where the input goes on after what is committed.
    pub fn advice(&self, error: &DeliveryError) -> Option<String> {
        if let DeliveryError::Archive(error) = error {
            return self.advice_on_input(error);
        }
        // It is started again from where it was, not from a byte.
        if matches!(error, DeliveryError::Producer { .. } | DeliveryError::Ended) {
            return None;
        }
        let newest = self.newest.lock();
        let last = newest.back();
        let last_message = self.last_message.load(Ordering::Relaxed);
        match (last, error) {
            (Some(last), _) if last_message > 0 => {
                return Some(format!(
                    "messages up to number {} of {} are committed",
                    grouped(last_message),
                    last.input
                ));
            }
            (None, DeliveryError::Message(_)) => return Some("nothing is committed".to_owned()),
            _ => {}
        }
        let last = last?;
        Some(format!(
            "archives up to number {} are committed; what follows starts at byte {} of {}",
            grouped(last.archive),
            grouped(last.offset + last.length),
            last.input
        ))
    }

    fn advice_on_input(&self, error: &ArchiveError) -> Option<String> {
        if self.doubtful(error).is_some() {
            return Some(
                "these commits may hold wrong bytes: put the same files again from a whole input, or delete them, \
                 newest first: pachctl delete commit ID (1.x: REPO@ID)"
                    .to_owned(),
            );
        }
        let before = match self.commits.load(Ordering::Relaxed) {
            0 => "nothing is committed",
            1 if error.number == 2 => "archive 1 is committed",
            _ => "the archives before are committed",
        };
        if matches!(error.trouble.kind, ArchiveErrorKind::NotAnArchive { .. }) {
            return error.follows.then(|| before.to_owned());
        }
        Some(format!(
            "{before}; send archive {} again from byte {}",
            error.number,
            grouped(error.offset)
        ))
    }

    /// The commits made from a compressed member whose checksum, which comes last, turned out to be wrong.
    pub fn doubtful(&self, error: &ArchiveError) -> Option<String> {
        let ArchiveErrorKind::Compressed(damage) = &error.trouble.kind else {
            return None;
        };
        let newest = self.newest.lock();
        let from_it = |receipt: &&Receipt| receipt.input == error.input && receipt.offset >= damage.member;
        let names: Vec<String> = newest
            .iter()
            .filter(from_it)
            .filter_map(|receipt| Some(format!("{}@{}", receipt.branch.repo, receipt.commit.as_ref()?)))
            .collect();
        let (first, last) = (names.first()?, names.last()?);
        Some(if names.len() <= NAMED {
            format!("made from the damaged member: {}", names.join(", "))
        } else {
            format!(
                "{} commits were made from the damaged member: {first} to {last}",
                grouped(names.len() as u64)
            )
        })
    }
}

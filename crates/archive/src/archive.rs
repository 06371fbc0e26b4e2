//! One complete archive, or several that are to be one commit.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::content::{ContentReader, ReadAt};
use super::digest::Digest;
use super::error::ContentError;
use super::index::{Files, LeftOut, Skipped};
use super::label::Label;
use spoutctl_core::quantity::grouped;

/// How many archives of a batch are listed one by one.
pub const MOST_LISTED: usize = 1000;

/// One complete archive, or several that are to be one commit.
pub struct Archive {
    /// Counted from 1 over all inputs; of several the last one's.
    pub number: u64,
    /// Which archives it is, where it is several.
    pub batch: Option<Batch>,
    /// The file that it came from, or [`STANDARD_INPUT`](super::STANDARD_INPUT).
    pub input: Arc<str>,
    /// Where its first header starts in the (decompressed) input, in bytes.
    pub offset: u64,
    /// Bytes from its first header through its second zero block, those that did not come counted.
    pub length: u64,
    pub digest: Digest,
    pub label: Label,
    /// The files that it holds, or the first reason why it cannot be stored although it is whole.
    pub contents: Result<Files, ContentError>,
    pub(super) left_out: LeftOut,
    pub(super) held: Arc<dyn ReadAt + Send + Sync>,
}

impl Archive {
    /// The numbers of the archives that it is: one, unless it is several.
    #[must_use]
    pub fn numbers(&self) -> RangeInclusive<u64> {
        self.batch.as_ref().map_or(self.number, |batch| batch.first)..=self.number
    }

    /// Opens the file at `index` of [`Files`] at its start; `None` when there is no such file.
    #[must_use]
    pub fn open(&self, index: usize) -> Option<ContentReader<'_>> {
        self.open_at(index, 0)
    }

    /// Opens the file at `index` at `offset` bytes from its start. Behind its end, nothing is left to read.
    #[must_use]
    pub fn open_at(&self, index: usize, offset: u64) -> Option<ContentReader<'_>> {
        let extent = self.contents.as_ref().ok()?.extent(index)?;
        Some(ContentReader::new(self.held.as_ref(), extent, offset))
    }

    /// What was left out as [`Options::links`](super::Options::links) and [`Options::special`](super::Options::special)
    /// ask, one note a kind.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.left_out.skipped
    }

    /// What was left out or passed over, in words.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let ignored = match self.ignored_deletions() {
            0 => None,
            1 => Some("its deletion of 1 file was ignored; --obey-deletions obeys it".to_owned()),
            more => Some(format!(
                "its deletions of {} files were ignored; --obey-deletions obeys them",
                grouped(more)
            )),
        };
        let end = (self.left_out.missing_end > 0).then(|| {
            format!(
                "the input ends without {} of the 1,024 zero bytes at an archive's end, and was taken as whole",
                grouped(self.left_out.missing_end)
            )
        });
        self.skipped().iter().map(ToString::to_string).chain(ignored).chain(end)
    }

    /// How many deletions were passed over because [`Options::obey_deletions`](super::Options::obey_deletions) does not
    /// ask for them.
    #[must_use]
    pub fn ignored_deletions(&self) -> u64 {
        self.left_out.deletions
    }

    /// The archive's own bytes, [`Archive::length`] of them.
    #[must_use]
    pub fn held(&self) -> &Arc<dyn ReadAt + Send + Sync> {
        &self.held
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("number", &self.number)
            .field("input", &self.input)
            .field("offset", &self.offset)
            .field("length", &self.length)
            .field("digest", &self.digest)
            .field("contents", &self.contents)
            .finish_non_exhaustive()
    }
}

/// Which archives a batch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The number of its first archive.
    pub first: u64,
    /// How many archives.
    pub count: u64,
    /// The first [`MOST_LISTED`] of them.
    pub listed: Arc<[Member]>,
    /// Where its last archive begins in the input, in bytes.
    pub last_offset: u64,
}

/// One archive of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub number: u64,
    pub input: Arc<str>,
    pub offset: u64,
    pub length: u64,
    pub digest: Digest,
    pub files: usize,
    pub deletions: usize,
    /// Bytes of its files.
    pub bytes: u64,
}

impl Member {
    pub(super) fn of(archive: &Archive) -> Self {
        let files = archive.contents.as_ref().ok();
        Self {
            number: archive.number,
            input: Arc::clone(&archive.input),
            offset: archive.offset,
            length: archive.length,
            digest: archive.digest,
            files: files.map_or(0, Files::len),
            deletions: files.map_or(0, |files| files.deletions().len()),
            bytes: files.map_or(0, Files::total_bytes),
        }
    }
}

//! How the entries of an archive become files.

use spoutctl_core::pfs::FilePath;

/// The largest file that is taken unless [`Options::max_entry_size`] says otherwise: 1 TiB.
///
/// A sparse file of a few bytes may claim any size, and would be sent expanded.
pub const DEFAULT_MAX_ENTRY_SIZE: u64 = 1 << 40;

/// The most that all files of an archive may have together unless [`Options::max_archive_size`] says otherwise: 1 TiB.
///
/// A link of 512 bytes adds as much as the file that it leads to.
pub const DEFAULT_MAX_ARCHIVE_SIZE: u64 = 1 << 40;

/// What becomes of hard and symbolic links, which pachd does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// A link becomes a file with the content of the file that it leads to.
    #[default]
    Resolve,
    /// Links are left out, with a note in [`Archive::skipped`](super::Archive::skipped).
    Skip,
}

/// What becomes of devices, FIFOs and entries of unknown types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Special {
    /// The archive is refused.
    #[default]
    Refuse,
    /// They are left out, with a note in [`Archive::skipped`](super::Archive::skipped).
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArchiveEnd {
    /// Two zero blocks and nothing else.
    #[default]
    Strict,
    /// Where the *input* ends behind whole entries, its end will do, too. Between two archives there must be zero
    /// blocks.
    ///
    /// A producer that dies between two entries cannot be told from one that is done.
    Lenient,
}

/// How the entries of an archive become files.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory that every path is put under.
    pub prefix: FilePath,
    /// Whether bytes that pachd refuses in a path (and `%`) become `%XX`, and a `..` element `%2E%2E`.
    pub escape_paths: bool,
    pub links: Links,
    pub special: Special,
    /// Whether the archive may delete files. One from a stranger must not, so nobody does it unasked.
    pub obey_deletions: bool,
    /// The largest file, in bytes, sparse files counted expanded.
    pub max_entry_size: u64,
    /// The largest sum of all its files, in bytes, sparse files and links counted expanded.
    pub max_archive_size: u64,
    pub end: ArchiveEnd,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: FilePath::root(),
            escape_paths: false,
            links: Links::default(),
            special: Special::default(),
            obey_deletions: false,
            max_entry_size: DEFAULT_MAX_ENTRY_SIZE,
            max_archive_size: DEFAULT_MAX_ARCHIVE_SIZE,
            end: ArchiveEnd::default(),
        }
    }
}

//! What can be wrong with an archive: with its framing (the stream cannot be read on) or with its contents (it is
//! whole, and still no commit can be made of it).

use std::fmt;
use std::io;
use std::sync::Arc;

use super::compression::CompressionError;
use super::header::{EntryKind, NumberFault};
use super::path::PathFault;
use super::pax::PaxFault;
use super::sniffing::SniffedFormat;
use super::sparse::SparseFault;
use spoutctl_core::fault::is_obeyed;
use spoutctl_core::quantity::grouped;

/// How an [`ArchiveReader`](super::ArchiveReader) names what it reads when that is no file; errors are worded by it.
pub const STANDARD_INPUT: &str = "standard input";

/// An entry, as an error names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRef {
    /// Its name, fit to be shown: control characters and bytes that are no UTF-8 are escaped, a long name is cut.
    pub name: String,
    /// Where its first header (an extension header counts) starts in the decompressed input.
    pub offset: u64,
}

impl EntryRef {
    pub(super) fn new(name: &[u8], offset: u64) -> Self {
        Self {
            name: printable(name),
            offset,
        }
    }
}

impl fmt::Display for EntryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry `{}` (starts at byte {})", self.name, grouped(self.offset))
    }
}

/// The stream cannot be framed any further: nothing of this archive is stored, and nothing after it can be found.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.heading())]
pub struct ArchiveError {
    /// The archive that was being read, or would have come next; from 1 over all inputs.
    pub number: u64,
    pub input: Arc<str>,
    /// Where that archive starts, or would, in the decompressed input. Everything before it belongs to archives that
    /// were complete.
    pub offset: u64,
    /// Whether any byte of the archive was seen.
    pub begun: bool,
    /// Whether the same input held a complete archive before it.
    pub follows: bool,
    pub trouble: Box<Trouble>,
}

/// What is wrong, and where.
#[derive(Debug)]
pub struct Trouble {
    /// The byte in the decompressed input at which it showed.
    pub at: u64,
    /// The entry that was being read, once its header was.
    pub entry: Option<EntryRef>,
    pub kind: ArchiveErrorKind,
}

impl Trouble {
    /// One line: where it showed, what was expected, what came.
    #[must_use]
    pub fn detail(&self) -> String {
        let Self { at, entry, kind } = self;
        let at = grouped(*at);
        match (kind, entry) {
            (ArchiveErrorKind::Torn(torn), _) => torn.detail(&at, entry.as_ref()),
            (ArchiveErrorKind::Read(_) | ArchiveErrorKind::Buffer(_) | ArchiveErrorKind::Compressed(_), None) => {
                kind.to_string()
            }
            (ArchiveErrorKind::NotAnArchive { .. } | ArchiveErrorKind::LoneZeroBlock, _) | (_, None) => {
                format!("byte {at}: {kind}")
            }
            (_, Some(entry)) => format!("{entry}, byte {at}: {kind}"),
        }
    }
}

/// An archive that was expected to be whole, and one at a time, is not.
#[derive(Debug, thiserror::Error)]
#[error("the archive from {} {}", printable(input.as_bytes()), self.verdict())]
pub struct EntryStreamError {
    /// Where it comes from, as the caller named it.
    pub input: Arc<str>,
    pub trouble: Trouble,
}

impl EntryStreamError {
    fn verdict(&self) -> &'static str {
        match self.trouble.kind {
            ArchiveErrorKind::Torn(_) => "ends too early",
            ArchiveErrorKind::Read(_) => "cannot be read to its end",
            _ => "is damaged",
        }
    }

    /// Further lines: where it showed, what was expected, what came.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        vec![self.trouble.detail()]
    }
}

/// Why a stream cannot be framed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveErrorKind {
    #[error("the input ends too early")]
    Torn(Torn),
    #[error("one zero block is followed by other bytes; the end of an archive is two zero blocks")]
    LoneZeroBlock,
    /// Where an archive should start, something else does.
    #[error("the bytes look like {found}")]
    NotAnArchive { found: SniffedFormat },
    #[error("{}", checksum_words(*stated, *counted))]
    Checksum {
        /// What the header says, if that is a number.
        stated: Option<u64>,
        /// The sum of its bytes.
        counted: u64,
    },
    #[error("the field `{field}` {fault}: `{value}`")]
    Number {
        field: &'static str,
        /// The field as it stands there, escaped.
        value: String,
        fault: NumberFault,
    },
    #[error("a record of the PAX header {fault}")]
    Pax { fault: PaxFault },
    /// Parsers in wide use read it differently, so that what was checked need not be what is unpacked elsewhere.
    #[error("{0}")]
    Ambiguous(Ambiguity),
    #[error("an extension header has {} bytes; at most 1,048,576 are taken", grouped(*size))]
    ExtensionTooLong { size: u64 },
    #[error("{0}")]
    Compressed(CompressionError),
    #[error("{0}")]
    Read(io::Error),
    /// The bytes could not be kept on this side.
    #[error("{0}")]
    Buffer(io::Error),
    /// The archive is whole but cannot be read on: only from an `EntryStream`, which hands out entries as they come.
    #[error("{0}")]
    Content(ContentErrorKind),
}

/// Where the input ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Torn {
    /// Within a header block, of which `came` bytes came.
    Header { came: u64 },
    /// Behind a whole entry, without the zero blocks.
    NoEnd,
    /// Behind the first zero block, of the second `came` bytes came.
    OneZeroBlock { came: u64 },
    /// Within the body of an extension header.
    Extension { needs: u64, came: u64 },
    /// Within the data of an entry (counted as they are stored).
    Data { needs: u64, came: u64 },
    /// Within the padding behind the data of an entry.
    Padding,
}

/// What parsers disagree about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguity {
    #[error("an entry has two PAX headers, and parsers disagree about which counts")]
    TwoPaxHeaders,
    #[error("an entry has two GNU long names, and parsers disagree about which counts")]
    TwoLongNames,
    #[error("an entry has two GNU long link targets, and parsers disagree about which counts")]
    TwoLongLinks,
    #[error(
        "an entry has a path in a PAX header and another one in a GNU long name, and parsers disagree about which \
         counts"
    )]
    PathAndLongName,
    #[error(
        "an entry has a link target in a PAX header and another one in a GNU header, and parsers disagree about which \
         counts"
    )]
    LinkPathAndLongLink,
    #[error("an extension header is followed by no entry, and parsers disagree about what it belongs to")]
    NoEntry,
    #[error("a GNU long name has bytes behind its NUL, and parsers disagree about whether they count")]
    BehindNul,
    #[error("a sparse map goes on behind its end, and parsers disagree about where the data start")]
    SparseEnd,
}

impl ArchiveError {
    fn heading(&self) -> String {
        let number = self.number;
        let lost = format!("archive {number}, so nothing of it was committed");
        match &self.trouble.kind {
            ArchiveErrorKind::Torn(_) if self.is_standard_input() => format!("the stream ends inside {lost}"),
            ArchiveErrorKind::Torn(_) => format!("`{}` ends inside {lost}", printable(self.input.as_bytes())),
            ArchiveErrorKind::NotAnArchive { .. } if self.follows => {
                format!("what follows archive {} is no tar archive", number - 1)
            }
            ArchiveErrorKind::NotAnArchive { .. } => format!("{} is no tar archive", self.named_input()),
            ArchiveErrorKind::Read(_) => format!("{} cannot be read {}", self.named_input(), self.place()),
            ArchiveErrorKind::Compressed(error) => {
                format!(
                    "the {} data of {} are damaged {}",
                    error.format,
                    self.named_input(),
                    self.place()
                )
            }
            ArchiveErrorKind::Buffer(_) => {
                format!("archive {number} cannot be kept here, so nothing of it was committed")
            }
            _ => format!("archive {number} is damaged, so nothing of it was committed"),
        }
    }

    /// Further lines: where it showed, what was expected, what came.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        let file = (!self.is_standard_input()).then(|| format!("in `{}`", printable(self.input.as_bytes())));
        file.into_iter().chain([self.trouble.detail()]).collect()
    }

    /// What to do next, when that does not depend on what has become of the archives before.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match &self.trouble.kind {
            ArchiveErrorKind::NotAnArchive { found } if !self.follows => found.help(),
            ArchiveErrorKind::NotAnArchive { .. } => Some(
                "between archives only zero bytes may stand: look at what the producer writes to its stdout".to_owned(),
            ),
            ArchiveErrorKind::Torn(Torn::NoEnd | Torn::OneZeroBlock { .. }) => Some(format!(
                "if its producer was done, give it the end: (cat {}; head -c 1024 /dev/zero) | spoutctl put …; or take \
                 the input's end for it: --archive-end lenient",
                self.file_for_shell()
            )),
            ArchiveErrorKind::LoneZeroBlock => {
                Some("to join archives, append them whole; never cut or pad them by hand".to_owned())
            }
            ArchiveErrorKind::Ambiguous(_) => {
                Some("write the archive again with GNU tar, bsdtar, or the tar library of Python or Go".to_owned())
            }
            ArchiveErrorKind::Compressed(error) => error.help(),
            ArchiveErrorKind::Buffer(_) => {
                Some("make room there, or hold archives in another directory: --tmp-dir DIR".to_owned())
            }
            _ => None,
        }
    }

    fn is_standard_input(&self) -> bool {
        *self.input == *STANDARD_INPUT
    }

    /// The file's name where a shell takes it as it is.
    fn file_for_shell(&self) -> &str {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
        if self.is_standard_input() || !self.input.chars().all(is_plain) {
            return "x.tar";
        }
        &self.input
    }

    fn named_input(&self) -> String {
        if self.is_standard_input() {
            STANDARD_INPUT.to_owned()
        } else {
            format!("`{}`", printable(self.input.as_bytes()))
        }
    }

    fn place(&self) -> String {
        match (self.begun, self.follows) {
            (true, _) => format!("inside archive {}, so nothing of it was committed", self.number),
            (false, true) => format!("after archive {}", self.number - 1),
            (false, false) => "before the first archive".to_owned(),
        }
    }
}

impl Torn {
    fn detail(self, at: &str, entry: Option<&EntryRef>) -> String {
        let subject = entry.map_or_else(|| "the archive".to_owned(), EntryRef::to_string);
        match self {
            Self::Header { came } => {
                let behind = entry.map_or_else(String::new, |entry| format!(" behind {entry}"));
                format!("a header{behind} needs 512 bytes, and {} came", grouped(came))
            }
            Self::NoEnd => {
                format!("{subject} is whole up to byte {at}, and the two zero blocks that end an archive are missing")
            }
            Self::OneZeroBlock { came } => {
                let came = match came {
                    0 => "one came".to_owned(),
                    came => format!("one and {} bytes came", grouped(came)),
                };
                format!("{subject} is whole, but the end of an archive needs two zero blocks, and {came}")
            }
            Self::Extension { needs, came } => format!(
                "an extension header before byte {at} needs {} bytes, and {} came",
                grouped(needs),
                grouped(came)
            ),
            Self::Data { needs, came } => {
                format!("{subject} needs {} bytes, and {} came", grouped(needs), grouped(came))
            }
            Self::Padding => format!("{subject} came, but not all of the padding behind it"),
        }
    }
}

fn checksum_words(stated: Option<u64>, counted: u64) -> String {
    let counted = grouped(counted);
    match stated {
        Some(stated) => format!(
            "the header says that its bytes add up to {}, and they add up to {counted}",
            grouped(stated)
        ),
        None => format!("the header's checksum is no number; its bytes add up to {counted}"),
    }
}

/// The archive is complete, but no commit can be made of it. The stream goes on behind it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("archive {number} cannot be stored, so nothing of it was committed")]
pub struct ContentError {
    /// From 1 over all inputs.
    pub number: u64,
    pub input: Arc<str>,
    pub problem: Problem,
}

/// The entry that cannot be stored, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub entry: EntryRef,
    pub kind: ContentErrorKind,
}

/// Why an entry cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentErrorKind {
    #[error("{0}")]
    Path(PathFault),
    #[error("it is {}, and a directory because of {other}", with_article(*file))]
    Collision { file: EntryKind, other: EntryRef },
    #[error("it is a {link} to `{target}`, and {fault}")]
    Link {
        link: EntryKind,
        target: String,
        fault: LinkFault,
    },
    #[error("it is {}, which a repo cannot hold", with_article(*.0))]
    Special(EntryKind),
    #[error("its name ends in `/`, so it is a directory, but {} bytes of data come with it", grouped(*size))]
    DirectoryWithData { size: u64 },
    #[error("it has {} bytes; at most {} are taken", grouped(*size), grouped(*limit))]
    TooLarge { size: u64, limit: u64 },
    #[error("with it the files have more than {} bytes, with what links and sparse files stand for", grouped(*limit))]
    ArchiveTooLarge { limit: u64 },
    #[error("it is a sparse file, and {0}")]
    Sparse(SparseFault),
    #[error("it is a sparse file, which is not expected here")]
    SparseUnexpected,
    #[error("{0}")]
    Deletion(DeletionFault),
}

/// Why a deletion cannot be obeyed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeletionFault {
    #[error("{0}")]
    Path(PathFault),
    #[error("the path is that of a directory; files are deleted one by one")]
    Directory,
    #[error("the key of its record does not end in a number")]
    NoNumber,
    #[error("it has number {} where number {} should come", grouped(*found), grouped(*expected))]
    OutOfTurn { expected: u64, found: u64 },
    #[error("it comes behind an entry, and deletions come before all of them")]
    BehindEntry,
    /// Of an entry: its own PAX header has a deletion.
    #[error("its PAX header has a deletion, which belongs into a global header")]
    NotGlobal,
}

/// Why a link leads to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    #[error("the archive has no such file")]
    Missing,
    #[error("that is a directory")]
    Directory,
    #[error("from there it leads back to itself")]
    Cycle,
    #[error(
        "links to directories stand for more than 1,048,576 files, 64 MiB of paths, or 40 links within one another"
    )]
    TooMany,
    #[error("{0}")]
    Path(PathFault),
}

impl ContentError {
    /// Further lines: the entry, where it is, and why it cannot be stored.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        let Problem { entry, kind } = &self.problem;
        let file = (*self.input != *STANDARD_INPUT).then(|| format!("in `{}`", printable(self.input.as_bytes())));
        let subject = match kind {
            ContentErrorKind::Deletion(fault) if *fault != DeletionFault::NotGlobal => format!(
                "the deletion of `{}` (in the header at byte {})",
                entry.name,
                grouped(entry.offset)
            ),
            _ => entry.to_string(),
        };
        file.into_iter().chain([format!("{subject}: {kind}")]).collect()
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let words = match &self.problem.kind {
            ContentErrorKind::Path(fault)
            | ContentErrorKind::Deletion(DeletionFault::Path(fault))
            | ContentErrorKind::Link {
                fault: LinkFault::Path(fault),
                ..
            } if fault.is_mended_by_escaping() => {
                "--escape-paths stores such bytes as %XX; get --unescape-paths reverses it"
            }
            ContentErrorKind::Path(_) => "give the entry another name",
            ContentErrorKind::Collision {
                file: EntryKind::File, ..
            } => "rename one of the two: pachd has either a file or a directory at a path",
            ContentErrorKind::Collision { .. } | ContentErrorKind::Link { .. } => {
                "--links skip leaves links out; tar -h at the producer writes what they lead to instead"
            }
            ContentErrorKind::ArchiveTooLarge { .. } => "--max-archive-size takes larger archives",
            ContentErrorKind::Special(EntryKind::Continuation) => {
                "unpack all volumes with `tar -xM -f FIRST -f SECOND …`, and send what comes out; --special skip would \
                 leave the file's rest out"
            }
            ContentErrorKind::Special(_) => "--special skip leaves such entries out",
            ContentErrorKind::TooLarge { .. } => "--max-entry-size takes larger files",
            ContentErrorKind::DirectoryWithData { .. } => "give the file a name without a `/` at its end",
            ContentErrorKind::Sparse(_) => "write the archive again without --sparse",
            ContentErrorKind::Deletion(_) => {
                "have the archive written anew by what wrote its deletions; without --obey-deletions they do not count"
            }
            ContentErrorKind::SparseUnexpected => return None,
        };
        Some(words.to_owned())
    }
}

pub(super) fn with_article(kind: EntryKind) -> String {
    let article = if matches!(kind, EntryKind::Unknown(_)) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}

/// The longest name that an error shows, in characters.
const MAX_SHOWN: usize = 200;

/// `name` without anything that a terminal would obey, and not longer than a line or two.
pub(super) fn printable(name: &[u8]) -> String {
    let mut out = String::new();
    // A character has up to four bytes; more than this can never be shown.
    let head = &name[..name.len().min(4 * MAX_SHOWN + 4)];
    let mut shown = 0;
    for chunk in head.utf8_chunks() {
        for c in chunk.valid().chars() {
            if shown == MAX_SHOWN {
                out.push('…');
                return out;
            }
            shown += 1;
            if is_obeyed(c) {
                out.extend(c.escape_default());
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&byte.escape_ascii().to_string());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_without_anything_that_a_terminal_obeys() {
        assert_eq!(printable(b"a\x1b[31m\xff\n\"'"), "a\\u{1b}[31m\\xff\\n\"'");
        assert_eq!(printable("gr\u{fc}n \u{202e}".as_bytes()), "gr\u{fc}n \\u{202e}");
        assert_eq!(printable(&[b'x'; 5000]).chars().count(), MAX_SHOWN + 1);
    }
}

//! What becomes of messages that are not as others are, and which files have a header.

use std::collections::HashSet;
use std::io;

use spoutctl_archive::Position;
use spoutctl_core::pfs::FilePath;

use super::error::{MessageError, MessageFault};
use super::framing::{BYTE_ORDER_MARK, Dialect, Message};

/// What becomes of a message that is said not to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nulls {
    /// It is an empty one.
    #[default]
    Empty,
    Skip,
    /// It cannot be taken.
    Fail,
}

/// What becomes of a message that has the name of another one of the same archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SameName {
    #[default]
    Refuse,
    /// It takes the other one's place.
    Last,
}

/// What becomes of a message that cannot be taken.
#[derive(Default)]
pub enum OnBad {
    /// Nothing behind it is read.
    #[default]
    Stop,
    /// It is left out, and counted.
    Skip,
    SetAside(Box<dyn Shelf>),
    /// It goes with the archive, into its directory `SPOUTCTL.aside`, for another repo.
    Along {
        /// What the repo is called, up to a path.
        place: String,
        /// What the input is called.
        input: String,
    },
}

/// A message that cannot be taken.
pub struct Bad<'a> {
    /// In the stream.
    pub number: u64,
    pub message: &'a Message<'a>,
    pub position: Option<&'a Position>,
    /// Why, and where it is in the input.
    pub error: &'a MessageError,
}

/// Where messages go that cannot be taken.
pub trait Shelf: Send {
    /// Keeps a message and the reason, and answers where. When this returns, both survive a crash.
    ///
    /// # Errors
    /// When that cannot be done.
    fn keep(&mut self, bad: &Bad<'_>) -> io::Result<String>;
}

/// What is in the destination already, for files that grow.
pub trait Existing: Send {
    /// The first bytes of the file at this path, as many as it has up to `most`; `None` where there is no file.
    ///
    /// # Errors
    /// When that is not known, in words.
    fn beginning(&mut self, path: &FilePath, most: usize) -> Result<Option<Vec<u8>>, String>;
}

/// What was left out of archives, or set aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub nulls: u64,
    pub skipped: u64,
    pub set_aside: u64,
    /// Why the first of those was left out or set aside that could not be taken.
    pub first: Option<MessageError>,
}

/// Which files of CSV begin with a header.
pub(super) enum Headers {
    /// Each of every archive.
    Each,
    /// Those that are not there yet: the bytes go to the end of what there is, which has to have the same columns.
    New {
        existing: Box<dyn Existing>,
        /// Files that have it.
        known: HashSet<FilePath>,
    },
}

impl Headers {
    /// Whether the file at this path is to begin with this header.
    ///
    /// # Errors
    /// When it is not known what is there, or a file with other columns is.
    pub fn wants(&mut self, path: &FilePath, header: &[u8]) -> Result<bool, MessageFault> {
        let Self::New { existing, known } = self else {
            return Ok(true);
        };
        if known.contains(path) {
            return Ok(false);
        }
        let most = header.len() + MOST_BEFORE_COLUMNS;
        let beginning = existing
            .beginning(path, most)
            .map_err(|why| MessageFault::UnknownFile { why })?
            .filter(|beginning| !beginning.is_empty());
        if let Some(beginning) = &beginning
            && !begins_with_columns(beginning, columns(header))
        {
            return Err(MessageFault::OtherColumns {
                path: path.to_string(),
                columns: shown(columns(header)),
                there: shown(columns(beginning)),
            });
        }
        known.insert(path.clone());
        Ok(beginning.is_none())
    }
}

/// What may stand before the columns' names, at most, and the end behind them: a byte order mark, and `sep=;`, which tells Excel.
const MOST_BEFORE_COLUMNS: usize = 16;

/// The names of the columns, without what may stand before them, and without their end.
fn columns(header: &[u8]) -> &[u8] {
    let marked = header.strip_prefix(BYTE_ORDER_MARK).unwrap_or(header);
    let line = marked
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .next()
        .unwrap_or_default();
    let rest = if Dialect::told(line).is_some() {
        marked[line.len()..].trim_ascii_start()
    } else {
        marked
    };
    rest.strip_suffix(b"\n").map_or_else(
        || rest.strip_suffix(b"\r").unwrap_or(rest),
        |rest| rest.strip_suffix(b"\r").unwrap_or(rest),
    )
}

/// Whether a file that begins so has these columns, and no more.
fn begins_with_columns(beginning: &[u8], ours: &[u8]) -> bool {
    let rest = columns(beginning).strip_prefix(ours);
    rest.is_some_and(|rest| matches!(rest, [] | [b'\r' | b'\n', ..]))
}

fn shown(columns: &[u8]) -> String {
    const MOST: usize = 60;
    let line = columns
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .next()
        .unwrap_or_default();
    let text = String::from_utf8_lossy(line);
    if text.chars().count() > MOST {
        text.chars().take(MOST).chain(['…']).collect()
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_the_same_whatever_marks_and_ends_their_line() {
        for header in [
            "id,name\n",
            "id,name\r\n",
            "id,name\r",
            "id,name",
            "\u{feff}id,name\n",
            "sep=,\r\nid,name\r\n",
        ] {
            assert_eq!(columns(header.as_bytes()), b"id,name", "{header:?}");
            for there in [
                "id,name\n1,a\n",
                "id,name\r\n1,a",
                "\u{feff}id,name\r1",
                "sep=,\nid,name\n",
                "id,name",
            ] {
                assert!(
                    begins_with_columns(there.as_bytes(), columns(header.as_bytes())),
                    "{there:?}"
                );
            }
            for other in [
                "id,name,more\n",
                "id\n",
                "name,id\n",
                "id;name\n",
                "1,a\n",
                "\"id\",\"name\"\n",
            ] {
                assert!(
                    !begins_with_columns(other.as_bytes(), columns(header.as_bytes())),
                    "{other:?}"
                );
            }
        }
    }
}

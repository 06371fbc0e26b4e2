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
        if let Some(beginning) = &beginning {
            match beginning_of(beginning, columns(header)) {
                Beginning::SameColumns => {}
                Beginning::NoEnd => return Err(MessageFault::HeaderWithoutEnd { path: path.to_string() }),
                Beginning::OtherColumns => {
                    return Err(MessageFault::OtherColumns {
                        path: path.to_string(),
                        columns: shown(columns(header)),
                        there: shown(first_line(without_mark(beginning))),
                    });
                }
            }
        }
        known.insert(path.clone());
        Ok(beginning.is_none())
    }
}

/// What may stand before the columns' names, at most, and the end behind them: a byte order mark, and `sep=;`, which
/// tells Excel.
const MOST_BEFORE_COLUMNS: usize = 16;

/// The names of the columns, without what may stand before them, and without their end.
fn columns(header: &[u8]) -> &[u8] {
    let names = without_mark(header);
    let names = names.strip_suffix(b"\n").unwrap_or(names);
    names.strip_suffix(b"\r").unwrap_or(names)
}

/// A text without what may stand before the names of its columns.
fn without_mark(header: &[u8]) -> &[u8] {
    let marked = header.strip_prefix(BYTE_ORDER_MARK).unwrap_or(header);
    let line = marked
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .next()
        .unwrap_or_default();
    if Dialect::told(line).is_some() {
        marked[line.len()..].trim_ascii_start()
    } else {
        marked
    }
}

/// A text up to the first end of a line that stands in no quotes.
fn first_line(text: &[u8]) -> &[u8] {
    let mut is_quoted = false;
    let end = text.iter().position(|byte| {
        is_quoted ^= *byte == b'"';
        !is_quoted && matches!(byte, b'\r' | b'\n')
    });
    &text[..end.unwrap_or(text.len())]
}

/// What a file begins with that records would be appended to.
#[derive(Debug, PartialEq, Eq)]
enum Beginning {
    SameColumns,
    /// The same columns, and the file ends with them: a record would go on in their line.
    NoEnd,
    OtherColumns,
}

/// Compares what a file begins with to the names of our columns.
fn beginning_of(beginning: &[u8], ours: &[u8]) -> Beginning {
    let there = without_mark(beginning);
    match there.strip_prefix(ours) {
        Some([]) => Beginning::NoEnd,
        Some([b'\r' | b'\n', ..]) => Beginning::SameColumns,
        _ => Beginning::OtherColumns,
    }
}

fn shown(columns: &[u8]) -> String {
    const MOST: usize = 60;
    let text = String::from_utf8_lossy(columns);
    // A name may hold a line's end, in quotes.
    let text = text.replace('\r', "\\r").replace('\n', "\\n");
    if text.chars().count() > MOST {
        text.chars().take(MOST).chain(['…']).collect()
    } else {
        text
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
            ] {
                let beginning = beginning_of(there.as_bytes(), columns(header.as_bytes()));
                assert_eq!(beginning, Beginning::SameColumns, "{there:?}");
            }
            for unended in ["id,name", "\u{feff}id,name", "sep=,\nid,name"] {
                let beginning = beginning_of(unended.as_bytes(), columns(header.as_bytes()));
                assert_eq!(beginning, Beginning::NoEnd, "{unended:?}");
            }
            for other in [
                "id,name,more\n",
                "id\n",
                "name,id\n",
                "id;name\n",
                "1,a\n",
                "\"id\",\"name\"\n",
            ] {
                let beginning = beginning_of(other.as_bytes(), columns(header.as_bytes()));
                assert_eq!(beginning, Beginning::OtherColumns, "{other:?}");
            }
        }
    }

    #[test]
    fn a_line_s_end_in_a_column_s_name_is_shown_as_an_escape() {
        assert_eq!(shown(b"\"first\r\nname\",id"), r#""first\r\nname",id"#);
        let names = first_line(b"\"first\nname\",id\n1,2\n");
        assert_eq!(names, b"\"first\nname\",id");
        assert_eq!(shown(&[b'a'; 61]), format!("{}…", "a".repeat(60)));
    }
}

//! What input that is no tar archive looks like, so that an error can name the pipe that helps.

use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};

use super::header;

/// What the first bytes of something that is no tar archive look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SniffedFormat {
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    Lz4,
    Lzip,
    Lzma,
    Lzop,
    Snappy,
    Zlib,
    Compress,
    Zip,
    SevenZip,
    Rar,
    Cpio,
    Ar,
    Html,
    Json,
    Text,
    /// A tar header that was changed on its way.
    DamagedTar,
    Unknown,
}

const MAGICS: [(&[u8], SniffedFormat); 16] = [
    (b"\x1f\x8b", SniffedFormat::Gzip),
    (b"\x28\xb5\x2f\xfd", SniffedFormat::Zstd),
    (b"\xfd7zXZ\0", SniffedFormat::Xz),
    (b"BZh", SniffedFormat::Bzip2),
    (b"\x04\x22\x4d\x18", SniffedFormat::Lz4),
    (b"LZIP", SniffedFormat::Lzip),
    (b"\x1f\x9d", SniffedFormat::Compress),
    (b"PK\x03\x04", SniffedFormat::Zip),
    (b"PK\x05\x06", SniffedFormat::Zip),
    (b"7z\xbc\xaf\x27\x1c", SniffedFormat::SevenZip),
    (b"Rar!\x1a\x07", SniffedFormat::Rar),
    (b"070701", SniffedFormat::Cpio),
    (b"070702", SniffedFormat::Cpio),
    (b"070707", SniffedFormat::Cpio),
    (b"\xc7\x71", SniffedFormat::Cpio),
    (b"!<arch>\n", SniffedFormat::Ar),
];

impl SniffedFormat {
    /// So many bytes are enough for [`Self::packed`] and [`Self::file_of_rows`].
    pub const ENOUGH: usize = 256;

    /// Whether bytes begin as compressed data that are not decompressed here, and surely: what a text may begin with
    /// counts for nothing.
    #[must_use]
    pub fn packed(bytes: &[u8]) -> Option<Self> {
        let begins = |magic: &[u8]| bytes.starts_with(magic);
        let is_bzip2 = begins(b"BZh") && bytes.get(4..10) == Some(b"1AY&SY".as_slice());
        // A control character, and how many bits a code has.
        let is_compress = begins(b"\x1f\x9d") && bytes.get(2).is_some_and(|bits| (9..=16).contains(&(bits & 0x1f)));
        // The usual properties, a dictionary of whole 64 KiB, and a length that is not known or is no TiB.
        let is_lzma =
            begins(b"]\0\0") && (bytes.get(5..13)).is_some_and(|size| size == [0xff; 8] || size.ends_with(&[0, 0, 0]));
        let is_zlib = begins(b"x") && !is_text(bytes) && inflates(bytes);
        [
            (begins(b"\x1f\x8b\x08"), Self::Gzip),
            (begins(b"\x28\xb5\x2f\xfd"), Self::Zstd),
            (is_compress, Self::Compress),
            (begins(b"\xfd7zXZ\0"), Self::Xz),
            (is_bzip2, Self::Bzip2),
            (begins(b"\x04\x22\x4d\x18"), Self::Lz4),
            (begins(b"LZIP\x01"), Self::Lzip),
            (is_lzma, Self::Lzma),
            (begins(b"\x89LZO\0\r\n\x1a\n"), Self::Lzop),
            (begins(b"\xff\x06\0\0sNaPpY"), Self::Snappy),
            (is_zlib, Self::Zlib),
            (begins(b"PK\x03\x04"), Self::Zip),
            (begins(b"7z\xbc\xaf\x27\x1c"), Self::SevenZip),
            (begins(b"Rar!\x1a\x07"), Self::Rar),
        ]
        .into_iter()
        .find_map(|(is_it, found)| is_it.then_some(found))
    }

    /// What prints what is in it, where it is compressed.
    #[must_use]
    pub fn unpacker(self) -> Option<&'static str> {
        Some(match self {
            Self::Gzip | Self::Compress => "gzip -dc",
            Self::Zstd => "zstd -dc",
            Self::Xz | Self::Lzma => "xz -dc",
            Self::Bzip2 => "bzip2 -dc",
            Self::Lz4 => "lz4 -dc",
            Self::Lzip => "lzip -dc",
            Self::Lzop => "lzop -dc",
            Self::Snappy => "snzip -dc",
            Self::Zlib => "pigz -dc",
            Self::Zip => "unzip -p",
            Self::SevenZip => "7z e -so",
            Self::Rar => "unrar p -inul",
            _ => return None,
        })
    }

    /// What bytes begin as that are a file of rows, and surely: no line, record or frame of messages does.
    #[must_use]
    pub fn file_of_rows(bytes: &[u8]) -> Option<&'static str> {
        [
            (&b"PAR1\x15"[..], "a Parquet file"),
            (b"Obj\x01", "an Avro file"),
            (b"SQLite format 3\0", "an SQLite database"),
            (b"PGDMP\x01", "a dump of `pg_dump -Fc`"),
            (b"PGCOPY\n\xff\r\n\0", "a binary COPY of PostgreSQL"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
        ]
        .into_iter()
        .find_map(|(magic, found)| bytes.starts_with(magic).then_some(found))
    }

    /// Judges by up to one block of bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        if header::has_magic(bytes) {
            return Self::DamagedTar;
        }
        if let Some((_, found)) = MAGICS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return *found;
        }
        if !is_text(bytes) {
            return Self::packed(bytes).unwrap_or(Self::Unknown);
        }
        let text = bytes.trim_ascii_start();
        let starts_with = |tag: &[u8]| text.get(..tag.len()).is_some_and(|t| t.eq_ignore_ascii_case(tag));
        if starts_with(b"<!doctype html") || starts_with(b"<html") {
            Self::Html
        } else if text.starts_with(b"{") || text.starts_with(b"[") {
            Self::Json
        } else {
            Self::Text
        }
    }

    /// What to do about it.
    pub(super) fn help(self) -> Option<String> {
        match self {
            Self::Zip | Self::SevenZip | Self::Rar => {
                Some("have a tar archive made of it: spoutctl put … -- bsdtar -cf - @FILE".to_owned())
            }
            // Converted by `@FILE`, a file with several names in a cpio archive is empty, and of an ar archive nothing
            // is left (bsdtar 3.6.2).
            Self::Cpio | Self::Ar => Some(
                "unpack it, and put what comes out: mkdir DIR && bsdtar -xf FILE -C DIR && tar -cf - -C DIR . | \
                 spoutctl put …"
                    .to_owned(),
            ),
            // Once it has been unpacked already, by whatever it is packed with outside.
            Self::Gzip | Self::Zstd => Some(
                "it is compressed more than once: undo the outermost, with `gzip -dc` or `zstd -dc`, and put what \
                 comes out"
                    .to_owned(),
            ),
            Self::Html => Some(
                "look at what the producer was answered: a login page or a proxy's error is often HTML (curl: use \
                 --fail)"
                    .to_owned(),
            ),
            Self::Json => Some(as_messages("json")),
            Self::Text => Some(as_messages("lines")),
            Self::Unknown => Some("to put a file as it is, wrap it: tar cf - FILE | spoutctl put …".to_owned()),
            _ => (self.unpacker()).map(|with| format!("unpack it first: {with} | spoutctl put …")),
        }
    }
}

fn as_messages(framing: &str) -> String {
    format!(
        "messages are committed by --messages {framing} --into NAME; a file as it is by: tar cf - FILE | spoutctl put …"
    )
}

impl fmt::Display for SniffedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip-compressed data",
            Self::Zstd => "zstd-compressed data",
            Self::Xz => "xz-compressed data",
            Self::Bzip2 => "bzip2-compressed data",
            Self::Lz4 => "lz4-compressed data",
            Self::Lzip => "lzip-compressed data",
            Self::Lzma => "LZMA-compressed data",
            Self::Lzop => "lzop-compressed data",
            Self::Snappy => "snappy-compressed data",
            Self::Zlib => "zlib-compressed data",
            Self::Compress => "data compressed with `compress`",
            Self::Zip => "a zip archive",
            Self::SevenZip => "a 7z archive",
            Self::Rar => "a RAR archive",
            Self::Cpio => "a cpio archive",
            Self::Ar => "an `ar` archive",
            Self::Html => "an HTML page",
            Self::Json => "JSON",
            Self::Text => "plain text",
            Self::DamagedTar => "a damaged tar header",
            Self::Unknown => "binary data of another kind",
        })
    }
}

/// Whether bytes are zlib's beyond its header, which is two bytes that a text may begin with: Hive writes `x` and its
/// delimiter so. A few bytes of text may pass for compressed ones; not many, nor with the checksum at their end, nor
/// with what a writer leaves there that flushes each line.
fn inflates(bytes: &[u8]) -> bool {
    let (mut zlib, mut out) = (Decompress::new(true), [0; SniffedFormat::ENOUGH]);
    // Only to its end does it refuse what refers to bytes before the first one.
    match zlib.decompress(bytes, &mut out, FlushDecompress::Finish) {
        Ok(Status::StreamEnd) => true,
        Ok(_) if zlib.total_out() == 0 => false,
        Ok(_) => bytes.len() >= SniffedFormat::ENOUGH || bytes.ends_with(b"\0\0\xff\xff"),
        Err(_) => false,
    }
}

fn is_text(bytes: &[u8]) -> bool {
    // The last character may be cut by the end of the block.
    let (whole, cut) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, &b""[..]),
        Err(error) if error.error_len().is_none() => {
            let (whole, cut) = bytes.split_at(error.valid_up_to());
            (std::str::from_utf8(whole).unwrap_or_default(), cut)
        }
        Err(_) => return false,
    };
    (!whole.is_empty() || cut.is_empty()) && !whole.chars().any(|c| c.is_control() && !c.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn common_kinds_of_input_are_told_apart() {
        for (bytes, found) in [
            (&b"\xfd7zXZ\0\0\x04"[..], SniffedFormat::Xz),
            (b"BZh91AY&SY", SniffedFormat::Bzip2),
            (b"PK\x03\x04\x14\0", SniffedFormat::Zip),
            (b"7z\xbc\xaf\x27\x1c\0", SniffedFormat::SevenZip),
            (b"\x04\x22\x4d\x18\x64", SniffedFormat::Lz4),
            (b"\x89LZO\0\r\n\x1a\n\x10", SniffedFormat::Lzop),
            (b"\xff\x06\0\0sNaPpY", SniffedFormat::Snappy),
            (b"\n <!DOCTYPE HTML>", SniffedFormat::Html),
            (b"<html>", SniffedFormat::Html),
            (b"{\"a\": 1}\n", SniffedFormat::Json),
            (b" [1]", SniffedFormat::Json),
            (b"hello\r\n", SniffedFormat::Text),
            ("gr\u{fc}n\n".as_bytes(), SniffedFormat::Text),
            (b"gr\xc3", SniffedFormat::Text),
            (b"gr\xfcn\n", SniffedFormat::Unknown),
            (b"\x7fELF\x02\x01", SniffedFormat::Unknown),
        ] {
            assert_eq!(SniffedFormat::of(bytes), found, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn text_that_begins_as_compressed_data_do_is_text() {
        for text in [
            "BZh91 is a word",
            "x^2 + y^2",
            "] \u{0}",
            "PAR1,PAR2\n",
            "Object\n",
            "SQLite format 3 is old\n",
            "Rar! a shout",
            "LZIP\n",
            "PGDMP\n",
            "x\u{1}1\u{1}2\n",
            "x\u{1}\n",
            "xکتاب\n",
        ] {
            assert_eq!(SniffedFormat::packed(text.as_bytes()), None, "{text}");
            assert_eq!(SniffedFormat::file_of_rows(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn rows_of_hive_are_not_taken_for_zlib_whatever_is_in_their_second_column() {
        for first in b' '..=b'~' {
            for rest in ["\n", "2026-11-30\u{1}some words\u{1}\\N\n", "0.5\u{1}other words\n"] {
                let rows = format!("x\u{1}{}{rest}", char::from(first)).repeat(300);
                for end in (2..300).chain([rows.len()]) {
                    assert_eq!(SniffedFormat::packed(&rows.as_bytes()[..end]), None, "{rows}");
                }
            }
        }
    }

    #[test]
    fn zlib_is_told_at_its_end_at_a_flush_and_by_what_is_enough() {
        let short = b"x\x9c\xcbH\xcd\xc9\xc9W(\xcf/\xcaI\x01\0\x1a\x0b\x04\x5d";
        assert_eq!(SniffedFormat::packed(short), Some(SniffedFormat::Zlib));
        let mut flushed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        flushed.write_all(b"{\"id\": 1}\n").unwrap();
        flushed.flush().unwrap();
        assert_eq!(SniffedFormat::packed(flushed.get_ref()), Some(SniffedFormat::Zlib));
        for level in 0..=9 {
            let words: String = (0..5000).map(|number| format!("{} ", number * 7919)).collect();
            let mut packed = flate2::read::ZlibEncoder::new(words.as_bytes(), flate2::Compression::new(level));
            let mut front = [0; SniffedFormat::ENOUGH];
            packed.read_exact(&mut front).unwrap();
            assert_eq!(SniffedFormat::packed(&front), Some(SniffedFormat::Zlib), "{level}");
        }
    }
}

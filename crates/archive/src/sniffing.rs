//! What input that is no tar archive looks like, so that an error can name the pipe that helps.

use std::fmt;

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
        // No block of it is of the kind that is none.
        let is_zlib = [b"x\x01", b"x\x9c", b"x\xda"].iter().any(|magic| begins(*magic))
            && bytes.get(2).is_some_and(|block| block & 0b110 != 0b110);
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
            Self::Zip | Self::SevenZip | Self::Rar | Self::Cpio | Self::Ar => {
                Some("make a tar archive of it: bsdtar -cf - @FILE | spoutctl put …".to_owned())
            }
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
        ] {
            assert_eq!(SniffedFormat::packed(text.as_bytes()), None, "{text}");
            assert_eq!(SniffedFormat::file_of_rows(text.as_bytes()), None, "{text}");
        }
    }
}

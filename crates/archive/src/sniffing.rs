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
    /// counts for nothing. And what unpacks them.
    #[must_use]
    pub fn packed(bytes: &[u8]) -> Option<(Self, &'static str)> {
        let begins = |magic: &[u8]| bytes.starts_with(magic);
        let is_bzip2 = begins(b"BZh") && bytes.get(4..10) == Some(b"1AY&SY".as_slice());
        // A control character, and how many bits a code has.
        let is_compress = begins(b"\x1f\x9d") && bytes.get(2).is_some_and(|bits| (9..=16).contains(&(bits & 0x1f)));
        [
            (begins(b"\x1f\x8b\x08"), Self::Gzip, "gzip -dc"),
            (begins(b"\x28\xb5\x2f\xfd"), Self::Zstd, "zstd -dc"),
            (is_compress, Self::Compress, "gzip -dc"),
            (begins(b"\xfd7zXZ\0"), Self::Xz, "xz -dc"),
            (is_bzip2, Self::Bzip2, "bzip2 -dc"),
            (begins(b"\x04\x22\x4d\x18"), Self::Lz4, "lz4 -dc"),
            (begins(b"LZIP\x01"), Self::Lzip, "lzip -dc"),
            (begins(b"PK\x03\x04"), Self::Zip, "unzip -p"),
            (begins(b"7z\xbc\xaf\x27\x1c"), Self::SevenZip, "7z e -so"),
        ]
        .into_iter()
        .find_map(|(is_it, found, with)| is_it.then_some((found, with)))
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
            return Self::Unknown;
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
        let unpack = |with: &str| Some(format!("unpack it first: {with} | spoutctl put …"));
        match self {
            Self::Gzip | Self::Compress => unpack("gzip -dc"),
            Self::Zstd => unpack("zstd -dc"),
            Self::Xz => unpack("xz -dc"),
            Self::Bzip2 => unpack("bzip2 -dc"),
            Self::Lz4 => unpack("lz4 -dc"),
            Self::Lzip => unpack("lzip -dc"),
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
            Self::DamagedTar => None,
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
}

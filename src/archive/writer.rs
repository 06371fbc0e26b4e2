//! Writes one archive that every tar reads: ustar, with PAX records where ustar has no room. The same files give the
//! same bytes.

use std::io::{self, Read, Write};

use tar::{EntryType, Header};

use super::header::{BLOCK, ZERO_BLOCK};

/// The largest size and time that eleven octal digits hold.
const MAX_OCTAL: u64 = 0o777_7777_7777;

const NAME_LENGTH: usize = 100;
const PREFIX_LENGTH: usize = 155;

/// Writes one archive to `W`.
pub struct ArchiveWriter<W> {
    output: W,
    mtime: u64,
}

impl<W: Write> ArchiveWriter<W> {
    /// Every entry gets the time `mtime`, in seconds since 1970, and the rights 0644 (directories 0755).
    pub fn new(output: W, mtime: u64) -> Self {
        Self {
            output,
            mtime: mtime.min(MAX_OCTAL),
        }
    }

    /// Writes a file of `size` bytes, taken from `content`.
    ///
    /// # Errors
    /// When `path` is empty, ends in `/` or holds a NUL; when `content` fails or ends before `size` bytes, or the
    /// output fails. The archive cannot be completed then.
    pub fn append(&mut self, path: &[u8], size: u64, content: impl Read) -> io::Result<()> {
        if path.ends_with(b"/") {
            return Err(invalid("a file's path must not end in `/`"));
        }
        self.headers(path, EntryType::Regular, size)?;
        let copied = io::copy(&mut content.take(size), &mut self.output)?;
        if copied < size {
            let text = format!("the content ends after {copied} of {size} bytes");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        self.output.write_all(padding(size))
    }

    /// Writes a directory.
    ///
    /// # Errors
    /// When `path` is empty or holds a NUL, or the output fails.
    pub fn append_directory(&mut self, path: &[u8]) -> io::Result<()> {
        let mut path = path.to_vec();
        if !path.is_empty() && !path.ends_with(b"/") {
            path.push(b'/');
        }
        self.headers(&path, EntryType::Directory, 0)
    }

    /// Writes the two zero blocks that make the archive complete, and flushes.
    ///
    /// # Errors
    /// When the output fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.write_all(&ZERO_BLOCK)?;
        self.output.write_all(&ZERO_BLOCK)?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn headers(&mut self, path: &[u8], kind: EntryType, size: u64) -> io::Result<()> {
        if path.is_empty() || path.contains(&0) {
            return Err(invalid("a path must have a byte, and no NUL"));
        }
        let mut records = Vec::new();
        let parts = split(path);
        if parts.is_none() {
            push_record(&mut records, "path", path);
        }
        let (prefix, name) = parts.unwrap_or((b"", short(path)));
        let mut header_size = size;
        if size > MAX_OCTAL {
            push_record(&mut records, "size", size.to_string().as_bytes());
            header_size = 0;
        }
        if !records.is_empty() {
            let size = records.len() as u64;
            self.header(b"", b"PaxHeaders/records", EntryType::XHeader, size)?;
            records.resize(records.len().next_multiple_of(BLOCK), 0);
            self.output.write_all(&records)?;
        }
        self.header(prefix, name, kind, header_size)
    }

    fn header(&mut self, prefix: &[u8], name: &[u8], kind: EntryType, size: u64) -> io::Result<()> {
        let mut header = Header::new_ustar();
        if let Some(ustar) = header.as_ustar_mut() {
            ustar.name[..name.len()].copy_from_slice(name);
            ustar.prefix[..prefix.len()].copy_from_slice(prefix);
        }
        header.set_entry_type(kind);
        header.set_mode(if kind.is_dir() { 0o755 } else { 0o644 });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.mtime);
        header.set_size(size);
        header.set_cksum();
        self.output.write_all(header.as_bytes())
    }
}

/// What stands around the content of one file, for whoever streams an archive without writing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFrame {
    /// Before the content.
    pub head: Vec<u8>,
    /// After it.
    pub padding: Vec<u8>,
}

impl FileFrame {
    /// # Errors
    /// When `path` is empty or holds a NUL.
    pub fn new(path: &[u8], size: u64) -> io::Result<Self> {
        let mut writer = ArchiveWriter::new(Vec::new(), 0);
        writer.headers(path, EntryType::Regular, size)?;
        Ok(Self {
            head: writer.output,
            padding: padding(size).to_vec(),
        })
    }

    /// What stands at the archive's end.
    #[must_use]
    pub fn end() -> Vec<u8> {
        vec![0; 2 * BLOCK]
    }
}

/// The zeroes that fill the last block of `size` bytes.
fn padding(size: u64) -> &'static [u8] {
    // A remainder of less than a block.
    let filled = usize::try_from(size % BLOCK as u64).unwrap_or_default();
    &ZERO_BLOCK[..(BLOCK - filled) % BLOCK]
}

/// `path` as ustar's prefix and name, where they hold it. POSIX promises ASCII alone to come through there.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= NAME_LENGTH {
        return Some((b"", path));
    }
    // The slash between the two is not stored, and neither of them may be empty.
    let first = path.len().checked_sub(NAME_LENGTH + 1)?.max(1);
    let last = PREFIX_LENGTH.min(path.len() - 2);
    let slash = (first..=last).find(|at| path[*at] == b'/')?;
    Some((&path[..slash], &path[slash + 1..]))
}

/// The end of a path, for readers that know no PAX.
fn short(path: &[u8]) -> &[u8] {
    &path[path.len().saturating_sub(NAME_LENGTH)..]
}

/// Appends the record `length key=value\n`, the length of which counts its own digits.
fn push_record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{files, read_all};
    use super::super::{EntryKind, EntryStream, Options};
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let names = [
            "a".to_owned(),
            "x".repeat(100),
            "x".repeat(101),
            format!("{}/{}", "d".repeat(155), "f".repeat(100)),
            format!("{}/{}", "d".repeat(156), "f".repeat(100)),
            format!("{}/{}", "d".repeat(20), "f".repeat(101)),
            format!("/{}", "f".repeat(100)),
            "deep/".repeat(70) + "file",
        ];
        let mut writer = ArchiveWriter::new(Vec::new(), 1_700_000_000);
        writer.append_directory(b"some/directory").unwrap();
        for (size, name) in [0, 1, 511, 512, 513, 1024, 5, 7].into_iter().zip(&names) {
            let content = vec![b'c'; size];
            writer.append(name.as_bytes(), size as u64, &content[..]).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let (archives, error) = read_all(&bytes, &Options::default());
        assert!(error.is_none());
        assert_eq!(archives[0].length, bytes.len() as u64);
        let mut expected: Vec<_> = [0, 1, 511, 512, 513, 1024, 5, 7]
            .into_iter()
            .zip(&names)
            .map(|(size, name)| (format!("/{}", name.trim_start_matches('/')), vec![b'c'; size]))
            .collect();
        expected.sort();
        assert_eq!(files(&archives[0]), expected);
    }

    #[test]
    fn names_of_any_bytes_come_through() {
        let names = [&b"caf\xc3\xa9"[..], b"\xff\xfe", b"line\nbreak", b"a=b"];
        let mut writer = ArchiveWriter::new(Vec::new(), 0);
        for name in names {
            writer.append(name, 1, &b"x"[..]).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let mut stream = EntryStream::new(&bytes[..], "test".into());
        for name in names {
            let entry = stream.next_entry().unwrap().unwrap();
            assert_eq!((entry.path(), entry.kind(), entry.size()), (name, EntryKind::File, 1));
        }
        assert!(stream.next_entry().unwrap().is_none());
    }

    #[test]
    fn a_size_of_eight_gibibytes_and_more_is_in_a_pax_record() {
        for (size, pax) in [(MAX_OCTAL, false), (MAX_OCTAL + 1, true)] {
            let mut bytes = Vec::new();
            // The content is missing; the header is written all the same.
            assert!(
                ArchiveWriter::new(&mut bytes, 0)
                    .append(b"f", size, io::empty())
                    .is_err()
            );
            assert_eq!(bytes.len(), if pax { 1536 } else { 512 });
            let mut stream = EntryStream::new(&bytes[..], "test".into());
            assert_eq!(stream.next_entry().unwrap().unwrap().size(), size);
        }
    }

    #[test]
    fn content_that_ends_early_and_paths_that_are_none_are_refused() {
        let mut writer = ArchiveWriter::new(Vec::new(), 0);
        let error = writer.append(b"f", 10, &b"short"[..]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        for path in [&b""[..], b"a\0b", b"dir/"] {
            let error = writer.append(path, 0, io::empty()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
        assert!(writer.append_directory(b"").is_err());
    }
}

//! Writes one archive that every tar reads: ustar, with PAX records where ustar has no room. The same files give the
//! same bytes.

use std::io::{self, Read, Write};

use tar::{EntryType, Header};

use super::header::{BLOCK, BLOCK_BYTES, ZERO_BLOCK};
use super::label::{self, Asides, Label};
use super::pax::DELETION;
use super::pax::record::{push_record, record_length};

/// The largest size and time that eleven octal digits hold.
const MAX_OCTAL: u64 = 0o777_7777_7777;

/// A header with deletions holds fewer bytes than this, 512 KiB: readers refuse long ones, some from 1 MiB on.
const MAX_GLOBAL: usize = 512 << 10;

const NAME_LENGTH: usize = 100;
const PREFIX_LENGTH: usize = 155;

/// Writes one archive to `W`.
pub struct ArchiveWriter<W> {
    output: W,
    mtime: u64,
    /// Files to be deleted, so far.
    deletions: u64,
    /// Their records that are not written yet.
    records: Vec<u8>,
    has_entries: bool,
}

impl<W: Write> ArchiveWriter<W> {
    /// Every entry gets the time `mtime`, in seconds since 1970, and the rights 0644 (directories 0755).
    pub fn new(output: W, mtime: u64) -> Self {
        Self {
            output,
            mtime: mtime.min(MAX_OCTAL),
            deletions: 0,
            records: Vec::new(),
            has_entries: false,
        }
    }

    /// Says that the file at `path` is gone. Deletions come before all entries, each as a record of a global PAX
    /// header: `SPOUTCTL.delete.0` is the path of the first, `SPOUTCTL.delete.1` of the second, and so on. Readers of
    /// tar pass them over; ours obeys them where it is told to.
    ///
    /// # Errors
    /// When an entry was written already; when `path` is empty, ends in `/`, holds a NUL or is longer than a header may
    /// be; when the output fails.
    pub fn delete(&mut self, path: &[u8]) -> io::Result<()> {
        if self.has_entries {
            return Err(invalid("deletions come before all entries"));
        }
        check_path(path)?;
        check_file(path)?;
        let key = format!("{DELETION}{}", self.deletions);
        let length = record_length(&key, path);
        if length >= MAX_GLOBAL {
            return Err(invalid("the path is too long for a header"));
        }
        if self.records.len() + length >= MAX_GLOBAL {
            self.flush_deletions()?;
        }
        push_record(&mut self.records, &key, path);
        self.deletions += 1;
        Ok(())
    }

    /// Writes a file of `size` bytes, taken from `content`.
    ///
    /// # Errors
    /// When `path` is empty, ends in `/` or holds a NUL; when `content` fails or ends before `size` bytes, or the
    /// output fails. The archive cannot be completed then.
    pub fn append(&mut self, path: &[u8], size: u64, content: impl Read) -> io::Result<()> {
        check_file(path)?;
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

    /// What was written so far, without an end: the beginning of an archive.
    #[must_use]
    pub fn into_beginning(self) -> W {
        self.output
    }

    /// Writes the two zero blocks that make the archive complete, and flushes.
    ///
    /// Behind deletions alone comes an entry for the root first, as `tar -c .` writes one, which is no file: Python's
    /// tarfile cannot read an archive that ends behind a global header.
    ///
    /// # Errors
    /// When the output fails.
    pub fn finish(mut self) -> io::Result<W> {
        if self.deletions > 0 && !self.has_entries {
            self.append_directory(b"./")?;
        }
        self.output.write_all(&ZERO_BLOCK)?;
        self.output.write_all(&ZERO_BLOCK)?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn headers(&mut self, path: &[u8], kind: EntryType, size: u64) -> io::Result<()> {
        check_path(path)?;
        self.flush_deletions()?;
        self.has_entries = true;
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
            self.extension(EntryType::XHeader, &mut records)?;
        }
        self.header(prefix, name, kind, header_size)
    }

    fn flush_deletions(&mut self) -> io::Result<()> {
        let mut records = std::mem::take(&mut self.records);
        if records.is_empty() {
            return Ok(());
        }
        self.extension(EntryType::XGlobalHeader, &mut records)
    }

    fn extension(&mut self, kind: EntryType, records: &mut Vec<u8>) -> io::Result<()> {
        self.header(b"", b"PaxHeaders/records", kind, records.len() as u64)?;
        records.resize(records.len().next_multiple_of(BLOCK), 0);
        self.output.write_all(records)
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

impl Label {
    /// The header that says it, to be written before the first entry; nothing where there is nothing to say.
    #[must_use]
    pub fn header(&self) -> Vec<u8> {
        let mut records = Vec::new();
        if let Some(messages) = self.messages {
            push_record(&mut records, label::MESSAGES, messages.to_string().as_bytes());
        }
        if let Some(position) = &self.position {
            push_record(&mut records, label::POSITION, position.as_json().as_bytes());
        }
        if let Some(positions) = &self.positions {
            push_record(&mut records, label::POSITIONS, positions.to_string().as_bytes());
        }
        self.asides.write(&mut records);
        let mut writer = ArchiveWriter::new(Vec::new(), 0);
        // Writing to memory cannot fail.
        match writer.extension(EntryType::XGlobalHeader, &mut records) {
            Ok(()) if !records.is_empty() => writer.output,
            _ => Vec::new(),
        }
    }

    /// How long the header of any range of messages may be, with a position of so many bytes, and positions of
    /// partitions of so many.
    #[must_use]
    pub fn most(position: Option<usize>, positions: Option<usize>, asides: &Asides) -> u64 {
        // A record is its length, a space, the key, `=`, the value and a newline.
        let around = |key: &str| key.len() + "65536 =\n".len();
        let messages = around(label::MESSAGES) + 2 * u64::MAX.to_string().len() + 1;
        let position = position.map_or(0, |length| around(label::POSITION) + length);
        let positions = positions.map_or(0, |length| around(label::POSITIONS) + length);
        ((messages + position + positions + asides.most()) as u64).next_multiple_of(BLOCK_BYTES) + BLOCK_BYTES
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

fn check_path(path: &[u8]) -> io::Result<()> {
    if path.is_empty() || path.contains(&0) {
        return Err(invalid("a path must have a byte, and no NUL"));
    }
    Ok(())
}

fn check_file(path: &[u8]) -> io::Result<()> {
    if path.ends_with(b"/") {
        return Err(invalid("a file's path must not end in `/`"));
    }
    Ok(())
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{files, read_all};
    use super::super::{Aside, EntryKind, EntryStream, MessageRange, Options, Position, label_of};
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

    fn obedient() -> Options {
        Options {
            obey_deletions: true,
            ..Options::default()
        }
    }

    fn deletions_in(bytes: &[u8]) -> Vec<String> {
        let (archives, error) = read_all(bytes, &obedient());
        assert!(error.is_none());
        let files = archives[0].contents.as_ref().unwrap();
        files.deletions().map(str::to_owned).collect()
    }

    #[test]
    fn deletions_are_read_back_with_the_files_behind_them() {
        let mut writer = ArchiveWriter::new(Vec::new(), 0);
        for path in [&b"gone"[..], b"d/a=b", b"d/a b"] {
            writer.delete(path).unwrap();
        }
        writer.append(b"new", 3, &b"new"[..]).unwrap();
        let bytes = writer.finish().unwrap();
        assert_eq!(deletions_in(&bytes), ["/d/a b", "/d/a=b", "/gone"]);
        let (archives, _) = read_all(&bytes, &obedient());
        assert_eq!(files(&archives[0]), [("/new".to_owned(), b"new".to_vec())]);
    }

    /// What says more than a header is to hold, of which the first are listed.
    fn asides(position: Option<&Position>) -> Asides {
        let mut asides = Asides::skipping(3);
        for message in 1..=10_000 {
            asides.add(Aside {
                message,
                position: position.cloned(),
                reason: "has no key: nothing is at `/id`".to_owned(),
                place: format!("q/{message}"),
            });
        }
        assert!(asides.listed.len() > 300 && asides.listed.len() < 1000);
        assert_eq!(asides.set_aside, 10_000);
        asides
    }

    #[test]
    fn a_label_is_read_back_whatever_else_is_said_of_the_archive() {
        for position in [None, Some("42"), Some("\"0/16B3748\""), Some("{\"p\": 1}")] {
            let position = position.map(|text| Position::of_record(text.as_bytes()).unwrap());
            let label = Label {
                positions: None,
                messages: Some(MessageRange {
                    first: 1,
                    last: u64::MAX,
                }),
                position: position.clone(),
                asides: asides(position.as_ref()),
                refused: None,
            };
            let mut bytes = label.header();
            let most = Label::most(position.map(|position| position.as_json().len()), None, &label.asides);
            assert!(bytes.len() as u64 <= most);
            let mut writer = ArchiveWriter::new(Vec::new(), 0);
            writer.delete(b"gone").unwrap();
            writer.append(b"new", 3, &b"new"[..]).unwrap();
            bytes.extend(writer.finish().unwrap());
            let bytes_of_first = bytes.clone();
            let (archives, error) = read_all(&[bytes.clone(), bytes].concat(), &obedient());
            assert!(error.is_none());
            assert_eq!(archives.len(), 2);
            assert!(archives.iter().all(|archive| archive.label == label));
            assert_eq!(label_of(&bytes_of_first[..]), label);
            assert_eq!(files(&archives[1]), [("/new".to_owned(), b"new".to_vec())]);
        }
        assert!(Label::default().header().is_empty());
    }

    #[test]
    fn the_label_of_one_archive_is_not_that_of_the_next() {
        let label = Label {
            messages: Some(MessageRange { first: 1, last: 2 }),
            ..Label::default()
        };
        let archive = || {
            let mut writer = ArchiveWriter::new(Vec::new(), 0);
            writer.append(b"f", 0, io::empty()).unwrap();
            writer.finish().unwrap()
        };
        let (archives, _) = read_all(&[label.header(), archive(), archive()].concat(), &Options::default());
        assert_eq!(archives[0].label, label);
        assert_eq!(archives[1].label, Label::default());
    }

    #[test]
    fn deletions_are_written_as_they_always_were() {
        let mut writer = ArchiveWriter::new(Vec::new(), 1_795_338_000);
        for path in ["events/1", "events/2 old", "offset"] {
            writer.delete(path.as_bytes()).unwrap();
        }
        writer.append(b"offset.txt", 3, &b"72\n"[..]).unwrap();
        let bytes = writer.finish().unwrap();
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/archives/deletions.tar");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(fixture, &bytes).unwrap();
        }
        assert!(std::fs::read(fixture).unwrap() == bytes);
    }

    #[test]
    fn an_archive_of_deletions_alone_is_one_and_changes_something() {
        let mut writer = ArchiveWriter::new(Vec::new(), 0);
        writer.delete(b"gone").unwrap();
        let bytes = writer.finish().unwrap();
        assert_eq!(bytes.len(), 512 + 512 + 512 + 1024);
        let (archives, _) = read_all(&bytes, &obedient());
        let files = archives[0].contents.as_ref().unwrap();
        assert!(files.is_empty() && !files.change_nothing());
        let mut stream = EntryStream::new(&bytes[..], "test".into());
        let root = stream.next_entry().unwrap().unwrap();
        assert_eq!((root.path(), root.kind()), (&b"./"[..], EntryKind::Directory));
        assert!(stream.next_entry().unwrap().is_none());
    }

    #[test]
    fn many_deletions_go_into_headers_under_512_kibibytes() {
        let paths: Vec<String> = (0..40_000).map(|number| format!("directory/{number:06}")).collect();
        let mut writer = ArchiveWriter::new(Vec::new(), 0);
        for path in &paths {
            writer.delete(path.as_bytes()).unwrap();
        }
        writer.append(b"f", 0, io::empty()).unwrap();
        let bytes = writer.finish().unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let sizes: Vec<u64> = archive
            .entries()
            .unwrap()
            .raw(true)
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.header().entry_type() == EntryType::XGlobalHeader)
            .map(|entry| entry.size())
            .collect();
        assert!(
            sizes.len() > 2 && sizes.iter().all(|size| *size < 512 << 10),
            "{sizes:?}"
        );
        let back = deletions_in(&bytes);
        assert!(back.iter().map(|path| &path[1..]).eq(paths.iter().map(String::as_str)));
    }

    #[test]
    fn deletions_that_nobody_could_obey_are_not_written() {
        let mut writer = ArchiveWriter::new(Vec::new(), 0);
        let too_long = vec![b'a'; 512 << 10];
        for path in [&b""[..], b"a\0b", b"dir/", &too_long] {
            let error = writer.delete(path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
        writer.delete(&too_long[..too_long.len() - 100]).unwrap();
        writer.append_directory(b"d").unwrap();
        let error = writer.delete(b"late").unwrap_err();
        assert_eq!(error.to_string(), "deletions come before all entries");
        assert_eq!(deletions_in(&writer.finish().unwrap()).len(), 1);
    }
}

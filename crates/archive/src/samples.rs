//! Archives for tests, made block by block so that every fault can be made too.

use std::fmt::Write as _;
use std::io::Read;
use std::sync::Arc;

use super::{Archive, ArchiveBuffer, ArchiveError, ArchiveReader, InMemory, Options, STANDARD_INPUT};

/// Where an archive of a test is held.
pub(super) fn buffer() -> Box<dyn ArchiveBuffer> {
    Box::new(InMemory::default())
}

pub(super) fn reader(input: &[u8], options: Options) -> ArchiveReader<&[u8]> {
    ArchiveReader::new(input, Arc::from(STANDARD_INPUT), 1, options)
}

/// All archives of `input`, and the error behind them.
pub(super) fn read_all(input: &[u8], options: &Options) -> (Vec<Archive>, Option<ArchiveError>) {
    let mut reader = reader(input, options.clone());
    let mut archives = Vec::new();
    loop {
        match reader.next_archive(buffer()) {
            Ok(Some(archive)) => archives.push(archive),
            Ok(None) => return (archives, None),
            Err(error) => return (archives, Some(error)),
        }
    }
}

/// The files of an archive with their content.
pub(super) fn files(archive: &Archive) -> Vec<(String, Vec<u8>)> {
    let files = archive.contents.as_ref().unwrap();
    let read = |index: usize| {
        let mut content = Vec::new();
        archive.open(index).unwrap().read_to_end(&mut content).unwrap();
        content
    };
    files
        .iter()
        .enumerate()
        .map(|(index, file)| (file.path.to_owned(), read(index)))
        .collect()
}

/// One archive's bytes.
#[derive(Clone, Default)]
pub(super) struct Tar(pub(super) Vec<u8>);

impl Tar {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn file(self, name: &str, content: &[u8]) -> Self {
        self.header(name.as_bytes(), b'0', content.len() as u64, b"")
            .data(content)
    }

    pub(super) fn directory(self, name: &str) -> Self {
        self.header(name.as_bytes(), b'5', 0, b"")
    }

    pub(super) fn hard_link(self, name: &str, target: &str) -> Self {
        self.header(name.as_bytes(), b'1', 0, target.as_bytes())
    }

    pub(super) fn symlink(self, name: &str, target: &str) -> Self {
        self.header(name.as_bytes(), b'2', 0, target.as_bytes())
    }

    pub(super) fn pax(self, records: &[(&str, &str)]) -> Self {
        self.extension(b'x', &pax_body(records))
    }

    pub(super) fn global_pax(self, records: &[(&str, &str)]) -> Self {
        self.extension(b'g', &pax_body(records))
    }

    pub(super) fn extension(self, kind: u8, body: &[u8]) -> Self {
        self.header(b"extension", kind, body.len() as u64, b"").data(body)
    }

    pub(super) fn header(self, name: &[u8], kind: u8, size: u64, link: &[u8]) -> Self {
        self.header_with(name, kind, size, link, |_| {})
    }

    /// A ustar header, changed by `change` before its checksum is set.
    pub(super) fn header_with(
        mut self,
        name: &[u8],
        kind: u8,
        size: u64,
        link: &[u8],
        change: impl FnOnce(&mut [u8; 512]),
    ) -> Self {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name);
        block[100..107].copy_from_slice(b"0000644");
        block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        block[156] = kind;
        block[157..157 + link.len()].copy_from_slice(link);
        block[257..265].copy_from_slice(b"ustar\x0000");
        change(&mut block);
        seal(&mut block);
        self.0.extend_from_slice(&block);
        self
    }

    /// Content, padded to whole blocks.
    pub(super) fn data(mut self, content: &[u8]) -> Self {
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// With the two zero blocks.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

/// Sets the right checksum.
pub(super) fn seal(block: &mut [u8; 512]) {
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

pub(super) fn pax_body(records: &[(&str, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let length = (rest..rest + 9).find(|length| rest + length.to_string().len() == *length);
        writeln!(body, "{} {key}={value}", length.unwrap()).unwrap();
    }
    body.into_bytes()
}

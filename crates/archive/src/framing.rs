//! From an input to its complete archives, one after the other.

use std::io::{self, BufRead};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::archive::Archive;
use super::buffer::ArchiveBuffer;
use super::content::ReadAt;
use super::digest::Digest;
use super::entries::{Entries, Entry, Feed, Item, PositionedInput, Tee, read_trouble, trouble};
use super::error::{ArchiveError, ArchiveErrorKind, ContentError, Problem, Torn, Trouble};
use super::header::{BLOCK, BLOCK_BYTES, Block, Header, ZERO_BLOCK, has_magic};
use super::index::{Files, Index, LeftOut, NextFile};
use super::label::Label;
use super::options::Options;
use super::sniffing::SniffedFormat;

/// What an input held, once [`ArchiveReader::next_archive`] has answered `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Not a single byte.
    Nothing,
    /// Zero bytes alone, so many of them.
    OnlyZeros(u64),
    /// So many archives.
    Archives(u64),
}

/// Reads archives from one input: a file, or standard input.
///
/// An archive is answered as soon as its second zero block was read; no byte more is asked for before that, so that a
/// producer may stay silent for hours between two archives.
pub struct ArchiveReader<R> {
    source: PositionedInput<R>,
    name: Arc<str>,
    first_number: u64,
    number: u64,
    options: Options,
    ended: bool,
}

impl<R: BufRead> ArchiveReader<R> {
    /// Reads from `input`, which errors call `name` ([`super::STANDARD_INPUT`] or a file's name); its first archive
    /// gets the number `first_number`.
    pub fn new(input: R, name: Arc<str>, first_number: u64, options: Options) -> Self {
        Self {
            source: PositionedInput::new(input),
            name,
            first_number,
            number: first_number,
            options,
            ended: false,
        }
    }

    /// The next complete archive, kept in `hold`; `None` at the end of the input, also if that is within the zeros
    /// between archives.
    ///
    /// # Errors
    /// When the input ends inside an archive, is no archive, or cannot be read or held. After an error, as after the
    /// end, the answer is `None` for good. What is wrong with the files of an archive that is whole is no error here,
    /// but in [`Archive::contents`].
    pub fn next_archive(&mut self, buffer: Box<dyn ArchiveBuffer>) -> Result<Option<Archive>, ArchiveError> {
        if self.ended {
            return Ok(None);
        }
        // Whatever happens below, only a complete archive makes it worth to go on.
        self.ended = true;
        let Some(first) = self.find_first_header()? else {
            return Ok(None);
        };
        let start = self.source.position() - BLOCK_BYTES;
        let archive = self
            .archive(&first, start, buffer)
            .map_err(|trouble| self.error(start, true, trouble))?;
        self.number += 1;
        self.ended = false;
        Ok(Some(archive))
    }

    /// The number that the next archive gets; the next input goes on with it.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.number
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        match (self.number - self.first_number, self.source.position()) {
            (0, 0) => Seen::Nothing,
            (0, zeros) => Seen::OnlyZeros(zeros),
            (archives, _) => Seen::Archives(archives),
        }
    }

    /// Skips the zeros between archives, and answers the header behind them.
    fn find_first_header(&mut self) -> Result<Option<Block>, ArchiveError> {
        let start = self.source.position();
        let zeros = self.source.skip_zeros();
        let zeros = zeros.map_err(|error| {
            let trouble = read_trouble(self.source.position(), error);
            self.error(start, false, trouble)
        })?;
        let start = start + zeros;
        let mut bytes = ZERO_BLOCK;
        // No archive ends within a block of its first byte that is not zero, so this waits for nothing that need not
        // come.
        let came = self.source.read_up_to(&mut bytes).map_err(|error| {
            let trouble = read_trouble(self.source.position(), error);
            self.error(start, true, trouble)
        })?;
        if came == 0 {
            return Ok(None);
        }
        if came == BLOCK
            && let Some((leading, block)) = header_around(&bytes, zeros)
        {
            self.source.unread(&bytes[BLOCK - leading..]);
            return Ok(Some(block));
        }
        Err(self.no_header(&bytes[..came], start))
    }

    /// `bytes` stand where an archive should start, and are no header.
    fn no_header(&self, bytes: &[u8], start: u64) -> ArchiveError {
        let found = SniffedFormat::of(bytes);
        let kind = match <&Block>::try_from(bytes) {
            Err(_) if self.may_be_cut(bytes, found) => {
                let came = bytes.len() as u64;
                ArchiveErrorKind::Torn(Torn::Header { came })
            }
            Ok(block) if has_magic(block) => match Header::new(block) {
                Err((stated, counted)) => ArchiveErrorKind::Checksum { stated, counted },
                Ok(_) => ArchiveErrorKind::NotAnArchive { found },
            },
            _ => ArchiveErrorKind::NotAnArchive { found },
        };
        self.error(start, true, trouble(start, kind))
    }

    /// Whether less than a block may be the start of a header: the name of an entry is text at first sight.
    fn may_be_cut(&self, bytes: &[u8], found: SniffedFormat) -> bool {
        match found {
            SniffedFormat::Unknown | SniffedFormat::DamagedTar => true,
            SniffedFormat::Text => self.number > self.first_number && !bytes.contains(&b'\n'),
            _ => false,
        }
    }

    fn archive(&mut self, first: &Block, start: u64, buffer: Box<dyn ArchiveBuffer>) -> Result<Archive, Trouble> {
        let mut tee = Keeper::new(buffer, start);
        let buffer_trouble = |at, error| trouble(at, ArchiveErrorKind::Buffer(error));
        tee.pass(first).map_err(|error| buffer_trouble(start, error))?;
        let mut feed = Feed {
            source: &mut self.source,
            tee: &mut tee,
        };
        let mut entries = Entries::behind(first, self.options.end);
        let mut contents = Contents::new(&self.options);
        while let Some(item) = entries.next(&mut feed)? {
            match item {
                Item::Deletions(header) => contents.add(|index| index.delete(&header)),
                Item::Entry(mut entry) => {
                    let data = feed.source.position() - start;
                    contents.add(|index| index.add(&mut entry, data));
                    if let Some(file) = contents.next_file(&entry) {
                        feed.tee.buffer.file(&file);
                    }
                    entries.pass_data(&mut feed, &entry, 0)?;
                }
            }
        }
        let end = self.source.position();
        let (bytes, digest) = tee.finish().map_err(|error| buffer_trouble(end, error))?;
        let (contents, mut left_out) = contents.finish();
        left_out.missing_end = entries.missing();
        Ok(Archive {
            number: self.number,
            input: Arc::clone(&self.name),
            offset: start,
            length: end - start + entries.missing(),
            digest,
            label: entries.label(),
            contents: contents.map_err(|problem| ContentError {
                number: self.number,
                input: Arc::clone(&self.name),
                problem,
            }),
            left_out,
            batch: None,
            held: bytes,
        })
    }

    fn error(&self, offset: u64, begun: bool, trouble: Trouble) -> ArchiveError {
        ArchiveError {
            number: self.number,
            input: Arc::clone(&self.name),
            offset,
            begun,
            follows: self.number > self.first_number,
            trouble: Box::new(trouble),
        }
    }
}

/// What the producer says of the archive at the start of `input`, of which no more than its first headers are read.
/// Nothing where it is no archive.
#[must_use]
pub fn label_of(input: impl BufRead) -> Label {
    let mut source = PositionedInput::new(input);
    let mut feed = Feed {
        source: &mut source,
        tee: &mut (),
    };
    let mut entries = Entries::new();
    while let Ok(Some(Item::Deletions(_))) = entries.next(&mut feed) {}
    entries.label()
}

/// The header in which the first byte that is not zero is that of `bytes`, and how many of the `zeros` before it belong
/// to the header: some writers leave the name of a PAX header empty.
///
/// Padding need not be whole blocks, so the header may be where blocks would lie since the last archive, or at the
/// first byte that is not zero, or in between. A checksum alone does not tell: a header behind one zero byte has a
/// valid one at the place before it, too. Hence the magic comes first.
fn header_around(bytes: &Block, zeros: u64) -> Option<(usize, Block)> {
    let within_block = usize::try_from(zeros % BLOCK_BYTES).unwrap_or(0);
    let before = usize::try_from(zeros).unwrap_or(BLOCK).min(BLOCK - 1);
    let header = |leading: usize| {
        let mut block = ZERO_BLOCK;
        block[leading..].copy_from_slice(&bytes[..BLOCK - leading]);
        Header::new(&block).is_ok().then_some((leading, block))
    };
    let with_magic = [within_block]
        .into_iter()
        .chain(0..=before)
        .find_map(|leading| header(leading).filter(|(_, block)| has_magic(block)));
    with_magic.or_else(|| header(0)).or_else(|| header(within_block))
}

/// The index, until an entry cannot be stored: then that, and the index is let go.
struct Contents {
    index: Result<Box<Index>, Problem>,
    left_out: LeftOut,
}

impl Contents {
    fn new(options: &Options) -> Self {
        Self {
            index: Ok(Box::new(Index::new(options))),
            left_out: LeftOut::default(),
        }
    }

    fn add(&mut self, add: impl FnOnce(&mut Index) -> Result<(), Problem>) {
        if let Ok(index) = &mut self.index
            && let Err(problem) = add(index)
        {
            self.left_out = index.take_left_out();
            self.index = Err(problem);
        }
    }

    /// The plain file that was added last, if it is this entry.
    fn next_file(&self, entry: &Entry) -> Option<NextFile<'_>> {
        self.index.as_ref().ok()?.next_file(entry)
    }

    fn finish(mut self) -> (Result<Files, Problem>, LeftOut) {
        if let Ok(index) = &mut self.index {
            self.left_out = index.take_left_out();
        }
        (self.index.and_then(|index| (*index).finish()), self.left_out)
    }
}

/// How many bytes are gathered before they are passed on: headers and small files come in pieces of one block.
const GATHERED: usize = 64 << 10;

/// Keeps an archive's bytes and adds up their digest.
struct Keeper {
    buffer: Box<dyn ArchiveBuffer>,
    sha: Sha256,
    gathered: Vec<u8>,
}

impl Keeper {
    fn new(mut buffer: Box<dyn ArchiveBuffer>, start: u64) -> Self {
        buffer.begin(start);
        Self {
            buffer,
            sha: Sha256::new(),
            gathered: Vec::with_capacity(GATHERED),
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sha.update(bytes);
        self.buffer.write_all(bytes)
    }

    fn keep_gathered(&mut self) -> io::Result<()> {
        self.sha.update(&self.gathered);
        self.buffer.write_all(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<(Arc<dyn ReadAt + Send + Sync>, Digest)> {
        self.keep_gathered()?;
        Ok((self.buffer.finish()?, Digest::new(self.sha.finalize().into())))
    }
}

impl Tee for Keeper {
    fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.gathered.len() + bytes.len() > GATHERED {
            self.keep_gathered()?;
        }
        if bytes.len() >= GATHERED / 2 {
            self.keep_gathered()?;
            return self.keep(bytes);
        }
        self.gathered.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! From blocks to entries: headers, the extension headers before them, and the length of the data behind them.
//!
//! This is the one tar parser here. [`super::ArchiveReader`] frames whole archives with it, [`super::EntryStream`]
//! hands out the entries of one. It knows nothing of paths in a repo.

mod feed;

use std::io::{self, BufRead};

use self::feed::FeedError;
pub(super) use self::feed::{Feed, PositionedInput, Tee};
use super::error::{Ambiguity, ArchiveErrorKind, EntryRef, Torn, Trouble};
use super::header::{
    BLOCK_BYTES, Block, EntryKind, Header, HeaderType, MAX_OFFSET, NumberFault, ZERO_BLOCK, number, until_nul,
};
use super::label::Label;
use super::options::ArchiveEnd;
use super::pax::{self, PaxFault, Records};
use super::sparse::{DataMap, MAX_SEGMENTS, MapBuilder, Notation, Segment, SparseFault};

/// The longest body of an extension header (PAX records, a GNU long name), in bytes: it is held in memory.
const MAX_EXTENSION: u64 = 1 << 20;

/// One entry, once all its headers were read.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where its first header starts in the input; extension headers count.
    pub(super) start: u64,
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) kind: EntryKind,
    /// Bytes of the file once expanded.
    pub(super) size: u64,
    /// Bytes of data that follow in the archive.
    pub(super) stored: u64,
    /// For a sparse file, its stored parts.
    pub(super) sparse: Option<Result<Vec<Segment>, SparseFault>>,
    /// Whether its own PAX header has a deletion, which belongs into a global one.
    pub(super) has_deletion: bool,
}

impl Entry {
    pub(super) fn reference(&self) -> EntryRef {
        EntryRef::new(&self.name, self.start)
    }

    /// The input ended when `came` bytes of the data were there.
    pub(super) fn torn(&self, came: u64) -> Torn {
        Torn::Data {
            needs: self.stored,
            came,
        }
    }
}

/// What comes next in an archive.
#[derive(Debug)]
pub(super) enum Item {
    Entry(Entry),
    Deletions(DeletionHeader),
}

/// A global PAX header that has deletions among its records, at most [`MAX_EXTENSION`] bytes of them.
#[derive(Debug)]
pub(super) struct DeletionHeader {
    /// Where the header starts in the input.
    pub(super) start: u64,
    body: Vec<u8>,
}

impl DeletionHeader {
    /// The number in each deletion's key, if it has one, and the path.
    pub(super) fn deletions(&self) -> impl Iterator<Item = (Option<u64>, &[u8])> {
        pax::deletions(&self.body)
    }
}

/// The zero bytes that fill the last block of `length` bytes of data.
pub(super) fn padding(length: u64) -> u64 {
    length.next_multiple_of(BLOCK_BYTES) - length
}

/// What extension headers say about the entry that follows them.
#[derive(Debug, Default)]
struct Extensions {
    start: Option<u64>,
    pax: Option<Records>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

/// A walk over the entries of one archive.
#[derive(Debug)]
pub(super) struct Entries {
    /// The first header, when it was read already.
    first: Option<Block>,
    globals: Records,
    /// Parts of sparse files that may still come.
    room: usize,
    /// The entry before, for errors behind it.
    previous: Option<EntryRef>,
    end: ArchiveEnd,
    /// Bytes of the two zero blocks that the input's end stood for.
    missing: u64,
}

type Found<T> = Result<T, Trouble>;

impl Entries {
    pub(super) fn new() -> Self {
        Self {
            first: None,
            globals: Records::default(),
            room: MAX_SEGMENTS,
            previous: None,
            end: ArchiveEnd::Strict,
            missing: 0,
        }
    }

    /// A walk whose first header was read already (and went through the tee).
    pub(super) fn behind(first: &Block, end: ArchiveEnd) -> Self {
        Self {
            first: Some(*first),
            end,
            ..Self::new()
        }
    }

    /// Bytes of the two zero blocks that did not come, and were passed on all the same: none where the end is strict.
    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    /// What the global headers so far say of the archive.
    pub(super) fn label(self) -> Label {
        self.globals.label
    }

    /// The next entry or header with deletions, or `None` once the second zero block was read.
    pub(super) fn next<R: BufRead, T: Tee>(&mut self, feed: &mut Feed<'_, R, T>) -> Found<Option<Item>> {
        let mut extensions = Extensions::default();
        loop {
            let (at, block) = self.header_block(feed, &extensions)?;
            if block == ZERO_BLOCK {
                extensions.expect_none(at)?;
                self.end_block(feed)?;
                return Ok(None);
            }
            let header = Header::new(&block)
                .map_err(|(stated, counted)| trouble(at, ArchiveErrorKind::Checksum { stated, counted }))?;
            match header.header_type() {
                HeaderType::VolumeLabel => extensions.expect_none(at)?,
                HeaderType::GlobalPax => {
                    extensions.expect_none(at)?;
                    let body = self.body(feed, header, at)?;
                    self.globals.add(&body, at)?;
                    if self.globals.sparse.any {
                        let fault = PaxFault::GlobalSparse;
                        return Err(trouble(at, ArchiveErrorKind::Pax { fault }));
                    }
                    if std::mem::take(&mut self.globals.deletes) {
                        return Ok(Some(Item::Deletions(DeletionHeader { start: at, body })));
                    }
                }
                HeaderType::Pax => {
                    let body = self.body(feed, header, at)?;
                    extensions.add_pax(&body, at)?;
                }
                HeaderType::LongName => {
                    let body = self.body(feed, header, at)?;
                    extensions.add_long_name(&body, at)?;
                }
                HeaderType::LongLink => {
                    let body = self.body(feed, header, at)?;
                    extensions.add_long_link(&body, at)?;
                }
                HeaderType::OldSparse => return self.entry(feed, header, None, at, extensions),
                HeaderType::Entry(kind) => return self.entry(feed, header, Some(kind), at, extensions),
            }
        }
    }

    /// Passes the data of `entry` on from `read` bytes after their start, and the padding behind them.
    pub(super) fn pass_data<R: BufRead, T: Tee>(
        &mut self,
        feed: &mut Feed<'_, R, T>,
        entry: &Entry,
        read: u64,
    ) -> Found<()> {
        let left = entry.stored - read;
        if let Err(stop) = feed.pass(left + padding(entry.stored), |_| {}) {
            let torn = |came| {
                if came < left {
                    entry.torn(read + came)
                } else {
                    Torn::Padding
                }
            };
            return Err(stopped(stop, feed.source.position(), Some(entry.reference()), torn));
        }
        self.previous = Some(entry.reference());
        Ok(())
    }

    fn header_block<R: BufRead, T: Tee>(
        &mut self,
        feed: &mut Feed<'_, R, T>,
        extensions: &Extensions,
    ) -> Found<(u64, Block)> {
        if let Some(first) = self.first.take() {
            return Ok((feed.source.position() - BLOCK_BYTES, first));
        }
        let at = feed.source.position();
        let is_behind_entry = extensions.start.is_none();
        let block = self.block_or_end(feed, is_behind_entry).map_err(|stop| {
            stopped(stop, at, self.previous.clone(), |came| match came {
                0 if is_behind_entry => Torn::NoEnd,
                came => Torn::Header { came },
            })
        })?;
        Ok((at, block))
    }

    fn end_block<R: BufRead, T: Tee>(&mut self, feed: &mut Feed<'_, R, T>) -> Found<()> {
        let at = feed.source.position();
        let block = self
            .block_or_end(feed, true)
            .map_err(|stop| stopped(stop, at, self.previous.clone(), |came| Torn::OneZeroBlock { came }))?;
        if block == ZERO_BLOCK {
            return Ok(());
        }
        Err(trouble(at, ArchiveErrorKind::LoneZeroBlock))
    }

    /// The next block; where the input ends `behind_entry`, a zero block if that is to do for the archive's end.
    fn block_or_end<R: BufRead, T: Tee>(
        &mut self,
        feed: &mut Feed<'_, R, T>,
        behind_entry: bool,
    ) -> Result<Block, FeedError> {
        match feed.block() {
            Err(FeedError::End { came, only_zeros })
                if self.end == ArchiveEnd::Lenient && behind_entry && only_zeros =>
            {
                feed.tee.pass(&ZERO_BLOCK).map_err(FeedError::Buffer)?;
                self.missing += BLOCK_BYTES - came;
                Ok(ZERO_BLOCK)
            }
            outcome => outcome,
        }
    }

    /// The body of an extension header at `at`.
    fn body<R: BufRead, T: Tee>(&self, feed: &mut Feed<'_, R, T>, header: Header<'_>, at: u64) -> Found<Vec<u8>> {
        let size = checked_size(header, at)?;
        if size > MAX_EXTENSION {
            return Err(trouble(at, ArchiveErrorKind::ExtensionTooLong { size }));
        }
        let mut body = Vec::new();
        let padded = size + padding(size);
        feed.pass(padded, |bytes| body.extend_from_slice(bytes))
            .map_err(|stop| {
                let torn = |came| Torn::Extension { needs: padded, came };
                stopped(stop, feed.source.position(), self.previous.clone(), torn)
            })?;
        // At most `MAX_EXTENSION`, which fits everywhere.
        body.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(body)
    }

    /// The entry of a main header; `kind` is none for an old GNU sparse file.
    fn entry<R: BufRead, T: Tee>(
        &mut self,
        feed: &mut Feed<'_, R, T>,
        header: Header<'_>,
        kind: Option<EntryKind>,
        at: u64,
        extensions: Extensions,
    ) -> Found<Option<Item>> {
        let Extensions {
            start,
            pax,
            long_name,
            long_link,
        } = extensions;
        let pax = pax.unwrap_or_default();
        let name = pax.sparse.name.clone().or_else(|| {
            pax.path
                .over(&self.globals.path)
                .filter(|_| long_name.is_none())
                .cloned()
        });
        let link = pax
            .linkpath
            .over(&self.globals.linkpath)
            .filter(|_| long_link.is_none());
        let name = name.or(long_name).unwrap_or_else(|| header.name());
        let link = link.cloned().or(long_link).unwrap_or_else(|| header.link());
        let size = match pax.size.over(&self.globals.size) {
            // Always over the header's: readers that let the header win here find entries where there are none
            // (CVE-2025-62518).
            Some(size) => *size,
            None => checked_size(header, at)?,
        };
        let mut entry = Entry {
            start: start.unwrap_or(at),
            kind: kind.unwrap_or(EntryKind::File),
            name,
            link,
            size,
            stored: size,
            sparse: None,
            has_deletion: pax.deletes,
        };
        if !has_data(entry.kind) {
            // Whatever the size field says: Go, Python and GNU tar agree that no data follow links, devices and
            // directories. It is safe to follow them, for where a writer did put data there, the data would have to
            // carry a right header checksum to be mistaken for an entry.
            (entry.size, entry.stored) = (0, 0);
        }
        check_end(&entry, feed.source.position(), header)?;
        if entry.kind == EntryKind::File && entry.name.ends_with(b"/") {
            entry.kind = EntryKind::Directory;
        }
        match entry.kind {
            EntryKind::Directory if pax.dumps => entry.kind = EntryKind::DumpDirectory,
            EntryKind::File if std::mem::take(&mut self.globals.continues) => entry.kind = EntryKind::Continuation,
            _ => {}
        }
        if kind.is_none() {
            self.old_sparse(feed, header, at, &mut entry)?;
        }
        if pax.sparse.any {
            self.pax_sparse(feed, &pax, &mut entry)?;
        }
        self.room -= entry
            .sparse
            .as_ref()
            .and_then(|map| map.as_ref().ok())
            .map_or(0, Vec::len);
        Ok(Some(Item::Entry(entry)))
    }

    /// Reads the map of an old GNU sparse file: four parts in the header, 21 in each block that follows it.
    fn old_sparse<R: BufRead, T: Tee>(
        &self,
        feed: &mut Feed<'_, R, T>,
        header: Header<'_>,
        at: u64,
        entry: &mut Entry,
    ) -> Found<()> {
        let fields = header.old_sparse();
        let number_at = |at, field: &[u8]| number(field).map_err(|fault| bad_number(at, "sparse map", field, fault));
        entry.size = number_at(at, fields.real_size)?;
        let mut map = MapBuilder::new(self.room);
        let mut push = |at: u64, parts: &[u8]| -> Found<bool> {
            for part in parts.as_chunks::<24>().0 {
                let (offset, length) = part.split_at(12);
                if offset[0] == 0 && length[0] == 0 {
                    return Ok(false);
                }
                map.push(number_at(at, offset)?, number_at(at, length)?);
            }
            Ok(true)
        };
        let mut full = push(at, fields.parts)?;
        let mut extended = fields.extended;
        while extended {
            let at = feed.source.position();
            if !full {
                return Err(trouble(at, ArchiveErrorKind::Ambiguous(Ambiguity::SparseEnd)));
            }
            let block = feed
                .block()
                .map_err(|stop| stopped(stop, at, Some(entry.reference()), |came| Torn::Header { came }))?;
            full = push(at, &block[..504])?;
            extended = block[504] != 0;
        }
        entry.sparse = Some(map.finish(entry.size, entry.stored));
        check_end(entry, feed.source.position(), header)
    }

    /// Reads the map of a PAX sparse file. A bad one spoils the file, not the framing.
    fn pax_sparse<R: BufRead, T: Tee>(&self, feed: &mut Feed<'_, R, T>, pax: &Records, entry: &mut Entry) -> Found<()> {
        if entry.kind != EntryKind::File {
            entry.sparse = Some(Err(SparseFault::NoFile));
            return Ok(());
        }
        if entry.sparse.is_some() {
            entry.sparse = Some(Err(SparseFault::TwoMaps));
            return Ok(());
        }
        entry.sparse = Some(match pax.sparse.notation() {
            Err(fault) => Err(fault),
            Ok(Notation::InRecords { real_size }) => {
                entry.size = real_size;
                pax.sparse.map(real_size, entry.stored, self.room)
            }
            Ok(Notation::InData { real_size }) => {
                entry.size = real_size;
                self.data_map(feed, real_size, entry)?
            }
        });
        Ok(())
    }

    fn data_map<R: BufRead, T: Tee>(
        &self,
        feed: &mut Feed<'_, R, T>,
        real_size: u64,
        entry: &mut Entry,
    ) -> Found<Result<Vec<Segment>, SparseFault>> {
        let whole = entry.stored;
        let mut map = DataMap::new(self.room);
        while map.wants_more() && map.length() < whole {
            let came_before = map.length();
            let block = feed.block().map_err(|stop| {
                stopped(stop, feed.source.position(), Some(entry.reference()), |came| {
                    Torn::Data {
                        needs: whole,
                        came: came_before + came,
                    }
                })
            })?;
            map.take(&block);
        }
        entry.stored = whole.saturating_sub(map.length());
        Ok(map.finish(real_size, entry.stored))
    }
}

impl Extensions {
    fn begin(&mut self, at: u64) {
        self.start.get_or_insert(at);
    }

    fn expect_none(&self, at: u64) -> Found<()> {
        match self.start {
            None => Ok(()),
            Some(_) => Err(trouble(at, ArchiveErrorKind::Ambiguous(Ambiguity::NoEntry))),
        }
    }

    fn add_pax(&mut self, body: &[u8], at: u64) -> Found<()> {
        self.begin(at);
        let mut records = Records::default();
        records.add(body, at)?;
        let two = self.pax.replace(records).is_some();
        refuse_if(two, Ambiguity::TwoPaxHeaders, at)?;
        self.check_names(at)
    }

    fn add_long_name(&mut self, body: &[u8], at: u64) -> Found<()> {
        self.begin(at);
        let two = self.long_name.replace(long_name(body, at)?).is_some();
        refuse_if(two, Ambiguity::TwoLongNames, at)?;
        self.check_names(at)
    }

    fn add_long_link(&mut self, body: &[u8], at: u64) -> Found<()> {
        self.begin(at);
        let two = self.long_link.replace(long_name(body, at)?).is_some();
        refuse_if(two, Ambiguity::TwoLongLinks, at)?;
        self.check_names(at)
    }

    /// A PAX header and a GNU one may both name the entry, or its target, where they say the same.
    fn check_names(&self, at: u64) -> Found<()> {
        let Some(pax) = &self.pax else { return Ok(()) };
        if let Some(long_name) = &self.long_name {
            let sparse_name = pax.sparse.name.as_ref();
            let disagree = pax.path.contradicts(long_name) || sparse_name.is_some_and(|name| name != long_name);
            refuse_if(disagree, Ambiguity::PathAndLongName, at)?;
        }
        match &self.long_link {
            Some(long_link) => refuse_if(pax.linkpath.contradicts(long_link), Ambiguity::LinkPathAndLongLink, at),
            None => Ok(()),
        }
    }
}

impl Records {
    /// Adds the records in the body of the header at `at`.
    fn add(&mut self, body: &[u8], at: u64) -> Found<()> {
        self.parse(body).map_err(|(within, fault)| {
            let at = at + BLOCK_BYTES + within as u64;
            trouble(at, ArchiveErrorKind::Pax { fault })
        })
    }
}

fn refuse_if(condition: bool, ambiguity: Ambiguity, at: u64) -> Found<()> {
    if condition {
        return Err(trouble(at, ArchiveErrorKind::Ambiguous(ambiguity)));
    }
    Ok(())
}

fn long_name(body: &[u8], at: u64) -> Found<Vec<u8>> {
    let name = until_nul(body);
    let only_nuls = body[name.len()..].iter().all(|byte| *byte == 0);
    refuse_if(!only_nuls, Ambiguity::BehindNul, at)?;
    Ok(name.to_vec())
}

fn has_data(kind: EntryKind) -> bool {
    !matches!(
        kind,
        EntryKind::HardLink
            | EntryKind::SymbolicLink
            | EntryKind::CharacterDevice
            | EntryKind::BlockDevice
            | EntryKind::Directory
            | EntryKind::Fifo
    )
}

fn checked_size(header: Header<'_>, at: u64) -> Found<u64> {
    header
        .size()
        .map_err(|fault| bad_number(at, "size", header.size_field(), fault))
}

/// Refuses an entry whose data would end where no offset reaches.
fn check_end(entry: &Entry, position: u64, header: Header<'_>) -> Found<()> {
    let end = entry
        .stored
        .checked_next_multiple_of(BLOCK_BYTES)
        .and_then(|length| length.checked_add(position));
    if end.is_some_and(|end| end <= MAX_OFFSET) {
        return Ok(());
    }
    Err(bad_number(
        entry.start,
        "size",
        header.size_field(),
        NumberFault::TooLarge,
    ))
}

fn bad_number(at: u64, field: &'static str, value: &[u8], fault: NumberFault) -> Trouble {
    let value = value.escape_ascii().to_string();
    trouble(at, ArchiveErrorKind::Number { field, value, fault })
}

pub(super) fn trouble(at: u64, kind: ArchiveErrorKind) -> Trouble {
    Trouble { at, entry: None, kind }
}

pub(super) fn read_trouble(at: u64, error: io::Error) -> Trouble {
    let kind = match error.downcast() {
        Ok(error) => ArchiveErrorKind::Compressed(error),
        Err(error) => ArchiveErrorKind::Read(error),
    };
    trouble(at, kind)
}

fn stopped(error: FeedError, at: u64, entry: Option<EntryRef>, torn: impl FnOnce(u64) -> Torn) -> Trouble {
    let mut trouble = match error {
        FeedError::End { came, .. } => trouble(at, ArchiveErrorKind::Torn(torn(came))),
        FeedError::Read(error) => read_trouble(at, error),
        FeedError::Buffer(error) => trouble(at, ArchiveErrorKind::Buffer(error)),
    };
    trouble.entry = entry;
    trouble
}

//! What goes up as one file set at a time: a part of a load of files.

use std::io;

use super::context::Context;
use super::write_mode::WriteMode;
use super::{Change, Changes, MAX_CHUNK};
use spoutctl_archive::File;

/// Below this a part is not halved any more: a server that takes less cannot be written to.
pub(crate) const SMALLEST_PART: u64 = 64 << 10;
/// What a file costs in a part besides its bytes, so that parts of empty files end too; and what a deletion costs.
pub(super) const FILE_COST: u64 = 256;

/// Deletions and files that go up in parts, in the order of their numbers.
pub(crate) trait Load {
    /// How many files it deletes, before any is added.
    fn deletions(&self) -> usize {
        0
    }

    fn deletion(&self, _: usize) -> Option<&str> {
        None
    }

    /// The file of this number; `None` behind the last.
    fn file(&self, number: usize) -> Option<File<'_>>;

    /// Fills `buffer` with what the file holds from `offset` on.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, number: usize, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// So many more bytes are on their way.
    fn sent(&self, _bytes: u64) {}
}

/// A place in a load: its deletions, and then its files. Deletions come first, so that a file which an archive both
/// deletes and adds is a new one, also when it is appended to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    pub deletion: usize,
    pub file: usize,
    pub offset: u64,
}

impl Cursor {
    pub fn is_end_of(self, load: &dyn Load) -> bool {
        self.deletion >= load.deletions() && load.file(self.file).is_none()
    }

    fn next_file(self) -> Self {
        Self {
            file: self.file + 1,
            offset: 0,
            ..self
        }
    }
}

/// Where a part ends that starts at `start` and holds at most `limit` bytes, and how many bytes of files are in it.
/// A part always gets on by at least one byte, one file or one deletion.
pub(crate) fn part_end(load: &dyn Load, start: Cursor, limit: u64) -> (Cursor, u64) {
    let mut end = start;
    let mut cost = 0;
    let mut bytes = 0;
    while end.deletion < load.deletions() {
        if cost >= limit {
            return (end, bytes);
        }
        end.deletion += 1;
        cost += FILE_COST;
    }
    while let Some(file) = load.file(end.file).filter(|_| cost < limit) {
        let left = file.size - end.offset;
        let room = (limit - cost).saturating_sub(FILE_COST).max(1);
        if left > room {
            end.offset += room;
            return (end, bytes + room);
        }
        bytes += left;
        cost += left + FILE_COST;
        end = end.next_file();
    }
    (end, bytes)
}

/// The changes of one part.
pub(crate) struct PartChanges<'a> {
    load: &'a dyn Load,
    mode: WriteMode,
    context: &'a Context,
    next: Cursor,
    end: Cursor,
    deleted: bool,
    chunk: Vec<u8>,
}

impl<'a> PartChanges<'a> {
    pub fn new(load: &'a dyn Load, mode: WriteMode, context: &'a Context, start: Cursor, end: Cursor) -> Self {
        // A file that goes on from the part before was deleted there: deleting it again would lose that piece.
        let deleted = start.offset > 0;
        Self {
            load,
            mode,
            context,
            next: start,
            end,
            deleted,
            chunk: Vec::new(),
        }
    }
}

impl Changes for PartChanges<'_> {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        if self.context.is_over() {
            return Err(io::Error::other("the grace period is over"));
        }
        let Cursor {
            deletion,
            file: number,
            offset,
        } = self.next;
        if let Some(path) = self.load.deletion(deletion).filter(|_| deletion < self.end.deletion) {
            self.next.deletion += 1;
            return Ok(Some(Change::Delete { path }));
        }
        // The file that the next part goes on with ends here at the part's end.
        let limit = if number == self.end.file {
            self.end.offset
        } else {
            u64::MAX
        };
        let Some(file) = self
            .load
            .file(number)
            .filter(|_| number <= self.end.file && offset < limit)
        else {
            return Ok(None);
        };
        if self.mode == WriteMode::Overwrite && !self.deleted {
            self.deleted = true;
            return Ok(Some(Change::Delete { path: file.path }));
        }
        let stop = file.size.min(limit);
        let length = usize::try_from(stop - offset).map_or(MAX_CHUNK, |left| left.min(MAX_CHUNK));
        self.chunk.resize(length, 0);
        self.load.read(number, offset, &mut self.chunk)?;
        self.load.sent(length as u64);
        self.next.offset += length as u64;
        if self.next.offset >= file.size {
            self.next = self.next.next_file();
            self.deleted = false;
        }
        Ok(Some(Change::Append {
            path: file.path,
            data: &self.chunk,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many deletions, and files of these sizes.
    struct Sizes(usize, Vec<u64>);

    impl Load for Sizes {
        fn deletions(&self) -> usize {
            self.0
        }

        fn file(&self, number: usize) -> Option<File<'_>> {
            self.1.get(number).map(|size| File {
                path: "/f",
                size: *size,
            })
        }

        fn read(&self, _: usize, _: u64, _: &mut [u8]) -> io::Result<()> {
            Ok(())
        }
    }

    /// The ends of the parts of at most `limit` bytes, and the bytes of files in each.
    fn parts(load: &Sizes, limit: u64) -> Vec<(Cursor, u64)> {
        let mut ends: Vec<(Cursor, u64)> = Vec::new();
        let mut start = Cursor::default();
        while !start.is_end_of(load) {
            let (end, bytes) = part_end(load, start, limit);
            assert_ne!(end, start, "every part gets on");
            ends.push((end, bytes));
            start = end;
        }
        ends
    }

    fn at(deletion: usize, file: usize, offset: u64) -> Cursor {
        Cursor { deletion, file, offset }
    }

    #[test]
    fn deletions_fill_parts_before_any_file_does() {
        let load = Sizes(5, vec![10, 700]);
        assert_eq!(parts(&load, u64::MAX), [(at(5, 2, 0), 710)]);
        assert_eq!(
            parts(&load, 4 * FILE_COST),
            [(at(4, 0, 0), 0), (at(5, 1, 246), 256), (at(5, 2, 0), 454)],
        );
    }

    #[test]
    fn deletions_alone_have_parts_too() {
        let load = Sizes(3, Vec::new());
        assert_eq!(parts(&load, u64::MAX), [(at(3, 0, 0), 0)]);
        let one_each: Vec<_> = (1..=3).map(|deletion| (at(deletion, 0, 0), 0)).collect();
        assert_eq!(parts(&load, 1), one_each);
    }
}

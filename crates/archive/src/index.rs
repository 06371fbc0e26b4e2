//! The files of one archive, gathered while it is framed: 48 bytes an entry and its path, 16 bytes a deletion and its
//! path, and 16 bytes for every stored part of a sparse file.
//!
//! What can only be said once all entries are known is said here: which of two entries of one path counts, where links
//! lead, and whether a path is a file and a directory at once.

mod files;
mod links;
mod merging;
mod record;
mod table;

use std::fmt;
use std::ops::Range;

use super::entries::{DeletionHeader, Entry};
use super::error::{ContentErrorKind, DeletionFault, EntryRef, Problem};
use super::header::EntryKind;
use super::options::{Links, Options, Special};
use super::path::{MAX_PATH, PathFault, PathRules};
use super::sparse::{Segment, SparseFault};
use spoutctl_core::quantity::grouped;

pub use self::files::{File, Files, NextFile};
pub(super) use self::merging::Merging;
pub use self::merging::SamePath;
pub use self::record::EntryKey;
use self::record::{Deletion, Kind, Record, is_under, length, tree_order};
use self::table::{Checked, InvalidTarget, Table};

/// Entries of one kind that were left out because the options say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub kind: EntryKind,
    pub count: u64,
    pub first: EntryRef,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, count, first } = self;
        match count {
            1 => write!(f, "{kind} `{}` was left out", first.name),
            _ => write!(
                f,
                "{} entries were left out; the first is {kind} `{}`",
                grouped(*count),
                first.name
            ),
        }
    }
}

/// What was passed over because the options say so.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    pub(super) skipped: Vec<Skipped>,
    /// How many deletions.
    pub(super) deletions: u64,
    /// Bytes of the archive's end that did not come.
    pub(super) missing_end: u64,
}

/// The entries of an archive that is still being read.
#[derive(Debug)]
pub(super) struct Index {
    table: Table,
    links: Links,
    special: Special,
    max_entry_size: u64,
    max_archive_size: u64,
    obey_deletions: bool,
    segments: Vec<Segment>,
    maps: Vec<Range<usize>>,
    deletions: Vec<Deletion>,
    has_entries: bool,
    left_out: LeftOut,
}

/// Links with a target that is no path, until all entries are known.
const MOST_INVALID_TARGETS: usize = 10_000;

impl Index {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            table: Table::new(PathRules::new(&options.prefix, options.escape_paths)),
            links: options.links,
            special: options.special,
            max_entry_size: options.max_entry_size,
            max_archive_size: options.max_archive_size,
            obey_deletions: options.obey_deletions,
            segments: Vec::new(),
            maps: Vec::new(),
            deletions: Vec::new(),
            has_entries: false,
            left_out: LeftOut::default(),
        }
    }

    /// Takes an entry whose data start at `data` bytes from the archive's start.
    pub(super) fn add(&mut self, entry: &mut Entry, data: u64) -> Checked<()> {
        self.has_entries = true;
        if self.obey_deletions && entry.has_deletion {
            return Err(problem(entry, ContentErrorKind::Deletion(DeletionFault::NotGlobal)));
        }
        match (entry.kind, self.links, self.special) {
            (EntryKind::Directory | EntryKind::HardLink | EntryKind::SymbolicLink, ..) if entry.sparse.is_some() => {
                Err(problem(entry, ContentErrorKind::Sparse(SparseFault::NoFile)))
            }
            (EntryKind::File, ..) => self.add_file(entry, data),
            (EntryKind::Directory, ..) => self.add_directory(entry),
            (EntryKind::HardLink | EntryKind::SymbolicLink, Links::Resolve, _) => self.add_link(entry),
            (EntryKind::HardLink | EntryKind::SymbolicLink, Links::Skip, _) | (.., Special::Skip) => {
                self.skip(entry);
                Ok(())
            }
            (kind, _, Special::Refuse) => Err(problem(entry, ContentErrorKind::Special(kind))),
        }
    }

    /// Takes the deletions of a global header, or counts them where they are not obeyed.
    pub(super) fn delete(&mut self, header: &DeletionHeader) -> Checked<()> {
        if !self.obey_deletions {
            self.left_out.deletions += header.deletions().count() as u64;
            return Ok(());
        }
        for (number, name) in header.deletions() {
            self.add_deletion(number, name).map_err(|fault| Problem {
                entry: EntryRef::new(name, header.start),
                kind: ContentErrorKind::Deletion(fault),
            })?;
        }
        Ok(())
    }

    fn add_deletion(&mut self, number: Option<u64>, name: &[u8]) -> Result<(), DeletionFault> {
        let found = number.ok_or(DeletionFault::NoNumber)?;
        let expected = self.deletions.len() as u64;
        if found != expected {
            return Err(DeletionFault::OutOfTurn { expected, found });
        }
        if self.has_entries {
            return Err(DeletionFault::BehindEntry);
        }
        // As a file's it would be another path than what is meant, and a directory's has no effect in a file set
        // (recordings p 074–079).
        if name.ends_with(b"/") {
            return Err(DeletionFault::Directory);
        }
        let path_start = self.table.arena.len();
        self.table.reserve(self.table.rules.base().len() + name.len() + 1);
        self.table
            .rules
            .push(name, &mut self.table.arena)
            .map_err(DeletionFault::Path)?;
        let path = path_start..self.table.arena.len();
        if path.len() == self.table.rules.base().len() {
            return Err(DeletionFault::Path(PathFault::Root));
        }
        if self.deletions.len() == self.deletions.capacity() {
            self.deletions.reserve_exact(self.deletions.len() / 4 + 64);
        }
        self.deletions.push(Deletion {
            path_start,
            path_length: length(&path),
        });
        Ok(())
    }

    /// The plain file that was added last, if it is this entry.
    pub(super) fn next_file(&self, entry: &Entry) -> Option<NextFile<'_>> {
        let record = self.table.records.last()?;
        (record.kind == Kind::File && record.header == entry.start).then(|| NextFile {
            path: record.path(&self.table.arena),
            size: record.size,
            data: record.data,
            key: record.key(),
        })
    }

    /// What was left out so far.
    pub(super) fn take_left_out(&mut self) -> LeftOut {
        std::mem::take(&mut self.left_out)
    }

    fn add_file(&mut self, entry: &mut Entry, data: u64) -> Checked<()> {
        let sparse = entry.sparse.take().transpose();
        let sparse = sparse.map_err(|fault| problem(entry, ContentErrorKind::Sparse(fault)))?;
        if entry.size > self.max_entry_size {
            return Err(problem(
                entry,
                ContentErrorKind::TooLarge {
                    size: entry.size,
                    limit: self.max_entry_size,
                },
            ));
        }
        let path = self.push_path(entry)?;
        if path.len() == self.table.rules.base().len() {
            return Err(problem(entry, ContentErrorKind::Path(PathFault::Root)));
        }
        let (kind, extra) = match sparse {
            None => (Kind::File, 0),
            Some(segments) => (Kind::SparseFile, self.push_map(segments, entry)?),
        };
        self.table.push(Record {
            path_start: path.start,
            header: entry.start,
            data,
            size: entry.size,
            path_length: length(&path),
            extra,
            kind,
        });
        Ok(())
    }

    fn add_directory(&mut self, entry: &Entry) -> Checked<()> {
        if entry.stored > 0 {
            // A repo has no place for them, and to drop them would lose data without a word.
            let size = entry.stored;
            return Err(problem(entry, ContentErrorKind::DirectoryWithData { size }));
        }
        if entry.name.is_empty() {
            // The root itself, as `--transform` and like options leave it of `./`.
            return Ok(());
        }
        let path = self.push_path(entry)?;
        if path.len() == self.table.rules.base().len() {
            // The root is a directory anyway.
            self.table.arena.truncate(path.start);
            return Ok(());
        }
        self.table.push(Record {
            path_start: path.start,
            header: entry.start,
            data: 0,
            size: 0,
            path_length: length(&path),
            extra: 0,
            kind: Kind::Directory,
        });
        Ok(())
    }

    fn add_link(&mut self, entry: &Entry) -> Checked<()> {
        let path = self.push_path(entry)?;
        if path.len() == self.table.rules.base().len() {
            return Err(problem(entry, ContentErrorKind::Path(PathFault::Root)));
        }
        let start = self.table.arena.len();
        self.table.reserve(entry.link.len() + path.len());
        let (kind, outcome) = if entry.kind == EntryKind::HardLink {
            (
                Kind::HardLink,
                self.table.rules.push(&entry.link, &mut self.table.arena),
            )
        } else {
            (
                Kind::SymbolicLink,
                self.table.rules.push_target(&entry.link, &mut self.table.arena),
            )
        };
        let (kind, extra) = match outcome {
            Ok(()) => (kind, 0),
            Err(fault) => (Kind::UnfitLink, self.push_unfit(entry, fault)?),
        };
        self.table.push(Record {
            path_start: path.start,
            header: entry.start,
            data: start as u64,
            size: (self.table.arena.len() - start) as u64,
            path_length: length(&path),
            extra,
            kind,
        });
        Ok(())
    }

    /// Keeps what is wrong with a link until it is known whether the link counts; of too many, none is waited for.
    fn push_unfit(&mut self, entry: &Entry, fault: PathFault) -> Checked<u32> {
        let invalid_target = InvalidTarget {
            link: entry.kind,
            target: super::error::printable(&entry.link),
            fault,
        };
        if self.table.invalid_targets.len() == MOST_INVALID_TARGETS {
            return Err(problem(entry, invalid_target.into()));
        }
        self.table.invalid_targets.push(invalid_target);
        Ok(u32::try_from(self.table.invalid_targets.len() - 1).unwrap_or(u32::MAX))
    }

    fn skip(&mut self, entry: &Entry) {
        let skipped = &mut self.left_out.skipped;
        match skipped.iter_mut().find(|skipped| skipped.kind == entry.kind) {
            Some(skipped) => skipped.count += 1,
            None => skipped.push(Skipped {
                kind: entry.kind,
                count: 1,
                first: entry.reference(),
            }),
        }
    }

    fn push_path(&mut self, entry: &Entry) -> Checked<Range<usize>> {
        let start = self.table.arena.len();
        self.table.reserve(self.table.rules.base().len() + entry.name.len() + 1);
        self.table
            .rules
            .push(&entry.name, &mut self.table.arena)
            .map_err(|fault| problem(entry, ContentErrorKind::Path(fault)))?;
        let path = start..self.table.arena.len();
        if path.len() > MAX_PATH {
            return Err(problem(entry, ContentErrorKind::Path(PathFault::TooLong(path.len()))));
        }
        Ok(path)
    }

    fn push_map(&mut self, segments: Vec<Segment>, entry: &Entry) -> Checked<u32> {
        let start = self.segments.len();
        if start == 0 {
            // Most often there is one large sparse file: its map is large, too, and need not be there twice.
            self.segments = segments;
        } else {
            if self.segments.capacity() - start < segments.len() {
                self.segments.reserve_exact(segments.len().max(start / 4));
            }
            self.segments.extend(segments);
        }
        let index = u32::try_from(self.maps.len());
        let index = index.map_err(|_| problem(entry, ContentErrorKind::Sparse(SparseFault::TooManySegments)))?;
        self.maps.push(start..self.segments.len());
        Ok(index)
    }

    /// The files, once all entries are in.
    pub(super) fn finish(mut self) -> Checked<Files> {
        let arena = &self.table.arena;
        self.table
            .records
            .sort_unstable_by(|a, b| tree_order(a.path(arena), b.path(arena)).then(a.header.cmp(&b.header)));
        self.check_collisions()?;
        self.table.follow_links()?;
        let arena = &self.table.arena;
        self.table.records.dedup_by(|later, earlier| {
            let same = later.path(arena) == earlier.path(arena);
            if same {
                *earlier = *later;
            }
            same
        });
        self.table.copy_linked_directories()?;
        self.table
            .records
            .retain(|record| matches!(record.kind, Kind::File | Kind::SparseFile));
        let total = self.total()?;
        let Self {
            table: Table {
                arena: paths,
                mut records,
                ..
            },
            segments,
            maps,
            mut deletions,
            ..
        } = self;
        deletions.sort_unstable_by(|a, b| a.path(&paths).cmp(b.path(&paths)));
        deletions.dedup_by(|later, earlier| later.path(&paths) == earlier.path(&paths));
        deletions.shrink_to_fit();
        records.sort_unstable_by(|a, b| a.path(&paths).cmp(b.path(&paths)));
        records.shrink_to_fit();
        Ok(Files {
            paths,
            records,
            segments,
            maps,
            deletions,
            total,
        })
    }

    /// The bytes of all files.
    fn total(&self) -> Checked<u64> {
        let mut total = 0_u64;
        for record in &self.table.records {
            total = total.saturating_add(record.size);
            if total > self.max_archive_size {
                return Err(Problem {
                    entry: self.table.reference(record),
                    kind: ContentErrorKind::ArchiveTooLarge {
                        limit: self.max_archive_size,
                    },
                });
            }
        }
        Ok(total)
    }

    /// In tree order whatever lies under a path follows that path at once, so that neighbours tell.
    fn check_collisions(&self) -> Checked<()> {
        for pair in self.table.records.windows(2) {
            let [first, second] = pair else { continue };
            let (path, other) = (first.path(&self.table.arena), second.path(&self.table.arena));
            let is_file = |record: &Record| record.kind != Kind::Directory;
            let collides = if path == other {
                // A link gives way to a directory, and a directory with nothing in it to what comes later, as they do
                // where GNU tar unpacks them. If something is in it, that is a neighbour of what came later.
                is_file(first) && !is_file(second) && !first.is_link()
            } else {
                is_file(first) && is_under(other, path)
            };
            if collides {
                let (file, directory) = if is_file(first) {
                    (first, second)
                } else {
                    (second, first)
                };
                return Err(Problem {
                    entry: self.table.reference(file),
                    kind: ContentErrorKind::Collision {
                        file: self.table.kind_of(file),
                        other: self.table.reference(directory),
                    },
                });
            }
        }
        Ok(())
    }
}

fn problem(entry: &Entry, kind: ContentErrorKind) -> Problem {
    Problem {
        entry: entry.reference(),
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Tar, files, read_all};
    use super::*;

    fn index(tar: Tar, options: &Options) -> Result<Vec<(String, Vec<u8>)>, Problem> {
        let (archives, error) = read_all(&tar.end(), options);
        assert!(error.is_none());
        match &archives[0].contents {
            Ok(_) => Ok(files(&archives[0])),
            Err(error) => Err(error.problem.clone()),
        }
    }

    fn expect(tar: Tar, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(path, content)| ((*path).to_owned(), content.as_bytes().to_vec()))
            .collect();
        assert_eq!(index(tar, &Options::default()), Ok(expected));
    }

    #[test]
    fn of_one_path_the_last_entry_counts() {
        let tar = Tar::new()
            .file("a", b"1")
            .file("b", b"2")
            .file("./a", b"3")
            .file("/a", b"4");
        expect(tar, &[("/a", "4"), ("/b", "2")]);
    }

    #[test]
    fn files_are_sorted_by_the_bytes_of_their_paths_and_found_by_them() {
        let tar = Tar::new()
            .file("a/b", b"")
            .file("a-x", b"")
            .file("a0", b"")
            .file("Z", b"");
        let (archives, _) = read_all(&tar.end(), &Options::default());
        let files = archives[0].contents.as_ref().unwrap();
        let paths: Vec<_> = files.iter().map(|file| file.path).collect();
        assert_eq!(paths, ["/Z", "/a-x", "/a/b", "/a0"]);
        assert_eq!(files.find("/a/b"), Some(2));
        assert_eq!(files.find("/a"), None);
    }

    #[test]
    fn a_path_that_is_a_file_and_a_directory_is_refused_with_both_entries() {
        let between = || {
            Tar::new()
                .file("a-x", b"")
                .file("a.b", b"")
                .file("a!".trim_end_matches('!'), b"1")
        };
        for (tar, file, directory) in [
            (between().file("a/b", b"2"), ("/a", 1024), ("/a/b", 2048)),
            (between().file("a/b/c/d", b"2"), ("/a", 1024), ("/a/b/c/d", 2048)),
            (between().directory("a/"), ("/a", 1024), ("/a", 2048)),
            (between().directory("a/z"), ("/a", 1024), ("/a/z", 2048)),
            (between().symlink("a/l", "../a-x"), ("/a", 1024), ("/a/l", 2048)),
            (
                Tar::new().symlink("l", "d").file("l/f", b"").file("d/f", b""),
                ("/l", 0),
                ("/l/f", 512),
            ),
            (
                Tar::new().directory("a").file("a/b", b"").file("a", b""),
                ("/a", 1024),
                ("/a/b", 512),
            ),
            (
                Tar::new()
                    .directory("a")
                    .file("b", b"")
                    .symlink("a", "b")
                    .file("a/c", b""),
                ("/a", 1024),
                ("/a/c", 1536),
            ),
            // Not even when a later entry puts a file there again.
            (
                Tar::new().file("a", b"").directory("a").file("a", b""),
                ("/a", 0),
                ("/a", 512),
            ),
        ] {
            let problem = index(tar, &Options::default()).unwrap_err();
            let ContentErrorKind::Collision { other, .. } = problem.kind else {
                panic!("{problem:?}")
            };
            assert_eq!((problem.entry.name.as_str(), problem.entry.offset), file);
            assert_eq!((other.name.as_str(), other.offset), directory);
        }
    }

    #[test]
    fn an_empty_directory_gives_way_to_what_comes_later() {
        for tar in [
            Tar::new().directory("a").file("a", b"1"),
            Tar::new().directory("a/").file("b/c", b"1").symlink("a", "b/c"),
            Tar::new()
                .symlink("a", "nowhere")
                .directory("a")
                .file("b/c", b"1")
                .hard_link("a", "b/c"),
        ] {
            let files = index(tar, &Options::default()).unwrap();
            assert!(files.contains(&("/a".to_owned(), b"1".to_vec())), "{files:?}");
        }
        expect(
            Tar::new()
                .directory("current")
                .file("2/f", b"1")
                .symlink("current", "2"),
            &[("/2/f", "1"), ("/current/f", "1")],
        );
    }

    #[test]
    fn names_that_share_a_start_are_no_collision() {
        expect(
            Tar::new()
                .file("a", b"1")
                .file("a-x/y", b"2")
                .file("ab/c", b"3")
                .directory("a.d"),
            &[("/a", "1"), ("/a-x/y", "2"), ("/ab/c", "3")],
        );
    }

    #[test]
    fn a_hard_link_has_the_content_that_was_there_before_it_or_else_comes_after() {
        expect(
            Tar::new()
                .file("a", b"old")
                .hard_link("before", "a")
                .file("a", b"new")
                .hard_link("after", "./a")
                .hard_link("forward", "z")
                .file("z", b"first")
                .file("z", b"second"),
            &[
                ("/a", "new"),
                ("/after", "new"),
                ("/before", "old"),
                ("/forward", "first"),
                ("/z", "second"),
            ],
        );
    }

    #[test]
    fn a_symbolic_link_has_the_content_that_its_target_has_in_the_end() {
        expect(
            Tar::new()
                .symlink("d/l", "../a")
                .file("a", b"old")
                .symlink("m", "d/l")
                .hard_link("h", "m")
                .file("a", b"new")
                .symlink("abs", "/a"),
            &[
                ("/a", "new"),
                ("/abs", "new"),
                ("/d/l", "new"),
                ("/h", "new"),
                ("/m", "new"),
            ],
        );
    }

    #[test]
    fn a_link_to_a_sparse_file_is_expanded_too() {
        let sparse = Tar::new()
            .pax(&[("GNU.sparse.size", "6"), ("GNU.sparse.map", "4,2")])
            .file("f", b"ab");
        expect(
            sparse.hard_link("h", "f"),
            &[("/f", "\0\0\0\0ab"), ("/h", "\0\0\0\0ab")],
        );
    }

    #[test]
    fn a_link_or_a_directory_cannot_be_sparse() {
        let records = [("GNU.sparse.size", "6"), ("GNU.sparse.map", "4,0")];
        for tar in [
            Tar::new().pax(&records).symlink("l", "f"),
            Tar::new().pax(&records).directory("d"),
            Tar::new().pax(&records).file("d/", b""),
        ] {
            let problem = index(tar, &Options::default()).unwrap_err();
            assert_eq!(problem.kind, ContentErrorKind::Sparse(SparseFault::NoFile));
        }
    }

    #[test]
    fn the_files_together_are_bounded_as_what_links_stand_for() {
        let tar = || Tar::new().file("a", &[1; 600]).hard_link("b", "a").symlink("c", "a");
        let options = |max_archive_size| Options {
            max_archive_size,
            ..Options::default()
        };
        assert_eq!(index(tar(), &options(1800)).unwrap().len(), 3);
        let problem = index(tar(), &options(1799)).unwrap_err();
        assert_eq!(problem.kind, ContentErrorKind::ArchiveTooLarge { limit: 1799 });
        assert_eq!(problem.entry.name, "/c");
    }

    #[test]
    fn a_path_that_no_pod_could_open_is_refused() {
        let long = |length: usize| "d/".repeat(length / 2 - 1) + "f";
        for (length, fits) in [(4_096, true), (4_098, false)] {
            let name = long(length);
            let tar = Tar::new().pax(&[("path", &name)]).file("f", b"");
            let outcome = index(tar, &Options::default());
            assert_eq!(outcome.is_ok(), fits, "{length}");
            if let Err(problem) = outcome {
                assert_eq!(problem.kind, ContentErrorKind::Path(PathFault::TooLong(length)));
            }
        }
    }

    #[test]
    fn links_are_left_out_when_asked_with_a_note_of_the_first() {
        let options = Options {
            links: Links::Skip,
            ..Options::default()
        };
        let tar = Tar::new()
            .file("a", b"1")
            .symlink("s", "../..")
            .symlink("t", "a")
            .hard_link("h", "a");
        let (archives, _) = read_all(&tar.end(), &options);
        assert_eq!(files(&archives[0]), [("/a".to_owned(), b"1".to_vec())]);
        let notes: Vec<_> = archives[0]
            .skipped()
            .iter()
            .map(|note| (note.kind, note.count, note.first.name.as_str(), note.first.offset))
            .collect();
        assert_eq!(
            notes,
            [
                (EntryKind::SymbolicLink, 2, "s", 1024),
                (EntryKind::HardLink, 1, "h", 2048)
            ]
        );
    }

    #[test]
    fn a_file_cannot_be_the_root() {
        for name in [".", "/", "./."] {
            let problem = index(Tar::new().header(name.as_bytes(), b'7', 0, b""), &Options::default());
            // A slash at the end makes a directory of it.
            if name == "/" {
                assert_eq!(problem, Ok(vec![]));
            } else {
                assert_eq!(problem.unwrap_err().kind, ContentErrorKind::Path(PathFault::Root));
            }
        }
        expect(Tar::new().directory("").file("a", b"1"), &[("/a", "1")]);
        let problem = index(Tar::new().file("", b""), &Options::default()).unwrap_err();
        assert_eq!(problem.kind, ContentErrorKind::Path(PathFault::Empty));
    }

    fn obedient(prefix: &str, escape_paths: bool) -> Options {
        Options {
            prefix: spoutctl_core::pfs::FilePath::new(prefix).unwrap(),
            escape_paths,
            obey_deletions: true,
            ..Options::default()
        }
    }

    fn deletions(tar: Tar, options: &Options) -> Result<Vec<String>, super::super::ContentError> {
        let (archives, error) = read_all(&tar.end(), options);
        assert!(error.is_none());
        match &archives[0].contents {
            Ok(files) => {
                let paths: Vec<_> = files.deletions().map(str::to_owned).collect();
                assert!((0..paths.len()).all(|index| files.deletion(index) == Some(&paths[index])));
                assert_eq!(files.deletion(paths.len()), None);
                Ok(paths)
            }
            Err(error) => Err(error.clone()),
        }
    }

    fn three() -> Tar {
        Tar::new()
            .global_pax(&[("SPOUTCTL.delete.0", "b"), ("mtime", "1"), ("SPOUTCTL.delete.1", "./a")])
            .global_pax(&[("SPOUTCTL.delete.2", "/b")])
            .file("c", b"1")
    }

    #[test]
    fn deletions_are_counted_and_change_nothing_unless_they_are_obeyed() {
        let (archives, _) = read_all(&three().end(), &Options::default());
        let archive = &archives[0];
        assert_eq!(files(archive), [("/c".to_owned(), b"1".to_vec())]);
        assert_eq!(archive.contents.as_ref().unwrap().deletions().len(), 0);
        assert_eq!(archive.ignored_deletions(), 3);
        let notes: Vec<_> = archive.notes().collect();
        assert_eq!(
            notes,
            ["its deletions of 3 files were ignored; --obey-deletions obeys them"]
        );
        // A malformed one does not count either, and is no error of somebody who did not ask.
        let malformed = Tar::new().global_pax(&[("SPOUTCTL.delete.x", "../..")]);
        let (archives, _) = read_all(&malformed.end(), &Options::default());
        assert!(archives[0].contents.as_ref().unwrap().change_nothing());
        let (archives, _) = read_all(&three().end(), &obedient("/", false));
        assert_eq!((archives[0].ignored_deletions(), archives[0].notes().count()), (0, 0));
    }

    #[test]
    fn obeyed_deletions_are_paths_by_the_rules_of_entries() {
        assert_eq!(deletions(three(), &obedient("/", false)).unwrap(), ["/a", "/b"]);
        assert_eq!(deletions(three(), &obedient("/p", false)).unwrap(), ["/p/a", "/p/b"]);
        let odd = || Tar::new().global_pax(&[("SPOUTCTL.delete.0", "../a*")]);
        assert_eq!(deletions(odd(), &obedient("/p", true)).unwrap(), ["/p/%2E%2E/a%2A"]);
        let error = deletions(odd(), &obedient("/p", false)).unwrap_err();
        assert_eq!(
            error.problem.kind,
            ContentErrorKind::Deletion(DeletionFault::Path(PathFault::Parent))
        );
        assert!(error.help().unwrap().contains("--escape-paths"));
    }

    #[test]
    fn a_file_may_be_deleted_where_another_makes_a_directory() {
        let tar = Tar::new()
            .global_pax(&[
                ("SPOUTCTL.delete.0", "d"),
                ("SPOUTCTL.delete.1", "e/f"),
                ("SPOUTCTL.delete.2", "c"),
            ])
            .file("d/x", b"1")
            .file("e", b"2")
            .file("c", b"3");
        assert_eq!(deletions(tar, &obedient("/", false)).unwrap(), ["/c", "/d", "/e/f"]);
    }

    #[test]
    fn a_malformed_deletion_is_refused_and_said_where() {
        let path = |fault| DeletionFault::Path(fault);
        let turn = |expected, found| DeletionFault::OutOfTurn { expected, found };
        for (records, fault) in [
            (&[("SPOUTCTL.delete.1", "a")][..], turn(0, 1)),
            (&[("SPOUTCTL.delete.0", "a"), ("SPOUTCTL.delete.2", "b")], turn(1, 2)),
            (&[("SPOUTCTL.delete.0", "a"), ("SPOUTCTL.delete.0", "a")], turn(1, 0)),
            (&[("SPOUTCTL.delete.00", "a")], DeletionFault::NoNumber),
            (&[("SPOUTCTL.delete.", "a")], DeletionFault::NoNumber),
            (
                &[("SPOUTCTL.delete.18446744073709551616", "a")],
                DeletionFault::NoNumber,
            ),
            (&[("SPOUTCTL.delete.0", "d/")], DeletionFault::Directory),
            (&[("SPOUTCTL.delete.0", "")], path(PathFault::Empty)),
            (&[("SPOUTCTL.delete.0", "./.")], path(PathFault::Root)),
            (&[("SPOUTCTL.delete.0", "a/../b")], path(PathFault::Parent)),
        ] {
            let error = deletions(Tar::new().global_pax(records), &obedient("/p", false)).unwrap_err();
            assert_eq!(error.problem.kind, ContentErrorKind::Deletion(fault), "{records:?}");
            assert!(error.help().is_some());
        }
        let late = Tar::new().file("a", b"1").global_pax(&[("SPOUTCTL.delete.0", "b")]);
        let error = deletions(late, &obedient("/", false)).unwrap_err();
        assert_eq!(
            error.details(),
            [
                "the deletion of `b` (in the header at byte 1,024): it comes behind an entry, and deletions come \
                 before all of them"
            ]
        );
        let own = Tar::new().pax(&[("SPOUTCTL.delete.0", "b")]).file("a", b"1");
        let error = deletions(own, &obedient("/", false)).unwrap_err();
        assert_eq!(
            error.details(),
            ["entry `a` (starts at byte 0): its PAX header has a deletion, which belongs into a global header"]
        );
    }
}

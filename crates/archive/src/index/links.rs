//! Where links lead, and what becomes of them: a link to a file becomes a file of the same content, one to a directory
//! a directory of the same files.
//!
//! A symbolic link is walked as a kernel walks it, through links to directories on its way (`current/app.conf`, and the
//! `..data/key` of Kubernetes' mounts), over the entries that count in the end. A directory that no entry names is
//! there as soon as something lies in it.

use std::cmp::Ordering;
use std::ops::Range;

use super::record::{Kind, Record, is_under, length, tree_order};
use super::table::{Checked, Table};
use crate::error::{ContentErrorKind, LinkFault, Problem, printable};
use crate::header::EntryKind;
use crate::path::{MAX_PATH, PathFault};

/// How many files links to directories may stand for, and how many bytes the paths of these may have.
const MOST_COPIES: usize = 1 << 20;
const MOST_COPIED_PATHS: usize = 64 << 20;
/// How many links to directories may lie in one another, as in Linux.
const DEEPEST: usize = 40;

/// A link that is being followed, and what of its target is still to come.
struct Walk {
    link: usize,
    was: Kind,
    rest: Range<usize>,
    /// The link on its way that has to be followed first.
    waits_for: Option<usize>,
}

/// What stands at a path.
enum Found {
    Nothing,
    Directory,
    Entry(usize),
}

enum Arrived {
    File(usize),
    /// The directory's path.
    Directory(String),
    /// A link is to be followed first.
    At(usize),
}

/// Why a walk ends before it arrives.
enum Lost {
    Because(LinkFault),
    /// The link at this index has no path as its target.
    Through(usize),
}

impl From<LinkFault> for Lost {
    fn from(fault: LinkFault) -> Self {
        Self::Because(fault)
    }
}

impl Table {
    /// Gives every link that counts what it leads to. Each is followed once, and what it leads to is kept in it.
    pub(super) fn follow_links(&mut self) -> Checked<()> {
        for start in 0..self.records.len() {
            let counts = |record: &Record| {
                let next = self.records.get(start + 1);
                next.is_none_or(|next| next.path(&self.arena) != record.path(&self.arena))
            };
            if self.records[start].is_link() && counts(&self.records[start]) {
                self.follow(start)?;
            }
        }
        Ok(())
    }

    fn follow(&mut self, start: usize) -> Checked<()> {
        let mut walks = vec![self.set_out(start)?];
        let mut at = String::new();
        self.place(&walks[0], &mut at);
        while let Some(walk) = walks.last_mut() {
            let arrived = match self.walk(walk, &mut at) {
                Ok(Arrived::At(link)) => {
                    walk.waits_for = Some(link);
                    let next = self.set_out(link)?;
                    self.place(&next, &mut at);
                    walks.push(next);
                    continue;
                }
                Ok(arrived) => self.settle(walk.link, arrived),
                Err(lost) => Err(lost),
            };
            if let Err(lost) = arrived {
                return Err(self.lost(walk, lost));
            }
            walks.pop();
        }
        Ok(())
    }

    /// Marks the link at `index` as one that is being followed.
    fn set_out(&mut self, index: usize) -> Checked<Walk> {
        let record = self.records[index];
        if record.kind == Kind::UnfitLink {
            return Err(self.invalid_target(&record));
        }
        self.records[index].kind = Kind::Followed;
        let start = offset(record.data);
        Ok(Walk {
            link: index,
            was: record.kind,
            rest: start..start + offset(record.size),
            waits_for: None,
        })
    }

    /// Sets `at` to where the walk begins.
    fn place(&self, walk: &Walk, at: &mut String) {
        at.clear();
        if walk.was == Kind::HardLink {
            // Its target has the prefix itself.
            return;
        }
        let path = self.records[walk.link].path(&self.arena);
        if self.arena[walk.rest.clone()].starts_with('/') {
            at.push_str(self.rules.base());
        } else {
            at.push_str(&path[..path.rfind('/').unwrap_or(0)]);
        }
    }

    /// Walks on until a file, the end of the target, or a link that was not followed yet.
    fn walk(&self, walk: &mut Walk, at: &mut String) -> Result<Arrived, Lost> {
        let base = self.rules.base().len();
        if let Some(link) = walk.waits_for.take() {
            if let Some(file) = self.pass(walk, link, at)? {
                return Ok(file);
            }
        } else if walk.was == Kind::HardLink
            && let Some(entry) = self.linked_entry(walk)?
        {
            // What was there when it was written comes before what the path means in the end.
            walk.rest.start = walk.rest.end;
            if let Some(arrived) = self.pass(walk, entry, at)? {
                return Ok(arrived);
            }
        }
        while let Some(element) = self.next_element(walk) {
            if &self.arena[element.clone()] == ".." {
                if at.len() == base {
                    return Err(LinkFault::Path(PathFault::Outside).into());
                }
                at.truncate(at.rfind('/').unwrap_or(0));
                continue;
            }
            at.push('/');
            at.push_str(&self.arena[element]);
            let is_last = walk.rest.is_empty();
            match self.look_up(at) {
                // What lies on the way need not be in the archive; `..` may lead back from there.
                Found::Nothing if is_last => return Err(LinkFault::Missing.into()),
                Found::Nothing | Found::Directory => {}
                Found::Entry(entry) => {
                    if let Some(arrived) = self.pass(walk, entry, at)? {
                        return Ok(arrived);
                    }
                }
            }
        }
        if walk.was == Kind::HardLink {
            return Err(LinkFault::Directory.into());
        }
        Ok(Arrived::Directory(at.clone()))
    }

    /// Goes through the entry that is no directory: it is the end, or leads on to `at`.
    fn pass(&self, walk: &Walk, entry: usize, at: &mut String) -> Result<Option<Arrived>, Lost> {
        let record = &self.records[entry];
        match record.kind {
            Kind::File | Kind::SparseFile if walk.rest.is_empty() => Ok(Some(Arrived::File(entry))),
            Kind::File | Kind::SparseFile => Err(LinkFault::Missing.into()),
            Kind::Directory => Err(LinkFault::Directory.into()),
            Kind::HardLink | Kind::SymbolicLink => Ok(Some(Arrived::At(entry))),
            Kind::Followed => Err(LinkFault::Cycle.into()),
            Kind::UnfitLink => Err(Lost::Through(entry)),
            Kind::DirectoryLink if walk.rest.is_empty() => {
                Ok(Some(Arrived::Directory(self.target_path(record).to_owned())))
            }
            Kind::DirectoryLink => {
                at.clear();
                at.push_str(self.target_path(record));
                Ok(None)
            }
        }
    }

    fn next_element(&self, walk: &mut Walk) -> Option<Range<usize>> {
        let rest = &self.arena[walk.rest.clone()];
        let start = walk.rest.start + rest.len() - rest.trim_start_matches('/').len();
        let end = self.arena[start..walk.rest.end].find('/');
        let end = end.map_or(walk.rest.end, |end| start + end);
        walk.rest.start = end;
        (start < end).then_some(start..end)
    }

    /// Keeps in the link what it leads to.
    fn settle(&mut self, link: usize, arrived: Arrived) -> Result<(), Lost> {
        let (kind, data, size, extra) = match arrived {
            Arrived::File(file) => {
                let file = &self.records[file];
                (file.kind, file.data, file.size, file.extra)
            }
            Arrived::Directory(path) => {
                // What lies in it has its path at the start of its own.
                let below = self.first_in(&path).ok_or(LinkFault::Missing)?;
                let start = self.records[below].path_start as u64;
                (Kind::DirectoryLink, start, path.len() as u64, 0)
            }
            Arrived::At(_) => return Ok(()),
        };
        let link = &mut self.records[link];
        (link.kind, link.data, link.size, link.extra) = (kind, data, size, extra);
        Ok(())
    }

    fn lost(&self, walk: &Walk, lost: Lost) -> Problem {
        match lost {
            Lost::Because(fault) => self.bad_link(&self.records[walk.link], walk.was, fault),
            Lost::Through(link) => self.invalid_target(&self.records[link]),
        }
    }

    /// What counts at `path` in the end.
    fn look_up(&self, path: &str) -> Found {
        if path.len() == self.rules.base().len() {
            return Found::Directory;
        }
        let same = self.entries_at(path);
        match self.records[same.clone()].last() {
            Some(record) if record.kind == Kind::Directory => Found::Directory,
            Some(_) => Found::Entry(same.end - 1),
            None if self.is_directory(path) => Found::Directory,
            None => Found::Nothing,
        }
    }

    fn is_directory(&self, path: &str) -> bool {
        self.first_in(path).is_some()
    }

    /// The first record of the directory at `path`, or in it.
    fn first_in(&self, path: &str) -> Option<usize> {
        let same = self.entries_at(path);
        let is_root = path.len() == self.rules.base().len();
        let is_named = self.records[same.clone()]
            .last()
            .is_some_and(|record| record.kind == Kind::Directory);
        let below = if is_named { same.start } else { same.end };
        let record = self.records.get(below)?;
        (is_named || is_root || is_under(record.path(&self.arena), path)).then_some(below)
    }

    fn entries_at(&self, path: &str) -> Range<usize> {
        let arena = &self.arena;
        let first = self
            .records
            .partition_point(|record| tree_order(record.path(arena), path) == Ordering::Less);
        let same = self.records[first..].partition_point(|record| record.path(arena) == path);
        first..first + same
    }

    /// The entry that a hard link is one to: what was there when it was written; only if there was nothing, what comes
    /// later.
    fn linked_entry(&self, walk: &Walk) -> Result<Option<usize>, LinkFault> {
        let link = &self.records[walk.link];
        let path = &self.arena[walk.rest.clone()];
        let same = self.entries_at(path);
        let entries = &self.records[same.clone()];
        if entries.is_empty() {
            return if self.is_directory(path) {
                Err(LinkFault::Directory)
            } else {
                Ok(None)
            };
        }
        let earlier = entries.partition_point(|record| record.header < link.header);
        if earlier > 0 {
            return Ok(Some(same.start + earlier - 1));
        }
        match entries.iter().position(|record| record.header > link.header) {
            Some(later) => Ok(Some(same.start + later)),
            None => Err(LinkFault::Cycle),
        }
    }

    pub(super) fn target_path(&self, link: &Record) -> &str {
        let start = offset(link.data);
        let end = start.saturating_add(offset(link.size));
        self.arena.get(start..end).unwrap_or_default()
    }

    fn bad_link(&self, record: &Record, was: Kind, fault: LinkFault) -> Problem {
        let link = if was == Kind::HardLink {
            EntryKind::HardLink
        } else {
            EntryKind::SymbolicLink
        };
        let target = match self.target_path(record) {
            "" => "/",
            target => target,
        };
        Problem {
            entry: self.reference(record),
            kind: ContentErrorKind::Link {
                link,
                target: printable(target.as_bytes()),
                fault,
            },
        }
    }

    fn invalid_target(&self, record: &Record) -> Problem {
        let Some(invalid_target) = self.invalid_targets.get(record.extra as usize) else {
            return self.bad_link(record, record.kind, LinkFault::Missing);
        };
        Problem {
            entry: self.reference(record),
            kind: invalid_target.clone().into(),
        }
    }

    /// Puts the files of a directory under each link that leads to it. There is one record a path by now.
    pub(super) fn copy_linked_directories(&mut self) -> Checked<()> {
        let is_link = |record: &Record| record.kind == Kind::DirectoryLink;
        let links = self.records.iter().enumerate().filter(|(_, record)| is_link(record));
        let links: Vec<usize> = links.map(|(index, _)| index).collect();
        let mut copies = Copies::default();
        for link in links {
            copies.active.clear();
            let record = &self.records[link];
            record.path(&self.arena).clone_into(&mut copies.path);
            self.copy(link, &mut copies)
                .map_err(|fault| self.bad_link(record, Kind::SymbolicLink, fault))?;
        }
        let Copies { records, paths, .. } = copies;
        let base = self.arena.len();
        self.arena.reserve_exact(paths.len());
        self.arena.push_str(&paths);
        self.records.reserve_exact(records.len());
        self.records.extend(records.into_iter().map(|record| Record {
            path_start: record.path_start + base,
            ..record
        }));
        Ok(())
    }

    /// Copies what lies in the directory that `link` leads to, under `copies.path`.
    fn copy(&self, link: usize, copies: &mut Copies) -> Result<(), LinkFault> {
        copies.active.push(link);
        let directory = self.target_path(&self.records[link]);
        let contains = |link: &usize| {
            let path = self.records.get(*link).map(|record| record.path(&self.arena));
            path.is_some_and(|path| is_under(path, directory))
        };
        if copies.active.iter().any(contains) {
            return Err(LinkFault::Cycle);
        }
        if copies.active.len() > DEEPEST {
            return Err(LinkFault::TooMany);
        }
        let first = self.first_in(directory).unwrap_or(self.records.len());
        let within = |record: &&Record| {
            let path = record.path(&self.arena);
            path == directory || is_under(path, directory)
        };
        for (index, record) in self.records[first..].iter().take_while(within).enumerate() {
            copies.seen += 1;
            if copies.seen > MOST_COPIES {
                return Err(LinkFault::TooMany);
            }
            let rest = &record.path(&self.arena)[directory.len()..];
            match record.kind {
                Kind::File | Kind::SparseFile => copies.push(record, rest)?,
                Kind::DirectoryLink => {
                    let above = copies.path.len();
                    copies.path.push_str(rest);
                    self.copy(first + index, copies)?;
                    copies.path.truncate(above);
                }
                _ => {}
            }
        }
        copies.active.pop();
        Ok(())
    }
}

/// The files that links to directories stand for.
#[derive(Default)]
struct Copies {
    records: Vec<Record>,
    paths: String,
    /// The path under which copies are put.
    path: String,
    /// The links that are being copied, each within the one before.
    active: Vec<usize>,
    seen: usize,
}

impl Copies {
    fn push(&mut self, record: &Record, rest: &str) -> Result<(), LinkFault> {
        let start = self.paths.len();
        self.paths.push_str(&self.path);
        self.paths.push_str(rest);
        let path = start..self.paths.len();
        if path.len() > MAX_PATH {
            return Err(LinkFault::Path(PathFault::TooLong(path.len())));
        }
        if self.paths.len() > MOST_COPIED_PATHS {
            return Err(LinkFault::TooMany);
        }
        self.records.push(Record {
            path_start: path.start,
            path_length: length(&path),
            ..*record
        });
        Ok(())
    }
}

/// An offset into the arena, kept as the numbers of an archive are.
fn offset(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Tar, files, read_all};
    use crate::{ContentErrorKind, Options};

    fn index(tar: Tar) -> Result<Vec<(String, String)>, Problem> {
        let (archives, error) = read_all(&tar.end(), &Options::default());
        assert!(error.is_none());
        match &archives[0].contents {
            Ok(_) => {
                let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
                let files = files(&archives[0]).into_iter();
                Ok(files.map(|(path, content)| (path, text(content))).collect())
            }
            Err(error) => Err(error.problem.clone()),
        }
    }

    fn expect(tar: Tar, expected: &[(&str, &str)]) {
        let files = index(tar).unwrap();
        let files: Vec<_> = files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_str()))
            .collect();
        assert_eq!(files, expected);
    }

    fn link_fault(tar: Tar) -> (String, String, LinkFault) {
        let problem = index(tar).unwrap_err();
        match problem.kind {
            ContentErrorKind::Link { target, fault, .. } => (problem.entry.name, target, fault),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_is_refused_with_its_target() {
        let outside = || LinkFault::Path(PathFault::Outside);
        for (tar, (link, target, fault)) in [
            (Tar::new().symlink("l", "gone"), ("/l", "gone", LinkFault::Missing)),
            (Tar::new().hard_link("l", "gone"), ("/l", "/gone", LinkFault::Missing)),
            (Tar::new().symlink("l", "l"), ("/l", "l", LinkFault::Cycle)),
            (Tar::new().hard_link("l", "l"), ("/l", "/l", LinkFault::Cycle)),
            (
                Tar::new().symlink("l", "m").symlink("m", "n").symlink("n", "m"),
                ("/n", "m", LinkFault::Cycle),
            ),
            (
                Tar::new().directory("d").hard_link("l", "d"),
                ("/l", "/d", LinkFault::Directory),
            ),
            (
                Tar::new().file("d/f", b"").hard_link("l", "d"),
                ("/l", "/d", LinkFault::Directory),
            ),
            (
                Tar::new().file("f", b"").symlink("l", "f/x"),
                ("/l", "f/x", LinkFault::Missing),
            ),
            (
                Tar::new().file("f", b"").symlink("l", "f/.."),
                ("/l", "f/..", LinkFault::Missing),
            ),
            // A directory in which the link itself lies would have no end.
            (
                Tar::new().file("d/f", b"").symlink("d/l", ".."),
                ("/d/l", "/", LinkFault::Cycle),
            ),
            (
                Tar::new().file("d/f", b"").symlink("d/l", "."),
                ("/d/l", "/d", LinkFault::Cycle),
            ),
            (
                Tar::new().symlink("a/l", "../b").symlink("b/l", "../a"),
                ("/a/l", "/b", LinkFault::Cycle),
            ),
            (
                Tar::new().symlink("l", "../../etc/passwd"),
                ("/l", "../../etc/passwd", outside()),
            ),
            (
                Tar::new().symlink("l", "a*"),
                (
                    "/l",
                    "a*",
                    LinkFault::Path(PathFault::Refused("character `*`".to_owned())),
                ),
            ),
            (
                Tar::new().symlink("m", "l").symlink("l", "../x"),
                ("/l", "../x", outside()),
            ),
        ] {
            assert_eq!(link_fault(tar), (link.to_owned(), target.to_owned(), fault));
        }
    }

    #[test]
    fn a_link_that_no_longer_counts_may_lead_anywhere() {
        for was in ["gone", "../../etc/passwd", "l", "a*"] {
            expect(Tar::new().symlink("l", was).file("l", b"new"), &[("/l", "new")]);
            expect(
                Tar::new().symlink("l", was).directory("l").file("l/f", b"new"),
                &[("/l/f", "new")],
            );
            let later = Tar::new().symlink("l", was).symlink("l", "f").file("f", b"new");
            assert_eq!(index(later).unwrap().len(), 2);
        }
        // Unless a hard link that counts is one to it.
        let hard = Tar::new().symlink("l", "gone").hard_link("h", "l").file("l", b"");
        assert_eq!(link_fault(hard).2, LinkFault::Missing);
    }

    #[test]
    fn so_many_links_that_are_no_path_are_not_waited_for() {
        let mut tar = Tar::new();
        for _ in 0..=super::super::MOST_INVALID_TARGETS {
            tar = tar.symlink("l", "..");
        }
        let mut outside = Tar::new();
        for _ in 0..=super::super::MOST_INVALID_TARGETS {
            outside = outside.symlink("l", "*");
        }
        expect(tar.file("l", b"1"), &[("/l", "1")]);
        assert!(matches!(link_fault(outside.file("l", b"1")).2, LinkFault::Path(_)));
    }

    #[test]
    fn a_mounted_config_map_is_files_as_a_container_sees_them() {
        expect(
            Tar::new()
                .directory("./")
                .directory("./..2026_11_29_23_06_00.1/")
                .file("./..2026_11_29_23_06_00.1/app.conf", b"a=1")
                .symlink("./..data", "..2026_11_29_23_06_00.1")
                .symlink("./app.conf", "..data/app.conf"),
            &[
                ("/..2026_11_29_23_06_00.1/app.conf", "a=1"),
                ("/..data/app.conf", "a=1"),
                ("/app.conf", "a=1"),
            ],
        );
    }

    #[test]
    fn targets_are_walked_as_a_kernel_does() {
        expect(
            Tar::new()
                .symlink("current", "releases/2")
                .file("releases/1/f", b"1")
                .file("releases/2/f", b"2")
                // The parent of where the link leads, and not of where it stands.
                .symlink("old", "current/../1/f")
                .symlink("app/f", "/current/f")
                .symlink("next", "missing/../current/f")
                .hard_link("hard", "current/f"),
            &[
                ("/app/f", "2"),
                ("/current/f", "2"),
                ("/hard", "2"),
                ("/next", "2"),
                ("/old", "1"),
                ("/releases/1/f", "1"),
                ("/releases/2/f", "2"),
            ],
        );
    }

    #[test]
    fn a_link_to_a_directory_has_what_lies_there_in_the_end_with_links_of_its_own() {
        expect(
            Tar::new()
                .symlink("a", "b")
                .symlink("b/c", "../d")
                .file("d/f", b"old")
                .directory("d/empty")
                .file("d/f", b"new")
                .hard_link("e", "a"),
            &[("/a/c/f", "new"), ("/b/c/f", "new"), ("/d/f", "new"), ("/e/c/f", "new")],
        );
    }

    #[test]
    fn links_and_the_prefix_of_the_destination_go_together() {
        let options = Options {
            prefix: spoutctl_core::pfs::FilePath::new("/p/q").unwrap(),
            ..Options::default()
        };
        let tar = Tar::new()
            .file("d/f", b"1")
            .symlink("l", "/d")
            .hard_link("h", "l/f")
            .symlink("d2/x", "../l/f");
        let (archives, _) = read_all(&tar.end(), &options);
        let paths: Vec<_> = files(&archives[0]).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["/p/q/d/f", "/p/q/d2/x", "/p/q/h", "/p/q/l/f"]);
    }

    #[test]
    fn links_that_multiply_are_bounded() {
        let mut tar = Tar::new().file("0/f", b"x");
        for level in 1..30 {
            tar = tar
                .symlink(&format!("{level}/a"), &format!("../{}", level - 1))
                .symlink(&format!("{level}/b"), &format!("../{}", level - 1));
        }
        assert_eq!(link_fault(tar).2, LinkFault::TooMany);
        let mut deep = Tar::new().file("0/f", b"x");
        for level in 1..60 {
            deep = deep.symlink(&format!("{level}/a"), &format!("../{}", level - 1));
        }
        assert_eq!(link_fault(deep).2, LinkFault::TooMany);
    }

    #[test]
    fn a_long_chain_of_links_is_followed() {
        let mut tar = Tar::new().file("0", b"x");
        for number in 1..500 {
            tar = tar.symlink(&format!("{number}"), &format!("{}", number - 1));
        }
        let files = index(tar).unwrap();
        assert_eq!(files.len(), 500);
        assert!(files.iter().all(|(_, content)| content == "x"));
    }

    #[test]
    fn an_error_that_names_a_link_calls_it_one_and_says_what_mends_it() {
        let (archives, _) = read_all(
            &Tar::new().symlink("l", "d").file("d/f", b"").file("l/f", b"").end(),
            &Options::default(),
        );
        let error = archives[0].contents.as_ref().unwrap_err();
        assert!(
            error.details()[0].contains("it is a symbolic link, and a directory because of"),
            "{error:?}"
        );
        let (archives, _) = read_all(&Tar::new().hard_link("l", "x").end(), &Options::default());
        let missing = archives[0].contents.as_ref().unwrap_err();
        assert!(
            missing.details()[0].contains("it is a hard link to `/x`"),
            "{missing:?}"
        );
        for help in [error.help().unwrap(), missing.help().unwrap()] {
            assert!(help.contains("--links skip") && help.contains("tar -h"), "{help}");
        }
    }
}

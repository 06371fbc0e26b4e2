//! A repo's commits as archives: what is in them, how they come, and that they make the same repo elsewhere.

use std::cell::RefCell;
use std::sync::Arc;

use crossbeam_channel::bounded;
use parking_lot::Mutex;
use tempfile::TempDir;

use super::*;
use crate::retrieval::FileChange;
use crate::retry::SystemClock;
use crate::spill::SpillBuffers;
use crate::tests::scripted::{branch, delivery_to};
use crate::tests::stored::{self, Tree};
use crate::{
    Change, Changes as FileChanges, CommitSink, Incoming, Observer, Options, Receipt, Settled, Unacknowledged,
};
use spoutctl_archive::{Archive, ArchiveError, ArchiveReader, Files};
use spoutctl_core::fault::FaultKind;
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{Branch, BranchInfo, FileInfo, Repo};
use spoutctl_store::Store;

#[derive(Debug, Clone)]
enum Step {
    Delete(String),
    Append(String, Vec<u8>),
}

struct Steps(Vec<Step>, usize);

impl FileChanges for Steps {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        self.1 += 1;
        Ok(self.0.get(self.1 - 1).map(|step| match step {
            Step::Delete(path) => Change::Delete { path },
            Step::Append(path, data) => Change::append(path, data.clone()),
        }))
    }
}

fn append(path: &str, data: impl AsRef<[u8]>) -> Step {
    Step::Append(path.to_owned(), data.as_ref().to_vec())
}

fn delete(path: &str) -> Step {
    Step::Delete(path.to_owned())
}

struct World {
    store: Arc<Store>,
    _directory: TempDir,
}

impl World {
    fn new() -> Self {
        let (store, directory) = stored::store(&[branch()]);
        Self {
            store: Arc::new(store),
            _directory: directory,
        }
    }

    fn put(&self, steps: impl IntoIterator<Item = Step>) -> CommitInfo {
        self.end(steps, None)
    }

    fn end(&self, steps: impl IntoIterator<Item = Step>, error: Option<&str>) -> CommitInfo {
        let steps = steps.into_iter().collect();
        let file_set = self.store.create_file_set(&mut Steps(steps, 0)).unwrap();
        let commit = self.start();
        self.store.add_file_set(&commit, &file_set).unwrap();
        self.store.finish_commit(&commit, "", error).unwrap();
        self.store.inspect_commit(&commit).unwrap()
    }

    fn start(&self) -> Commit {
        let Branch { repo, name } = branch();
        let id = self.store.start_commit(&branch(), "").unwrap();
        Commit { repo, branch: name, id }
    }

    fn tree(&self, commit: &Commit) -> Tree {
        stored::tree(&self.store, commit)
    }

    /// The commits of the branch, oldest first.
    fn history(&self) -> Vec<CommitInfo> {
        let mut commits = stored::line(&*self.store, &branch());
        commits.reverse();
        commits
    }
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit
    }
}

/// Where a stream or a listing does not break.
const WHOLE: u64 = u64::MAX;

/// A store behind a line that is not always what it should be.
struct Line<'a> {
    store: &'a Store,
    /// After so many files a listing breaks, after so many bytes a stream; taken one after the other.
    breaks: RefCell<Vec<u64>>,
    /// What is added to the size of each file that is listed.
    lie: i64,
    /// Names of calls for content, in their order.
    calls: RefCell<Vec<String>>,
}

impl<'a> Line<'a> {
    fn to(world: &'a World) -> Self {
        Self {
            store: &world.store,
            breaks: RefCell::default(),
            lie: 0,
            calls: RefCell::default(),
        }
    }

    fn breaking(world: &'a World, breaks: &[u64]) -> Self {
        let line = Self::to(world);
        line.breaks.borrow_mut().extend(breaks.iter().rev());
        line
    }

    fn stream<'s>(&self, content: Box<dyn Read + Send + 's>) -> Box<dyn Read + Send + 's> {
        match self.breaks.borrow_mut().pop() {
            None | Some(WHOLE) => content,
            Some(after) => Box::new(content.take(after).chain(Broken)),
        }
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other(Fault::new(FaultKind::Unavailable, "cut")))
    }
}

impl CommitHistory for Line<'_> {
    fn repo_exists(&self, repo: &Repo) -> Result<bool, Fault> {
        self.store.repo_exists(repo)
    }

    fn inspect_branch(&self, branch: &Branch) -> Result<Option<BranchInfo>, Fault> {
        self.store.inspect_branch(branch)
    }

    fn inspect_commit(&self, commit: &Commit) -> Result<CommitInfo, Fault> {
        self.store.inspect_commit(commit)
    }

    fn list_commits(&self, branch: &Branch, visit: &mut dyn FnMut(CommitInfo) -> ControlFlow<()>) -> Result<(), Fault> {
        self.store.list_commits(branch, visit)
    }
}

impl FileSource for Line<'_> {
    fn inspect_file(&self, commit: &Commit, path: &FilePath) -> Result<Option<FileInfo>, Fault> {
        self.store.inspect_file(commit, path)
    }

    fn get_file<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        self.calls.borrow_mut().push(format!("file {path}"));
        Ok(self.stream(self.store.get_file(commit, path)?))
    }

    fn get_file_tar<'a>(&'a self, commit: &Commit, path: &FilePath) -> Result<Box<dyn Read + Send + 'a>, Fault> {
        self.calls.borrow_mut().push(format!("tar {path}"));
        Ok(self.stream(self.store.get_file_tar(commit, path)?))
    }

    fn diff_files(
        &self,
        new: &Commit,
        old: Option<&Commit>,
        visit: &mut dyn FnMut(FileChange) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let broken = self.breaks.borrow_mut().pop();
        let mut left = broken.unwrap_or(WHOLE);
        self.store.diff_files(new, old, &mut |mut change| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            change.size_bytes = change.size_bytes.saturating_add_signed(self.lie);
            visit(change)
        })?;
        match broken {
            None | Some(WHOLE) => Ok(()),
            Some(_) => Err(Fault::new(FaultKind::Unavailable, "cut")),
        }
    }
}

/// The archive of a commit; whatever may pass is tried again.
fn copy(line: &Line<'_>, info: &CommitInfo, extent: Extent) -> Result<(Copied, Vec<u8>), RetrievalError> {
    let mut bytes = Vec::new();
    let copied = copy_changes(line, info, extent, &mut |_| ControlFlow::Continue(()), &mut bytes)?;
    Ok((copied, bytes))
}

fn obedient() -> spoutctl_archive::Options {
    spoutctl_archive::Options {
        obey_deletions: true,
        ..spoutctl_archive::Options::default()
    }
}

fn buffer() -> Box<dyn spoutctl_archive::ArchiveBuffer> {
    SpillBuffers::new(&std::env::temp_dir()).buffer()
}

fn frame(bytes: &[u8]) -> Result<Archive, ArchiveError> {
    let mut reader = ArchiveReader::new(bytes, "test".into(), 1, obedient());
    let archive = reader.next_archive(buffer())?.unwrap();
    assert_eq!(archive.length, bytes.len() as u64, "it ends with its second zero block");
    Ok(archive)
}

fn deletions(archive: &Archive) -> Vec<&str> {
    archive.contents.as_ref().unwrap().deletions().collect()
}

fn contents(archive: &Archive) -> Tree {
    let files = archive.contents.as_ref().unwrap();
    let read = |(index, file): (usize, spoutctl_archive::File<'_>)| {
        let mut content = Vec::new();
        archive.open(index).unwrap().read_to_end(&mut content).unwrap();
        (file.path.to_owned(), content)
    };
    files.iter().enumerate().map(read).collect()
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let owned = |(path, content): &(&str, &str)| ((*path).to_owned(), content.as_bytes().to_vec());
    files.iter().map(owned).collect()
}

#[test]
fn an_archive_holds_what_a_commit_changed_against_the_nearest_good_ancestor() {
    let world = World::new();
    world.put([append("/a", "1"), append("/d/b", "2"), append("/d/c", "3")]);
    world.end([append("/bad", "x"), delete("/a")], Some("given up"));
    let info = world.put([delete("/d/c"), append("/d/b", "2"), append("/e", "4"), delete("/nope")]);
    let (copied, bytes) = copy(&Line::to(&world), &info, Extent::Changes).unwrap();
    let archive = frame(&bytes).unwrap();
    assert_eq!(
        copied,
        Copied {
            files: 2,
            bytes: 3,
            deletions: 1
        }
    );
    assert_eq!(deletions(&archive), ["/d/c"]);
    assert_eq!(contents(&archive), tree(&[("/d/b", "22"), ("/e", "4")]));
    let mut entries = tar::Archive::new(&bytes[..]);
    let time = info.finished.unwrap().as_second();
    let found: Vec<_> = entries
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (
                entry.path().unwrap().display().to_string(),
                entry.header().mtime().unwrap(),
            )
        })
        .filter(|(name, _)| !name.starts_with("PaxHeaders"))
        .collect();
    let time = u64::try_from(time).unwrap();
    assert_eq!(found, [("d/b".to_owned(), time), ("e".to_owned(), time)]);
}

#[test]
fn a_full_archive_holds_every_file_and_no_deletion() {
    let world = World::new();
    world.put([append("/a", "1"), append("/d/b", "2")]);
    let info = world.put([delete("/a"), append("/e", "4")]);
    let (copied, bytes) = copy(&Line::to(&world), &info, Extent::Full).unwrap();
    assert_eq!(
        copied,
        Copied {
            files: 2,
            bytes: 2,
            deletions: 0
        }
    );
    assert_eq!(contents(&frame(&bytes).unwrap()), tree(&[("/d/b", "2"), ("/e", "4")]));
}

#[test]
fn of_a_commit_that_changed_nothing_nothing_is_written() {
    let world = World::new();
    world.put([append("/a", "1")]);
    let same = world.put([delete("/a"), append("/a", "1")]);
    let (copied, bytes) = copy(&Line::to(&world), &same, Extent::Changes).unwrap();
    assert!(copied.is_nothing() && bytes.is_empty());
    let gone = world.put([delete("/a")]);
    let (copied, _) = copy(&Line::to(&world), &gone, Extent::Changes).unwrap();
    assert!(!copied.is_nothing());
    let (copied, bytes) = copy(&Line::to(&world), &gone, Extent::Full).unwrap();
    assert!(copied.is_nothing() && bytes.is_empty());
}

#[test]
fn of_an_open_or_errored_commit_nothing_is_copied() {
    let world = World::new();
    let errored = world.end([append("/a", "1")], Some("given up"));
    let error = copy(&Line::to(&world), &errored, Extent::Changes).unwrap_err();
    assert!(matches!(error, RetrievalError::Errored { .. }), "{error}");
    let open = world.store.inspect_commit(&world.start()).unwrap();
    let error = copy(&Line::to(&world), &open, Extent::Full).unwrap_err();
    assert!(matches!(error, RetrievalError::NotFinished(_)), "{error}");
}

#[test]
fn few_files_are_asked_for_by_name_and_more_come_in_one_archive_of_their_directory() {
    let world = World::new();
    let few = world.put((0..3).map(|number| append(&format!("/d/e/{number}"), "x")));
    let many = world.put((0..9).map(|number| append(&format!("/d/e/{number}"), "y")));
    let line = Line::to(&world);
    copy(&line, &few, Extent::Changes).unwrap();
    assert_eq!(line.calls.take(), ["file /d/e/0", "file /d/e/1", "file /d/e/2"]);
    let (_, bytes) = copy(&line, &many, Extent::Changes).unwrap();
    assert_eq!(line.calls.take(), ["tar /d/e"]);
    assert_eq!(contents(&frame(&bytes).unwrap()).len(), 9);
    let scattered = world.put(["/a", "/d/e/1", "/d/e/2", "/f/g"].map(|path| append(path, "z")));
    copy(&line, &scattered, Extent::Changes).unwrap();
    assert_eq!(line.calls.take(), ["tar /"]);
}

#[test]
fn an_archive_of_much_that_is_not_wanted_is_not_asked_for_or_not_read_on() {
    let world = World::new();
    let large = (0..9).map(|_| append("/large", vec![0; 1 << 20]));
    world.put(large.chain((0..4_000).map(|number| append(&format!("/small/{number:04}"), ""))));
    let line = Line::to(&world);
    let info = world.put(["/a", "/b", "/m", "/z"].map(|path| append(path, "1")));
    copy(&line, &info, Extent::Changes).unwrap();
    assert_eq!(line.calls.take(), ["file /a", "file /b", "file /m", "file /z"]);
    // The first few of a directory of many small files come out of the archive, and the others by name.
    let wanted = ["0001", "0002", "3000", "3001", "3002"].map(|name| format!("/small/{name}"));
    let info = world.put(wanted.iter().map(|path| append(path, "1")));
    let (_, bytes) = copy(&line, &info, Extent::Changes).unwrap();
    let calls = ["tar /small", "file /small/3000", "file /small/3001", "file /small/3002"];
    assert_eq!(line.calls.take(), calls);
    assert!(contents(&frame(&bytes).unwrap()).keys().eq(&wanted));
}

#[test]
fn what_breaks_off_is_taken_up_where_it_broke() {
    let world = World::new();
    let content = |number: usize| {
        (0..3_000)
            .map(|at| u8::try_from((at * 7 + number) % 251).unwrap())
            .collect()
    };
    let few: Vec<(String, Vec<u8>)> = (0..3).map(|number| (format!("/{number}"), content(number))).collect();
    let many: Vec<(String, Vec<u8>)> = (0..9).map(|number| (format!("/{number}"), content(number))).collect();
    for files in [few, many] {
        let steps = files
            .iter()
            .flat_map(|(path, content)| [delete(path), append(path, content)]);
        let info = world.put(steps);
        let whole = copy(&Line::to(&world), &info, Extent::Full).unwrap();
        for breaks in [
            &[0, 2, 0, 0][..],
            &[1, 700],
            &[1, 3_000, 2_999],
            &[0, 512, 100, 100, 4_000],
            &[2, 513, 7_168, 1, 2, 3, 4, 5, 6],
        ] {
            let line = Line::breaking(&world, breaks);
            assert_eq!(copy(&line, &info, Extent::Full).unwrap(), whole, "{breaks:?}");
            assert!(line.breaks.borrow().is_empty(), "each of them broke something");
        }
    }
}

#[test]
fn a_fault_that_is_not_forgiven_leaves_no_whole_archive() {
    let world = World::new();
    let info = world.put([append("/a", "1"), append("/b", vec![b'2'; 2_000])]);
    for (breaks, forgiven, written) in [(&[1][..], 0, false), (&[1, WHOLE, 0, 1_000], 2, true)] {
        let line = Line::breaking(&world, breaks);
        let mut told = Vec::new();
        let mut bytes = Vec::new();
        let mut again = |error: Option<&RetrievalError>| {
            told.extend(error.map(ToString::to_string));
            if error.is_some() && told.len() > forgiven {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let error = copy_changes(&line, &info, Extent::Changes, &mut again, &mut bytes).unwrap_err();
        assert!(
            matches!(error, RetrievalError::Unavailable(_) | RetrievalError::Broken { .. }),
            "{error}"
        );
        assert_eq!((told.len(), told.last()), (forgiven + 1, Some(&error.to_string())));
        assert_eq!(!bytes.is_empty(), written);
        assert!(bytes.is_empty() || frame(&bytes).is_err());
    }
}

#[test]
fn a_file_that_is_not_as_long_as_it_was_listed_is_an_error_and_leaves_no_whole_archive() {
    let world = World::new();
    let few = world.put([append("/a", "12"), append("/b", "34")]);
    let many = world.put((0..9).map(|number| append(&format!("/d/{number}"), "12")));
    for info in [few, many] {
        for lie in [-1, 1] {
            let line = Line {
                lie,
                ..Line::to(&world)
            };
            let mut bytes = Vec::new();
            let mut again = |error: Option<&RetrievalError>| {
                assert!(error.is_none(), "to try again is of no use");
                ControlFlow::Continue(())
            };
            let error = copy_changes(&line, &info, Extent::Changes, &mut again, &mut bytes).unwrap_err();
            assert!(matches!(error, RetrievalError::Differs { .. }), "{error}");
            assert!(bytes.is_empty() || frame(&bytes).is_err());
        }
    }
}

/// Keeps what it is told.
#[derive(Default)]
struct Told {
    receipts: Mutex<Vec<Receipt>>,
    notes: Mutex<Vec<String>>,
}

impl Observer for Told {
    fn settled(&self, settled: &Settled<'_>) -> Result<(), Unacknowledged> {
        match settled {
            Settled::Committed(receipt) => self.receipts.lock().push((*receipt).clone()),
            other => self.note(&format!("{other:?}")),
        }
        Ok(())
    }

    fn would_commit(&self, _: &Archive, _: &Files) {}

    fn note(&self, text: &str) {
        self.notes.lock().push(text.to_owned());
    }
}

/// Delivers a stream of archives as `put --obey-deletions` does, and answers the receipts.
fn deliver(world: &World, stream: Vec<u8>) -> Vec<Receipt> {
    let told = Arc::new(Told::default());
    let sink = Arc::clone(&world.store);
    let delivery = delivery_to(
        sink,
        Arc::clone(&told) as _,
        Arc::new(SystemClock),
        Options::new(branch()),
    );
    let (archives, incoming) = bounded(0);
    let reading = std::thread::spawn(move || {
        let mut reader = ArchiveReader::new(&stream[..], "test".into(), 1, obedient());
        while let Some(archive) = reader.next_archive(buffer()).unwrap() {
            archives.send(Incoming::Archive(Box::new(archive))).unwrap();
        }
        archives.send(Incoming::End(Ok(()))).unwrap();
    });
    let (_, result) = delivery.run(&incoming);
    result.unwrap();
    reading.join().unwrap();
    assert_eq!(*told.notes.lock(), Vec::<String>::new());
    told.receipts.lock().clone()
}

/// Some changes of a tree in which files become directories and the other way round.
fn random_steps(dice: &mut Dice) -> Vec<Step> {
    const PATHS: [&str; 14] = [
        "/a", "/a/b", "/a/b/c", "/a-x", "/a.d", "/b", "/c/d", "/c/e", "/c/f", "/c/g", "/c/h/i", "/z", "/z z", "/~",
    ];
    let mut steps = Vec::new();
    for _ in 0..dice.below(9) {
        let path = PATHS[dice.below(PATHS.len())];
        let data = vec![u8::try_from(dice.below(256)).unwrap(); dice.below(1_500)];
        match dice.below(6) {
            0 | 1 => steps.push(delete(path)),
            2 | 3 => steps.push(append(path, data)),
            _ => steps.extend([delete(path), append(path, data)]),
        }
    }
    // Without this most commits would be collisions of files and directories.
    if dice.below(3) > 0 {
        let a = ["/a", "/a/b", "/a/b/c"];
        let kept = a[dice.below(a.len())];
        steps.extend(a.iter().filter(|path| **path != kept).map(|path| delete(path)));
    }
    steps
}

#[test]
fn two_hundred_commits_are_mirrored_byte_for_byte_over_a_line_that_breaks() {
    let world = World::new();
    let mut dice = Dice(0x5eed_cafe);
    for _ in 0..200 {
        let error = (dice.below(12) == 0).then_some("given up");
        world.end(random_steps(&mut dice), error);
    }
    let (mut stream, mut mirrored, mut breaks) = (Vec::new(), Vec::new(), 0);
    for info in world.history().into_iter().filter(CommitInfo::is_good) {
        // In one of two commits the listing breaks off, and up to four streams after it.
        let planned: Vec<u64> = (0..dice.below(2) * dice.below(6))
            .map(|_| dice.below(4_000) as u64)
            .collect();
        let line = Line::breaking(&world, &planned);
        let (copied, bytes) = copy(&line, &info, Extent::Changes).unwrap();
        breaks += planned.len() - line.breaks.borrow().len();
        if !copied.is_nothing() {
            stream.extend(bytes);
            mirrored.push((info, copied));
        }
    }
    let errored = world.history().iter().filter(|info| !info.is_good()).count();
    assert!(mirrored.len() > 100 && errored > 20 && breaks > 100);
    let mirror = World::new();
    let receipts = deliver(&mirror, stream);
    let copies = mirror.history();
    assert_eq!((receipts.len(), copies.len()), (mirrored.len(), mirrored.len()));
    for (((original, copied), receipt), copy) in mirrored.iter().zip(receipts).zip(copies) {
        assert_eq!(mirror.tree(&copy.commit), world.tree(&original.commit));
        let said = (receipt.files as u64, receipt.deletions as u64, receipt.bytes);
        assert_eq!(said, (copied.files, copied.deletions, copied.bytes));
    }
}

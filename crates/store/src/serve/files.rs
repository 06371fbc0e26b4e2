//! Reading files: what is where in a commit, in any state that it may be in, and their bytes.
//!
//! Everything is a walk through the tree in the order of paths (`walk`). A directory's size and hash are found by
//! walking through it once more, so a listing reads the names of what it lists once for each level above them.

pub(super) mod diff;
pub(super) mod walk;

use std::collections::VecDeque;
use std::io::Read;
use std::ops::ControlFlow;

use tar::EntryType;

use self::diff::{Side, Summed, compare};
use self::walk::{Node, Tree, Walk};
use super::datum::is_default;
use super::naming::{commit_message, commit_of_branch};
use super::{Answers, Call, Code, Service, Status};
use crate::{Dialect, FileEntry, entry};
use spoutctl_core::glob::{Glob, clean};
use spoutctl_proto::google::BytesValue;
use spoutctl_proto::pfs::{
    Commit, DiffFileRequest, DiffFileResponse, File, FileInfo, FileType, GetFileRequest, GlobFileRequest,
    InspectFileRequest, ListFileRequest, PathRange,
};

/// The bytes of a file in one answer.
const PIECE: usize = 256 << 10;
/// The most files of one page, as in pachd.
const LONGEST_PAGE: i64 = 100_000;

/// A file that may be read in parts.
pub struct Download {
    pub info: FileInfo,
    /// Its commit is finished, so that it stays as it is.
    pub is_final: bool,
    tree: Tree,
    entry: Option<FileEntry>,
}

impl Download {
    /// The bytes from the one at `offset` on.
    ///
    /// # Errors
    /// When it is a directory.
    pub fn read(&self, offset: u64) -> Result<impl Read + use<>, Status> {
        let entry = self.entry.as_ref().ok_or_else(|| not_a_file(Dialect::default()))?;
        Ok(self.tree.read(entry, offset))
    }
}

/// In pachd's words (recording gateway 007).
fn not_a_file(dialect: Dialect) -> Status {
    Status::unknown(if dialect.has_codes() {
        "cannot get directory or non-regular file. Use GetFileTAR instead"
    } else {
        "cannot get non-regular file. Try GetFileTAR for directories"
    })
}

fn several_files(dialect: Dialect) -> Status {
    Status::unknown(if dialect.has_codes() {
        "matched multiple files. Use GetFileTAR instead"
    } else {
        "matched multiple files. Try GetFileTAR"
    })
}

/// In pachd's words, which name the file as it was asked for (recordings http 087, 089; gateway 018).
pub(super) fn not_there(tree: &Tree, dialect: Dialect, file: &File) -> Status {
    let commit = &tree.record().info.commit;
    // Before 2.6 a branch was resolved first (107).
    let id = if dialect.commits_are_of_branches() {
        commit.id.as_str()
    } else {
        file.commit.as_ref().map_or("", |commit| commit.id.as_str())
    };
    Status::not_found(format!(
        "file {} not found in repo {} at commit {id}",
        file.path,
        dialect.repo(&commit.repo)
    ))
}

pub(super) fn named<T>(file: Option<T>) -> Result<T, Status> {
    file.ok_or_else(|| Status::unknown("file cannot be nil"))
}

fn info(dialect: Dialect, tree: &Tree, node: &Node, (size, hash): (u64, [u8; 32])) -> FileInfo {
    let commit = &tree.record().info.commit;
    let branch = commit.branch.as_str();
    let (file_type, datum) = match node {
        Node::Directory(_) => (FileType::Dir, ""),
        Node::File(_) => (FileType::File, "default"),
    };
    FileInfo {
        file: Some(File {
            commit: Some(commit_message(dialect, &commit.repo, branch, &commit.id)),
            path: node.path().to_owned(),
            datum: datum.to_owned(),
        }),
        file_type: file_type.into(),
        committed: tree.committed().map(Into::into),
        size_bytes: i64::try_from(size).unwrap_or(i64::MAX),
        hash: hash.to_vec(),
    }
}

impl Service {
    fn tree(&self, call: &Call, file: &File) -> Result<Tree, Status> {
        self.tree_of(call, file.commit.as_ref())
    }

    fn tree_of(&self, call: &Call, commit: Option<&Commit>) -> Result<Tree, Status> {
        self.view(call, commit.ok_or_else(|| Status::unknown("commit cannot be nil"))?)
    }

    /// Opens a file, or finds a directory.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn download(&self, call: &Call, file: &File) -> Result<Download, Status> {
        let tree = self.tree(call, file)?;
        let path = clean(&file.path);
        let mut walk = Walk::at(&tree, &path)?;
        let node = walk.next()?.filter(|_| is_default(&file.datum));
        let node = node.ok_or_else(|| not_there(&tree, self.dialect, file))?;
        let info = info(self.dialect, &tree, &node, walk::sum(&tree, &node)?);
        Ok(Download {
            info,
            is_final: tree.record().info.finished.is_some(),
            entry: match node {
                Node::File(entry) => Some(entry),
                Node::Directory(_) => None,
            },
            tree,
        })
    }

    /// # Errors
    /// `NotFound`.
    pub fn inspect_file(&self, call: &Call, request: InspectFileRequest) -> Result<FileInfo, Status> {
        Ok(self.download(call, &named(request.file)?)?.info)
    }

    /// What is in a directory, or the file itself.
    ///
    /// # Errors
    /// `NotFound` (the commit).
    pub fn list_file(
        &self,
        call: &Call,
        request: ListFileRequest,
        answers: &mut Answers<'_, FileInfo>,
    ) -> Result<(), Status> {
        let page = Page::of(self.dialect, &request);
        let file = named(request.file)?;
        let path = clean(&file.path);
        let parent = path.trim_end_matches('/').len();
        let is_child = |node: &Node| {
            let below = node.path().get(parent..).unwrap_or_default().trim_matches('/');
            // A file lists itself, a directory does not.
            !below.contains('/') && (!below.is_empty() || matches!(node, Node::File(_)))
        };
        page?.show(&self.tree(call, &file)?, &path, is_child, answers)?;
        Ok(())
    }

    /// Everything at or below a path.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn walk_file(
        &self,
        call: &Call,
        request: ListFileRequest,
        answers: &mut Answers<'_, FileInfo>,
    ) -> Result<(), Status> {
        let page = Page::of(self.dialect, &request);
        let file = named(request.file)?;
        let path = clean(&file.path);
        let page = page?;
        let tree = self.tree(call, &file)?;
        let found = page.show(&tree, &path, |_| true, answers)?;
        if found || path == "/" {
            return Ok(());
        }
        // In pachd's words, which are others here.
        let commit = &tree.record().info.commit.id;
        Err(Status::not_found(format!(
            "commit/{commit} does not contain item: ({path})"
        )))
    }

    /// # Errors
    /// `NotFound` (the commit).
    pub fn glob_file(
        &self,
        call: &Call,
        request: GlobFileRequest,
        answers: &mut Answers<'_, FileInfo>,
    ) -> Result<(), Status> {
        let tree = self.tree_of(call, request.commit.as_ref())?;
        let glob = Glob::new(&request.pattern)?;
        let range = request.path_range.unwrap_or_default();
        let mut walk = Walk::below(&tree, &glob.directory);
        while let Some(node) = walk.next()? {
            if range.ends_before(node.path()) {
                break;
            }
            if range.has(node.path())
                && glob.matches(node.path())
                && answers(info(self.dialect, &tree, &node, walk::sum(&tree, &node)?)).is_break()
            {
                break;
            }
        }
        Ok(())
    }

    /// Without an old file, the new one's commit is compared with its parent.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn diff_file(
        &self,
        call: &Call,
        request: DiffFileRequest,
        answers: &mut Answers<'_, DiffFileResponse>,
    ) -> Result<(), Status> {
        let new_file = named(request.new_file)?;
        for (file, which) in [(Some(&new_file), "new"), (request.old_file.as_ref(), "old")] {
            if file.is_some_and(|file| file.commit.is_none()) {
                return Err(Status::unknown(format!(
                    "check {which} file commit: commit cannot be nil"
                )));
            }
        }
        let new_tree = self.tree(call, &new_file)?;
        let new_info = &new_tree.record().info;
        let old_file = request.old_file.or_else(|| {
            let parent = new_info.parent.as_ref()?;
            Some(File {
                commit: Some(commit_of_branch(
                    self.dialect,
                    &parent.repo,
                    parent.branch.as_str(),
                    &parent.id,
                )),
                ..new_file.clone()
            })
        });
        let old_tree = old_file.as_ref().map(|file| self.tree(call, file)).transpose()?;
        let old_side = match (&old_tree, &old_file) {
            (Some(tree), Some(file)) => Some(Side::new(tree, &clean(&file.path))?),
            _ => None,
        };
        let new_side = Side::new(&new_tree, &clean(&new_file.path))?;
        compare(old_side, new_side, &mut |old, new| {
            let told = |tree: &Tree, (node, size, hash): Summed| info(self.dialect, tree, &node, (size, hash));
            answers(DiffFileResponse {
                new_file: new.map(|new| told(&new_tree, new)),
                old_file: old_tree.as_ref().zip(old).map(|(tree, old)| told(tree, old)),
            })
        })
    }

    /// The bytes of the one file that the glob means.
    ///
    /// # Errors
    /// `NotFound`; when it means a directory, or several files.
    pub fn get_file(
        &self,
        call: &Call,
        request: GetFileRequest,
        answers: &mut Answers<'_, BytesValue>,
    ) -> Result<(), Status> {
        check_no_url(&request)?;
        let file = named(request.file)?;
        let tree = self.tree(call, &file).map_err(self.within("get file"))?;
        let mut found = None;
        let glob = Glob::new(&file.path).map_err(|invalid| self.within("get file")(invalid.into()))?;
        selected(
            &tree,
            &glob,
            request.path_range.as_ref(),
            &mut |node| match (node, &found) {
                (Node::Directory(_), _) => Err(not_a_file(self.dialect)),
                (Node::File(_), Some(_)) => Err(several_files(self.dialect)),
                (Node::File(entry), None) => {
                    found = Some(entry);
                    Ok(ControlFlow::Continue(()))
                }
            },
        )?;
        let entry = found.filter(|_| is_default(&file.datum));
        let entry = entry.ok_or_else(|| not_there(&tree, self.dialect, &file))?;
        let mut pieces = Pieces::new(answers);
        pieces.copy(tree.read(&entry, u64::try_from(request.offset).unwrap_or(0)))?;
        pieces.flush();
        Ok(())
    }

    /// What the glob means, directories with all that is in them, as one tar archive: with full names and without modes
    /// and times, as pachd sends it (recordings follow 015, 016).
    ///
    /// # Errors
    /// `NotFound` when it means nothing.
    pub fn get_file_tar(
        &self,
        call: &Call,
        request: GetFileRequest,
        answers: &mut Answers<'_, BytesValue>,
    ) -> Result<(), Status> {
        check_no_url(&request)?;
        let file = named(request.file)?;
        let tree = self.tree(call, &file)?;
        let mut pieces = Pieces::new(answers);
        let mut is_empty = true;
        let glob = Glob::new(&file.path)?;
        if !is_default(&file.datum) {
            return Err(not_there(&tree, self.dialect, &file));
        }
        selected(&tree, &glob, request.path_range.as_ref(), &mut |node| {
            is_empty = false;
            match node {
                Node::Directory(path) => pieces.write(&entry::header(&path, 0, EntryType::Directory, 0)),
                Node::File(file) => {
                    pieces.write(&entry::header(&file.path, file.size, EntryType::Regular, 0));
                    pieces.copy(tree.read(&file, 0))?;
                    pieces.write(&[0; 512][..entry::padding(file.size)]);
                }
            }
            Ok(pieces.flow)
        })?;
        if is_empty {
            return Err(not_there(&tree, self.dialect, &file));
        }
        pieces.write(&entry::END);
        pieces.flush();
        Ok(())
    }
}

fn check_no_url(request: &GetFileRequest) -> Result<(), Status> {
    if request.url.is_empty() {
        Ok(())
    } else {
        let text = "spoutctl serve does not write to a URL";
        Err(Status::new(Code::Unimplemented, text))
    }
}

/// Shows what a glob means, in order: what matches, and what is in a directory that does.
fn selected(
    tree: &Tree,
    glob: &Glob,
    range: Option<&PathRange>,
    show: &mut dyn FnMut(Node) -> Result<ControlFlow<()>, Status>,
) -> Result<(), Status> {
    let mut walk = Walk::below(tree, &glob.directory);
    let mut inside: Option<String> = None;
    while let Some(node) = walk.next()? {
        let path = node.path();
        if range.is_some_and(|range| range.ends_before(path)) {
            break;
        }
        let is_inside = inside
            .as_ref()
            .is_some_and(|directory| path.starts_with(directory.as_str()));
        if !is_inside && !glob.matches(path) {
            continue;
        }
        if !is_inside && path.ends_with('/') {
            inside = Some(path.to_owned());
        }
        if range.is_none_or(|range| range.has(path)) && show(node)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Which part of a listing is wanted.
struct Page {
    dialect: Dialect,
    marker: String,
    /// 0 is all.
    number: i64,
    reverse: bool,
}

impl Page {
    /// # Errors
    /// In pachd's words.
    fn of(dialect: Dialect, request: &ListFileRequest) -> Result<Self, Status> {
        let (number, reverse) = (request.number, request.reverse);
        if number == 0 && reverse {
            return Err(Status::unknown("number must be > 0 when reverse is true"));
        }
        if number > LONGEST_PAGE {
            let text = "cannot return more than 100000 files at a time";
            return Err(Status::unknown(text));
        }
        Ok(Self {
            dialect,
            marker: request.pagination_marker.clone().unwrap_or_default().path,
            number,
            reverse,
        })
    }

    /// Shows the page's nodes, and tells whether there was one.
    fn show(
        &self,
        tree: &Tree,
        path: &str,
        is_wanted: impl Fn(&Node) -> bool,
        answers: &mut Answers<'_, FileInfo>,
    ) -> Result<bool, Status> {
        let mut walk = Walk::at(tree, path)?;
        if !self.reverse {
            walk = walk.after(&self.marker);
        }
        let has_marker = !self.marker.is_empty();
        let number = usize::try_from(self.number).unwrap_or(0);
        let mut last: VecDeque<Node> = VecDeque::new();
        let mut shown = 0;
        while let Some(node) = walk.next()? {
            if has_marker && (clean(node.path()) == clean(&self.marker)) || !is_wanted(&node) {
                continue;
            }
            if self.reverse {
                if has_marker && node.path() >= self.marker.as_str() {
                    break;
                }
                if last.len() == number {
                    last.pop_front();
                }
                last.push_back(node);
                continue;
            }
            shown += 1;
            if answers(info(self.dialect, tree, &node, walk::sum(tree, &node)?)).is_break() || shown == number {
                return Ok(true);
            }
        }
        let found = shown > 0 || !last.is_empty();
        while let Some(node) = last.pop_back() {
            if answers(info(self.dialect, tree, &node, walk::sum(tree, &node)?)).is_break() {
                break;
            }
        }
        Ok(found)
    }
}

/// Bytes that go out as answers of a good size.
pub(super) struct Pieces<'a, 'b> {
    answers: &'a mut Answers<'b, BytesValue>,
    held: Vec<u8>,
    pub flow: ControlFlow<()>,
}

impl<'a, 'b> Pieces<'a, 'b> {
    pub fn new(answers: &'a mut Answers<'b, BytesValue>) -> Self {
        Self {
            answers,
            held: Vec::with_capacity(PIECE),
            flow: ControlFlow::Continue(()),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.held.len() + bytes.len() > PIECE {
            self.flush();
        }
        self.held.extend_from_slice(bytes);
    }

    pub fn copy(&mut self, mut content: impl Read) -> Result<(), Status> {
        loop {
            if self.held.len() == PIECE {
                self.flush();
            }
            if self.flow.is_break() {
                return Ok(());
            }
            let start = self.held.len();
            self.held.resize(PIECE, 0);
            let read = content.read(&mut self.held[start..]);
            self.held.truncate(start + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Status::new(Code::Internal, error.to_string())),
            }
        }
    }

    /// Sends what is held. Nothing is no answer (recording gateway 010).
    pub fn flush(&mut self) {
        let held = std::mem::replace(&mut self.held, Vec::with_capacity(PIECE));
        if !held.is_empty() && self.flow.is_continue() {
            self.flow = (self.answers)(held.into());
        }
    }
}

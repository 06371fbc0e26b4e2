//! Reading files.

use std::io::Read;
use std::ops::ControlFlow;

use super::commits::object;
use super::elements::Elements;
use super::{Collected, V1, commit};
use crate::CommitSelector;
use crate::serve::files::diff::{Side, compare};
use crate::serve::files::walk::{Node, Tree, sum};
use crate::serve::files::{Pieces, named};
use crate::serve::{Answers, Call, Status};
use spoutctl_core::glob::{Glob, clean};
use spoutctl_proto::google::BytesValue;
use spoutctl_proto::v1::{
    Commit, DiffFileRequest, DiffFileResponse, File, FileInfo, FileInfos, FileRequest, FileType, GetFileRequest,
    GlobFileRequest, ListFileRequest,
};

/// No path has one of these.
const SPECIAL: [char; 13] = ['*', '?', '[', ']', '{', '}', '!', '(', ')', '@', '+', '^', '\\'];

/// As `InspectFile` says it (108), by the commit's id.
fn not_there(tree: &Tree, path: &str) -> Status {
    let commit = &tree.record().info.commit;
    Status::not_found(format!(
        "file {path} not found in repo {} at commit {}",
        commit.repo.name, commit.id
    ))
}

/// As the others say it (109, 187).
fn no_file(path: &str) -> Status {
    Status::not_found(format!("file {path:?} not found"))
}

/// Directories have no slash at their end.
fn path_of(node: &Node) -> &str {
    match node.path().trim_end_matches('/') {
        "" => "/",
        path => path,
    }
}

fn info(tree: &Tree, node: &Node) -> Result<FileInfo, Status> {
    let (size_bytes, hash) = sum(tree, node)?;
    Ok(info_of(tree, path_of(node), node, size_bytes, &hash))
}

fn info_of(tree: &Tree, path: &str, node: &Node, size_bytes: u64, hash: &[u8; 32]) -> FileInfo {
    let record = tree.record();
    let file_type = match node {
        Node::Directory(_) => FileType::Dir,
        Node::File(_) => FileType::File,
    };
    FileInfo {
        file: Some(File {
            commit: Some(Commit::named(&record.info.commit.repo, &record.info.commit.id)),
            path: path.to_owned(),
        }),
        file_type: file_type.into(),
        size_bytes,
        children: Vec::new(),
        hash: hash.to_vec().into(),
        objects: Vec::new(),
        committed: record.info.finished.map(Into::into),
    }
}

/// The root of a commit without a file (073).
fn empty_root(tree: &Tree) -> FileInfo {
    FileInfo {
        hash: bytes::Bytes::new(),
        ..info_of(tree, "/", &Node::Directory("/".to_owned()), 0, &[0; 32])
    }
}

/// Shows what a pattern means, in order; of a pattern that is a path alone, that.
fn matching(
    tree: &Tree,
    pattern: &str,
    show: &mut dyn FnMut(Node) -> Result<ControlFlow<()>, Status>,
) -> Result<(), Status> {
    let glob = Glob::new(pattern)?;
    if !pattern.contains(SPECIAL) {
        if let Some(node) = Elements::at(tree, &clean(pattern))?.next()? {
            let _ = show(node)?;
        }
        return Ok(());
    }
    // Directories above the matches are among what is walked through.
    let mut elements = Elements::at(tree, glob.directory.trim_end_matches('/'))?;
    while let Some(node) = elements.next()? {
        if glob.matches(node.path()) && show(node)?.is_break() {
            break;
        }
    }
    Ok(())
}

impl V1<'_> {
    fn tree(&self, call: &Call, named: Option<&Commit>) -> Result<Tree, Status> {
        self.0.view_of(call, &commit(named)?)
    }

    fn tree_of(&self, call: &Call, file: &File) -> Result<Tree, Status> {
        self.tree(call, file.commit.as_ref())
    }
}

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
impl V1<'_> {
    pub fn inspect_file(&self, call: &Call, request: &FileRequest) -> Result<FileInfo, Status> {
        let file = named(request.file.clone())?;
        let tree = self.tree_of(call, &file)?;
        let path = clean(&file.path);
        match Elements::at(&tree, &path)?.next()? {
            Some(node) => {
                let mut info = info(&tree, &node)?;
                if matches!(node, Node::File(_)) && info.size_bytes > 0 {
                    // Here alone (083).
                    info.objects = vec![object(&info.hash)];
                }
                Ok(info)
            }
            None if path == "/" => Ok(empty_root(&tree)),
            None => Err(not_there(&tree, &file.path)),
        }
    }

    /// What is at and below a path; nothing, where nothing is (183).
    pub fn walk_file(
        &self,
        call: &Call,
        request: &FileRequest,
        answers: &mut Answers<'_, FileInfo>,
    ) -> Result<(), Status> {
        let file = named(request.file.clone())?;
        let tree = self.tree_of(call, &file)?;
        let mut elements = Elements::at(&tree, &clean(&file.path))?;
        while let Some(node) = elements.next()? {
            if answers(info(&tree, &node)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The files that the pattern means, and what is in the directories that it means.
    pub fn list_file_stream(
        &self,
        call: &Call,
        request: &ListFileRequest,
        answers: &mut Answers<'_, FileInfo>,
    ) -> Result<(), Status> {
        if request.history != 0 {
            return Err(Status::unserved("the history of files"));
        }
        let file = named(request.file.clone())?;
        let tree = self.tree_of(call, &file)?;
        let glob = Glob::new(&file.path)?;
        let mut is_found = clean(&file.path) == "/";
        matching(&tree, &file.path, &mut |node| {
            is_found = true;
            let Node::Directory(directory) = node else {
                return Ok(answers(info(&tree, &node)?));
            };
            let mut inside = Elements::at(&tree, &directory)?;
            while let Some(child) = inside.next()? {
                let name = &child.path()[directory.len()..];
                if name.is_empty() {
                    continue;
                }
                if matches!(child, Node::Directory(_)) {
                    inside.leave();
                }
                // What the pattern means comes by itself.
                if !glob.matches(child.path()) && answers(info(&tree, &child)?).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if is_found { Ok(()) } else { Err(no_file(&file.path)) }
    }

    pub fn list_file(&self, call: &Call, request: &ListFileRequest) -> Result<FileInfos, Status> {
        let mut found = Collected::new();
        self.list_file_stream(call, request, &mut |info| found.take(info))?;
        Ok(FileInfos {
            file_info: found.all()?,
        })
    }

    pub fn glob_file_stream(
        &self,
        call: &Call,
        request: &GlobFileRequest,
        answers: &mut Answers<'_, FileInfo>,
    ) -> Result<(), Status> {
        let tree = self.tree(call, request.commit.as_ref())?;
        matching(&tree, &request.pattern, &mut |node| Ok(answers(info(&tree, &node)?)))
    }

    pub fn glob_file(&self, call: &Call, request: &GlobFileRequest) -> Result<FileInfos, Status> {
        let mut found = Collected::new();
        self.glob_file_stream(call, request, &mut |info| found.take(info))?;
        Ok(FileInfos {
            file_info: found.all()?,
        })
    }

    /// The bytes of all files that the pattern means, one after the other (194); of a directory none (193).
    pub fn get_file(
        &self,
        call: &Call,
        request: &GetFileRequest,
        answers: &mut Answers<'_, BytesValue>,
    ) -> Result<(), Status> {
        let file = named(request.file.clone())?;
        let tree = self.tree_of(call, &file)?;
        let mut pieces = Pieces::new(answers);
        let mut offset = u64::try_from(request.offset_bytes).unwrap_or(0);
        let mut left = match u64::try_from(request.size_bytes) {
            Ok(0) | Err(_) => u64::MAX,
            Ok(size) => size,
        };
        let mut is_found = false;
        matching(&tree, &file.path, &mut |node| {
            is_found = true;
            let Node::File(entry) = &node else {
                return Ok(ControlFlow::Continue(()));
            };
            let skipped = offset.min(entry.size);
            let taken = left.min(entry.size - skipped);
            offset -= skipped;
            left -= taken;
            pieces.copy(tree.read(entry, skipped).take(taken))?;
            Ok(if left == 0 { ControlFlow::Break(()) } else { pieces.flow })
        })?;
        if !is_found {
            return Err(no_file(&file.path));
        }
        pieces.flush();
        Ok(())
    }

    /// Files alone, without the directories that they are in (192). Their paths begin with a slash where the path that
    /// is asked for does.
    pub fn diff_file(&self, call: &Call, request: &DiffFileRequest) -> Result<DiffFileResponse, Status> {
        let new_file = named(request.new_file.clone())?;
        let new_tree = self.tree_of(call, &new_file)?;
        let parent = new_tree.record().info.parent.as_ref();
        let old = match &request.old_file {
            Some(file) => Some((self.tree_of(call, file)?, file.path.as_str())),
            None => parent
                .map(|parent| self.0.view_of(call, &CommitSelector::from(parent)))
                .transpose()?
                .map(|tree| (tree, new_file.path.as_str())),
        };
        let asked = [old.as_ref().map_or("", |(_, path)| path), new_file.path.as_str()];
        let told = |node: &Node, asked: &str| {
            let path = path_of(node);
            let path = if asked.starts_with('/') {
                path
            } else {
                path.trim_start_matches('/')
            };
            path.to_owned()
        };
        let mut found = [Collected::new(), Collected::new()];
        let old_side = old
            .as_ref()
            .map(|(tree, path)| Side::new(tree, &clean(path)))
            .transpose()?;
        let new_side = Side::new(&new_tree, &clean(&new_file.path))?;
        compare(old_side, new_side, &mut |old_node, new_node| {
            let sides = [
                (old.as_ref().map(|(tree, _)| tree), old_node),
                (Some(&new_tree), new_node),
            ];
            for ((side, found), asked) in sides.into_iter().zip(&mut found).zip(asked) {
                if let (Some(tree), Some((node @ Node::File(_), size, hash))) = side
                    && found
                        .take(info_of(tree, &told(&node, asked), &node, size, &hash))
                        .is_break()
                {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
        let [old_files, new_files] = found.map(Collected::all);
        Ok(DiffFileResponse {
            new_files: in_order(new_files?),
            old_files: in_order(old_files?),
        })
    }
}

/// Element by element, as everywhere in 1.x.
fn in_order(mut files: Vec<FileInfo>) -> Vec<FileInfo> {
    let path = |info: &FileInfo| info.file.as_ref().map(|file| file.path.replace('/', "\0"));
    files.sort_by_cached_key(path);
    files
}

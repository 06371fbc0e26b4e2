//! A commit's tree in the order of its paths, directories before what is in them: the one way that files are found
//! here.
//!
//! Memory: a page of files, and the directories of one path.

use std::collections::VecDeque;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::serve::Status;
use crate::{FileEntry, Store, View, bounds_of_directory};

pub(in crate::serve) type Tree = View<Arc<Store>>;

/// A file or a directory of a tree.
#[derive(Debug)]
pub(in crate::serve) enum Node {
    /// With its trailing slash.
    Directory(String),
    File(FileEntry),
}

impl Node {
    pub fn path(&self) -> &str {
        match self {
            Self::Directory(path) => path,
            Self::File(file) => &file.path,
        }
    }
}

/// Reads on through a tree.
pub(in crate::serve) struct Walk<'a> {
    files: Files<'a>,
    ready: VecDeque<Node>,
    /// Directories with shorter paths lie above what was asked for.
    root: usize,
    /// The path before: its directories were given.
    previous: String,
}

impl<'a> Walk<'a> {
    /// Through what is below a directory; itself and those above it come first.
    pub fn below(tree: &'a Tree, directory: &str) -> Self {
        Self {
            files: Files::below(tree, directory),
            ready: VecDeque::new(),
            root: 0,
            previous: String::new(),
        }
    }

    /// Through what is at or below a path that is cleaned, and nothing else.
    pub fn at(tree: &'a Tree, path: &str) -> Result<Self, Status> {
        let path = path.trim_end_matches('/');
        let mut walk = Self::below(tree, path);
        walk.root = path.len();
        if !path.is_empty() {
            walk.files.page.extend(tree.file(path)?);
        }
        Ok(walk)
    }

    /// Leaves out what comes up to `marker`.
    #[must_use]
    pub fn after(mut self, marker: &str) -> Self {
        self.files.page.retain(|file| file.path.as_str() > marker);
        if self.files.after.as_str() < marker {
            marker.clone_into(&mut self.files.after);
        }
        marker.clone_into(&mut self.previous);
        self
    }

    pub fn next(&mut self) -> Result<Option<Node>, Status> {
        if let Some(node) = self.ready.pop_front() {
            return Ok(Some(node));
        }
        let Some(file) = self.files.next()? else {
            return Ok(None);
        };
        for (slash, _) in file.path.match_indices('/') {
            let directory = &file.path[..=slash];
            if slash >= self.root && !self.previous.starts_with(directory) {
                self.ready.push_back(Node::Directory(directory.to_owned()));
            }
        }
        file.path.clone_into(&mut self.previous);
        self.ready.push_back(Node::File(file));
        Ok(self.ready.pop_front())
    }
}

/// Size and hash of what a node holds.
pub(in crate::serve) fn sum(tree: &Tree, node: &Node) -> Result<(u64, [u8; 32]), Status> {
    match node {
        Node::File(file) => Ok((file.size, file.hash)),
        Node::Directory(path) => sum_of_directory(tree, path),
    }
}

/// The bytes below a directory, and a hash that is the same only for the same files with the same bytes.
fn sum_of_directory(tree: &Tree, directory: &str) -> Result<(u64, [u8; 32]), Status> {
    let mut files = Files::below(tree, directory);
    let mut size = 0;
    let mut digest = Sha256::new();
    while let Some(file) = files.next()? {
        size += file.size;
        let name = &file.path[directory.len()..];
        digest.update((name.len() as u64).to_le_bytes());
        digest.update(name);
        digest.update(file.hash);
    }
    Ok((size, digest.finalize().into()))
}

/// The files below a directory.
pub(in crate::serve) struct Files<'a> {
    tree: &'a Tree,
    after: String,
    before: String,
    page: VecDeque<FileEntry>,
    ended: bool,
    previous: String,
}

impl<'a> Files<'a> {
    pub fn below(tree: &'a Tree, directory: &str) -> Self {
        let directory = directory.trim_end_matches('/');
        let (after, before) = match directory {
            "" => ("/".to_owned(), "0".to_owned()),
            directory => bounds_of_directory(directory),
        };
        Self {
            tree,
            after,
            before,
            page: VecDeque::new(),
            ended: false,
            previous: String::new(),
        }
    }

    /// It comes next, once more.
    pub fn give_back(&mut self, file: FileEntry) {
        self.page.push_front(file);
    }

    /// Leaves out what is left below a directory, whose path ends with a slash and which files came from.
    pub fn leave(&mut self, directory: &str) {
        while self.page.front().is_some_and(|file| file.path.starts_with(directory)) {
            self.page.pop_front();
        }
        if self.page.is_empty() && self.after.starts_with(directory) {
            // After every path below it: those have no such character.
            self.after = format!("{directory}\u{7f}");
        }
    }

    /// # Errors
    /// When a file is a directory too, as in a commit that finished with that error (recording p 062).
    pub fn next(&mut self) -> Result<Option<FileEntry>, Status> {
        if self.page.is_empty() && !self.ended {
            self.page = self.tree.files(&self.after, &self.before)?.into();
            match self.page.back() {
                Some(last) => last.path.clone_into(&mut self.after),
                None => self.ended = true,
            }
        }
        let Some(file) = self.page.pop_front() else {
            return Ok(None);
        };
        let below = file.path.strip_prefix(self.previous.as_str());
        let minds = self.tree.dialect().minds_collisions();
        if minds && !self.previous.is_empty() && below.is_some_and(|below| below.starts_with('/')) {
            let text = format!("file / directory path collision ({})", file.path);
            return Err(Status::unknown(text));
        }
        file.path.clone_into(&mut self.previous);
        Ok(Some(file))
    }
}

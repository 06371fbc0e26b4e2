//! A commit's tree in the order of 1.x: element by element, so that `/dir/a` comes before `/dir-x` (181).
//!
//! The store gives paths in the order of their bytes, where a directory's slash sorts after some characters of other
//! names. Before a name with such a character is shown, the directories are looked for whose names it begins with; they
//! come first.
//!
//! Memory: the directories of one path, and a page of files for each.

use crate::serve::Status;
use crate::serve::files::walk::{Files, Node, Tree};

/// Reads on through a tree.
pub(super) struct Elements<'a> {
    tree: &'a Tree,
    /// The directories that are being read, the innermost last.
    levels: Vec<Level<'a>>,
    /// What is given before anything else.
    first: Option<Node>,
}

struct Level<'a> {
    /// With its slash.
    path: String,
    files: Files<'a>,
    /// Beginnings of the name before that were looked for among the directories, the shortest first; and whether there
    /// is one, which was shown then.
    looked_for: Vec<(String, bool)>,
}

impl<'a> Elements<'a> {
    /// Through what is at or below a path that is cleaned, itself first.
    pub fn at(tree: &'a Tree, path: &str) -> Result<Self, Status> {
        let path = path.trim_end_matches('/');
        let file = if path.is_empty() { None } else { tree.file(path)? };
        let mut walk = Self {
            tree,
            levels: Vec::new(),
            first: None,
        };
        if let Some(file) = file {
            walk.first = Some(Node::File(file));
        } else if tree.is_directory(path)? {
            walk.first = Some(walk.enter(format!("{path}/")));
        }
        Ok(walk)
    }

    /// Leaves out what is in the directory that was given last.
    pub fn leave(&mut self) {
        self.levels.pop();
    }

    fn enter(&mut self, path: String) -> Node {
        self.levels.push(Level {
            files: Files::below(self.tree, &path),
            path: path.clone(),
            looked_for: Vec::new(),
        });
        Node::Directory(path)
    }

    pub fn next(&mut self) -> Result<Option<Node>, Status> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        while let Some(level) = self.levels.last_mut() {
            let Some(file) = level.files.next()? else {
                self.levels.pop();
                continue;
            };
            let below = &file.path[level.path.len()..];
            let (name, is_file) = match below.split_once('/') {
                Some((directory, _)) => (directory.to_owned(), false),
                None => (below.to_owned(), true),
            };
            if let Some(earlier) = level.look_for(self.tree, &name)? {
                level.files.give_back(file);
                return Ok(Some(self.enter(earlier)));
            }
            if is_file {
                return Ok(Some(Node::File(file)));
            }
            let directory = format!("{}{name}/", level.path);
            level.files.leave(&directory);
            if level
                .looked_for
                .iter()
                .any(|(shown, is_there)| *is_there && *shown == name)
            {
                continue;
            }
            return Ok(Some(self.enter(directory)));
        }
        Ok(None)
    }
}

impl Level<'_> {
    /// A directory that comes before this name and was not shown yet: the name begins with its own, and goes on with a
    /// character that sorts before a slash.
    fn look_for(&mut self, tree: &Tree, name: &str) -> Result<Option<String>, Status> {
        self.looked_for
            .retain(|(beginning, _)| name.starts_with(beginning.as_str()));
        let known = self.looked_for.last().map_or(0, |(beginning, _)| beginning.len());
        for (at, _) in name.char_indices().filter(|(at, c)| *at > known && *c < '/') {
            let beginning = &name[..at];
            let path = format!("{}{beginning}", self.path);
            let is_there = tree.is_directory(&path)?;
            self.looked_for.push((beginning.to_owned(), is_there));
            if is_there {
                return Ok(Some(format!("{path}/")));
            }
        }
        Ok(None)
    }
}

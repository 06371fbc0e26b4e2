//! What differs between two trees.

use std::ops::ControlFlow;

use super::walk::{Files, Node, Tree, Walk, sum};
use crate::FileEntry;
use crate::serve::{Code, Status};

/// One side of a comparison: the files at or below a path.
pub(in crate::serve) struct Side<'a> {
    tree: &'a Tree,
    walk: Walk<'a>,
    node: Option<Node>,
}

impl<'a> Side<'a> {
    pub fn new(tree: &'a Tree, path: &str) -> Result<Self, Status> {
        let mut walk = Walk::at(tree, path)?;
        let node = walk.next()?;
        Ok(Self { tree, walk, node })
    }

    fn advance(&mut self) -> Result<(), Status> {
        self.node = self.walk.next()?;
        Ok(())
    }

    fn sum(&self, node: &Node) -> Result<(u64, [u8; 32]), Status> {
        sum(self.tree, node)
    }
}

/// A node with its size and hash, for the answer.
pub(in crate::serve) type Summed = (Node, u64, [u8; 32]);

/// Shows every path that differs, the old side first, directories before what is in them.
pub(in crate::serve) fn compare(
    mut old: Option<Side<'_>>,
    mut new: Side<'_>,
    show: &mut dyn FnMut(Option<Summed>, Option<Summed>) -> ControlFlow<()>,
) -> Result<(), Status> {
    loop {
        let old_path = old.as_ref().and_then(|old| old.node.as_ref()).map(Node::path);
        let new_path = new.node.as_ref().map(Node::path);
        let order = match (old_path, new_path) {
            (None, None) => return Ok(()),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(old), Some(new)) => old.cmp(new),
        };
        let differ = order.is_ne() || differs(old.as_ref(), &new)?;
        let left = match old.as_mut().filter(|_| order.is_le()) {
            Some(side) => take(side, differ)?,
            None => None,
        };
        let right = if order.is_ge() { take(&mut new, differ)? } else { None };
        if differ && show(left, right).is_break() {
            return Ok(());
        }
    }
}

fn take(side: &mut Side<'_>, wanted: bool) -> Result<Option<Summed>, Status> {
    let node = side.node.take();
    let summed = match node.filter(|_| wanted) {
        Some(node) => {
            let sum = side.sum(&node)?;
            Some((node, sum.0, sum.1))
        }
        None => None,
    };
    side.advance()?;
    Ok(summed)
}

/// Whether what both sides have at the same path differs.
fn differs(old: Option<&Side<'_>>, new: &Side<'_>) -> Result<bool, Status> {
    let Some(old) = old else { return Ok(true) };
    match (&old.node, &new.node) {
        (Some(Node::File(a)), Some(Node::File(b))) => files_differ(old.tree, a, new.tree, b),
        (Some(Node::Directory(path)), Some(Node::Directory(_))) => directories_differ(old.tree, new.tree, path),
        _ => Ok(true),
    }
}

fn directories_differ(old: &Tree, new: &Tree, directory: &str) -> Result<bool, Status> {
    let mut left = Files::below(old, directory);
    let mut right = Files::below(new, directory);
    loop {
        match (left.next()?, right.next()?) {
            (None, None) => return Ok(false),
            (Some(a), Some(b)) if a.path == b.path => {
                if files_differ(old, &a, new, &b)? {
                    return Ok(true);
                }
            }
            _ => return Ok(true),
        }
    }
}

fn files_differ(old: &Tree, a: &FileEntry, new: &Tree, b: &FileEntry) -> Result<bool, Status> {
    old.differs(a, new, b)
        .map_err(|error| Status::new(Code::Internal, error.to_string()))
}

//! Files that are mended: shown as a diff, or written so that a reader sees the old one or the new one.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use similar::TextDiff;

use super::Mending;
use super::files::{Input, Unread};
use crate::lint::{Options, fix};
use crate::source::SourceFile;

/// A file that was mended, or would be.
#[derive(Debug)]
pub(super) struct Mended {
    pub name: String,
    pub is_stdin: bool,
    pub old: String,
    pub text: String,
    /// How many faults.
    pub fixed: usize,
}

/// Mends what may be mended. `None`: there was nothing.
pub(super) fn mend(
    input: &Input,
    file: &SourceFile,
    options: &Options,
    mending: Mending,
) -> Result<Option<Mended>, Unread> {
    let mended = fix::mend(file, options, mending.safety);
    let old = file.text();
    let text = mended.file.text();
    if text == old && !mending.passes_on(input) {
        return Ok(None);
    }
    if let Some(path) = input.path.as_ref().filter(|_| !mending.diff) {
        replace(path, old.as_bytes(), text.as_bytes()).map_err(|error| Unread {
            name: input.name.clone(),
            why: format!("it could not be mended, and is as it was: {error}"),
        })?;
    }
    Ok(Some(Mended {
        name: input.name.clone(),
        is_stdin: input.path.is_none(),
        old: old.to_owned(),
        text: text.to_owned(),
        fixed: mended.fixed,
    }))
}

/// Writes a file whole or not at all, with the permissions that it has; a link stays one.
fn replace(path: &Path, old: &[u8], new: &[u8]) -> io::Result<()> {
    let path = path.canonicalize()?;
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if metadata.permissions().readonly() {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new().prefix(".spoutctl-").tempfile_in(directory)?;
    temporary.write_all(new)?;
    temporary.as_file().set_permissions(metadata.permissions())?;
    temporary.as_file().sync_all()?;
    // An editor may have been quicker.
    if fs::read(&path)? != old {
        return Err(io::Error::other("it has changed meanwhile"));
    }
    temporary.persist(path)?;
    Ok(())
}

/// As `patch` takes it.
pub(super) fn diff(mended: &Mended) -> String {
    let diff = TextDiff::from_lines(mended.old.as_str(), mended.text.as_str());
    let (old, new) = match mended.name.strip_prefix('/') {
        // A path from the root has no place for the usual prefixes.
        Some(_) => (mended.name.clone(), mended.name.clone()),
        None => (format!("a/{}", mended.name), format!("b/{}", mended.name)),
    };
    diff.unified_diff().header(&old, &new).to_string()
}

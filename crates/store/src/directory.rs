//! Directories and files of a store: they survive a power cut, and only their owner reads them. A store holds whatever
//! is put into it, often before anybody has thought about who may see that.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::error::StoreError;
use spoutctl_core::durable;

/// Of a file.
pub(super) const OWN_FILE: u32 = 0o600;
/// Of a directory.
const OWN_DIRECTORY: u32 = 0o700;
/// The permissions of a group and of others.
const OTHERS: u32 = 0o077;

/// Makes a directory, and those above it, so that they survive a power cut.
pub(super) fn make_directory(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    make_directory(parent)?;
    match fs::DirBuilder::new().mode(OWN_DIRECTORY).create(dir) {
        // Another process may be faster.
        Err(_) if dir.is_dir() => {}
        Err(source) => {
            return Err(StoreError::Io {
                action: "make the directory",
                path: dir.to_owned(),
                source,
            });
        }
        Ok(()) => {}
    }
    sync_directory(parent)
}

/// Makes an empty file that is its owner's alone, before the database library makes one for everybody.
pub(super) fn make_own_file(path: &Path) -> Result<(), StoreError> {
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWN_FILE)
        .open(path);
    match made {
        // Another process may be faster.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(StoreError::Io {
            action: "make",
            path: path.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}

/// Makes the names in a directory survive a power cut.
pub(super) fn sync_directory(dir: &Path) -> Result<(), StoreError> {
    durable::sync_directory(dir).map_err(|source| StoreError::Io {
        action: "sync the directory",
        path: dir.to_owned(),
        source,
    })
}

/// Takes the permissions of others from what an earlier version, or somebody, has made for everybody, and tells whether
/// there were any. Where nobody else enters the store's directory, what lies deeper is out of reach. Another user's
/// files stay as they are.
pub(super) fn close(dir: &Path) -> bool {
    let mut closed = close_one(dir);
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        // A link may lead to what is not the store's.
        if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
            closed |= close_one(&entry.path());
        }
    }
    closed
}

fn close_one(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    let mode = metadata.mode();
    if mode & OTHERS == 0 {
        return false;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777 & !OTHERS)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o777
    }

    #[test]
    fn a_store_is_its_owners_alone_and_one_that_was_not_becomes_so() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("store");
        let store = Store::open(&dir).unwrap();
        assert!(!store.was_open_to_others());
        let names = || fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
        let all_closed = || mode(&dir) == OWN_DIRECTORY && names().all(|path| mode(&path) & OTHERS == 0);
        assert!(all_closed());
        drop(store);
        for path in names().chain([dir.clone()]) {
            let open = if path.is_dir() { 0o755 } else { 0o644 };
            fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        }
        assert!(Store::open_existing(&dir).unwrap().was_open_to_others());
        assert!(all_closed());
    }
}

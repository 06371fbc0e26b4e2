//! Files that are whole, or as they were, after a crash or a power cut: written beside their place, synced, renamed,
//! and the directory synced, which alone makes the new name last.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use tempfile::NamedTempFile;

/// What lies in it may be what only its owner should see.
const OWNER_ONLY: u32 = 0o700;

/// Replaces the file at `path` by what `write` writes, readable for its owner alone. A link is replaced itself.
///
/// # Errors
/// When it cannot be written. The file is as it was then, unless only the last step has failed.
pub fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut temporary = NamedTempFile::new_in(directory_of(path))?;
    write(temporary.as_file_mut())?;
    persist(temporary, path)
}

/// Gives a temporary file that was written beside `path` its place there, whatever stands in it.
///
/// # Errors
/// As [`replace`].
pub fn persist(temporary: NamedTempFile, path: &Path) -> io::Result<()> {
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    sync_directory_if_possible(directory_of(path))
}

/// The same where nothing may stand in its place.
///
/// # Errors
/// As [`replace`], and when something stands there.
pub fn persist_new(temporary: NamedTempFile, path: &Path) -> io::Result<()> {
    temporary.as_file().sync_all()?;
    temporary.persist_noclobber(path).map_err(|error| error.error)?;
    sync_directory_if_possible(directory_of(path))
}

/// Renames a file or a directory whose content is synced, for good.
///
/// # Errors
/// When it cannot be renamed, or a directory not be synced.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    let (old, new) = (directory_of(from), directory_of(to));
    sync_directory(new)?;
    if old == new { Ok(()) } else { sync_directory(old) }
}

/// Makes a directory for its owner alone, with those above it, unless it is there.
///
/// # Errors
/// When it cannot be made, or one above it not be synced.
pub fn make_directory(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let missing: Vec<&Path> = path.ancestors().take_while(|above| !above.exists()).collect();
    fs::DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(&path)?;
    missing
        .iter()
        .filter_map(|made| made.parent())
        .try_for_each(sync_directory)
}

/// Makes the names in a directory survive a power cut.
///
/// # Errors
/// When it cannot be opened or synced.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// The same of a directory of somebody else, where nobody is told that it survives: one that may be written and not
/// read cannot be synced, nor one of a file system that knows nothing of that, and they are left to it.
///
/// # Errors
/// When it cannot be opened or synced, though it may be.
pub fn sync_directory_if_possible(directory: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    match sync_directory(directory) {
        Err(error) if matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported) => Ok(()),
        synced => synced,
    }
}

/// The directory that a file lies in.
#[must_use]
pub fn directory_of(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_cannot_be_written_whole_stays_as_it_was_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        replace(&path, |file| file.write_all(b"old")).unwrap();
        let error = replace(&path, |file| {
            file.write_all(b"ne")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        replace(&path, |file| file.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(directory.path()), ["a"]);
    }

    #[test]
    fn a_new_file_takes_no_place_that_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let temporary = || NamedTempFile::new_in(directory.path()).unwrap();
        persist_new(temporary(), &path).unwrap();
        let error = persist_new(temporary(), &path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        persist(temporary(), &path).unwrap();
        rename(&path, &directory.path().join("b")).unwrap();
        assert_eq!(names(directory.path()), ["b"]);
    }

    #[test]
    fn a_directory_is_made_with_those_above_it_and_one_that_is_there_is_left_as_it_is() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let (above, below) = (directory.path().join("a"), directory.path().join("a/b"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        make_directory(&below).unwrap();
        assert_eq!((mode(&above), mode(&below)), (0o700, 0o700));
        fs::set_permissions(&below, fs::Permissions::from_mode(0o755)).unwrap();
        make_directory(&below).unwrap();
        assert_eq!(mode(&below), 0o755);
    }

    #[test]
    fn a_name_alone_lies_in_the_working_directory() {
        assert_eq!(directory_of(Path::new("a")), Path::new("."));
        assert_eq!(directory_of(Path::new("/a")), Path::new("/"));
        assert_eq!(directory_of(Path::new("b/a")), Path::new("b"));
    }
}

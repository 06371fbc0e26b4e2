//! New files: each whole or not at all, and none in the place of another unless that was asked for.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use spoutctl_core::durable;
use spoutctl_core::exit::Exit;

#[derive(Debug)]
pub(super) struct NewFile {
    pub path: PathBuf,
    pub text: String,
    pub is_executable: bool,
}

/// # Errors
/// When one of the files is there already, all of which are named, and may not be replaced.
pub(super) fn refuse_existing(files: &[NewFile], force: bool) -> Result<(), Failure> {
    let there: Vec<&NewFile> = files
        .iter()
        .filter(|file| !force && file.path.symlink_metadata().is_ok())
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(
        Exit::Usage,
        "what is to be written is there already, so nothing is written",
    );
    let failure = there
        .iter()
        .fold(failure, |failure, file| failure.detail(file.path.display().to_string()));
    Err(failure.help("--force replaces it; -o names another file"))
}

/// Writes all of them, and makes their directories.
///
/// # Errors
/// At the first that cannot be written; those before it are.
pub(super) fn write_all(files: &[NewFile], force: bool) -> Result<(), Failure> {
    for file in files {
        write(file, force).map_err(|error| {
            let heading = format!("cannot write {}", file.path.display());
            let failure = Failure::new(Exit::Input, heading).detail(error.to_string());
            match error.kind() {
                io::ErrorKind::AlreadyExists => failure.help("--force replaces it"),
                _ => failure,
            }
        })?;
    }
    Ok(())
}

fn write(file: &NewFile, force: bool) -> io::Result<()> {
    let parent = file.path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        fs::create_dir_all(parent)?;
    }
    // The umask takes from these what it takes from any new file.
    let mode = if file.is_executable { 0o777 } else { 0o666 };
    let mut temporary = tempfile::Builder::new()
        .prefix(".spoutctl-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(parent.unwrap_or(Path::new(".")))?;
    temporary.write_all(file.text.as_bytes())?;
    if force {
        durable::persist(temporary, &file.path)
    } else {
        // Somebody may have been quicker since it was looked at.
        durable::persist_new(temporary, &file.path)
    }
}

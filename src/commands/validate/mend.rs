//! Files that are mended: shown as a diff, or written so that a reader sees the old one or the new one.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use similar::TextDiff;

use super::files::{Input, Unread};
use spoutctl_core::durable;
use spoutctl_lint::diagnostic::{Diagnostic, Safety};
use spoutctl_lint::source::{Encoding, SourceFile};
use spoutctl_lint::{Options, fix};

/// What is mended, and how it is told.
#[derive(Clone, Copy)]
pub(super) struct Mending {
    pub safety: Safety,
    /// Show it, write nothing.
    pub diff: bool,
}

impl Mending {
    /// Standard input goes to standard output whether or not there was something to mend.
    pub fn passes_on(self, input: &Input) -> bool {
        input.path.is_none() && !self.diff
    }

    pub fn applies_to(self, found: &Diagnostic) -> bool {
        found.fix.as_ref().is_some_and(|fix| fix.safety <= self.safety)
    }
}

/// A file that was mended, or would be.
#[derive(Debug)]
pub(super) struct Mended {
    pub is_stdin: bool,
    /// What goes to standard output: a diff, or the text of standard input; nothing of a file that is written.
    pub shown: String,
    /// How many faults.
    pub fixed: usize,
}

/// Mends what may be mended, and gives back the file after that. `None`: there was nothing.
pub(super) fn mend(
    input: &Input,
    file: &SourceFile,
    options: &Options,
    mending: Mending,
) -> Result<Option<(Mended, SourceFile)>, Unread> {
    let fix::Mended { file: after, fixed } = fix::mend(file, options, mending.safety);
    let (old, new) = (file.text(), after.text());
    if old == new && !mending.passes_on(input) {
        return Ok(None);
    }
    let failed = |why: String| Unread {
        name: input.name.clone(),
        why: format!("it could not be mended, and is as it was: {why}"),
    };
    let shown = match &input.path {
        _ if mending.diff => diff(&input.name, old, new),
        // Its text is not its bytes, and there is no file that keeps these.
        None if *file.encoding() != Encoding::Utf8 => return Err(failed("it is not UTF-8".to_owned())),
        None => new.to_owned(),
        Some(path) => {
            replace(path, old.as_bytes(), new.as_bytes()).map_err(|error| failed(error.to_string()))?;
            String::new()
        }
    };
    let is_stdin = input.path.is_none();
    Ok(Some((Mended { is_stdin, shown, fixed }, after)))
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
    let changed = || io::Error::other("it has changed meanwhile");
    // An editor may be quicker, which is looked at as late as can be.
    let is_unchanged = || Ok::<_, io::Error>(fs::read(&path)? == old);
    #[cfg(target_os = "linux")]
    if let Some(file) = unnamed::create(directory, metadata.permissions(), new)? {
        if !is_unchanged()? {
            return Err(changed());
        }
        match unnamed::put(&file, directory, &path) {
            // Without /proc nothing can be given a name, and some names leave no room for another one.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename) => {}
            done => return done,
        }
    }
    let mut temporary = tempfile::Builder::new().prefix(".spoutctl-").tempfile_in(directory)?;
    temporary.write_all(new)?;
    temporary.as_file().set_permissions(metadata.permissions())?;
    temporary.as_file().sync_all()?;
    if !is_unchanged()? {
        return Err(changed());
    }
    durable::persist(temporary, &path)
}

/// A file that has no name before it is whole: whoever is killed while writing leaves nothing behind.
#[cfg(target_os = "linux")]
mod unnamed {
    use std::ffi::OsString;
    use std::fs::{File, Permissions};
    use std::io::{self, Write};
    use std::os::fd::AsRawFd;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};
    use rustix::io::Errno;
    use spoutctl_core::durable;

    /// None where the file system has no such files.
    pub(super) fn create(directory: &Path, permissions: Permissions, bytes: &[u8]) -> io::Result<Option<File>> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = match open(directory, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => file,
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut file = File::from(file);
        file.write_all(bytes)?;
        file.set_permissions(permissions)?;
        file.sync_all()?;
        Ok(Some(file))
    }

    /// Gives it a name and moves it into its place at once: only a kill between these two calls leaves a file, and the
    /// next time that this one is mended takes it away, since it has that name again.
    pub(super) fn put(file: &File, directory: &Path, path: &Path) -> io::Result<()> {
        let descriptor = format!("/proc/self/fd/{}", file.as_raw_fd());
        let mut name = OsString::from(".spoutctl-mended-");
        name.push(path.file_name().unwrap_or_default());
        let named = directory.join(name);
        let link = || linkat(CWD, &descriptor, CWD, &named, AtFlags::SYMLINK_FOLLOW);
        match link() {
            Err(Errno::EXIST) => {
                // What cannot be left of ours stays, and the other way is gone.
                std::fs::remove_file(&named).map_err(|_| io::ErrorKind::InvalidFilename)?;
                link()?;
            }
            linked => linked?,
        }
        std::fs::rename(&named, path).inspect_err(|_| {
            let _ = std::fs::remove_file(&named);
        })?;
        durable::sync_directory_if_possible(directory)
    }
}

/// As `patch` takes it.
fn diff(name: &str, old: &str, new: &str) -> String {
    // A path from the root has no place for the usual prefixes.
    let (before, after) = match name.strip_prefix('/') {
        Some(_) => (name.to_owned(), name.to_owned()),
        None => (format!("a/{name}"), format!("b/{name}")),
    };
    TextDiff::from_lines(old, new)
        .unified_diff()
        .header(&before, &after)
        .to_string()
}

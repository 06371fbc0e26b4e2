//! `spoutctl get`: one file's bytes, or a commit as a tar archive.

use std::fs::Permissions;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::NamedTempFile;

use crate::cli::GetArgs;
use crate::commands::server;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pfs::FilePath;
use crate::retrieval::{FileSource, RetrievalError, copy_archive, copy_file, find_commit};
use crate::terminal::Terminal;

/// Runs the verb.
///
/// # Errors
/// When what was asked for is not there, or does not come whole.
pub fn run(args: &GetArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.voice.voice());
    if args.source.path.is_none() && !args.tar {
        return Err(Failure::new(Exit::Usage, "SOURCE names no path")
            .help("write REPO:/PATH for a file's bytes, or --tar for the whole commit"));
    }
    if args.tar && args.output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::new(Exit::Usage, "a tar archive is not written to a terminal")
            .help("name a file with -o, or pipe it: spoutctl get --tar … | tar tvf -"));
    }
    let files = server::source(&args.server, &terminal)?;
    match &args.output {
        None => to_stdout(args, files.as_ref(), &terminal),
        Some(path) if is_special(path) => {
            let mut output = std::fs::File::options()
                .write(true)
                .open(path)
                .with_context(|| format!("cannot write {}", path.display()))?;
            fetch(args, files.as_ref(), &terminal, &mut output)
        }
        Some(path) => to_file(args, files.as_ref(), &terminal, path),
    }
}

fn to_stdout(args: &GetArgs, files: &dyn FileSource, terminal: &Terminal) -> Result<Exit, Failure> {
    match write(args, files, terminal, &mut io::stdout().lock()) {
        // Whoever read it has enough: `get … | head`.
        Err(RetrievalError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        result => finish(result),
    }
}

/// The file appears whole under its name, or not at all.
fn to_file(args: &GetArgs, files: &dyn FileSource, terminal: &Terminal, path: &Path) -> Result<Exit, Failure> {
    // A link is followed: what it leads to is replaced, not the link.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or_else(|| PathBuf::from("."), Path::to_owned);
    let cannot = || format!("cannot write {}", path.display());
    let mut output = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory)
        .with_context(cannot)?;
    fetch(args, files, terminal, &mut output)?;
    persist(output, &path).with_context(cannot)?;
    Ok(Exit::Done)
}

fn persist(output: NamedTempFile, path: &Path) -> anyhow::Result<()> {
    output.as_file().sync_all()?;
    output.persist(path)?;
    Ok(())
}

fn fetch(args: &GetArgs, files: &dyn FileSource, terminal: &Terminal, output: &mut dyn Write) -> Result<Exit, Failure> {
    finish(write(args, files, terminal, output))
}

fn write(
    args: &GetArgs,
    files: &dyn FileSource,
    terminal: &Terminal,
    output: &mut dyn Write,
) -> Result<(), RetrievalError> {
    let info = find_commit(files, &args.source)?;
    terminal.detail(&format!("commit {}", info.commit));
    let path = args.source.path.clone().unwrap_or_else(FilePath::root);
    if args.tar {
        copy_archive(files, &info, &path, args.unescape_paths, output)
    } else {
        copy_file(files, &info.commit, &path, output)
    }
}

fn finish(result: Result<(), RetrievalError>) -> Result<Exit, Failure> {
    let Err(error) = result else { return Ok(Exit::Done) };
    let exit = match &error {
        RetrievalError::NothingYet(_)
        | RetrievalError::NoCommit(_)
        | RetrievalError::NotFinished(_)
        | RetrievalError::NoFile { .. } => Exit::NotFound,
        RetrievalError::IsDirectory(_) => Exit::Usage,
        RetrievalError::NoRepo(_) | RetrievalError::Errored { .. } | RetrievalError::Refused(_) => Exit::Refused,
        RetrievalError::Unavailable(_) | RetrievalError::Broken { .. } | RetrievalError::NoArchive(_) => {
            Exit::Unavailable
        }
        RetrievalError::NotEscaped(_) | RetrievalError::Output(_) => Exit::Input,
    };
    let failure = Failure::new(exit, error.to_string());
    Err(match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    })
}

/// A device or a FIFO is written to, not replaced.
fn is_special(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

//! `spoutctl get`: one file's bytes, or a commit as a tar archive.

use std::fs::{File, Metadata, Permissions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use crossbeam_channel::{bounded, select};
use tempfile::TempPath;

use crate::cli::GetArgs;
use crate::commands::interrupts::Interrupts;
use crate::commands::server;
use crate::failure::Failure;
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_core::pfs::{FilePath, Source};
use spoutctl_delivery::retrieval::{FileSource, RetrievalError, copy_archive, copy_file, find_commit};

/// Names of standard output: opened anew, such a file would be written from its start.
const STANDARD_OUTPUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Runs the verb.
///
/// # Errors
/// When what was asked for is not there, or does not come whole.
pub fn run(args: &GetArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.voice.voice());
    let output = args
        .output
        .as_deref()
        .filter(|path| STANDARD_OUTPUT.iter().all(|name| *path != Path::new(name)));
    if args.source.path.is_none() && !args.tar {
        return Err(Failure::new(Exit::Usage, "SOURCE names no path")
            .help("write REPO:/PATH for a file's bytes, or --tar for the whole commit"));
    }
    if args.tar && output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::new(Exit::Usage, "a tar archive is not written to a terminal")
            .help("name a file with -o, or pipe it: spoutctl get --tar … | tar tvf -"));
    }
    let target = output.map(Target::new).transpose()?;
    let server = server::find(&args.server)?;
    let mut source = args.source.clone();
    if let (false, Some(project)) = (source.names_project, server.project()) {
        source.repo.project = project.clone();
    }
    let request = Request {
        files: server::source(&server, &terminal)?,
        source,
        tar: args.tar,
        unescape: args.unescape_paths,
        terminal,
    };
    let written = match target {
        None => to_stdout(&request),
        Some(Target::Special(path)) => {
            // Appending, so that a regular file behind a name such as /dev/fd/3 keeps what it has.
            let opened = File::options().append(true).open(&path);
            finish(request.write(&mut opened.with_context(|| cannot_write(&path))?))
        }
        Some(Target::File { path, existing }) => to_file(request, &path, existing.as_ref()),
    };
    written.map_err(|failure| server::advise(failure, &server))
}

/// What is to be read, and from where.
struct Request {
    files: Box<dyn FileSource + Send + Sync>,
    source: Source,
    tar: bool,
    unescape: bool,
    terminal: Terminal,
}

impl Request {
    fn write(&self, output: &mut dyn Write) -> Result<(), RetrievalError> {
        let files = self.files.as_ref();
        let info = find_commit(files, &self.source)?;
        self.terminal.detail(&format!("commit {}", info.commit));
        let path = self.source.path.clone().unwrap_or_else(FilePath::root);
        if self.tar {
            copy_archive(files, &info, &path, self.unescape, output)
        } else {
            copy_file(files, &info.commit, &path, output)
        }
    }
}

/// What `--output` names.
enum Target {
    /// A regular file, or none yet: it is replaced as a whole.
    File { path: PathBuf, existing: Option<Metadata> },
    /// A device or a FIFO: written to, not replaced.
    Special(PathBuf),
}

impl Target {
    fn new(path: &Path) -> Result<Self, Failure> {
        if names_a_descriptor(path) {
            return Ok(Self::Special(path.to_owned()));
        }
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => {
                Err(Failure::new(Exit::Usage, format!("{} is a directory", path.display()))
                    .help("name the file that is to be written"))
            }
            // A link is followed: what it leads to is replaced, not the link.
            Ok(metadata) if metadata.is_file() => {
                let path = path.canonicalize().with_context(|| cannot_write(path))?;
                Ok(Self::File {
                    path,
                    existing: Some(metadata),
                })
            }
            Ok(_) => Ok(Self::Special(path.to_owned())),
            Err(_) if path.is_symlink() => Err(Failure::new(
                Exit::Usage,
                format!("{} is a link that leads nowhere", path.display()),
            )),
            Err(_) => Ok(Self::File {
                path: path.to_owned(),
                existing: None,
            }),
        }
    }
}

/// Whether the path stands for something that is open already: the file behind it is not ours to replace.
fn names_a_descriptor(path: &Path) -> bool {
    let in_proc = path.starts_with("/proc") && path.components().any(|part| part.as_os_str() == "fd");
    in_proc || path.starts_with("/dev/fd") || ["/dev/stdin", "/dev/stderr"].iter().any(|name| path == Path::new(name))
}

/// Small files come in small pieces; so many bytes of them are written at once.
const BUFFER: usize = 128 << 10;

fn to_stdout(request: &Request) -> Result<Exit, Failure> {
    // The standard library's own standard output looks for line ends, which bytes of files do not have.
    let stdout = io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .context("cannot write to standard output")?;
    match request.write(&mut BufWriter::with_capacity(BUFFER, File::from(stdout))) {
        // Whoever read it has enough: `get … | head`.
        Err(RetrievalError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        result => finish(result),
    }
}

/// The file appears whole under its name, or not at all; an interrupt leaves nothing beside it. One that was there is
/// replaced with its permissions kept.
fn to_file(request: Request, path: &Path, existing: Option<&Metadata>) -> Result<Exit, Failure> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mode = existing.map_or_else(|| Permissions::from_mode(0o666), Metadata::permissions);
    let temporary = tempfile::Builder::new()
        .permissions(mode)
        .tempfile_in(parent.unwrap_or(Path::new(".")))
        .with_context(|| cannot_write(path))?;
    let (mut file, temporary) = temporary.into_parts();
    if let Some(existing) = existing {
        // The mask of this process took bits away from what the file had.
        file.set_permissions(existing.permissions())
            .with_context(|| cannot_write(path))?;
    }
    let interrupts = Interrupts::listen(Duration::ZERO, |_| {}).map_err(Failure::from)?;
    let (done, ended) = bounded(1);
    std::thread::spawn(move || {
        let written = request.write(&mut BufWriter::with_capacity(BUFFER, &mut file));
        // Nobody listens any more only after an interrupt.
        let _ = done.send(written.map(|()| file));
    });
    select! {
        recv(ended) -> written => match written {
            Ok(Ok(file)) => {
                persist(&file, temporary, path).with_context(|| cannot_write(path))?;
                Ok(Exit::Done)
            }
            Ok(Err(error)) => finish(Err(error)),
            Err(_) => Err(Failure::new(Exit::Input, "a part of spoutctl has panicked: this is a fault of spoutctl itself")),
        },
        recv(interrupts.interrupt.raised()) -> _ => {
            drop(temporary);
            let exit = interrupts.signal().map_or(Exit::Unavailable, Exit::Signal);
            Err(Failure::new(exit, "interrupted").detail(format!("{} is as it was", path.display())))
        }
    }
}

fn persist(file: &File, temporary: TempPath, path: &Path) -> anyhow::Result<()> {
    file.sync_all()?;
    temporary.persist(path)?;
    Ok(())
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

fn finish(result: Result<(), RetrievalError>) -> Result<Exit, Failure> {
    let Err(error) = result else { return Ok(Exit::Done) };
    let exit = match &error {
        RetrievalError::NothingYet(_)
        | RetrievalError::NoCommit { .. }
        | RetrievalError::NotFinished(_)
        | RetrievalError::NoFile { .. } => Exit::NotFound,
        RetrievalError::IsDirectory(_) => Exit::Usage,
        RetrievalError::NoRepo(_) | RetrievalError::Errored { .. } | RetrievalError::Refused(_) => Exit::Refused,
        RetrievalError::Unavailable(_)
        | RetrievalError::Broken { .. }
        | RetrievalError::NoArchive(_)
        | RetrievalError::Differs { .. } => Exit::Unavailable,
        RetrievalError::NotEscaped(_) | RetrievalError::Output(_) | RetrievalError::Local(_) => Exit::Input,
    };
    let mut failure = Failure::new(exit, error.to_string());
    failure.denied = error.denied().map(|fault| fault.message.clone());
    failure.help.extend(error.help().map(str::to_owned));
    Err(failure)
}

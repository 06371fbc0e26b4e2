//! `spoutctl get`: files' bytes, a directory as files or as a tar archive, or what there is.

use std::ffi::OsStr;
use std::fs::{File, Metadata, Permissions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use crossbeam_channel::{bounded, select};
use parking_lot::Mutex;
use tempfile::TempPath;

use crate::cli::GetArgs;
use crate::commands::denied::advise;
use crate::commands::interrupts::Interrupts;
use crate::commands::server;
use crate::failure::Failure;
use crate::terminal::Terminal;
use pachyderm_client::pachd::Followable;
use spoutctl_core::durable;
use spoutctl_core::exit::Exit;
use spoutctl_core::pfs::{CommitInfo, FilePath, Source};
use spoutctl_core::quantity::Size;
use spoutctl_delivery::retrieval::{RetrievalError, copy_archive, copy_file, copy_files, find_commit, list_files};

/// Names of standard output: opened anew, such a file would be written from its start.
const STANDARD_OUTPUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Runs the verb.
///
/// # Errors
/// When what was asked for is not there, or does not come whole.
pub fn run(args: &GetArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.verbosity.level());
    let output = args
        .output
        .as_deref()
        .filter(|path| STANDARD_OUTPUT.iter().all(|name| *path != Path::new(name)));
    let names_path = args.source.path.is_some() || args.source.pattern.is_some();
    if !names_path && !args.tar && !args.list && !args.recursive {
        return Err(Failure::new(Exit::Usage, "SOURCE names no path").help(
            "write REPO:/PATH for a file's bytes; of the whole commit --list lists the files, -r with -o DIR writes \
             them, and --tar writes an archive",
        ));
    }
    if args.tar && args.source.pattern.is_some() {
        return Err(Failure::new(Exit::Usage, "--tar writes a directory, and no glob")
            .help("-r with -o DIR writes the files that a glob means"));
    }
    if args.tar && output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::new(Exit::Usage, "a tar archive is not written to a terminal")
            .help("name a file with -o, or pipe it: spoutctl get --tar … | tar tvf -"));
    }
    let target = match output {
        Some(directory) if args.recursive => Some(Target::directory(directory)?),
        output => output.map(Target::new).transpose()?,
    };
    let server = server::find(&args.server)?;
    let mut source = args.source.clone();
    if let (false, Some(project)) = (source.names_project, server.project()) {
        source.repo.project = project.clone();
    }
    let request = Request {
        files: server::feed(&server, &terminal)?,
        source,
        what: match args {
            GetArgs { list: true, .. } => What::List,
            GetArgs { tar: true, .. } => What::Archive {
                unescape: args.unescape_paths,
            },
            _ => What::Bytes,
        },
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
        Some(Target::Directory(path)) => to_directory(request, &path),
    };
    written.map_err(|failure| advise(failure, &server))
}

/// What is to be read, and from where.
struct Request {
    files: Arc<dyn Followable>,
    source: Source,
    what: What,
    terminal: Terminal,
}

/// What is written of it.
enum What {
    /// One file's, or those of all files that a pattern means, one after the other.
    Bytes,
    Archive {
        unescape: bool,
    },
    /// A line a file.
    List,
}

impl Request {
    fn commit(&self) -> Result<CommitInfo, RetrievalError> {
        let info = find_commit(self.files.as_ref(), &self.source)?;
        self.terminal.detail(&format!("commit {}", info.commit));
        Ok(info)
    }

    fn path(&self) -> FilePath {
        self.source.path.clone().unwrap_or_else(FilePath::root)
    }

    fn write(&self, output: &mut dyn Write) -> Result<(), RetrievalError> {
        let files = self.files.as_ref();
        let info = self.commit()?;
        match self.what {
            What::List => self.list(&info, output),
            What::Archive { unescape } => copy_archive(files, &info, &self.path(), unescape, output),
            What::Bytes if self.source.pattern.is_some() => {
                for path in self.matching(&info)? {
                    copy_file(files, &info.commit, &path, output)?;
                }
                Ok(())
            }
            What::Bytes => copy_file(files, &info.commit, &self.path(), output),
        }
    }

    fn list(&self, info: &CommitInfo, output: &mut dyn Write) -> Result<(), RetrievalError> {
        let mut unwritten = None;
        list_files(
            self.files.as_ref(),
            info,
            &self.source,
            &mut |path, bytes| match writeln!(output, "{path}   {}", Size(bytes)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    unwritten = Some(error);
                    ControlFlow::Break(())
                }
            },
        )?;
        unwritten
            .map_or_else(|| output.flush(), Err)
            .map_err(RetrievalError::Output)
    }

    /// The files that the pattern means. They are listed before the first is read: a pachd is not asked for both at
    /// once.
    fn matching(&self, info: &CommitInfo) -> Result<Vec<FilePath>, RetrievalError> {
        let mut paths = Vec::new();
        list_files(self.files.as_ref(), info, &self.source, &mut |path, _| {
            paths.push(path);
            ControlFlow::Continue(())
        })?;
        Ok(paths)
    }

    /// Writes the files into a directory, by their paths below what SOURCE names; those of a pattern by their whole
    /// paths.
    fn write_below(&self, directory: &Fresh) -> Result<(), RetrievalError> {
        let files = self.files.as_ref();
        let info = self.commit()?;
        if self.source.pattern.is_some() {
            for path in self.matching(&info)? {
                let created = directory.create(path.as_str().as_bytes());
                let mut file = created.map_err(RetrievalError::Output)?;
                copy_file(files, &info.commit, &path, &mut file)?;
                file.sync_all().map_err(RetrievalError::Output)?;
            }
            return Ok(());
        }
        let path = self.path();
        let named = path.as_str().trim_start_matches('/').as_bytes();
        copy_files(files, &info.commit, &path, false, &mut |name, _, content| {
            let below = match name.strip_prefix(named) {
                // The path is a file's own.
                Some([]) => named.rsplit(|byte| *byte == b'/').next().unwrap_or_default(),
                Some(below) => below,
                None => name,
            };
            let mut file = directory.create(below)?;
            io::copy(content, &mut file)?;
            file.sync_all()
        })
    }
}

/// A directory that is filled on one thread, and may be given up on another.
struct Fresh {
    path: PathBuf,
    is_given_up: Mutex<bool>,
}

impl Fresh {
    /// A new file below it, whose name came from elsewhere.
    fn create(&self, name: &[u8]) -> io::Result<File> {
        let name = Path::new(OsStr::from_bytes(name));
        let below: PathBuf = name.components().filter(|part| *part != Component::RootDir).collect();
        let is_below = below.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_below || below.as_os_str().is_empty() {
            let text = format!("`{}` is no name of a file below a directory", name.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let path = self.path.join(below);
        let is_given_up = self.is_given_up.lock();
        if *is_given_up {
            return Err(io::Error::other("nobody wants it any more"));
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        File::create_new(path)
    }

    /// Nothing comes into being below it from now on.
    fn give_up(&self) {
        *self.is_given_up.lock() = true;
    }
}

/// What `--output` names.
enum Target {
    /// A regular file, or none yet: it is replaced as a whole.
    File { path: PathBuf, existing: Option<Metadata> },
    /// A device or a FIFO: written to, not replaced.
    Special(PathBuf),
    /// One that is empty, or not there yet.
    Directory(PathBuf),
}

impl Target {
    fn directory(path: &Path) -> Result<Self, Failure> {
        let is_free = match std::fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_free {
            return Ok(Self::Directory(path.to_owned()));
        }
        Err(Failure::new(
            Exit::Usage,
            format!("{} is there already, and no empty directory", path.display()),
        )
        .help("name one that is not there: it is made"))
    }

    fn new(path: &Path) -> Result<Self, Failure> {
        if names_a_descriptor(path) {
            return Ok(Self::Special(path.to_owned()));
        }
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => {
                Err(Failure::new(Exit::Usage, format!("{} is a directory", path.display()))
                    .help("name the file that is to be written; -r writes the files of a directory into one"))
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
    let written = unless_interrupted(path, move || {
        let mut output = BufWriter::with_capacity(BUFFER, &mut file);
        request.write(&mut output)?;
        output.flush().map_err(RetrievalError::Output)?;
        drop(output);
        Ok(file)
    })?;
    match written {
        Ok(file) => {
            persist(&file, temporary, path).with_context(|| cannot_write(path))?;
            Ok(Exit::Done)
        }
        Err(error) => finish(Err(error)),
    }
}

/// The same with a directory.
fn to_directory(request: Request, path: &Path) -> Result<Exit, Failure> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let temporary = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o777))
        .tempdir_in(parent.unwrap_or(Path::new(".")))
        .with_context(|| cannot_write(path))?;
    let directory = Arc::new(Fresh {
        path: temporary.path().to_owned(),
        is_given_up: Mutex::new(false),
    });
    let filled = Arc::clone(&directory);
    let written = unless_interrupted(path, move || request.write_below(&filled));
    // It is removed as soon as we leave, and what is not there any more can be filled anew.
    directory.give_up();
    match written? {
        Ok(()) => {
            std::fs::rename(temporary.path(), path).with_context(|| cannot_write(path))?;
            // It has another name now.
            let _ = temporary.keep();
            durable::sync_directory_if_possible(durable::directory_of(path)).with_context(|| cannot_write(path))?;
            Ok(Exit::Done)
        }
        Err(error) => finish(Err(error)),
    }
}

/// Does the work, or leaves it when a signal asks for the end.
fn unless_interrupted<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, RetrievalError> + Send + 'static,
) -> Result<Result<T, RetrievalError>, Failure> {
    let interrupts = Interrupts::listen(Duration::ZERO, |_| {}).map_err(Failure::from)?;
    let (done, ended) = bounded(1);
    std::thread::spawn(move || {
        // Nobody listens any more only after an interrupt.
        let _ = done.send(work());
    });
    select! {
        recv(ended) -> written => written.map_err(|_| Failure::panicked()),
        recv(interrupts.interrupt.raised()) -> _ => {
            let exit = interrupts.signal().map_or(Exit::Unavailable, Exit::Signal);
            Err(Failure::new(exit, "interrupted").detail(format!("{} is as it was", path.display())))
        }
    }
}

fn persist(file: &File, temporary: TempPath, path: &Path) -> anyhow::Result<()> {
    file.sync_all()?;
    temporary.persist(path)?;
    durable::sync_directory_if_possible(durable::directory_of(path))?;
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
        | RetrievalError::NoRelative { .. }
        | RetrievalError::NoMatch { .. }
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
    failure.help.extend(error.help());
    Err(failure)
}

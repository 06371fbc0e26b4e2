//! Which files are meant, and what is in them.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use ignore::{DirEntry, WalkBuilder};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::settings::Surroundings;
use pachyderm_client::connection::download::{self, DownloadUrl};
use pachyderm_client::connection::tls::Trust;
use spoutctl_lint::source::SourceFile;

/// How files end that are looked at because they are in a directory.
pub(in crate::commands) const ENDINGS: [&str; 5] = ["json", "yaml", "yml", "pipeline", "jsonnet"];

/// The most that is read of a file: a spec has kilobytes.
const LARGEST: u64 = 16 << 20;

/// Something to be looked at.
#[derive(Debug)]
pub(in crate::commands) struct Input {
    /// As it is shown.
    pub name: String,
    /// `None` for standard input, and for what is downloaded.
    pub path: Option<PathBuf>,
    /// It is behind this address.
    pub url: Option<String>,
    /// Somebody said that it is a spout; the others were merely found.
    pub is_named: bool,
}

impl Input {
    /// The same for each way to write one path.
    fn key(&self) -> Option<PathBuf> {
        if let Some(url) = &self.url {
            return Some(PathBuf::from(url));
        }
        let path = self.path.as_deref()?;
        Some(path.strip_prefix(".").unwrap_or(path).to_owned())
    }
}

/// Why something was not looked at, or not written.
#[derive(Debug)]
pub(in crate::commands) struct Unread {
    pub name: String,
    pub why: String,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name.escape_debug(), self.why)
    }
}

#[derive(Debug, Default)]
pub(in crate::commands) struct Found {
    pub inputs: Vec<Input>,
    pub unread: Vec<Unread>,
    /// Directories in which nothing was found.
    pub empty: Vec<String>,
}

impl Found {
    fn unread(&mut self, path: &Path, why: impl Into<String>) {
        self.unread.push(Unread {
            name: shown(path),
            why: why.into(),
        });
    }

    /// Something behind an address. What follows its `?` may be a secret, and is not shown.
    fn url(&mut self, url: &str) {
        match DownloadUrl::new(url) {
            Ok(source) => self.inputs.push(Input {
                name: source.to_string(),
                path: None,
                url: Some(url.to_owned()),
                is_named: true,
            }),
            Err(error) => self.unread.push(Unread {
                name: format!("{}://…", url.split("://").next().unwrap_or_default()),
                why: error.to_string(),
            }),
        }
    }

    /// Something in a directory. A link is followed to a file, but not to a directory, which may be one that it is in.
    fn entry(&mut self, entry: DirEntry) {
        let kind = if entry.path_is_symlink() {
            match entry.path().metadata() {
                Ok(metadata) => Some(metadata.file_type()),
                Err(error) => return self.unread(entry.path(), format!("a link that leads nowhere: {error}")),
            }
        } else {
            entry.file_type()
        };
        // Of a pipe that lies there an end may never come.
        if kind.is_some_and(|kind| kind.is_file()) {
            self.file(entry.into_path(), false);
        }
    }

    fn file(&mut self, path: PathBuf, is_named: bool) {
        self.inputs.push(Input {
            name: shown(&path),
            path: Some(path),
            url: None,
            is_named,
        });
    }
}

/// Everything that `paths` mean, in their order, and each file once.
pub(in crate::commands) fn find(paths: &[PathBuf], stdin_name: &str) -> Found {
    let mut found = Found::default();
    for path in paths {
        if path.as_os_str() == "-" {
            found.inputs.push(Input {
                name: stdin_name.to_owned(),
                path: None,
                url: None,
                is_named: true,
            });
            continue;
        }
        if let Some(url) = path.to_str().filter(|text| DownloadUrl::is_meant(text)) {
            found.url(url);
            continue;
        }
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => find_in_directory(path, &mut found),
            Ok(_) => found.file(path.clone(), true),
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_glob(path) => expand(path, &mut found),
            Err(error) => found.unread(path, error.to_string()),
        }
    }
    let named = found.inputs.iter().filter(|input| input.is_named);
    let named: HashSet<PathBuf> = named.filter_map(Input::key).collect();
    let mut seen = HashSet::new();
    found.inputs.retain(|input| {
        let key = input.key();
        let is_named_elsewhere = !input.is_named && key.as_ref().is_some_and(|key| named.contains(key));
        !is_named_elsewhere && seen.insert(key)
    });
    found
}

/// What is meant when nobody names a file: what is piped in, or else this directory. `waiting` is called once when
/// nothing comes for a while.
pub(in crate::commands) fn find_unsaid(stdin_name: &str, waiting: impl FnOnce()) -> Found {
    let path = if is_piped_in(waiting) { "-" } else { "." };
    find(&[PathBuf::from(path)], stdin_name)
}

/// Whether standard input is a file or a pipe with something in it. A pipe may be silent at first, and one that is
/// closed without a byte is none: so CI systems start their scripts.
fn is_piped_in(waiting: impl FnOnce()) -> bool {
    const A_WHILE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };
    let stdin = io::stdin();
    let Ok(status) = rustix::fs::fstat(&stdin) else {
        return false;
    };
    match rustix::fs::FileType::from_raw_mode(status.st_mode) {
        rustix::fs::FileType::RegularFile => {
            let at = rustix::fs::tell(&stdin).unwrap_or_default();
            u64::try_from(status.st_size).is_ok_and(|size| size > at)
        }
        rustix::fs::FileType::Fifo | rustix::fs::FileType::Socket => {
            let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
            if poll(&mut fds, Some(&A_WHILE)) == Ok(0) {
                waiting();
                while poll(&mut fds, None) == Err(rustix::io::Errno::INTR) {}
            }
            fds.iter().any(|fd| fd.revents().contains(PollFlags::IN))
        }
        _ => false,
    }
}

/// Hidden files, and what .gitignore leaves out, are left out here, too.
fn find_in_directory(directory: &Path, found: &mut Found) {
    let before = found.inputs.len() + found.unread.len();
    let mut walk = WalkBuilder::new(directory);
    walk.git_global(false).sort_by_file_path(by_name);
    for entry in walk.build() {
        match entry {
            Ok(entry) if has_ending(entry.path()) => found.entry(entry),
            Ok(_) => {}
            Err(error) => found.unread(directory, error.to_string()),
        }
    }
    if found.inputs.len() + found.unread.len() == before {
        found.empty.push(shown(directory));
    }
}

/// The order of two entries of one directory: their paths differ in their names only, which need not be cut off.
fn by_name(one: &Path, other: &Path) -> Ordering {
    one.as_os_str().cmp(other.as_os_str())
}

fn has_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

fn is_glob(path: &Path) -> bool {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .any(|byte| b"*?[{".contains(byte))
}

/// A glob that no shell has expanded: what it matches counts as named, as it would have.
fn expand(pattern: &Path, found: &mut Found) {
    let matcher = match matcher(pattern) {
        Ok(matcher) => matcher,
        Err(why) => return found.unread(pattern, why),
    };
    let before = found.inputs.len();
    let base = base_of(pattern);
    let mut walk = WalkBuilder::new(if base.as_os_str().is_empty() {
        Path::new(".")
    } else {
        &base
    });
    walk.standard_filters(false).hidden(true).sort_by_file_path(by_name);
    if !pattern
        .components()
        .any(|part| part.as_os_str().as_encoded_bytes() == b"**")
    {
        walk.max_depth(Some(pattern.components().count() - base.components().count()));
    }
    for entry in walk.build().filter_map(Result::ok) {
        let path = entry.path();
        let path = if base.as_os_str().is_empty() {
            path.strip_prefix(".").unwrap_or(path)
        } else {
            path
        };
        if matcher.is_match(path) && entry.path().is_file() {
            found.file(path.to_owned(), true);
        }
    }
    if found.inputs.len() == before {
        found.unread(pattern, "no such file, and as a glob it matches nothing");
    }
}

fn matcher(pattern: &Path) -> Result<GlobMatcher, String> {
    let text = pattern.to_str().ok_or("a glob has to be UTF-8")?;
    let text = text.strip_prefix("./").unwrap_or(text);
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| error.kind().to_string())
}

/// The directory that a glob starts in: the parts before the first that has a wildcard.
fn base_of(pattern: &Path) -> PathBuf {
    let plain = pattern
        .components()
        .take_while(|part| !is_glob(Path::new(part.as_os_str())));
    plain.filter(|part| *part != Component::CurDir).collect()
}

pub(in crate::commands) fn read(input: &Input) -> Result<SourceFile, Unread> {
    let unread = |why: String| Unread {
        name: input.name.clone(),
        why,
    };
    if let Some(url) = &input.url {
        let bytes = download(url).map_err(unread)?;
        return Ok(SourceFile::decode(input.name.clone(), bytes));
    }
    let bytes = match &input.path {
        None => read_all(io::stdin().lock()),
        Some(path) => File::open(path).and_then(read_all),
    };
    let bytes = bytes.map_err(|error| unread(error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(unread("it is larger than 16 MiB, which no spec is".to_owned()));
    }
    Ok(SourceFile::decode(input.name.clone(), bytes))
}

fn download(url: &str) -> Result<Vec<u8>, String> {
    let source = DownloadUrl::new(url).map_err(|error| error.to_string())?;
    let proxy = Surroundings::ours().proxy_to(source.host(), source.port());
    let proxy = proxy.map_err(|error| error.to_string())?;
    download::download(&source, LARGEST, &Trust::System, proxy.as_ref()).map_err(|error| error.to_string())
}

fn read_all(source: impl Read) -> io::Result<Vec<u8>> {
    thread_local! {
        // Nearly all specs are smaller: one read, and one that finds the end. A new one for each of ten thousand files
        // costs more than to copy what was read.
        static BUFFER: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(8 << 10));
    }
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        source.take(LARGEST + 1).read_to_end(buffer)?;
        Ok(buffer.clone())
    })
}

/// A path as it is shown, and matched: `./` in front says nothing.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

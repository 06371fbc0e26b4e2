//! The files of a spool: their names, how they come and go, and the lock.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::error::{Damaged, SpoolError, WAITING};
use super::journal::{GREATEST, JOURNAL, Journal, NEW_JOURNAL, OWNER_READS};
use crate::spill::OnDisk;
use spoutctl_archive::{ArchiveBuffer, Digest, ReadAt};
use spoutctl_core::durable;

pub(super) const DAMAGED: &str = "damaged";
pub(super) const INCOMING: &str = "incoming.tar";
/// What an archive counts at least: it takes a block of the disk and a place in memory.
pub(super) const SMALLEST: u64 = 4096;
const LOCK: &str = "lock";
const RESERVE: &str = "reserve";
/// A journal, its directory's block, and some for file systems that want more: those that never write in place.
const RESERVED: usize = 64 << 10;
/// How often, and how far apart, it is tried to take the lock.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// How much of an archive is read for its label.
const LABEL: usize = 8 << 10;

/// What an archive's file is called: its number, in digits that sort, and its checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub sequence: u64,
    pub digest: Digest,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}-{}.tar", self.sequence, self.digest)
    }
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        let (sequence, digest) = text.strip_suffix(".tar")?.split_once('-')?;
        let name = Self {
            sequence: sequence.parse().ok()?,
            digest: digest.parse().ok()?,
        };
        (name.to_string() == text && name.sequence <= GREATEST).then_some(name)
    }
}

/// An archive that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub name: Name,
    pub length: u64,
    /// Where this run read it from.
    pub origin: Option<(Arc<str>, u64)>,
}

impl Waiting {
    pub fn counted(&self) -> u64 {
        self.length.max(SMALLEST)
    }
}

/// Looks whether `dir` is a spool; makes one when `create` is set and nothing is in the way.
pub(super) fn check(dir: &Path, create: bool) -> Result<(), SpoolError> {
    if Journal::exists(dir) {
        return Ok(());
    }
    if !create {
        return Err(SpoolError::NotASpool { dir: dir.to_owned() });
    }
    make(dir)?;
    // What a crash while one was made leaves behind is ours, as is what another process makes just now.
    let ours = |name: &std::ffi::OsStr| {
        [LOCK, RESERVE, WAITING, DAMAGED, JOURNAL, NEW_JOURNAL]
            .iter()
            .any(|one| name == *one)
    };
    if entries(dir)?.iter().any(|name| !ours(name)) {
        return Err(SpoolError::NotEmpty { dir: dir.to_owned() });
    }
    for part in [WAITING, DAMAGED] {
        make(&dir.join(part))?;
    }
    // A new name for its stream would send again what is committed already under the lost one.
    if !Journal::exists(dir) && !entries(&dir.join(WAITING))?.is_empty() {
        return Err(SpoolError::Journal {
            dir: dir.to_owned(),
            reason: "it is not there, and archives wait".to_owned(),
        });
    }
    Ok(())
}

fn make(path: &Path) -> Result<(), SpoolError> {
    durable::make_directory(path).map_err(|error| SpoolError::io("make", path, error))
}

/// Takes the spool for this process. The lock ends with the process, however it ends.
pub(super) fn lock(dir: &Path) -> Result<File, SpoolError> {
    let path = dir.join(LOCK);
    let open = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(OWNER_READS)
        .open(&path);
    let mut file = open.map_err(|error| SpoolError::io("open", &path, error))?;
    let mut tries = 1..LOCK_TRIES;
    let locked = loop {
        match file.try_lock() {
            // Somebody may just be looking, which takes a moment.
            Err(TryLockError::WouldBlock) if tries.next().is_some() => std::thread::sleep(LOCK_PAUSE),
            locked => break locked,
        }
    };
    match locked {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(SpoolError::InUse {
                dir: dir.to_owned(),
                pid: pid(&mut file),
            });
        }
        Err(TryLockError::Error(error)) => return Err(SpoolError::io("lock", path, error)),
    }
    if !is_lock(dir, &file) {
        // Removed between the two steps: whoever comes next would lock another file.
        return Err(SpoolError::LockLost { dir: dir.to_owned() });
    }
    let mut write = || {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    match write() {
        // It is locked all the same; whoever comes next is not told by which process.
        Err(error) if is_full(&error) => Ok(file),
        Err(error) => Err(SpoolError::io("write", path, error)),
        Ok(()) => Ok(file),
    }
}

/// Whether there is no room on the disk, or none for this user.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Takes blocks of the disk that are given up when there are no others: what leaves the spool makes room, but first the
/// journal has to say that it leaves. Where they cannot be had, there is no reserve.
pub(super) fn reserve(dir: &Path) {
    let path = dir.join(RESERVE);
    match fs::metadata(&path) {
        Ok(metadata) if metadata.len() == RESERVED as u64 => return,
        // A crash came between its name and its bytes.
        Ok(_) => drop(release_reserve(dir)),
        Err(_) => {}
    }
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(OWNER_READS)
            .open(&path)?;
        // Written, for a hole takes no block; synced, for some file systems find a block only then.
        file.write_all(&vec![0; RESERVED])?;
        file.sync_all()
    };
    if write().is_err() {
        release_reserve(dir);
    }
}

/// Gives the reserve up; `false` where there is none.
pub(super) fn release_reserve(dir: &Path) -> bool {
    fs::remove_file(dir.join(RESERVE)).is_ok()
}

/// Whether `file` is what the spool's lock is called: somebody may have removed it, and another process locked a new
/// one.
pub(super) fn is_lock(dir: &Path, file: &File) -> bool {
    let place = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    let (named, own) = (fs::metadata(dir.join(LOCK)), file.metadata());
    matches!((named, own), (Ok(named), Ok(own)) if place(&named) == place(&own))
}

/// The process that uses the spool now.
pub(super) fn used_by(dir: &Path) -> Result<Option<u32>, SpoolError> {
    let path = dir.join(LOCK);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SpoolError::io("open", path, error)),
    };
    // Shared, so that two who look do not see each other.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(pid(&mut file)),
        Err(TryLockError::Error(error)) => Err(SpoolError::io("lock", path, error)),
    }
}

fn pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// What waits, by number. What left before a crash could remove its file is removed now. What has no name of ours is
/// set aside, as is what was before and has been put back when later archives were finished.
pub(super) fn list(dir: &Path, journal: &Journal) -> Result<(VecDeque<Waiting>, Vec<Damaged>), SpoolError> {
    let _ = fs::remove_file(dir.join(INCOMING));
    let mut damaged = Vec::new();
    let directory = dir.join(WAITING);
    for entry in entries(&directory)? {
        let reason = match entry.to_str().and_then(Name::parse) {
            Some(name) if name.sequence > journal.finished => continue,
            Some(name) if !journal.set_aside.contains(&name.sequence) => {
                let path = directory.join(&entry);
                fs::remove_file(&path).map_err(|error| SpoolError::io("remove", path, error))?;
                continue;
            }
            Some(_) => "later archives are finished; put it by itself, if it is still wanted",
            None => "its name is none that a spool gives",
        };
        damaged.push(Damaged {
            path: move_aside(dir, &entry)?,
            reason: reason.to_owned(),
        });
    }
    Ok((look(dir, journal.finished)?.into(), damaged))
}

/// What waits, by number.
pub(super) fn look(dir: &Path, finished: u64) -> Result<Vec<Waiting>, SpoolError> {
    let directory = dir.join(WAITING);
    let mut waiting = Vec::new();
    for entry in entries(&directory)? {
        let Some(name) = entry
            .to_str()
            .and_then(Name::parse)
            .filter(|name| name.sequence > finished)
        else {
            continue;
        };
        let path = directory.join(&entry);
        match fs::metadata(&path) {
            Ok(metadata) => waiting.push(Waiting {
                name,
                length: metadata.len(),
                origin: None,
            }),
            // It has left since the directory was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(SpoolError::io("read", path, error)),
        }
    }
    waiting.sort_by_key(|one| one.name.sequence);
    Ok(waiting)
}

/// The number of the last message in the first of these archives that says so, for numbers only grow.
pub(super) fn messages<'a>(dir: &Path, mut newest_first: impl Iterator<Item = &'a Name>) -> u64 {
    let directory = dir.join(WAITING);
    let of = |name: &Name| {
        let file = File::open(directory.join(name.to_string())).ok()?;
        Some(
            spoutctl_archive::label_of(BufReader::with_capacity(LABEL, file))
                .messages?
                .last,
        )
    };
    newest_first.find_map(of).unwrap_or(0)
}

/// Files that were set aside, whenever that was.
pub(super) fn damaged(dir: &Path) -> Vec<PathBuf> {
    let directory = dir.join(DAMAGED);
    let mut names = entries(&directory).unwrap_or_default();
    names.sort();
    names.into_iter().map(|name| directory.join(name)).collect()
}

fn entries(directory: &Path) -> Result<Vec<std::ffi::OsString>, SpoolError> {
    let read = || -> io::Result<Vec<_>> { fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect() };
    read().map_err(|error| SpoolError::io("read", directory, error))
}

/// The archive that was held gets its name, for good.
pub(super) fn accept(dir: &Path, name: &Name) -> Result<(), SpoolError> {
    let directory = dir.join(WAITING);
    let path = directory.join(name.to_string());
    fs::rename(dir.join(INCOMING), &path).map_err(|error| SpoolError::io("name", path, error))?;
    sync_directory(&directory)
}

pub(super) fn set_aside(dir: &Path, name: &Name) -> Result<PathBuf, SpoolError> {
    move_aside(dir, name.to_string().as_ref())
}

fn move_aside(dir: &Path, name: &std::ffi::OsStr) -> Result<PathBuf, SpoolError> {
    let aside = dir.join(DAMAGED);
    // Whoever has seen to what was in it may have removed it.
    make(&aside)?;
    let (from, to) = (dir.join(WAITING).join(name), aside.join(name));
    durable::rename(&from, &to).map_err(|error| SpoolError::io("set aside", from, error))?;
    Ok(to)
}

/// Makes the names in a directory survive a power cut.
pub(super) fn sync_directory(dir: &Path) -> Result<(), SpoolError> {
    durable::sync_directory(dir).map_err(|error| SpoolError::io("sync", dir, error))
}

/// An archive that is on disk already, while it is read again.
pub(super) struct Kept(pub File);

impl ArchiveBuffer for Kept {
    fn write_all(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<Arc<dyn ReadAt + Send + Sync>> {
        Ok(Arc::new(OnDisk::uncounted(self.0)))
    }
}

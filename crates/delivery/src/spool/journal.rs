//! The journal: a spool's name, how far it is, and which destination and flags it keeps to, in one file that is
//! replaced atomically.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{HeldBack, SpoolError};
use crate::mark::StreamName;
use spoutctl_core::durable;
use spoutctl_core::named_file;
use spoutctl_core::pfs::CommitId;

pub(super) const JOURNAL: &str = "journal.json";
pub(super) const NEW_JOURNAL: &str = "journal.json.new";
/// One that knows nothing of archives that are one commit would send them again; until there are such, it may go on.
const VERSION: u32 = 2;
const BEFORE_BATCHES: u32 = 1;
/// A million archives that wait, in batches of two, take some 20 MB.
const LONGEST: u64 = 64 << 20;
/// Archives may hold what only their owner should see, and so may what is said of them.
pub(super) const OWNER_READS: u32 = 0o600;
/// Nothing was ever counted so far, and counting goes on behind it.
pub(super) const GREATEST: u64 = u64::MAX / 2;

/// The flag that says how many archives become one commit. It may be another one than before: what is together
/// stays together.
const BOUND: &str = "--batch";

/// What a spool's archives are for, and it keeps to: the destination and the flags that shape a commit, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommitOptions(pub BTreeMap<String, String>);

impl CommitOptions {
    /// One line for each thing that differs.
    pub(super) fn differences(&self, now: &Self) -> Vec<String> {
        let names: BTreeSet<&String> = self.0.keys().chain(now.0.keys()).collect();
        let show = |name: &str, value: Option<&String>| match value {
            Some(value) => format!("`{value}`"),
            // Only a store's directory is kept: a server is known by what it answers.
            None if name == "--pachd" => "a server".to_owned(),
            None => "not given".to_owned(),
        };
        names
            .into_iter()
            .filter(|name| !name.starts_with(BOUND) && self.0.get(*name) != now.0.get(*name))
            .map(|name| {
                format!(
                    "{name}: {} then, {} now",
                    show(name, self.0.get(name)),
                    show(name, now.0.get(name))
                )
            })
            .collect()
    }
}

/// Archives, from the first to the last, of which one commit may have been started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BatchRange {
    pub first: u64,
    pub last: u64,
}

impl BatchRange {
    pub fn contains(self, sequence: u64) -> bool {
        (self.first..=self.last).contains(&sequence)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Journal {
    pub stream: StreamName,
    /// The greatest number whose archive has left after its commit was finished.
    pub finished: u64,
    /// The greatest number that was used when this was written.
    pub accepted: u64,
    /// The greatest number of a message in an archive that was taken in, when this was written.
    pub messages: u64,
    /// A commit of the branch: nothing that waits is in it, or in an older one.
    pub floor: Option<String>,
    /// As many as commits may be in flight; a batch is here until it has left.
    pub batches: Vec<BatchRange>,
    pub held_back: Option<HeldBack>,
    /// Of archives that were damaged, until one that was put back has left: whoever puts a file back has to be told
    /// where later ones are finished.
    pub set_aside: BTreeSet<u64>,
    pub options: Option<CommitOptions>,
    pub cluster: Option<String>,
}

/// The journal as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    stream: String,
    finished: u64,
    accepted: u64,
    #[serde(default)]
    messages: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor: Option<String>,
    // Called so in the journals of earlier releases, which are still read.
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "together")]
    batches: Vec<BatchRange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_back: Option<HeldBack>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    set_aside: BTreeSet<u64>,
    // As above.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "purpose")]
    options: Option<CommitOptions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
}

/// Read first, alone: a newer layout may differ in everything else.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Journal {
    /// Reads the journal of `dir`; a new spool gets one, and with it its stream's name.
    pub fn open(dir: &Path) -> Result<Self, SpoolError> {
        if dir.join(JOURNAL).exists() {
            return Self::read(dir);
        }
        let journal = Self {
            stream: StreamName::of_spool(),
            finished: 0,
            accepted: 0,
            messages: 0,
            floor: None,
            batches: Vec::new(),
            held_back: None,
            set_aside: BTreeSet::new(),
            options: None,
            cluster: None,
        };
        journal.write(dir)?;
        Ok(journal)
    }

    pub fn exists(dir: &Path) -> bool {
        dir.join(JOURNAL).is_file()
    }

    pub fn read(dir: &Path) -> Result<Self, SpoolError> {
        let path = dir.join(JOURNAL);
        let text = named_file::read(&path, LONGEST).map_err(|error| SpoolError::io("read", path, error))?;
        let unreadable = |reason: String| SpoolError::Journal {
            dir: dir.to_owned(),
            reason,
        };
        let Version { version } = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        if version > VERSION {
            return Err(SpoolError::Newer {
                dir: dir.to_owned(),
                found: version,
            });
        }
        let written: Written = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        let numbers = [written.finished, written.accepted, written.messages];
        if numbers.iter().any(|number| *number > GREATEST) {
            return Err(unreadable("one of its numbers is greater than there can be".to_owned()));
        }
        Ok(Self {
            stream: written
                .stream
                .parse()
                .map_err(|error: crate::mark::InvalidStreamName| unreadable(error.to_string()))?,
            finished: written.finished,
            accepted: written.accepted.max(written.finished),
            messages: written.messages,
            floor: written.floor,
            batches: written.batches,
            held_back: written.held_back,
            set_aside: written.set_aside,
            options: written.options,
            cluster: written.cluster,
        })
    }

    /// Replaces the journal on disk: after a crash it is the old one or this one.
    pub fn write(&self, dir: &Path) -> Result<(), SpoolError> {
        let written = Written {
            version: if self.batches.is_empty() {
                BEFORE_BATCHES
            } else {
                VERSION
            },
            stream: self.stream.to_string(),
            finished: self.finished,
            accepted: self.accepted,
            messages: self.messages,
            floor: self.floor.clone(),
            batches: self.batches.clone(),
            held_back: self.held_back.clone(),
            set_aside: self.set_aside.clone(),
            options: self.options.clone(),
            cluster: self.cluster.clone(),
        };
        let path = dir.join(JOURNAL);
        let new = dir.join(NEW_JOURNAL);
        let replace = || -> io::Result<()> {
            let mut open = OpenOptions::new();
            let open = open.write(true).create(true).truncate(true).mode(OWNER_READS);
            let mut file = open.open(&new)?;
            file.write_all(&serde_json::to_vec_pretty(&written)?)?;
            file.sync_all()?;
            durable::rename(&new, &path)
        };
        replace().map_err(|error| SpoolError::io("write", &path, error))
    }

    pub fn floor(&self) -> Option<CommitId> {
        self.floor.as_deref().and_then(|id| CommitId::new(id).ok())
    }
}

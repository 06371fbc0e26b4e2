//! What `put` says in JSON, a line each, and in the environment of `--ack-command`.

use serde::Serialize;

use super::stats::Lag;
use crate::terminal::line::{LONGEST, length_in_a_log};
use spoutctl_archive::{Archive, Aside, Batch, Label, Member, MessageRange, Position, PositionMap, Refused};
use spoutctl_core::pfs::{Branch, CommitId};
use spoutctl_delivery::{Receipt, Settled};

/// The lines of `--json`. Fields are only ever added.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Line<'a> {
    Spooled {
        /// The archive's number in the life of the spool.
        seq: u64,
        digest: String,
        #[serde(flatten)]
        place: Place<'a>,
    },
    Quarantined {
        archive: u64,
        digest: String,
        file: String,
        reason: String,
        #[serde(flatten)]
        place: Place<'a>,
        /// Of the repo that the file is in, where it is in one.
        #[serde(skip_serializing_if = "Option::is_none")]
        commit: Option<&'a str>,
    },
    /// An archive that was left out.
    Skipped {
        archive: u64,
        digest: String,
        reason: String,
        #[serde(flatten)]
        place: Place<'a>,
    },
    /// Only as an acknowledgement: no commit was made of it.
    Empty {
        archive: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        archives: Option<Archives<'a>>,
        digest: String,
        #[serde(flatten)]
        place: Place<'a>,
    },
    Commit(Commitment<'a>),
    Already(Commitment<'a>),
    Archive {
        archive: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        archives: Option<Archives<'a>>,
        input: &'a str,
        offset: u64,
        length: u64,
        digest: String,
        files: usize,
        deletions: usize,
        bytes: u64,
        #[serde(flatten)]
        place: Place<'a>,
    },
    /// How far it is: all since the start, but for `lag`, which is of those that were done since the last such line.
    Stats {
        seconds: f64,
        read: u64,
        messages: u64,
        archives: u64,
        commits: u64,
        already: u64,
        quarantined: u64,
        bytes: u64,
        sent: u64,
        held: u64,
        retries: u64,
        in_hand: u64,
        lag: Option<Lag>,
    },
    Summary {
        /// Whether the input was delivered to its end.
        complete: bool,
        archives: u64,
        commits: u64,
        already: u64,
        empty: u64,
        quarantined: u64,
        skipped: u64,
        messages_set_aside: u64,
        messages_skipped: u64,
        files: u64,
        deletions: u64,
        bytes: u64,
        seconds: f64,
    },
}

impl<'a> Line<'a> {
    /// An archive that was committed in another repo, since none can be made of it.
    fn quarantined_in(settled: &Settled<'a>, refused: &Refused) -> Self {
        let (Settled::Committed(receipt) | Settled::Already(receipt)) = settled else {
            return Self::of(settled);
        };
        Self::Quarantined {
            archive: receipt.archive,
            digest: receipt.digest.to_string(),
            file: refused.place.clone(),
            reason: refused.reason.clone(),
            place: Place::of(&receipt.label),
            commit: receipt.commit.as_ref().map(CommitId::as_str),
        }
    }

    /// As it is written, of the stream of this name where there are several.
    pub fn written(&self, stream: Option<&str>) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Named<'l, 'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            stream: Option<&'l str>,
            #[serde(flatten)]
            line: &'l Line<'a>,
        }
        serde_json::to_string(&Named { stream, line: self })
    }

    /// Leaves out half of the words or of what is listed, or the positions, so that the line becomes shorter; whether
    /// it can. What is listed stays where it is the positions alone that have no room.
    pub fn list_fewer(&mut self) -> bool {
        /// Words that are no longer stay.
        const WORDS: usize = 1 << 10;
        if let Self::Quarantined { reason, .. } | Self::Skipped { reason, .. } = self
            && reason.len() > WORDS
        {
            reason.truncate(reason.floor_char_boundary(reason.len() / 2));
            return true;
        }
        let (archives, place) = match self {
            Self::Commit(commitment) | Self::Already(commitment) => {
                (commitment.archives.as_mut(), &mut commitment.place)
            }
            Self::Empty { archives, place, .. } | Self::Archive { archives, place, .. } => (archives.as_mut(), place),
            Self::Spooled { place, .. } | Self::Quarantined { place, .. } | Self::Skipped { place, .. } => {
                (None, place)
            }
            Self::Stats { .. } | Self::Summary { .. } => return false,
        };
        if place.positions.is_some_and(|positions| !have_room(positions)) {
            place.leave_out_positions();
        } else if let Some(archives) = archives.filter(|archives| !archives.listed.is_empty()) {
            archives.listed.truncate(archives.listed.len() / 2);
        } else if let Some(messages) = place.messages.as_mut().filter(|messages| !messages.listed.is_empty()) {
            messages.listed = &messages.listed[..messages.listed.len() / 2];
        } else if place.positions.is_some() {
            place.leave_out_positions();
        } else {
            return false;
        }
        true
    }

    pub fn of(settled: &Settled<'a>) -> Self {
        match *settled {
            Settled::Committed(Receipt {
                label: Label {
                    refused: Some(refused), ..
                },
                ..
            })
            | Settled::Already(Receipt {
                label: Label {
                    refused: Some(refused), ..
                },
                ..
            }) => Self::quarantined_in(settled, refused),
            Settled::Committed(receipt) => Self::Commit(Commitment::new(receipt)),
            Settled::Already(receipt) => Self::Already(Commitment::new(receipt)),
            Settled::Empty(archive) => Self::Empty {
                archive: archive.number,
                archives: archive.batch.as_ref().map(|batch| Archives::new(batch, archive.number)),
                digest: archive.digest.to_string(),
                place: Place::of(&archive.label),
            },
            Settled::Skipped(archive) => Self::Skipped {
                archive: archive.number,
                digest: archive.digest.to_string(),
                reason: reason(archive),
                place: Place::of(&archive.label),
            },
            Settled::Quarantined(archive, file) => Self::Quarantined {
                archive: archive.number,
                digest: archive.digest.to_string(),
                file: file.display().to_string(),
                reason: reason(archive),
                place: Place::of(&archive.label),
                commit: None,
            },
        }
    }
}

#[derive(Serialize)]
pub(super) struct Commitment<'a> {
    /// Of several the last.
    archive: u64,
    /// Where they are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    archives: Option<Archives<'a>>,
    input: &'a str,
    offset: u64,
    length: u64,
    digest: String,
    project: &'a str,
    repo: &'a str,
    branch: &'a str,
    commit: &'a str,
    /// With --route: where commits of the same id hold the rest of the archive.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<Elsewhere<'a>>,
    files: usize,
    deletions: usize,
    bytes: u64,
    finished: Option<String>,
    #[serde(flatten)]
    place: Place<'a>,
}

/// Which messages it holds, and where they stand in their source.
#[derive(Serialize)]
pub(super) struct Place<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Messages<'a>>,
    /// Where the last one stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<&'a Position>,
    /// Where the source goes on behind them: by topic and partition, or by source.
    #[serde(skip_serializing_if = "Option::is_none")]
    positions: Option<&'a PositionMap>,
    /// They have no room in a line of a worker's log.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    positions_left_out: bool,
}

impl<'a> Place<'a> {
    pub fn of(label: &'a Label) -> Self {
        Self {
            messages: Messages::of(label),
            position: label.position.as_ref(),
            positions: label.positions.as_ref(),
            positions_left_out: false,
        }
    }

    fn leave_out_positions(&mut self) {
        self.positions = None;
        self.positions_left_out = true;
    }
}

/// Whether a line has room for these, and for what else it says at the least.
fn have_room(positions: &PositionMap) -> bool {
    const REST: usize = 4 << 10;
    serde_json::to_string(positions).is_ok_and(|text| length_in_a_log(&text) + REST <= LONGEST)
}

#[derive(Serialize)]
struct Elsewhere<'a> {
    project: &'a str,
    repo: &'a str,
    branch: &'a str,
}

impl<'a> From<&'a Branch> for Elsewhere<'a> {
    fn from(branch: &'a Branch) -> Self {
        Self {
            project: branch.repo.project.as_str(),
            repo: branch.repo.name.as_str(),
            branch: branch.name.as_str(),
        }
    }
}

/// Which archives are one commit.
#[derive(Serialize)]
pub(super) struct Archives<'a> {
    first: u64,
    last: u64,
    count: u64,
    /// The first thousand; fewer where the line would be too long for a worker's log.
    listed: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    archive: u64,
    input: &'a str,
    offset: u64,
    length: u64,
    digest: String,
    /// Before those of later archives took the place of some.
    files: usize,
    deletions: usize,
    bytes: u64,
}

impl<'a> Archives<'a> {
    pub fn new(batch: &'a Batch, last: u64) -> Self {
        let listed = |member: &'a Member| Listed {
            archive: member.number,
            input: &member.input,
            offset: member.offset,
            length: member.length,
            digest: member.digest.to_string(),
            files: member.files,
            deletions: member.deletions,
            bytes: member.bytes,
        };
        Self {
            first: batch.first,
            last,
            count: batch.count,
            listed: batch.listed.iter().map(listed).collect(),
        }
    }
}

/// Which messages of the input an archive was made of: numbers from 1.
#[derive(Serialize)]
struct Messages<'a> {
    first: u64,
    last: u64,
    /// Those that are in no file are among them.
    count: u64,
    /// Left out.
    #[serde(skip_serializing_if = "is_zero")]
    skipped: u64,
    #[serde(skip_serializing_if = "is_zero")]
    set_aside: u64,
    /// The first of those that were set aside.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    listed: &'a [Aside],
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl<'a> Messages<'a> {
    pub fn of(label: &'a Label) -> Option<Self> {
        label.messages.map(|messages: MessageRange| Self {
            first: messages.first,
            last: messages.last,
            count: messages.count(),
            skipped: label.asides.skipped,
            set_aside: label.asides.set_aside,
            listed: &label.asides.listed,
        })
    }
}

impl<'a> Commitment<'a> {
    fn new(receipt: &'a Receipt) -> Self {
        Self {
            archive: receipt.archive,
            archives: receipt
                .batch
                .as_ref()
                .map(|batch| Archives::new(batch, receipt.archive)),
            input: &receipt.input,
            offset: receipt.offset,
            length: receipt.length,
            digest: receipt.digest.to_string(),
            project: receipt.branch.repo.project.as_str(),
            repo: receipt.branch.repo.name.as_str(),
            branch: receipt.branch.name.as_str(),
            commit: receipt.commit.as_ref().map_or("", |id| id.as_str()),
            also: receipt.also.iter().map(Elsewhere::from).collect(),
            files: receipt.files,
            deletions: receipt.deletions,
            bytes: receipt.bytes,
            finished: receipt.finished.map(|time| time.to_string()),
            place: Place::of(&receipt.label),
        }
    }
}

/// Why no commit can be made of it.
pub(super) fn reason(archive: &Archive) -> String {
    let reason = archive.contents.as_ref().err();
    reason.map(ToString::to_string).unwrap_or_default()
}

/// What an acknowledgement says, for shells.
pub(super) fn variables(settled: &Settled<'_>) -> Vec<(&'static str, Option<String>)> {
    let (kind, digest, label, branch) = match settled {
        Settled::Committed(receipt) | Settled::Already(receipt) if receipt.label.refused.is_some() => {
            ("quarantined", receipt.digest, &receipt.label, Some(&receipt.branch))
        }
        Settled::Committed(receipt) => ("commit", receipt.digest, &receipt.label, Some(&receipt.branch)),
        Settled::Already(receipt) => ("already", receipt.digest, &receipt.label, Some(&receipt.branch)),
        Settled::Empty(archive) => ("empty", archive.digest, &archive.label, None),
        Settled::Skipped(archive) => ("skipped", archive.digest, &archive.label, None),
        Settled::Quarantined(archive, _) => ("quarantined", archive.digest, &archive.label, None),
    };
    let number = |of: fn(MessageRange) -> u64| label.messages.map(|messages| of(messages).to_string());
    vec![
        ("TYPE", Some(kind.to_owned())),
        ("ARCHIVE", Some(settled.archive().to_string())),
        ("FIRST_ARCHIVE", Some(settled.archives().start().to_string())),
        (
            "ARCHIVES",
            Some(settled.batch().map_or(1, |batch| batch.count).to_string()),
        ),
        ("DIGEST", Some(digest.to_string())),
        ("COMMIT", settled.commit().map(ToString::to_string)),
        ("PROJECT", branch.map(|branch| branch.repo.project.to_string())),
        ("REPO", branch.map(|branch| branch.repo.name.to_string())),
        ("BRANCH", branch.map(|branch| branch.name.to_string())),
        ("FIRST", number(|messages| messages.first)),
        ("LAST", number(|messages| messages.last)),
        ("COUNT", number(MessageRange::count)),
        ("SKIPPED", label.messages.map(|_| label.asides.skipped.to_string())),
        ("SET_ASIDE", label.messages.map(|_| label.asides.set_aside.to_string())),
        ("POSITION", label.position.as_ref().map(Position::bare)),
        (
            "POSITIONS",
            label
                .positions
                .as_ref()
                .and_then(|positions| serde_json::to_string(positions).ok()),
        ),
    ]
}

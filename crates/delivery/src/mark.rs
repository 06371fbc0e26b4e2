//! The mark: the last line of a commit's description, by which a later look knows whose archive the commit holds.
//!
//! `spoutctl/1 stream=S seq=N sha256=D`, then ` archives=F-N` where it holds several, ` messages=F-L` where messages
//! are counted over the stream's life, ` positions=P` where the source has several places to go on at ([`PositionMap`]:
//! where that is behind this commit), ` aside` where a commit of the same id in another repo holds what cannot be
//! taken, and ` done` once `FinishCommit` was called for whole data, or with ` given-up` when the commit was closed
//! with an error because it could not be dropped.

use std::fmt;
use std::str::FromStr;

use spoutctl_archive::{Digest, MessageRange, PositionMap};
use spoutctl_core::pfs::CommitInfo;

const VERSION: &str = "spoutctl/1";

/// The name of a stream of archives. Sequences count within it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamName(String);

/// Why a text cannot name a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot name a stream: 1 to 200 printable ASCII characters without spaces")]
pub struct InvalidStreamName(String);

impl StreamName {
    /// A name that nobody else has: what this process calls its stream unless told otherwise.
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string())
    }

    /// The name of a new spool's stream. The spool keeps it, and goes on with it.
    pub fn of_spool() -> Self {
        Self(format!("spool-{}", uuid::Uuid::new_v4().simple()))
    }

    /// Whether it is of those that a run makes up for itself: nobody goes on with such a stream, whose name is not
    /// written down but in its marks.
    pub fn is_random(&self) -> bool {
        let is_simple = self.0.len() == 32 && !self.0.bytes().any(|byte| byte.is_ascii_uppercase());
        let id = uuid::Uuid::try_parse(&self.0).ok().filter(|_| is_simple);
        id.is_some_and(|id| id.get_version_num() == 4)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StreamName {
    type Err = InvalidStreamName;

    fn from_str(text: &str) -> Result<Self, InvalidStreamName> {
        let fits = (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidStreamName(text.escape_debug().to_string()))
        }
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far the commit that carries a mark had come when the mark was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Written by `StartCommit`: says nothing about the data.
    Started,
    /// Written by `FinishCommit` after an answered `AddFileSet`: the data are whole.
    Done,
    /// Written by `FinishCommit` with an error: the data are never seen.
    GivenUp,
}

/// Which archive of which stream a commit holds, or which of its archives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub stream: StreamName,
    /// The first archive's number, from 1.
    pub first: u64,
    /// The last one's: the same, unless the commit holds several.
    pub sequence: u64,
    /// Of several the SHA-256 of their digests, one behind the other.
    pub digest: Digest,
    /// Its messages, counted over the life of the stream.
    pub messages: Option<MessageRange>,
    /// Where the source goes on behind it, where it has several places to go on at.
    pub positions: Option<PositionMap>,
    /// A commit of the same id, in another repo, holds what cannot be taken.
    pub has_asides: bool,
    pub stage: Stage,
}

impl Mark {
    /// The mark in the last line of a commit's description, if there is one.
    pub fn of(commit: &CommitInfo) -> Option<Self> {
        Self::in_description(&commit.description)
    }

    /// The mark in the last line of a description, if there is one.
    pub fn in_description(description: &str) -> Option<Self> {
        description.lines().next_back()?.parse().ok()
    }

    #[must_use]
    pub fn at(&self, stage: Stage) -> Self {
        Self { stage, ..self.clone() }
    }

    /// Whether both name the same archive of the same stream, or the same ones, whatever the stage.
    pub fn is_same_archive(&self, other: &Self) -> bool {
        self.stream == other.stream
            && (self.first, self.sequence) == (other.first, other.sequence)
            && self.digest == other.digest
    }

    /// The user's message, if any, with the mark as the last line.
    pub fn description(&self, message: Option<&str>) -> String {
        match message {
            Some(message) if !message.is_empty() => format!("{message}\n{self}"),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stream,
            first,
            sequence,
            digest,
            messages,
            positions,
            has_asides,
            stage,
        } = self;
        write!(f, "{VERSION} stream={stream} seq={sequence} sha256={digest}")?;
        if first != sequence {
            write!(f, " archives={first}-{sequence}")?;
        }
        if let Some(messages) = messages {
            write!(f, " messages={messages}")?;
        }
        if let Some(positions) = positions {
            write!(f, " positions={positions}")?;
        }
        if *has_asides {
            f.write_str(" aside")?;
        }
        f.write_str(match stage {
            Stage::Started => "",
            Stage::Done => " done",
            Stage::GivenUp => " given-up",
        })
    }
}

/// The line is no mark of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a mark of spoutctl")]
pub struct NoMark;

impl FromStr for Mark {
    type Err = NoMark;

    fn from_str(line: &str) -> Result<Self, NoMark> {
        let mut words = line.split(' ');
        if words.next() != Some(VERSION) {
            return Err(NoMark);
        }
        let mut field = |name: &str| words.next().and_then(|word| word.strip_prefix(name)).ok_or(NoMark);
        let stream = field("stream=")?.parse().map_err(|_| NoMark)?;
        let sequence = field("seq=")?.parse().map_err(|_| NoMark)?;
        let digest = field("sha256=")?.parse().map_err(|_| NoMark)?;
        let mut next = words.next();
        let first = match next.and_then(|word| word.strip_prefix("archives=")) {
            Some(range) => {
                next = words.next();
                let range =
                    MessageRange::parse(range).filter(|range| range.first < range.last && range.last == sequence);
                range.ok_or(NoMark)?.first
            }
            None => sequence,
        };
        let messages = match next.and_then(|word| word.strip_prefix("messages=")) {
            Some(range) => {
                next = words.next();
                Some(MessageRange::parse(range).ok_or(NoMark)?)
            }
            None => None,
        };
        let positions = match next.and_then(|word| word.strip_prefix("positions=")) {
            Some(positions) => {
                next = words.next();
                Some(positions.parse().map_err(|_| NoMark)?)
            }
            None => None,
        };
        let has_asides = next == Some("aside");
        if has_asides {
            next = words.next();
        }
        let stage = match next {
            None => Stage::Started,
            Some("done") => Stage::Done,
            Some("given-up") => Stage::GivenUp,
            Some(_) => return Err(NoMark),
        };
        if words.next().is_some() {
            return Err(NoMark);
        }
        Ok(Self {
            stream,
            first,
            sequence,
            digest,
            messages,
            positions,
            has_asides,
            stage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use spoutctl_archive::{Position, SourcePositions};
    use spoutctl_core::positions::Positions;

    proptest! {
        #[test]
        fn a_mark_reads_back_as_it_was_written(
            stream in "[!-~]{1,200}", sequence in 1..u64::MAX, more in 0..4_u64, bytes: [u8; 32], stage in 0..3,
            messages in proptest::option::of((1..9_u64, 9..u64::MAX)), has_asides: bool,
            offsets in proptest::option::of(proptest::collection::vec(0..u64::MAX, 1..9)), are_partitions: bool,
        ) {
            let stage = [Stage::Started, Stage::Done, Stage::GivenUp][usize::try_from(stage).unwrap()];
            let messages = messages.map(|(first, last)| MessageRange { first, last });
            let first = sequence.saturating_sub(more).max(1);
            let positions = offsets.map(|offsets| {
                let mut partitions = Positions::new(Some("cluster"));
                let mut sources = SourcePositions::default();
                for (partition, next) in (0..).zip(offsets) {
                    partitions.set("orders", partition, next);
                    let position = Position::text(format!("{next} %").as_bytes()).unwrap();
                    sources.set(&format!("a b{partition}"), position);
                }
                if are_partitions { PositionMap::Partitions(partitions) } else { PositionMap::Sources(sources) }
            });
            let stream = stream.parse().unwrap();
            let digest = Digest::new(bytes);
            let mark = Mark { stream, first, sequence, digest, messages, positions, has_asides, stage };
            prop_assert_eq!(mark.to_string().parse::<Mark>(), Ok(mark.clone()));
            let description = mark.description(Some("a message\nof two lines"));
            prop_assert_eq!(description.lines().next_back().unwrap().parse::<Mark>(), Ok(mark));
        }

        #[test]
        fn any_line_is_a_mark_or_is_not_and_never_a_panic(line in ".*") {
            let _ = line.parse::<Mark>();
        }
    }

    #[test]
    fn a_mark_of_before_messages_were_counted_is_one_and_another_order_is_none() {
        let digest = "0".repeat(64);
        let plain: Mark = format!("spoutctl/1 stream=s seq=3 sha256={digest} done")
            .parse()
            .unwrap();
        assert_eq!((plain.messages, plain.stage), (None, Stage::Done));
        let counted: Mark = format!("spoutctl/1 stream=s seq=3 sha256={digest} messages=7-9 done")
            .parse()
            .unwrap();
        assert_eq!(counted.messages.unwrap().last, 9);
        assert_eq!((counted.first, counted.sequence), (3, 3));
        let several: Mark = format!("spoutctl/1 stream=s seq=3 sha256={digest} archives=2-3 messages=7-9 done")
            .parse()
            .unwrap();
        assert_eq!(
            (several.first, several.sequence, several.messages),
            (2, 3, counted.messages)
        );
        for wrong in [
            "archives=3-3",
            "archives=2-4",
            "archives=0-3",
            "messages=7-9 archives=2-3",
            "done messages=7-9",
            "messages=9-7",
            "messages=",
            "messages=1-2 messages=1-2",
        ] {
            assert!(
                format!("spoutctl/1 stream=s seq=3 sha256={digest} {wrong}")
                    .parse::<Mark>()
                    .is_err()
            );
        }
    }

    #[test]
    fn a_stream_name_has_no_spaces_and_no_control_characters() {
        for name in ["", "a b", "a\nb", "é", &"x".repeat(201)] {
            assert!(name.parse::<StreamName>().is_err(), "{name}");
        }
    }
}

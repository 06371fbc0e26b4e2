//! Where each partition of a source goes on: what a commit says of the topics that its records came from.
//!
//! As text it is `CLUSTER/orders:120,-,7/clicks:3`: behind each topic's name the offset at which each of its partitions
//! goes on, from partition 0, and `-` where none is known. Before the first slash the cluster's id stands, where there
//! is one. `orders@0-1:120,5,7` reads partitions 0 and 1 alone: what is known of the others is of the time before.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::assignment::Assignment;

/// The longest such text, in bytes: 64 KiB, enough for 3,000 partitions at the very least.
pub const MAX_POSITIONS: usize = 64 << 10;

/// The longest offset, and the comma behind it, in bytes.
const LONGEST_OFFSET: usize = u64::MAX.ilog10() as usize + 2;

/// The offsets at which partitions go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions {
    cluster: Option<String>,
    topics: BTreeMap<String, Topic>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Topic {
    /// Which of its partitions are read; `None`: all.
    read: Option<Assignment>,
    next: Vec<Option<u64>>,
}

impl Topic {
    fn reads(&self, partition: u32) -> bool {
        self.read.as_ref().is_none_or(|read| read.contains(partition))
    }
}

impl Positions {
    /// None yet, in the cluster of this id. One that is not made of letters, digits, `.`, `_` and `-` counts for none.
    #[must_use]
    pub fn new(cluster: Option<&str>) -> Self {
        Self {
            cluster: cluster.filter(|id| is_name(id)).map(str::to_owned),
            topics: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn cluster(&self) -> Option<&str> {
        self.cluster.as_deref()
    }

    /// Where a partition goes on, if that is known.
    #[must_use]
    pub fn of(&self, topic: &str, partition: u32) -> Option<u64> {
        let next = &self.topics.get(topic)?.next;
        next.get(usize::try_from(partition).ok()?).copied().flatten()
    }

    /// Whether anything is known of a topic.
    #[must_use]
    pub fn knows(&self, topic: &str) -> bool {
        self.topics
            .get(topic)
            .is_some_and(|known| known.next.iter().any(Option::is_some))
    }

    /// Which partitions of a topic are read, where that is not all.
    #[must_use]
    pub fn assigned(&self, topic: &str) -> Option<&Assignment> {
        self.topics.get(topic)?.read.as_ref()
    }

    /// Of a topic of which something is known, these partitions are read, or all.
    pub fn assign(&mut self, topic: &str, read: Option<&Assignment>) {
        if let Some(known) = self.topics.get_mut(topic) {
            known.read = read.cloned();
        }
    }

    /// A partition goes on there, wherever it was.
    pub fn set(&mut self, topic: &str, partition: u32, next: u64) {
        let Ok(at) = usize::try_from(partition) else { return };
        let known = match self.topics.get_mut(topic) {
            Some(known) => known,
            None => self.topics.entry(topic.to_owned()).or_default(),
        };
        if known.next.len() <= at {
            known.next.resize(at + 1, None);
        }
        known.next[at] = Some(next);
    }

    /// Every partition of which it is known where it goes on: topic, partition, offset.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32, u64)> {
        self.topics.iter().flat_map(|(topic, known)| {
            (0_u32..)
                .zip(&known.next)
                .filter_map(move |(partition, next)| Some((topic.as_str(), partition, (*next)?)))
        })
    }

    /// Of these the partitions that are read.
    pub fn read(&self) -> impl Iterator<Item = (&str, u32, u64)> {
        self.iter()
            .filter(|(topic, partition, _)| self.topics.get(*topic).is_some_and(|known| known.reads(*partition)))
    }

    /// Whether a partition is read, if its topic is.
    #[must_use]
    pub fn reads(&self, topic: &str, partition: u32) -> bool {
        self.topics.get(topic).is_none_or(|known| known.reads(partition))
    }

    /// The topics, and by partition where each goes on that is read.
    pub fn topics(&self) -> impl Iterator<Item = (&str, Vec<Option<u64>>)> {
        self.topics.iter().map(|(topic, known)| {
            let next = (0_u32..).zip(&known.next);
            let next = next.map(|(partition, next)| next.filter(|_| known.reads(partition)));
            (topic.as_str(), next.collect())
        })
    }

    /// Bytes that the text can become, whatever offsets there will be.
    #[must_use]
    pub fn most(&self) -> usize {
        let topics = self.topics.iter();
        let topics = topics.map(|(topic, known)| {
            let read = known.read.as_ref().map_or(0, |read| 1 + read.to_string().len());
            topic.len() + 2 + read + known.next.len() * LONGEST_OFFSET
        });
        self.cluster.as_ref().map_or(1, |id| id.len() + 1) + topics.sum::<usize>()
    }
}

/// What a topic is called, and a cluster.
fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !text.is_empty() && text.len() <= 249 && text.bytes().all(allowed)
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cluster.as_deref().unwrap_or_default())?;
        for (topic, known) in &self.topics {
            write!(f, "/{topic}")?;
            if let Some(read) = &known.read {
                write!(f, "@{read}")?;
            }
            for (at, next) in known.next.iter().enumerate() {
                f.write_str(if at == 0 { ":" } else { "," })?;
                match next {
                    Some(next) => write!(f, "{next}")?,
                    None => f.write_str("-")?,
                }
            }
        }
        Ok(())
    }
}

/// The text does not say where partitions go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it does not say where partitions go on: CLUSTER/TOPIC:OFFSET,OFFSET,…/TOPIC:…")]
pub struct NoPositions;

impl FromStr for Positions {
    type Err = NoPositions;

    fn from_str(text: &str) -> Result<Self, NoPositions> {
        if text.len() > MAX_POSITIONS {
            return Err(NoPositions);
        }
        let mut parts = text.split('/');
        let cluster = parts.next().filter(|id| !id.is_empty());
        if cluster.is_some_and(|id| !is_name(id)) {
            return Err(NoPositions);
        }
        let mut positions = Self::new(cluster);
        for part in parts {
            let (topic, offsets) = part.split_once(':').ok_or(NoPositions)?;
            let (topic, read) = match topic.split_once('@') {
                None => (topic, None),
                Some((topic, read)) => (topic, Some(read.parse().map_err(|_| NoPositions)?)),
            };
            let next: Option<Vec<Option<u64>>> = offsets.split(',').map(offset).collect();
            let next = next.filter(|_| is_name(topic)).ok_or(NoPositions)?;
            if positions
                .topics
                .insert(topic.to_owned(), Topic { read, next })
                .is_some()
            {
                return Err(NoPositions);
            }
        }
        if positions.topics.is_empty() {
            return Err(NoPositions);
        }
        Ok(positions)
    }
}

/// One place of the list; `None` where it is none at all.
#[expect(clippy::option_option, reason = "no offset is one of the two things that are said")]
fn offset(text: &str) -> Option<Option<u64>> {
    if text == "-" {
        return Some(None);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn positions_read_back_as_they_were_written_and_are_no_longer_than_was_said(
            cluster in proptest::option::of("[A-Za-z0-9_-]{1,22}"),
            topics in proptest::collection::btree_map(
                "[A-Za-z0-9._-]{1,20}",
                (
                    proptest::option::of("[0-9]{1,3}(,[0-9]{1,3}){0,5}(,5-)?"),
                    proptest::collection::vec(proptest::option::of(any::<u64>()), 1..20),
                ),
                1..5
            ),
        ) {
            let mut positions = Positions::new(cluster.as_deref());
            let topics = topics.into_iter();
            let topics = topics.map(|(name, (read, next))| {
                let read = read.map(|read| read.parse().unwrap());
                (name, Topic { read, next })
            });
            positions.topics = topics.collect();
            let text = positions.to_string();
            prop_assert!(text.len() <= positions.most());
            prop_assert!(!text.contains([' ', '\n']));
            prop_assert_eq!(text.parse(), Ok(positions));
        }

        #[test]
        fn any_text_says_positions_or_does_not_and_never_panics(text in "[A-Za-z0-9:,@/-]{0,40}") {
            let _ = text.parse::<Positions>();
        }
    }

    #[test]
    fn partitions_of_which_nothing_is_known_have_a_place_in_the_text() {
        let mut positions = Positions::new(None);
        positions.set("orders", 2, 18);
        positions.set("orders", 2, 3);
        assert_eq!(positions.to_string(), "/orders:-,-,3");
        assert_eq!((positions.of("orders", 0), positions.of("orders", 2)), (None, Some(3)));
    }

    #[test]
    fn what_is_known_of_partitions_that_are_not_read_is_kept_and_is_none_of_those_that_are() {
        let mut positions: Positions = "c/orders@0-1,5-:3,4,9/clicks:7".parse().unwrap();
        positions.set("orders", 1, 5);
        assert_eq!(positions.to_string(), "c/clicks:7/orders@0-1,5-:3,5,9");
        assert_eq!(
            (
                positions.of("orders", 2),
                positions.reads("orders", 2),
                positions.reads("orders", 6)
            ),
            (Some(9), false, true)
        );
        let read: Vec<_> = positions.read().collect();
        assert_eq!(read, [("clicks", 0, 7), ("orders", 0, 3), ("orders", 1, 5)]);
        let shown: Vec<_> = positions.topics().collect();
        assert_eq!(
            shown,
            [("clicks", vec![Some(7)]), ("orders", vec![Some(3), Some(5), None])]
        );
        positions.assign("orders", None);
        assert_eq!(positions.to_string(), "c/clicks:7/orders:3,5,9");
    }

    #[test]
    fn a_thousand_partitions_have_room_whatever_their_offsets() {
        let mut positions = Positions::new(Some("AAAAAAAAAAAAAAAAAAAAAA"));
        (0..1000).for_each(|partition| positions.set(&"t".repeat(249), partition, u64::MAX));
        assert!(positions.most() <= MAX_POSITIONS);
        assert_eq!(positions.to_string().parse(), Ok(positions));
    }

    #[test]
    fn what_says_no_positions_is_refused() {
        for text in [
            "",
            "/",
            "c",
            "c/",
            "c/t",
            "c/t:",
            "c/t:1,",
            "c/t:+1",
            "c/t:1/t:2",
            "c c/t:1",
            "c/t u:1",
            "c/t:18446744073709551616",
            "c/:1",
            "c/t@:1",
            "c/t@1-0:1",
            "c@1/t:1",
            "c/@1:1",
        ] {
            assert_eq!(text.parse::<Positions>(), Err(NoPositions), "{text}");
        }
    }
}

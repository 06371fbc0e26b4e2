//! Where each partition begins: behind the newest commit; where that says nothing, as `--start` says; and never
//! silently somewhere else.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use spoutctl_core::positions::{MAX_POSITIONS, Positions};
use spoutctl_core::quantity::grouped;
use spoutctl_delivery::messages::records::SourceError;

/// Where a topic begins of which nothing is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// At the oldest record that is there.
    #[default]
    Earliest,
    /// Behind the newest.
    Latest,
    /// At the first record of this time or later.
    At(Timestamp),
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            time => time
                .parse()
                .map(Self::At)
                .map_err(|_| format!("`{text}` is neither earliest nor latest nor a time as 2026-11-22T10:00:00Z")),
        }
    }
}

/// What happens where the broker has no longer what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnGap {
    /// It is an error.
    #[default]
    Stop,
    /// It is said, and the oldest record that is there comes next.
    Continue,
}

/// A partition, and what its broker has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    pub topic: String,
    pub number: u32,
    /// The oldest offset that is there.
    pub low: u64,
    /// The offset that comes next.
    pub high: u64,
    /// The offset at which the time of `--start` begins, where that is wanted.
    pub at_time: Option<u64>,
}

/// Records that a broker no longer has, or never had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    pub topic: String,
    pub partition: u32,
    /// Where it was to go on.
    pub wanted: u64,
    pub low: u64,
    pub high: u64,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            topic,
            partition,
            wanted,
            low,
            high,
        } = self;
        if wanted < low {
            write!(
                f,
                "{topic} [{partition}] goes on at offset {wanted}, and the broker has nothing before {low}: up to {} \
                 are lost",
                records(low - wanted)
            )
        } else {
            write!(
                f,
                "{topic} [{partition}] goes on at offset {wanted}, and the broker's next is {high}: the topic was made \
                 anew, or the broker lost records"
            )
        }
    }
}

fn records(count: u64) -> String {
    let word = if count == 1 { "record" } else { "records" };
    format!("{} {word}", grouped(count))
}

/// Where reading begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Of all partitions, and what was known of topics that are not read now.
    pub positions: Positions,
    /// What was jumped over.
    pub gaps: Vec<Gap>,
}

/// How many gaps an error tells of.
const TOLD: usize = 10;

/// Decides it for all partitions.
///
/// # Errors
/// What is not there any more; another cluster; more partitions than a commit has room for.
pub fn place(
    cluster: Option<&str>,
    partitions: &[Partition],
    known: Option<&Positions>,
    start: Start,
    on_gap: OnGap,
) -> Result<Placed, SourceError> {
    let mut positions = Positions::new(cluster);
    if let Some(known) = known {
        if let (Some(before), Some(now)) = (known.cluster(), positions.cluster())
            && before != now
        {
            return Err(another_cluster(before, now));
        }
        for (topic, partition, next) in known.iter() {
            positions.set(topic, partition, next);
        }
    }
    for partition in partitions {
        let Partition {
            topic,
            number,
            low,
            high,
            at_time,
        } = partition;
        let wanted = match known.filter(|known| known.knows(topic)) {
            // One that was added since: nothing of it was read.
            Some(known) => known.of(topic, *number).unwrap_or(*low),
            None => match start {
                Start::Earliest => *low,
                Start::Latest => *high,
                Start::At(_) => at_time.unwrap_or(*high),
            },
        };
        positions.set(topic, *number, wanted);
    }
    let gaps = gaps(&positions, partitions);
    for gap in &gaps {
        positions.set(&gap.topic, gap.partition, gap.low);
    }
    if on_gap == OnGap::Stop && !gaps.is_empty() {
        return Err(lost(&gaps));
    }
    if positions.most() > MAX_POSITIONS {
        return Err(SourceError {
            what: format!(
                "{} partitions are more than a commit can say positions of",
                grouped(partitions.len() as u64)
            ),
            details: Vec::new(),
            help: vec![
                "read some of the topics by another put, with another --stream: it begins where --start says"
                    .to_owned(),
            ],
            passes: false,
        });
    }
    Ok(Placed { positions, gaps })
}

/// Of these partitions those whose position their broker does not have.
pub fn gaps(positions: &Positions, partitions: &[Partition]) -> Vec<Gap> {
    let gap = |partition: &Partition| {
        let Partition {
            topic,
            number,
            low,
            high,
            ..
        } = partition;
        let wanted = positions.of(topic, *number)?;
        (!(*low..=*high).contains(&wanted)).then(|| Gap {
            topic: topic.clone(),
            partition: *number,
            wanted,
            low: *low,
            high: *high,
        })
    };
    partitions.iter().filter_map(gap).collect()
}

/// Of the partitions that somebody leads, by topic, those that are not read yet, each with the beginning that `low`
/// finds. One of which it finds none is found by a later look.
pub fn added(
    positions: &Positions,
    led: &[(String, Vec<u32>)],
    low: impl Fn(&str, u32) -> Option<u64>,
) -> Vec<(String, u32, u64)> {
    let places = led
        .iter()
        .flat_map(|(topic, led)| led.iter().map(move |partition| (topic, *partition)));
    let new = places.filter(|(topic, partition)| positions.of(topic, *partition).is_none());
    new.filter_map(|(topic, partition)| Some((topic.clone(), partition, low(topic, partition)?)))
        .collect()
}

/// What the error says of records that are lost.
pub fn lost(gaps: &[Gap]) -> SourceError {
    let (first, others) = match gaps.split_first() {
        Some((first, others)) => (first.to_string(), others),
        None => ("records are lost".to_owned(), gaps),
    };
    let mut details: Vec<String> = others.iter().take(TOLD).map(ToString::to_string).collect();
    if others.len() > TOLD {
        let more = grouped((others.len() - TOLD) as u64);
        details.push(format!("and {more} partitions more"));
    }
    SourceError {
        what: first,
        details,
        help: vec!["--on-gap continue goes on at the oldest record that is there, and says what is lost".to_owned()],
        passes: false,
    }
}

fn another_cluster(before: &str, now: &str) -> SourceError {
    SourceError {
        what: format!("this is the Kafka cluster {now}, and the commits on the branch are of {before}"),
        details: vec!["offsets of the one mean nothing in the other".to_owned()],
        help: vec![
            "name the brokers of the other cluster; or begin a stream of its own for this one: --stream NAME"
                .to_owned(),
        ],
        passes: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    fn partition(topic: &str, number: u32, low: u64, high: u64) -> Partition {
        Partition {
            topic: topic.to_owned(),
            number,
            low,
            high,
            at_time: None,
        }
    }

    fn known(text: &str) -> Positions {
        text.parse().unwrap()
    }

    fn placed(partitions: &[Partition], known: Option<&Positions>, start: Start) -> String {
        let placed = place(Some("c"), partitions, known, start, OnGap::Stop).unwrap();
        placed.positions.to_string()
    }

    #[test]
    fn a_topic_of_which_nothing_is_committed_begins_where_it_was_told() {
        let mut partitions = [partition("t", 0, 3, 9), partition("t", 1, 0, 0)];
        assert_eq!(placed(&partitions, None, Start::Earliest), "c/t:3,0");
        assert_eq!(placed(&partitions, None, Start::Latest), "c/t:9,0");
        partitions[0].at_time = Some(5);
        assert_eq!(placed(&partitions, None, Start::At(Timestamp::UNIX_EPOCH)), "c/t:5,0");
    }

    #[test]
    fn what_is_committed_decides_and_a_partition_that_was_added_since_begins_at_its_beginning() {
        let partitions = [
            partition("t", 0, 3, 9),
            partition("t", 1, 2, 8),
            partition("u", 0, 1, 4),
        ];
        let before = known("c/t:7/other:5");
        assert_eq!(placed(&partitions, Some(&before), Start::Latest), "c/other:5/t:7,2/u:4");
    }

    #[test]
    fn what_the_broker_has_no_longer_is_told_by_partition_and_jumped_over_only_when_told_to() {
        let partitions = [
            partition("t", 0, 13, 20),
            partition("t", 1, 0, 4),
            partition("t", 2, 1, 9),
        ];
        let before = known("c/t:10,5,9");
        let error = place(Some("c"), &partitions, Some(&before), Start::Earliest, OnGap::Stop).unwrap_err();
        assert_eq!(
            error.what,
            "t [0] goes on at offset 10, and the broker has nothing before 13: up to 3 records are lost"
        );
        assert!(
            error.details[0].contains("t [1]") && error.details[0].contains("made anew"),
            "{error:?}"
        );
        assert!(error.help[0].contains("--on-gap continue"));
        let jumped = place(Some("c"), &partitions, Some(&before), Start::Earliest, OnGap::Continue).unwrap();
        assert_eq!(
            (jumped.positions.to_string().as_str(), jumped.gaps.len()),
            ("c/t:13,0,9", 2)
        );
    }

    #[test]
    fn a_partition_that_was_added_is_taken_in_once_though_one_before_it_is_led_by_nobody() {
        let mut positions = known("c/t:7");
        let asked = Cell::new(0);
        let low = |_: &str, partition| {
            asked.set(asked.get() + 1);
            // A broker does not answer for the last one.
            (partition < 4).then_some(3)
        };
        let led = [("t".to_owned(), vec![0, 2, 3, 4]), ("u".to_owned(), Vec::new())];
        let first = added(&positions, &led, low);
        assert_eq!(first, [("t".to_owned(), 2, 3), ("t".to_owned(), 3, 3)]);
        for (topic, partition, next) in first {
            positions.set(&topic, partition, next);
        }
        assert_eq!((added(&positions, &led, low), asked.get()), (Vec::new(), 4));
        let led = [("t".to_owned(), vec![0, 1, 2, 3])];
        assert_eq!(added(&positions, &led, low), [("t".to_owned(), 1, 3)]);
    }

    #[test]
    fn a_position_that_is_gone_is_found_also_behind_a_partition_that_is_not_read() {
        let partitions = [partition("t", 0, 0, 9), partition("t", 2, 5, 9)];
        let found = gaps(&known("c/t:9,-,3"), &partitions);
        let places: Vec<_> = found.iter().map(|gap| (gap.partition, gap.wanted, gap.low)).collect();
        assert_eq!(places, [(2, 3, 5)]);
    }

    #[test]
    fn positions_of_another_cluster_are_refused() {
        let before = known("other/t:1");
        let error = place(
            Some("c"),
            &[partition("t", 0, 0, 9)],
            Some(&before),
            Start::Earliest,
            OnGap::Continue,
        );
        assert!(error.unwrap_err().what.contains("of other"));
    }

    #[test]
    fn more_partitions_than_a_commit_has_room_for_are_refused() {
        let partitions: Vec<Partition> = (0..5_000).map(|number| partition("t", number, 0, 1)).collect();
        let error = place(None, &partitions, None, Start::Earliest, OnGap::Stop).unwrap_err();
        assert!(error.what.contains("5,000 partitions"), "{error:?}");
        assert!(place(None, &partitions[..3_000], None, Start::Earliest, OnGap::Stop).is_ok());
    }

    proptest! {
        /// Whatever is known and whatever the broker has: where nothing is said to be lost, reading begins exactly
        /// there.
        #[test]
        fn a_position_is_kept_or_told_of(wanted in 0..20_u64, low in 0..20_u64, more in 0..20_u64) {
            let partitions = [partition("t", 0, low, low + more)];
            let before = known(&format!("c/t:{wanted}"));
            let placed = place(Some("c"), &partitions, Some(&before), Start::Latest, OnGap::Continue).unwrap();
            let next = placed.positions.of("t", 0).unwrap();
            prop_assert_eq!(placed.gaps.is_empty(), next == wanted);
            prop_assert!((low..=low + more).contains(&next));
        }
    }
}

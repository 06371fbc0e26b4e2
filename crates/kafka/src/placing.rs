//! Where each partition begins: behind the newest commit; where that says nothing, as `--start` says; and never
//! silently somewhere else.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::share::Share;
use spoutctl_core::assignment::Assignment;
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
/// What is not there any more; another cluster; more partitions than a commit has room for; one that another stream has
/// read, nobody says how far.
pub fn place(
    cluster: Option<&str>,
    partitions: &[Partition],
    known: Option<&Positions>,
    start: Start,
    on_gap: OnGap,
    share: &Share,
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
            positions.assign(topic, known.assigned(topic));
        }
    }
    let known = known.cloned().unwrap_or_default();
    refuse_unplaced(partitions, &known, share)?;
    for partition in partitions {
        let Partition {
            topic,
            number,
            low,
            high,
            at_time,
        } = partition;
        let committed = known.of(topic, *number).filter(|_| known.reads(topic, *number));
        let wanted = committed.or_else(|| share.start_of(topic, *number));
        let wanted = wanted.unwrap_or_else(|| match start {
            // One that was added since: nothing of it was read.
            _ if known.knows(topic) => *low,
            Start::Earliest => *low,
            Start::Latest => *high,
            Start::At(_) => at_time.unwrap_or(*high),
        });
        positions.set(topic, *number, wanted);
        positions.assign(topic, share.partitions());
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

/// Where a stream takes over a partition, what it has read of it before may be long ago: others have gone on. Nobody
/// but who divides the partitions knows how far, and what the stream itself says may not contradict that.
fn refuse_unplaced(partitions: &[Partition], known: &Positions, share: &Share) -> Result<(), SourceError> {
    let error = |what: String, help: Vec<String>| SourceError {
        what,
        details: Vec::new(),
        help,
        passes: false,
    };
    for of_topic in partitions.chunk_by(|one, other| one.topic == other.topic) {
        let topic = &of_topic[0].topic;
        let mut untold = Vec::new();
        for number in of_topic.iter().map(|partition| partition.number) {
            let is_read = known.reads(topic, number);
            let (told, committed) = (share.start_of(topic, number), known.of(topic, number));
            match (told, committed) {
                (None, _) if !is_read => untold.push(number),
                (Some(told), Some(committed)) if is_read && committed < told => {
                    return Err(error(
                        format!(
                            "--start-at begins {topic} [{number}] at offset {told}, and the newest commit of this \
                             stream says that it goes on at {committed}"
                        ),
                        vec![
                            "leave it out of --start-at, if nobody else has read it since; otherwise give --stream \
                             another name: it begins where --start-at says"
                                .to_owned(),
                        ],
                    ));
                }
                (Some(told), Some(committed)) if !is_read && told < committed => {
                    return Err(error(
                        format!(
                            "--start-at begins {topic} [{number}] at offset {told}, and this stream has committed it \
                             up to {committed} before"
                        ),
                        vec!["say where the stream that has read it last goes on".to_owned()],
                    ));
                }
                _ => {}
            }
        }
        if let (Some(untold), Some(before)) = (Assignment::listed(untold), known.assigned(topic)) {
            return Err(error(
                format!("the newest commit of this stream is of partitions {before} of {topic}, and not of {untold}"),
                vec![
                    format!(
                        "--start-at {topic}:PARTITION=OFFSET says where each begins: there the stream goes on that has \
                         read it so far"
                    ),
                    format!("or read the same as before: --partitions {before}"),
                ],
            ));
        }
    }
    Ok(())
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
    share: &Share,
    low: impl Fn(&str, u32) -> Option<u64>,
) -> Vec<(String, u32, u64)> {
    let places = led
        .iter()
        .flat_map(|(topic, led)| led.iter().map(move |partition| (topic, *partition)));
    let new = places.filter(|(topic, partition)| share.has(*partition) && positions.of(topic, *partition).is_none());
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
        let placed = place(Some("c"), partitions, known, start, OnGap::Stop, &Share::default()).unwrap();
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
        let error = place(
            Some("c"),
            &partitions,
            Some(&before),
            Start::Earliest,
            OnGap::Stop,
            &Share::default(),
        )
        .unwrap_err();
        assert_eq!(
            error.what,
            "t [0] goes on at offset 10, and the broker has nothing before 13: up to 3 records are lost"
        );
        assert!(
            error.details[0].contains("t [1]") && error.details[0].contains("made anew"),
            "{error:?}"
        );
        assert!(error.help[0].contains("--on-gap continue"));
        let jumped = place(
            Some("c"),
            &partitions,
            Some(&before),
            Start::Earliest,
            OnGap::Continue,
            &Share::default(),
        )
        .unwrap();
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
        let first = added(&positions, &led, &Share::default(), low);
        assert_eq!(first, [("t".to_owned(), 2, 3), ("t".to_owned(), 3, 3)]);
        for (topic, partition, next) in first {
            positions.set(&topic, partition, next);
        }
        assert_eq!(
            (added(&positions, &led, &Share::default(), low), asked.get()),
            (Vec::new(), 4)
        );
        let led = [("t".to_owned(), vec![0, 1, 2, 3])];
        assert_eq!(
            added(&positions, &led, &Share::default(), low),
            [("t".to_owned(), 1, 3)]
        );
    }

    #[test]
    fn a_position_that_is_gone_is_found_also_behind_a_partition_that_is_not_read() {
        let partitions = [partition("t", 0, 0, 9), partition("t", 2, 5, 9)];
        let found = gaps(&known("c/t:9,-,3"), &partitions);
        let places: Vec<_> = found.iter().map(|gap| (gap.partition, gap.wanted, gap.low)).collect();
        assert_eq!(places, [(2, 3, 5)]);
    }

    fn shared(count: u32, known: Option<&str>, read: Option<&str>, start_at: &[&str]) -> Result<String, SourceError> {
        let partitions: Vec<Partition> = (0..count).map(|number| partition("t", number, 1, 90)).collect();
        let start_at = start_at.iter().map(|text| text.parse().unwrap()).collect();
        let share = Share::new(read.map(|read| read.parse().unwrap()), start_at, &["t".to_owned()]).unwrap();
        let read: Vec<Partition> = partitions.into_iter().filter(|one| share.has(one.number)).collect();
        let known = known.map(|text| text.parse().unwrap());
        let placed = place(Some("c"), &read, known.as_ref(), Start::Earliest, OnGap::Stop, &share)?;
        Ok(placed.positions.to_string())
    }

    #[test]
    fn a_stream_goes_on_with_its_own_partitions_and_what_it_knows_of_others_stays() {
        for (count, known, read, start_at, placed) in [
            // New: where it was told, otherwise as `--start` says.
            (4, None, Some("2-"), &["t:3=7"][..], "c/t@2-:-,-,1,7"),
            // All were read before.
            (4, Some("c/t:5,6,7,8/u:9"), Some("0-1"), &[], "c/t@0-1:5,6,7,8/u:9"),
            // Its own commits count from then on.
            (4, Some("c/t@2-:-,-,5,8"), Some("2-"), &["t:3=7"], "c/t@2-:-,-,5,8"),
            // Added to the topic, and to the open range that was read before.
            (6, Some("c/t@2-:-,-,5,8"), Some("2-"), &[], "c/t@2-:-,-,5,8,1,1"),
            (6, Some("c/t@2-:-,-,5,8"), Some("2-4"), &[], "c/t@2-4:-,-,5,8,1"),
            // Taken over, for the first time and again.
            (4, Some("c/t@2-:-,-,5,8"), Some("1-"), &["t:1=40"], "c/t@1-:-,40,5,8"),
            (4, Some("c/t@0-1:5,6,7,8"), Some("0-2"), &["t:2=7"], "c/t@0-2:5,6,7,8"),
            (4, Some("c/t@0-1:5,6,7,8"), None, &["t:2=30,3=31"], "c/t:5,6,30,31"),
        ] {
            assert_eq!(
                shared(count, known, read, start_at).as_deref(),
                Ok(placed),
                "{known:?} {read:?}"
            );
        }
    }

    #[test]
    fn what_another_stream_may_have_read_is_not_read_again_and_nothing_is_jumped_over() {
        for (known, read, start_at, what) in [
            // It was read long ago, or never, or by who had the open range.
            (
                "c/t@0-1:5,6,7,8",
                Some("0-2"),
                &[][..],
                "is of partitions 0-1 of t, and not of 2",
            ),
            ("c/t@0-1:5,6", None, &[], "is of partitions 0-1 of t, and not of 2-5"),
            (
                "c/t@0-1:5,6",
                Some("0-1,4-"),
                &["t:4=3"],
                "is of partitions 0-1 of t, and not of 5",
            ),
            // What was said is older than what is committed, or skips what is not.
            (
                "c/t@0-1:5,6,7,8",
                Some("0-2"),
                &["t:2=6"],
                "has committed it up to 7 before",
            ),
            ("c/t@0-1:5,6", Some("0-1"), &["t:1=9"], "says that it goes on at 6"),
            ("c/t:5,6", Some("1"), &["t:1=9"], "says that it goes on at 6"),
        ] {
            let error = shared(6, Some(known), read, start_at).unwrap_err();
            assert!(error.what.contains(what), "{known} {read:?}: {error:?}");
            assert!(!error.help.is_empty());
        }
        // There is such an offset, or it is said that there is none.
        let error = shared(2, None, Some("1"), &["t:1=91"]).unwrap_err();
        assert!(error.what.contains("the broker's next is 90"), "{error:?}");
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
            &Share::default(),
        );
        assert!(error.unwrap_err().what.contains("of other"));
    }

    #[test]
    fn more_partitions_than_a_commit_has_room_for_are_refused() {
        let partitions: Vec<Partition> = (0..5_000).map(|number| partition("t", number, 0, 1)).collect();
        let error = place(None, &partitions, None, Start::Earliest, OnGap::Stop, &Share::default()).unwrap_err();
        assert!(error.what.contains("5,000 partitions"), "{error:?}");
        assert!(
            place(
                None,
                &partitions[..3_000],
                None,
                Start::Earliest,
                OnGap::Stop,
                &Share::default()
            )
            .is_ok()
        );
    }

    proptest! {
        /// However partitions go from stream to stream: each begins where the last one is, or is refused. That is so
        /// only where a stream comes back that has not committed since it gave one away, and does not know that it has.
        #[test]
        fn a_partition_that_changes_hands_goes_on_where_the_last_one_was(
            moves in proptest::collection::vec(
                (proptest::collection::vec(0..3_usize, 4), any::<bool>(), 0..9_u64), 1..8
            ),
        ) {
            let mut marks: [Option<Positions>; 3] = Default::default();
            let (mut next, mut owner) = ([1_u64; 4], [None; 4]);
            for (owners, tells, read) in moves {
                for (stream, mark) in marks.iter_mut().enumerate() {
                    let of_it = |one: &u32| owners[*one as usize] == stream;
                    let numbers: Vec<u32> = (0..4).filter(of_it).collect();
                    let Some(list) = Assignment::listed(numbers.iter().copied()) else { continue };
                    // Those that did not change hands since its newest commit need not be told.
                    let told = numbers.iter().filter(|one| tells || owner[**one as usize] != Some(stream));
                    let told: Vec<_> = told.map(|one| format!("t:{one}={}", next[*one as usize])).collect();
                    let start_at = told.iter().map(|text| text.parse().unwrap()).collect();
                    let share = Share::new(Some(list), start_at, &["t".to_owned()]).unwrap();
                    let partitions: Vec<_> = numbers.iter().map(|one| partition("t", *one, 1, 99)).collect();
                    let at = |known: Option<&Positions>| {
                        place(None, &partitions, known, Start::Latest, OnGap::Stop, &share)
                    };
                    let known = mark.as_ref();
                    let mut positions = if let Ok(placed) = at(known) {
                        placed.positions
                    } else {
                        let has_lost = |one: &u32| {
                            let known = known.filter(|known| known.reads("t", *one));
                            known.and_then(|known| known.of("t", *one)) < Some(next[*one as usize])
                        };
                        prop_assert!(numbers.iter().any(has_lost));
                        let all = numbers.iter().map(|one| format!("t:{one}={}", next[*one as usize]).parse());
                        let list = share.partitions().cloned();
                        let anew = Share::new(list, all.map(Result::unwrap).collect(), &["t".to_owned()]).unwrap();
                        place(None, &partitions, None, Start::Latest, OnGap::Stop, &anew).unwrap().positions
                    };
                    for one in &numbers {
                        prop_assert_eq!(positions.of("t", *one), Some(next[*one as usize]), "{}", one);
                        next[*one as usize] += read;
                        positions.set("t", *one, next[*one as usize]);
                        owner[*one as usize] = Some(stream);
                    }
                    *mark = Some(positions);
                }
            }
        }

        /// Whatever is known and whatever the broker has: where nothing is said to be lost, reading begins exactly
        /// there.
        #[test]
        fn a_position_is_kept_or_told_of(wanted in 0..20_u64, low in 0..20_u64, more in 0..20_u64) {
            let partitions = [partition("t", 0, low, low + more)];
            let before = known(&format!("c/t:{wanted}"));
            let (start, on_gap, share) = (Start::Latest, OnGap::Continue, Share::default());
            let placed = place(Some("c"), &partitions, Some(&before), start, on_gap, &share).unwrap();
            let next = placed.positions.of("t", 0).unwrap();
            prop_assert_eq!(placed.gaps.is_empty(), next == wanted);
            prop_assert!((low..=low + more).contains(&next));
        }
    }
}

//! Which partitions of a topic somebody reads, by number: `0-3,7,12-`, where an open range has those, too, that are
//! added later.

use std::fmt;
use std::str::FromStr;

/// The greatest number that a partition of Kafka may have.
const GREATEST: u32 = i32::MAX.unsigned_abs();

/// Some partitions, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// From and to, in order, with a gap between any two; the last one of all may have no end.
    ranges: Vec<(u32, Option<u32>)>,
}

/// Why a text names no partitions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no partitions; write numbers and ranges, as 0-3,7,12-")]
pub struct InvalidAssignment(String);

impl Assignment {
    #[must_use]
    pub fn contains(&self, partition: u32) -> bool {
        let is_in = |(from, to): &(u32, Option<u32>)| *from <= partition && to.is_none_or(|to| partition <= to);
        self.ranges.iter().any(is_in)
    }

    /// What a topic of so many partitions has not of them. An open range may begin with the next one that is added.
    #[must_use]
    pub fn beyond(&self, count: u32) -> Option<Self> {
        let beyond = self.ranges.iter().filter_map(|(from, to)| match to {
            Some(to) => (*to >= count).then_some((count.max(*from), Some(*to))),
            None => (*from > count).then_some((*from, None)),
        });
        Self::of(beyond.collect())
    }

    /// These; `None` where there are none.
    #[must_use]
    pub fn listed(partitions: impl IntoIterator<Item = u32>) -> Option<Self> {
        Self::of(partitions.into_iter().map(|one| (one, Some(one))).collect())
    }

    /// The partitions of a topic divided among so many readers, who have the same number each, or one more. Those that
    /// are added later are the last one's. With more readers than partitions some would have none: they get none.
    #[must_use]
    pub fn divided(count: u32, among: u32) -> Vec<Self> {
        let among = among.min(count);
        let begin = |reader: u32| {
            let begin = u64::from(count) * u64::from(reader) / u64::from(among);
            u32::try_from(begin).unwrap_or(count)
        };
        let to = |reader: u32| (reader + 1 < among).then(|| begin(reader + 1) - 1);
        (0..among)
            .map(|reader| Self {
                ranges: vec![(begin(reader), to(reader))],
            })
            .collect()
    }

    fn of(mut ranges: Vec<(u32, Option<u32>)>) -> Option<Self> {
        ranges.sort_unstable_by_key(|(from, _)| *from);
        let mut merged: Vec<(u32, Option<u32>)> = Vec::new();
        for (from, to) in ranges {
            match merged.last_mut() {
                Some((_, None)) => {}
                Some((_, Some(before))) if from <= before.saturating_add(1) => {
                    let end = to.map(|to| to.max(*before));
                    if let Some(last) = merged.last_mut() {
                        last.1 = end;
                    }
                }
                _ => merged.push((from, to)),
            }
        }
        (!merged.is_empty()).then_some(Self { ranges: merged })
    }
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (from, to)) in self.ranges.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match to {
                Some(to) if to == from => write!(f, "{from}")?,
                Some(to) => write!(f, "{from}-{to}")?,
                None => write!(f, "{from}-")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Assignment {
    type Err = InvalidAssignment;

    fn from_str(text: &str) -> Result<Self, InvalidAssignment> {
        let range = |part: &str| match part.split_once('-') {
            None => number(part).map(|one| (one, Some(one))),
            Some((from, "")) => Some((number(from)?, None)),
            Some((from, to)) => Some((number(from)?, Some(number(to)?))).filter(|(from, to)| Some(*from) <= *to),
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        let parsed = ranges.and_then(Self::of);
        parsed.ok_or_else(|| InvalidAssignment(text.escape_debug().to_string()))
    }
}

/// A partition's number.
#[must_use]
pub fn number(text: &str) -> Option<u32> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        .then(|| text.parse().ok())
        .flatten()
        .filter(|one| *one <= GREATEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Assignment {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_and_ranges_in_any_order_are_the_partitions_that_they_name() {
        for (text, shown) in [
            ("0-3,7,12-", "0-3,7,12-"),
            ("7,0-3", "0-3,7"),
            ("3,1,2,2", "1-3"),
            ("0-9,4", "0-9"),
            ("5-,2-7,9", "2-"),
            ("0-2147483647", "0-2147483647"),
        ] {
            assert_eq!(parsed(text).to_string(), shown);
        }
        let some = parsed("0-3,7,12-");
        let read: Vec<u32> = (0..15).filter(|one| some.contains(*one)).collect();
        assert_eq!(read, [0, 1, 2, 3, 7, 12, 13, 14]);
    }

    #[test]
    fn what_names_no_partitions_is_refused() {
        for text in [
            "",
            ",",
            "1,",
            "-",
            "-3",
            "3-1",
            "a",
            "1 2",
            "+1",
            "1--2",
            "1-2-3",
            "2147483648",
            "0x1",
            "1-+2",
        ] {
            assert!(text.parse::<Assignment>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_topic_has_not_is_named_and_an_open_range_may_begin_behind_its_end() {
        for (text, beyond) in [
            ("0-7", None),
            ("8-", None),
            ("0-", None),
            ("0-8", Some("8")),
            ("2,9,6-11", Some("8-11")),
            ("9-", Some("9-")),
        ] {
            assert_eq!(
                parsed(text).beyond(8).map(|some| some.to_string()).as_deref(),
                beyond,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_partition_of_a_topic_has_one_reader_also_one_that_is_added_and_no_reader_has_two_more_than_another(
            count in 1..300_u32, among in 1..300_u32, added in 0..1_000_u32,
        ) {
            let shares = Assignment::divided(count, among);
            prop_assert_eq!(shares.len(), count.min(among) as usize);
            let mut sizes = vec![0_u32; shares.len()];
            for partition in (0..count).chain([count + added]) {
                let readers: Vec<usize> =
                    (0..shares.len()).filter(|reader| shares[*reader].contains(partition)).collect();
                prop_assert_eq!(readers.len(), 1, "{}", partition);
                if partition < count {
                    sizes[readers[0]] += 1;
                } else {
                    prop_assert_eq!(readers[0], shares.len() - 1);
                }
            }
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            prop_assert!(shares.iter().all(|share| share.beyond(count).is_none()));
        }

        #[test]
        fn partitions_read_back_as_they_were_written(
            ranges in proptest::collection::vec((0..50_u32, proptest::option::weighted(0.9, 0..9_u32)), 1..9),
        ) {
            let named = |one: u32| {
                ranges.iter().any(|(from, more)| *from <= one && more.is_none_or(|more| one <= from + more))
            };
            let written = ranges.iter().map(|(from, more)| (*from, more.map(|more| from + more)));
            let some = Assignment::of(written.collect()).unwrap();
            prop_assert!((0..100).all(|one| some.contains(one) == named(one)));
            prop_assert_eq!(some.to_string().parse(), Ok(some));
        }
    }
}

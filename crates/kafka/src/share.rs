//! A fixed part of the partitions, which several readers of a topic divide among themselves, and where those of it
//! begin that another one has read before.

use std::str::FromStr;

use spoutctl_core::assignment::{Assignment, number};
use spoutctl_delivery::messages::records::SourceError;

/// Which partitions of each topic are read, and where some of them begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Share {
    /// `None`: all.
    partitions: Option<Assignment>,
    start_at: Vec<StartAt>,
}

/// Where partitions of a topic begin: `TOPIC:PARTITION=OFFSET[,PARTITION=OFFSET…]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartAt {
    topic: String,
    offsets: Vec<(u32, u64)>,
}

impl FromStr for StartAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` says no positions; write TOPIC:PARTITION=OFFSET[,PARTITION=OFFSET…]");
        let (topic, offsets) = text.split_once(':').ok_or_else(wrong)?;
        let offset = |part: &str| {
            let (partition, offset) = part.split_once('=')?;
            let is_number = offset.bytes().all(|byte| byte.is_ascii_digit());
            // Kafka's offsets have a sign.
            let offset = is_number.then(|| offset.parse::<i64>().ok()).flatten()?;
            Some((number(partition)?, u64::try_from(offset).ok()?))
        };
        let offsets: Option<Vec<(u32, u64)>> = offsets.split(',').map(offset).collect();
        Ok(Self {
            topic: topic.to_owned(),
            offsets: offsets.ok_or_else(wrong)?,
        })
    }
}

impl Share {
    /// These partitions of these topics, or all.
    ///
    /// # Errors
    /// A beginning of what is not read; two of one partition.
    pub fn new(partitions: Option<Assignment>, start_at: Vec<StartAt>, topics: &[String]) -> Result<Self, String> {
        let share = Self { partitions, start_at };
        let mut seen = Vec::new();
        for StartAt { topic, offsets } in &share.start_at {
            if !topics.contains(topic) {
                return Err(format!("--start-at names topic {topic}, which is not read"));
            }
            for (partition, _) in offsets {
                if !share.has(*partition) {
                    let what = format!("--start-at names {topic} [{partition}], which is not among --partitions");
                    return Err(what);
                }
                if seen.contains(&(topic, partition)) {
                    return Err(format!("--start-at names {topic} [{partition}] twice"));
                }
                seen.push((topic, partition));
            }
        }
        Ok(share)
    }

    pub fn partitions(&self) -> Option<&Assignment> {
        self.partitions.as_ref()
    }

    pub fn has(&self, partition: u32) -> bool {
        self.partitions.as_ref().is_none_or(|some| some.contains(partition))
    }

    /// Where a partition begins, if that was said.
    pub fn start_of(&self, topic: &str, partition: u32) -> Option<u64> {
        let offsets = self.start_at.iter().filter(|start| start.topic == topic);
        let mut offsets = offsets.flat_map(|start| &start.offsets);
        offsets
            .find(|(number, _)| *number == partition)
            .map(|(_, offset)| *offset)
    }

    /// Those that a topic of so many partitions has of them.
    ///
    /// # Errors
    /// When it has not all that are named, or none of them.
    pub fn of(&self, topic: &str, count: u32) -> Result<impl Iterator<Item = u32>, SourceError> {
        let missing = self.partitions.as_ref().and_then(|some| {
            let is_any = (0..count).any(|partition| some.contains(partition));
            some.beyond(count).or_else(|| (!is_any).then(|| some.clone()))
        });
        match missing {
            None => Ok((0..count).filter(|partition| self.has(*partition))),
            Some(missing) => Err(SourceError {
                what: format!(
                    "--partitions names {missing}, and topic {topic} has partitions 0 to {}",
                    count.saturating_sub(1)
                ),
                details: Vec::new(),
                help: vec!["name those that are there; 4- has the fifth and all that are added later".to_owned()],
                passes: false,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(partitions: &str, start_at: &[&str]) -> Result<Share, String> {
        let start_at = start_at.iter().map(|text| text.parse().unwrap()).collect();
        Share::new(
            Some(partitions.parse().unwrap()),
            start_at,
            &["t".to_owned(), "u".to_owned()],
        )
    }

    #[test]
    fn a_beginning_is_of_a_partition_that_is_read() {
        let read = share("0-3,8-", &["t:3=1234,9=7", "u:3=0"]).unwrap();
        let starts = [("t", 3), ("t", 9), ("u", 3), ("u", 9), ("t", 0)].map(|(topic, one)| read.start_of(topic, one));
        assert_eq!(starts, [Some(1234), Some(7), Some(0), None, None]);
        for (start_at, why) in [("v:0=1", "topic v"), ("t:4=1", "t [4]"), ("t:3=1,3=2", "t [3] twice")] {
            let error = share("0-3", &[start_at]).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(share("0-3", &["t:3=1", "t:3=1"]).is_err());
        for text in [
            "",
            "t",
            "t:",
            "t:3",
            "t:3=",
            "t:=3",
            "t:a=3",
            "t:3=+3",
            "t:3=9223372036854775808",
            "t:3=1,",
        ] {
            assert!(text.parse::<StartAt>().is_err(), "{text}");
        }
    }

    #[test]
    fn partitions_that_a_topic_has_not_are_named() {
        let of = |text: &str| share(text, &[]).unwrap().of("t", 8).map(Iterator::collect::<Vec<_>>);
        assert_eq!(of("0-3,7-"), Ok(vec![0, 1, 2, 3, 7]));
        for (text, missing) in [("0-3,8,10-12", "8,10-12"), ("0,9-", "9-"), ("8-", "8-")] {
            let what = of(text).unwrap_err().what;
            assert_eq!(
                what,
                format!("--partitions names {missing}, and topic t has partitions 0 to 7")
            );
        }
    }
}

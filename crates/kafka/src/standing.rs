//! Where a branch stands in the partitions of topics: what `doctor` says of each, beside what its broker has.

use crate::placing::{Gap, OnGap, Partition, Placed, Start, lost, place};
use crate::share::Share;
use spoutctl_core::exit::Exit;
use spoutctl_core::positions::Positions;
use spoutctl_core::quantity::{counted, grouped};
use spoutctl_delivery::examination::{Check, Finding};
use spoutctl_delivery::messages::records::SourceError;

/// How many partitions have a line of their own.
const LISTED: usize = 20;

/// What is known of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// There is none, or it could not be looked at.
    NoBranch,
    /// No commit of it says where partitions go on.
    Nothing,
    /// What the newest one says.
    Committed(Positions),
}

/// What there is to say of all partitions, with a line for each of the first; those that have a gap come first.
pub fn standing(cluster: Option<&str>, partitions: &[Partition], branch: &Known, share: &Share) -> Finding {
    let known = match branch {
        Known::Committed(positions) => Some(positions),
        Known::NoBranch | Known::Nothing => None,
    };
    let Placed { positions, gaps } = match place(cluster, partitions, known, Start::Earliest, OnGap::Continue, share) {
        Ok(placed) => placed,
        Err(error) => return of_source(Check::Positions, &error),
    };
    let begun = |partition: &&Partition| known.is_some_and(|known| known.knows(&partition.topic));
    let to_come = |partition: &Partition| {
        let next = positions.of(&partition.topic, partition.number);
        partition.high.saturating_sub(next.unwrap_or(partition.low))
    };
    let mut finding = if gaps.is_empty() {
        Finding::fine(
            Check::Positions,
            match partitions.iter().filter(begun).count() {
                _ if *branch == Known::NoBranch => "what there is; where a branch stands was not looked at".to_owned(),
                0 => "nothing is committed of these topics; put begins where --start says".to_owned(),
                _ => {
                    let behind: u64 = partitions.iter().filter(begun).map(to_come).sum();
                    format!("{} to come behind the newest commit", at_most(behind))
                }
            },
        )
    } else {
        Finding {
            details: Vec::new(),
            ..of_source(Check::Positions, &lost(&gaps))
        }
    };
    let has_gap = |partition: &Partition| gaps.iter().any(|gap| is_of(gap, partition));
    let mut listed: Vec<&Partition> = partitions.iter().collect();
    listed.sort_by_key(|partition| !has_gap(partition));
    for partition in listed.iter().take(LISTED) {
        let wanted = gaps.iter().find(|gap| is_of(gap, partition)).map(|gap| gap.wanted);
        let next = wanted.or_else(|| positions.of(&partition.topic, partition.number));
        let next = next.filter(|_| begun(partition));
        let mut line = line(partition, next, to_come(partition));
        if next.is_none() && *branch != Known::NoBranch {
            line.push_str("; nothing of it is committed");
        }
        finding.details.push(line);
    }
    if listed.len() > LISTED {
        let more = counted((listed.len() - LISTED) as u64, "partition");
        finding.details.push(format!("and {more} more"));
    }
    finding
}

fn is_of(gap: &Gap, partition: &Partition) -> bool {
    gap.topic == partition.topic && gap.partition == partition.number
}

/// Transactions and compaction take offsets, too, so no more is known.
fn at_most(offsets: u64) -> String {
    match offsets {
        0 => "nothing is".to_owned(),
        _ => format!("at most {}", counted(offsets, "record")),
    }
}

fn line(partition: &Partition, next: Option<u64>, to_come: u64) -> String {
    let Partition {
        topic,
        number,
        low,
        high,
        ..
    } = partition;
    let begin = format!(
        "{topic} [{number}]: earliest {}, latest {}",
        grouped(*low),
        grouped(*high)
    );
    match next {
        None => begin,
        Some(next) if (*low..=*high).contains(&next) => {
            format!("{begin}, goes on at {}: {} to come", grouped(next), grouped(to_come))
        }
        Some(next) => format!("{begin}, and it was to go on at {}", grouped(next)),
    }
}

/// What keeps a source from being read, as a finding.
pub fn of_source(check: Check, error: &SourceError) -> Finding {
    let exit = if error.passes { Exit::Unavailable } else { Exit::Input };
    Finding {
        details: error.details.clone(),
        next: error.help.clone(),
        ..Finding::fault(check, exit, error.what.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spoutctl_delivery::examination::Verdict;

    fn partition(number: u32, low: u64, high: u64) -> Partition {
        Partition {
            topic: "t".to_owned(),
            number,
            low,
            high,
            at_time: None,
        }
    }

    fn of(partitions: &[Partition], known: Option<&str>) -> Finding {
        let known = known.map_or(Known::Nothing, |text| Known::Committed(text.parse().unwrap()));
        standing(Some("c"), partitions, &known, &Share::default())
    }

    #[test]
    fn each_partition_says_what_is_there_where_it_goes_on_and_how_much_is_to_come() {
        let found = of(&[partition(0, 3, 1_900), partition(1, 0, 4)], Some("c/t:1000,4"));
        assert_eq!(found.verdict, Verdict::Fine);
        assert_eq!(found.said, "at most 900 records to come behind the newest commit");
        assert_eq!(
            found.details,
            [
                "t [0]: earliest 3, latest 1,900, goes on at 1,000: 900 to come",
                "t [1]: earliest 0, latest 4, goes on at 4: 0 to come",
            ]
        );
        let all = of(&[partition(0, 3, 9)], Some("c/t:9"));
        assert_eq!(all.said, "nothing is to come behind the newest commit");
    }

    #[test]
    fn of_what_was_never_read_there_is_no_position() {
        let found = of(&[partition(0, 3, 9)], Some("c/other:7"));
        assert_eq!(
            found.said,
            "nothing is committed of these topics; put begins where --start says"
        );
        assert_eq!(
            found.details,
            ["t [0]: earliest 3, latest 9; nothing of it is committed"]
        );
        assert_eq!(of(&[partition(0, 3, 9)], None).details, found.details);
        let alone = standing(Some("c"), &[partition(0, 3, 9)], &Known::NoBranch, &Share::default());
        assert_eq!(alone.details, ["t [0]: earliest 3, latest 9"]);
    }

    #[test]
    fn a_gap_is_the_fault_with_which_put_would_end_and_its_partition_comes_first() {
        let mut partitions: Vec<Partition> = (0..30).map(|number| partition(number, 0, 9)).collect();
        partitions[29] = partition(29, 7, 9);
        let positions = (0..30).map(|number| if number == 29 { "5" } else { "1" });
        let known = format!("c/t:{}", positions.collect::<Vec<_>>().join(","));
        let found = of(&partitions, Some(&known));
        assert_eq!(found.verdict, Verdict::Fault(Exit::Input));
        assert!(found.said.contains("up to 2 records are lost"), "{found:?}");
        assert!(found.next[0].contains("--on-gap continue"), "{found:?}");
        assert_eq!(found.details.len(), LISTED + 1);
        assert_eq!(
            found.details[0],
            "t [29]: earliest 7, latest 9, and it was to go on at 5"
        );
        assert_eq!(found.details[LISTED], "and 10 partitions more");
    }

    #[test]
    fn positions_of_another_cluster_are_a_fault() {
        let found = of(&[partition(0, 0, 9)], Some("other/t:1"));
        assert!(found.is_fault() && found.said.contains("of other"), "{found:?}");
    }
}

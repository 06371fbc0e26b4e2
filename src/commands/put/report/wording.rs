//! Counts and outcomes in words.

use std::ops::RangeInclusive;

use spoutctl_archive::Archive;
use spoutctl_core::quantity::{Size, counted, grouped};
use spoutctl_delivery::Receipt;

/// `archive 7`, `archives 5 to 7`.
pub(super) fn numbered(archives: &RangeInclusive<u64>) -> String {
    let (first, last) = (archives.start(), archives.end());
    if first == last {
        format!("archive {}", grouped(*last))
    } else {
        format!("archives {} to {}", grouped(*first), grouped(*last))
    }
}

/// `2 files`, `2 files and 1 deletion`.
pub(super) fn files_of(files: u64, deletions: u64) -> String {
    let files = counted(files, "file");
    match deletions {
        0 => files,
        more => format!("{files} and {}", counted(more, "deletion")),
    }
}

/// The acknowledgement of a commit.
pub(super) fn acknowledgement(receipt: &Receipt) -> String {
    let commit = receipt.commit.as_ref().map_or("", |id| id.as_str());
    let messages = receipt.label.messages.map_or(String::new(), |messages| {
        format!("{}   ", counted(messages.count(), "message"))
    });
    let also = receipt.also.iter().map(|branch| format!(" + {}", branch.repo));
    let archives = receipt.batch.as_ref().map_or(String::new(), |batch| {
        format!("{}   ", numbered(&(batch.first..=receipt.archive)))
    });
    format!(
        "{}@{commit}{}   {archives}{messages}{}   {}",
        receipt.branch.repo,
        also.collect::<String>(),
        files_of(receipt.files as u64, receipt.deletions as u64),
        Size(receipt.bytes)
    )
}

/// Each archive of a commit that several have become.
pub(super) fn members(receipt: &Receipt) -> impl Iterator<Item = String> {
    let listed = receipt.batch.iter().flat_map(|batch| batch.listed.iter());
    listed.map(|member| {
        format!(
            "archive {}: {}, {}, sha256 {}",
            grouped(member.number),
            files_of(member.files as u64, member.deletions as u64),
            Size(member.bytes),
            member.digest
        )
    })
}

/// That an archive holds nothing.
pub(super) fn emptiness(archive: &Archive) -> String {
    let numbers = archive.numbers();
    let (hold, it) = if numbers.start() == numbers.end() {
        ("holds", "it")
    } else {
        ("hold", "them")
    };
    format!("{} {hold} no file: no commit is made of {it}", numbered(&numbers))
}

/// `1.2 GB of 4.8 GB read (25 %)`, and without what is not known.
pub(super) fn read_so_far(read: u64, all: Option<u64>) -> String {
    match all {
        // A file may have grown since.
        Some(all) if all > 0 && read <= all => {
            let percent = u128::from(read) * 100 / u128::from(all);
            format!("{} of {} read ({percent} %)", Size(read), Size(all))
        }
        _ => format!("{} read", Size(read)),
    }
}

/// `2.1 GB sent (44 % of archive 3)`, the part of an archive where one is complete and on its way.
pub(super) fn sent_so_far(sent: u64, sending: Option<(u64, u64)>) -> String {
    let part = sending.map_or(String::new(), |(archive, percent)| {
        format!(" ({percent} % of archive {})", grouped(archive))
    });
    format!("{} sent{part}", Size(sent))
}

/// `, 2 finishing`, where there are any.
pub(super) fn finishing_now(commits: u64) -> String {
    match commits {
        0 => String::new(),
        commits => format!(", {} finishing", grouped(commits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_and_what_pachd_is_finishing_is_told_where_there_is_any() {
        assert_eq!(sent_so_far(2_100_000, None), "2.1 MB sent");
        assert_eq!(sent_so_far(2_100_000, Some((3, 44))), "2.1 MB sent (44 % of archive 3)");
        assert_eq!(
            (finishing_now(0), finishing_now(2)),
            (String::new(), ", 2 finishing".to_owned())
        );
    }

    #[test]
    fn the_part_that_was_read_is_told_where_all_of_it_is_known() {
        assert_eq!(read_so_far(1_200_000, Some(4_800_000)), "1.2 MB of 4.8 MB read (25 %)");
        assert_eq!(read_so_far(4_800_000, Some(4_800_000)), "4.8 MB of 4.8 MB read (100 %)");
        assert_eq!(read_so_far(0, Some(0)), "0 B read");
        for all in [None, Some(10)] {
            assert_eq!(read_so_far(1_200_000, all), "1.2 MB read");
        }
    }
}

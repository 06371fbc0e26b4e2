//! How far `put` is, as it is said.

use spoutctl_core::quantity::Size;

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

#[cfg(test)]
mod tests {
    use super::*;

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

//! Releases of Pachyderm, as a server names its own: `2.3.9`.
//!
//! [`Release`] is ordered, so that "since 2.8" is a comparison: `release >= Release::new(2, 8, 0)`. What a *spec* may
//! hold is a matter of minor versions alone, and has a type of its own among the rules for specs.

use std::fmt;
use std::str::FromStr;

/// A release. What is added to it (`-rc.1`, a commit) is not kept: it answers as the release that it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl Release {
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor, patch } = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// A text that names no release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no release of Pachyderm, such as 2.12.0 or 2.3")]
pub struct InvalidRelease(String);

impl FromStr for Release {
    type Err = InvalidRelease;

    /// Reads `2.12.0`, `2.12` (whose patch is 0 then), and what programs print: `v2.12.0`, `2.12.1-rc.1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidRelease(text.escape_debug().to_string());
        let numbers = text.strip_prefix('v').unwrap_or(text);
        let numbers = numbers.split(['-', '+']).next().unwrap_or_default();
        let number = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| digits)
        };
        let mut numbers = numbers.split('.').map(number);
        let mut next = || numbers.next();
        match (next(), next(), next(), next()) {
            (Some(Some(major)), Some(Some(minor)), None, None) => Ok(Self::new(major, minor, 0)),
            (Some(Some(major)), Some(Some(minor)), Some(Some(patch)), None) => Ok(Self::new(major, minor, patch)),
            _ => Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_as_servers_and_people_write_it() {
        for (text, release) in [
            ("2.12.0", Release::new(2, 12, 0)),
            ("v1.13.4", Release::new(1, 13, 4)),
            ("2.3", Release::new(2, 3, 0)),
            ("2.0.0-rc.1", Release::new(2, 0, 0)),
            ("2.8.10+abc", Release::new(2, 8, 10)),
        ] {
            assert_eq!(text.parse(), Ok(release), "{text}");
        }
        for text in [
            "",
            "2",
            "2.",
            "2.x",
            "2.3.",
            "2.3.4.5",
            "+2.3",
            "2.-3",
            "2.99999999999",
            "two",
        ] {
            assert!(text.parse::<Release>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_release_that_is_shown_is_read_again_as_itself() {
        for release in [Release::new(1, 12, 5), Release::new(2, 12, 0)] {
            assert_eq!(release.to_string().parse(), Ok(release));
        }
    }

    #[test]
    fn releases_are_ordered_by_number_not_by_letter() {
        let releases = ["1.13.4", "2.0.0", "2.0.8", "2.3.9", "2.10.7", "2.12.0"];
        let releases = releases.map(|text| text.parse::<Release>().unwrap());
        assert!(releases.is_sorted());
    }
}

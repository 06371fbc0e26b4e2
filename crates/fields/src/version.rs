//! Versions of Pachyderm, as far as specs are concerned: a field comes or goes with a minor version, never within one.

use std::fmt;
use std::str::FromStr;

/// A minor version, such as 2.12; the patch does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    major: u8,
    minor: u8,
}

impl Version {
    pub const OLDEST: Self = Self::new(1, 12);
    pub const NEWEST: Self = Self::new(2, 12);

    #[must_use]
    pub const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }

    /// Whether it is 1.12 or 1.13, in which a spout may still write to a pipe.
    #[must_use]
    pub fn is_1(self) -> bool {
        self.major == 1
    }

    /// Every version that is known, the oldest first.
    pub fn all() -> impl Iterator<Item = Self> {
        let first = (12..=13).map(|minor| Self::new(1, minor));
        first.chain((0..=12).map(|minor| Self::new(2, minor)))
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::NEWEST
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A version that no rule knows anything of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no version of Pachyderm that is known here; 1.12, 1.13 and 2.0 to 2.12 are")]
pub struct UnknownVersion(String);

impl FromStr for Version {
    type Err = UnknownVersion;

    /// Reads `2.12`, and also what programs print: `v2.12.0`, `2.12.1-rc.1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.strip_prefix('v').unwrap_or(text).splitn(3, '.').map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Some(Self::new(major, minor)),
            _ => None,
        }
        .filter(|version| Self::all().any(|known| known == *version))
        .ok_or_else(|| UnknownVersion(text.to_owned()))
    }
}

/// The versions that something holds for, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    pub first: Version,
    pub last: Version,
}

impl Versions {
    pub const ALL: Self = Self::between(Version::OLDEST, Version::NEWEST);
    /// 1.12 and 1.13.
    pub const ONE: Self = Self::between(Version::OLDEST, Version::new(1, 13));
    pub const TWO: Self = Self::since(2, 0);

    #[must_use]
    pub const fn between(first: Version, last: Version) -> Self {
        Self { first, last }
    }

    #[must_use]
    pub const fn since(major: u8, minor: u8) -> Self {
        Self::between(Version::new(major, minor), Version::NEWEST)
    }

    #[must_use]
    pub fn contain(self, version: Version) -> bool {
        self.first <= version && version <= self.last
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (Version::OLDEST, Version::NEWEST) => f.write_str("all"),
            (first, last) if first == last => write!(f, "{first}"),
            (first, Version::NEWEST) => write!(f, "{first} and later"),
            (first, last) => write!(f, "{first} to {last}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_people_and_programs_write_it() {
        let read = |text: &str| text.parse::<Version>().map(|version| version.to_string());
        for (text, version) in [("2.12", "2.12"), ("v1.13.4", "1.13"), ("2.0.0-rc.1", "2.0")] {
            assert_eq!(read(text), Ok(version.to_owned()));
        }
        for text in ["", "2", "2.13", "1.11", "two", "2.x", "300.1"] {
            let error = read(text).unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{text}`")) && error.contains("2.12"),
                "{error}"
            );
        }
    }

    #[test]
    fn one_thirteen_comes_before_two() {
        let all: Vec<_> = Version::all().collect();
        assert!(all.is_sorted() && all.len() == 15);
        assert_eq!(
            (all.first(), all.last()),
            (Some(&Version::OLDEST), Some(&Version::NEWEST))
        );
        assert!(Versions::ONE.contain(Version::new(1, 13)) && !Versions::ONE.contain(Version::new(2, 0)));
    }

    #[test]
    fn ranges_are_said_in_words() {
        let said = |versions: Versions| versions.to_string();
        assert_eq!(said(Versions::ALL), "all");
        assert_eq!(said(Versions::ONE), "1.12 to 1.13");
        assert_eq!(said(Versions::since(2, 5)), "2.5 and later");
        assert_eq!(said(Versions::between(Version::new(2, 7), Version::new(2, 7))), "2.7");
    }
}

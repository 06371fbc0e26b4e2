//! What the API server refuses, and which versions of it do.

use std::fmt;
use std::str::FromStr;

use crate::diagnostic::Severity;

/// A minor version of Kubernetes: 31 of 1.31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(u16);

impl Minor {
    pub(crate) const fn new(minor: u16) -> Self {
        Self(minor)
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

/// What is no version of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no version of Kubernetes; write a minor version such as 1.31, or what `kubectl version` prints")]
pub struct UnknownMinor(String);

impl FromStr for Minor {
    type Err = UnknownMinor;

    /// Reads `1.31`, and what clusters call themselves: `v1.31.2`, `v1.31.2+k3s1`, `1.31.2-gke.100`, `1.31+`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownMinor(text.to_owned());
        let rest = text
            .strip_prefix('v')
            .unwrap_or(text)
            .strip_prefix("1.")
            .ok_or_else(unknown)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (minor, rest) = rest.split_at_checked(digits).ok_or_else(unknown)?;
        if !rest.is_empty() && !rest.starts_with(['.', '-', '+']) {
            return Err(unknown());
        }
        minor.parse().map(Self).map_err(|_| unknown())
    }
}

/// Which versions of Kubernetes refuse something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Refusal {
    Always,
    /// Since this one it is taken.
    Before(Minor),
    /// Before this one it is taken, or not looked at.
    Since(Minor),
    /// Refused since the one, and before the other.
    Within(Minor, Minor),
}

impl Refusal {
    /// How bad it is for a cluster of that version; for one that nobody named what only some refuse is a warning.
    pub(crate) fn severity(self, cluster: Option<Minor>) -> Option<Severity> {
        match (self, cluster) {
            (Self::Always, _) => Some(Severity::Error),
            (Self::Before(_) | Self::Since(_) | Self::Within(..), None) => Some(Severity::Warning),
            (Self::Before(first), Some(cluster)) => (cluster < first).then_some(Severity::Error),
            (Self::Since(first), Some(cluster)) => (cluster >= first).then_some(Severity::Error),
            (Self::Within(first, end), Some(cluster)) => (first..end).contains(&cluster).then_some(Severity::Error),
        }
    }

    /// Who refuses, for a sentence.
    pub(crate) fn who(self) -> String {
        match self {
            Self::Always => "Kubernetes".to_owned(),
            Self::Before(first) => format!("Kubernetes before {first}"),
            Self::Since(first) => format!("Kubernetes since {first}"),
            Self::Within(first, end) => format!("Kubernetes since {first} and before {end}"),
        }
    }
}

/// Something in an object for which the API server refuses it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Fault {
    /// As the API server names it: `containers[0].ports[1].name`.
    pub path: String,
    /// What is wrong there: it goes on after the path.
    pub what: String,
    pub refusal: Refusal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_some_versions_in_between_refuse_is_an_error_for_these_and_a_warning_for_one_that_is_not_named() {
        let refusal = Refusal::Within(Minor::new(30), Minor::new(33));
        assert_eq!(refusal.severity(None), Some(Severity::Warning));
        let severities = [29, 30, 32, 33].map(|minor| refusal.severity(Some(Minor::new(minor))));
        assert_eq!(severities, [None, Some(Severity::Error), Some(Severity::Error), None]);
        assert_eq!(refusal.who(), "Kubernetes since 1.30 and before 1.33");
    }
}

//! What is told of a commit.

use std::time::SystemTime;

/// What is told of a commit, or of what was to become one.
#[derive(Debug, Clone)]
pub struct CommitTrace {
    pub attributes: Vec<(&'static str, Attribute)>,
    /// In the order in which they ended.
    pub steps: Vec<StepTrace>,
    pub ended: SystemTime,
    /// Why there is no commit.
    pub error: Option<String>,
}

#[derive(Debug, Clone)]
pub struct StepTrace {
    pub name: &'static str,
    pub begun: SystemTime,
    pub ended: SystemTime,
}

#[derive(Debug, Clone)]
pub enum Attribute {
    Text(String),
    Number(u64),
}

impl From<u64> for Attribute {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl<T: AsRef<str> + ?Sized> From<&T> for Attribute {
    fn from(text: &T) -> Self {
        Self::Text(text.as_ref().to_owned())
    }
}

//! A record of a source with partitions, and what its source says of it.

use jiff::Timestamp;

/// A record, and what its source says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    pub topic: &'a str,
    pub partition: u32,
    pub offset: u64,
    pub key: Option<&'a [u8]>,
    /// `None`: a tombstone.
    pub value: Option<&'a [u8]>,
    /// When it was made, or taken by its broker.
    pub time: Option<Timestamp>,
    /// `None`: nobody has asked for them, or one of them has a name that is not UTF-8.
    pub headers: Option<&'a [Header<'a>]>,
}

/// A header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    pub name: &'a str,
    pub value: Option<&'a [u8]>,
}

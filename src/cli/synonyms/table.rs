//! The words. One row a meaning; where several rows of a flag could count for a verb, the first does.

mod common;
mod putting;
mod reading;
mod specs;

use super::meaning::Synonym;

/// All rows, in the order in which they count.
pub fn flags() -> impl Iterator<Item = &'static Synonym> {
    let tables: [&[Synonym]; 4] = [specs::ROWS, reading::ROWS, putting::ROWS, common::ROWS];
    tables.into_iter().flatten()
}

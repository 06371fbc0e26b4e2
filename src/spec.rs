//! A pipeline spec as it was written: text → a tree in which every key and value has its span, and every fault of
//! syntax its cause and place.
//!
//! Domain: it knows JSON and YAML and nothing of what pachd makes of a spec; that is `lint`.

pub mod tree;

//! Escapes that YAML has, or that JSON has and everybody's YAML, and the YAML reader of pachctl has not.

use super::super::reading::Reading;
use super::super::syntax::{Cause, Escape};
use crate::source::Span;

/// Looks through a double-quoted scalar.
pub(super) fn check(text: &str, span: Span, reading: &mut Reading) {
    let written = text.get(span.range()).unwrap_or_default();
    let mut at = 0;
    while let Some(found) = written.get(at..).and_then(|rest| rest.find('\\')) {
        let start = at + found;
        let rest = written.get(start + 1..).unwrap_or_default();
        let (escape, length) = match rest.as_bytes().first() {
            Some(b'/') => (Some(Escape::JsonOnly('/')), 2),
            Some(b'u') => surrogates(rest),
            _ => (None, 1 + rest.chars().next().map_or(0, char::len_utf8)),
        };
        if let Some(escape) = escape {
            let start = span.start + start;
            reading.fault(Cause::Escape(escape), Span::new(start, start + length), None);
        }
        at = start + length;
    }
}

/// What is told of an escape, and how long it is. `rest` begins with its `u`.
pub(crate) fn surrogates(rest: &str) -> (Option<Escape>, usize) {
    let unit = |at: usize| u32::from_str_radix(rest.get(at..at + 4)?, 16).ok();
    let Some(high) = unit(1).filter(|high| (0xd800..0xe000).contains(high)) else {
        return (None, 2);
    };
    let low = unit(7).filter(|low| rest.get(5..7) == Some("\\u") && (0xdc00..0xe000).contains(low) && high < 0xdc00);
    let joined = low.and_then(|low| char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)));
    match joined {
        Some(character) => (Some(Escape::JsonOnly(character)), 12),
        None => (Some(Escape::LoneSurrogate), 6),
    }
}

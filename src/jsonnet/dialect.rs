//! Where the evaluator in pachd, go-jsonnet 0.20, has another standard library than this one: its own is put in place
//! of `std`, in one line before each text.
//!
//! Both were run side by side on some 350 expressions. What is left stands in `docs/jsonnet.md`.

use std::sync::LazyLock;

/// Functions that go-jsonnet got after 0.20.
const NEWER: [&str; 26] = [
    "atan2",
    "avg",
    "contains",
    "deg2rad",
    "equalsIgnoreCase",
    "flattenDeepArray",
    "hypot",
    "isDecimal",
    "isEven",
    "isInteger",
    "isNull",
    "isOdd",
    "log10",
    "log2",
    "maxArray",
    "minArray",
    "objectRemoveKey",
    "pi",
    "rad2deg",
    "remove",
    "removeAt",
    "sha1",
    "sha256",
    "sha3",
    "sha512",
    "trim",
];

/// What it does otherwise: text is UTF-8 in base64, half a number is rounded away from zero, a text is folded like a
/// list of its characters, nothing is no text that could be replaced, and no index is counted from the end.
const OTHERWISE: &str = "\
    base64(input):: if outer.isString(input) then outer.base64(outer.encodeUTF8(input)) else outer.base64(input), \
    base64Decode(str):: outer.decodeUTF8(outer.base64DecodeBytes(str)), \
    round(x):: local whole = outer.floor(x), rest = x - whole; \
    if rest < 0.5 then whole else if rest > 0.5 || x > 0 then whole + 1 else whole, \
    reverse(arr):: if outer.isString(arr) then error \"std.reverse takes an array in pachd\" else outer.reverse(arr), \
    foldl(func, arr, init):: \
    outer.foldl(func, if outer.isString(arr) then outer.stringChars(arr) else arr, init), \
    strReplace(str, from, to):: if from == '' then error \"pachd replaces no empty text\" \
    else outer.strReplace(str, from, to), \
    slice(indexable, index, end, step):: \
    if outer.any([outer.isNumber(at) && at < 0 for at in [index, end, step]]) \
    then error \"pachd counts no index from the end\" else outer.slice(indexable, index, end, step), ";

static PRELUDE: LazyLock<String> = LazyLock::new(|| {
    let newer =
        NEWER.map(|name| format!("{name}:: error \"there is no std.{name} in pachd, which has go-jsonnet 0.20\", "));
    format!(
        "local outer = std; local std = outer {{ {OTHERWISE}{} }}; ",
        newer.concat()
    )
});

/// The text behind the line that puts pachd's library in place.
pub(super) fn with_library(text: &[u8]) -> Vec<u8> {
    [PRELUDE.as_bytes(), text].concat()
}

/// Where a place of such a text is in the text itself; `None` for one in the library.
pub(super) fn within((start, end): (usize, usize)) -> Option<(usize, usize)> {
    let length = PRELUDE.len();
    Some((start.checked_sub(length)?, end.saturating_sub(length)))
}

//! Which lines of a text were changed between two commits.
//!
//! Two files are read side by side up to where they differ, and from there a window of each is compared; so that of a
//! file which grows the new lines are shown, however long it is. What lies behind the windows is said, and never
//! guessed.

use std::io::{self, BufRead as _, BufReader, Read};
use std::time::Duration;

use maud::{Markup, html};
use similar::{Change, ChangeTag, DiffOp, DiffTag, TextDiff};

use super::content::text_of;
use spoutctl_core::quantity::{Size, grouped};

/// How much is read of all files of a page before they differ.
const SEARCHED: u64 = 32 << 20;
/// How much of a file is compared line by line.
const WINDOW: usize = 64 << 10;
/// What is read again before the difference, for the lines around it.
const BEFORE: u64 = 4 << 10;
const CONTEXT: usize = 3;
/// Lines that are shown of all files of a page.
const LINES: usize = 600;
/// Characters that are shown of a line.
const LINE: usize = 400;
/// Of those, what is shown before the place where it differs from the line that it replaces.
const LINE_BEFORE: usize = 40;
/// After which a difference is told that may be longer than it had to be.
const DIFF_TIMEOUT: Duration = Duration::from_millis(200);

/// What a page may still take.
pub(super) struct Allowance {
    searched: u64,
    lines: usize,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            searched: SEARCHED,
            lines: LINES,
        }
    }
}

impl Allowance {
    pub fn is_used_up(&self) -> bool {
        self.lines == 0
    }
}

/// A file that can be read from any byte on.
pub(super) trait Bytes {
    fn from(&self, offset: u64) -> impl Read;
}

/// How far two files are the same.
#[derive(Debug, Default)]
struct Agreement {
    bytes: u64,
    /// The beginning of a line a little before, and the lines before it.
    window_from: u64,
    lines_before: u64,
    /// More was not looked at.
    is_cut: bool,
}

/// Reads both until they differ, or one ends, or `limit` bytes are read.
fn agreement(old: impl Read, new: impl Read, limit: u64) -> io::Result<Agreement> {
    let mut old = BufReader::with_capacity(WINDOW, old);
    let mut new = BufReader::with_capacity(WINDOW, new);
    let mut found = Agreement::default();
    // The beginnings of lines that are still too near.
    let mut near: Vec<u64> = Vec::new();
    loop {
        let (one, other) = (old.fill_buf()?, new.fill_buf()?);
        let length = one.len().min(other.len());
        let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
        near.extend(memchr::memchr_iter(b'\n', &one[..same]).map(|at| found.bytes + at as u64 + 1));
        found.bytes += same as u64;
        let far_enough = found.bytes.saturating_sub(BEFORE);
        let passed = near.partition_point(|beginning| *beginning <= far_enough);
        if let Some(last) = near.drain(..passed).next_back() {
            found.window_from = last;
            found.lines_before += passed as u64;
        }
        if same < length || length == 0 {
            return Ok(found);
        }
        if found.bytes >= limit {
            found.is_cut = true;
            return Ok(found);
        }
        old.consume(same);
        new.consume(same);
    }
}

/// The lines of a changed file, with those around them.
///
/// # Errors
/// When one of the two cannot be read.
pub(super) fn changed(old: &impl Bytes, new: &impl Bytes, allowance: &mut Allowance) -> io::Result<Markup> {
    let same = agreement(old.from(0), new.from(0), allowance.searched)?;
    allowance.searched = allowance.searched.saturating_sub(same.bytes);
    if same.is_cut {
        let size = Size(same.bytes);
        return Ok(html! { p class="hint" { "The first " (size) " are the same; what follows was not compared." } });
    }
    let (old, new) = (window(old.from(same.window_from))?, window(new.from(same.window_from))?);
    let (Some(before), Some(after)) = (old.text(), new.text()) else {
        return Ok(html! { p class="hint" { "It is no text." } });
    };
    let diff = TextDiff::configure().timeout(DIFF_TIMEOUT).diff_lines(before, after);
    let is_cut = old.is_cut || new.is_cut;
    let mut table = Table {
        rows: Vec::new(),
        lines_before: same.lines_before,
        allowance,
        is_full: false,
    };
    for group in similar::group_diff_ops(certain(diff.ops(), &old, &new), CONTEXT) {
        table.hunk(&diff, &group);
    }
    let end = same.lines_before + after.lines().count() as u64;
    Ok(html! {
        @if !table.rows.is_empty() {
            table class="lines" { tbody { @for row in &table.rows { (row) } } }
        }
        @if table.is_full {
            p class="hint" { "And more." }
        } @else if is_cut {
            p class="hint" { "What stands near line " (grouped(end)) " and further on was not compared." }
        }
    })
}

/// What is compared of a file.
struct Window {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Window {
    /// Whole lines, where more follows; nothing where it is no text.
    fn text(&self) -> Option<&str> {
        let whole = match memchr::memrchr(b'\n', &self.bytes) {
            Some(last) if self.is_cut => &self.bytes[..=last],
            _ => &self.bytes[..],
        };
        text_of(whole)
    }
}

fn window(from: impl Read) -> io::Result<Window> {
    let mut bytes = Vec::new();
    let limit = WINDOW as u64 + BEFORE;
    from.take(limit + 1).read_to_end(&mut bytes)?;
    let is_cut = bytes.len() as u64 > limit;
    bytes.truncate(WINDOW + usize::try_from(BEFORE).unwrap_or_default());
    Ok(Window { bytes, is_cut })
}

/// What holds whatever follows the windows: lines at the end of one of them may stand behind the end of the other,
/// where that is cut.
fn certain(ops: &[DiffOp], old: &Window, new: &Window) -> Vec<DiffOp> {
    let is_doubtful = |op: &DiffOp| match op.tag() {
        DiffTag::Equal => false,
        DiffTag::Delete => new.is_cut,
        DiffTag::Insert => old.is_cut,
        DiffTag::Replace => old.is_cut || new.is_cut,
    };
    let certain = ops.iter().rposition(|op| !is_doubtful(op));
    ops[..certain.map_or(0, |last| last + 1)].to_vec()
}

struct Table<'a> {
    rows: Vec<Markup>,
    lines_before: u64,
    allowance: &'a mut Allowance,
    /// There was more than may be shown.
    is_full: bool,
}

impl Table<'_> {
    fn hunk(&mut self, diff: &TextDiff<'_, '_, str>, ops: &[DiffOp]) {
        if !self.rows.is_empty() {
            self.rows.push(html! { tr class="gap" { td colspan="4" { "⋯" } } });
        }
        for op in ops {
            let changes: Vec<Change<&str>> = diff.iter_changes(op).collect();
            for change in &changes {
                if self.allowance.lines == 0 {
                    self.is_full = true;
                    return;
                }
                self.allowance.lines -= 1;
                self.rows
                    .push(row(change, self.lines_before, left_out(change, &changes)));
            }
        }
    }
}

/// How many characters of a line are not shown, so that the place is where it differs from the line that it replaces,
/// or that replaces it.
fn left_out(change: &Change<&str>, changes: &[Change<&str>]) -> usize {
    let of = |tag: ChangeTag| changes.iter().filter(move |other| other.tag() == tag);
    let other = match change.tag() {
        ChangeTag::Equal => return 0,
        ChangeTag::Delete => ChangeTag::Insert,
        ChangeTag::Insert => ChangeTag::Delete,
    };
    let is_it = |one: &&Change<&str>| (one.old_index(), one.new_index()) == (change.old_index(), change.new_index());
    let at = of(change.tag()).position(|one| is_it(&one));
    let Some(other) = at.and_then(|at| of(other).nth(at)) else {
        return 0;
    };
    let pairs = change.value().chars().zip(other.value().chars());
    let same = pairs.take_while(|(one, other)| one == other).count();
    if same < LINE { 0 } else { same - LINE_BEFORE }
}

fn row(change: &Change<&str>, lines_before: u64, left_out: usize) -> Markup {
    let (word, sign) = match change.tag() {
        ChangeTag::Equal => ("same", ""),
        ChangeTag::Insert => ("added", "+"),
        ChangeTag::Delete => ("deleted", "−"),
    };
    let number = |index: Option<usize>| index.map(|index| lines_before + index as u64 + 1);
    let line = change.value().trim_end_matches(['\n', '\r']);
    let from = line.char_indices().nth(left_out).map_or(line.len(), |(at, _)| at);
    let shown: String = line[from..].chars().take(LINE).collect();
    html! {
        tr class=(word) {
            td class="number" { (number(change.old_index()).map(grouped).unwrap_or_default()) }
            td class="number" { (number(change.new_index()).map(grouped).unwrap_or_default()) }
            td class="sign" title=(word) { (sign) }
            td { @if from > 0 { span class="hint" { "…" } }
                 code { (shown) } @if from + shown.len() < line.len() { span class="hint" { "…" } }
                 @if change.missing_newline() { span class="hint" title="no line break at its end" { " ⌁" } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Text(Vec<u8>);

    impl Bytes for Text {
        fn from(&self, offset: u64) -> impl Read {
            &self.0[usize::try_from(offset).unwrap()..]
        }
    }

    fn shown(old: &str, new: &str) -> String {
        let of = |text: &str| Text(text.as_bytes().to_vec());
        changed(&of(old), &of(new), &mut Allowance::default())
            .unwrap()
            .into_string()
    }

    fn numbered(range: std::ops::Range<u32>) -> String {
        range.map(|number| format!("line {number}\n")).collect()
    }

    #[test]
    fn a_changed_line_is_shown_with_its_numbers_and_three_lines_around_it() {
        let old = numbered(1..20);
        let page = shown(&old, &old.replace("line 10\n", "ten\n"));
        assert!(
            page.contains(">10</td><td class=\"number\"></td><td class=\"sign\" title=\"deleted\">−</td>"),
            "{page}"
        );
        assert!(page.contains("<code>ten</code>"), "{page}");
        assert!(
            page.contains("<code>line 7</code>") && page.contains("<code>line 13</code>"),
            "{page}"
        );
        assert!(
            !page.contains("<code>line 6</code>") && !page.contains("<code>line 14</code>"),
            "{page}"
        );
        assert!(!page.contains("not compared"), "{page}");
    }

    #[test]
    fn of_a_long_file_that_grew_the_new_lines_are_shown_with_their_true_numbers() {
        let old = numbered(1..200_000);
        let page = shown(&old, &numbered(1..200_003));
        assert!(page.contains("<code>line 200002</code>"), "{page}");
        assert!(
            page.contains("<td class=\"number\"></td><td class=\"number\">200,002</td>"),
            "{page}"
        );
        assert_eq!(page.matches("title=\"added\"").count(), 3, "{page}");
        assert_eq!(page.matches("title=\"deleted\"").count(), 0, "{page}");
    }

    #[test]
    fn of_two_long_lines_the_place_is_shown_where_they_differ() {
        let long = |end: &str| format!("{}{end}{}\n", "same ".repeat(200), "rest ".repeat(200));
        let page = shown(&long("before "), &long("after "));
        assert!(page.contains("before rest") && page.contains("after rest"), "{page}");
        assert_eq!(page.matches("<span class=\"hint\">…</span><code>").count(), 2, "{page}");
        assert_eq!(
            page.matches("</code><span class=\"hint\">…</span>").count(),
            2,
            "{page}"
        );
        // One that ends where the other goes on has an empty rest.
        let page = shown(&"x".repeat(500), &"x".repeat(501));
        assert!(
            page.contains("<code>xxxx") && page.contains(&format!("<code>{}</code>", "x".repeat(41))),
            "{page}"
        );
        assert!(page.contains(&format!("<code>{}</code>", "x".repeat(40))), "{page}");
    }

    #[test]
    fn what_moved_out_of_the_window_is_not_called_deleted() {
        let old = numbered(1..50_000);
        let page = shown(&old, &format!("new\n{old}"));
        assert_eq!(page.matches("title=\"added\"").count(), 1, "{page}");
        assert_eq!(page.matches("title=\"deleted\"").count(), 0, "{page}");
        assert!(page.contains("was not compared"), "{page}");
    }

    #[test]
    fn bytes_that_are_no_text_are_said_to_be_none_and_a_missing_line_break_is_shown() {
        let old = Text(vec![0, 1, 2]);
        let new = Text(vec![0, 1, 3]);
        let page = changed(&old, &new, &mut Allowance::default()).unwrap();
        assert!(page.into_string().contains("It is no text."));
        assert!(shown("a\n", "a").contains("no line break at its end"));
    }

    #[test]
    fn a_page_shows_so_many_lines_and_says_that_there_are_more() {
        let mut allowance = Allowance::default();
        let text = |text: String| Text(text.into_bytes());
        let page = changed(&text(String::new()), &text(numbered(1..1000)), &mut allowance).unwrap();
        let page = page.into_string();
        assert_eq!(page.matches("<tr").count(), LINES);
        assert!(page.contains("And more.") && allowance.is_used_up(), "{page}");
    }

    #[test]
    fn what_is_the_same_for_too_long_is_not_compared() {
        let text = |end: &str| Text([numbered(1..20_000).as_bytes(), end.as_bytes()].concat());
        let mut allowance = Allowance {
            searched: 10,
            ..Allowance::default()
        };
        let page = changed(&text("a"), &text("b"), &mut allowance).unwrap().into_string();
        assert!(page.contains("are the same; what follows was not compared"), "{page}");
        assert_eq!(allowance.searched, 0);
    }

    proptest! {
        #[test]
        fn the_window_begins_at_a_line_whose_number_is_counted_rightly(
            same in "([a-c]{0,40}\n){0,400}", old in "[a-z\n]{0,40}", new in "[a-z\n]{0,40}",
        ) {
            let (old, new) = (format!("{same}{old}"), format!("{same}{new}"));
            let found = agreement(old.as_bytes(), new.as_bytes(), u64::MAX).unwrap();
            let common = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
            prop_assert_eq!(found.bytes, common as u64);
            let head = &old[..usize::try_from(found.window_from).unwrap()];
            prop_assert!(head.is_empty() || head.ends_with('\n'));
            prop_assert_eq!(head.matches('\n').count() as u64, found.lines_before);
            prop_assert!(head.is_empty() || found.bytes - found.window_from >= BEFORE);
        }
    }
}

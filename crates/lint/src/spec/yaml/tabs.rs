//! Tabs at the beginning of lines on which nothing but a comment stands. The YAML specification allows them, and so
//! does the parser that is used here. The one of pachctl (yaml.v3 3.0.1, `scannerc.go`) takes no tab where a token
//! could begin.

use super::problem::line_start;
use crate::source::Span;

/// The first such tab between two tokens of a block.
///
/// `inner` is the column of the innermost block, where the token before is a plain scalar. That one is then still being
/// read, and what is indented deeper than the block may be a further line of it.
pub(super) fn refused(text: &str, between: Span, inner: Option<usize>) -> Option<Span> {
    let gap = text.get(between.range())?;
    let blank_before = |at: usize| gap.get(..at).is_some_and(|before| before.trim().is_empty());
    let first = (between.start == 0).then_some(0);
    let mut lines = first.into_iter().chain(gap.match_indices('\n').map(|(at, _)| at + 1));
    lines.find_map(|line| {
        let rest = text.get(between.start + line..)?;
        let content = rest.trim_start_matches([' ', '\t']);
        let column = rest.get(..rest.len() - content.len())?.find('\t')?;
        let is_empty = content.is_empty() || content.starts_with(['\n', '#']) || content.starts_with("\r\n");
        let continues = inner.is_some_and(|inner| column > inner) && blank_before(line);
        let at = between.start + line + column;
        (is_empty && !continues).then(|| Span::new(at, at + 1))
    })
}

/// The column of a place.
pub(super) fn column(text: &str, at: usize) -> usize {
    at - line_start(text, at)
}

/// Where the dash of a list stands whose beginning is told. Of one that is indented like its key the parser tells where
/// the first element begins.
pub(super) fn dash(text: &str, start: usize) -> usize {
    let before = text.get(..start).unwrap_or_default();
    let is_dash = text.get(start..).is_some_and(|rest| rest.starts_with("- "));
    let dash = before.trim_end_matches(' ').strip_suffix('-');
    dash.filter(|_| !is_dash).map_or(start, str::len)
}

//! Reads on after a fault of YAML's own: the line that it is in, and what is indented below it, is taken out, and the
//! rest is read again. So every fault is told of which the others do not depend on it.

use std::collections::HashSet;

use super::super::reading::{Comment, LINE_ENDS, Reading};
use super::super::syntax::{Cause, SyntaxFault, YamlProblem};
use crate::source::Span;

/// As many faults of a file are told; each costs one more reading.
const MOST: usize = 20;

/// What is larger than any spec is read once, and so is what has more faults than anybody would read.
const LARGEST: usize = 64 << 10;
const MOST_AT_ONCE: usize = 200;

/// Reads a text of one or more documents.
pub(in crate::spec) fn parse(text: &str) -> Reading {
    let mut rest = text.to_owned();
    let mut passed: Vec<(YamlProblem, Span)> = Vec::new();
    let mut dashes = HashSet::new();
    let mut reading = super::read(text, &dashes);
    // What pachctl's reader has no problem with is read with something in its place, as long as it is.
    while let Some((problem, span)) = tolerable(&reading).filter(|_| text.len() <= LARGEST) {
        if passed.len() == MOST_AT_ONCE {
            break;
        }
        if problem == YamlProblem::DashInFlow {
            rest.replace_range(span.range(), STAND_IN);
            dashes.insert(span.start);
        } else {
            let behind = rest.get(span.end..).and_then(|behind| behind.chars().next());
            let end = behind.filter(|c| LINE_ENDS.contains(c)).map_or(0, char::len_utf8);
            let comment = Span::new(span.start, span.end + end);
            rest.replace_range(comment.range(), &blank(rest.get(comment.range()).unwrap_or_default()));
        }
        passed.push((problem, span));
        reading = super::read(&rest, &dashes);
    }
    let mut reading = recover(&rest, &dashes, reading);
    for fault in &mut reading.faults {
        if let Cause::Yaml { problem } = &fault.cause
            && is_tolerable(problem)
        {
            let problem = problem.clone();
            fault.cause = Cause::Tolerated { problem };
        }
    }
    for (problem, span) in passed {
        if problem == YamlProblem::CommentAgainstToken {
            reading.comments.push(Comment { span });
        }
        reading.fault(Cause::Tolerated { problem }, span, None);
    }
    reading.comments.sort_by_key(|comment| comment.span);
    reading
}

/// Read in place of a `-` that stands alone.
const STAND_IN: &str = "_";

/// The first problem that the reader of pachctl does not have.
fn tolerable(reading: &Reading) -> Option<(YamlProblem, Span)> {
    reading.faults.iter().find_map(|fault| match &fault.cause {
        Cause::Yaml { problem } if is_tolerable(problem) => Some((problem.clone(), fault.span)),
        _ => None,
    })
}

fn is_tolerable(problem: &YamlProblem) -> bool {
    matches!(problem, YamlProblem::DashInFlow | YamlProblem::CommentAgainstToken)
}

/// Reads on after what no reader gets past.
fn recover(text: &str, dashes: &HashSet<usize>, first: Reading) -> Reading {
    let is_worth_it = text.len() <= LARGEST && first.faults.len() <= MOST_AT_ONCE;
    let Some(mut fault) = stopper(&first).cloned().filter(|_| is_worth_it) else {
        return first;
    };
    let mut rest = text.to_owned();
    let mut told: Vec<SyntaxFault> = Vec::new();
    let mut taken: Vec<Span> = Vec::new();
    let mut last = None;
    for _ in 0..MOST {
        let Some(block) = block_at(&rest, fault.span.start) else {
            break;
        };
        let before = rest.clone();
        rest.replace_range(block.range(), &blank(rest.get(block.range()).unwrap_or_default()));
        let reading = super::read(&rest, dashes);
        let next = stopper(&reading).cloned();
        // What comes to light before it was the cause, such as a bracket that stays open.
        if next.as_ref().is_some_and(|next| next.span.start < fault.span.start) {
            rest = before;
        } else {
            taken.push(block);
            told.push(fault);
        }
        last = Some(reading);
        match next {
            Some(next) => fault = next,
            None => break,
        }
    }
    let mut reading = match last {
        // What was read before the fault says more than nothing.
        Some(reading) if reading.documents.len() >= first.documents.len() => reading,
        _ => first,
    };
    settle(text, &mut reading, &taken);
    for fault in told {
        if !reading.faults.contains(&fault) {
            reading.faults.push(fault);
        }
    }
    reading
}

/// As many blanks, in as many lines.
fn blank(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect()
}

/// The first fault that ends a document.
fn stopper(reading: &Reading) -> Option<&SyntaxFault> {
    let stops = |fault: &&SyntaxFault| match &fault.cause {
        Cause::Yaml { problem } => !matches!(problem, YamlProblem::TooDeep | YamlProblem::TabBeforeNothing),
        _ => false,
    };
    reading.faults.iter().filter(stops).min_by_key(|fault| fault.span)
}

/// The line at a place and those that are indented below it. When nothing is left in it, the line above that holds it.
fn block_at(text: &str, at: usize) -> Option<Span> {
    let lines = lines(text);
    let here = lines.iter().rposition(|line| line.start <= at)?;
    let start = lines
        .get(..=here)?
        .iter()
        .rposition(|line| indent(text, *line).is_some())?;
    let own = indent(text, *lines.get(start)?)?;
    let is_below = |line: &Span| indent(text, *line).is_none_or(|indent| indent > own);
    let below = lines.get(start + 1..)?.iter().take_while(|line| is_below(line)).count();
    Some(Span::new(lines.get(start)?.start, lines.get(start + below)?.end))
}

fn lines(text: &str) -> Vec<Span> {
    let mut at = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let start = at;
            at += line.len();
            Span::new(start, at)
        })
        .collect()
}

/// How far a line is indented; none when there is nothing in it.
fn indent(text: &str, line: Span) -> Option<usize> {
    let line = text.get(line.range())?;
    let rest = line.trim_start_matches(' ');
    (!rest.trim().is_empty()).then(|| line.len() - rest.len())
}

/// Marks documents from which something was taken, so that nothing is told to be missing there.
fn settle(text: &str, reading: &mut Reading, taken: &[Span]) {
    let starts: Vec<usize> = lines(text)
        .into_iter()
        .filter(|line| text.get(line.range()).is_some_and(|line| line.starts_with("---")))
        .map(|line| line.start)
        .collect();
    let section = |at: usize| starts.iter().filter(|start| **start <= at).count();
    let is_touched = |at: usize| taken.iter().any(|block| section(block.start) == section(at));
    for document in &mut reading.documents {
        document.whole &= !is_touched(document.root.span.start);
    }
    let is_ours = |fault: &SyntaxFault| fault.cause != Cause::EmptyDocument || !is_touched(fault.span.start);
    reading.faults.retain(is_ours);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(text: &str) -> Vec<usize> {
        let reading = parse(text);
        let mut lines: Vec<usize> = reading
            .faults
            .iter()
            .map(|fault| 1 + text.get(..fault.span.start).unwrap_or_default().matches('\n').count())
            .collect();
        lines.sort_unstable();
        lines
    }

    #[test]
    fn every_fault_that_stands_by_itself_is_told() {
        let text = "pipeline:\n  name: a: b\ntransform:\n  image: @x\n  cmd: [a, b\nspout: {}\n";
        assert_eq!(lines_of(text), [2, 4, 5]);
    }

    #[test]
    fn what_is_beside_a_fault_is_read() {
        let reading = parse("pipeline:\n  name: a: b\ntransform:\n  user: x\nspout: {}\n");
        let names: Vec<_> = reading.documents[0]
            .root
            .members()
            .iter()
            .map(|member| member.key.name.as_str())
            .collect();
        assert_eq!(names, ["pipeline", "transform", "spout"]);
        assert!(!reading.documents[0].whole);
    }

    #[test]
    fn other_documents_are_whole() {
        let reading = parse("a: b: c\n---\nd: e\n");
        assert_eq!(
            reading
                .documents
                .iter()
                .map(|document| document.whole)
                .collect::<Vec<_>>()
                .last(),
            Some(&true)
        );
    }

    #[test]
    fn a_text_of_nothing_but_faults_comes_to_an_end() {
        let text = "@\n".repeat(200);
        assert!(parse(&text).faults.len() <= 200);
    }

    #[test]
    fn what_only_the_parser_here_refuses_is_read_as_pachctl_reads_it() {
        let reading = parse("a: [-, \"b\"#é\n, &x -, *x]\nd: {-}\ne: c\n---\nf: [g,#h\n  i,#j\u{2028}  k,#l\r  m]\n");
        let sent: Vec<_> = reading
            .documents
            .iter()
            .map(|document| (crate::spec::strict::to_json(&document.root), document.whole))
            .collect();
        let expected = [
            (r#"{"a":["-","b","-","-"],"d":{"-":null},"e":"c"}"#.to_owned(), true),
            (r#"{"f":["g","i","k","m"]}"#.to_owned(), true),
        ];
        assert_eq!(sent, expected);
        assert_eq!(reading.comments.len(), 4);
        let is_tolerated = |fault: &SyntaxFault| matches!(fault.cause, Cause::Tolerated { .. });
        assert_eq!(reading.faults.iter().filter(|fault| is_tolerated(fault)).count(), 7);
    }

    #[test]
    fn however_much_of_that_there_is_none_of_it_is_refused() {
        for count in [MOST_AT_ONCE, 2 * MOST_AT_ONCE, LARGEST] {
            for piece in ["-, ", "b,#\n "] {
                let text = format!("a: [{}c]\nd: e\n", piece.repeat(count));
                let reading = parse(&text);
                assert!(!reading.faults.is_empty());
                let is_refused = |fault: &&SyntaxFault| matches!(fault.cause, Cause::Yaml { .. });
                assert_eq!(reading.faults.iter().find(is_refused), None, "{count} {piece:?}");
                let is_whole = reading.documents.first().is_some_and(|document| document.whole);
                assert_eq!(is_whole, count <= MOST_AT_ONCE, "{count} {piece:?}");
            }
        }
    }
}

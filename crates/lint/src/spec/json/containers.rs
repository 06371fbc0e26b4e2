//! Objects and arrays: what separates, and what closes.

use super::super::syntax::Cause;
use super::super::tree::{Key, Member, Node, Value};
use super::{Bracket, Opener, Parser};
use crate::source::Span;

/// Where the reading of an object or array stands.
#[derive(Default)]
struct State {
    /// The end of the entry before, if there is one.
    before: Option<usize>,
    /// The comma after it.
    comma: Option<Span>,
    /// The fault of the entry before explains why no comma follows.
    is_forgiven: bool,
}

/// What comes next in an object or array.
enum Next {
    Entry,
    End,
    /// Something was read that is no entry.
    Again,
}

impl Parser<'_> {
    pub(super) fn members(&mut self) -> Vec<Member> {
        let mut members = Vec::new();
        let mut state = State::default();
        loop {
            match self.next_entry(&mut state, Bracket::Brace) {
                Next::Again => {}
                Next::End if self.reopens() => {
                    let closer = Span::new(self.at - 1, self.at);
                    self.fault(Cause::ExtraBracket { found: '}' }, closer, None);
                    state = State {
                        before: state.before,
                        ..State::default()
                    };
                    // The comma that belongs before the next key may stand before the bracket or after it.
                    self.blank();
                    state.is_forgiven = self.peek() != Some(b',');
                }
                Next::End => return members,
                Next::Entry => {
                    let start = self.at;
                    let member = self.member();
                    self.between(&mut state, start, member.as_ref().map(|member| member.key.span));
                    members.extend(member);
                }
            }
        }
    }

    pub(super) fn elements(&mut self) -> Vec<Node> {
        let mut elements = Vec::new();
        let mut state = State::default();
        loop {
            match self.next_entry(&mut state, Bracket::Square) {
                Next::Again => {}
                Next::End => return elements,
                Next::Entry if self.peek() == Some(b':') => {
                    let span = Span::new(self.at, self.at + 1);
                    self.fault(
                        Cause::UnexpectedCharacter {
                            character: ':',
                            invisible: false,
                        },
                        span,
                        None,
                    );
                    self.at += 1;
                    state.is_forgiven = true;
                }
                Next::Entry if self.is_key_of_outer_object() => {
                    let opener = self.open.last().map_or(self.at, |opener| opener.at);
                    let place = state.before.unwrap_or(opener + 1);
                    let cause = Cause::UnclosedBracket { open: '[', missing: 1 };
                    self.fault(cause, Span::new(opener, opener + 1), self.gap(place));
                    // The comma before the key was taken for one of ours.
                    self.is_comma_forgiven = true;
                    return elements;
                }
                Next::Entry => {
                    let start = self.at;
                    let element = self.value();
                    self.between(&mut state, start, Some(element.span));
                    elements.push(element);
                }
            }
        }
    }

    /// After an entry that began at `start`: whether a comma was missing before it.
    fn between(&mut self, state: &mut State, start: usize, entry: Option<Span>) {
        if let (Some(before), None, false) = (state.before, state.comma, state.is_forgiven) {
            let shown = entry.map_or(Span::at(start), |span| self.beginning(span));
            let in_array = self.open.last().is_some_and(|opener| opener.bracket == Bracket::Square);
            self.fault(Cause::MissingComma { in_array }, Span::at(before), Some(shown));
        }
        let is_cut_short = std::mem::take(&mut self.is_comma_forgiven);
        *state = State {
            before: Some(self.at),
            comma: None,
            is_forgiven: is_cut_short,
        };
    }

    /// What of an entry is shown: a key or a short value, and of a long one its first character.
    fn beginning(&self, span: Span) -> Span {
        const SHORT: usize = 64;
        let is_short = span.end - span.start <= SHORT && !self.slice(span.start, span.end).contains('\n');
        let first = self
            .slice(span.start, span.end)
            .chars()
            .next()
            .map_or(0, char::len_utf8);
        if is_short {
            span
        } else {
            Span::new(span.start, span.start + first)
        }
    }

    fn next_entry(&mut self, state: &mut State, bracket: Bracket) -> Next {
        self.blank();
        let Some(byte) = self.peek() else {
            self.cut(state.before);
            return Next::End;
        };
        let here = Span::new(self.at, self.at + 1);
        match byte {
            b',' if state.before.is_some() && state.comma.is_none() => {
                state.comma = Some(here);
                self.at += 1;
            }
            b',' => {
                self.fault(Cause::ExtraComma, here, state.comma);
                self.at += 1;
            }
            b';' => {
                self.fault(
                    Cause::WrongSeparator {
                        found: ";",
                        expected: ',',
                    },
                    here,
                    None,
                );
                state.comma = Some(here);
                self.at += 1;
            }
            _ => {
                return match Bracket::closed_by(byte) {
                    Some(found) if found == bracket => self.close(state),
                    Some(found) => self.close_otherwise(state, found),
                    None => Next::Entry,
                };
            }
        }
        Next::Again
    }

    fn close(&mut self, state: &State) -> Next {
        if let (Some(comma), Some(_)) = (state.comma, state.before) {
            let in_array = self.open.last().is_some_and(|opener| opener.bracket == Bracket::Square);
            self.fault(
                Cause::TrailingComma { in_array },
                comma,
                Some(Span::new(self.at, self.at + 1)),
            );
        }
        let opener = self.open.last().copied();
        if let Some(opener) = opener.filter(|opener| self.begins_line() && self.line.start != opener.line.start) {
            // The first is the innermost: those around it are closed wrongly because of it.
            if self.line.indent < opener.line.indent && self.suspect.is_none() {
                self.suspect = Some((opener, self.at));
            }
        }
        self.at += 1;
        Next::End
    }

    /// A bracket of the other kind: either it is mistyped, or ours is missing before it, or it is one too many.
    fn close_otherwise(&mut self, state: &State, found: Bracket) -> Next {
        let Some(own) = self.open.last().copied() else {
            return Next::End;
        };
        let here = Span::new(self.at, self.at + 1);
        let opener_span = Span::new(own.at, own.at + 1);
        let outer = self.open.iter().rev().find(|opener| opener.bracket == found).copied();
        let after = self.after_blanks(self.at + 1);
        if outer.is_some_and(|outer| self.closes_outer(own, outer)) {
            let place = state.before.unwrap_or(own.at + 1);
            let cause = Cause::UnclosedBracket {
                open: own.bracket.open(),
                missing: 1,
            };
            self.fault(cause, opener_span, self.gap(place));
            return Next::End;
        }
        if after == Some(own.bracket.close()) && !self.stands_for_closer_of(own) {
            self.fault(Cause::ExtraBracket { found: found.close() }, here, None);
            self.at += 1;
            return Next::Again;
        }
        let cause = Cause::WrongBracket {
            found: found.close(),
            expected: own.bracket.close(),
        };
        self.fault(cause, here, Some(opener_span));
        self.at += 1;
        Next::End
    }

    /// Whether the bracket here stands where that of `own` belongs, though another of its kind follows: on the last
    /// line of what began on this one, or alone and indented as what it would close. The other closes what is around
    /// it.
    fn stands_for_closer_of(&self, own: Opener) -> bool {
        let around = self.open.iter().rev().nth(1);
        if around.is_none_or(|around| around.bracket != own.bracket) {
            return false;
        }
        if own.line.start != self.line.start {
            return self.begins_line() && self.line.indent == own.line.indent;
        }
        let rest = self.slice(self.at + 1, self.end);
        rest.trim_start_matches([' ', '\t']).starts_with(['\r', '\n'])
    }

    /// Whether the bracket here is meant for `outer`, so that the one for `own` is missing.
    fn closes_outer(&self, own: Opener, outer: Opener) -> bool {
        if self.begins_line() && self.line.start != own.line.start {
            return self.line.indent == outer.line.indent && own.line.start != outer.line.start
                || self.line.indent < own.line.indent;
        }
        // On one line only what follows can tell. Were it meant for the outer one, what is around that must go on:
        // with its own closing bracket or a comma; at the top, with nothing.
        let around = self.open.iter().rev().skip_while(|opener| opener.at != outer.at).nth(1);
        match (around, self.after_blanks(self.at + 1)) {
            (None, after) => matches!(after, None | Some('{' | '[')),
            (Some(around), Some(after)) => after == around.bracket.close(),
            (Some(_), None) => false,
        }
    }

    /// The first character from `at` on that is no blank.
    fn after_blanks(&self, at: usize) -> Option<char> {
        let rest = self.slice(at.min(self.end), self.end);
        rest.trim_start_matches([' ', '\t', '\r', '\n']).chars().next()
    }

    /// The document ended with brackets open: one fault for all of them.
    fn cut(&mut self, before: Option<usize>) {
        if std::mem::replace(&mut self.is_cut, true) {
            return;
        }
        let missing = self.open.len();
        let place = self.gap(before.unwrap_or(self.at));
        let innermost = self.open.last().map(|opener| (*opener, place));
        let suspect = self
            .suspect
            .map(|(opener, closer)| (opener, Some(Span::new(closer, closer + 1))));
        if let Some((opener, place)) = suspect.or(innermost) {
            let cause = Cause::UnclosedBracket {
                open: opener.bracket.open(),
                missing,
            };
            self.fault(cause, Span::new(opener.at, opener.at + 1), place);
        }
    }

    /// The place `at`, if something could be inserted there.
    fn gap(&self, at: usize) -> Option<Span> {
        (self.open_string != Some(at)).then_some(Span::at(at))
    }

    /// Whether the object at the top, just closed, goes on with a key: then the bracket was one too many.
    fn reopens(&self) -> bool {
        if self.open.len() != 1 {
            return false;
        }
        let rest = self.rest();
        let next = rest.trim_start_matches([' ', '\t', '\r', '\n', ',']);
        // One comma at most: more than that is another matter.
        let passed = rest.len() - next.len();
        let commas = rest.bytes().take(passed).filter(|byte| *byte == b',').count();
        commas <= 1 && self.is_key(self.at + passed)
    }

    /// A member, or nothing when there is no key.
    fn member(&mut self) -> Option<Member> {
        let key = match self.peek() {
            Some(b'{' | b'[') => {
                let value = self.value();
                self.fault(
                    Cause::MissingKey,
                    Span::new(value.span.start, value.span.start + 1),
                    None,
                );
                self.blank();
                if self.peek() == Some(b':') {
                    self.at += 1;
                    self.member_value(None);
                }
                return None;
            }
            Some(b':') => {
                self.fault(Cause::MissingKey, Span::at(self.at), None);
                self.at += 1;
                self.member_value(None);
                return None;
            }
            _ => self.key(),
        };
        let value = self.colon(&key);
        Some(Member { key, value })
    }

    /// The colon after a key, and what follows it.
    fn colon(&mut self, key: &Key) -> Node {
        self.blank();
        let arrow = if self.rest().starts_with("=>") { "=>" } else { "=" };
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(b'=') => {
                let span = Span::new(self.at, self.at + arrow.len());
                self.fault(
                    Cause::WrongSeparator {
                        found: arrow,
                        expected: ':',
                    },
                    span,
                    None,
                );
                self.at = span.end;
            }
            None | Some(b',' | b'}' | b']' | b';') => return self.no_value(key.span.end, Some(key.span)),
            Some(_) if self.line_begins_another_key(key) => {
                // Two faults in one, a value and a comma: one is enough.
                self.is_comma_forgiven = true;
                return self.no_value(key.span.end, Some(key.span));
            }
            Some(_) => {
                let start = self.at;
                // A key that is never closed would take the colon in.
                let gap = self.gap(key.span.end);
                let value = self.value();
                let shown = self.beginning(Span::new(start, value.span.end));
                if let Some(gap) = gap {
                    self.fault(Cause::MissingColon, gap, Some(shown));
                }
                return value;
            }
        }
        self.member_value(Some(key.span))
    }

    /// Whether the line here begins with a key, though this is an array in an object: then the array is not closed.
    fn is_key_of_outer_object(&self) -> bool {
        match self.open.as_slice() {
            [.., outer, own] if outer.bracket == Bracket::Brace => self.line.start > own.at && self.begins_with_key(),
            _ => false,
        }
    }

    /// Whether here, on a line after the key's, something stands that is a key itself.
    fn line_begins_another_key(&self, key: &Key) -> bool {
        self.line.start >= key.span.end && self.begins_with_key()
    }

    /// Whether this is the first token of its line, and a key with its colon.
    fn begins_with_key(&self) -> bool {
        self.begins_line() && self.is_key(self.at)
    }

    /// Whether a string in double quotes begins at `at`, and a colon follows it.
    fn is_key(&self, at: usize) -> bool {
        let end = if self.byte(at) == Some(b'"') {
            self.closing_quote(at, b'"')
        } else {
            None
        };
        end.is_some_and(|end| self.after_blanks(end + 1) == Some(':'))
    }

    /// What follows a colon.
    fn member_value(&mut self, key: Option<Span>) -> Node {
        let colon = self.at;
        loop {
            self.blank();
            match self.peek() {
                Some(b':') => {
                    self.fault(Cause::ExtraColon, Span::new(self.at, self.at + 1), None);
                    self.at += 1;
                }
                None | Some(b',' | b'}' | b']' | b';') => return self.no_value(colon, key),
                Some(_) => return self.value(),
            }
        }
    }

    /// A key without a value is null to YAML. When the document ends here, an open bracket says enough.
    fn no_value(&mut self, at: usize, key: Option<Span>) -> Node {
        if self.peek().is_some() {
            self.fault(Cause::MissingValue, Span::at(at), key);
        }
        Node {
            span: Span::at(at),
            value: Value::Null,
        }
    }
}

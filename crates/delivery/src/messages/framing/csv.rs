//! Where a CSV record ends, and what its columns hold: RFC 4180, and what spreadsheets, databases and other countries
//! make of it.
//!
//! A quote counts at the beginning of a field only, and doubled inside. A field that begins with one by chance, where
//! quotes mean nothing, would take the lines up to the next quote with it: text that goes on there tells.
//!
//! Records end with newlines; where the first one ends with a carriage return alone, as old spreadsheets of the Mac
//! write it, with that. What follows the first of both is told from the file itself, so that a stray carriage return in
//! a field of a file with newlines stays where it is.

use memchr::{memchr, memchr2, memchr3};

use crate::messages::error::MessageFault;

/// What tells columns apart where nobody says it, in the order in which one is chosen.
const CANDIDATES: [u8; 4] = *b",;\t|";

/// How a CSV file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// What tells columns apart. Where nobody says, the first record does: a comma if it has any, else a semicolon, a
    /// tab or a bar.
    pub delimiter: Option<u8>,
    /// Takes what the next byte means away, in quotes and outside: the backslash of `MySQL` in `INTO OUTFILE`.
    pub escape: Option<u8>,
    /// What stands around fields that hold what would end them; `None` where nothing does.
    pub quote: Option<u8>,
    /// The first record names the columns.
    pub has_header: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            delimiter: None,
            escape: None,
            quote: Some(b'"'),
            has_header: true,
        }
    }
}

impl Dialect {
    fn splits(self, byte: u8) -> bool {
        match self.delimiter {
            Some(delimiter) => byte == delimiter,
            None => CANDIDATES.contains(&byte),
        }
    }

    /// The column of a record without its end, from 1; `None` when it has fewer.
    pub fn column(self, record: &[u8], number: usize) -> Option<Vec<u8>> {
        let dialect = Self {
            delimiter: Some(self.delimiter.unwrap_or(CANDIDATES[0])),
            ..self
        };
        let mut rest = record;
        for _ in 1..number {
            let (_, after) = dialect.field(rest);
            rest = after?;
        }
        Some(dialect.field(rest).0)
    }

    /// The first field, and what follows the delimiter behind it.
    fn field(self, record: &[u8]) -> (Vec<u8>, Option<&[u8]>) {
        let mut field = Vec::new();
        let mut at = At::FieldStart;
        for (index, byte) in record.iter().enumerate() {
            let (was, now) = (at, at.after(*byte, self));
            at = now;
            match (was, now) {
                (_, At::FieldStart) => return (field, Some(&record[index + 1..])),
                // The quotes around it, the first of two in it, and what takes a meaning away.
                (At::FieldStart, At::Quoted) | (_, At::Closed | At::Escaped | At::EscapedInQuotes) => {}
                _ => field.push(*byte),
            }
        }
        (field, None)
    }

    /// What the record `sep=;` says, by which Excel is told of a delimiter.
    pub(in crate::messages) fn told(record: &[u8]) -> Option<u8> {
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        let bare = record.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
        match bare.unwrap_or(record) {
            [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] => Some(*delimiter),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote in quotes, which closes them unless another one follows.
    Closed,
    Escaped,
    EscapedInQuotes,
}

impl At {
    /// What a byte that ends no record makes of it.
    fn after(self, byte: u8, dialect: Dialect) -> Self {
        let is_escape = dialect.escape == Some(byte);
        let is_quote = dialect.quote == Some(byte);
        match self {
            Self::Escaped => Self::Plain,
            Self::Quoted if is_quote => Self::Closed,
            Self::Quoted if is_escape => Self::EscapedInQuotes,
            Self::Quoted | Self::EscapedInQuotes => Self::Quoted,
            Self::FieldStart | Self::Closed if is_quote => Self::Quoted,
            _ if dialect.splits(byte) => Self::FieldStart,
            _ if is_escape => Self::Escaped,
            Self::FieldStart | Self::Plain | Self::Closed => Self::Plain,
        }
    }

    fn may_end(self) -> bool {
        matches!(self, Self::FieldStart | Self::Plain | Self::Closed)
    }
}

/// What records end with, as the first one shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// A newline. A carriage return before it belongs to the record, as it does to a line.
    Newline,
    /// A carriage return; a newline does as well.
    Return,
}

/// A record: its own length, and that of its end.
pub(super) type Record = (usize, usize);

/// So many carriage returns behind the first one may belong to a newline. More of them end records: what is undecided
/// has to be held.
const MOST_RETURNS: usize = 8;

/// A record or line without the carriage returns at its end. There are two where text with CR LF was written as text
/// once more.
pub(in crate::messages) fn without_returns(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
    &line[..end]
}

/// How many carriage returns `bytes` begin with, as far as they may belong to a newline.
fn returns(bytes: &[u8]) -> usize {
    let front = bytes.iter().take(MOST_RETURNS);
    front.take_while(|byte| **byte == b'\r').count()
}

/// Finds the ends of records.
#[derive(Debug)]
pub(super) struct Records {
    dialect: Dialect,
    ends: Option<Ends>,
    at: At,
    /// The byte that was looked at last is a carriage return, and what follows tells what it is.
    returned: bool,
    /// Of the first record: how many there are of each candidate.
    seen: [usize; CANDIDATES.len()],
    /// The first record has come.
    learned: bool,
    has_one_column: bool,
    /// Of the record that is looked at; of the one that was ended last.
    quotes: Quotes,
    last_quotes: Quotes,
}

/// Whether quotes are what they seem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Right,
    /// The quoted field that is looked at holds the end of a line.
    OverLines,
    /// Such a field of the record went on behind its closing quote.
    Wrong,
}

impl Records {
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            ends: None,
            at: At::FieldStart,
            returned: false,
            seen: [0; CANDIDATES.len()],
            learned: false,
            has_one_column: false,
            quotes: Quotes::Right,
            last_quotes: Quotes::Right,
        }
    }

    /// With what the first record has told.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether an empty line is a record, as `PostgreSQL` writes a NULL that is alone in its row. Where there are more
    /// columns it is none, nor before the first record, which shows how many there are: a NULL that a file without a
    /// header begins with is lost.
    pub fn takes_empty_lines(&self) -> bool {
        self.learned && self.has_one_column
    }

    /// What might have told the columns of the first record apart, besides what does where nobody said it.
    pub fn beside(&self) -> Option<u8> {
        let mut others = CANDIDATES.iter().zip(self.seen);
        let found = others.find(|(other, seen)| *seen > 0 && Some(**other) != self.dialect.delimiter);
        found.map(|(other, _)| *other)
    }

    /// Whether the last byte was a carriage return that ends a record, unless it is a part of its end.
    pub fn ends_with_return(&self) -> bool {
        self.returned
    }

    /// Whether a quote is open.
    pub fn is_quoted(&self) -> bool {
        matches!(self.at, At::Quoted | At::EscapedInQuotes)
    }

    /// Why the record that was ended last is none, if it is not: its quotes are no quotes.
    pub fn fault(&self) -> Option<MessageFault> {
        (self.last_quotes == Quotes::Wrong).then_some(MessageFault::BehindQuote)
    }

    /// The end of the record that `bytes` begin with, if it is there. `looked` bytes were looked at before; it is as
    /// many as were now.
    pub fn end(&mut self, bytes: &[u8], looked: &mut usize) -> Option<Record> {
        while let Some(byte) = bytes.get(*looked) {
            if std::mem::take(&mut self.returned) {
                let body = *looked - 1;
                match (byte, self.ends) {
                    (b'\n', None) => {}
                    (b'\n', Some(_)) => {
                        *looked += 1;
                        return Some(self.ended((body, 2)));
                    }
                    (b'\r', None) if self.goes_to_newline(&bytes[*looked..])? => {
                        *looked += returns(&bytes[*looked..]);
                        continue;
                    }
                    _ => {
                        self.ends = Some(Ends::Return);
                        return Some(self.ended((body, 1)));
                    }
                }
            }
            *looked += 1;
            match byte {
                b'\n' if self.at.may_end() => {
                    self.ends.get_or_insert(Ends::Newline);
                    return Some(self.ended((*looked - 1, 1)));
                }
                b'\r' if self.at.may_end() && self.ends != Some(Ends::Newline) => self.returned = true,
                byte => self.pass(*byte, &bytes[*looked..], looked),
            }
        }
        None
    }

    /// Whether a newline follows the carriage returns behind the first one, as where text with CR LF was written as
    /// text once more; without one, they end records with nothing in them. `None` while more may follow.
    fn goes_to_newline(&mut self, bytes: &[u8]) -> Option<bool> {
        let more = returns(bytes);
        if more == MOST_RETURNS {
            return Some(false);
        }
        let next = bytes.get(more);
        self.returned = next.is_none();
        next.map(|next| *next == b'\n')
    }

    /// The input ends behind these bytes: a record that was begun is whole, unless a quote is open. Of one record with
    /// several carriage returns behind it, the others are no records: it may have been a newline that they lack.
    pub fn last(&mut self, bytes: &[u8]) -> Option<Record> {
        if std::mem::take(&mut self.returned) {
            self.ends.get_or_insert(Ends::Return);
            return Some(self.ended((without_returns(bytes).len(), 1)));
        }
        (!bytes.is_empty() && self.at.may_end()).then(|| self.ended((bytes.len(), 0)))
    }

    /// What ends a record that lacks its end.
    pub fn terminator(&self) -> &'static [u8] {
        match self.ends {
            Some(Ends::Return) => b"\r",
            Some(Ends::Newline) | None => b"\n",
        }
    }

    fn pass(&mut self, byte: u8, rest: &[u8], looked: &mut usize) {
        let means_else = [self.dialect.quote, self.dialect.escape].contains(&Some(byte));
        let counted = CANDIDATES
            .iter()
            .position(|candidate| *candidate == byte && !means_else);
        if let (false, true, Some(which)) = (self.learned, self.at.may_end(), counted) {
            self.seen[which] += 1;
        }
        self.at = self.at.after(byte, self.dialect);
        let Dialect {
            delimiter,
            escape,
            quote,
            ..
        } = self.dialect;
        // What follows may be long, and says nothing until one of these.
        let next = match (self.at, delimiter, escape, quote) {
            (At::Quoted, _, None, Some(quote)) => memchr(quote, rest),
            (At::Quoted, _, Some(escape), Some(quote)) => memchr2(quote, escape, rest),
            (At::Plain, Some(delimiter), None, _) => memchr3(delimiter, b'\r', b'\n', rest),
            _ => Some(0),
        };
        let passed = next.unwrap_or(rest.len());
        *looked += passed;
        let is_break = |byte: u8| matches!(byte, b'\r' | b'\n');
        self.quotes = match (self.quotes, self.at) {
            (Quotes::Right, At::Quoted) if is_break(byte) || memchr2(b'\r', b'\n', &rest[..passed]).is_some() => {
                Quotes::OverLines
            }
            (Quotes::OverLines, At::FieldStart) => Quotes::Right,
            // Behind its closing quote; space there is often written by hand.
            (Quotes::OverLines, At::Plain)
                if !byte.is_ascii_whitespace() || !rest[..passed].trim_ascii().is_empty() =>
            {
                Quotes::Wrong
            }
            (quotes, _) => quotes,
        };
    }

    fn ended(&mut self, record: Record) -> Record {
        self.at = At::FieldStart;
        self.last_quotes = std::mem::replace(&mut self.quotes, Quotes::Right);
        record
    }

    /// Learns from the first record of the input. Whether it is one that only says what the delimiter is.
    pub fn learn(&mut self, first: &[u8]) -> bool {
        let told = Dialect::told(first);
        // What `sep=;` says, nobody has to guess.
        self.seen = if told.is_some() {
            [0; CANDIDATES.len()]
        } else {
            self.seen
        };
        self.learned = true;
        if self.dialect.delimiter.is_none() {
            self.dialect.delimiter = told.or_else(|| Some(self.most()));
        }
        self.has_one_column = told.is_none() && self.dialect.column(first, 2).is_none();
        told.is_some()
    }

    fn most(&self) -> u8 {
        let [commas, others @ ..] = self.seen;
        let most = others.iter().copied().max().filter(|most| commas == 0 && *most > 0);
        let which = most.and_then(|most| self.seen.iter().position(|seen| *seen == most));
        CANDIDATES[which.unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(record: &[u8], dialect: Dialect) -> Vec<String> {
        let columns = (1..).map_while(|number| dialect.column(record, number));
        columns.map(|column| String::from_utf8(column).unwrap()).collect()
    }

    fn by(delimiter: u8) -> Dialect {
        Dialect {
            delimiter: Some(delimiter),
            ..Dialect::default()
        }
    }

    #[test]
    fn columns_are_what_was_meant() {
        assert_eq!(
            columns(b"1,\"a \"\"b\"\", \nc\",last", by(b',')),
            ["1", "a \"b\", \nc", "last"]
        );
        assert_eq!(columns(b"a;\"b;c\";;", by(b';')), ["a", "b;c", "", ""]);
        assert_eq!(columns(b"", by(b',')), [""]);
        // A quote that begins no field is a quote; what follows a closed one belongs to the field.
        assert_eq!(columns(b"5\" pipe,\"a\"b\"", by(b',')), ["5\" pipe", "ab\""]);
        let escaping = Dialect {
            escape: Some(b'\\'),
            ..by(b',')
        };
        assert_eq!(columns(br#"a\,b,"c\"d",\\"#, escaping), ["a,b", "c\"d", "\\"]);
    }

    #[test]
    fn what_the_csv_library_reads_of_a_record_is_read_here() {
        for record in [
            "a,b",
            "\"a\"\"\",b",
            "\"a,b\",",
            ",",
            "\"a\"b,c",
            "x\"y,\"z",
            "\"\"",
            "\"\"\"\",\"\"",
        ] {
            let mut expected = Vec::new();
            let mut fields = csv_core::Reader::new();
            let mut rest = record.as_bytes();
            loop {
                let mut field = [0; 64];
                let (mut result, read, mut written) = fields.read_field(rest, &mut field);
                rest = &rest[read..];
                if result == csv_core::ReadFieldResult::InputEmpty {
                    let (last, _, more) = fields.read_field(&[], &mut field[written..]);
                    (result, written) = (last, written + more);
                }
                match result {
                    csv_core::ReadFieldResult::Field { record_end } => {
                        expected.push(String::from_utf8(field[..written].to_vec()).unwrap());
                        if record_end {
                            break;
                        }
                    }
                    _ => break,
                }
            }
            assert_eq!(columns(record.as_bytes(), by(b',')), expected, "{record}");
        }
    }
}

//! What framings are called on a command line.

use std::str::FromStr;

use super::{Dialect, Framing};

impl FromStr for Framing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "lines" => Self::Lines,
            "nul" => Self::Nul,
            "json" => Self::Json,
            "ndjson" | "jsonl" | "jsonlines" | "json-lines" => Self::JsonLines,
            "json-seq" => Self::JsonSequence,
            "csv" => Self::Csv(Dialect::default()),
            "netstring" => Self::Netstring,
            "octet-counting" => Self::OctetCounting,
            "u32be" => Self::U32be,
            "u32le" => Self::U32le,
            "varint" => Self::Varint,
            "journal-export" => Self::JournalExport,
            "sse" => Self::Events,
            _ => match text.strip_prefix("delimiter=") {
                Some("") => return Err("a delimiter has at least one byte".to_owned()),
                Some(delimiter) => Self::Delimiter(unescape(delimiter)?),
                None => {
                    return Err(
                        "write lines, nul, json, ndjson, json-seq, csv, netstring, octet-counting, u32be, u32le, \
                         varint, journal-export, sse or delimiter=STR"
                            .to_owned(),
                    );
                }
            },
        })
    }
}

/// What a command line says of one byte of CSV: itself, or what stands for it.
///
/// # Errors
/// When it is none, or several, or ends a line.
pub fn one_byte(text: &str) -> Result<u8, String> {
    let named = if text == "tab" { "\\t" } else { text };
    // A backslash alone is one, too.
    let bytes = if named == "\\" { vec![b'\\'] } else { unescape(named)? };
    match bytes.as_slice() {
        [b'\r' | b'\n'] => Err("the end of a line cannot be that".to_owned()),
        [byte] => Ok(*byte),
        _ => Err(r"write one byte: `;`, `|`, tab, or \xHH".to_owned()),
    }
}

/// What a command line says of the quotes around the fields of CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote(
    /// `None` where there are none.
    pub Option<u8>,
);

impl FromStr for Quote {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let byte = match text {
            "none" => None,
            text => Some(one_byte(text).map_err(|why| format!("{why}; where there are no quotes, none"))?),
        };
        Ok(Self(byte))
    }
}

/// `\n`, `\r`, `\t`, `\0`, `\\` and `\xHH` stand for bytes that a command line holds badly.
///
/// # Errors
/// When something else follows a backslash.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match rest.next() {
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('0') => 0,
            Some('\\') => b'\\',
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                let is_hex = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                let byte = u8::from_str_radix(&digits, 16).ok().filter(|_| is_hex);
                byte.ok_or_else(|| format!("`\\x{digits}` is no byte: write two hex digits"))?
            }
            _ => return Err(r"after `\` comes n, r, t, 0, x and two hex digits, or another `\`".to_owned()),
        });
    }
    Ok(bytes)
}

//! What can be typed about messages, with `put --messages` and `pack`.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::values::{parse_duration, parse_size};
use spoutctl_delivery::messages::framing::{Quote, one_byte, unescape};
use spoutctl_delivery::messages::{Framing, Key};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Messages and batches")]
#[command(group = clap::ArgGroup::new("framed").multiple(true))]
pub struct MessageArgs {
    /// Take messages: lines, json, ndjson, csv, … or delimiter=STR
    ///
    /// lines, nul, json, ndjson, json-seq, csv, netstring, octet-counting, u32be, u32le, varint, journal-export, sse or
    /// delimiter=STR.
    ///
    /// json: values with any white space between them. ndjson, or jsonl: a value a line. json-seq: values, each behind
    /// a record separator (RFC 7464). csv: the first record is a header, which every file repeats. u32be, u32le: a
    /// length in four bytes, big-endian or little-endian, before each. varint: a length as protobuf's writeDelimitedTo
    /// writes it. journal-export: what `journalctl -o export` prints. sse: the data of server-sent events. In STR, \n,
    /// \t, \0 and \xHH stand for bytes. An input that is compressed with gzip or zstd is decompressed.
    #[arg(long, value_name = "FRAMING", requires = "naming", group = "framed")]
    pub messages: Option<Framing>,

    /// One file for all messages; its name may have {time:%Y/%m/%d}, {uuid}
    ///
    /// All messages of an archive go into it, as they came.
    #[arg(long, value_name = "NAME", group = "naming", requires = "framed")]
    pub into: Option<String>,

    /// A file for each message; names may have {key}, {uuid}, {seq}, {time:…}
    ///
    /// Without the message's frame. Of a record of Kafka, names may also have {topic}, {partition} and {offset}, or
    /// {offset:12} with twelve digits; {key} is its key and {time} its time.
    /// The time is that at which the message was read, in UTC. {seq}, or {seq:9} with nine digits at least, is the
    /// message's number in the life of the stream, and needs --spool or --stream. Two messages of one archive never
    /// share a name.
    #[arg(long, value_name = "NAME", group = "naming", requires = "framed")]
    pub each: Option<String>,

    /// The value at this JSON pointer is a message's key: /user/id
    #[arg(long, value_name = "POINTER", group = "key", requires = "each", value_parser = parse_pointer)]
    pub key_json: Option<String>,

    /// This column is a message's key, from 1: of a CSV record, or of a line with tabs
    #[arg(long, value_name = "N", group = "key", requires = "each", value_parser = clap::value_parser!(u32).range(1..))]
    pub key_column: Option<u32>,

    /// What stands before this in a message is its key; the message stays whole
    ///
    /// \n, \t, \0 and \xHH stand for bytes, as in --messages delimiter=STR.
    #[arg(long, value_name = "STR", group = "key", requires = "each", value_parser = parse_delimiter)]
    pub key_delimiter: Option<Delimiter>,

    /// This field is a message's key: of a journal's entry, or `id` or `event` of a server-sent event
    #[arg(long, value_name = "NAME", group = "key", requires = "each")]
    pub key_field: Option<String>,

    /// Percent-encode what pachd refuses in a key, and `/` and `%`
    #[arg(long, requires = "key")]
    pub escape_keys: bool,

    /// What becomes of a message with the name of another one of its archive [default: refuse]
    #[arg(long, value_name = "HOW", value_enum, requires = "each")]
    pub same_name: Option<SameName>,

    /// The value at this JSON pointer is where a message stands in its source: /offset; acknowledgements say the last
    /// one's
    ///
    /// Any JSON value but null; every message needs one. Of an archive the last message's counts, so let one consumer
    /// read one source: a Kafka partition, say.
    #[arg(long, value_name = "POINTER", group = "position", requires = "messages", value_parser = parse_pointer)]
    pub position_json: Option<String>,

    /// The same by a column, from 1: of a CSV record, or of a line with tabs
    #[arg(
        long,
        value_name = "N",
        group = "position",
        requires = "messages",
        value_parser = clap::value_parser!(u32).range(1..),
    )]
    pub position_column: Option<u32>,

    /// The same by a field: __CURSOR of a journal's entry, or `id` of a server-sent event
    #[arg(long, value_name = "NAME", group = "position", requires = "messages")]
    pub position_field: Option<String>,

    /// What tells the columns of CSV apart: one byte, or `tab`
    /// [default: a comma, unless the first record shows another]
    ///
    /// A first record without a comma, but with semicolons, tabs or bars, shows that they do it, and that is said. So
    /// does a first line `sep=;`.
    #[arg(long, value_name = "BYTE", value_parser = one_byte, requires = "messages")]
    pub csv_delimiter: Option<u8>,

    /// In CSV, what follows this byte means nothing but itself: `\` in files of MySQL
    #[arg(long, value_name = "BYTE", value_parser = one_byte, requires = "messages")]
    pub csv_escape: Option<u8>,

    /// What stands around fields of CSV that hold what would end them: one byte, or `none` [default: "]
    ///
    /// `none` where quotes mean nothing, as in what `mysql --batch` and `sqlite3 -tabs` print.
    #[arg(long, value_name = "BYTE", requires = "messages")]
    pub csv_quote: Option<Quote>,

    /// The first record of CSV is one as all others are
    #[arg(long, requires = "messages")]
    pub csv_no_header: bool,

    /// What becomes of a carriage return before the end of a line or a CSV record [default: keep]
    #[arg(long, value_name = "HOW", value_enum, requires = "messages")]
    pub crlf: Option<Crlf>,

    /// What becomes of a netstring, u32be or u32le message of length -1: kcat's NULL [default: empty]
    #[arg(long, value_name = "HOW", value_enum, requires = "framed")]
    pub nulls: Option<Nulls>,

    /// Close an archive, or a batch of archives, at so many [default: 10000]
    ///
    /// Without --messages each archive is a commit of its own, unless one of the --batch flags is given: then several
    /// archives become one commit, of one path the last file counts, and the other two flags have their defaults.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub batch_count: Option<u64>,

    /// Close it at this size [default: 64MiB]
    ///
    /// A larger message gets an archive, and a larger archive a commit of its own.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub batch_bytes: Option<u64>,

    /// Close it when its first has waited so long [default: 5s]
    ///
    /// Its first message, or its first whole archive.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub batch_period: Option<Duration>,

    /// Refuse a message larger than this
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = parse_size, requires = "framed")]
    pub max_message: u64,

    /// What becomes of a last message without its end [default: keep for lines and csv, else fail]
    #[arg(long, value_name = "HOW", value_enum, requires = "messages")]
    pub partial: Option<Partial>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Partial {
    /// Take it, with the end that it lacks
    Keep,
    /// Leave it out, and say so
    Drop,
    /// It is a fault; the messages before it are taken
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SameName {
    /// It cannot be taken
    Refuse,
    /// The last one counts
    Last,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Crlf {
    /// It is a part of the message
    Keep,
    /// It is a part of the end of the line, and left out
    Strip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Nulls {
    /// An empty message
    Empty,
    /// Leave it out, and say how many
    Skip,
    /// It cannot be taken
    Fail,
}

/// The bytes that a delimiter stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delimiter(pub Vec<u8>);

fn parse_delimiter(text: &str) -> Result<Delimiter, String> {
    match unescape(text)? {
        bytes if bytes.is_empty() => Err("a delimiter has at least one byte".to_owned()),
        bytes => Ok(Delimiter(bytes)),
    }
}

/// A place in a message: what begins with a slash is a JSON pointer, a number a column, and all else a field.
pub(super) fn parse_place(text: &str) -> Result<Key, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(column) => Ok(Key::Column(column.get())),
        Err(_) if text.starts_with(['/', '.', '$']) => parse_pointer(text).map(Key::Json),
        Err(_) if text.is_empty() || text.starts_with(|first: char| first.is_ascii_digit()) => {
            Err("it is a JSON pointer as /partition, the number of a column, from 1, or the name of a field".to_owned())
        }
        Err(_) => Ok(Key::Field(text.to_owned())),
    }
}

fn parse_pointer(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        // As jq and JSONPath write it: `.user.id`, `$.items[0]`.
        let steps = text
            .trim_start_matches('$')
            .split(['.', '[', ']'])
            .map(|step| step.trim_matches(['"', '\'']));
        let pointer: String = steps
            .filter(|step| !step.is_empty())
            .map(|step| format!("/{step}"))
            .collect();
        Err(format!("a JSON pointer begins with a slash: {pointer}"))
    }
}

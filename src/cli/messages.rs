//! What can be typed about messages: `pack`, and `put --messages`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{VoiceArgs, parse_duration, parse_size};
use spoutctl_delivery::messages::Framing;

/// Make tar archives of messages: the lines, JSON values or frames that a consumer prints
///
/// Standard input is taken apart into messages; as soon as there are enough, one complete archive goes to standard
/// output. What `spoutctl put DEST --messages …` does by itself, as a filter:
///
///   kcat … | spoutctl pack --messages lines --into data.jsonl | tee >(sha256sum >&2) | spoutctl put my-repo
///
/// A signal that asks for the end makes the last archive of the messages in hand; a second one ends at once.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("packing").args(["messages"]).required(true))]
pub struct PackArgs {
    #[command(flatten)]
    pub messages: MessageArgs,

    #[command(flatten)]
    pub voice: VoiceArgs,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "How messages become archives")]
pub struct MessageArgs {
    /// The input is messages, told apart like this: lines, nul, json, csv, netstring, u32be or delimiter=STR
    ///
    /// json: values with any white space between them. csv: the first record is a header, which every file repeats.
    /// u32be: a length in four bytes, big-endian, before each. In STR, \n, \t, \0 and \xHH stand for bytes.
    #[arg(long, value_name = "FRAMING", requires = "naming")]
    pub messages: Option<Framing>,

    /// All messages of an archive go into this file, as they came; {time:%Y/%m/%d} and {uuid} may be in its name
    #[arg(long, value_name = "NAME", group = "naming", requires = "messages")]
    pub into: Option<String>,

    /// Each message goes into a file of its own, without its frame; {key}, {uuid}, {seq} and {time:…} may be in its name
    ///
    /// The time is that at which the message was read, in UTC. {seq}, or {seq:9} with nine digits at least, is the message's
    /// number in the life of the stream, and needs --spool or --stream. Two messages of one archive never share a name.
    #[arg(long, value_name = "NAME", group = "naming", requires = "messages")]
    pub each: Option<String>,

    /// The value at this JSON pointer is a message's key: /user/id
    #[arg(long, value_name = "POINTER", group = "key", requires = "each", value_parser = parse_pointer)]
    pub key_json: Option<String>,

    /// This column is a message's key, from 1: of a CSV record, or of a line with tabs
    #[arg(long, value_name = "N", group = "key", requires = "each", value_parser = clap::value_parser!(u32).range(1..))]
    pub key_column: Option<u32>,

    /// What stands before this in a message is its key; the message stays whole
    #[arg(long, value_name = "STR", group = "key", requires = "each")]
    pub key_delimiter: Option<String>,

    /// Percent-encode what pachd refuses in a key, and `/` and `%`
    #[arg(long, requires = "key")]
    pub escape_keys: bool,

    /// The value at this JSON pointer is where a message stands in its source: /offset; acknowledgements say the last one's
    ///
    /// Any JSON value but null; every message needs one. Of an archive the last message's counts, so let one consumer
    /// read one source: a Kafka partition, say.
    #[arg(long, value_name = "POINTER", group = "position", requires = "messages", value_parser = parse_pointer)]
    pub position_json: Option<String>,

    /// The same by a column, from 1: of a CSV record, or of a line with tabs
    #[arg(long, value_name = "N", group = "position", requires = "messages", value_parser = clap::value_parser!(u32).range(1..))]
    pub position_column: Option<u32>,

    /// An archive of messages, or a batch of archives, is complete with so many of them [default: 10000]
    ///
    /// Without --messages each archive is a commit of its own, unless one of the --batch flags is given: then several
    /// archives become one commit, of one path the last file counts, and the other two flags have their defaults.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub batch_count: Option<u64>,

    /// It is complete at this size; a larger message gets an archive, and a larger archive a commit of its own [default: 64MiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub batch_bytes: Option<u64>,

    /// It is complete when its first message, or its first whole archive, has waited so long [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub batch_period: Option<Duration>,

    /// Refuse a message larger than this
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = parse_size, requires = "messages")]
    pub max_message: u64,

    /// What becomes of a last message without its end [default: keep for lines, else fail]
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

fn parse_pointer(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err(format!("a JSON pointer begins with a slash: /{text}"))
    }
}

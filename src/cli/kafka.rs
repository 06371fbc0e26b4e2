//! What can be typed about Kafka: `put --from kafka://…`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum, ValueHint};

use spoutctl_core::assignment::Assignment;
use spoutctl_delivery::mark::StreamName;
use spoutctl_kafka::address::{Address, InvalidAddress};
use spoutctl_kafka::placing::Start;
use spoutctl_kafka::share::StartAt;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kafka")]
pub struct KafkaArgs {
    /// Read topics of Kafka instead of the input: kafka://HOST[:PORT][,HOST…]/TOPIC[,TOPIC…]
    ///
    /// `kafka` alone takes the brokers and topics of the variables HOST, PORT and TOPIC, as a spout's pod may have
    /// them. All partitions are read, each record once and in the order of its partition: where they go on stands in
    /// the description of each commit, and is read from the newest one at the start. No group of Kafka decides
    /// anything. --messages says how values are told apart in a file [default: lines]; a record without a value is what
    /// --nulls says. The stream is called `kafka` unless --stream or a pod names it.
    #[arg(
        long,
        value_name = "URL",
        group = "framed",
        requires = "naming",
        conflicts_with_all = [
            "files", "command", "spool", "resume", "staging", "in_flight", "batch", "endless", "links", "special",
            "obey_deletions", "hold_limit",
            "max_entry_size", "max_archive_size", "archive_end", "position_json", "position_column", "position_field",
            "position_by",
            "csv_delimiter", "csv_escape", "csv_quote", "csv_no_header", "crlf", "partial",
        ]
    )]
    pub from: Option<From>,

    /// Take settings of librdkafka from FILE, NAME=VALUE a line: TLS, SASL, …
    ///
    /// `${NAME}` in a value is a variable of the environment, so that no secret has to stand there. With group.id that
    /// group is told how far each partition is, after the acknowledgement, for tools that look at its lag.
    #[arg(long, value_name = "FILE", requires = "from", value_hint = ValueHint::FilePath)]
    pub kafka_config: Option<PathBuf>,

    /// Where a topic begins of which nothing is committed: earliest, latest or a time [default: earliest]
    ///
    /// A time is one as 2026-11-22T10:00:00Z: the first record of each partition that is no older. With latest, what
    /// comes before the first commit is left out again when this ends before that.
    #[arg(long, value_name = "WHERE", requires = "from")]
    pub start: Option<Start>,

    #[command(flatten)]
    pub share: ShareArgs,

    /// What happens where the broker has no longer what comes next [default: stop]
    #[arg(long, value_name = "HOW", value_enum, requires = "from")]
    pub on_gap: Option<OnGap>,

    /// End once every partition is read to where it ended when this began
    #[arg(long, requires = "from")]
    pub until_end: bool,

    /// Make of each record a line of JSON with its topic, partition, offset, timestamp, key, headers and value
    ///
    /// Bytes that are no UTF-8 are base64, in `key_base64` and `value_base64`.
    #[arg(long, value_name = "FORMAT", value_enum, requires = "from", conflicts_with_all = ["messages", "nulls"])]
    pub envelope: Option<Envelope>,
}

/// Which partitions, where others read the rest.
#[derive(Debug, Clone, Args)]
pub struct ShareArgs {
    /// Read these partitions of each topic alone: 0-3,7,12- [default: all]
    ///
    /// So several spouts divide the partitions of a topic among themselves. A range without an end has those, too, that
    /// are added to the topic later.
    #[arg(long, value_name = "LIST", requires = "from")]
    pub partitions: Option<Assignment>,

    /// Where partitions begin that another stream has read before: TOPIC:PARTITION=OFFSET[,PARTITION=OFFSET…]
    ///
    /// A partition that comes to a stream with commits is refused without it: what others have read meanwhile would be
    /// read again. Once the stream has committed of it, its own commits say where it goes on.
    #[arg(long, value_name = "POSITIONS", requires = "from")]
    pub start_at: Vec<StartAt>,
}

/// What `doctor` is to look at.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kafka")]
pub struct TopicArgs {
    /// Look at topics of Kafka, too, as `put --from` would read them: kafka://HOST[:PORT][,HOST…]/TOPIC[,TOPIC…]
    ///
    /// `kafka` alone takes the brokers and topics of the variables HOST, PORT and TOPIC. With a DEST it is said how far
    /// its newest commit is in each partition.
    #[arg(long, value_name = "URL")]
    pub from: Option<From>,

    /// Take settings of librdkafka from FILE, as put does
    #[arg(long, value_name = "FILE", requires = "from", value_hint = ValueHint::FilePath)]
    pub kafka_config: Option<PathBuf>,

    #[command(flatten)]
    pub share: ShareArgs,

    /// The stream of the put, where it has another name than the one it gives itself
    #[arg(long, value_name = "NAME", requires_all = ["from", "destination"])]
    pub stream: Option<StreamName>,
}

/// What is read instead of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    Kafka(Address),
    /// What HOST, PORT and TOPIC name.
    Pod,
    /// It has a user, and perhaps a password, which whoever refuses a text at once would show.
    WithUser(InvalidAddress),
}

impl FromStr for From {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        match text {
            "kafka" => Ok(Self::Pod),
            address => match address.parse() {
                Err(error) if address.contains('@') => Ok(Self::WithUser(error)),
                parsed => parsed.map(Self::Kafka),
            },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnGap {
    /// It is an error, which says what is lost
    Stop,
    /// Say what is lost, and go on at the oldest record that is there
    Continue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Envelope {
    Json,
}

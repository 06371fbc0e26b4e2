//! What the command line says of messages: how they become archives, and what becomes of those that cannot be taken.

pub(super) mod demand;
pub(super) mod waited;

use anyhow::Context;

use crate::cli::{self, MessageArgs};
use crate::failure::Failure;
use spoutctl_archive::SourcePositions;
use spoutctl_core::exit::Exit;
use spoutctl_core::pfs::{Branch, FilePath};
use spoutctl_core::quantity::counted;
use spoutctl_delivery::messages::filter;
use spoutctl_delivery::messages::framing::{Guess, Quote};
use spoutctl_delivery::messages::key::PositionAt;
use spoutctl_delivery::messages::packing::{Existing, Tally};
use spoutctl_delivery::messages::{
    Batching, Dialect, Escape, Framing, Key, Naming, Nulls, OnBad, Packer, Partial, SameName, Splitter, Template,
};
use spoutctl_delivery::quarantine::Quarantine;

/// How an input's messages become archives.
#[derive(Debug, Clone)]
pub(super) struct Packing {
    framing: Framing,
    limit: usize,
    partial: Partial,
    /// Of a program that nobody watches, and of which nobody said what a last message without its end is.
    ends_numbers: bool,
    strips_returns: bool,
    naming: Naming,
    position: Option<PositionAt>,
    /// Which of several sources a message is of.
    source: Option<Key>,
    nulls: Nulls,
    same_name: SameName,
    batching: Batching,
}

impl Packing {
    /// What was asked for; `None` where the input is archives already. Of a consumer whose end is `watched` a last
    /// message without its end is not kept unasked: whoever was killed may have been in the middle of it.
    pub fn new(args: &MessageArgs, escapes_paths: bool, watched: bool) -> Result<Option<Self>, Failure> {
        let Some(framing) = args.messages.clone() else {
            return Ok(None);
        };
        Self::of(
            args,
            with_dialect(args, framing)?,
            naming(args, escapes_paths, Of::Input)?,
            watched,
        )
        .map(Some)
    }

    /// Of records, whose values are framed by whoever reads them.
    pub fn of_records(args: &MessageArgs, escapes_paths: bool) -> Result<Self, Failure> {
        let framing = args.messages.clone().unwrap_or(Framing::Lines);
        Self::of(args, framing, naming(args, escapes_paths, Of::Records)?, true)
    }

    fn of(args: &MessageArgs, framing: Framing, naming: Naming, watched: bool) -> Result<Self, Failure> {
        let partial = match args.partial {
            None if watched => Partial::Fail,
            None => framing.usual_partial(),
            Some(cli::Partial::Keep) if !framing.can_keep_partial() => {
                let text =
                    "a message whose length was promised, or whose syntax breaks off, cannot be kept without its end";
                return Err(Failure::new(Exit::Usage, text).help("use --partial drop or --partial fail"));
            }
            Some(cli::Partial::Keep) => Partial::Keep,
            Some(cli::Partial::Drop) => Partial::Drop,
            Some(cli::Partial::Fail) => Partial::Fail,
        };
        Ok(Self {
            naming,
            position: position(args),
            source: None,
            nulls: match args.nulls {
                Some(cli::Nulls::Skip) => Nulls::Skip,
                Some(cli::Nulls::Fail) => Nulls::Fail,
                Some(cli::Nulls::Empty) | None => Nulls::Empty,
            },
            same_name: match args.same_name {
                Some(cli::SameName::Last) => SameName::Last,
                Some(cli::SameName::Refuse) | None => SameName::Refuse,
            },
            strips_returns: args.crlf == Some(cli::Crlf::Strip),
            framing,
            ends_numbers: !watched && args.partial.is_none(),
            limit: usize::try_from(args.max_message).unwrap_or(usize::MAX),
            partial,
            batching: batching(args),
        })
    }

    /// For files below this path of the destination.
    pub fn below(self, prefix: &FilePath) -> Self {
        let naming = self.naming.below(prefix);
        Self { naming, ..self }
    }

    /// For messages of several sources, with a position of each.
    pub fn of_sources(self, source: Option<Key>) -> Self {
        Self { source, ..self }
    }

    /// Whether a position of each of several sources is kept.
    pub fn has_sources(&self) -> bool {
        self.source.is_some()
    }

    /// One that goes on behind what cannot be taken, or does not.
    pub fn splitter(&self, goes_on: bool) -> Splitter {
        Splitter::new(self.framing.clone(), self.limit, self.partial)
            .ending_numbers(self.ends_numbers)
            .stripping_returns(self.strips_returns)
            .going_on(goes_on)
    }

    /// For an input that comes after so many messages of the same stream.
    pub fn packer(&self, before: u64, on_bad: OnBad, existing: Option<Box<dyn Existing>>) -> Packer {
        Packer::new(self.naming.clone(), self.batching)
            .with_positions(self.position.clone())
            .with_nulls(self.nulls)
            .with_same_name(self.same_name)
            .on_bad(on_bad)
            .growing(existing)
            .after(before)
    }

    /// What makes archives, for an input of several sources that go on there.
    pub fn with_positions(&self, packer: Packer, positions: Option<SourcePositions>) -> Packer {
        match (&self.source, positions) {
            (Some(source), Some(positions)) => packer.from_sources(source.clone(), positions),
            _ => packer,
        }
    }

    /// Whether every file of an archive begins with a header.
    pub fn has_header(&self) -> bool {
        matches!(&self.framing, Framing::Csv(dialect) if dialect.has_header)
    }

    /// Refuses names that count over the life of a stream where nobody knows what there was before.
    pub fn refuse_numbers(&self, help: &str) -> Result<(), Failure> {
        if !self.naming.has_number() {
            return Ok(());
        }
        let text = "{seq} counts over the life of a stream, and a restart would begin at 1 and overwrite what is there";
        Err(Failure::new(Exit::Usage, text).help(help))
    }
}

/// What was asked for, and the defaults of the rest.
pub(super) fn batching(args: &MessageArgs) -> Batching {
    let default = Batching::default();
    Batching {
        count: args.batch_count.unwrap_or(default.count),
        bytes: args.batch_bytes.unwrap_or(default.bytes),
        period: args.batch_period.unwrap_or(default.period),
    }
}

/// Of CSV, with what was said of its dialect.
fn with_dialect(args: &MessageArgs, framing: Framing) -> Result<Framing, Failure> {
    let Framing::Csv(dialect) = framing else {
        return Ok(framing);
    };
    let dialect = Dialect {
        delimiter: args.csv_delimiter.or(dialect.delimiter),
        escape: args.csv_escape.or(dialect.escape),
        quote: args.csv_quote.map_or(dialect.quote, |Quote(quote)| quote),
        has_header: !args.csv_no_header,
    };
    let delimiter = Some(dialect.delimiter.unwrap_or(b','));
    let is_twice = |quote: u8| [dialect.escape, delimiter].contains(&Some(quote));
    if dialect.quote.is_some_and(is_twice) || dialect.escape == delimiter {
        let text = "--csv-quote, --csv-delimiter and --csv-escape are three different bytes";
        let help = "the quote is `\"` unless --csv-quote says otherwise; a quote that is doubled in a field needs no \
                    --csv-escape";
        return Err(Failure::new(Exit::Usage, text).help(help));
    }
    Ok(Framing::Csv(dialect))
}

fn position(args: &MessageArgs) -> Option<PositionAt> {
    match (&args.position_json, args.position_column, &args.position_field) {
        (Some(pointer), ..) => Some(PositionAt::Json(pointer.clone())),
        (_, Some(number), _) => Some(PositionAt::Column(usize::try_from(number).unwrap_or(usize::MAX))),
        (.., Some(name)) => Some(PositionAt::Field(name.clone())),
        (None, None, None) => None,
    }
}

/// What messages are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Input,
    /// A source that says more of each than itself.
    Records,
}

fn naming(args: &MessageArgs, escapes_paths: bool, of: Of) -> Result<Naming, Failure> {
    let key = match (&args.key_json, args.key_column, &args.key_delimiter, &args.key_field) {
        (Some(pointer), ..) => Some(Key::Json(pointer.clone())),
        (_, Some(number), ..) => Some(Key::Column(usize::try_from(number).unwrap_or(usize::MAX))),
        (_, _, Some(delimiter), _) => Some(Key::Before(delimiter.0.clone())),
        (.., Some(name)) => Some(Key::Field(name.clone())),
        _ => None,
    };
    let escape = match (args.escape_keys, escapes_paths) {
        (true, _) => Escape::Keys,
        (false, true) => Escape::Paths,
        (false, false) => Escape::Nothing,
    };
    let template = |option: &str, text: &str| {
        // A record has a key of its own, wherever else another one is.
        let own = (of == Of::Records && text.contains("{key}")).then_some(Key::Record);
        let template = Template::new(text, key.clone().or(own), escape)
            .map_err(|why| Failure::new(Exit::Usage, format!("{option} {text} names no file: {why}")))?;
        if of == Of::Input && template.is_of_records() {
            let text = format!("{option} {text} names what only records of Kafka have");
            return Err(Failure::new(Exit::Usage, text).help("it is for --from kafka://HOST/TOPIC"));
        }
        Ok(template)
    };
    match (&args.into, &args.each) {
        (Some(name), _) => {
            let naming = template("--into", name)?;
            if naming.has_key() {
                let text =
                    format!("--into {name} names one file for all messages of an archive, and each has its own key");
                return Err(Failure::new(Exit::Usage, text).help("--each NAME gives each message a file of its own"));
            }
            Ok(Naming::Into(naming))
        }
        (None, Some(name)) => {
            let naming = template("--each", name)?;
            let replaces = args.same_name == Some(cli::SameName::Last);
            if naming.is_fixed() && batching(args).count > 1 && !replaces {
                let text = format!("--each {name} gives messages that are read together the same name");
                return Err(Failure::new(Exit::Usage, text)
                    .help("add {uuid} or {key} to it, or use --into to have all of them in one file"));
            }
            Ok(Naming::Each(naming))
        }
        (None, None) => Err(Failure::new(Exit::Usage, "nothing says where the messages go")
            .help("--into NAME: into one file; --each NAME: each into a file of its own")),
    }
}

/// What becomes of what cannot be taken, as `--on-bad` says.
#[derive(Debug, Clone)]
pub(super) enum Bad {
    Stop,
    Skip,
    SetAside(Quarantine),
    /// It goes into this branch, with the archive that it came between.
    Along(Branch),
}

impl Bad {
    /// # Errors
    /// When the directory cannot be used.
    pub fn open(on_bad: &cli::OnBad) -> Result<Self, Failure> {
        Ok(match on_bad {
            cli::OnBad::Stop => Self::Stop,
            cli::OnBad::Skip => Self::Skip,
            cli::OnBad::Quarantine(dir) => {
                let opened = Quarantine::open(dir);
                Self::SetAside(opened.with_context(|| format!("cannot use {}", dir.display()))?)
            }
            cli::OnBad::Repo(aside) => Self::Along(aside.branch.clone()),
        })
    }

    pub fn goes_on(&self) -> bool {
        !matches!(self, Self::Stop)
    }

    /// For archives.
    pub fn of_archives(&self) -> spoutctl_delivery::OnBad {
        match self {
            Self::Stop => spoutctl_delivery::OnBad::Stop,
            Self::Skip => spoutctl_delivery::OnBad::Skip,
            Self::SetAside(quarantine) => spoutctl_delivery::OnBad::SetAside(quarantine.clone()),
            Self::Along(branch) => spoutctl_delivery::OnBad::Along(branch.clone()),
        }
    }

    /// For the messages of an input of this name.
    pub fn of(&self, input: &str) -> OnBad {
        match self {
            Self::Stop => OnBad::Stop,
            Self::Skip => OnBad::Skip,
            Self::Along(branch) => OnBad::Along {
                place: format!("{branch}:"),
                input: input.to_owned(),
            },
            Self::SetAside(quarantine) => OnBad::SetAside(Box::new(quarantine.for_messages_of(input))),
        }
    }
}

/// What should be known of an input that was read.
pub(super) fn notes(made: &filter::Packing, input: &str) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(Guess { delimiter, beside }) = made.guessed_delimiter {
        let beside = beside.map_or(String::new(), |other| {
            format!(" (it has `{}`, too)", other.escape_default())
        });
        notes.push(format!(
            "{input}: columns are told apart by `{}`, as the first record shows{beside}; --csv-delimiter says it \
             otherwise",
            delimiter.escape_default()
        ));
    }
    if made.tally.nulls > 0 {
        let nulls = counted(made.tally.nulls, "message");
        notes.push(format!("{input}: left out, as --nulls skip says: {nulls} of length -1"));
    }
    let Tally {
        skipped,
        set_aside,
        first,
        ..
    } = &made.tally;
    for (count, what) in [(skipped, "left out"), (set_aside, "set aside")] {
        if let (1.., Some(first)) = (count, first) {
            notes.push(format!("{input}: {} {what}; the first: {first}", were(*count)));
        }
    }
    notes
}

fn were(messages: u64) -> String {
    let verb = if messages == 1 { "was" } else { "were" };
    format!("{} {verb}", counted(messages, "message"))
}

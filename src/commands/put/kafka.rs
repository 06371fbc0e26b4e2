//! `put --from kafka://…`: from what was typed to partitions that are read, each where the newest commit says.

use std::sync::Arc;
use std::time::Duration;

use super::input::{Making, Stopping};
use crate::cli::kafka::KafkaArgs;
use crate::cli::{self, PutArgs};
use crate::commands::kafka;
use crate::failure::Failure;
use spoutctl_core::exit::Exit;
use spoutctl_delivery::messages::Framing;
use spoutctl_delivery::messages::records::{Form, RecordFormat};
use spoutctl_kafka::address::Address;
use spoutctl_kafka::placing::{OnGap, Start};
use spoutctl_kafka::properties::Properties;

/// What is to be read, and what becomes of a record.
#[derive(Clone)]
pub(super) struct Kafka {
    pub address: Address,
    properties: Properties,
    start: Start,
    on_gap: OnGap,
    until_end: bool,
    retry_for: Duration,
    format: RecordFormat,
}

impl Kafka {
    /// What was asked for, if it was.
    ///
    /// # Errors
    /// What cannot be meant, before anything is read.
    pub fn of(args: &PutArgs) -> Result<Option<Self>, Failure> {
        let KafkaArgs {
            from,
            kafka_config,
            start,
            on_gap,
            until_end,
            envelope,
        } = &args.kafka;
        let Some(from) = from else { return Ok(None) };
        let address = kafka::address(from)?;
        let form = match (envelope, &args.messages.messages) {
            (Some(cli::kafka::Envelope::Json), _) => Form::Envelope,
            (None, None) => Form::Value(Framing::Lines),
            (None, Some(framing)) if Form::can_be(framing) => Form::Value(framing.clone()),
            (None, Some(_)) => {
                let text = "values of Kafka are told apart by lines, nul, delimiter=STR, netstring or u32be";
                return Err(Failure::new(Exit::Usage, text).help("--envelope json makes a line of JSON of each record"));
            }
        };
        Ok(Some(Self {
            address,
            properties: kafka_config
                .as_deref()
                .map(kafka::properties)
                .transpose()?
                .unwrap_or_default(),
            start: start.unwrap_or_default(),
            on_gap: match on_gap {
                Some(cli::kafka::OnGap::Continue) => OnGap::Continue,
                Some(cli::kafka::OnGap::Stop) | None => OnGap::Stop,
            },
            until_end: *until_end,
            retry_for: args.trying.retry_for,
            format: RecordFormat {
                form,
                limit: usize::try_from(args.messages.max_message).unwrap_or(usize::MAX),
                shares_file: args.messages.into.is_some(),
            },
        }))
    }
}

#[cfg(feature = "kafka")]
pub(super) use reading::make;

#[cfg(not(feature = "kafka"))]
/// Nothing is read where nothing can be.
pub(super) fn make(_: &Kafka, _: Making, _: &Arc<Stopping>) -> Result<super::input::Made, PackError> {
    Ok(super::input::Made::All)
}

use spoutctl_delivery::messages::filter::PackError;

#[cfg(feature = "kafka")]
mod reading {
    use std::time::Instant;

    use std::io::BufWriter;

    use super::super::input::{BUFFER, Made, packed};
    use super::super::report::Report;
    use super::{Arc, Kafka, Making, PackError, Stopping};
    use spoutctl_delivery::Observer as _;
    use spoutctl_delivery::messages::filter;
    use spoutctl_delivery::messages::packing::Moment;
    use spoutctl_delivery::messages::records::{Came, Event, RecordSource, Show, pack_records};
    use spoutctl_kafka::{Consumer, Wishes};

    /// Makes archives of records, from where the newest commit says.
    pub fn make(kafka: &Kafka, mut work: Making, stopping: &Arc<Stopping>) -> Result<Made, PackError> {
        // Nothing tells any more: the delivery has ended.
        let Ok(known) = work.report.wait_for_positions() else {
            return Ok(Made::UntilStopped);
        };
        let wishes = wishes(kafka, &work.report, stopping);
        let Some(consumer) = Consumer::open(wishes, known.as_ref())? else {
            return Ok(Made::UntilStopped);
        };
        if let Some(group) = consumer.group() {
            work.report.tell_positions_to(move |positions| match positions {
                Some(positions) => group.tell(positions),
                None => group.conclude(),
            });
        }
        let positions = consumer.positions().clone();
        let mut source = Counted {
            consumer,
            report: Arc::clone(&work.report),
        };
        let mut made = filter::Packing::default();
        let mut number = work.first;
        let packer = work.packing.packer(work.before, work.on_bad.of(&work.name), None);
        let (output, report) = (&mut work.output, &work.report);
        let end = pack_records(
            &mut source,
            kafka.format.clone(),
            packer,
            positions,
            &mut made,
            &mut |archive| {
                packed(report, &archive, &mut number);
                archive.write_to(&mut BufWriter::with_capacity(BUFFER, &mut *output))
            },
        );
        work.conclude(&made, end)
    }

    fn wishes(kafka: &Kafka, report: &Arc<Report>, stopping: &Arc<Stopping>) -> Wishes {
        let (report, stopping) = (Arc::clone(report), Arc::clone(stopping));
        Wishes {
            address: kafka.address.clone(),
            properties: kafka.properties.clone(),
            start: kafka.start,
            on_gap: kafka.on_gap,
            until_end: kafka.until_end,
            retry_for: kafka.retry_for,
            say: Arc::new(move |text| report.note(text)),
            is_stopped: Arc::new(move || stopping.has_stopped()),
        }
    }

    /// Tells the report how much was read.
    struct Counted {
        consumer: Consumer,
        report: Arc<Report>,
    }

    impl RecordSource for Counted {
        fn next(&mut self, until: Option<Instant>, show: &mut Show<'_>) -> Result<Came, PackError> {
            let report = &self.report;
            self.consumer.next(until, &mut |event| {
                if let Event::Record(record) = event {
                    report.read(record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len));
                }
                show(event)
            })
        }

        fn passed(&mut self, tell: &mut dyn FnMut(&str, u32, u64)) {
            self.consumer.passed(tell);
        }

        fn now(&self) -> Moment {
            self.consumer.now()
        }
    }
}

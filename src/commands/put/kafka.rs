//! `put --from kafka://…`: from what was typed to partitions that are read, each where the newest commit says.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::input::{Making, Stopping};
use crate::cli::kafka::{From, KafkaArgs};
use crate::cli::{self, PutArgs};
use crate::failure::Failure;
use spoutctl_core::exit::Exit;
use spoutctl_core::named_file;
use spoutctl_delivery::messages::Framing;
use spoutctl_delivery::messages::records::{Form, RecordFormat};
use spoutctl_kafka::address::Address;
use spoutctl_kafka::placing::{OnGap, Start};
use spoutctl_kafka::properties::Properties;

/// How long a file of settings may be: 1 MiB.
const LONGEST: u64 = 1 << 20;

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
        let address = match from {
            None => return Ok(None),
            Some(From::Kafka(address)) => address.clone(),
            Some(From::WithUser(error)) => return Err(Failure::new(Exit::Usage, error.to_string())),
            Some(From::Pod) => of_pod(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?,
        };
        if !spoutctl_kafka::IS_BUILT_IN {
            return Err(Failure::new(Exit::Usage, "this spoutctl was built without Kafka")
                .help("in a clone: cargo install --path . --features kafka-tls; to build it takes make, perl and a C++ compiler"));
        }
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
            properties: kafka_config.as_deref().map(properties).transpose()?.unwrap_or_default(),
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

/// Brokers and topics of the variables of a spout's pod.
fn of_pod(variable: &dyn Fn(&str) -> Option<String>) -> Result<Address, Failure> {
    let missing = |name: &str| {
        Failure::new(
            Exit::Usage,
            format!("--from kafka needs the variable {name}, which is not set"),
        )
        .help("in a spec it stands in transform.env; or name all of it: --from kafka://HOST:PORT/TOPIC")
    };
    let host = variable("HOST").ok_or_else(|| missing("HOST"))?;
    let topic = variable("TOPIC").ok_or_else(|| missing("TOPIC"))?;
    Address::of(&host, variable("PORT").as_deref(), &topic).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("HOST, PORT and TOPIC name no topic of Kafka: {error}"),
        )
    })
}

fn properties(file: &Path) -> Result<Properties, Failure> {
    let bytes = named_file::read_or_pipe(file, LONGEST);
    let bytes = bytes.with_context(|| format!("cannot read {}", file.display()))?;
    let wrong = |why: String| Failure::new(Exit::Usage, format!("{} {why}", file.display()));
    let text = String::from_utf8(bytes).map_err(|_| wrong("is no text".to_owned()))?;
    let parsed = Properties::parse(&text, &|name| std::env::var(name).ok());
    parsed.map_err(|error| {
        wrong(error.to_string()).help("a line is NAME=VALUE, and ${NAME} in a value a variable of the environment")
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_a_pod_name_brokers_and_topics_and_what_is_missing_is_named() {
        let pod = |variables: &[(&str, &str)]| {
            of_pod(&|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let address = pod(&[("HOST", "kafka.example.com"), ("PORT", "9093"), ("TOPIC", "a,b")]).unwrap();
        assert_eq!(address.to_string(), "kafka://kafka.example.com:9093/a,b");
        assert_eq!(
            pod(&[("HOST", "h"), ("TOPIC", "t")]).unwrap().to_string(),
            "kafka://h:9092/t"
        );
        assert!(pod(&[("HOST", "h")]).unwrap_err().heading.contains("TOPIC"));
        assert!(
            pod(&[("HOST", "h"), ("TOPIC", "t"), ("PORT", "tcp://x")])
                .unwrap_err()
                .heading
                .contains("no port")
        );
    }
}

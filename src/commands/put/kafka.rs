//! Topics of Kafka, each of their partitions read from where the newest commit says.

use std::sync::Arc;

use super::intake::Intake;
use super::making::{Made, Making};
use super::plan::Topics;
use super::reader::Reader;
use super::stopping::Stopping;
use spoutctl_delivery::DeliveryError;
use spoutctl_delivery::messages::filter::PackError;

/// Makes archives of the records of topics and hands these over.
///
/// # Errors
/// What keeps it from going on. Every archive before was handed over.
pub(super) fn read(topics: &Topics, reader: &Reader, intake: &dyn Intake) -> Result<(), DeliveryError> {
    let (Some(packing), Some(before)) = (&reader.packing, intake.messages_before()) else {
        return Ok(());
    };
    let name: Arc<str> = topics.address.to_string().into();
    let (topics, stopping) = (topics.clone(), Arc::clone(&reader.stopping));
    let make = move |work: Making| make(&topics, work, &stopping);
    reader
        .make(packing, &name, before, &mut intake.first_number(), intake, make)
        .map(drop)
}

#[cfg(feature = "kafka")]
use reading::make;

#[cfg(not(feature = "kafka"))]
/// Nothing is read where nothing can be.
fn make(_: &Topics, _: Making, _: &Arc<Stopping>) -> Result<Made, PackError> {
    Ok(Made::All)
}

#[cfg(feature = "kafka")]
mod reading {
    use std::time::Instant;

    use std::io::BufWriter;

    use super::super::intake::others;
    use super::super::making::{BUFFER, packed};
    use super::super::report::Report;
    use super::{Arc, Made, Making, PackError, Stopping, Topics};
    use spoutctl_archive::PositionMap;
    use spoutctl_delivery::Observer as _;
    use spoutctl_delivery::messages::filter;
    use spoutctl_delivery::messages::packing::Moment;
    use spoutctl_delivery::messages::records::{Came, Event, Form, RecordSource, Show, pack_records};
    use spoutctl_kafka::{Consumer, TellsEnds, Wishes};

    /// Makes archives of records, from where the newest commit says.
    pub fn make(topics: &Topics, mut work: Making, stopping: &Arc<Stopping>) -> Result<Made, PackError> {
        // Nothing tells any more: the delivery has ended.
        let Ok(known) = work.report.awaited.wait_for_positions() else {
            return Ok(Made::UntilStopped);
        };
        let known = known.map(PositionMap::partitions).transpose().map_err(others)?;
        let wishes = wishes(topics, &work.report, stopping);
        let Some(consumer) = Consumer::open(wishes, known.as_ref())? else {
            return Ok(Made::UntilStopped);
        };
        if let Some(group) = consumer.group() {
            work.report.awaited.tell_positions_to(move |positions| match positions {
                Some(positions) => group.tell(positions),
                None => group.conclude(),
            });
        }
        work.report.watched.reads();
        let positions = consumer.positions().clone();
        work.report.partitions.are_at(&positions);
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
            topics.format.clone(),
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

    fn wishes(topics: &Topics, report: &Arc<Report>, stopping: &Arc<Stopping>) -> Wishes {
        let watched = report.has_figures().then(|| Arc::clone(report));
        let (report, stopping) = (Arc::clone(report), Arc::clone(stopping));
        Wishes {
            address: topics.address.clone(),
            properties: topics.properties.clone(),
            start: topics.start,
            on_gap: topics.on_gap,
            share: topics.share.clone(),
            until_end: topics.until_end,
            headers: topics.format.form == Form::Envelope,
            retry_for: topics.retry_for,
            say: Arc::new(move |text| report.note(text)),
            tell_ends: watched.map(|report| -> TellsEnds { Arc::new(move |ends| report.partitions.end_at(ends)) }),
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

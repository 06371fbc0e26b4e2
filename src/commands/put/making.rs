//! Archives that are made of messages, on a thread of their own, and read like any other.

use std::io::{BufWriter, PipeWriter, Read};
use std::os::fd::AsFd;
use std::sync::Arc;

use super::growing::{Asking, Growing};
use super::report::Report;
use crate::commands::messages::demand::Demand;
use crate::commands::messages::waited::Waited;
use crate::commands::messages::{Bad, Packing, notes};
use spoutctl_archive::SourcePositions;
use spoutctl_core::quantity::grouped;
use spoutctl_delivery::Observer as _;
use spoutctl_delivery::messages::Packed;
use spoutctl_delivery::messages::filter::{self, PackError, pack};

/// How much of an archive is written and read at a time: as much as a pipe holds.
pub(super) const BUFFER: usize = 64 << 10;

/// How far an input was read.
pub(super) enum Made {
    All,
    UntilStopped,
}

/// Makes archives of messages.
pub(super) struct Making {
    pub name: Arc<str>,
    pub output: PipeWriter,
    /// The number of the first archive.
    pub first: u64,
    pub report: Arc<Report>,
    pub packing: Packing,
    pub on_bad: Bad,
    /// How many messages the stream has had before.
    pub before: u64,
}

/// An archive is about to be handed over.
pub(super) fn packed(report: &Report, archive: &Packed, number: &mut u64) {
    report.begun(*number, archive.begun.instant);
    report.left_out(&archive.asides);
    *number += 1;
}

impl Making {
    /// Of the messages of an input.
    pub fn run<F: Read + AsFd>(
        mut self,
        mut input: Waited<F>,
        growing: Option<Arc<Growing>>,
        demand: Option<&Demand>,
        positions: Option<SourcePositions>,
    ) -> Result<Made, PackError> {
        let mut made = filter::Packing::default();
        let mut number = self.first;
        let (output, report) = (&mut self.output, &self.report);
        let existing = growing.map(|growing| Box::new(Asking(growing)) as _);
        let packer = self.packing.packer(self.before, self.on_bad.of(&self.name), existing);
        let end = pack(
            &mut input,
            self.packing.splitter(self.on_bad.goes_on()),
            self.packing.with_positions(packer, positions),
            &mut made,
            &mut |archive| {
                packed(report, &archive, &mut number);
                // Whoever wished for one has it, whatever has closed it.
                if let Some(demand) = demand {
                    demand.fulfil();
                }
                archive.write_to(&mut BufWriter::with_capacity(BUFFER, &mut *output))
            },
        );
        self.conclude(&made, end)
    }

    /// Says what should be known of what was read.
    pub fn conclude(&self, made: &filter::Packing, end: Result<(), PackError>) -> Result<Made, PackError> {
        let report = &self.report;
        if made.archives == 0 && end.is_ok() && !made.stopped {
            let what = if made.only_header {
                "holds a header and no record"
            } else {
                "holds no message"
            };
            report.note(&format!("{} {what}: no commit is made of it", self.name));
        }
        for note in &notes(made, &self.name) {
            report.note(note);
        }
        if made.dropped > 0 {
            let bytes = grouped(made.dropped as u64);
            report.note(&format!("the last message had no end: its {bytes} bytes were left out"));
        }
        end.map(|()| if made.stopped { Made::UntilStopped } else { Made::All })
    }
}

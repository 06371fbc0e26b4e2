//! `put --spool`: archives go to disk as they are read, and from there to the delivery, whether pachd answers or not.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::intake::Intake;
use super::plan::{ACKNOWLEDGED, SpoolPlan};
use super::report::{Report, Spooled};
use crate::failure::Failure;
use spoutctl_archive::{Archive, ArchiveBuffer, ArchiveError, ArchiveErrorKind, SourcePositions};
use spoutctl_core::exit::Exit;
use spoutctl_core::quantity::{Size, counted};
use spoutctl_delivery::DeliveryError;
use spoutctl_delivery::rereading::Original;
use spoutctl_delivery::spool::{HeldBack, Spool, SpoolError};

/// Opens the spool, for archives that become commits by these options.
pub(super) fn open(plan: &SpoolPlan) -> Result<Arc<Spool>, Failure> {
    let spool = Spool::open(&plan.dir, plan.limit).map_err(|error| failure(&error))?;
    let options = &plan.options;
    spool.bind(options).map_err(|error| {
        let mut failure = failure(&error);
        // What differs in this is found out by `spool --send`, too.
        let is_missing = |line: &String| line.starts_with(ACKNOWLEDGED) && !options.0.contains_key(ACKNOWLEDGED);
        if failure.details.iter().any(is_missing) {
            failure.help = vec![
                "what waits is to be acknowledged when it is done: give --ack-command or --ack-fd; `--ack-command \
                 true` lets it go without a word"
                    .to_owned(),
            ];
        }
        failure
    })?;
    Ok(Arc::new(spool))
}

pub(in crate::commands) fn failure(error: &SpoolError) -> Failure {
    let exit = match error {
        SpoolError::HeldBack { .. } => Exit::Refused,
        error if error.is_usage() => Exit::Usage,
        _ => Exit::Input,
    };
    Failure {
        details: error.details(),
        help: error.help().into_iter().collect(),
        ..Failure::new(exit, error.to_string())
    }
}

/// Takes archives into the spool.
pub(super) struct SpoolIntake {
    pub spool: Arc<Spool>,
    pub report: Arc<Report>,
}

impl Intake for SpoolIntake {
    fn first_number(&self) -> u64 {
        self.spool.accepted() + 1
    }

    /// The spool has to have it when the input is gone.
    fn buffer(&self, _: u64, _: Option<&Original>) -> Result<Box<dyn ArchiveBuffer>, DeliveryError> {
        Ok(self.spool.buffer()?)
    }

    fn take(&self, archive: Archive) -> Result<ControlFlow<()>, DeliveryError> {
        let spooled = Spooled {
            sequence: archive.number,
            digest: archive.digest,
            label: archive.label.clone(),
        };
        self.spool.accept(archive)?;
        self.report.spooled(&spooled);
        Ok(ControlFlow::Continue(()))
    }

    fn wait_until_drained(&self) -> bool {
        self.spool.wait_until_drained()
    }

    fn messages_before(&self) -> Option<u64> {
        Some(self.spool.messages())
    }

    /// Commits say them, and --position-by is refused beside --spool.
    fn positions_before(&self) -> Result<Option<SourcePositions>, DeliveryError> {
        Ok(None)
    }
}

/// Keeps an archive whose commit failed until somebody decides about it.
pub(super) fn hold_back(spool: &Spool, error: &DeliveryError, failure: &mut Failure) {
    let (DeliveryError::FinishedWithError { archive, commit, .. } | DeliveryError::Dropped { archive, commit }) = error
    else {
        return;
    };
    let held = HeldBack {
        sequence: *archive,
        commit: commit.id.to_string(),
        reason: error.to_string(),
    };
    match spool.hold_back(held) {
        Ok(first) if first < *archive => failure.help.push(format!(
            "the spool keeps archives {first} to {archive}, which were one commit: spoutctl spool {dir} --resend \
             {first} sends them again together, --forget {first} leaves out that one",
            dir = spool.dir().display()
        )),
        Ok(_) => failure.help.push(format!(
            "the spool keeps archive {archive}: spoutctl spool {dir} --resend {archive} sends it again, --forget \
             {archive} leaves it out",
            dir = spool.dir().display()
        )),
        Err(error) => failure.details.push(error.to_string()),
    }
}

/// An archive that the spool could not take: another temporary directory is of no use to that.
pub(super) fn explain_disk(error: &ArchiveError, failure: &mut Failure) {
    let ArchiveErrorKind::Buffer(error) = &error.trouble.kind else {
        return;
    };
    failure.help = match error.kind() {
        io::ErrorKind::StorageFull => {
            vec!["make room on that disk, then send this archive again: what the spool has taken in stays".to_owned()]
        }
        // The error itself names the flag, or what is wrong with the disk.
        _ => Vec::new(),
    };
}

/// What is safe, and how it goes on.
pub(super) fn advice(spool: &Spool, error: &DeliveryError) -> Option<String> {
    // It would stop the next run as well, whose flags may not differ from those that it was taken in with.
    if let DeliveryError::Content(error) = error {
        return Some(format!(
            "archive {number} waits in the spool, and stops what is behind it: --on-bad quarantine=DIR sets it aside, \
             spoutctl spool {dir} --forget {number} leaves it out; other flags only once nothing waits",
            number = error.number,
            dir = spool.dir().display()
        ));
    }
    let (archives, bytes) = spool.waiting();
    (archives > 0).then(|| {
        format!(
            "{} ({}) in the spool, so nothing of them is lost; they go first with the next `put`, or send them: \
             spoutctl spool {} --send",
            waits(archives as u64),
            Size(bytes),
            spool.dir().display()
        )
    })
}

fn waits(archives: u64) -> String {
    match archives {
        1 => "1 archive waits".to_owned(),
        more => format!("{} wait", counted(more, "archive")),
    }
}

//! What a trace says of a commit: its attributes are called as in the lines of `--json`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use parking_lot::Mutex;

use super::steps::{Taken, name};
use crate::failure::Failure;
use crate::metrics::Labels;
use crate::otlp::{Attribute, CommitTrace, Otlp, StepTrace};
use spoutctl_delivery::Receipt;

/// Positions of partitions can be 64 KiB.
const LONGEST: usize = 1 << 10;

/// Sends a trace of each commit.
pub(in crate::commands::put) struct Traces {
    otlp: Arc<Otlp>,
    labels: Labels,
    /// When the delivery took each archive that is not done.
    received: Mutex<BTreeMap<u64, SystemTime>>,
}

type Attributes = Vec<(&'static str, Attribute)>;

impl Traces {
    pub fn new(otlp: Arc<Otlp>, labels: Labels) -> Self {
        Self {
            otlp,
            labels,
            received: Mutex::default(),
        }
    }

    pub(super) fn received(&self, archive: u64) {
        self.received.lock().insert(archive, SystemTime::now());
    }

    /// What is older will not be asked for.
    pub(super) fn settled(&self, archive: u64) {
        let mut received = self.received.lock();
        let newer = received.split_off(&(archive + 1));
        *received = newer;
    }

    /// `begun`: when the first of it was read.
    pub(super) fn committed(&self, receipt: &Receipt, begun: Option<Instant>, taken: &[Taken]) {
        let label = &receipt.label;
        let mut attributes = self.place(receipt.archive);
        let mut say = |name, value: Option<Attribute>| attributes.extend(value.map(|value| (name, value)));
        say("commit", receipt.commit.as_ref().map(|commit| commit.as_str().into()));
        say(
            "archives",
            Some(receipt.batch.as_ref().map_or(1, |batch| batch.count).into()),
        );
        say("input", Some((*receipt.input).into()));
        say("offset", Some(receipt.offset.into()));
        say("length", Some(receipt.length.into()));
        say("digest", Some(receipt.digest.to_string().as_str().into()));
        say("files", Some((receipt.files as u64).into()));
        say("deletions", Some((receipt.deletions as u64).into()));
        say("bytes", Some(receipt.bytes.into()));
        say("messages.first", label.messages.map(|messages| messages.first.into()));
        say("messages.last", label.messages.map(|messages| messages.last.into()));
        let positions = label.positions.as_ref().map(ToString::to_string);
        let positions = positions.filter(|text| text.len() <= LONGEST);
        say("positions", positions.map(|text| text.as_str().into()));
        self.send(attributes, receipt.archive, begun, taken, None);
    }

    pub(super) fn failed(&self, failure: &Failure, archive: u64, begun: Option<Instant>, taken: &[Taken]) {
        let mut attributes = self.place(archive);
        attributes.extend(failure.commit.as_ref().map(|commit| ("commit", commit.into())));
        self.send(attributes, archive, begun, taken, Some(failure.heading.clone()));
    }

    fn place(&self, archive: u64) -> Attributes {
        let Labels {
            stream,
            project,
            repo,
            branch,
        } = &self.labels;
        let place = [("project", project), ("repo", repo), ("branch", branch)];
        let place = place
            .into_iter()
            .chain(stream.as_ref().map(|stream| ("stream", stream)));
        let place = place.map(|(name, value)| (name, value.into()));
        place.chain([("archive", archive.into())]).collect()
    }

    fn send(
        &self,
        attributes: Attributes,
        archive: u64,
        begun: Option<Instant>,
        taken: &[Taken],
        error: Option<String>,
    ) {
        let ended = SystemTime::now();
        let begun = begun.and_then(|begun| ended.checked_sub(begun.elapsed()));
        let received = self.received.lock().get(&archive).copied();
        let read = begun.zip(received).map(|(begun, ended)| StepTrace {
            name: "read",
            begun,
            ended: ended.max(begun),
        });
        let taken = taken.iter().map(|taken| StepTrace {
            name: name(taken.step),
            begun: taken.ended.checked_sub(taken.took).unwrap_or(taken.ended),
            ended: taken.ended,
        });
        self.otlp.trace(CommitTrace {
            attributes,
            steps: read.into_iter().chain(taken).collect(),
            ended,
            error,
        });
    }
}

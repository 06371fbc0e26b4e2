//! What `put` tells: acknowledgements on standard output, progress and notes on standard error.

mod progress;
mod watching;

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::acknowledging::{Acknowledgement, Acknowledger};
use super::demand::Demand;
use super::lines::{Archives, Line, Messages, reason, variables};
use super::stats::{Lag, Stats};
use super::told::{NeverTold, Told};
use crate::metrics::MetricsSource;
use crate::terminal::Terminal;
use crate::terminal::line::{LONGEST, length_in_a_log};
use progress::read_so_far;
use spoutctl_archive::{Archive, ArchiveError, ArchiveErrorKind, Aside, Asides, Digest, Files, Label};
use spoutctl_core::fault::Fault;
use spoutctl_core::positions::Positions;
use spoutctl_core::quantity::{Size, counted, elapsed, grouped, rate};
use spoutctl_delivery::spool::Spool;
use spoutctl_delivery::{DeliveryError, Observer, Ready, Receipt, Settled, Summary, Unacknowledged};
use watching::Watched;

/// How often progress is drawn, at most.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// How often `--verbose` says where things are when nothing is drawn.
const SAY_EVERY: Duration = Duration::from_secs(10);

type TellsPositions = Box<dyn Fn(Option<&Positions>) + Send + Sync>;

pub(super) struct Report {
    terminal: Arc<Terminal>,
    json: bool,
    acknowledger: Option<Arc<Acknowledger>>,
    stats: Option<Arc<Stats>>,
    demand: Option<Arc<Demand>>,
    started: Instant,
    read: AtomicU64,
    /// Bytes of the whole input, where that is known.
    expected: OnceLock<u64>,
    archives: AtomicU64,
    commits: AtomicU64,
    already: AtomicU64,
    quarantined: AtomicU64,
    skipped: AtomicU64,
    messages_set_aside: AtomicU64,
    messages_skipped: AtomicU64,
    files: AtomicU64,
    deletions: AtomicU64,
    bytes: AtomicU64,
    /// In archives that are done.
    messages: AtomicU64,
    /// Milliseconds after `started` when progress was last shown.
    shown: AtomicU64,
    said_retrying: Mutex<Option<Instant>>,
    /// How many archives are settled: committed, found committed, or empty.
    settled: Mutex<u64>,
    settling: Condvar,
    messages_before: Mutex<Before>,
    messages_known: Condvar,
    /// Where the partitions of the source go on.
    placed: Told<Option<Positions>>,
    /// Is told where they go on behind what is acknowledged; at last, with none, that nothing follows.
    tells_positions: OnceLock<TellsPositions>,
    /// The newest commits, for when the compressed data that they came from turn out to be damaged.
    newest: Mutex<VecDeque<Receipt>>,
    /// Of all that are acknowledged.
    last_message: AtomicU64,
    /// The archives that are to be one commit, of each that is on its way.
    together: Mutex<Vec<RangeInclusive<u64>>>,
    watched: Watched,
}

/// How many messages the stream has had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    #[default]
    NotYet,
    Messages(u64),
    /// Nobody will tell any more.
    Never,
}

/// An archive that is safe in a spool.
pub(super) struct Spooled {
    pub sequence: u64,
    pub digest: Digest,
    pub label: Label,
}

/// How often it is said that a call is made again.
const SAY_RETRYING_EVERY: Duration = Duration::from_mins(1);
/// How many commits are remembered.
const NEWEST: usize = 1000;
/// How many commits an error names.
const NAMED: usize = 10;

impl Report {
    pub fn new(terminal: Arc<Terminal>, json: bool, acknowledger: Option<Arc<Acknowledger>>) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            terminal,
            json,
            acknowledger,
            stats: None,
            demand: None,
            started: Instant::now(),
            read: zero(),
            expected: OnceLock::new(),
            archives: zero(),
            commits: zero(),
            already: zero(),
            quarantined: zero(),
            skipped: zero(),
            messages_set_aside: zero(),
            messages_skipped: zero(),
            files: zero(),
            deletions: zero(),
            bytes: zero(),
            messages: zero(),
            shown: zero(),
            said_retrying: Mutex::new(None),
            settled: Mutex::new(0),
            settling: Condvar::new(),
            messages_before: Mutex::default(),
            messages_known: Condvar::new(),
            placed: Told::default(),
            tells_positions: OnceLock::new(),
            newest: Mutex::new(VecDeque::new()),
            last_message: zero(),
            together: Mutex::default(),
            watched: Watched::default(),
        }
    }

    /// What waits in this spool is told, too.
    #[must_use]
    pub fn with_spool(mut self, spool: Option<Arc<Spool>>) -> Self {
        self.watched.spool = spool;
        self
    }

    /// How long archives take is counted.
    #[must_use]
    pub fn with_stats(self, stats: Option<Arc<Stats>>) -> Self {
        Self { stats, ..self }
    }

    /// Whoever collects messages hears that they are wanted.
    #[must_use]
    pub fn with_demand(self, demand: Option<Arc<Demand>>) -> Self {
        Self { demand, ..self }
    }

    /// Something of the input is there to be read.
    pub fn reads(&self) {
        self.watched.reads();
    }

    /// The producer has ended, and is about to be started again.
    pub fn restarts(&self) {
        self.watched.restarts();
    }

    /// Somebody wants it to end.
    pub fn ends(&self) {
        self.watched.ends();
    }

    /// So many more bytes were read from the input.
    pub fn read(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        self.progress();
    }

    /// The whole input has so many bytes, as they come.
    pub fn expects(&self, bytes: u64) {
        // Said once.
        let _ = self.expected.set(bytes);
    }

    fn progress(&self) {
        let time = self.started.elapsed();
        let every = if self.terminal.bar().is_some() {
            DRAW_EVERY
        } else {
            SAY_EVERY
        };
        let now = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let shown = self.shown.load(Ordering::Relaxed);
        let due = now.saturating_sub(shown) >= u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        // Of several threads that find it due, one shows it.
        if !due
            || self
                .shown
                .compare_exchange(shown, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (read, archives, commits) = (get(&self.read), get(&self.archives), get(&self.commits));
        let text = format!(
            "{}, {} sent, {}/s, {}, {}",
            read_so_far(read, self.expected.get().copied()),
            Size(self.watched.sent_bytes()),
            rate(read, time),
            counted(archives, "archive"),
            counted(commits, "commit")
        );
        match self.terminal.bar() {
            // A line that is cut says nothing that can be trusted.
            Some(bar) if self.terminal.width().is_some_and(|width| text.len() + 2 > width) => {
                bar.show(format!("{} read, {}", Size(read), counted(commits, "commit")));
            }
            Some(bar) => bar.show(text),
            None => self.terminal.detail(&text),
        }
    }

    /// The first of an archive was read then: its first message, or, unless that is known, all of it.
    pub fn begun(&self, archive: u64, at: Instant) {
        if let Some(stats) = &self.stats {
            stats.begun(archive, at);
        }
    }

    /// Messages that are not in the files of an archive that is handed over.
    pub fn left_out(&self, asides: &Asides) {
        self.messages_set_aside.fetch_add(asides.set_aside, Ordering::Relaxed);
        self.messages_skipped.fetch_add(asides.skipped, Ordering::Relaxed);
        for aside in asides.listed.iter().take(NAMED) {
            let Aside {
                message, reason, place, ..
            } = aside;
            let number = grouped(*message);
            self.terminal
                .warning(&format!("message {number} {reason}; set aside as {place}"));
        }
        let more = asides.set_aside.saturating_sub(NAMED as u64);
        if more > 0 {
            self.terminal
                .warning(&format!("{} more set aside with it", grouped(more)));
        }
    }

    /// Says how far it is.
    pub fn say_figures(&self) {
        let figures = self.figures();
        let lag = self.stats.as_ref().and_then(|stats| stats.take_lag());
        if self.json {
            self.print(Line::Stats {
                seconds: self.started.elapsed().as_secs_f64(),
                read: figures.read_bytes,
                messages: figures.messages,
                archives: figures.archives,
                commits: figures.commits,
                already: figures.already,
                quarantined: figures.quarantined,
                bytes: figures.bytes,
                retries: figures.retries.values().sum(),
                in_hand: figures.in_hand,
                lag,
            });
        }
        let messages = match figures.messages {
            0 => String::new(),
            messages => format!(", {} done", counted(messages, "message")),
        };
        let took = lag.map_or(String::new(), |Lag { p50, p99, .. }| {
            format!("; from read to done {p50:.2} s (p50), {p99:.2} s (p99)")
        });
        let text = format!(
            "{} read, {}{messages}, {}, {}, {} in hand{took}",
            Size(figures.read_bytes),
            counted(figures.archives, "archive"),
            counted(figures.commits, "commit"),
            Size(figures.bytes),
            grouped(figures.in_hand)
        );
        self.terminal.status(&text);
    }

    /// How it goes, in a line: what is done, and what is in the way.
    pub fn state(&self) -> String {
        let figures = self.figures();
        let mut state = format!("{}, {}", counted(figures.commits, "commit"), Size(figures.bytes));
        for hindrance in self.hindrances() {
            state += "; ";
            state += &hindrance;
        }
        state
    }

    /// Says what came of it all.
    pub fn summarise(&self, summary: Summary, complete: bool) {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (commits, already, files, deletions, bytes) = (
            get(&self.commits),
            get(&self.already),
            get(&self.files),
            get(&self.deletions),
            get(&self.bytes),
        );
        if self.json {
            self.print(Line::Summary {
                complete,
                archives: get(&self.archives),
                commits,
                already,
                empty: summary.empty,
                quarantined: get(&self.quarantined),
                skipped: get(&self.skipped),
                messages_set_aside: get(&self.messages_set_aside),
                messages_skipped: get(&self.messages_skipped),
                files,
                deletions,
                bytes,
                seconds: self.started.elapsed().as_secs_f64(),
            });
        }
        let already = if already > 0 {
            format!(" ({} already there)", grouped(already))
        } else {
            String::new()
        };
        if commits > 0 || !already.is_empty() {
            self.terminal.status(&format!(
                "{}{already}, {}, {} in {}",
                counted(commits, "commit"),
                files_of(files, deletions),
                Size(bytes),
                elapsed(self.started.elapsed())
            ));
        }
    }

    /// Which archives were to be one commit with the one that an error names.
    pub fn together(&self, error: &DeliveryError) -> Option<String> {
        let archive = error.archive()?;
        let together = self.together.lock().unwrap_or_else(PoisonError::into_inner);
        let one = together.iter().find(|one| one.contains(&archive))?;
        Some(format!("{} were to be one commit", numbered(one)))
    }

    /// Where the input goes on after what is committed.
    pub fn advice(&self, error: &DeliveryError) -> Option<String> {
        if let DeliveryError::Archive(error) = error {
            return self.advice_on_input(error);
        }
        // It is started again from where it was, not from a byte.
        if matches!(error, DeliveryError::Producer { .. } | DeliveryError::Ended) {
            return None;
        }
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let last = newest.back();
        let last_message = self.last_message.load(Ordering::Relaxed);
        match (last, error) {
            (Some(last), _) if last_message > 0 => {
                return Some(format!(
                    "messages up to number {} of {} are committed",
                    grouped(last_message),
                    last.input
                ));
            }
            (None, DeliveryError::Message(_)) => return Some("nothing is committed".to_owned()),
            _ => {}
        }
        let last = last?;
        Some(format!(
            "archives up to number {} are committed; what follows starts at byte {} of {}",
            grouped(last.archive),
            grouped(last.offset + last.length),
            last.input
        ))
    }

    fn advice_on_input(&self, error: &ArchiveError) -> Option<String> {
        if self.doubtful(error).is_some() {
            return Some(
                "these commits may hold wrong bytes: put the same files again from a whole input, or delete them, newest first: \
                 pachctl delete commit ID (1.x: REPO@ID)"
                    .to_owned(),
            );
        }
        let before = match self.commits.load(Ordering::Relaxed) + self.already.load(Ordering::Relaxed) {
            0 => "nothing is committed",
            1 if error.number == 2 => "archive 1 is committed",
            _ => "the archives before are committed",
        };
        if matches!(error.trouble.kind, ArchiveErrorKind::NotAnArchive { .. }) {
            return error.follows.then(|| before.to_owned());
        }
        Some(format!(
            "{before}; send archive {} again from byte {}",
            error.number,
            grouped(error.offset)
        ))
    }

    /// The commits made from a compressed member whose checksum, which comes last, turned out to be wrong.
    pub fn doubtful(&self, error: &ArchiveError) -> Option<String> {
        let ArchiveErrorKind::Compressed(damage) = &error.trouble.kind else {
            return None;
        };
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let from_it = |receipt: &&Receipt| receipt.input == error.input && receipt.offset >= damage.member;
        let names: Vec<String> = newest
            .iter()
            .filter(from_it)
            .filter_map(|receipt| Some(format!("{}@{}", receipt.branch.repo, receipt.commit.as_ref()?)))
            .collect();
        let (first, last) = (names.first()?, names.last()?);
        Some(if names.len() <= NAMED {
            format!("made from the damaged member: {}", names.join(", "))
        } else {
            format!(
                "{} commits were made from the damaged member: {first} to {last}",
                grouped(names.len() as u64)
            )
        })
    }

    /// Waits until so many archives are settled; `false` when they will not be.
    pub fn wait_until_settled(&self, archives: u64) -> bool {
        let settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.settling.wait_while(settled, |settled| *settled < archives);
        *waited.unwrap_or_else(PoisonError::into_inner) != u64::MAX
    }

    /// Waits until it is known how many messages the stream has had; `None` when it will not be.
    pub fn wait_for_messages(&self) -> Option<u64> {
        let before = self.messages_before.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .messages_known
            .wait_while(before, |before| *before == Before::NotYet);
        match *waited.unwrap_or_else(PoisonError::into_inner) {
            Before::Messages(before) => Some(before),
            Before::NotYet | Before::Never => None,
        }
    }

    /// Waits until it is known where the partitions of the source go on, `None` being nowhere in particular.
    ///
    /// # Errors
    /// When it will not be.
    #[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
    pub fn wait_for_positions(&self) -> Result<Option<Positions>, NeverTold> {
        self.placed.wait()
    }

    /// From now on `tell` hears where they go on behind what is acknowledged; at last, with none, that nothing follows.
    #[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
    pub fn tell_positions_to(&self, tell: impl Fn(Option<&Positions>) + Send + Sync + 'static) {
        let _ = self.tells_positions.set(Box::new(tell));
    }

    fn tell_messages(&self, before: Before) {
        let mut known = self.messages_before.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == Before::NotYet {
            *known = before;
        }
        self.messages_known.notify_all();
    }

    /// The delivery has ended: nothing further will be settled.
    pub fn end(&self) {
        self.tell_messages(Before::Never);
        self.placed.never();
        if let Some(tell) = self.tells_positions.get() {
            tell(None);
        }
        *self.settled.lock().unwrap_or_else(PoisonError::into_inner) = u64::MAX;
        self.settling.notify_all();
    }

    fn settle(&self, what: &Settled<'_>) {
        let mut together = self.together.lock().unwrap_or_else(PoisonError::into_inner);
        together.retain(|one| !one.contains(&what.archive()));
        drop(together);
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        *settled = settled.saturating_add(what.batch().map_or(1, |batch| batch.count));
        self.settling.notify_all();
    }

    fn remember(&self, receipt: &Receipt) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.len() == NEWEST {
            newest.pop_front();
        }
        let mut receipt = receipt.clone();
        // Where its last archive is, tells what it needs to; a thousand lists would not be small.
        if let Some(batch) = receipt.batch.take() {
            receipt.length -= batch.last_offset - receipt.offset;
            receipt.offset = batch.last_offset;
        }
        newest.push_back(receipt);
    }

    fn print(&self, mut line: Line<'_>) {
        loop {
            match serde_json::to_string(&line) {
                // A log that ends at a long line would hide all that follows.
                Ok(text) if length_in_a_log(&text) > LONGEST && line.list_fewer() => {}
                Ok(text) => return self.terminal.result(&text),
                Err(error) => {
                    let text = format!("a line of JSON could not be made: {error}");
                    return self.terminal.warning(&text);
                }
            }
        }
    }

    /// The archive is in the spool, and survives a crash: the producer may forget it.
    pub fn spooled(&self, archive: &Spooled) {
        if self.json {
            self.print(Line::Spooled {
                seq: archive.sequence,
                digest: archive.digest.to_string(),
                messages: Messages::of(&archive.label),
                position: archive.label.position.as_ref(),
            });
        }
    }

    fn acknowledge(&self, receipt: &Receipt, already: bool) {
        let messages = receipt.label.messages;
        if let Some(messages) = messages {
            self.last_message.store(messages.last, Ordering::Relaxed);
            self.messages.fetch_add(messages.count(), Ordering::Relaxed);
        }
        if self.json {
            self.print(Line::of(&if already {
                Settled::Already(receipt)
            } else {
                Settled::Committed(receipt)
            }));
            return;
        }
        let commit = receipt.commit.as_ref().map_or("", |id| id.as_str());
        let messages = messages.map_or(String::new(), |messages| {
            format!("{}   ", counted(messages.count(), "message"))
        });
        let also = receipt.also.iter().map(|branch| format!(" + {}", branch.repo));
        let archives = receipt.batch.as_ref().map_or(String::new(), |batch| {
            format!("{}   ", numbered(&(batch.first..=receipt.archive)))
        });
        for member in receipt.batch.iter().flat_map(|batch| batch.listed.iter()) {
            self.terminal.detail(&format!(
                "archive {}: {}, {}, sha256 {}",
                grouped(member.number),
                files_of(member.files as u64, member.deletions as u64),
                Size(member.bytes),
                member.digest
            ));
        }
        self.terminal.result(&format!(
            "{}@{commit}{}   {archives}{messages}{}   {}{}",
            receipt.branch.repo,
            also.collect::<String>(),
            files_of(receipt.files as u64, receipt.deletions as u64),
            Size(receipt.bytes),
            if already { "   already" } else { "" }
        ));
    }
}

impl Observer for Report {
    fn ready(&self, ready: &Ready) {
        self.tell_messages(Before::Messages(ready.messages));
        self.watched.ready();
    }

    fn placed(&self, positions: Option<&Positions>) {
        self.placed.tell(positions.cloned());
    }

    fn received(&self, _: &Archive) {
        self.archives.fetch_add(1, Ordering::Relaxed);
    }

    fn wanted(&self) {
        if let Some(demand) = &self.demand {
            demand.make();
        }
    }

    fn forming(&self, archives: RangeInclusive<u64>) -> Result<(), DeliveryError> {
        self.together
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(archives);
        Ok(())
    }

    fn sent(&self, archive: &Archive, bytes: u64) {
        self.watched.sent(archive.number, bytes);
        self.progress();
    }

    fn sent_early(&self, archive: u64, bytes: u64) {
        self.watched.sent_early(archive, bytes);
        self.progress();
    }

    fn committed(&self, receipt: &Receipt) {
        self.acknowledge(receipt, false);
        let is_set_aside = receipt.label.refused.is_some();
        self.quarantined.fetch_add(u64::from(is_set_aside), Ordering::Relaxed);
        self.remember(receipt);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.watched.committed();
        self.files.fetch_add(receipt.files as u64, Ordering::Relaxed);
        self.deletions.fetch_add(receipt.deletions as u64, Ordering::Relaxed);
        self.bytes.fetch_add(receipt.bytes, Ordering::Relaxed);
    }

    fn already(&self, receipt: &Receipt) {
        self.acknowledge(receipt, true);
        self.remember(receipt);
        self.already.fetch_add(1, Ordering::Relaxed);
    }

    fn would_commit(&self, archive: &Archive, files: &Files) {
        let deletions = files.deletions().len();
        self.files.fetch_add(files.len() as u64, Ordering::Relaxed);
        self.deletions.fetch_add(deletions as u64, Ordering::Relaxed);
        self.bytes.fetch_add(files.total_bytes(), Ordering::Relaxed);
        if self.json {
            self.print(Line::Archive {
                archive: archive.number,
                archives: archive.batch.as_ref().map(|batch| Archives::new(batch, archive.number)),
                input: &archive.input,
                offset: archive.offset,
                length: archive.length,
                digest: archive.digest.to_string(),
                files: files.len(),
                deletions,
                bytes: files.total_bytes(),
                messages: Messages::of(&archive.label),
                position: archive.label.position.as_ref(),
            });
        }
        self.terminal.status(&format!(
            "{}: {}, {}; nothing is sent",
            numbered(&archive.numbers()),
            files_of(files.len() as u64, deletions as u64),
            Size(files.total_bytes())
        ));
    }

    fn empty(&self, archive: &Archive) {
        let numbers = archive.numbers();
        let (hold, it) = if numbers.start() == numbers.end() {
            ("holds", "it")
        } else {
            ("hold", "them")
        };
        let numbers = numbered(&numbers);
        self.terminal
            .note(&format!("{numbers} {hold} no file: no commit is made of {it}"));
    }

    fn quarantined(&self, archive: &Archive, file: &Path) {
        let reason = reason(archive);
        let text = format!("{reason}; set aside as {}", file.display());
        self.terminal.warning_of(archive.number, &text);
        if self.json {
            self.print(Line::of(&Settled::Quarantined(archive, file)));
        }
        self.quarantined.fetch_add(1, Ordering::Relaxed);
    }

    fn skipped(&self, archive: &Archive) {
        let text = format!("{}; left out", reason(archive));
        self.terminal.warning_of(archive.number, &text);
        if self.json {
            self.print(Line::of(&Settled::Skipped(archive)));
        }
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    fn settled(&self, settled: &Settled<'_>) -> Result<(), Unacknowledged> {
        if let Some(acknowledger) = &self.acknowledger {
            let line = serde_json::to_string(&Line::of(settled)).map_err(|error| Unacknowledged {
                how: format!("a line of JSON could not be made: {error}"),
            })?;
            acknowledger.give(&Acknowledgement {
                line,
                variables: variables(settled),
            })?;
        }
        if let (Some(tell), Settled::Committed(receipt)) = (self.tells_positions.get(), settled)
            && let Some(positions) = &receipt.label.positions
        {
            tell(Some(positions));
        }
        if let Some(stats) = &self.stats {
            let now = Instant::now();
            settled.archives().for_each(|archive| stats.done(archive, now));
        }
        self.watched.settled(settled);
        self.settle(settled);
        Ok(())
    }

    fn note(&self, text: &str) {
        self.terminal.note(text);
    }

    /// The first of a series is said, and then one a minute: `put` may try for ten minutes, and silence looks like work.
    fn retrying(&self, fault: &Fault) {
        self.watched.retrying(fault.kind);
        let mut said = self.said_retrying.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_some_and(|time| time.elapsed() < SAY_RETRYING_EVERY) {
            return self.terminal.detail(&format!("trying again: {fault}"));
        }
        *said = Some(Instant::now());
        self.terminal.note(&format!("{fault}; trying again"));
    }
}

/// `archive 7`, `archives 5 to 7`.
fn numbered(archives: &RangeInclusive<u64>) -> String {
    let (first, last) = (archives.start(), archives.end());
    if first == last {
        format!("archive {}", grouped(*last))
    } else {
        format!("archives {} to {}", grouped(*first), grouped(*last))
    }
}

/// `2 files`, `2 files and 1 deletion`.
fn files_of(files: u64, deletions: u64) -> String {
    let files = counted(files, "file");
    match deletions {
        0 => files,
        more => format!("{files} and {}", counted(more, "deletion")),
    }
}

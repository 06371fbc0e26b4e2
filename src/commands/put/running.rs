//! What runs while archives are delivered: whom signals and figures go to, and how the end is waited for and told.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, at, never, select};
use parking_lot::Mutex;

use super::acknowledging::Acknowledger;
use super::input;
use super::member::{Member, Presence, Shown, Watch};
use super::plan::{Plan, Reads};
use super::producer::Producer;
use super::report::{Report, Traces};
use super::service::{self, Service};
use super::spooling;
use super::stats::{Stats, Ticking};
use super::stopping::Stopping;
use crate::commands::group;
use crate::commands::interrupts::Interrupts;
use crate::commands::messages::demand::Demand;
use crate::commands::serve::{cannot_listen, listening_address};
use crate::failure::Failure;
use crate::metrics::{self, Labels, MetricsSource};
use crate::otlp::Otlp;
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_core::pfs::Branch;
use spoutctl_delivery::spill::SpillBuffers;
use spoutctl_delivery::spool::Spool;
use spoutctl_delivery::{DeliveryError, Ledger, Summary};

/// How the delivery ended.
pub(super) type Ended = (Summary, Result<(), DeliveryError>);

pub(super) struct Running {
    pub terminal: Arc<Terminal>,
    pub report: Arc<Report>,
    pub demand: Option<Arc<Demand>>,
    pub interrupts: Interrupts,
    pub stopping: Arc<Stopping>,
    pub ledger: Arc<Ledger>,
    spool: Option<Arc<Spool>>,
    acknowledger: Option<Arc<Acknowledger>>,
    producer: Option<Arc<Producer>>,
    /// Says the figures every so often.
    ticking: Option<Ticking>,
    /// What is sent of this `put` alone.
    otlp: Option<Arc<Otlp>>,
    /// Where a stream of several is seen.
    shown: Option<Arc<Mutex<Shown>>>,
}

impl Running {
    /// Listens for signals, and to whoever asks for figures, from now on.
    ///
    /// # Errors
    /// When it cannot, or when nobody could be told what is done.
    pub fn start(
        plan: &Plan,
        terminal: Arc<Terminal>,
        temporary: &Path,
        spool: Option<Arc<Spool>>,
        buffers: &SpillBuffers,
        presence: &Presence,
        member: Option<&Member>,
    ) -> Result<Self, Failure> {
        let spool_dir = spool.as_deref().map(Spool::dir);
        let acknowledger = plan.acknowledgee.as_ref();
        let acknowledger = acknowledger
            .map(|whom| Acknowledger::new(whom, spool_dir, temporary, &terminal).map(Arc::new))
            .transpose()?;
        let demand = plan.batches_on_demand.then(Demand::new).transpose();
        let demand = demand.context("cannot make a pipe")?.map(Arc::new);
        let otlp = otlp(plan, &terminal, member);
        let is_watched = plan.metrics_listen.is_some() || member.is_some() || otlp.is_some();
        let has_figures = plan.stats_every.is_some() || is_watched;
        let stats = has_figures.then(Stats::new).transpose()?.map(Arc::new);
        let mut report = Report::new(Arc::clone(&terminal), plan.json, acknowledger.clone());
        report.watched.spool.clone_from(&spool);
        report.watched.buffers = Some(buffers.clone());
        report.demand.clone_from(&demand);
        report.stats.clone_from(&stats);
        let labels = labels(&plan.destination.branch, member);
        report.traces = otlp.clone().map(|otlp| Traces::new(otlp, labels.clone()));
        let report = Arc::new(report);
        let watch = stats.as_ref().map(|stats| Watch {
            report: Arc::clone(&report),
            labels,
            lags: stats.lags.clone(),
        });
        // Whoever runs several streams sends the figures of all of them.
        let otlp = otlp.filter(|_| member.is_none());
        if let (Some(otlp), Some(watch)) = (&otlp, &watch) {
            otlp.send_figures(Arc::new(watch.clone()));
        }
        let shown = member.map(|member| Arc::clone(&member.shown));
        let ticking = show_figures(plan, &terminal, watch, shown.as_deref(), presence)?;
        let mut producer = None;
        match &plan.reads {
            Reads::Inputs(inputs) => {
                if let Some(bytes) = input::length_of(inputs) {
                    report.counts.expects(bytes);
                }
            }
            Reads::Producer(running) => producer = Some(Arc::clone(running)),
            Reads::Topics(_) => {}
        }
        let stopping = Arc::new(Stopping::new().context("cannot listen for signals")?);
        let on_first = on_first(
            plan.grace,
            &terminal,
            producer.clone(),
            &stopping,
            &report,
            member.is_some(),
        );
        let interrupts = match member {
            Some(member) => Interrupts::hear(plan.grace, member.signals.clone().into_iter(), on_first),
            None => Interrupts::listen(plan.grace, on_first)?,
        };
        Ok(Self {
            terminal,
            report,
            demand,
            interrupts,
            stopping,
            ledger: Arc::new(Ledger::default()),
            spool,
            acknowledger,
            producer,
            ticking,
            otlp,
            shown,
        })
    }

    /// Waits until the delivery has ended, or a signal does not let it, and says what came of it.
    ///
    /// # Errors
    /// Whatever kept an archive from becoming a commit.
    pub fn until_ended(self, ended: &Receiver<Ended>, taken_in: Option<Receiver<()>>) -> Result<Exit, Failure> {
        let otlp = self.otlp.clone();
        let concluded = self.until_concluded(ended, taken_in);
        if let Some(otlp) = otlp {
            otlp.end();
        }
        concluded
    }

    fn until_concluded(self, ended: &Receiver<Ended>, taken_in: Option<Receiver<()>>) -> Result<Exit, Failure> {
        // Whoever runs several streams tells it of all of them.
        let service = if self.shown.is_none() {
            let report = Arc::clone(&self.report);
            Service::start(move || report.state())
        } else {
            None
        };
        let end = wait(ended, &self.interrupts);
        if let (Some(taken_in), Some(_)) = (taken_in, &end) {
            self.stopping.stop();
            wait_until_taken_in(&taken_in, &self.interrupts);
        }
        // Nothing more is of use that may still be read.
        self.stopping.stop();
        self.report.awaited.end();
        if let Some(service) = service {
            service.end();
        }
        let limit = if end.is_some() {
            group::ENDS_WITHIN
        } else {
            Duration::ZERO
        };
        if let Some(acknowledger) = &self.acknowledger {
            acknowledger.group.end(limit);
        }
        if let Some(producer) = &self.producer {
            producer.group.end(limit);
        }
        let Some((summary, result)) = end else {
            // The delivery may hold standard output, which nobody reads, or the progress line: neither is touched.
            return Err(Failure::from_delivery(
                &DeliveryError::Interrupted,
                &self.ledger.unsettled(),
                self.interrupts.signal(),
            ));
        };
        self.conclude(summary, result)
    }

    fn conclude(mut self, summary: Summary, result: Result<(), DeliveryError>) -> Result<Exit, Failure> {
        if let Some(ticking) = self.ticking.take() {
            // The summary is the last line.
            ticking.end();
        }
        if let Some(bar) = self.terminal.bar() {
            bar.clear();
        }
        let unsettled = self.ledger.unsettled();
        self.report.summarise(summary, result.is_ok());
        let concluded = match (result, self.terminal.results_lost()) {
            (Err(error), _) => {
                let mut failure = Failure::from_delivery(&error, &unsettled, self.interrupts.signal());
                failure.details.extend(self.report.resumption.together(&error));
                self.report.failed(&failure);
                Err(match self.spool.as_deref() {
                    Some(spool) => with_spool(failure, &error, spool),
                    None => with_progress(failure, &error, &self.report),
                })
            }
            (Ok(()), None) => {
                for left in unsettled {
                    self.terminal.warning(&format!("{left}; {}", left.help()));
                }
                Ok(Exit::Done)
            }
            (Ok(()), Some(error)) => Err(Failure::new(Exit::Input, "acknowledgements could not be written")
                .detail(format!("standard output: {error}"))
                .help("every archive is committed; its commit's description holds its digest")),
        };
        if let Some(spool) = &self.spool {
            spool.close();
        }
        concluded
    }
}

/// What is committed already decides what to send again.
fn with_progress(mut failure: Failure, error: &DeliveryError, report: &Report) -> Failure {
    if let DeliveryError::Archive(error) = error {
        failure.details.extend(report.resumption.doubtful(error));
    }
    failure.help.extend(report.resumption.advice(error));
    failure
}

/// What the spool keeps, and how it goes on.
fn with_spool(mut failure: Failure, error: &DeliveryError, spool: &Spool) -> Failure {
    if let DeliveryError::Archive(error) = error {
        spooling::explain_disk(error, &mut failure);
    }
    spooling::hold_back(spool, error, &mut failure);
    failure.help.extend(spooling::advice(spool, error));
    failure
}

/// Who is told of commits.
fn otlp(plan: &Plan, terminal: &Arc<Terminal>, member: Option<&Member>) -> Option<Arc<Otlp>> {
    match member {
        Some(member) => member.shared.otlp.clone(),
        // Nothing that a dry run does is a commit.
        None if plan.delivery.dry_run => None,
        None => Otlp::from_environment(terminal),
    }
}

/// What is done at the first signal.
fn on_first(
    grace: Duration,
    terminal: &Arc<Terminal>,
    producer: Option<Arc<Producer>>,
    stopping: &Arc<Stopping>,
    report: &Arc<Report>,
    is_member: bool,
) -> impl FnOnce(u8) + Send + 'static {
    let (terminal, stopping) = (Arc::clone(terminal), Arc::clone(stopping));
    // It holds a spool, which the end of a stream has to let go of.
    let report = Arc::downgrade(report);
    move |number: u8| {
        if let Some(report) = report.upgrade() {
            report.watched.ends();
        }
        if !is_member {
            service::stopping();
        }
        match &producer {
            None => stopping.stop(),
            Some(producer) => {
                producer.group.stop(group::signal(number));
                // It ends, and says its last words before; unless it does not.
                std::thread::spawn(move || {
                    std::thread::sleep(group::ENDS_WITHIN.min(grace / 2));
                    stopping.stop();
                });
            }
        }
        let once_more = if is_member { "" } else { "; once more to leave at once" };
        terminal.note(&format!(
            "interrupted: nothing more is read; the archive in hand is finished or given up within {:.0} s{once_more}",
            grace.as_secs_f64()
        ));
    }
}

/// Says the figures as often as was asked for, and to whom.
fn show_figures(
    plan: &Plan,
    terminal: &Terminal,
    watch: Option<Watch>,
    shown: Option<&Mutex<Shown>>,
    presence: &Presence,
) -> Result<Option<Ticking>, Failure> {
    let Some(watch) = watch else { return Ok(None) };
    // The report goes before what says that it is still there.
    let told = (Arc::clone(&watch.report), presence.here());
    if let Some(shown) = shown {
        *shown.lock() = Shown::Now(watch);
    } else if let Some(address) = &plan.metrics_listen {
        listen_for_figures(address, Arc::new(watch), terminal)?;
    }
    Ok(plan.stats_every.map(|period| {
        Ticking::every(period, move || {
            let (report, _here) = &told;
            report.say_figures();
        })
    }))
}

/// Answers who asks for figures at this HOST:PORT, or port, from now on.
///
/// # Errors
/// When it cannot be listened there.
pub(in crate::commands) fn listen_for_figures(
    address: &str,
    source: Arc<dyn MetricsSource>,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let (address, _) = if address.bytes().all(|byte| byte.is_ascii_digit()) {
        listening_address(&format!("127.0.0.1:{address}"))?
    } else {
        listening_address(address)?
    };
    let address = metrics::listen(address, source).map_err(|error| Failure {
        exit: Exit::Usage,
        ..cannot_listen("--metrics-listen", address, &error).detail("nothing was sent")
    })?;
    terminal.note(&format!("figures are at http://{address}/metrics"));
    Ok(())
}

/// What the figures are of.
fn labels(Branch { repo, name }: &Branch, member: Option<&Member>) -> Labels {
    Labels {
        stream: member.map(|member| member.name.to_string()),
        project: repo.project.to_string(),
        repo: repo.name.to_string(),
        branch: name.to_string(),
    }
}

/// Waits for the delivery, but no longer than the signals allow: `None` when we have to leave without it.
fn wait(ended: &Receiver<Ended>, interrupts: &Interrupts) -> Option<Ended> {
    let mut deadline = never();
    let mut raised = interrupts.interrupt.raised().clone();
    loop {
        select! {
            recv(ended) -> end => {
                return Some(end.unwrap_or_else(|_| (Summary::default(), Err(DeliveryError::Panicked))));
            }
            recv(raised) -> _ => {
                // A closed channel would be ready for ever.
                raised = never();
                deadline = at(interrupts.latest());
            }
            recv(interrupts.leave) -> _ => return None,
            recv(deadline) -> _ => return None,
        }
    }
}

/// Waits until messages that were read are in the spool, where nothing delivers them any more. A spool that is full, or
/// a disk that does not answer, may keep them from that.
fn wait_until_taken_in(taken_in: &Receiver<()>, interrupts: &Interrupts) {
    let latest = interrupts.interrupt.deadline();
    let latest = latest.map_or_else(|| Instant::now() + group::ENDS_WITHIN, |_| interrupts.latest());
    select! {
        recv(taken_in) -> _ => {}
        recv(interrupts.leave) -> _ => {}
        recv(at(latest)) -> _ => {}
    }
}

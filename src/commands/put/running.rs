//! What runs while archives are delivered: whom signals and figures go to, and how the end is waited for and told.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, at, never, select};

use super::acknowledging::Acknowledger;
use super::input;
use super::plan::{Plan, Reads};
use super::producer::Producer;
use super::reader::Stopping;
use super::report::Report;
use super::service::{self, Service};
use super::spooling;
use super::stats::{Stats, Ticking};
use crate::commands::group;
use crate::commands::interrupts::Interrupts;
use crate::commands::messages::demand::Demand;
use crate::commands::serve::{cannot_listen, listening_address};
use crate::failure::Failure;
use crate::metrics::{self, Labels};
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
    ) -> Result<Self, Failure> {
        let spool_dir = spool.as_deref().map(Spool::dir);
        let acknowledger = plan.acknowledgee.as_ref();
        let acknowledger = acknowledger
            .map(|whom| Acknowledger::new(whom, spool_dir, temporary, &terminal).map(Arc::new))
            .transpose()?;
        let demand = plan.batches_on_demand.then(Demand::new).transpose();
        let demand = demand.context("cannot make a pipe")?.map(Arc::new);
        let has_figures = plan.stats_every.is_some() || plan.metrics_listen.is_some();
        let stats = has_figures.then(Stats::new).transpose()?.map(Arc::new);
        let report = Report::new(Arc::clone(&terminal), plan.json, acknowledger.clone())
            .with_spool(spool.clone())
            .with_buffers(buffers.clone())
            .with_demand(demand.clone())
            .with_stats(stats.clone());
        let report = Arc::new(report);
        let ticking = show_figures(plan, &terminal, &report, stats.as_deref())?;
        let mut producer = None;
        match &plan.reads {
            Reads::Inputs(inputs) => {
                if let Some(bytes) = input::length_of(inputs) {
                    report.expects(bytes);
                }
            }
            Reads::Producer(running) => producer = Some(Arc::clone(running)),
            Reads::Topics(_) => {}
        }
        let stopping = Arc::new(Stopping::new().context("cannot listen for signals")?);
        let interrupts = listen(plan.grace, &terminal, producer.clone(), &stopping, &report)?;
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
        })
    }

    /// Waits until the delivery has ended, or a signal does not let it, and says what came of it.
    ///
    /// # Errors
    /// Whatever kept an archive from becoming a commit.
    pub fn until_ended(self, ended: &Receiver<Ended>, taken_in: Option<Receiver<()>>) -> Result<Exit, Failure> {
        let service = Service::start(&self.report);
        let end = wait(ended, &self.interrupts);
        if let (Some(taken_in), Some(_)) = (taken_in, &end) {
            self.stopping.stop();
            wait_until_taken_in(&taken_in, &self.interrupts);
        }
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

fn listen(
    grace: Duration,
    terminal: &Arc<Terminal>,
    producer: Option<Arc<Producer>>,
    stopping: &Arc<Stopping>,
    report: &Arc<Report>,
) -> Result<Interrupts, Failure> {
    let (terminal, stopping, report) = (Arc::clone(terminal), Arc::clone(stopping), Arc::clone(report));
    let say = move |number: u8| {
        report.ends();
        service::stopping();
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
        terminal.note(&format!(
            "interrupted: nothing more is read; the archive in hand is finished or given up within {:.0} s; once more \
             to leave at once",
            grace.as_secs_f64()
        ));
    };
    Interrupts::listen(grace, say).map_err(Failure::from)
}

/// Says the figures as often as was asked for, and to whom.
fn show_figures(
    plan: &Plan,
    terminal: &Terminal,
    report: &Arc<Report>,
    stats: Option<&Stats>,
) -> Result<Option<Ticking>, Failure> {
    let Some(stats) = stats else { return Ok(None) };
    if let Some(address) = &plan.metrics_listen {
        let (address, _) = if address.bytes().all(|byte| byte.is_ascii_digit()) {
            listening_address(&format!("127.0.0.1:{address}"))?
        } else {
            listening_address(address)?
        };
        let labels = labels(&plan.destination.branch);
        let listening = metrics::listen(address, Arc::clone(report) as _, &stats.lags, labels);
        let address = listening.map_err(|error| Failure {
            exit: Exit::Usage,
            ..cannot_listen("--metrics-listen", address, &error).detail("nothing was sent")
        })?;
        terminal.note(&format!("figures are at http://{address}/metrics"));
    }
    Ok(plan.stats_every.map(|period| {
        let report = Arc::clone(report);
        Ticking::every(period, move || report.say_figures())
    }))
}

/// What the figures are of.
fn labels(Branch { repo, name }: &Branch) -> Labels {
    Labels {
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

//! Where commits go: what was named, or in a spout's pod its own output.

use std::time::Duration;

use crate::commands::server;
use crate::failure::Failure;
use crate::settings::{Address, Server};
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::FaultKind;
use spoutctl_core::pfs::{BranchName, Destination, Repo};
use spoutctl_core::pipelines::Pipelines;
use spoutctl_delivery::DeliveryError;
use spoutctl_delivery::mark::StreamName;
use spoutctl_delivery::retry::{Exhausted, Interrupt, RetryBudget, SystemClock};

pub(super) struct Target {
    pub destination: Destination,
    /// It is the output of the spout in whose pod we run, and we talk to its sidecar.
    pub is_own: bool,
    /// In a pod the pipeline's name: what a container leaves behind, the next one knows for its own.
    pub stream: Option<StreamName>,
    /// Nobody named it: which branch it is only the pipeline's spec says.
    is_implied: bool,
}

impl Target {
    /// `None` where nothing says so.
    ///
    /// # Errors
    /// When the pod's environment is wrong.
    pub fn of(named: Option<&Destination>, server: &Server) -> Result<Option<Self>, Failure> {
        let pod = match &server.address {
            Address::Sidecar(pod) => Some(pod),
            _ => None,
        };
        let own = pod.map(|pod| format!("{}/{}", pod.project, pod.pipeline));
        let wrong = |error: &dyn std::fmt::Display| {
            let text = format!("what the pod's environment says of its pipeline is wrong: {error}");
            Failure::new(Exit::Usage, text)
        };
        let output = own.as_ref().map(|name| name.parse::<Destination>()).transpose();
        let output = output.map_err(|error| wrong(&error))?;
        let stream = own.as_ref().map(|name| name.parse::<StreamName>()).transpose();
        let stream = stream.map_err(|error| wrong(&error))?;
        let Some(mut destination) = named.cloned().or_else(|| output.clone()) else {
            return Ok(None);
        };
        if let (false, Some(project)) = (destination.names_project, server.project()) {
            destination.branch.repo.project = project.clone();
        }
        Ok(Some(Self {
            is_implied: named.is_none(),
            is_own: output.is_some_and(|output| output.branch.repo == destination.branch.repo),
            destination,
            stream,
        }))
    }

    /// The same with the output branch of the pipeline in whose pod we run, where no destination was named. The sidecar
    /// is asked; while it cannot be reached, it is asked again.
    ///
    /// # Errors
    /// When it cannot be reached for so long.
    pub fn with_output_branch(
        mut self,
        server: &Server,
        retry_for: Duration,
        terminal: &Terminal,
    ) -> Result<Self, Failure> {
        if !(self.is_implied && matches!(server.address, Address::Sidecar(_))) {
            return Ok(self);
        }
        let Some(sidecar) = server::pachd(server, terminal)? else {
            return Ok(self);
        };
        let repo = &self.destination.branch.repo;
        if let Some(branch) = output_branch(&*sidecar, repo, retry_for, terminal)? {
            self.destination.branch.name = branch;
        }
        Ok(self)
    }
}

/// `None` where nobody says: pachd's default then is ours.
fn output_branch(
    pachd: &dyn Pipelines,
    pipeline: &Repo,
    retry_for: Duration,
    terminal: &Terminal,
) -> Result<Option<BranchName>, Failure> {
    let (clock, nobody) = (SystemClock, Interrupt::new());
    let mut budget = RetryBudget::new(&clock, &nobody, retry_for);
    loop {
        let fault = match pachd.output_branch(pipeline) {
            Ok(branch) => return Ok(branch),
            Err(fault) if matches!(fault.kind, FaultKind::Unavailable | FaultKind::Unknown) => fault,
            // Whatever it is, the first call for a commit meets it, too, and it is explained there.
            Err(_) => return Ok(None),
        };
        terminal.note(&format!(
            "the sidecar does not say which branch is the output: {fault}; it is asked again"
        ));
        budget.wait(fault.retry_after).map_err(|end| {
            let error = match end {
                Exhausted::Retries(tried) => DeliveryError::Unreachable { fault, tried },
                Exhausted::Grace => DeliveryError::Interrupted,
            };
            Failure::from_delivery(&error, &[], None)
        })?;
    }
}

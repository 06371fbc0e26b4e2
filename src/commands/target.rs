//! Where commits go: what was named, or in a spout's pod its own output.

use crate::failure::Failure;
use crate::settings::{Address, Server};
use spoutctl_core::exit::Exit;
use spoutctl_core::pfs::Destination;
use spoutctl_delivery::mark::StreamName;

pub(super) struct Target {
    pub destination: Destination,
    /// It is the output of the spout in whose pod we run, and we talk to its sidecar.
    pub is_own: bool,
    /// In a pod the pipeline's name: what a container leaves behind, the next one knows for its own.
    pub stream: Option<StreamName>,
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
        let output: Option<Destination> = match &own {
            Some(name) => Some(name.parse().map_err(|error| wrong(&error))?),
            None => None,
        };
        let stream: Option<StreamName> = match &own {
            Some(name) => Some(name.parse().map_err(|error| wrong(&error))?),
            None => None,
        };
        let Some(mut destination) = named.cloned().or_else(|| output.clone()) else {
            return Ok(None);
        };
        if let (false, Some(project)) = (destination.names_project, server.project()) {
            destination.branch.repo.project = project.clone();
        }
        Ok(Some(Self {
            is_own: output.is_some_and(|output| output.branch.repo == destination.branch.repo),
            destination,
            stream,
        }))
    }
}

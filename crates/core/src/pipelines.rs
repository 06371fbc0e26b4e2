//! Pipelines as pachd keeps them: the port through which a spec is tried, submitted, and compared with the one that runs.
//!
//! A spec travels as strict JSON. What pachd has to say against it is an answer here; a
//! [`Fault`] is about everything else.

use crate::fault::Fault;
use crate::pfs::{PipelineKind, Repo};

/// What pachd makes of a spec: the same with the cluster's defaults filled in, or the words of its refusal.
pub type Verdict = Result<String, String>;

/// How a spec is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Submission {
    /// It may take the place of the one that runs.
    pub update: bool,
    /// What that has done is done again.
    pub reprocess: bool,
}

/// How a pipeline is, as far as it matters to who waits for its commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// It works, or is about to.
    #[default]
    Working,
    /// Its workers end and are started again.
    Crashing,
    /// Somebody has stopped it.
    Stopped,
    /// It stays as it is until it is updated.
    Failed,
}

/// A pipeline that pachd has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pub kind: PipelineKind,
    pub state: State,
    /// What pachd has to say about its state.
    pub reason: String,
    /// From 1; each update adds one.
    pub version: u64,
    /// The spec as it was submitted, and with the defaults filled in; empty before Pachyderm 2.8.
    pub submitted: String,
    pub effective: String,
}

/// Whoever makes pipelines.
pub trait Pipelines {
    /// Asks what pachd makes of a spec, and creates nothing.
    ///
    /// # Errors
    /// When nobody could be asked: any [`Fault`] that is not about the spec.
    fn try_pipeline(&self, spec: &str) -> Result<Verdict, Fault>;

    /// Creates or updates the pipeline of a spec. It is asked once: what became of it after an `Unknown` fault shows
    /// [`Self::find_pipeline`].
    ///
    /// # Errors
    /// As [`Self::try_pipeline`].
    fn submit_pipeline(&self, spec: &str, how: Submission) -> Result<Verdict, Fault>;

    /// The pipeline that writes this repo, if there is one.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn find_pipeline(&self, pipeline: &Repo) -> Result<Option<Running>, Fault>;
}

//! Pipelines as pachd keeps them: the port through which a spec is tried, submitted, and compared with the one that
//! runs.
//!
//! A spec travels as strict JSON. What pachd has to say against it is an answer here; a
//! [`Fault`] is about everything else.

use crate::fault::Fault;
use crate::pfs::{BranchName, PipelineKind, Repo};

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

/// Whether pachd refuses an update because of what is downstream: from 2.8 to 2.12 its own database does not take a
/// spout's update where another pipeline reads what the spout writes. Nothing was changed then; stopped, the spout can
/// be updated.
#[must_use]
pub fn is_refused_for_downstream(words: &str) -> bool {
    words.contains("violates foreign key constraint") && words.contains("fk_to_commit")
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

    /// The branch that a pipeline writes; `None` where there is no such pipeline, or nobody says.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn output_branch(&self, pipeline: &Repo) -> Result<Option<BranchName>, Fault>;

    /// Ends its workers, at once and without a signal. One that is stopped already stays so.
    ///
    /// # Errors
    /// `NotFound`, or any other [`Fault`].
    fn stop_pipeline(&self, pipeline: &Repo) -> Result<(), Fault>;

    /// Starts it again. What pachd does to the branch of a spout then: the module `restarted` of the delivery.
    ///
    /// # Errors
    /// `NotFound`, or any other [`Fault`].
    fn start_pipeline(&self, pipeline: &Repo) -> Result<(), Fault>;
}

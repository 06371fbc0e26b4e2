//! Whether a file is in the destination already: files of CSV that grow have one header.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pachyderm_client::pachd::Followable;
use spoutctl_core::pfs::{Destination, FilePath, Relative, Revision, Source};
use spoutctl_delivery::messages::packing::Existing;
use spoutctl_delivery::retrieval::{RetrievalError, find_commit};

/// The first pause between two questions, and the longest.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The branch that files grow on.
pub(super) struct Growing {
    pub files: Arc<dyn Followable>,
    pub destination: Destination,
    /// How long it is tried.
    pub retry_for: Duration,
}

/// One reader's questions.
pub(super) struct Asking(pub Arc<Growing>);

impl Existing for Asking {
    fn has(&mut self, path: &FilePath) -> Result<bool, String> {
        let began = Instant::now();
        let mut pause = PAUSE;
        loop {
            match self.0.has(path) {
                Ok(has) => return Ok(has),
                Err(RetrievalError::Unavailable(_) | RetrievalError::Broken { .. })
                    if began.elapsed() + pause < self.0.retry_for =>
                {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

impl Growing {
    fn has(&self, path: &FilePath) -> Result<bool, RetrievalError> {
        let Destination { branch, prefix, .. } = &self.destination;
        let path = if prefix.is_root() {
            path.clone()
        } else {
            // Two paths that pachd takes are one that it takes.
            FilePath::new(&format!("{prefix}{path}")).unwrap_or_else(|_| path.clone())
        };
        let source = Source {
            repo: branch.repo.clone(),
            names_project: true,
            revision: Revision::Branch(branch.name.clone()),
            relative: Relative::Itself,
            path: Some(path.clone()),
            pattern: None,
        };
        let commit = match find_commit(self.files.as_ref(), &source) {
            Ok(info) => info.commit,
            Err(RetrievalError::NothingYet(_) | RetrievalError::NoRepo(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        let found = self.files.inspect_file(&commit, &path);
        found.map(|found| found.is_some()).map_err(RetrievalError::Unavailable)
    }
}

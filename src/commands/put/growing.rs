//! What a file in the destination begins with: files of CSV that grow have one header.

use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::stopping::Stopping;
use pachyderm_client::pachd::Followable;
use spoutctl_core::pfs::{Destination, FileKind, FilePath, Relative, Revision, Source};
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
    /// Said when nobody waits for an answer any more.
    pub given_up: Arc<Stopping>,
}

/// One reader's questions.
pub(super) struct Asking(pub Arc<Growing>);

impl Existing for Asking {
    fn beginning(&mut self, path: &FilePath, most: usize) -> Result<Option<Vec<u8>>, String> {
        let began = Instant::now();
        let mut pause = PAUSE;
        loop {
            match self.0.beginning(path, most) {
                Ok(beginning) => return Ok(beginning),
                Err(RetrievalError::Unavailable(_) | RetrievalError::Broken { .. })
                    if began.elapsed() + pause < self.0.retry_for =>
                {
                    self.0.given_up.wait(pause);
                    if self.0.given_up.has_stopped() {
                        return Err("nobody wants to know it any more".to_owned());
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

impl Growing {
    fn beginning(&self, path: &FilePath, most: usize) -> Result<Option<Vec<u8>>, RetrievalError> {
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
            Err(RetrievalError::NothingYet(_) | RetrievalError::NoRepo(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let found = self.files.inspect_file(&commit, &path);
        match found.map_err(RetrievalError::from_fault)? {
            None => return Ok(None),
            // The commit itself will be refused, in words that say what is there.
            Some(info) if info.kind == FileKind::Directory => return Ok(None),
            Some(_) => {}
        }
        let file = self.files.get_file(&commit, &path);
        let mut beginning = Vec::new();
        file.map_err(RetrievalError::from_fault)?
            .take(most as u64)
            .read_to_end(&mut beginning)
            .map_err(|error| RetrievalError::Broken { error })?;
        Ok(Some(beginning))
    }
}

//! What whoever plays a spout's worker has to know: whether the spout's code is to run, what its spec says, and which
//! token the code gets.

use std::ops::ControlFlow;

use serde_json::Value;

use super::access::new_token;
use super::{Call, Service, Status};
use crate::PipelineRecord;
use spoutctl_core::pfs::Repo;

/// A spout as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoutNow {
    pub record: PipelineRecord,
    /// How often it was started again since this service is there: a stop and a start may be over before anybody looks.
    pub starts: u64,
}

impl SpoutNow {
    /// Variables that the spec sets for the code.
    pub fn variables(&self) -> Vec<(String, String)> {
        let spec = self.spec();
        let set = spec["transform"]["env"].as_object().into_iter().flatten();
        set.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    /// Exit codes that count as 0, by the spec's `acceptReturnCode`.
    pub fn accepted_codes(&self) -> Vec<i64> {
        let spec = self.spec();
        let accepted = spec["transform"]["acceptReturnCode"].as_array().into_iter().flatten();
        // A 64-bit number is text in JSON of Protocol Buffers.
        let number = |code: &Value| code.as_i64().or_else(|| code.as_str()?.parse().ok());
        accepted.filter_map(number).collect()
    }

    fn spec(&self) -> Value {
        serde_json::from_str(&self.record.effective).unwrap_or_default()
    }
}

impl Service {
    /// A pipeline that was stopped runs again.
    pub(super) fn has_started(&self, name: &Repo) {
        let mut starts = self.starts.0.lock();
        *starts.entry(name.to_string()).or_default() += 1;
        drop(starts);
        self.changes.tell();
    }

    fn starts_of(&self, name: &Repo) -> u64 {
        let starts = self.starts.0.lock();
        starts.get(&name.to_string()).copied().unwrap_or_default()
    }

    /// Shows the spout, and again whenever it has changed; `None` while it is not there. Ends when the service does, or
    /// when `show` breaks off.
    pub fn follow_spout(&self, name: &Repo, show: &mut dyn FnMut(Option<SpoutNow>) -> ControlFlow<()>) {
        let nobody = Call::default();
        let mut shown = None;
        loop {
            let seen = self.changes.number();
            // What the disk minds for a moment is looked at again.
            if let Ok(record) = self.store.find_pipeline(name) {
                let starts = self.starts_of(name);
                let now = record.map(|record| SpoutNow { record, starts });
                if shown.as_ref() != Some(&now) {
                    if show(now.clone()).is_break() {
                        return;
                    }
                    shown = Some(now);
                }
            }
            if self.changes.wait(seen, &nobody).is_err() {
                return;
            }
        }
    }

    /// A token for a pipeline's own code, which may write the pipeline's repo; those that it had before are revoked.
    /// `None` where no tokens are asked for.
    pub fn token_for_code(&self, name: &Repo) -> Result<Option<String>, Status> {
        if !self.is_guarded() {
            return Ok(None);
        }
        let principal = format!("pipeline:{name}");
        let resource = format!("REPO {name}");
        let has_role = self.store.roles_on(&resource)?.contains_key(&principal);
        let (token, digest) = new_token();
        self.change(|work| {
            if !has_role {
                work.set_roles(&resource, &principal, ["repoWriter"])?;
            }
            work.revoke_tokens_of(&principal)?;
            work.add_token(&digest, &principal, None)
        })?;
        Ok(Some(token))
    }
}

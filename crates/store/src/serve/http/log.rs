//! One entry of the log a request: what was asked, of which repo and commit, what came of it and how long it took.
//!
//! An entry tells its observer when the last who holds it lets go: after the last byte of the answer, or when the
//! client has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::places::InProgress;

/// Hears of every request once it is over.
pub trait Observer: Send + Sync {
    fn answered(&self, request: &Answered);
}

/// A request that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The call's name, or the request line's method and path.
    pub method: String,
    /// `project/repo`, where the request names one.
    pub repo: Option<String>,
    /// The commit's or transaction's id, or the branch, where the request names one.
    pub commit: Option<String>,
    /// The status of HTTP; 0 when the client went before there was one.
    pub status: u16,
    /// What went wrong, if something did.
    pub error: Option<String>,
    /// Bytes of the request's body.
    pub received: u64,
    /// Bytes of the answer's body.
    pub sent: u64,
    pub took: Duration,
}

pub(super) struct Entry {
    observer: Arc<dyn Observer>,
    method: String,
    begun: Instant,
    status: AtomicU16,
    received: AtomicU64,
    sent: AtomicU64,
    told: Mutex<Told>,
    place: Mutex<Option<OwnedSemaphorePermit>>,
    _in_progress: InProgress,
}

#[derive(Default, Clone)]
struct Told {
    subject: Subject,
    error: Option<String>,
}

/// What a request is about.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    pub repo: Option<String>,
    pub commit: Option<String>,
}

impl Subject {
    /// Found by name, wherever in the request it stands: every message calls these things the same.
    pub fn of(request: &Value) -> Self {
        let mut subject = Self::default();
        subject.search(request);
        subject
    }

    fn search(&mut self, value: &Value) {
        let Value::Object(fields) = value else { return };
        for (name, value) in fields {
            match name.as_str() {
                "repo" => {
                    let project = value["project"]["name"]
                        .as_str()
                        .unwrap_or(spoutctl_core::pfs::DEFAULT_PROJECT);
                    if let (None, Some(name)) = (&self.repo, value["name"].as_str()) {
                        self.repo = Some(format!("{project}/{name}"));
                    }
                }
                "commit" | "commitSet" | "commit_set" | "transaction" => {
                    if let Some(id) = value["id"].as_str().filter(|id| !id.is_empty()) {
                        self.commit = Some(id.to_owned());
                    }
                    self.search(value);
                }
                "branch" => {
                    if let (None, Some(name)) = (&self.commit, value["name"].as_str().or(value.as_str())) {
                        self.commit = Some(name.to_owned());
                    }
                    self.search(value);
                }
                _ => self.search(value),
            }
        }
    }
}

impl Entry {
    pub fn new(observer: Arc<dyn Observer>, method: String, in_progress: InProgress) -> Self {
        Self {
            observer,
            method,
            begun: Instant::now(),
            status: AtomicU16::new(0),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            told: Mutex::default(),
            place: Mutex::default(),
            _in_progress: in_progress,
        }
    }

    /// Keeps a place until the request is over.
    pub fn hold(&self, place: OwnedSemaphorePermit) {
        *self.place.lock() = Some(place);
    }

    pub fn about(&self, subject: Subject) {
        self.told.lock().subject = subject;
    }

    pub fn failed(&self, error: &str) {
        self.told.lock().error = Some(error.to_owned());
    }

    pub fn status(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    pub fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let told = self.told.lock().clone();
        self.observer.answered(&Answered {
            method: std::mem::take(&mut self.method),
            repo: told.subject.repo,
            commit: told.subject.commit,
            status: self.status.load(Ordering::Relaxed),
            error: told.error,
            received: self.received.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            took: self.begun.elapsed(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::json;

    #[test]
    fn what_a_request_is_about_is_found_in_every_message() {
        let repo = json!({"name": "events", "type": "user", "project": {"name": "p"}});
        let about = |request: &Value| {
            let Subject { repo, commit } = Subject::of(request);
            (repo.unwrap_or_default(), commit.unwrap_or_default())
        };
        let events = |commit: &str| ("p/events".to_owned(), commit.to_owned());
        assert_eq!(about(&json!({"repo": repo})), events(""));
        assert_eq!(
            about(&json!({"branch": {"repo": repo, "name": "live"}})),
            events("live")
        );
        let commit = json!({"repo": repo, "id": "c1", "branch": {"repo": repo, "name": "live"}});
        assert_eq!(about(&json!({"commit": commit})), events("c1"));
        assert_eq!(about(&json!({"file": {"commit": commit, "path": "/a"}})), events("c1"));
        assert_eq!(
            about(&json!({"commitSet": {"id": "c2"}})),
            (String::new(), "c2".to_owned())
        );
        assert_eq!(about(&json!({"repo": repo, "branch": "live"})), events("live"));
    }
}

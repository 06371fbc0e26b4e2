//! A build without OpenTelemetry.

use std::sync::Arc;

use super::endpoints::ENDPOINTS;
use super::trace::CommitTrace;
use crate::metrics::MetricsSource;
use crate::terminal::Terminal;

/// There is none.
#[derive(Debug)]
pub enum Otlp {}

impl Otlp {
    /// Where a collector is named, `--verbose` says that nothing goes there: many pods have one for what else runs in
    /// them.
    pub fn from_environment(terminal: &Arc<Terminal>) -> Option<Arc<Self>> {
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if let Some(name) = ENDPOINTS.iter().find(|name| is_set(name)) {
            terminal.detail(&format!(
                "{name} is set, and nothing is sent there: this spoutctl was built without the feature otlp"
            ));
        }
        None
    }

    pub fn send_figures(&self, _: Arc<dyn MetricsSource>) {
        match *self {}
    }

    pub fn trace(&self, _: CommitTrace) {
        match *self {}
    }

    pub fn end(&self) {
        match *self {}
    }
}

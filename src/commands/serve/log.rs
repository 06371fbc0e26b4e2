//! What `serve` writes on standard error while it works: a line a request, and the lines of a spout's code.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::container::Lines;
use crate::terminal::Terminal;
use spoutctl_core::fault::printable;
use spoutctl_core::pfs::Repo;
use spoutctl_core::quantity::{Size, elapsed};
use spoutctl_store::serve::http::{Answered, Observer};

/// A line a request on standard error.
pub(super) struct Log {
    pub terminal: Arc<Terminal>,
    pub json: bool,
}

impl Log {
    /// Takes the lines of a spout's code, which are shown as they are, whatever else is.
    pub fn lines_of(&self, spout: &Repo) -> Arc<Lines> {
        let (terminal, json) = (Arc::clone(&self.terminal), self.json);
        let (pipeline, name) = (spout.to_string(), spout.name.to_string());
        Arc::new(move |stream, text| {
            let line = if json {
                let line = serde_json::json!({
                    "time": Timestamp::now(),
                    "pipeline": pipeline,
                    "stream": stream,
                    "message": text,
                });
                line.to_string()
            } else {
                format!("{name} | {text}")
            };
            terminal.error_line(&line);
        })
    }
}

impl Observer for Log {
    fn answered(&self, request: &Answered) {
        let line = if self.json { json_line(request) } else { line(request) };
        self.terminal.status(&line);
    }
}

fn line(request: &Answered) -> String {
    let mut line = printable(&request.method);
    for (sign, text) in [(" ", &request.repo), ("@", &request.commit)] {
        if let Some(text) = text {
            let sign = if request.repo.is_none() { " " } else { sign };
            let _ = write!(line, "{sign}{}", printable(text));
        }
    }
    match request.status {
        // The client went before there was one.
        0 => line.push_str("   no answer"),
        status => {
            let _ = write!(line, "   {status}");
        }
    }
    let _ = write!(line, "   {} in, {} out", Size(request.received), Size(request.sent));
    let _ = if request.took < Duration::from_secs(1) {
        write!(line, "   {} ms", request.took.as_millis())
    } else {
        write!(line, "   {}", elapsed(request.took))
    };
    if let Some(error) = &request.error {
        let _ = write!(line, "   {}", printable(error).replace('\n', "; "));
    }
    line
}

fn json_line(request: &Answered) -> String {
    serde_json::json!({
        "time": Timestamp::now(),
        "method": request.method,
        "repo": request.repo,
        "commit": request.commit,
        "status": request.status,
        "error": request.error,
        "bytesIn": request.received,
        "bytesOut": request.sent,
        "milliseconds": u64::try_from(request.took.as_millis()).unwrap_or(u64::MAX),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered() -> Answered {
        Answered {
            method: "StartCommit".to_owned(),
            repo: Some("default/events".to_owned()),
            commit: Some("master".to_owned()),
            status: 500,
            error: Some("a\u{1b}[31m\nb".to_owned()),
            received: 120,
            sent: 2_000,
            took: Duration::from_millis(7),
        }
    }

    #[test]
    fn a_request_is_one_line_without_control_characters() {
        let text = line(&answered());
        assert!(text.starts_with("StartCommit default/events@master   500   "), "{text}");
        assert!(text.contains("7 ms") && !text.chars().any(char::is_control), "{text}");
        let json = json_line(&answered());
        assert!(!json.contains('\n'), "{json}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&read["status"], &read["bytesIn"]), (&500.into(), &120.into()));
    }
}

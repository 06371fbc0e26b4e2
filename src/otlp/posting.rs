//! A request to a collector. Where one fails that is said once, for both signals: it is nobody's fault that archives
//! depend on.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use pachyderm_client::connection::proxy::{Proxy, Traffic};
use pachyderm_client::connection::tls;
use parking_lot::Mutex;
use reqwest::blocking::Client;
use reqwest::redirect::Policy;

use super::environment::Target;
use crate::terminal::Terminal;

/// Says once that a collector does not take what is sent.
pub(super) struct Complaint {
    pub terminal: Arc<Terminal>,
    pub is_said: AtomicBool,
}

impl Complaint {
    pub fn say(&self, place: &str, what: &str) {
        if !self.is_said.swap(true, Ordering::Relaxed) {
            self.terminal.note(&format!(
                "the OpenTelemetry collector at {place} {what}; commits go on, and this is said once"
            ));
        }
    }
}

/// Who sends a signal.
pub(super) struct Posting {
    client: Client,
    place: String,
    complaint: Arc<Complaint>,
    /// What goes instead of what the exporter has made, if anything does.
    pub body: Arc<Mutex<Option<Bytes>>>,
}

impl fmt::Debug for Posting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Posting({})", self.place)
    }
}

impl Posting {
    /// # Errors
    /// When no connection could be made: why.
    pub fn new(target: &Target, complaint: Arc<Complaint>) -> Result<Self, String> {
        let tls = tls::client(&target.trust, b"http/1.1").map_err(|error| error.to_string())?;
        let mut client = Client::builder()
            .user_agent(concat!("spoutctl/", env!("CARGO_PKG_VERSION")))
            .timeout(target.timeout)
            .tls_backend_preconfigured(tls)
            // A header may be a secret, which is for this place alone.
            .redirect(Policy::none())
            .no_proxy();
        let host = target.url.host_str().unwrap_or_default();
        let port = target.url.port_or_known_default().unwrap_or_default();
        let traffic = match target.url.scheme() {
            "https" => Traffic::Tunnel,
            _ => Traffic::Http,
        };
        let variable = |name: &str| std::env::var(name).ok();
        if let Some(proxy) = Proxy::find(host, port, traffic, &variable).map_err(|error| error.to_string())? {
            client = client.proxy(proxy.for_http_client().map_err(|error| innermost(&error))?);
        }
        Ok(Self {
            client: client.build().map_err(|error| innermost(&error))?,
            place: target.place.clone(),
            complaint,
            body: Arc::default(),
        })
    }
}

#[async_trait]
impl HttpClient for Posting {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        if let Some(body) = &*self.body.lock() {
            *request.body_mut() = body.clone();
        }
        let answer = self.client.send_bytes(request).await;
        match &answer {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => self.complaint.say(&self.place, &format!("answers {}", answer.status())),
            Err(error) => {
                let why = innermost(error.as_ref());
                self.complaint.say(&self.place, &format!("cannot be reached: {why}"));
            }
        }
        answer
    }
}

/// Without the URL, which may hold a secret.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

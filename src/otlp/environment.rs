//! What the variables of OpenTelemetry say. Where a signal goes, by which headers and attributes, its library reads
//! itself; here is what it leaves to the program: whether anything is sent at all, and over which connection.

use std::path::Path;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use pachyderm_client::connection::tls::{Authorities, Trust};
use reqwest::Url;
use spoutctl_core::named_file;

use super::endpoints::ENDPOINTS;

/// One of the two things that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Metrics,
}

impl Signal {
    /// What it is called in names of variables.
    fn word(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
        }
    }
}

/// Where a signal goes.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub url: Url,
    /// `HOST:PORT`, for messages: a URL may hold a secret.
    pub place: String,
    pub timeout: Duration,
    pub trust: Trust,
}

/// The environment: what a variable is set to, if it is to anything.
pub(super) struct Environment<'a>(pub &'a dyn Fn(&str) -> Option<String>);

impl Environment<'_> {
    fn set(&self, name: &str) -> Option<String> {
        (self.0)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// What the signal's own variable says, or the one for both; and which of them it was.
    fn of(&self, signal: Signal, what: &str) -> Option<(String, String)> {
        let own = format!("OTEL_EXPORTER_OTLP_{}_{what}", signal.word());
        let names = [own, format!("OTEL_EXPORTER_OTLP_{what}")];
        names.into_iter().find_map(|name| Some((self.set(&name)?, name)))
    }

    pub fn names_none(&self) -> bool {
        ENDPOINTS.iter().all(|name| self.set(name).is_none())
    }

    pub fn is_disabled(&self) -> bool {
        let value = self.set("OTEL_SDK_DISABLED");
        value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub fn metric_interval(&self) -> Duration {
        let milliseconds = self
            .set("OTEL_METRIC_EXPORT_INTERVAL")
            .and_then(|text| text.parse().ok());
        Duration::from_millis(milliseconds.filter(|number| *number > 0).unwrap_or(60_000))
    }

    /// Where the signal is to go; `None` where nobody asks for it.
    ///
    /// # Errors
    /// When it cannot go there: the variable, and why. What it is set to is not told.
    pub fn target(&self, signal: Signal) -> Result<Option<Target>, String> {
        let exporter = self.set(&format!("OTEL_{}_EXPORTER", signal.word()));
        if exporter.is_some_and(|exporters| exporters.split(',').all(|one| one.trim() != "otlp")) {
            return Ok(None);
        }
        let Some((endpoint, name)) = self.of(signal, "ENDPOINT") else {
            return Ok(None);
        };
        if let Some((protocol, name)) = self.of(signal, "PROTOCOL")
            && !protocol.eq_ignore_ascii_case("http/protobuf")
        {
            return Err(format!(
                "{name} is {}, and spoutctl speaks http/protobuf, at a port of its own (4318)",
                protocol.escape_debug()
            ));
        }
        let url = Url::parse(&endpoint)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some((url, host)) = url.and_then(|url| Some((url.clone(), url.host_str()?.to_owned()))) else {
            return Err(format!("{name} is no URL that begins with http:// or https://"));
        };
        let timeout = self.of(signal, "TIMEOUT").and_then(|(text, _)| text.parse().ok());
        Ok(Some(Target {
            place: format!("{host}:{}", url.port_or_known_default().unwrap_or_default()),
            timeout: Duration::from_millis(timeout.unwrap_or(10_000)),
            trust: self.trust(signal, &url)?,
            url,
        }))
    }

    fn trust(&self, signal: Signal, url: &Url) -> Result<Trust, String> {
        if url.scheme() == "http" {
            return Ok(Trust::Nobody);
        }
        let Some((file, name)) = self.of(signal, "CERTIFICATE") else {
            return Ok(Trust::System);
        };
        let unusable = |why: String| format!("{name}: {file} cannot be used: {why}");
        let pem = named_file::read(Path::new(&file), 1 << 20).map_err(|error| unusable(error.to_string()))?;
        let authorities = Authorities::from_pem(&pem).map_err(|error| unusable(error.to_string()))?;
        Ok(Trust::Given(authorities))
    }
}

/// As whom it is sent: what the variables say, and what they do not say of this program.
pub(super) fn resource() -> Resource {
    let said = Resource::builder().build();
    let text = |name: &'static str| said.get(&name.into()).map(|value| value.to_string());
    let mut more = Vec::new();
    // What the library makes up for who has no name.
    if text("service.name").is_none_or(|name| name.starts_with("unknown_service")) {
        more.push(KeyValue::new("service.name", "spoutctl"));
    }
    if text("service.version").is_none() {
        more.push(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    }
    if text("service.instance.id").is_none() {
        more.push(KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()));
    }
    Resource::builder().with_attributes(more).build()
}

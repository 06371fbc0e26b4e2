//! The figures as text, in the two formats that are asked for: `OpenMetrics` 1.0, which Prometheus prefers, and the
//! older one of Prometheus, which everything else takes (`promtool check metrics`, older agents, a person with curl).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::figures::{self, MetricsSource};
use super::gauges::unix;

const PREFIX: &str = "spoutctl";

/// How the figures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    OpenMetrics,
    Prometheus,
}

impl Format {
    /// What is answered to an `Accept` of HTTP: `OpenMetrics` to who asks for it.
    pub fn of(accept: &str) -> Self {
        if accept.to_ascii_lowercase().contains("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

pub struct Exposition {
    registry: Registry,
}

impl Exposition {
    pub fn new(source: Arc<dyn MetricsSource>) -> Self {
        let mut registry = Registry::default();
        let started: Gauge<f64, AtomicU64> = Gauge::default();
        started.set(unix(SystemTime::now()));
        // Every exporter has this one under this name.
        registry.register(
            "process_start_time_seconds",
            "When the process was started, in Unix time",
            started,
        );
        let build = Info::new(vec![
            ("version", env!("CARGO_PKG_VERSION")),
            ("os", std::env::consts::OS),
            ("arch", std::env::consts::ARCH),
        ]);
        let own = registry.sub_registry_with_prefix(PREFIX);
        own.register("build", "What runs", build);
        own.register_collector(Box::new(FiguresCollector(source)));
        Self { registry }
    }

    pub fn text(&self, format: Format) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(match format {
            Format::OpenMetrics => text,
            Format::Prometheus => older(&text),
        })
    }
}

/// The same as it was written before `OpenMetrics`, which took `_total` and `_info` from the names of families.
fn older(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            // Its name is known when its type is.
            help = rest.split_once(' ').map(|(_, help)| help);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            if let Some(help) = help.take() {
                lines += &format!("# HELP {name}{suffix} {help}\n");
            }
            lines += &format!("# TYPE {name}{suffix} {kind}\n");
        } else if !line.starts_with('#') {
            lines.push_str(line);
            lines.push('\n');
        }
    }
    lines
}

/// Asks the source whenever somebody asks for the figures.
struct FiguresCollector(Arc<dyn MetricsSource>);

impl fmt::Debug for FiguresCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FiguresCollector")
    }
}

impl Collector for FiguresCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        figures::encode(&self.0.series(), &mut encoder)
    }
}

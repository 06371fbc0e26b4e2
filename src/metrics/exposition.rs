//! The figures as text, in the two formats that are asked for: `OpenMetrics` 1.0, which Prometheus prefers, and the
//! older one of Prometheus, which everything else takes (`promtool check metrics`, older agents, a person with curl).

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::family::{Point, Value};
use super::figures::{self, MetricsSource};
use super::lags::Distribution;

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
        registry.register_collector(Box::new(FiguresCollector(source)));
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
        for family in figures::families(&self.0.series()) {
            let Some(first) = family.points.first() else { continue };
            let kind = match first.value {
                Value::Counter(_) => MetricType::Counter,
                Value::Gauge(_) | Value::Fraction(_) => MetricType::Gauge,
                Value::Histogram(_) => MetricType::Histogram,
                Value::Info => MetricType::Info,
            };
            // The encoder puts the unit behind the name itself.
            let (name, unit) = match (kind, family.name.strip_suffix("_seconds")) {
                (MetricType::Histogram, Some(name)) => (name, Some(&Unit::Seconds)),
                _ => (family.name, None),
            };
            let mut metric = encoder.encode_descriptor(name, family.help, unit, kind)?;
            for Point { labels, value, .. } in &family.points {
                point(&mut metric, labels, value)?;
            }
        }
        Ok(())
    }
}

fn point(metric: &mut MetricEncoder<'_>, labels: &[(&str, String)], value: &Value) -> fmt::Result {
    match value {
        Value::Info => metric.encode_info(&labels),
        // No braces without labels.
        value if labels.is_empty() => number(metric, value),
        value => number(&mut metric.encode_family(&labels)?, value),
    }
}

fn number(metric: &mut MetricEncoder<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Counter(value) => metric.encode_counter::<NoLabelSet, _, u64>(value, None),
        Value::Gauge(value) => metric.encode_gauge(value),
        Value::Fraction(value) => metric.encode_gauge(value),
        Value::Histogram(told) => {
            let bounds = Distribution::bounds().chain([f64::INFINITY]);
            let buckets: Vec<_> = bounds.zip(told.counts).collect();
            metric.encode_histogram::<NoLabelSet>(told.sum, told.count(), &buckets, None)
        }
        Value::Info => Ok(()),
    }
}

//! Figures in OpenTelemetry's words. A collector that hands them on to Prometheus gives them the names that our own
//! page has: it puts an underscore for a dot, and adds the unit, and `_total` to what only grows.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;

use crate::metrics::{Distribution, Family, Point, Value, whole};

/// All figures as they are now.
pub(super) fn of(families: &[Family], from: &opentelemetry_sdk::Resource) -> ExportMetricsServiceRequest {
    let now = SystemTime::now();
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource {
                attributes: ResourceAttributesWithSchema::from(from).attributes.0,
                ..Resource::default()
            }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(InstrumentationScope {
                    name: "spoutctl".to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    ..InstrumentationScope::default()
                }),
                metrics: families.iter().filter_map(|family| metric(family, now)).collect(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

/// `None` where there is nothing of it.
fn metric(family: &Family, now: SystemTime) -> Option<Metric> {
    let (name, unit) = named(family.name);
    let points = || family.points.iter().map(|point| number(point, now)).collect();
    let temporality = AggregationTemporality::Cumulative.into();
    let (suffix, data) = match family.points.first()?.value {
        Value::Counter(_) => {
            let sum = Sum {
                data_points: points(),
                aggregation_temporality: temporality,
                is_monotonic: true,
            };
            ("", Data::Sum(sum))
        }
        Value::Histogram(_) => {
            let histogram = Histogram {
                data_points: family.points.iter().filter_map(|point| histogram(point, now)).collect(),
                aggregation_temporality: temporality,
            };
            ("", Data::Histogram(histogram))
        }
        Value::Gauge(_) | Value::Fraction(_) => ("", Data::Gauge(Gauge { data_points: points() })),
        Value::Info => ("_info", Data::Gauge(Gauge { data_points: points() })),
    };
    Some(Metric {
        name: name + suffix,
        description: family.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

/// The name without its unit, and the unit.
fn named(name: &str) -> (String, &'static str) {
    let units = [("_seconds", "s"), ("_bytes", "By")];
    let with_unit = units
        .iter()
        .find_map(|(end, unit)| Some((name.strip_suffix(end)?, *unit)));
    let (name, unit) = with_unit.unwrap_or((name, ""));
    (name.replacen('_', ".", 1), unit)
}

fn number(point: &Point, now: SystemTime) -> NumberDataPoint {
    let value = match point.value {
        Value::Counter(count) => Number::AsInt(whole(count)),
        Value::Gauge(value) => Number::AsInt(value),
        Value::Fraction(value) => Number::AsDouble(value),
        Value::Info | Value::Histogram(_) => Number::AsInt(1),
    };
    NumberDataPoint {
        attributes: attributes(point),
        start_time_unix_nano: nanoseconds(point.since),
        time_unix_nano: nanoseconds(now),
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn histogram(point: &Point, now: SystemTime) -> Option<HistogramDataPoint> {
    let Value::Histogram(told) = &point.value else {
        return None;
    };
    Some(HistogramDataPoint {
        attributes: attributes(point),
        start_time_unix_nano: nanoseconds(point.since),
        time_unix_nano: nanoseconds(now),
        count: told.count(),
        sum: Some(told.sum),
        bucket_counts: told.counts.to_vec(),
        explicit_bounds: Distribution::bounds().collect(),
        ..HistogramDataPoint::default()
    })
}

fn attributes(point: &Point) -> Vec<KeyValue> {
    let attribute = |(name, value): &(&str, String)| KeyValue {
        key: (*name).to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.clone())),
        }),
        ..KeyValue::default()
    };
    point.labels.iter().map(attribute).collect()
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

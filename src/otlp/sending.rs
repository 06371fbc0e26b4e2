//! What runs: traces in the library's queue, figures at their turns.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use opentelemetry::trace::{Span as _, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_http::Bytes;
use opentelemetry_otlp::{
    MetricExporter, Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use parking_lot::Mutex;
use prost::Message as _;

use super::environment::{Environment, Signal, Target, resource};
use super::posting::{Complaint, Posting};
use super::request;
use super::trace::{Attribute, CommitTrace};
use crate::metrics::{self, MetricsSource};
use crate::terminal::Terminal;

/// How long the end waits for a collector.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// What is sent from this process.
pub struct Otlp {
    traces: Option<SdkTracerProvider>,
    figures: Mutex<Figures>,
    complaint: Arc<Complaint>,
    /// Where it goes, for messages.
    place: String,
}

/// How it stands with the figures.
enum Figures {
    Nothing,
    /// They are sent once there are some.
    Ready(Box<Turns>),
    Sent(Sending),
}

/// When and how figures are sent.
struct Turns {
    exporter: MetricExporter,
    body: Arc<Mutex<Option<Bytes>>>,
    resource: Resource,
    every: Duration,
}

/// A thread that sends figures.
struct Sending {
    /// Dropped, it sends them once more, and ends.
    ends: Sender<()>,
    /// Closed when it has ended.
    ended: Receiver<()>,
}

impl Otlp {
    /// What the environment asks for; `None` where it names no collector. What it says wrongly is told, and nothing is
    /// sent then.
    pub fn from_environment(terminal: &Arc<Terminal>) -> Option<Arc<Self>> {
        let environment = Environment(&|name| std::env::var(name).ok());
        if environment.names_none() || environment.is_disabled() {
            return None;
        }
        let resource = resource();
        let complaint = Arc::new(Complaint {
            terminal: Arc::clone(terminal),
            is_said: AtomicBool::new(false),
        });
        let traces = environment.target(Signal::Traces).and_then(|target| {
            let begun = target.map(|target| Ok((tracing(&target, &complaint, &resource)?, target.place)));
            begun.transpose()
        });
        let every = environment.metric_interval();
        let figures = environment.target(Signal::Metrics).and_then(|target| {
            let begun = target.map(|target| Ok((turns(&target, &complaint, &resource, every)?, target.place)));
            begun.transpose()
        });
        let wrong = [("traces", traces.as_ref().err()), ("figures", figures.as_ref().err())];
        match wrong {
            [(_, Some(why)), (_, Some(other))] if why == other => {
                terminal.note(&format!("nothing is sent to an OpenTelemetry collector: {why}"));
            }
            each => {
                for (what, why) in each.into_iter().filter_map(|(what, why)| Some((what, why?))) {
                    terminal.note(&format!("no {what} are sent to an OpenTelemetry collector: {why}"));
                }
            }
        }
        let (traces, figures) = (traces.ok().flatten(), figures.ok().flatten());
        let place = match (&traces, &figures) {
            (Some((_, place)), _) | (None, Some((_, place))) => place.clone(),
            (None, None) => return None,
        };
        terminal.detail(&format!("OpenTelemetry: sent to {place}"));
        Some(Arc::new(Self {
            traces: traces.map(|(provider, _)| provider),
            figures: Mutex::new(figures.map_or(Figures::Nothing, |(turns, _)| Figures::Ready(Box::new(turns)))),
            complaint,
            place,
        }))
    }

    /// Sends these figures from now on, every so often, and at the end.
    pub fn send_figures(&self, source: Arc<dyn MetricsSource>) {
        metrics::started();
        let mut figures = self.figures.lock();
        if let Figures::Ready(turns) = std::mem::replace(&mut *figures, Figures::Nothing) {
            *figures = Figures::Sent(turns.begin(source));
        }
    }

    /// Has a trace sent; where too many wait, it is dropped.
    pub fn trace(&self, trace: CommitTrace) {
        let Some(provider) = &self.traces else { return };
        let tracer = provider.tracer("spoutctl");
        let begun = trace.steps.iter().map(|step| step.begun).min();
        let attributes = trace
            .attributes
            .into_iter()
            .map(|(name, value)| KeyValue::new(name, Value::from(value)));
        let commit = tracer
            .span_builder("commit")
            .with_start_time(begun.unwrap_or(trace.ended))
            .with_attributes(attributes);
        let commit = Context::new().with_span(commit.start_with_context(&tracer, &Context::new()));
        for step in trace.steps {
            let span = tracer.span_builder(step.name).with_start_time(step.begun);
            let mut span = span.start_with_context(&tracer, &commit);
            span.end_with_timestamp(step.ended);
        }
        if let Some(error) = trace.error {
            commit.span().set_status(Status::error(error));
        }
        commit.span().end_with_timestamp(trace.ended);
    }

    /// Sends what waits, and the figures as they are at the end, as far as that takes no longer than 2 s.
    pub fn end(&self) {
        let latest = Instant::now() + ENDS_WITHIN;
        let sent = std::mem::replace(&mut *self.figures.lock(), Figures::Nothing);
        let ended = match sent {
            Figures::Sent(Sending { ends, ended }) => {
                drop(ends);
                Some(ended)
            }
            Figures::Nothing | Figures::Ready(_) => None,
        };
        let traces = self
            .traces
            .as_ref()
            .map(|provider| provider.shutdown_with_timeout(ENDS_WITHIN));
        let is_late = ended.is_some_and(|ended| ended.recv_deadline(latest) == Err(RecvTimeoutError::Timeout));
        if is_late || matches!(traces, Some(Err(_))) {
            self.complaint.say(&self.place, "has not taken everything within 2 s");
        }
    }
}

/// What makes spans of traces, and sends them.
fn tracing(target: &Target, complaint: &Arc<Complaint>, resource: &Resource) -> Result<SdkTracerProvider, String> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(target.timeout)
        .with_http_client(Posting::new(target, Arc::clone(complaint))?);
    let exporter = exporter.build().map_err(|_| cannot_be_meant())?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.clone())
        .build())
}

fn turns(target: &Target, complaint: &Arc<Complaint>, resource: &Resource, every: Duration) -> Result<Turns, String> {
    let posting = Posting::new(target, Arc::clone(complaint))?;
    let body = Arc::clone(&posting.body);
    let exporter = MetricExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(target.timeout)
        // The next turn has the same figures, and newer ones.
        .with_retry_policy(RetryPolicy::disabled())
        .with_http_client(posting);
    Ok(Turns {
        exporter: exporter.build().map_err(|_| cannot_be_meant())?,
        body,
        resource: resource.clone(),
        every,
    })
}

/// The library's own words may hold a secret.
fn cannot_be_meant() -> String {
    "what OTEL_EXPORTER_OTLP_… says cannot be meant".to_owned()
}

impl Turns {
    fn begin(self, source: Arc<dyn MetricsSource>) -> Sending {
        let (ends, to_end) = bounded::<()>(0);
        let (here, ended) = bounded(0);
        std::thread::spawn(move || {
            let _here: Sender<()> = here;
            while to_end.recv_timeout(self.every) == Err(RecvTimeoutError::Timeout) {
                self.send(source.as_ref());
            }
            self.send(source.as_ref());
        });
        Sending { ends, ended }
    }

    /// The library's exporter knows where to, by which headers and for how long. It takes figures only from counters of
    /// the library's own, and ours are counted already: so they are put into the request that it makes.
    fn send(&self, source: &dyn MetricsSource) {
        let families = metrics::families(&source.series());
        let request = request::of(&families, &self.resource);
        *self.body.lock() = Some(request.encode_to_vec().into());
        // What fails was said.
        let _ = futures_executor::block_on(self.exporter.export(&ResourceMetrics::default()));
    }
}

impl From<Attribute> for Value {
    fn from(attribute: Attribute) -> Self {
        match attribute {
            Attribute::Text(text) => text.into(),
            Attribute::Number(number) => metrics::whole(number).into(),
        }
    }
}

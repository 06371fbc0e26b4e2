//! The figures of a running `put`, as text that Prometheus reads: `GET /metrics` in HTTP/1.1.
//!
//! It knows nothing of archives and commits but their numbers; whoever runs it says them when it asks.
//!
//! Bounds: 16 connections, a head within 10 s, an answer of a few kilobytes.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::Semaphore;

const MOST_CONNECTIONS: usize = 16;
const HEAD_WITHIN: Duration = Duration::from_secs(10);
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Of the input.
    pub read_bytes: u64,
    /// In archives that are done.
    pub messages: u64,
    pub archives: u64,
    pub commits: u64,
    pub already: u64,
    pub quarantined: u64,
    pub skipped: u64,
    pub messages_set_aside: u64,
    pub messages_skipped: u64,
    /// Of the files in commits.
    pub bytes: u64,
    pub retries: u64,
    /// Archives that are read and not done.
    pub in_hand: u64,
}

/// Whoever counts.
pub trait Source: Send + Sync + 'static {
    fn figures(&self) -> Figures;
}

/// How long archives took, from 50 ms to half an hour and longer.
#[derive(Debug, Clone)]
pub struct Lags(Histogram);

impl Default for Lags {
    fn default() -> Self {
        Self(Histogram::new(exponential_buckets(0.05, 2.0, 16)))
    }
}

impl Lags {
    pub fn add(&self, lag: Duration) {
        self.0.observe(lag.as_secs_f64());
    }
}

/// Asks the source whenever somebody asks for the figures.
struct Asked(Arc<dyn Source>);

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

impl Collector for Asked {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = self.0.figures();
        let counters = [
            ("read_bytes", "Bytes of the input that were read", figures.read_bytes),
            ("messages", "Messages in archives that are done", figures.messages),
            (
                "archives",
                "Complete archives that were taken from the input",
                figures.archives,
            ),
            ("commits", "Commits that are finished and acknowledged", figures.commits),
            ("already", "Archives that an earlier run had committed", figures.already),
            ("quarantined", "Archives that were set aside", figures.quarantined),
            ("skipped", "Archives that were left out", figures.skipped),
            (
                "messages_set_aside",
                "Messages that were set aside",
                figures.messages_set_aside,
            ),
            (
                "messages_skipped",
                "Messages that were left out",
                figures.messages_skipped,
            ),
            ("committed_bytes", "Bytes of files in commits", figures.bytes),
            ("retries", "Calls that failed and were made again", figures.retries),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        let gauge = ConstGauge::new(i64::try_from(figures.in_hand).unwrap_or(i64::MAX));
        let metric = encoder.encode_descriptor(
            "in_hand_archives",
            "Archives that are read and not done",
            None,
            gauge.metric_type(),
        )?;
        gauge.encode(metric)
    }
}

fn registry(source: Arc<dyn Source>, lags: &Lags) -> Registry {
    let mut registry = Registry::with_prefix("spoutctl");
    registry.register_with_unit(
        "lag",
        "From an archive's first byte or message to its acknowledgement",
        Unit::Seconds,
        lags.0.clone(),
    );
    registry.register_collector(Box::new(Asked(source)));
    registry
}

/// Answers at `address` from now on, for as long as the process lives; the address that it became.
///
/// # Errors
/// When it cannot be listened at.
pub fn listen(address: SocketAddr, source: Arc<dyn Source>, lags: &Lags) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let registry = Arc::new(registry(source, lags));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        runtime.block_on(async {
            // It listens already, so this fails only without memory.
            if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                accept(&listener, &registry).await;
            }
        });
    })?;
    Ok(address)
}

async fn accept(listener: &tokio::net::TcpListener, registry: &Arc<Registry>) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, say: later there may be one.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let registry = Arc::clone(registry);
        tokio::spawn(async move {
            let answer = service_fn(move |request: Request<Incoming>| {
                let answer = answer(&request, &registry);
                async move { Ok::<_, Infallible>(answer) }
            });
            // What a client does wrong is its own affair.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_WITHIN)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), answer)
                .await;
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, registry: &Registry) -> Response<Full<Bytes>> {
    let (status, kind, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => {
            let mut text = String::new();
            match encode(&mut text, registry) {
                Ok(()) => (StatusCode::OK, TEXT, text),
                Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, "text/plain", error.to_string()),
            }
        }
        (&Method::GET | &Method::HEAD, _) => (StatusCode::NOT_FOUND, "text/plain", "it is at /metrics\n".to_owned()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", String::new()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    struct Fixed;

    impl Source for Fixed {
        fn figures(&self) -> Figures {
            Figures {
                messages: 7,
                in_hand: 2,
                ..Figures::default()
            }
        }
    }

    fn ask(address: SocketAddr, head: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{head} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn the_figures_are_there_for_whoever_asks() {
        let lags = Lags::default();
        let address = listen("127.0.0.1:0".parse().unwrap(), Arc::new(Fixed), &lags).unwrap();
        lags.add(Duration::from_millis(70));
        let answer = ask(address, "GET /metrics");
        for line in [
            "HTTP/1.1 200 OK",
            "# TYPE spoutctl_messages counter",
            "spoutctl_messages_total 7",
            "# TYPE spoutctl_in_hand_archives gauge",
            "spoutctl_in_hand_archives 2",
            "# TYPE spoutctl_lag_seconds histogram",
            "spoutctl_lag_seconds_bucket{le=\"0.05\"} 0",
            "spoutctl_lag_seconds_bucket{le=\"0.1\"} 1",
            "spoutctl_lag_seconds_count 1",
            "# EOF",
        ] {
            assert!(
                answer.lines().any(|found| found.trim() == line),
                "{line} is not in:\n{answer}"
            );
        }
        assert!(ask(address, "GET /").starts_with("HTTP/1.1 404"));
        assert!(ask(address, "POST /metrics").starts_with("HTTP/1.1 405"));
    }
}

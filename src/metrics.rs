//! The figures of a running `put`, or of several in one process, for whoever watches it, over HTTP/1.1: `GET /metrics`
//! as text that Prometheus reads, `/healthz` while the process is alive, and `/ready` while archives can become
//! commits.
//!
//! It knows nothing of archives and commits but their numbers; whoever runs it says them when it asks.
//!
//! Bounds: 16 connections, a head within 10 s, an answer of a few kilobytes, and of half a megabyte where 1,000
//! partitions of Kafka are read.

mod exposition;
mod family;
mod figures;
mod lags;
mod partitions;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

use exposition::{Exposition, Format};
pub use family::{Family, Point, Value, whole};
pub use figures::{Figures, Labels, MetricsSource, Series, Spooled, Totals, families, started};
pub use lags::{Distribution, Lags};
pub use partitions::Partition;

const MOST_CONNECTIONS: usize = 16;
const HEAD_WITHIN: Duration = Duration::from_secs(10);
const PLAIN: &str = "text/plain; charset=utf-8";

/// Answers at `address` from now on, for as long as the process lives; the address that it became.
///
/// # Errors
/// When it cannot be listened at.
pub fn listen(address: SocketAddr, source: Arc<dyn MetricsSource>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let answering = Arc::new(Answering {
        exposition: Exposition::new(Arc::clone(&source)),
        source,
    });
    started();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        runtime.block_on(async {
            // It listens already, so this fails only without memory.
            if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                accept(&listener, &answering).await;
            }
        });
    })?;
    Ok(address)
}

async fn accept(listener: &tokio::net::TcpListener, answering: &Arc<Answering>) {
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
        let answering = Arc::clone(answering);
        tokio::spawn(async move {
            let answer = service_fn(move |request: Request<Incoming>| {
                let answer = answering.answer(&request);
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

struct Answering {
    exposition: Exposition,
    source: Arc<dyn MetricsSource>,
}

impl Answering {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let (status, kind, text) = match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/metrics") => self.metrics(request),
            (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::OK, PLAIN, "alive\n".to_owned()),
            (&Method::GET | &Method::HEAD, "/ready") => self.ready(),
            (&Method::GET | &Method::HEAD, _) => {
                let text = "there are /metrics, /healthz and /ready\n".to_owned();
                (StatusCode::NOT_FOUND, PLAIN, text)
            }
            _ => (StatusCode::METHOD_NOT_ALLOWED, PLAIN, String::new()),
        };
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }

    fn metrics(&self, request: &Request<Incoming>) -> (StatusCode, &'static str, String) {
        let accepts = request.headers().get_all(ACCEPT).iter();
        let accepts: Vec<&str> = accepts.filter_map(|value| value.to_str().ok()).collect();
        let format = Format::of(&accepts.join(","));
        match self.exposition.text(format) {
            Ok(text) => (StatusCode::OK, format.content_type(), text),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, PLAIN, error.to_string()),
        }
    }

    fn ready(&self) -> (StatusCode, &'static str, String) {
        let hindrances = self.source.hindrances();
        if hindrances.is_empty() {
            return (StatusCode::OK, PLAIN, "ready\n".to_owned());
        }
        let lines = hindrances.iter().map(|hindrance| format!("{hindrance}\n"));
        (StatusCode::SERVICE_UNAVAILABLE, PLAIN, lines.collect())
    }
}

#[cfg(test)]
mod tests;

//! The proxy that does wrong does just that, and nothing else: HTTP/1.1 and HTTP/2 pass it unchanged.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::unfold;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::proxy::{Fault, Proxy, at_most, listen, refusal};
use crate::runner::PATIENCE;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A server that says the request's body again, piece by piece as it comes, then trailers; and keeps what it got.
struct Echo {
    runtime: Runtime,
    authority: String,
    got: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    fn start() -> Self {
        let (runtime, listener, address) = listen();
        let got = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&got);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let keep = Arc::clone(&keep);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let keep = Arc::clone(&keep);
                        echo(request, keep)
                    });
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            runtime,
            authority: address.to_string(),
            got,
        }
    }

    /// The bodies that came to their end.
    fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }

    fn wait_for(&self, got: &[&str]) {
        let begun = Instant::now();
        while self.got() != got {
            assert!(begun.elapsed() < PATIENCE, "{:?} came, not {got:?}", self.got());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Answers once the request has come to its end; `Stream` does piece by piece.
async fn echo(request: Request<Incoming>, keep: Arc<Mutex<Vec<String>>>) -> Result<Response<Body>, hyper::Error> {
    let streams = request.uri().path().ends_with("/Stream");
    let trailers = (request.version() == Version::HTTP_2).then(|| {
        let status = HeaderValue::from_static("0");
        Frame::trailers(HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), status)]))
    });
    let asked = request.headers().get("asked").cloned();
    let body = if streams {
        request.into_body().map_err(BoxError::from).boxed_unsync()
    } else {
        let bytes = request.into_body().collect().await?.to_bytes();
        keep.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        Full::new(bytes).map_err(BoxError::from).boxed_unsync()
    };
    let frames = unfold((body, trailers), |(mut body, mut trailers)| async {
        let frame = body.frame().await.or_else(|| trailers.take().map(Ok))?;
        Some((frame, (body, trailers)))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    if let Some(asked) = asked {
        response.headers_mut().insert("answered", asked);
    }
    Ok(response)
}

/// What a caller hears.
#[derive(Debug, PartialEq)]
struct Heard {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    trailers: Option<HeaderMap>,
}

/// One call over a connection of its own; `None` when it broke.
fn call(echo: &Echo, url: &str, name: &str, http_2: bool, body: &str) -> Option<Heard> {
    echo.runtime.block_on(async {
        let client = Client::builder(TokioExecutor::new()).http2_only(http_2).build_http();
        let mut request = Request::post(format!("{url}/pfs_v2.API/{name}")).header("asked", "this");
        if http_2 {
            request = request.header("content-type", "application/grpc");
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        let exchange = async {
            let (head, body) = client.request(request).await.ok()?.into_parts();
            Some((head, body.collect().await.ok()?))
        };
        let (head, whole) = timeout(Duration::from_secs(10), exchange).await.expect("an end")?;
        Some(Heard {
            status: head.status,
            headers: head.headers,
            trailers: whole.trailers().cloned(),
            body: String::from_utf8(whole.to_bytes().to_vec()).unwrap(),
        })
    })
}

const BOTH: [bool; 2] = [false, true];

#[test]
fn without_a_fault_a_call_passes_unchanged_with_headers_and_trailers() {
    for http_2 in BOTH {
        let echo = Echo::start();
        let proxy = Proxy::before(&echo.authority);
        let direct = call(&echo, &format!("http://{}", echo.authority), "Echo", http_2, "words").unwrap();
        let mut through = call(&echo, &proxy.url(), "Echo", http_2, "words").unwrap();
        assert_eq!(through.trailers.is_some(), http_2);
        // The second may differ.
        through.headers.insert("date", direct.headers["date"].clone());
        assert_eq!(through, direct);
        assert_eq!(proxy.calls("Echo"), 1);
    }
}

#[test]
fn both_directions_stream_at_once() {
    let echo = Echo::start();
    let proxy = Proxy::before(&echo.authority);
    echo.runtime.block_on(async {
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        let (sender, pieces) = mpsc::channel::<Bytes>(1);
        let body = StreamBody::new(unfold(pieces, |mut pieces| async {
            let piece = pieces.recv().await?;
            Some((Ok::<_, Infallible>(Frame::data(piece)), pieces))
        }));
        let request = Request::post(format!("{}/Stream", proxy.url()));
        let response = client.request(request.body(body.boxed_unsync()).unwrap());
        let mut answer = timeout(Duration::from_secs(10), response)
            .await
            .unwrap()
            .unwrap()
            .into_body();
        for piece in ["one", "two", "three"] {
            sender.send(Bytes::from(piece)).await.unwrap();
            let frame = timeout(Duration::from_secs(10), answer.frame()).await.unwrap();
            assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), piece);
        }
    });
}

#[test]
fn lost_late_and_doubled_calls_arrive_when_they_should() {
    for http_2 in BOTH {
        let echo = Echo::start();
        let proxy = Proxy::before(&echo.authority);
        let ask = |name: &str, body: &str| call(&echo, &proxy.url(), name, http_2, body).map(|heard| heard.body);
        proxy
            .at("Echo", 1, Fault::LoseAnswer)
            .at("Echo", 2, Fault::Unheard)
            .at("Echo", 3, Fault::Late(2))
            .at("Echo", 6, Fault::Twice(1))
            .at("Echo", 7, Fault::Late(usize::MAX));
        assert_eq!(ask("Echo", "1"), None);
        assert_eq!(ask("Echo", "2"), None);
        assert_eq!(ask("Echo", "3"), None);
        echo.wait_for(&["1"]);
        assert_eq!(ask("Echo", "4").as_deref(), Some("4"));
        echo.wait_for(&["1", "4"]);
        assert_eq!(ask("Echo", "5").as_deref(), Some("5"));
        echo.wait_for(&["1", "4", "5", "3"]);
        assert_eq!(ask("Echo", "6").as_deref(), Some("6"));
        assert_eq!(ask("Other", "7").as_deref(), Some("7"));
        assert_eq!(ask("Echo", "8"), None);
        proxy.deliver_late();
        echo.wait_for(&["1", "4", "5", "3", "6", "7", "6", "8"]);
    }
}

#[test]
fn a_call_that_is_held_arrives_though_its_caller_has_gone() {
    for http_2 in BOTH {
        let echo = Echo::start();
        let proxy = Proxy::before(&echo.authority);
        proxy.at("Echo", 1, Fault::Hold(Duration::from_millis(300)));
        echo.runtime.block_on(async {
            let client = Client::builder(TokioExecutor::new()).http2_only(http_2).build_http();
            let request = Request::post(format!("{}/Echo", proxy.url()));
            let request = request.body(Full::new(Bytes::from_static(b"1"))).unwrap();
            assert!(
                timeout(Duration::from_millis(100), client.request(request))
                    .await
                    .is_err()
            );
        });
        assert!(echo.got().is_empty());
        assert_eq!(call(&echo, &proxy.url(), "Echo", http_2, "2").unwrap().body, "2");
        proxy.wait_for(Proxy::ANY, 2);
        proxy.deliver_late();
        assert_eq!(echo.got(), ["2", "1"]);
    }
}

/// What came of an answer until it broke, or until nothing more came.
fn begin(echo: &Echo, url: &str, http_2: bool, body: &str) -> (String, bool) {
    echo.runtime.block_on(async {
        let client = Client::builder(TokioExecutor::new()).http2_only(http_2).build_http();
        let request = Request::post(format!("{url}/Echo"));
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        let mut answer = client.request(request).await.unwrap().into_body();
        let mut text = String::new();
        loop {
            match timeout(Duration::from_millis(300), answer.frame()).await {
                Err(_) => return (text, false),
                Ok(None | Some(Err(_))) => return (text, true),
                Ok(Some(Ok(frame))) => {
                    let data = frame.into_data().unwrap_or_default();
                    text.push_str(std::str::from_utf8(&data).unwrap());
                }
            }
        }
    })
}

#[test]
fn answers_are_cut_and_stalled_at_their_byte() {
    for http_2 in BOTH {
        let echo = Echo::start();
        let proxy = Proxy::before(&echo.authority);
        proxy
            .at("Echo", 1, Fault::CutAnswer(4))
            .at("Echo", 2, Fault::StallAnswer(4))
            .at("Echo", 3, Fault::CutAnswer(0));
        assert_eq!(begin(&echo, &proxy.url(), http_2, "answer"), ("answ".to_owned(), true));
        assert_eq!(begin(&echo, &proxy.url(), http_2, "answer"), ("answ".to_owned(), false));
        assert_eq!(begin(&echo, &proxy.url(), http_2, "answer"), (String::new(), true));
        assert_eq!(call(&echo, &proxy.url(), "Echo", http_2, "x").unwrap().body, "x");
        assert_eq!(proxy.met()[0], "Echo 1: answer cut after 4 bytes");
    }
}

#[test]
fn a_request_that_is_cut_is_never_whole() {
    for http_2 in BOTH {
        let echo = Echo::start();
        let proxy = Proxy::before(&echo.authority);
        proxy
            .at("Echo", 1, Fault::CutRequest(0))
            .at("Echo", 2, Fault::CutRequest(5))
            .at("Echo", 3, Fault::CutRequest(100));
        for _ in 0..3 {
            assert_eq!(call(&echo, &proxy.url(), "Echo", http_2, "request"), None);
        }
        echo.wait_for(&["request"]);
    }
}

#[test]
fn a_refusal_is_an_envoys_in_either_protocol() {
    let echo = Echo::start();
    let proxy = Proxy::before(&echo.authority);
    proxy.each("Echo", |nth| {
        [Fault::Answer(503, None), Fault::Answer(429, Some(7))]
            .into_iter()
            .nth(nth % 2)
    });
    let heard = call(&echo, &proxy.url(), "Echo", false, "x").unwrap();
    assert_eq!(
        (heard.status.as_u16(), &heard.headers["retry-after"]),
        (429, &HeaderValue::from(7))
    );
    assert_eq!(call(&echo, &proxy.url(), "Echo", false, "x").unwrap().status, 503);
    for code in ["8", "14"] {
        let heard = call(&echo, &proxy.url(), "Echo", true, "x").unwrap();
        assert_eq!(
            (heard.status.as_u16(), &heard.headers["grpc-status"]),
            (200, &HeaderValue::from_str(code).unwrap())
        );
        assert_eq!((heard.body.as_str(), heard.trailers), ("", None));
    }
    assert!(echo.got().is_empty());
    proxy.heal();
    assert_eq!(call(&echo, &proxy.url(), "Echo", true, "x").unwrap().body, "x");
}

#[test]
fn pachd_is_spoken_for_in_either_protocol_and_what_passes_is_heard() {
    let echo = Echo::start();
    let proxy = Proxy::before(&echo.authority);
    for nth in 1..=2 {
        proxy.at("Echo", nth, refusal(5, "100% gone"));
    }
    let heard = call(&echo, &proxy.url(), "Echo", false, "x").unwrap();
    let said: serde_json::Value = serde_json::from_str(&heard.body).unwrap();
    assert_eq!((heard.status.as_u16(), &said["message"]), (404, &"100% gone".into()));
    let heard = call(&echo, &proxy.url(), "Echo", true, "x").unwrap();
    let status = [&heard.headers["grpc-status"], &heard.headers["grpc-message"]];
    assert_eq!(status, ["5", "100%25 gone"]);
    assert!(echo.got().is_empty());
    let bodies = proxy.overhear("Echo");
    assert_eq!(call(&echo, &proxy.url(), "Echo", true, "y").unwrap().body, "y");
    assert_eq!(bodies.try_recv().unwrap(), "y");
    proxy.at("Echo", 4, at_most(3)).at("Echo", 5, at_most(3));
    assert_eq!(call(&echo, &proxy.url(), "Echo", false, "four").unwrap().status, 413);
    assert_eq!(call(&echo, &proxy.url(), "Echo", false, "for").unwrap().body, "for");
}

#[test]
fn silent_connections_are_cut_and_busy_ones_are_not() {
    for http_2 in BOTH {
        let echo = Echo::start();
        let proxy = Proxy::before(&echo.authority);
        proxy.cut_silent(Duration::from_millis(100)).at("Echo", 1, Fault::Stall);
        let begun = Instant::now();
        assert_eq!(call(&echo, &proxy.url(), "Echo", http_2, "x"), None);
        assert!(begun.elapsed() >= Duration::from_millis(100));
        // On a busy machine an answer may take longer than that.
        proxy.cut_silent(Duration::from_mins(1));
        assert_eq!(call(&echo, &proxy.url(), "Echo", http_2, "y").unwrap().body, "y");
    }
}

#[test]
fn random_cuts_are_the_same_for_the_same_seed() {
    let echo = Echo::start();
    let text = "0123456789".repeat(10);
    let cuts = |seed| {
        let proxy = Proxy::before(&echo.authority);
        proxy.cut_at_random("Echo", seed, 0..100);
        (0..5)
            .map(|_| begin(&echo, &proxy.url(), true, &text).0.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(cuts(1), cuts(1));
    assert_ne!(cuts(1), cuts(2));
}

#[test]
fn something_else_happens_before_a_call_or_after_it() {
    let first = Echo::start();
    let second = Echo::start();
    let proxy = Proxy::before(&first.authority);
    let upstream = proxy.upstream();
    let at = second.authority.clone();
    proxy.at("Echo", 1, Fault::Before(Box::new(move || upstream.is_at(&at))));
    assert_eq!(call(&first, &proxy.url(), "Echo", false, "1").unwrap().body, "1");
    let runs = Arc::new(AtomicUsize::new(0));
    let ran = Arc::clone(&runs);
    let after = move || ran.store(1, Ordering::Release);
    proxy.at("Echo", 2, Fault::After(Box::new(after)));
    assert_eq!(call(&first, &proxy.url(), "Echo", false, "2"), None);
    assert_eq!(runs.load(Ordering::Acquire), 1);
    assert_eq!((first.got().len(), second.got().len()), (0, 2));
}

#[test]
fn a_fault_that_nothing_has_met_fails_the_test() {
    let echo = Echo::start();
    let dropped = std::panic::catch_unwind(|| {
        let proxy = Proxy::before(&echo.authority);
        proxy.at("Echo", 1, Fault::Unheard);
    });
    assert!(dropped.is_err());
}

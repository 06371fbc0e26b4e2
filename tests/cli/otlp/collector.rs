//! Who is sent figures and traces, on loopback, as OTLP over HTTP has it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message as _;

/// What it does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Takes,
    /// Takes it, and says that it does not.
    Answers(&'static str),
    /// Takes it, and says nothing.
    Hangs,
}

#[derive(Debug, Default, Clone)]
pub struct Taken {
    /// The heads of all requests.
    pub heads: Vec<String>,
    pub spans: Vec<Span>,
    /// Of the newest request that told spans.
    pub resource: Vec<KeyValue>,
    pub figures: Vec<ExportMetricsServiceRequest>,
}

pub struct Collector {
    pub url: String,
    taken: Arc<Mutex<Taken>>,
}

impl Collector {
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taken: Arc<Mutex<Taken>> = Arc::default();
        let into = Arc::clone(&taken);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, into) = (connection.unwrap(), Arc::clone(&into));
                std::thread::spawn(move || take(connection, manner, &into));
            }
        });
        Self { url, taken }
    }

    pub fn taken(&self) -> Taken {
        self.taken.lock().clone()
    }
}

fn take(connection: TcpStream, manner: Manner, into: &Mutex<Taken>) {
    let mut connection = BufReader::new(connection);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    connection.read_exact(&mut body).unwrap();
    {
        let mut into = into.lock();
        if head.starts_with("post /v1/traces ") {
            let request = ExportTraceServiceRequest::decode(&body[..]).unwrap();
            for of in request.resource_spans {
                into.resource = of.resource.unwrap().attributes;
                into.spans
                    .extend(of.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        } else {
            assert!(head.starts_with("post /v1/metrics "), "{head}");
            into.figures
                .push(ExportMetricsServiceRequest::decode(&body[..]).unwrap());
        }
        into.heads.push(head);
    }
    let status = match manner {
        Manner::Takes => "200 OK",
        Manner::Answers(status) => status,
        Manner::Hangs => loop {
            std::thread::park();
        },
    };
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = connection.get_mut().write_all(answer.as_bytes());
}

/// The attribute of this name, as text.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => text.clone(),
        any_value::Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

//! Servers on loopback that take bytes and drop them: one that talks like pachd's gateway, one that takes anything.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const BUFFER: usize = 256 << 10;

/// Answers what `put` asks as pachd 2.12 does, and keeps nothing.
pub struct Gateway {
    pub address: SocketAddr,
    state: Arc<Seen>,
    _runtime: Runtime,
}

#[derive(Default)]
struct Seen {
    /// Bytes of bodies of `CreateFileSet`.
    uploaded: AtomicU64,
    /// The description that the last commit was finished with: `put` looks for it.
    description: Mutex<String>,
    /// How long one commit takes to be finished, after the one before it.
    finishing: Duration,
    /// When the last commit is finished.
    finished: Mutex<Option<Instant>>,
}

impl Gateway {
    pub fn start() -> Result<Self> {
        Self::finishing_within(Duration::ZERO)
    }

    /// One that finishes commits one after the other, and takes so long for each.
    pub fn finishing_within(finishing: Duration) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let state = Arc::new(Seen {
            finishing,
            ..Seen::default()
        });
        let router = Router::new().fallback(call).with_state(Arc::clone(&state));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            address,
            state,
            _runtime: runtime,
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Bytes of bodies that were uploaded since this was asked last.
    pub fn take_uploaded(&self) -> u64 {
        self.state.uploaded.swap(0, Ordering::Relaxed)
    }
}

async fn call(State(seen): State<Arc<Seen>>, uri: Uri, body: Body) -> Response {
    let call = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let mut kept = Vec::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) if call == "CreateFileSet" => {
                seen.uploaded.fetch_add(piece.len() as u64, Ordering::Relaxed);
            }
            Ok(piece) => kept.extend_from_slice(&piece),
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        }
    }
    let asked = serde_json::from_slice(&kept).unwrap_or_default();
    if call == "InspectCommit" {
        let finished = *seen.finished.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(finished) = finished {
            tokio::time::sleep_until(finished.into()).await;
        }
    }
    let (status, answer) = seen.answer(&call, &asked);
    (status, [(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

impl Seen {
    /// Shaped as in the recordings http 010, 060, 079, p 001–006, 088, 095 and gateway 002, 024.
    fn answer(&self, call: &str, asked: &Value) -> (StatusCode, Value) {
        let id = || uuid::Uuid::new_v4().simple().to_string();
        let answer = match call {
            "InspectRepo" => json!({"repo": asked["repo"], "created": TIME, "sizeBytesUpperBound": "0"}),
            "InspectBranch" => return not_found("branch \"master\" not found in repo default/bench"),
            "InspectPipeline" => return not_found("pipeline \"default/bench\" not found"),
            "ListCommit" => {
                let (status, error) = not_found("branch \"master\" not found in repo default/bench");
                return (status, json!({"error": error}));
            }
            "CreateFileSet" | "ComposeFileSet" => json!({"fileSetId": format!("{0}.{0}{0}", id())}),
            "StartCommit" => json!({"repo": asked["branch"]["repo"], "id": id(), "branch": null}),
            "FinishCommit" => {
                let description = asked["description"].as_str().unwrap_or_default();
                description.clone_into(&mut self.description.lock().unwrap_or_else(PoisonError::into_inner));
                let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
                let now = Instant::now();
                *finished = Some(finished.map_or(now, |before| before.max(now)) + self.finishing);
                json!({})
            }
            "InspectCommit" => json!({
                "commit": asked["commit"],
                "description": *self.description.lock().unwrap_or_else(PoisonError::into_inner),
                "started": TIME, "finishing": TIME, "finished": TIME,
                "error": "", "sizeBytesUpperBound": "0", "details": {"sizeBytes": "0"},
            }),
            _ => json!({}),
        };
        (StatusCode::OK, answer)
    }
}

const TIME: &str = "2026-11-22T16:26:10.250264Z";

fn not_found(message: &str) -> (StatusCode, Value) {
    (
        StatusCode::NOT_FOUND,
        json!({"code": 5, "message": message, "details": []}),
    )
}

/// Takes connections, reads each to its end, and answers one byte.
pub struct Sink {
    address: SocketAddr,
}

impl Sink {
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // The sender notices when its byte does not come.
                let _ = drain(connection);
            }
        });
        Ok(Self { address })
    }

    /// Sends a file's bytes and waits until all were read.
    pub fn send_file(&self, file: &mut File) -> Result<()> {
        let mut connection = TcpStream::connect(self.address)?;
        let mut buffer = vec![0; BUFFER];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => connection.write_all(&buffer[..count])?,
            }
        }
        acknowledged(connection)
    }

    /// Sends so many zeros and waits until all were read.
    pub fn send_zeros(&self, bytes: u64) -> Result<()> {
        let mut connection = TcpStream::connect(self.address)?;
        write_zeros(&mut connection, bytes)?;
        acknowledged(connection)
    }
}

/// One `POST` of so many zeros to the gateway, by a client that does nothing else.
pub fn post_zeros(gateway: &Gateway, bytes: u64) -> Result<()> {
    let mut connection = TcpStream::connect(gateway.address)?;
    write!(
        connection,
        "POST /api/pfs_v2.API/CreateFileSet HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Length: {bytes}\r\n\r\n"
    )?;
    write_zeros(&mut connection, bytes)?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).context("the gateway's answer")?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "the gateway answered {answer}");
    Ok(())
}

fn write_zeros(connection: &mut TcpStream, bytes: u64) -> Result<()> {
    let buffer = vec![0; BUFFER];
    let mut left = bytes;
    while left > 0 {
        let count = usize::try_from(left).map_or(BUFFER, |left| left.min(BUFFER));
        connection.write_all(&buffer[..count])?;
        left -= count as u64;
    }
    Ok(())
}

fn drain(mut connection: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    while connection.read(&mut buffer)? > 0 {}
    connection.write_all(b".")
}

fn acknowledged(mut connection: TcpStream) -> Result<()> {
    connection.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    ensure!(answer == b".", "the sink broke off");
    Ok(())
}

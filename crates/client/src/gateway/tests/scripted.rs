//! A scripted server on loopback with real sockets: it plays recordings, or does to a connection whatever a test wants.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::connection::token::Token;
use crate::gateway::{Gateway, GatewayOptions};
use crate::transport::Times;

/// A recorded exchange, by folder and number: `http 047`.
#[derive(Debug, Clone)]
pub struct Recording {
    pub name: String,
    pub path: String,
    pub request: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub answer: String,
}

impl Recording {
    pub fn load(label: &str) -> Self {
        let (folder, number) = label.split_once(' ').unwrap();
        let folder = folder_of(folder);
        let file = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| file_name(path).starts_with(&format!("{number}-")))
            .unwrap_or_else(|| panic!("no recording {label}"));
        Self::read(&file).unwrap()
    }

    /// `None` for what is no single exchange over `/api/`.
    pub fn read(file: &Path) -> Option<Self> {
        let json: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let response = json.get("response")?;
        Some(Self {
            name: file_name(file),
            path: json["request"]["path"].as_str()?.to_owned(),
            request: json["request"]["body"].as_str().unwrap_or_default().to_owned(),
            status: u16::try_from(response["status"].as_u64()?).ok()?,
            headers: response["headers"]
                .as_object()?
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
            answer: response["body"]["text"].as_str()?.to_owned(),
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The answer as bytes; a stream's lines come as a chunk each.
    pub fn response(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Said\r\n", self.status);
        for (name, value) in &self.headers {
            if !name.eq_ignore_ascii_case("content-length") {
                write!(head, "{name}: {value}\r\n").unwrap();
            }
        }
        let mut bytes;
        if self.header("transfer-encoding").is_some() {
            bytes = (head + "\r\n").into_bytes();
            for line in self.answer.split_inclusive('\n') {
                bytes.extend(chunk(line.as_bytes()));
            }
            bytes.extend(b"0\r\n\r\n");
        } else {
            write!(head, "Content-Length: {}\r\n\r\n", self.answer.len()).unwrap();
            bytes = head.into_bytes();
            bytes.extend(self.answer.as_bytes());
        }
        bytes
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

pub fn folder_of(short: &str) -> PathBuf {
    let folder = match short {
        "http" => "http-2.12",
        "p" => "http-2.12-protocol",
        "auth" => "http-2.12-auth",
        "follow" => "http-2.12-follow",
        "gateway" => "http-2.12-gateway",
        other => panic!("no folder {other}"),
    };
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/wire")
        .join(folder)
}

pub fn chunk(data: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{:x}\r\n", data.len()).into_bytes();
    bytes.extend(data);
    bytes.extend(b"\r\n");
    bytes
}

/// `HTTP/1.1 200 OK` and so on, with a length.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub fn json(body: &str) -> Vec<u8> {
    answer("200 OK", "Content-Type: application/json\r\n", body)
}

#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// One accepted connection.
pub struct Connection {
    /// Counted from 0 in the order of acceptance.
    pub number: usize,
    pub stream: TcpStream,
    held: Vec<u8>,
    pub seen: Arc<Mutex<Vec<Request>>>,
}

impl Connection {
    fn more(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 16 * 1024];
        let count = self.stream.read(&mut buffer)?;
        self.held.extend_from_slice(&buffer[..count]);
        Ok(count)
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.held.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.held.drain(..end + 2).take(end).collect();
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.held.len() < count {
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.held.drain(..count).collect())
    }

    /// The head of the next request; `None` when the client has closed the connection.
    pub fn head(&mut self) -> io::Result<Option<Request>> {
        if self.held.is_empty() && self.more()? == 0 {
            return Ok(None);
        }
        let first = self.line()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").unwrap();
            headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(Some(Request {
            path: first.split(' ').nth(1).unwrap().to_owned(),
            headers,
            body: Vec::new(),
        }))
    }

    /// The whole body; an error when it does not come to its end.
    pub fn body(&mut self, head: &Request, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        if let Some(length) = head.header("content-length") {
            each(&self.take(length.parse().unwrap())?);
            return Ok(());
        }
        loop {
            let size = usize::from_str_radix(&self.line()?, 16).unwrap();
            let data = self.take(size + 2)?;
            if size == 0 {
                return Ok(());
            }
            each(&data[..size]);
        }
    }

    /// The next request, noted as seen.
    pub fn request(&mut self) -> io::Result<Option<Request>> {
        let Some(mut request) = self.head()? else {
            return Ok(None);
        };
        let mut body = Vec::new();
        self.body(&request, &mut |data| body.extend_from_slice(data))?;
        request.body = body;
        lock(&self.seen).push(request.clone());
        Ok(Some(request))
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Waits until the client leaves, so that the end of the script does not close the connection.
    pub fn hold(&mut self) {
        while self.more().is_ok_and(|count| count > 0) {
            self.held.clear();
        }
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub struct Server {
    pub port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
    answers: Arc<Mutex<VecDeque<Vec<u8>>>>,
}

impl Server {
    /// Runs `script` on a thread of its own for each connection. It ends the connection by returning.
    pub fn start(script: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self::with_answers(Arc::default(), script)
    }

    /// Answers the requests with these bytes, in order, whatever the connection.
    pub fn answering(answers: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let left = Arc::clone(&answers);
        Self::with_answers(answers, move |connection| {
            while connection.request()?.is_some() {
                let Some(answer) = lock(&left).pop_front() else {
                    return Ok(());
                };
                connection.send(&answer)?;
            }
            Ok(())
        })
    }

    fn with_answers(
        answers: Arc<Mutex<VecDeque<Vec<u8>>>>,
        script: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let all_seen = Arc::clone(&seen);
        let script = Arc::new(script);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (script, seen) = (Arc::clone(&script), Arc::clone(&all_seen));
                let Ok(stream) = stream else { continue };
                thread::spawn(move || {
                    let held = Vec::new();
                    // What the client does to the connection is for the test to judge.
                    let _ = script(&mut Connection {
                        number,
                        stream,
                        held,
                        seen,
                    });
                });
            }
        });
        Self { port, seen, answers }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn options(&self) -> GatewayOptions {
        let five = Duration::from_secs(5);
        GatewayOptions {
            times: Times {
                connect: five,
                call: five,
                idle: five,
                ..Times::default()
            },
            ..GatewayOptions::new(self.address().parse().unwrap())
        }
    }

    pub fn gateway(&self) -> Gateway {
        Gateway::new(self.options()).unwrap()
    }

    /// One that gives up soon.
    pub fn impatient_gateway(&self) -> Gateway {
        let mut options = self.options();
        options.times.call = Duration::from_millis(300);
        options.times.idle = Duration::from_millis(300);
        Gateway::new(options).unwrap()
    }

    pub fn gateway_with_token(&self, token: &str) -> Gateway {
        Gateway::new(GatewayOptions {
            token: Some(Token::new(token).unwrap()),
            ..self.options()
        })
        .unwrap()
    }

    pub fn seen(&self) -> Vec<Request> {
        lock(&self.seen).clone()
    }
}

/// A server that plays recordings, and afterwards holds what it was asked to what was asked then.
pub struct Played {
    server: Server,
    recordings: Vec<Recording>,
}

pub fn play(labels: &[&str]) -> (Gateway, Played) {
    let recordings: Vec<_> = labels.iter().map(|label| Recording::load(label)).collect();
    let server = Server::answering(recordings.iter().map(Recording::response));
    (server.gateway(), Played { server, recordings })
}

impl Played {
    /// Every recorded request was made, with the same JSON, and no other.
    pub fn check(&self) {
        assert!(lock(&self.server.answers).is_empty(), "not all answers were asked for");
        let seen = self.server.seen();
        assert_eq!(seen.len(), self.recordings.len());
        for (request, recording) in seen.iter().zip(&self.recordings) {
            assert_eq!(request.path, recording.path, "{}", recording.name);
            assert_eq!(request.header("content-type"), Some("application/json"));
            let mut asked = lines(&request.body);
            for commit in asked.iter_mut().flat_map(commits_in) {
                let branch = &commit["branch"]["name"];
                assert!(
                    branch.as_str().is_some_and(|name| !name.is_empty()),
                    "{}: {commit}",
                    recording.name
                );
            }
            let mut recorded = lines(recording.request.as_bytes());
            // Some were recorded without the branch, which we always name.
            for commit in asked.iter_mut().chain(&mut recorded).flat_map(commits_in) {
                if let Some(named) = commit.as_object_mut().filter(|named| named.contains_key("id")) {
                    named.remove("branch");
                }
            }
            assert_eq!(asked, recorded, "{}", recording.name);
        }
    }
}

/// What a message names commits by: the objects that have a repo and an id, or a repo and a branch.
fn commits_in(message: &mut Value) -> Vec<&mut Value> {
    let is_commit = |value: &Value| {
        let has = |name: &str| value.get(name).is_some_and(|member| !member.is_null());
        has("repo") && (has("id") || value.get("branch").is_some_and(Value::is_object))
    };
    if is_commit(message) {
        return vec![message];
    }
    match message {
        Value::Object(members) => members.values_mut().flat_map(commits_in).collect(),
        Value::Array(items) => items.iter_mut().flat_map(commits_in).collect(),
        _ => Vec::new(),
    }
}

fn lines(body: &[u8]) -> Vec<Value> {
    serde_json::Deserializer::from_slice(body)
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

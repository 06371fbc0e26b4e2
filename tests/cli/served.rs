//! `spoutctl serve` as a process of the test's own, and raw requests to it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::runner::Killed;

/// A server that runs until it is dropped.
pub struct Served {
    child: Killed,
    /// `127.0.0.1:PORT`.
    pub authority: String,
    /// Where its log goes.
    pub log: std::path::PathBuf,
    /// Goes with it, where it was made for it.
    directory: Option<TempDir>,
}

impl Served {
    /// Over an empty store that goes with it.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with more arguments.
    pub fn start_with(args: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut served = Self::over(&directory.path().join("store"), args);
        served.directory = Some(directory);
        served
    }

    /// Over the store in `directory`, with more arguments.
    pub fn over(directory: &Path, args: &[&str]) -> Self {
        let log = directory.with_extension("log");
        let serve = Command::new(env!("CARGO_BIN_EXE_spoutctl"))
            .arg("serve")
            .arg(directory)
            .args(if args.contains(&"--listen") {
                &[][..]
            } else {
                &["--listen", "127.0.0.1:0"]
            })
            .args(args)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::options().create(true).append(true).open(&log).unwrap())
            .spawn();
        let mut child = Killed(serve.unwrap());
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let said = std::fs::read_to_string(&log).unwrap();
        let address = line.trim();
        let authority = if let Some((_, authority)) = address.split_once("://") {
            authority.to_owned()
        } else {
            // A sidecar tells its environment instead.
            let mut lines = stdout.lines().map_while(Result::ok);
            let port = lines.find_map(|line| line.strip_prefix("PEER_PORT=").map(str::to_owned));
            format!("127.0.0.1:{}", port.unwrap_or_else(|| panic!("no address: {said}")))
        };
        Self {
            child,
            authority,
            log,
            directory: None,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.authority)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.authority).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream
    }

    /// One request in HTTP 1.0, so that the answer comes unchunked and ends where the connection does.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = self.connect();
        write!(stream, "{method} {path} HTTP/1.0\r\ncontent-length: {}\r\n", body.len()).unwrap();
        if !headers.iter().any(|(name, _)| *name == "host") {
            write!(stream, "host: {}\r\n", self.authority).unwrap();
        }
        for (name, value) in headers {
            write!(stream, "{name}: {value}\r\n").unwrap();
        }
        stream.write_all(b"\r\n").unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        Answer::of(&answer)
    }

    pub fn call(&self, method: &str, request: &Value) -> Answer {
        self.request("POST", &format!("/api/{method}"), &[], request.to_string().as_bytes())
    }

    /// A call that must succeed.
    #[track_caller]
    pub fn ask(&self, method: &str, request: &Value) -> Value {
        let answer = self.call(method, request);
        assert_eq!(answer.status, 200, "{method}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }
}

/// One call in HTTP 1.0 to whoever is at `authority`: the status and the body. An error when no whole answer came.
pub fn post(authority: &str, method: &str, request: &Value, token: Option<&str>) -> io::Result<(u16, String)> {
    let body = request.to_string();
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    let token = token.map_or(String::new(), |token| format!("authn-token: {token}\r\n"));
    write!(
        stream,
        "POST /api/{method} HTTP/1.0\r\nhost: {authority}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         {token}\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let broken = || io::Error::other(format!("no answer in HTTP: {answer}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or_else(broken)?, body.to_owned()))
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&prefix))
    }
}

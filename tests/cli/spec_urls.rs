//! Specs behind `https://` addresses.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::runner::{Ran, World};
use crate::settings_tls::{Identity, Terminator, signed};

const SPEC: &str = r#"{"pipeline": {"name": "s"}, "transform": {"image": "i:1", "cmd": ["c"]}, "spout": {}}"#;

/// A server that gives each path its answer, and TLS before it.
struct Files {
    identity: Identity,
    terminator: Terminator,
}

impl Files {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let behind = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 4096];
                let length = stream.read(&mut head).unwrap();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
                let _ = stream.write_all(&answer(&path));
            }
        });
        let identity = signed(&["localhost"]);
        let terminator = Terminator::start(&identity, &behind);
        Self { identity, terminator }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.terminator.port())
    }

    /// Validates what is at these addresses, with the server's authority as the system's.
    fn validate(&self, args: &[&str]) -> Ran {
        let world = World::local();
        let authority = world.path("authority.pem");
        std::fs::write(&authority, &self.identity.authority).unwrap();
        let mut command = world.command(&[&["validate"], args].concat());
        command.env("SSL_CERT_FILE", &authority).env("NO_PROXY", "localhost");
        Ran::from(command.output().unwrap())
    }
}

fn answer(path: &str) -> Vec<u8> {
    let whole = |body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let moved =
        |to: &str| format!("HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    match path {
        "/spec.json" | "/secret.json?token=hunter2" => whole(SPEC).into(),
        "/moved.json" => moved("/spec.json").into(),
        "/away.json" => moved("https://elsewhere.example/spec.json?token=hunter2").into(),
        "/plain.json" => moved("http://localhost/spec.json").into(),
        "/long.json" => whole(&" ".repeat((16 << 20) + 1)).into(),
        _ => b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec(),
    }
}

#[test]
fn a_spec_is_read_from_its_address() {
    let files = Files::start();
    for path in ["/spec.json", "/moved.json"] {
        files.validate(&[&files.url(path)]).expect(0);
    }
    // Two of them, and one twice.
    let urls = [
        files.url("/spec.json"),
        files.url("/moved.json"),
        files.url("/spec.json"),
    ];
    let ran = files.validate(&[&urls[0], &urls[1], &urls[2]]);
    ran.expect(0);
    assert!(
        format!("{}{}", ran.text(), ran.stderr).contains("2 "),
        "{}{}",
        ran.text(),
        ran.stderr
    );
}

#[test]
fn what_is_not_read_from_an_address_is_named_without_its_secrets() {
    let files = Files::start();
    let port = files.terminator.port();
    for (url, why) in [
        (files.url("/none.json"), "the server answers 404".to_owned()),
        (
            files.url("/away.json"),
            "it leads to https://elsewhere.example/spec.json; nothing".to_owned(),
        ),
        (
            files.url("/plain.json"),
            "it leads to http://localhost/spec.json; nothing".to_owned(),
        ),
        (files.url("/long.json"), "more than 16,777,216 bytes".to_owned()),
        (
            "http://localhost/spec.json?token=hunter2".to_owned(),
            "only https:// is read".to_owned(),
        ),
        (
            format!("https://u:hunter2@localhost:{port}/spec.json"),
            "a user or a password".to_owned(),
        ),
    ] {
        let ran = files.validate(&[&url]);
        let said = format!("{}{}", ran.text(), ran.stderr);
        ran.expect(3);
        assert!(said.contains(&why) && !said.contains("hunter2"), "{url}: {said}");
    }
    let untrusted = World::local().run(&["validate", &files.url("/spec.json")]);
    untrusted.expect(3).says("certificate");
}

//! Proxies that the environment names, through both doors. They alone know the name that pachd has here, which proves that
//! they were asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::runner::tar;
use crate::served::Served;
use crate::settings::{TOKEN, User};
use crate::settings_tls::{Terminator, signed};

/// Nobody else knows this name.
const NAME: &str = "pachd.invalid";

/// A proxy that leads every request to one server, and keeps the heads of what it was asked.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// `answer` is what a request to lead somewhere gets; with another one than 200 it leads nowhere.
    fn start(to: &str, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (to, kept) = (to.to_owned(), Arc::clone(&heads));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (to, kept) = (to.clone(), Arc::clone(&kept));
                std::thread::spawn(move || lead(client.unwrap(), &to, answer, &kept));
            }
        });
        Self { address, heads }
    }

    fn url(&self, user: &str) -> String {
        format!("http://{user}{}", self.address)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn lead(mut client: TcpStream, to: &str, answer: &str, heads: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push(head.clone());
    if !answer.starts_with("200") {
        let _ = client.write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").as_bytes());
        return;
    }
    let mut server = TcpStream::connect(to).unwrap();
    if head.starts_with("CONNECT ") {
        client
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .unwrap();
    } else {
        server.write_all(head.as_bytes()).unwrap();
    }
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(std::net::Shutdown::Write);
}

fn served() -> (tempfile::TempDir, Served) {
    let directory = tempfile::tempdir().unwrap();
    let served = Served::over(&directory.path().join("store"), &["--host", NAME]);
    (directory, served)
}

const PUT: [&str; 5] = ["put", "events", "--create-repo", "--retry-for", "0"];

fn one() -> Vec<u8> {
    tar(&[("a", b"x")])
}

#[test]
fn both_doors_are_reached_through_the_proxy_of_their_variable() {
    let (_directory, served) = served();
    for (scheme, variable, request) in [
        ("http", "HTTP_PROXY", "POST http://pachd.invalid:1650/api/"),
        ("grpc", "HTTPS_PROXY", "CONNECT pachd.invalid:1650 "),
    ] {
        let proxy = Proxy::start(&served.authority, "200 OK");
        let user = User::new(&json!({}));
        let url = format!("{scheme}://{NAME}:1650");
        let mut command = user.command(&[&PUT[..], &["--pachd", &url]].concat());
        let input = user.home().join("input");
        std::fs::write(&input, one()).unwrap();
        let ran = command
            .env(variable, proxy.url("ada:hunter2@"))
            .stdin(std::fs::File::open(&input).unwrap())
            .output()
            .unwrap();
        let ran = crate::runner::Ran::from(ran);
        assert_eq!(ran.expect(0).commits().len(), 1);
        let heads = proxy.heads();
        assert!(heads.iter().all(|head| head.starts_with(request)), "{heads:?}");
        // ada:hunter2
        let heads = heads.concat().to_ascii_lowercase();
        assert!(
            heads.contains(&"proxy-authorization: basic YWRhOmh1bnRlcjI=".to_ascii_lowercase()),
            "{heads}"
        );
        let variables = [(variable, proxy.url("ada:hunter2@"))];
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let config = user.run(&["config", "--pachd", &url], &variables);
        let shown = config.expect(0).text();
        assert!(shown.contains(&proxy.url("")) && shown.contains(variable), "{shown}");
        let doctor = user.run(&["doctor", "events", "--pachd", &url, "-v"], &variables);
        assert!(doctor.expect(0).text().contains("it finds the way to pachd"));
        for text in [shown, doctor.text(), doctor.stderr, ran.stderr.clone()] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}

#[test]
fn through_a_tunnel_the_certificate_is_pachds() {
    let (_directory, served) = served();
    let identity = signed(&[NAME]);
    let terminator = Terminator::start(&identity, &served.authority);
    let behind = format!("127.0.0.1:{}", terminator.port());
    let user = User::new(&json!({}));
    let authority = user.home().join("ca.pem");
    std::fs::write(&authority, &identity.authority).unwrap();
    for scheme in ["https", "grpcs"] {
        let proxy = Proxy::start(&behind, "200 OK");
        let url = format!("{scheme}://{NAME}:443");
        let args = [
            "tail",
            "events",
            "-e",
            "--pachd",
            &url,
            "--cacert",
            authority.to_str().unwrap(),
        ];
        let ran = user.run(&args, &[("https_proxy", &proxy.url("")), ("PACH_TOKEN", TOKEN)]);
        // The repo is not there, says pachd.
        ran.expect(4).says("repo default/events does not exist");
        let heads = proxy.heads();
        assert!(
            !heads.is_empty() && heads.iter().all(|head| head.starts_with("CONNECT pachd.invalid:443 ")),
            "{heads:?}"
        );
        assert!(!heads.concat().contains(TOKEN));
        // Without its authority it is nobody.
        user.run(&args[..5], &[("https_proxy", &proxy.url(""))])
            .expect(4)
            .says("no secure connection to pachd.invalid");
    }
}

#[test]
fn a_proxy_that_does_not_lead_there_is_named() {
    let user = User::new(&json!({}));
    for (answer, scheme, said) in [
        (
            "407 Proxy Authentication Required",
            "grpc",
            "wants a user and a password",
        ),
        (
            "407 Proxy Authentication Required",
            "https",
            "through the proxy 127.0.0.1:",
        ),
        ("502 Bad Gateway", "grpc", "does not lead there"),
        ("502 Bad Gateway", "https", "through the proxy 127.0.0.1:"),
    ] {
        let proxy = Proxy::start("127.0.0.1:9", answer);
        let url = format!("{scheme}://{NAME}:1650");
        let args = ["get", "events:/a", "--pachd", &url];
        let ran = user.run(&args, &[("HTTPS_PROXY", &proxy.url("ada:hunter2@"))]);
        assert!(matches!(ran.code, Some(4 | 5)), "{ran:?}");
        ran.says(said).says("(HTTPS_PROXY)");
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let ran = user.run(
        &["get", "events:/a", "--pachd", "grpc://pachd.invalid"],
        &[("HTTPS_PROXY", &url)],
    );
    ran.expect(5).says(&format!("the proxy {free} (HTTPS_PROXY)"));
}

#[test]
fn who_is_excepted_is_spoken_to_directly() {
    let (_directory, served) = served();
    let proxy = Proxy::start(&served.authority, "200 OK");
    let user = User::new(&json!({}));
    let proxies = [("HTTPS_PROXY", proxy.url("")), ("HTTP_PROXY", proxy.url(""))];
    let mut variables: Vec<(&str, &str)> = proxies.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for scheme in ["http", "grpc"] {
        // This machine, without being named.
        let url = format!("{scheme}://{}", served.authority);
        user.run(&["get", "events:/a", "--pachd", &url], &variables).expect(4);
    }
    variables.push(("NO_PROXY", "other.example.com,.invalid"));
    let ran = user.run(&["get", "events:/a", "--pachd", "grpc://pachd.invalid"], &variables);
    assert!(matches!(ran.code, Some(4 | 5)), "{ran:?}");
    assert!(proxy.heads().is_empty(), "{:?}", proxy.heads());
    let socks = [("HTTPS_PROXY", "socks5://ada:hunter2@p:1080")];
    let ran = user.run(&["get", "events:/a", "--pachd", "grpc://pachd.invalid"], &socks);
    ran.expect(2).says("HTTPS_PROXY names no proxy").says("NO_PROXY");
    assert!(!ran.stderr.contains("hunter2"));
}

//! A gateway that answers anything: every call ends, without a panic, and a list that was cut is no list.
//!
//! The first byte chooses the call, the second whether the rest is a body or all that comes.
#![no_main]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::ops::ControlFlow;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use pachyderm_client::gateway::{Gateway, GatewayOptions};
use spoutctl_core::feed::CommitFeed;
use spoutctl_core::history::CommitHistory;
use spoutctl_core::listing::Listing;
use spoutctl_core::pfs::{Branch, Commit, CommitId, Destination, FilePath};
use spoutctl_core::sink::CommitSink;
use spoutctl_core::source::FileSource;

/// What is answered to whoever connects.
static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());

static GATEWAY: LazyLock<Gateway> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("a port"));
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let mut connection = connection;
            let _ = connection.read(&mut [0; 8192]);
            let answer = ANSWER.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let _ = connection.write_all(&answer);
            // A connection that is closed with bytes of the request unread is reset, and the answer may be lost.
            let _ = connection.shutdown(Shutdown::Write);
            let _ = connection.set_read_timeout(Some(Duration::from_millis(100)));
            let _ = std::io::copy(&mut connection.take(1 << 16), &mut std::io::sink());
        }
    });
    let mut options = GatewayOptions::new(address.parse().expect("an address"));
    options.times.call = Duration::from_secs(2);
    options.times.idle = Duration::from_secs(2);
    options.times.list = Duration::from_secs(4);
    Gateway::new(options).expect("a client")
});

fuzz_target!(|data: &[u8]| {
    let [call, form, rest @ ..] = data else { return };
    let answer = if form & 1 == 0 {
        let status = [
            "200 OK",
            "404 Not Found",
            "500 Internal Server Error",
            "503 Service Unavailable",
        ];
        let status = status[usize::from(form >> 1 & 3)];
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            rest.len()
        );
        [head.as_bytes(), rest].concat()
    } else {
        rest.to_vec()
    };
    *ANSWER.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    let branch = "events".parse::<Destination>().expect("a branch").branch;
    ask(&GATEWAY, *call, &branch);
});

fn ask(gateway: &Gateway, call: u8, branch: &Branch) {
    let id = CommitId::new("0123456789ab4def8123456789abcdef").expect("an id");
    let commit = Commit {
        repo: branch.repo.clone(),
        branch: branch.name.clone(),
        id,
    };
    let path = FilePath::new("/a").expect("a path");
    let mut left = 100_000_u32;
    let mut counted = || {
        left -= 1;
        if left == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    // What is wrong is the answer's fault, and said in words.
    let outcome = match call % 12 {
        0 => gateway.list_commits(branch, &mut |_| counted()),
        1 => gateway.inspect_branch(branch).map(drop),
        2 => gateway.inspect_commit(&commit).map(drop),
        3 => gateway.list_line(&commit, &mut |_| counted()),
        4 => gateway.repo_exists(&branch.repo).map(drop),
        5 => gateway.wait_commit(&commit, Duration::from_millis(100)).map(drop),
        6 => gateway
            .get_file(&commit, &path)
            .map(|mut file| drop(file.read_to_end(&mut Vec::new()))),
        7 => gateway.diff_files(&commit, None, &mut |_| counted()),
        8 => gateway.list_repos().map(drop),
        9 => gateway.start_commit(branch, "").map(drop),
        10 => gateway.inspect_file(&commit, &path).map(drop),
        _ => gateway.missing_permissions(&branch.repo).map(drop),
    };
    if let Err(fault) = outcome {
        assert!(!fault.message.is_empty(), "a fault says nothing");
    }
}

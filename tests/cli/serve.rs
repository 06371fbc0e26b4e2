//! `serve` as a server: who is let in, what breaks, how it ends, and what is there afterwards.

use std::io::{BufRead, BufReader, Read, Write};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::runner::{Ran, World, signal, tar, wait_until};
use crate::served::{Answer, Served};

fn repo() -> Value {
    json!({"name": "events", "type": "user"})
}

fn branch() -> Value {
    json!({"repo": repo(), "name": "master"})
}

fn with_repo(served: Served) -> Served {
    served.ask("pfs_v2.API/CreateRepo", &json!({"repo": repo()}));
    served
}

/// A body for `ModifyFile` that adds one file.
fn adding(path: &str, raw: &str) -> String {
    format!(
        "{}\n{}\n",
        json!({"setCommit": {"repo": repo(), "branch": branch()}}),
        json!({"addFile": {"path": path, "raw": raw}})
    )
}

fn modify(served: &Served, body: &str) -> Answer {
    served.request("POST", "/api/pfs_v2.API/ModifyFile", &[], body.as_bytes())
}

fn commits(served: &Served) -> Vec<Value> {
    let answer = served.call("pfs_v2.API/ListCommit", &json!({"repo": repo()}));
    answer
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["result"].clone())
        .collect()
}

#[test]
fn a_foreign_host_or_origin_is_turned_away() {
    let served = with_repo(Served::start());
    for (name, value, status) in [
        ("host", "evil.example", 421),
        ("host", "localhost:1", 200),
        ("origin", "http://evil.example", 403),
        ("origin", "null", 403),
    ] {
        let answer = served.request("POST", "/api/pfs_v2.API/ListRepo", &[(name, value)], b"{}");
        assert_eq!(answer.status, status, "{name}: {value}");
        assert_eq!(answer.text().contains("events"), status == 200, "{name}: {value}");
        let refused = served.request(
            "POST",
            "/api/pfs_v2.API/ModifyFile",
            &[(name, value)],
            adding("/a", "eA==").as_bytes(),
        );
        assert_eq!(refused.status, status, "{name}: {value}");
    }
    assert_eq!(commits(&served).len(), 1, "that of the right host");
    let own = served.url();
    let answer = served.request("POST", "/api/pfs_v2.API/ListRepo", &[("origin", &own)], b"{}");
    assert_eq!(answer.status, 200);
}

#[test]
fn a_host_that_is_named_is_answered() {
    let world = World::local();
    let served = Served::over(&world.path("store"), &["--host", "store.example"]);
    let status = |host| served.request("GET", "/healthz", &[("host", host)], b"").status;
    assert_eq!((status("store.example:80"), status("other.example")), (200, 421));
}

#[test]
fn other_machines_are_let_in_only_where_it_is_said_who_may() {
    let world = World::local();
    let store = world.path("store");
    let store = store.to_str().unwrap();
    world
        .run(&["serve", store, "--listen", "0.0.0.0:0"])
        .expect(2)
        .says("--token-file")
        .says("--no-auth");
    world
        .run(&["serve", store, "--listen", "nonsense"])
        .expect(2)
        .says("HOST:PORT");
    let empty = world.path("token");
    std::fs::write(&empty, "\n").unwrap();
    world
        .run(&[
            "serve",
            store,
            "--listen",
            "0.0.0.0:0",
            "--token-file",
            empty.to_str().unwrap(),
        ])
        .expect(2)
        .says("holds no token");
    assert!(!world.path("store").exists(), "nothing is made before it is clear");
}

#[test]
fn with_a_token_nobody_gets_in_without_it() {
    let world = World::local();
    let file = world.path("token");
    std::fs::write(&file, "secret-of-ours\n").unwrap();
    let served = Served::over(&world.path("store"), &["--token-file", file.to_str().unwrap()]);
    let who = |headers: &[(&str, &str)]| served.request("POST", "/api/auth_v2.API/WhoAmI", headers, b"{}").status;
    assert_eq!(who(&[]), 401);
    assert_eq!(who(&[("authn-token", "other")]), 401);
    assert_eq!(who(&[("authn-token", "secret-of-ours")]), 200);
    // Nor holds a connection with a body that never ends.
    let mut stream = served.connect();
    let head = "POST /api/pfs_v2.API/ModifyFile HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(Answer::of(&answer).status, 401);
    assert_eq!(
        served.request("GET", "/pfs/default/events/master/a", &[], b"").status,
        401
    );
    assert_eq!(served.request("GET", "/healthz", &[], b"").status, 200);

    let at = World::at(&served.url());
    at.run_with(&["put", "events", "--create-repo"], &tar(&[("a", b"x")]))
        .expect(4)
        .says("PACH_TOKEN");
    let at = at.with_token(Some("secret-of-ours".to_owned()));
    at.run_with(&["put", "events", "--create-repo"], &tar(&[("a", b"x")]))
        .expect(0);
    assert_eq!(at.get("events:/a"), b"x");
    assert!(!served.said().contains("secret-of-ours"), "{}", served.said());
}

/// Every call that writes a stream, its body cut at every place.
#[test]
fn a_body_that_breaks_commits_nothing() {
    let served = with_repo(Served::start());
    let body = adding("/a", "eA==");
    for cut in [1, 40, body.len() / 2, body.len() - 2, body.len()] {
        let mut stream = served.connect();
        let head = format!(
            "POST /api/pfs_v2.API/ModifyFile HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
            body.len() + 10
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body.as_bytes()[..cut]).unwrap();
        drop(stream);
    }
    // Chunked, and closed without the last chunk.
    let mut stream = served.connect();
    let chunk = format!("{:x}\r\n{body}\r\n", body.len());
    let head = "POST /api/pfs_v2.API/ModifyFile HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all((head.to_owned() + &chunk).as_bytes()).unwrap();
    drop(stream);
    wait_until("all six are said", || served.said().matches("ModifyFile").count() >= 6);
    assert!(commits(&served).is_empty());
    // Cut with a clean end.
    assert_eq!(modify(&served, &body[..body.len() - 10]).status, 400);
    assert!(commits(&served).is_empty());
    assert_eq!(modify(&served, &body).status, 200);
    assert_eq!(commits(&served).len(), 1);
}

#[test]
fn what_is_too_large_is_refused_and_forgotten() {
    let served = with_repo(Served::start());
    let large = "A".repeat(29 << 20);
    let answer = modify(&served, &adding("/a", &large));
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert!(answer.text().contains("larger than max"), "{}", answer.text());
    assert!(commits(&served).is_empty());
    // Of what is read into memory as a whole, two bytes can take ten times as many.
    let many = format!("{{\"fileSetIds\": [{}\"\"]}}", "\"\",".repeat(1 << 20));
    let answer = served.request("POST", "/api/pfs_v2.API/ComposeFileSet", &[], many.as_bytes());
    assert_eq!(answer.status, 429, "{}", answer.text());

    let long = "x".repeat(200 << 10);
    let mut stream = served.connect();
    // The server may close before it has read all of this.
    let _ = stream.write_all(format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-long: {long}\r\n\r\n").as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(
        answer.starts_with(b"HTTP/1.1 431") || answer.is_empty(),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert_eq!(served.request("GET", "/healthz", &[], b"").text(), "healthy\n");
}

#[test]
fn names_are_read_in_both_spellings_and_unset_values_as_null() {
    let served = with_repo(Served::start());
    let body = format!(
        "{}\n{}",
        json!({"set_commit": {"repo": repo(), "branch": branch(), "id": null}}),
        json!({"add_file": {"path": "/a", "raw": "-_-_", "url": null}, "deleteFile": null, "no_such_field": 1})
    );
    assert_eq!(modify(&served, &body).status, 200);
    let file = served.request("GET", "/pfs/default/events/master/a", &[], b"");
    assert_eq!(file.body, [0xfb, 0xff, 0xbf]);
    let request = json!({"repo": repo(), "number": 1, "origin_kind": "USER", "from": null});
    assert_eq!(served.call("pfs_v2.API/ListCommit", &request).text().lines().count(), 1);
}

#[test]
fn what_is_not_served_says_so_by_name() {
    let served = Served::start();
    let answer = served.call("pps_v2.API/ListDatum", &json!({}));
    assert_eq!(answer.status, 501);
    assert!(answer.text().contains("pps_v2.API/ListDatum"), "{}", answer.text());
    assert_eq!(served.request("GET", "/api/pfs_v2.API/ListRepo", &[], b"").status, 404);
    assert_eq!(served.request("GET", "/nothing", &[], b"").status, 404);
}

#[test]
fn a_file_is_downloaded_in_parts_and_only_when_it_is_another() {
    let served = with_repo(Served::start());
    // "hello world"
    assert_eq!(modify(&served, &adding("/dir/a b.txt", "aGVsbG8gd29ybGQ=")).status, 200);
    let path = "/pfs/default/events/master/dir/a%20b.txt";
    let get = |headers: &[(&str, &str)]| served.request("GET", path, headers, b"");
    let whole = get(&[]);
    assert_eq!((whole.status, whole.text().as_str()), (200, "hello world"));
    assert_eq!(whole.header("content-length"), Some("11"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    for (range, status, text, says) in [
        ("bytes=0-4", 206, "hello", "bytes 0-4/11"),
        ("bytes=6-", 206, "world", "bytes 6-10/11"),
        ("bytes=-3", 206, "rld", "bytes 8-10/11"),
        ("bytes=6-100", 206, "world", "bytes 6-10/11"),
        ("bytes=11-", 416, "", "bytes */11"),
    ] {
        let part = get(&[("range", range)]);
        assert_eq!((part.status, part.text().as_str()), (status, text), "{range}");
        assert_eq!(part.header("content-range"), Some(says), "{range}");
    }
    let etag = whole.header("etag").unwrap();
    assert_eq!(get(&[("if-none-match", etag)]).status, 304);
    assert_eq!(get(&[("if-match", "\"0\"")]).status, 412);
    assert_eq!(
        get(&[("range", "bytes=0-4"), ("if-range", "\"0\"")]).text(),
        "hello world"
    );
    let head = served.request("HEAD", path, &[], b"");
    assert_eq!(
        (head.status, head.header("content-length"), head.body.len()),
        (200, Some("11"), 0)
    );
    assert_eq!(modify(&served, &adding("/dir/a b.txt", "IQ==")).status, 200);
    assert_eq!(get(&[("if-none-match", etag)]).text(), "hello world!");

    let directory = served.request("GET", "/pfs/default/events/master/dir", &[], b"");
    assert_eq!(
        (directory.status, directory.header("location")),
        (301, Some("/pfs/default/events/master/dir/"))
    );
    let directory = served.request("GET", "/pfs/default/events/master/dir/", &[], b"");
    assert_eq!(directory.text(), "-\t12\t/dir/a b.txt\n");
    assert_eq!(served.request("DELETE", path, &[], b"").status, 405);
}

#[test]
fn a_subscription_hears_of_what_another_process_commits() {
    let world = World::local();
    let served = with_repo(Served::over(&world.path("store"), &[]));
    let mut stream = served.connect();
    let body = json!({"repo": repo(), "branch": "master", "state": "FINISHED"}).to_string();
    let head = "POST /api/pfs_v2.API/SubscribeCommit HTTP/1.0\r\nhost: localhost\r\n";
    stream
        .write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
        .unwrap();
    // By the directory, not by the server.
    world.run_with(&["put", "events"], &tar(&[("a", b"x")])).expect(0);
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while !answer.ends_with(b"}}\n") {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "the stream ended: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..read]);
    }
    let line: Value = serde_json::from_slice(&Answer::of(&answer).body).unwrap();
    assert!(line["result"]["finished"].is_string(), "{line}");
}

#[test]
fn a_termination_ends_waiting_calls_and_is_no_failure() {
    let mut served = with_repo(Served::start());
    let open = served.ask("pfs_v2.API/StartCommit", &json!({"branch": branch()}));
    let request = json!({"commit": open, "wait": "FINISHED"}).to_string();
    let mut stream = served.connect();
    let head = "POST /api/pfs_v2.API/InspectCommit HTTP/1.0\r\nhost: localhost\r\n";
    stream
        .write_all(format!("{head}content-length: {}\r\n\r\n{request}", request.len()).as_bytes())
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let started = Instant::now();
    signal(served.id(), Signal::TERM);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(Answer::of(&answer).status, 503);
    assert_eq!(served.wait(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// What was acknowledged before a kill -9 is there after it, finished and without an error.
#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_acknowledged() {
    let world = World::local();
    let store = world.path("store");
    let mut acknowledged: Vec<String> = Vec::new();
    // So many commits are there at least, and so much time has passed since.
    for (round, (commits_before, milliseconds)) in [(0, 30), (1, 0), (3, 7), (8, 13), (15, 3)].into_iter().enumerate() {
        let mut served = Served::over(&store, &[]);
        let at = World::at(&served.url());
        let (mut child, mut stdin) = at.start(&["put", "events", "--create-repo", "--retry-for", "100ms"]);
        let writer = std::thread::spawn(move || {
            for number in 0..2_000 {
                let line = format!("{round}-{number}");
                if stdin
                    .write_all(&tar(&[("last", line.as_bytes()), (&line, b"x")]))
                    .is_err()
                {
                    return;
                }
            }
        });
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut lines: Vec<String> = told.by_ref().take(commits_before).collect();
        std::thread::sleep(Duration::from_millis(milliseconds));
        served.kill();
        lines.extend(told);
        let ran = Ran {
            stdout: lines.join("\n").into_bytes(),
            ..Ran::from(child.wait_with_output().unwrap())
        };
        writer.join().unwrap();
        assert_eq!(ran.code, Some(5), "{}", ran.stderr);
        acknowledged.extend(ran.commits());

        let served = Served::over(&store, &[]);
        if served.call("pfs_v2.API/InspectRepo", &json!({"repo": repo()})).status != 200 {
            assert!(acknowledged.is_empty());
            continue;
        }
        let found = commits(&served);
        for id in &acknowledged {
            let id = id.rsplit('@').next().unwrap();
            let commit = found.iter().find(|commit| commit["commit"]["id"] == *id);
            let commit = commit.unwrap_or_else(|| panic!("{id} is lost"));
            assert!(commit["finished"].is_string() && commit["error"] == "", "{commit}");
        }
        // What was cut off in between is an open head at most: it is dropped as its user would.
        let head = found.first().filter(|commit| commit["finishing"].is_null());
        if let Some(head) = head {
            served.ask(
                "pfs_v2.API/DropCommitSet",
                &json!({"commitSet": {"id": head["commit"]["id"]}}),
            );
        }
    }
    assert!(acknowledged.len() >= 27, "{acknowledged:?}");
}

#[test]
fn every_request_is_a_line_of_the_log() {
    let world = World::local();
    let served = with_repo(Served::over(&world.path("store"), &["--json"]));
    modify(&served, &adding("/a", "eA=="));
    modify(&served, &adding("/a\u{1b}[31m", "eA=="));
    wait_until("a line of each request", || served.said().lines().count() >= 3);
    let said = served.said();
    let lines = said.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut lines: Vec<Value> = lines.collect();
    // A connection each: which of them is told first is up to the machine.
    lines.sort_by_key(|line| line["status"].as_u64());
    lines.sort_by_key(|line| line["method"].as_str().map(str::to_owned));
    let shown: Vec<_> = lines
        .iter()
        .map(|line| (line["method"].as_str().unwrap(), line["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(shown, [("CreateRepo", 200), ("ModifyFile", 200), ("ModifyFile", 500)]);
    assert_eq!(
        (&lines[1]["repo"], &lines[1]["commit"]),
        (&json!("default/events"), &json!("master"))
    );
    assert_eq!(lines[1]["bytesIn"], adding("/a", "eA==").len());
    assert!(lines[2]["error"].as_str().unwrap().contains("invalid"));
}

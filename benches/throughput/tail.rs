//! `tail`: a long history, and how long after the server's own event a line is out.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use spoutctl_archive::ArchiveWriter;

use crate::Sizes;
use crate::race::{Race, Work, timed};
use crate::samples::{Samples, drain, spoutctl};
use crate::serve::Server;

/// Commits whose lines are timed.
const TIMED: usize = 200;
const PATIENCE: Duration = Duration::from_secs(30);

pub fn measure(samples: &Samples, sizes: &Sizes) -> Result<()> {
    let store = samples.fresh("history")?;
    let local = format!("local:{}", store.display());
    fill(&local, sizes.history)?;
    let server = Server::over(&store)?;
    let all = ["tail", "bench", "-e", "--from", "beginning"];
    let tail = |at: &str, form: &[&str]| timed(|| drain(spoutctl(at).args(all).args(form)));
    Race::new(
        format!("tail: {} commits of history", sizes.history),
        Work::Commits(sizes.history),
    )
    .contender("`tail --json` through serve", || tail(&server.url, &["--json"]))
    .contender("the same without HTTP", || tail(&local, &["--json"]))
    .contender("`tail` through serve, files counted", || tail(&server.url, &[]))
    .contender("`ListCommit` as it comes, raw TCP", || timed(|| list(&server)))
    .run(sizes.rounds)?;
    latency(&server)
}

/// Makes small commits, one after the other.
fn fill(server: &str, commits: u64) -> Result<()> {
    let mut writer = ArchiveWriter::new(Vec::new(), 0);
    writer.append(b"file", 4, &b"data"[..])?;
    let archive = writer.finish()?;
    let mut put = spoutctl(server)
        .args(["put", "bench", "--create-repo", "--quiet", "--in-flight", "8"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut stdin = put.stdin.take().context("no standard input")?;
    for _ in 0..commits {
        stdin.write_all(&archive)?;
    }
    drop(stdin);
    if !put.wait()?.success() {
        bail!("the history could not be made");
    }
    Ok(())
}

const REPO: &str = r#"{"name":"bench","type":"user","project":{"name":"default"}}"#;

fn ask(server: &Server, method: &str, body: &str) -> Result<TcpStream> {
    let authority = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(authority)?;
    stream.set_nodelay(true)?;
    let length = body.len();
    write!(
        stream,
        "POST /api/pfs_v2.API/{method} HTTP/1.0\r\nhost: {authority}\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    Ok(stream)
}

fn list(server: &Server) -> Result<()> {
    let branch = format!(r#"{{"repo":{REPO},"name":"master"}}"#);
    let body = format!(r#"{{"repo":{REPO},"to":{{"repo":{REPO},"branch":{branch}}}}}"#);
    let mut answer = ask(server, "ListCommit", &body)?;
    let mut buffer = vec![0; 256 << 10];
    while answer.read(&mut buffer)? > 0 {}
    Ok(())
}

/// When each line comes.
fn moments(lines: impl BufRead + Send + 'static) -> Receiver<Instant> {
    let (sender, moments) = channel();
    thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            // The head of an answer is none of them.
            let is_commit = line.contains(r#""commit""#);
            if is_commit && sender.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    moments
}

/// How long after a subscription of our own has the server's event the line of `tail` is there.
fn latency(server: &Server) -> Result<()> {
    let create = format!(r#"{{"repo":{}}}"#, REPO.replace("bench", "late"));
    ask(server, "CreateRepo", &create)?.read_to_end(&mut Vec::new())?;
    let repo = REPO.replace("bench", "late");
    let subscribe = format!(r#"{{"repo":{repo},"branch":"master","state":"FINISHED"}}"#);
    let events = moments(BufReader::new(ask(server, "SubscribeCommit", &subscribe)?));
    let mut tail = spoutctl(&server.url)
        .args(["tail", "late", "--json", "--wait-for-branch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let stdout: ChildStdout = tail.stdout.take().context("no standard output")?;
    let lines = moments(BufReader::new(stdout));
    let mut late = Vec::new();
    for at in 0..=TIMED {
        let set = format!(r#"{{"setCommit":{{"repo":{repo},"branch":{{"repo":{repo},"name":"master"}}}}}}"#);
        ask(server, "ModifyFile", &set)?.read_to_end(&mut Vec::new())?;
        let event = events.recv_timeout(PATIENCE).context("no event")?;
        let line = lines.recv_timeout(PATIENCE).context("no line")?;
        // The first is found by looking at a branch that was not there.
        if at > 0 {
            late.push(line.saturating_duration_since(event));
        } else {
            thread::sleep(Duration::from_secs(2));
        }
    }
    let _ = tail.kill();
    let _ = tail.wait();
    late.sort();
    let at = |part: usize| late.get(part * (late.len() - 1) / 100).copied().unwrap_or_default();
    println!("\n### tail: a line after the server's own event\n");
    println!(
        "median {:.2?}, 90 % within {:.2?}, all {TIMED} within {:.2?}",
        at(50),
        at(90),
        at(100)
    );
    Ok(())
}

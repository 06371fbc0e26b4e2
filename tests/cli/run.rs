//! `spoutctl run`: several streams in one process.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::producer::wait_until_gone;
use crate::proxy::{Fault, Proxy};
use crate::runner::{Killed, PATIENCE, Ran, World, signal, tar, wait_until};
use crate::served::Served;

/// A `run` that is killed when it is dropped, and every line that it has said.
struct Run {
    child: Killed,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Run {
    fn start(world: &World, args: &[&str]) -> Self {
        Self::start_with(world, args, &[])
    }

    fn start_with(world: &World, args: &[&str], env: &[(&str, &str)]) -> Self {
        let path = world.path("streams.toml");
        let args = [&["run", path.to_str().unwrap()], args].concat();
        let mut child = Killed(world.command(&args).envs(env.iter().copied()).spawn().unwrap());
        let (sender, lines) = channel();
        let outputs: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stderr.take().unwrap()),
        ];
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Self {
            child,
            lines,
            said: Vec::new(),
        }
    }

    /// Waits for a line that has this.
    fn says(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("`{text}` was not said, but:\n{}", self.said.join("\n"));
            };
            self.said.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    fn signal(&self, kind: Signal) {
        signal(self.child.id(), kind);
    }

    /// Its exit code, and all that it has said.
    fn end(mut self) -> (Option<i32>, Vec<String>) {
        let code = self.child.wait().unwrap().code();
        let mut said = std::mem::take(&mut self.said);
        said.extend(self.lines.iter());
        (code, said)
    }
}

fn streams(world: &World, text: &str) {
    fs::write(world.path("streams.toml"), text).unwrap();
}

/// A world whose server has these repos.
fn world(served: &Served, repos: &[&str]) -> World {
    let world = World::at(&format!("grpc://{}", served.authority));
    for repo in repos {
        served.call(
            "pfs_v2.API/CreateRepo",
            &serde_json::json!({"repo": {"name": repo, "type": "user"}}),
        );
    }
    world
}

/// The ids of the good commits of a repo's branch; what a killed run has left open is given up, which is an error.
fn commits(world: &World, repo: &str) -> Vec<String> {
    let ran = world.run(&["tail", repo, "-e", "--from", "beginning"]);
    if ran.code == Some(1) {
        return Vec::new();
    }
    ran.expect(0);
    let id = |line: String| line.split_whitespace().nth(1).unwrap().to_owned();
    let good = ran.lines().into_iter().filter(|line| !line.contains("error: given up"));
    good.map(id).collect()
}

fn figures(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A file with one archive for each of these numbers, each with a file of that name.
fn archives(path: &Path, numbers: std::ops::Range<u32>) {
    let bytes: Vec<u8> = numbers
        .flat_map(|number| tar(&[(&format!("{number:03}"), number.to_string().as_bytes())]))
        .collect();
    fs::write(path, bytes).unwrap();
}

fn fifo(world: &World, name: &str) -> PathBuf {
    let fifo = world.path(name);
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    fifo
}

fn write(fifo: &Path, bytes: &[u8]) {
    try_open(fifo).unwrap().write_all(bytes).unwrap();
}

/// For writing, and not waiting for a reader: where there is none, it fails.
fn try_open(fifo: &Path) -> std::io::Result<fs::File> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    let mut options = fs::File::options();
    options.write(true).custom_flags(i32::try_from(flags).unwrap());
    options.open(fifo)
}

/// Commands of a shell that end when this file is there.
fn waiting_for(file: &Path) -> String {
    format!("until test -e {}; do sleep 0.05; done", file.display())
}

#[test]
fn what_is_wrong_in_the_file_has_its_place_and_starts_nothing() {
    let world = World::local();
    fs::write(world.path("f.tar"), tar(&[("a", b"a")])).unwrap();
    let file = world.path("f.tar");
    let file = file.display();
    // A spool that is not there yet is one, by two names.
    std::os::unix::fs::symlink(world.directory.path(), world.path("link")).unwrap();
    for (text, said) in [
        (
            "[streams.a]\ndestination = \"r\"\n",
            ":1:10: nothing says what this stream reads",
        ),
        (
            "[streams.a]\ncommand = [\"c\"]\n",
            ":1:10: nothing says where the commits of this stream go",
        ),
        (
            "[streams.a]\ndestination = \"r\"\ncommand = \"cat f\"\n",
            ":3:1: `command` is a list of words",
        ),
        (
            "[streams.a]\ndestination = \"r\"\ncommand = [\"c\"]\nretry-for = \"soon\"\n",
            ":4:1: a: invalid value 'soon' for '--retry-for <DURATION>': `soon` is no duration",
        ),
        (
            "[streams.a]\ndestination = \"r\"\ncommand = [\"c\"]\nappend = \"yes\"\n",
            ":4:1: `append` is true or false",
        ),
        (
            "[streams.a]\ndestination = \"r\"\ncommand = [\"c\"]\nspool = \"d\"\nstream = \"s\"\n",
            "cannot be used with",
        ),
        (
            "[streams.a]\ndestination = \"r\"\ncommand = [\"c\"]\nspol = \"d\"\n",
            ":4:1: `spol` is no key that is known here",
        ),
        (
            "[streams.a]\ndestination = \"r\"\ncommand = [\"c\"]\ntoken = \"hunter2\"\n",
            ":4:1: `token` cannot be set here",
        ),
        (
            "[streams.a]\ndestination = \"r\"\ncommand = [\"c\"]\njson = true\n",
            ":4:1: `json` cannot stand here: it holds for all streams",
        ),
        (
            "[streams.a]\ndestination = \"r\"\nfiles = [\"-\"]\n",
            ":3:1: standard input is none of a stream's",
        ),
        (
            &format!("[streams.a]\ndestination = \"r\"\nfiles = [\"{file}\"]\n"),
            ":3:1: what is no FIFO is read from its beginning at each start",
        ),
        (
            "[streams.a]\ndestination = \"r\"\ncommand = [\"c\"]\narchive-end = \"lenient\"\n",
            ":1:10: a: with --archive-end lenient, a producer that dies",
        ),
        (
            "[defaults]\ndestination = \"r\"\ncommand = [\"c\"]\nspool = \"d\"\n[streams.a]\n[streams.b]\n",
            ":4:1: this spool is that of the stream a",
        ),
        (
            "[defaults]\ndestination = \"r\"\ncommand = [\"c\"]\nstream = \"s\"\n[streams.a]\n[streams.b]\n",
            ":4:1: the name s on default/r@master is that of the stream a",
        ),
        (
            "[defaults]\ncommand = [\"c\"]\nstream = \"s\"\n[streams.a]\ndestination = \"r\"\n\
             [streams.b]\ndestination = \"default/r@master\"\n",
            ":3:1: the name s on default/r@master is that of the stream a",
        ),
        (
            &format!(
                "[defaults]\ndestination = \"r\"\ncommand = [\"c\"]\n[streams.a]\nspool = \"{0}/link/no/d\"\n\
                 [streams.b]\nspool = \"{0}/no/d\"\n",
                world.directory.path().display()
            ),
            ":7:1: this spool is that of the stream a",
        ),
        ("[streams.\"a b\"]\n", ":1:10: "),
        ("[streams.a\n", ":1:"),
    ] {
        streams(&world, text);
        let path = world.path("streams.toml");
        for check in [&[][..], &["--check"]] {
            let ran = world.run(&[&["run", path.to_str().unwrap()], check].concat());
            ran.expect(2).says(said);
            assert!(ran.stderr.contains(&format!("{}:", path.display())), "{}", ran.stderr);
            assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
        }
    }
    // Nothing of a file that is right is started by a look at it.
    streams(
        &world,
        "[streams.a]\ndestination = \"r\"\ncommand = [\"touch\", \"started\"]\n",
    );
    let path = world.path("streams.toml");
    let ran = world.run(&["run", path.to_str().unwrap(), "--check"]);
    assert_eq!(ran.expect(0).text(), "nothing wrong in 1 stream\n");
    assert!(!world.path("store").exists());
}

#[test]
fn one_name_on_two_servers_is_that_of_two_streams() {
    let world = World::local();
    let elsewhere = |name: &str| format!("[streams.{name}]\npachd = \"local:{name}\"\n");
    let both = [elsewhere("a"), elsewhere("b")].concat();
    streams(
        &world,
        &format!("[defaults]\ndestination = \"r\"\ncommand = [\"c\"]\nstream = \"s\"\n{both}"),
    );
    let path = world.path("streams.toml");
    world.run(&["run", path.to_str().unwrap(), "--check"]).expect(0);
}

#[test]
fn the_file_in_the_book_is_right() {
    let world = World::local();
    let page = crate::docs::page("docs/run.md");
    let text = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let (fifo, token) = (fifo(&world, "fifo"), world.path("token"));
    fs::write(&token, "secret").unwrap();
    let text = text.replace("/run/uploads.fifo", fifo.to_str().unwrap());
    streams(&world, &text.replace("/etc/spoutctl/token", token.to_str().unwrap()));
    let path = world.path("streams.toml");
    let ran = world.run(&["run", "--check", path.to_str().unwrap()]);
    assert_eq!(ran.expect(0).text(), "nothing wrong in 2 streams\n");
}

#[test]
fn many_streams_commit_each_to_its_own_repo_and_their_lines_have_their_names() {
    const MANY: usize = 30;
    let served = Served::start();
    let world = world(&served, &[]);
    fs::write(world.path("one.tar"), tar(&[("file", b"x")])).unwrap();
    let mut text = format!(
        "[defaults]\ncreate-repo = true\ncommand = [\"cat\", \"{}\"]\n",
        world.path("one.tar").display()
    );
    for number in 0..MANY {
        writeln!(text, "[streams.s{number}]\ndestination = \"r{number}\"").unwrap();
    }
    streams(&world, &text);
    let path = world.path("streams.toml");
    let ran: Ran = world.run(&["run", path.to_str().unwrap(), "--json"]);
    let lines = ran.expect(0).json();
    let of = |kind: &str| -> BTreeMap<String, String> {
        let lines = lines.iter().filter(|line| line["type"] == kind);
        let named = lines.map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            (text("stream"), text("repo"))
        });
        named.collect()
    };
    let expected: BTreeMap<String, String> = (0..MANY).map(|n| (format!("s{n}"), format!("r{n}"))).collect();
    assert_eq!(of("commit"), expected);
    assert_eq!(of("summary").len(), MANY);
    for number in 0..MANY {
        assert_eq!(commits(&world, &format!("r{number}")).len(), 1);
    }
    let ran = world.run(&["run", path.to_str().unwrap(), "--log-format", "json"]);
    ran.expect(0);
    let acknowledged: BTreeSet<String> = ran
        .lines()
        .iter()
        .map(|line| line.split_once(": default/r").unwrap().0.to_owned())
        .collect();
    assert_eq!(acknowledged, expected.keys().cloned().collect());
    for line in ran.stderr.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(expected.contains_key(line["stream"].as_str().unwrap()), "{line}");
    }
}

#[test]
fn one_that_fails_is_started_again_and_disturbs_none() {
    let served = Served::start();
    let world = world(&served, &["good", "bad"]);
    archives(&world.path("good.tar"), 0..3);
    archives(&world.path("bad.tar"), 0..1);
    let (directory, good) = (world.directory.path().display(), world.path("good.tar"));
    streams(
        &world,
        &format!(
            "[streams.bad]\ndestination = \"bad\"\n\
             command = [\"sh\", \"-c\", \"test -e {directory}/mended && cat {directory}/bad.tar\"]\n\
             [streams.good]\ndestination = \"good\"\ncommand = [\"sh\", \"-c\", \"cat {}; sleep 1000\"]\n",
            good.display()
        ),
    );
    let mut run = Run::start(&world, &["--metrics-listen", "0"]);
    let address = run.says("figures are at http://");
    let address = address
        .split("http://")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    run.says("bad: error: sh failed with exit code 1");
    run.says("bad: note: it is started again in 1.0 s");
    run.says("bad: note: it is started again in 2.0 s");
    // It is ready for a moment each time that it is started.
    wait_until("not ready because of bad", || {
        let answer = figures(&address, "/ready");
        answer.starts_with("HTTP/1.1 503") && answer.contains("\nbad: ")
    });
    let answer = figures(&address, "/metrics");
    let series = "spoutctl_stream_restarts_total{stream=\"bad\",project=\"default\",repo=\"bad\",branch=\"master\"} ";
    let restarts = answer.lines().find_map(|line| line.strip_prefix(series));
    assert!(restarts.unwrap().parse::<u64>().unwrap() >= 1, "{answer}");
    assert!(answer.contains("spoutctl_ready{stream=\"bad\","), "{answer}");
    fs::write(world.path("mended"), "").unwrap();
    // One comes on standard output, the other on standard error: whichever is read first.
    let both = ["bad: default/bad@", "bad: note: its input has ended"];
    while !both.iter().all(|text| run.said.iter().any(|line| line.contains(text))) {
        run.says("bad: ");
    }
    // By now the good one, of which nobody has heard of any trouble, has all of its commits.
    let said = run.said.iter().filter(|line| line.starts_with("good: "));
    assert!(
        said.clone().all(|line| line.starts_with("good: default/good@")),
        "{said:?}"
    );
    while commits(&world, "good").len() < 3 {
        run.says("good: default/good@");
    }
    run.signal(Signal::TERM);
    let (code, _) = run.end();
    assert_eq!(code, Some(143));
    assert_eq!(commits(&world, "good").len(), 3);
    assert_eq!(commits(&world, "bad").len(), 1);
}

/// A command that says its process number in a file, prints archives, and stays.
fn staying(world: &World, name: &str) -> String {
    archives(&world.path(&format!("{name}.tar")), 0..1);
    let directory = world.directory.path().display();
    format!(
        "command = [\"sh\", \"-c\", \"echo $$ >> {directory}/{name}.pid; cat {directory}/{name}.tar; sleep 1000\"]\n"
    )
}

#[test]
fn hangup_changes_what_the_file_changes_and_nothing_else() {
    let served = Served::start();
    let world = world(&served, &["stays", "changes", "goes", "comes"]);
    let stream = |name: &str, more: &str| {
        let command = staying(&world, name);
        format!("[streams.{name}]\ndestination = \"{name}\"\n{command}{more}")
    };
    let pids = |name: &str| fs::read_to_string(world.path(&format!("{name}.pid"))).unwrap();
    let before = [stream("stays", ""), stream("changes", ""), stream("goes", "")].concat();
    streams(&world, &before);
    let mut run = Run::start(&world, &[]);
    let mut left: BTreeSet<&str> = ["stays", "changes", "goes"].into();
    while !left.is_empty() {
        let line = run.says(": default/");
        left.remove(line.split(':').next().unwrap());
    }
    // A file that is wrong changes nothing.
    streams(&world, &format!("{before}\nspol = \"d\"\n"));
    run.signal(Signal::HUP);
    run.says("`spol` is no key that is known here");
    run.says("the streams go on as they were");
    let after = [
        "# Neither order nor words of no meaning count.\n".to_owned(),
        stream("comes", ""),
        stream("changes", "message = \"anew\"\n"),
        stream("stays", ""),
    ];
    streams(&world, &after.concat());
    run.signal(Signal::HUP);
    run.says("1 added, 1 changed, 1 removed, 1 as before");
    let mut left: BTreeSet<&str> = ["comes", "changes"].into();
    while !left.is_empty() {
        let line = run.says(": default/");
        left.remove(line.split(':').next().unwrap());
    }
    wait_until_gone(&pids("goes"));
    assert_eq!(pids("stays").lines().count(), 1);
    assert_eq!(pids("changes").lines().count(), 2);
    wait_until_gone(pids("changes").lines().next().unwrap());
    assert!(
        run.said
            .iter()
            .all(|line| !line.starts_with("stays: note") && !line.contains("error: interrupted"))
    );
    run.signal(Signal::INT);
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said:?}");
    for name in ["stays", "comes"] {
        wait_until_gone(&pids(name));
    }
    for (repo, count) in [("stays", 1), ("changes", 2), ("goes", 1), ("comes", 1)] {
        assert_eq!(commits(&world, repo).len(), count, "{repo}");
    }
}

#[test]
fn a_stream_that_asks_about_its_file_in_vain_ends_within_its_grace() {
    let served = Served::start();
    let world = world(&served, &["grows", "comes"]);
    world.run_with(&["put", "grows"], &tar(&[("other", b"x")])).expect(0);
    let proxy = Proxy::before(&served.authority);
    let (asked, asks) = channel();
    proxy.each("InspectFile", move |_| {
        let _ = asked.send(());
        Some(Fault::Answer(503, None))
    });
    let grows = format!(
        "[streams.grows]\npachd = \"grpc://{}\"\ndestination = \"grows\"\nmessages = \"csv\"\nappend = true\ninto = \"f\"\n\
         command = [\"sh\", \"-c\", \"printf 'a,b\\\\n1,2\\\\n'; exec sleep 1000\"]\n",
        proxy.authority()
    );
    streams(&world, &grows);
    let mut run = Run::start_with(&world, &["--grace", "1s"], &[]);
    asks.recv_timeout(PATIENCE).unwrap();
    let comes = format!("[streams.comes]\ndestination = \"comes\"\n{}", staying(&world, "comes"));
    streams(&world, &comes);
    run.signal(Signal::HUP);
    run.says("comes: default/");
    run.signal(Signal::INT);
    assert_eq!(run.end().0, Some(130));
}

#[test]
fn a_preference_that_is_changed_counts_at_hangup_for_streams_that_do_not_say_it_themselves() {
    let served = Served::start();
    let world = world(&served, &["follows", "says", "done"]);
    let home = world.directory.path().to_str().unwrap();
    let directory = world.path(".config/spoutctl");
    fs::create_dir_all(&directory).unwrap();
    let prefer = |text: &str| fs::write(directory.join("config.toml"), text).unwrap();
    prefer("retry-for = \"1h\"\n");
    let stream = |name: &str, more: &str| {
        let command = staying(&world, name);
        format!("[streams.{name}]\ndestination = \"{name}\"\n{command}{more}")
    };
    let done = stream("done", "").replace("; sleep 1000", "");
    let text = stream("follows", "") + &stream("says", "retry-for = \"5m\"\n") + &done;
    streams(&world, &text);
    let mut run = Run::start_with(&world, &[], &[("HOME", home)]);
    let mut left: BTreeSet<&str> = ["follows: default/", "says: default/", "done: note: its input"].into();
    while !left.is_empty() {
        let line = run.says(": ");
        left.retain(|part| !line.contains(part));
    }
    run.signal(Signal::HUP);
    run.says("0 added, 0 changed, 0 removed, 3 as before");
    prefer("retry-for = \"2h\"\n");
    run.signal(Signal::HUP);
    run.says("0 added, 1 changed, 0 removed, 2 as before");
    run.says("follows: default/");
    run.signal(Signal::INT);
    assert_eq!(run.end().0, Some(130));
    let starts = |name: &str| {
        fs::read_to_string(world.path(&format!("{name}.pid")))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!((starts("follows"), starts("says"), starts("done")), (2, 1, 1));
}

#[test]
fn what_was_read_when_it_is_told_to_end_is_committed() {
    let served = Served::start();
    let world = world(&served, &["a", "b"]);
    let directory = world.directory.path().display();
    let mut text = "[defaults]\nmessages = \"lines\"\ninto = \"log\"\nappend = true\n".to_owned();
    for name in ["a", "b"] {
        writeln!(
            text,
            "[streams.{name}]\ndestination = \"{name}\"\ncommand = [\"sh\", \"-c\", \"echo {name}; echo > \
             {directory}/{name}.out; exec sleep 1000\"]"
        )
        .unwrap();
    }
    streams(&world, &text);
    let run = Run::start(&world, &["--json"]);
    for name in ["a", "b"] {
        wait_until("it has printed", || world.path(&format!("{name}.out")).exists());
    }
    run.signal(Signal::TERM);
    let (code, said) = run.end();
    assert_eq!(code, Some(143), "{said:?}");
    for name in ["a", "b"] {
        assert_eq!(world.get(&format!("{name}:/log")), format!("{name}\n").as_bytes());
    }
}

/// How long a producer may take at least, of which nothing is said when it is told twice.
const SURELY_GIVEN: Duration = Duration::from_secs(4);

#[test]
fn a_producer_that_takes_its_time_to_end_keeps_it_however_often_that_is_said() {
    let served = Served::start();
    let world = world(&served, &["r"]);
    let [told, may, ready] = ["told", "may", "ready"].map(|name| world.path(name));
    let script = format!(
        "trap 'touch {}; {}; echo last; exit 0' TERM; echo first; touch {}; while :; do sleep 0.05; done",
        told.display(),
        waiting_for(&may),
        ready.display()
    );
    let stream = format!(
        "[streams.s]\ndestination = \"r\"\nmessages = \"lines\"\ninto = \"log\"\nappend = true\n\
         command = [\"sh\", \"-c\", \"{script}\"]\n"
    );
    streams(&world, &stream);
    let mut run = Run::start(&world, &[]);
    wait_until("it runs", || ready.exists());
    // It is removed, and there is another one, so that there is something to be read again.
    let other = format!(
        "[streams.other]\ndestination = \"other\"\ncreate-repo = true\n{}",
        staying(&world, "o")
    );
    streams(&world, &other);
    let begun = Instant::now();
    run.signal(Signal::HUP);
    run.says("1 added, 0 changed, 1 removed");
    wait_until("it is told", || told.exists());
    run.signal(Signal::HUP);
    run.says("0 added, 0 changed, 0 removed, 1 as before");
    run.signal(Signal::TERM);
    run.says("interrupted: 1 stream to end");
    fs::write(&may, "").unwrap();
    let (code, said) = run.end();
    assert_eq!(code, Some(143), "{said:?}");
    // What such a busy machine has taken away is no word's fault.
    if begun.elapsed() < SURELY_GIVEN {
        assert_eq!(world.get("r:/log"), b"first\nlast\n", "{said:?}");
    }
}

#[test]
fn a_stream_that_has_another_name_now_goes_on_where_the_old_one_ends() {
    const ALL: u32 = 5;
    let served = Served::start();
    let world = world(&served, &["r"]);
    archives(&world.path("all.tar"), 0..ALL);
    let (may, acks) = (world.path("may"), world.path("acks"));
    let table = |name: &str| {
        format!(
            "[streams.{name}]\ndestination = \"r\"\nfiles = [\"{}\"]\nresume = true\nstream = \"x\"\n\
             ack-command = \"echo {name} >> {}; {}\"\n",
            world.path("all.tar").display(),
            acks.display(),
            waiting_for(&may)
        )
    };
    streams(&world, &table("old"));
    let mut run = Run::start(&world, &["--metrics-listen", "0"]);
    let address = run.says("figures are at http://");
    let address = address.split('/').nth(2).unwrap().to_owned();
    wait_until("one is acknowledged", || acks.exists());
    streams(&world, &table("new"));
    run.signal(Signal::HUP);
    run.says("1 added, 0 changed, 1 removed");
    let ready = figures(&address, "/ready");
    assert!(
        ready.contains("new: it starts when those before it have ended"),
        "{ready}"
    );
    fs::write(&may, "").unwrap();
    let (code, said) = run.end();
    assert_eq!(code, Some(0), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("error: ")), "{said:?}");
    assert_eq!(commits(&world, "r").len(), ALL as usize, "{said:?}");
    let acks = fs::read_to_string(&acks).unwrap();
    let first_of_new = acks.lines().position(|line| line == "new").unwrap();
    assert!(acks.lines().skip(first_of_new).all(|line| line == "new"), "{acks}");
}

#[test]
fn a_fifos_end_is_no_end_and_what_is_written_while_nobody_reads_is_committed() {
    let served = Served::start();
    let archive = |name: &str| tar(&[(name, name.as_bytes())]);
    fifo_goes_on(&served, "archives", "", archive, &["1", "2", "3", "4"], "1234");
    // Without the end of an input, they would wait for an hour.
    let more = "messages = \"lines\"\ninto = \"log\"\nappend = true\nbatch-period = \"1h\"\n";
    let line = |name: &str| format!("{name}\n").into_bytes();
    fifo_goes_on(&served, "lines", more, line, &["log"], "1\n2\n3\n4\n");
}

fn fifo_goes_on(
    served: &Served,
    repo: &str,
    more: &str,
    input: impl Fn(&str) -> Vec<u8>,
    files: &[&str],
    content: &str,
) {
    let world = world(served, &[repo]);
    let fifo = fifo(&world, "fifo");
    let [may, ack] = ["may", "ack"].map(|name| world.path(name));
    streams(
        &world,
        &format!(
            "[streams.s]\ndestination = \"{repo}\"\nfiles = [\"{}\"]\nendless = true\n\
             ack-command = \"touch {}; {}\"\n{more}",
            fifo.display(),
            ack.display(),
            waiting_for(&may)
        ),
    );
    let run = Run::start(&world, &[]);
    // Who comes first waits until it is open.
    let mut first = fs::File::options().write(true).open(&fifo).unwrap();
    first.write_all(&input("1")).unwrap();
    drop(first);
    wait_until("it is acknowledged", || ack.exists());
    // The delivery is held, and each writer leaves before anything that it has written becomes a commit.
    for name in ["2", "3", "4"] {
        write(&fifo, &input(name));
    }
    fs::write(&may, "").unwrap();
    wait_until("all of it is committed", || {
        let get = |file: &&str| world.run(&["get", &format!("{repo}:/{file}")]).text();
        files.iter().map(get).collect::<String>() == content
    });
    run.signal(Signal::TERM);
    let (code, said) = run.end();
    assert_eq!(code, Some(143), "{said:?}");
    // Nobody hears of an end, and nothing is started again.
    let words = ["error: ", "started again", "its input has ended"];
    assert!(
        !said.iter().any(|line| words.iter().any(|word| line.contains(word))),
        "{said:?}"
    );
}

#[test]
fn what_is_written_to_a_fifo_while_its_stream_waits_is_committed() {
    let served = Served::start();
    let world = world(&served, &["r"]);
    let fifo = fifo(&world, "fifo");
    let may = world.path("may");
    streams(
        &world,
        &format!(
            "[streams.s]\ndestination = \"r\"\nfiles = [\"{}\"]\nendless = true\nack-command = \"test -e {}\"\n",
            fifo.display(),
            may.display()
        ),
    );
    let mut run = Run::start(&world, &[]);
    let mut first = fs::File::options().write(true).open(&fifo).unwrap();
    first.write_all(&tar(&[("1", b"1")])).unwrap();
    drop(first);
    run.says("it is started again");
    write(&fifo, &tar(&[("2", b"2")]));
    fs::write(&may, "").unwrap();
    wait_until("the second is committed", || commits(&world, "r").len() == 2);
    run.signal(Signal::TERM);
    let (code, said) = run.end();
    assert_eq!(code, Some(143), "{said:?}");
}

#[test]
fn what_is_in_a_fifo_when_its_stream_ends_is_told() {
    let served = Served::start();
    let world = world(&served, &["r"]);
    let (one, other) = (fifo(&world, "one"), fifo(&world, "other"));
    streams(
        &world,
        &format!(
            "[streams.s]\ndestination = \"r\"\nfiles = [\"{}\", \"{}\"]\n",
            one.display(),
            other.display()
        ),
    );
    let run = Run::start(&world, &[]);
    // Nobody reads it before the first one has ended, which has no writer.
    wait_until("it is held", || try_open(&other).is_ok());
    write(&other, b"12345");
    run.signal(Signal::TERM);
    let (code, said) = run.end();
    assert_eq!(code, Some(143), "{said:?}");
    let text = format!(
        "{}: 5 bytes that somebody has written to it were not read",
        other.display()
    );
    assert!(said.iter().any(|line| line.contains(&text)), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("error: ")), "{said:?}");
}

#[test]
fn killed_and_started_again_it_loses_and_doubles_nothing() {
    const EACH: u32 = 12;
    let served = Served::start();
    let repos = ["k0", "k1", "k2"];
    let world = world(&served, &repos);
    let mut text = "[defaults]\nresume = true\n".to_owned();
    for repo in repos {
        let file = world.path(&format!("{repo}.tar"));
        archives(&file, 0..EACH);
        writeln!(
            text,
            "[streams.{repo}]\ndestination = \"{repo}\"\nfiles = [\"{}\"]",
            file.display()
        )
        .unwrap();
    }
    streams(&world, &text);
    for kill_after in [2, 5, 3] {
        let mut run = Run::start(&world, &[]);
        for _ in 0..kill_after {
            run.says(": default/");
        }
        run.signal(Signal::KILL);
        run.end();
    }
    let path = world.path("streams.toml");
    world.run(&["run", path.to_str().unwrap()]).expect(0);
    for repo in repos {
        assert_eq!(commits(&world, repo).len(), EACH as usize, "{repo}");
        for number in 0..EACH {
            let file = format!("{repo}:/{number:03}");
            assert_eq!(world.get(&file), number.to_string().as_bytes());
        }
    }
}

#[test]
fn a_spool_and_a_fifo_are_let_go_of_before_their_stream_starts_again() {
    let served = Served::start();
    let world = world(&served, &["r"]);
    let fifo = fifo(&world, "fifo");
    let (spool, may) = (world.path("spool"), world.path("may"));
    streams(
        &world,
        &format!(
            "[streams.s]\ndestination = \"r\"\nfiles = [\"{}\"]\nspool = \"{}\"\nendless = true\n\
             ack-command = \"test -e {}\"\n",
            fifo.display(),
            spool.display(),
            may.display()
        ),
    );
    let mut run = Run::start(&world, &["--json"]);
    // It stays open: the stream fails while it waits for more.
    let mut writer = fs::File::options().write(true).open(&fifo).unwrap();
    writer.write_all(&tar(&[("1", b"1")])).unwrap();
    run.says("it is started again");
    fs::write(&may, "").unwrap();
    run.says("\"type\":\"already\"");
    assert!(!run.said.iter().any(|line| line.contains("in use")), "{:?}", run.said);
    writer.write_all(&tar(&[("2", b"2")])).unwrap();
    let line: Value = serde_json::from_str(&run.says("\"type\":\"commit\"")).unwrap();
    assert_eq!((&line["stream"], &line["archive"]), (&"s".into(), &2.into()));
    run.signal(Signal::TERM);
    let (code, said) = run.end();
    assert_eq!(code, Some(143), "{said:?}");
    assert_eq!(commits(&world, "r").len(), 2);
}

#[test]
fn a_service_manager_hears_of_all_streams_once() {
    let served = Served::start();
    let world = world(&served, &["a", "b"]);
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let stream = |name: &str| format!("[streams.{name}]\ndestination = \"{name}\"\n{}", staying(&world, name));
    streams(&world, &[stream("a"), stream("b")].concat());
    let run = Run::start_with(&world, &[], &[("NOTIFY_SOCKET", socket.to_str().unwrap())]);
    let hear = || {
        let mut message = [0; 4096];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let first = hear();
    assert!(
        first.starts_with("READY=1\n") && first.contains("STATUS=2 streams: 2 running"),
        "{first}"
    );
    while !hear().ends_with("STATUS=2 streams: 2 running\n") {}
    run.signal(Signal::TERM);
    let mut heard = Vec::new();
    while !heard.iter().any(|said: &String| said.contains("STOPPING=1")) {
        heard.push(hear());
    }
    let (code, said) = run.end();
    assert_eq!(code, Some(143), "{said:?}");
    assert!(!heard.iter().any(|said| said.contains("READY=1")), "{heard:?}");
}

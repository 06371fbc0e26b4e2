//! A machine that loses power at every moment of a `put --spool` into an embedded store.
//!
//! `strace` records what is written, named and synced. From that a disk is made as it may be after a power cut at any
//! moment: of a file only what was synced, of a directory either only the names that were synced, or all of them. On each
//! such disk what the spool holds is sent; then every archive that was told to be safe is in the store once and in order,
//! and every commit that was acknowledged is there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use crate::runner::{Ran, World, has_program, skip, takes_minutes, tar, words};

const ARCHIVES: u64 = 3;
/// What changes a disk, or says what is on it.
const CALLS: &str = "trace=openat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,write,pwrite64,ftruncate,fsync,\
                     fdatasync,close";

#[test]
fn nothing_that_was_told_is_lost_by_a_power_cut_at_any_moment() {
    if !takes_minutes("SPOUTCTL_TEST_FAULTS", "power_cut") {
        return;
    }
    if !has_program("strace") {
        return skip("strace records what is written");
    }
    let world = World::local();
    let root = world.path("disk");
    fs::create_dir(&root).unwrap();
    let mut disk = Disk::new(&root);
    let mut told = Told::default();
    let mut seen = BTreeSet::new();
    for call in traced(&world, &root) {
        disk.carry_out(&call);
        told.hear(&call);
        for names in [Names::Synced, Names::All] {
            // Many calls change nothing of what a power cut leaves.
            if seen.insert((disk.left(names), told.lines)) {
                disk.write(names);
                told.check(&root, &format!("{names:?} names, after {}", call.text));
            }
        }
    }
    assert_eq!((told.spooled, told.commits.len() as u64), (ARCHIVES, ARCHIVES));
    assert!(seen.len() > 100, "only {} disks were looked at", seen.len());
}

/// Runs a `put` to its end, and answers its calls in the order in which they ended.
fn traced(world: &World, root: &Path) -> Vec<Call> {
    let archives: Vec<u8> = (1..=ARCHIVES)
        .flat_map(|number| tar(&[("f", number.to_string().as_bytes())]))
        .collect();
    fs::write(world.path("archives.tar"), archives).unwrap();
    let trace = world.path("trace");
    let mut command = Command::new("strace");
    command
        .args(["-f", "-xx", "-s", "10000000", "-e", CALLS, "-o"])
        .arg(&trace);
    command.arg(env!("CARGO_BIN_EXE_spoutctl"));
    command.args(words(
        "put events --create-repo --json --spool spool --pachd local:store",
    ));
    command
        .arg(world.path("archives.tar"))
        .current_dir(root)
        .env("TMPDIR", world.path("."));
    Ran::from(command.output().unwrap()).expect(0);
    let mut calls = Vec::new();
    let mut unfinished: HashMap<String, String> = HashMap::new();
    for line in fs::read_to_string(trace).unwrap().lines() {
        let (thread, text) = line.split_once(' ').unwrap();
        let text = text.trim_start();
        if let Some(begun) = text.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread.to_owned(), begun.to_owned());
        } else if let Some((_, rest)) = text.strip_prefix("<...").and_then(|text| text.split_once("resumed>")) {
            let begun = unfinished.remove(thread).unwrap();
            calls.extend(Call::parse(&format!("{begun}{rest}")));
        } else {
            calls.extend(Call::parse(text));
        }
    }
    calls
}

/// A system call that succeeded.
struct Call {
    name: String,
    /// Numbers and flags as they are printed.
    arguments: String,
    strings: Vec<Vec<u8>>,
    result: usize,
    text: String,
}

impl Call {
    fn parse(text: &str) -> Option<Self> {
        let parts = Regex::new(r"^(\w+)\((.*)\)\s*= (\d+)").unwrap().captures(text)?;
        let quoted = Regex::new(r#""((?:\\x[0-9a-f]{2})*)""#).unwrap();
        let strings: Vec<Vec<u8>> = quoted
            .captures_iter(&parts[2])
            .map(|found| unescaped(&found[1]))
            .collect();
        let arguments = quoted.replace_all(&parts[2], "STRING").into_owned();
        let shown: Vec<_> = strings
            .iter()
            .map(|string| String::from_utf8_lossy(&string[..string.len().min(80)]))
            .collect();
        Some(Self {
            name: parts[1].to_owned(),
            text: format!("{}({arguments}) of {shown:?}", &parts[1]),
            arguments,
            strings,
            result: parts[3].parse().unwrap(),
        })
    }

    fn number(&self, nth: usize) -> usize {
        self.arguments.split(", ").nth(nth).unwrap().parse().unwrap()
    }

    fn path(&self, nth: usize) -> PathBuf {
        PathBuf::from(String::from_utf8(self.strings[nth].clone()).unwrap())
    }

    fn has(&self, flag: &str) -> bool {
        self.arguments.contains(flag)
    }
}

fn unescaped(text: &str) -> Vec<u8> {
    let pairs = text.split("\\x").skip(1);
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// Which names of a directory a power cut leaves.
#[derive(Debug, Clone, Copy)]
enum Names {
    Synced,
    All,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Directory,
    /// The place of its contents.
    File(usize),
}

#[derive(Default)]
struct Contents {
    now: Vec<u8>,
    synced: Vec<u8>,
}

/// What is on a disk below a directory, and what of it is sure to stay.
struct Disk {
    root: PathBuf,
    files: Vec<Contents>,
    now: BTreeMap<PathBuf, Node>,
    synced: BTreeMap<PathBuf, Node>,
    /// What is open, and where the next byte goes.
    open: HashMap<usize, (PathBuf, Node, usize)>,
}

impl Disk {
    fn new(root: &Path) -> Self {
        let top = BTreeMap::from([(root.to_owned(), Node::Directory)]);
        Self {
            root: root.to_owned(),
            files: Vec::new(),
            now: top.clone(),
            synced: top,
            open: HashMap::new(),
        }
    }

    fn carry_out(&mut self, call: &Call) {
        match call.name.as_str() {
            "openat" => self.open(call),
            "mkdir" | "mkdirat" => drop(self.now.insert(self.root.join(call.path(0)), Node::Directory)),
            "rename" | "renameat" | "renameat2" => {
                let (from, to) = (self.root.join(call.path(0)), self.root.join(call.path(1)));
                if let Some(node) = self.now.remove(&from) {
                    self.now.insert(to, node);
                }
            }
            "unlink" | "unlinkat" => drop(self.now.remove(&self.root.join(call.path(0)))),
            "write" => {
                if let Some((_, Node::File(file), at)) = self.open.get_mut(&call.number(0)) {
                    let (file, from) = (*file, *at);
                    *at += call.result;
                    self.put(file, from, &call.strings[0][..call.result]);
                }
            }
            "pwrite64" => {
                if let Some((_, Node::File(file), _)) = self.open.get(&call.number(0)) {
                    let file = *file;
                    self.put(file, call.number(3), &call.strings[0][..call.result]);
                }
            }
            "ftruncate" => {
                if let Some((_, Node::File(file), _)) = self.open.get(&call.number(0)) {
                    self.files[*file].now.resize(call.number(1), 0);
                }
            }
            "fsync" | "fdatasync" => self.sync(call.number(0)),
            "close" => drop(self.open.remove(&call.number(0))),
            other => panic!("{other} is not known"),
        }
    }

    fn open(&mut self, call: &Call) {
        let path = self.root.join(call.path(0));
        if !path.starts_with(&self.root) {
            self.open.remove(&call.result);
            return;
        }
        if !self.now.contains_key(&path) {
            self.files.push(Contents::default());
            self.now.insert(path.clone(), Node::File(self.files.len() - 1));
        }
        let node = self.now[&path].clone();
        if let (Node::File(file), true) = (&node, call.has("O_TRUNC")) {
            self.files[*file].now.clear();
        }
        assert!(!call.has("O_APPEND"), "{}", call.text);
        self.open.insert(call.result, (path, node, 0));
    }

    fn put(&mut self, file: usize, from: usize, bytes: &[u8]) {
        let now = &mut self.files[file].now;
        let end = from + bytes.len();
        now.resize(now.len().max(end), 0);
        now[from..end].copy_from_slice(bytes);
    }

    fn sync(&mut self, descriptor: usize) {
        match self.open.get(&descriptor) {
            Some((_, Node::File(file), _)) => {
                let file = &mut self.files[*file];
                file.synced.clone_from(&file.now);
            }
            Some((path, Node::Directory, _)) => {
                let is_in = |name: &Path| name.parent() == Some(path);
                self.synced.retain(|name, _| !is_in(name));
                let names = self.now.iter().filter(|(name, _)| is_in(name));
                self.synced
                    .extend(names.map(|(name, node)| (name.clone(), node.clone())));
            }
            None => {}
        }
    }

    fn names(&self, names: Names) -> &BTreeMap<PathBuf, Node> {
        match names {
            Names::Synced => &self.synced,
            Names::All => &self.now,
        }
    }

    /// What a power cut leaves, to tell one disk from another.
    fn left(&self, names: Names) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let left = self.names(names).iter().map(|(path, node)| match node {
            Node::Directory => (path.clone(), None),
            Node::File(file) => (path.clone(), Some(self.files[*file].synced.clone())),
        });
        left.collect()
    }

    /// In the place of the disk itself, for the spool knows by its path which store it is for.
    fn write(&self, names: Names) {
        fs::remove_dir_all(&self.root).unwrap();
        // A directory is before what is in it.
        for (path, content) in self.left(names) {
            match content {
                None => fs::create_dir(&path).unwrap(),
                // Its directory's own name may be lost, and the file with it.
                Some(content) if path.parent().unwrap().exists() => fs::write(&path, content).unwrap(),
                Some(_) => {}
            }
        }
    }
}

/// What the program has said until then.
#[derive(Default)]
struct Told {
    lines: usize,
    spooled: u64,
    commits: Vec<String>,
}

impl Told {
    fn hear(&mut self, call: &Call) {
        if call.name != "write" || call.number(0) != 1 {
            return;
        }
        for line in String::from_utf8(call.strings[0].clone()).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            self.lines += 1;
            match line["type"].as_str().unwrap() {
                "spooled" => self.spooled = line["seq"].as_u64().unwrap(),
                "commit" => self.commits.push(line["commit"].as_str().unwrap().to_owned()),
                _ => {}
            }
        }
    }

    /// Sends what this disk's spool holds, and looks at what its store has then.
    fn check(&self, place: &Path, when: &str) {
        let run = |args: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_spoutctl"));
            command
                .args(args)
                .args(["--pachd", "local:store"])
                .current_dir(place)
                .env("TMPDIR", place);
            command.output().unwrap()
        };
        if self.spooled == 0 {
            return;
        }
        let sent = run(&["spool", "spool", "--send", "--create-repo"]);
        assert!(
            sent.status.success(),
            "{when}: {}",
            String::from_utf8_lossy(&sent.stderr)
        );
        let listed = run(&["tail", "events", "-e", "--from", "earliest", "--json"]);
        assert!(
            listed.status.success(),
            "{when}: {}",
            String::from_utf8_lossy(&listed.stderr)
        );
        let listed = String::from_utf8(listed.stdout).unwrap();
        let commits: Vec<serde_json::Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        // Where the first commit of a branch is dropped, an empty one stays.
        let is_beginning = |commit: &serde_json::Value| commit["parent"].is_null() && commit["description"] == "";
        let ours = commits
            .iter()
            .filter(|commit| !is_beginning(commit) || !commit["seq"].is_null());
        let numbers: Vec<u64> = ours.map(|commit| commit["seq"].as_u64().unwrap()).collect();
        let whole = (1..=numbers.len() as u64).eq(numbers.iter().copied());
        assert!(
            whole && numbers.len() as u64 >= self.spooled,
            "{when}: {numbers:?}, told {}",
            self.spooled
        );
        let ids: Vec<&str> = commits
            .iter()
            .map(|commit| commit["commit"].as_str().unwrap())
            .collect();
        for commit in &self.commits {
            assert!(
                ids.contains(&commit.as_str()),
                "{when}: {commit} was acknowledged, and {ids:?} are there"
            );
        }
    }
}

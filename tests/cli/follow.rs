//! `tail` through a proxy that does wrong: every commit once and in order, and mirrors that are the same byte for byte.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::proxy::{Fault, Proxy};
use crate::runner::{Following, Ran, World, tree_of};
use crate::served::Served;
use crate::tail::Maker;

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        // Knuth's MMIX generator; its high bits are good enough here.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn every_commit_comes_once_and_in_order_over_a_thousand_commits_and_two_hundred_cuts() {
    const COMMITS: usize = 1000;
    const CUTS: usize = 200;
    let served = Served::start();
    let maker = Maker::create(&served, "events");
    let proxy = Proxy::before(&served.authority);
    let mut random = Random(7);
    // Every other one in what it tells of the past, the rest in what is new.
    proxy.each("SubscribeCommit", move |nth| {
        let past = (nth as u64 % 2) * 600 * 5 * nth as u64;
        (nth <= CUTS).then(|| Fault::CutAnswer(past + random.below(3000)))
    });
    proxy.each("ListCommit", |nth| match nth % 60 {
        3 => Some(Fault::CutAnswer(700)),
        23 => Some(Fault::Unheard),
        43 => Some(Fault::LoseAnswer),
        _ => None,
    });
    let world = World::at(&proxy.url());
    let following = Following::start(world.command(&["tail", "events", "--format", "{id}", "--wait-for-branch"]));
    let mut lines = Vec::new();
    for i in 0..COMMITS {
        maker.commit(&[("/a", Some(&i.to_le_bytes()))]);
        // A follower that is far behind meets few cuts.
        while lines.len() + 3 < i {
            lines.push(following.line());
        }
    }
    while lines.len() < COMMITS {
        lines.push(following.line());
    }
    assert_eq!(lines, maker.ids());
    following.signal(Signal::TERM);
    let (code, said) = following.end();
    assert_eq!(code, Some(143), "{said}");
    let cuts = proxy.met().len();
    assert!(cuts >= CUTS, "only {cuts} cuts");
}

#[test]
fn restarts_at_any_moment_skip_nothing() {
    let served = Served::start();
    let maker = Maker::create(&served, "events");
    for i in 0..60_u8 {
        maker.commit(&[("/a", Some(&[i]))]);
    }
    let world = World::at(&served.url());
    let cursor = world.path("cursor").display().to_string();
    let args = [
        "tail",
        "events",
        "--cursor",
        &cursor,
        "--from",
        "beginning",
        "--format",
        "{id}",
    ];
    let mut lines = Vec::new();
    for seen in 1..8 {
        let following = Following::start(world.command(&args));
        for _ in 0..seen {
            lines.push(following.line());
        }
        following.signal(Signal::TERM);
        lines.extend(following.rest());
    }
    lines.extend(world.run(&[&args[..], &["-e"]].concat()).lines());
    assert_eq!(lines, maker.ids());
}

/// The files of the branch's newest good commit.
fn files(world: &World, repo: &str) -> BTreeMap<String, Vec<u8>> {
    tree_of(&world.run(&["get", repo, "--tar"]).expect(0).stdout)
}

/// Runs `tail a --tar | put b --obey-deletions`, each with more arguments, to the end of both.
fn mirror(source: &World, tail: &[&str], target: &World, put: &[&str]) -> (Ran, Ran) {
    let mut tail = source
        .command(&[&["tail", "a", "-e", "--tar"], tail].concat())
        .spawn()
        .unwrap();
    let archives = tail.stdout.take().unwrap();
    let put = target
        .command(&[&["put", "b", "--obey-deletions", "--create-repo"], put].concat())
        .stdin(Stdio::from(archives))
        .output()
        .unwrap();
    (Ran::from(tail.wait_with_output().unwrap()), Ran::from(put))
}

/// Two hundred commits of all kinds; the trees of those that changed something, in order.
fn a_lively_history(maker: &Maker<'_>) -> Vec<BTreeMap<String, Vec<u8>>> {
    let mut random = Random(42);
    let mut tree: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut trees = Vec::new();
    for i in 0..200_u64 {
        if i % 17 == 5 {
            let id = maker.start_commit();
            maker.finish_commit(&id, "given up");
            continue;
        }
        let mut next = tree.clone();
        for _ in 0..=random.below(4) {
            let path = format!("d{}/f{}", random.below(4), random.below(8));
            let bytes: Vec<u8> = (0..random.below(3000))
                .map(|_| random.below(256).to_le_bytes()[0])
                .collect();
            match random.below(6) {
                0 => drop(next.remove(&path)),
                1 => next.entry(path).or_default().extend(bytes),
                _ => drop(next.insert(path, bytes)),
            }
        }
        let paths: Vec<String> = tree.keys().chain(next.keys()).map(|path| format!("/{path}")).collect();
        let changes: Vec<(&str, Option<&[u8]>)> = paths
            .iter()
            .filter(|path| tree.get(&path[1..]) != next.get(&path[1..]))
            .map(|path| (path.as_str(), next.get(&path[1..]).map(Vec::as_slice)))
            .collect();
        maker.commit(&changes);
        if next != tree {
            trees.push(next.clone());
            tree = next;
        }
    }
    trees
}

#[test]
fn a_mirror_is_the_same_byte_for_byte_with_cuts_on_both_sides() {
    let (from, to) = (Served::start(), Served::start());
    let maker = Maker::create(&from, "a");
    let trees = a_lively_history(&maker);
    let (source, target) = (Proxy::before(&from.authority), Proxy::before(&to.authority));
    let mut random = Random(3);
    for call in ["GetFile", "GetFileTAR", "DiffFile", "WalkFile", "ListCommit"] {
        let mut random = Random(random.below(1000));
        source.each(call, move |nth| {
            (nth % 50 == 2).then(|| Fault::CutAnswer(random.below(2000)))
        });
    }
    for call in [
        "CreateFileSet",
        "StartCommit",
        "AddFileSet",
        "FinishCommit",
        "InspectCommit",
    ] {
        target.each(call, move |nth| (nth % 60 == 7).then_some(Fault::LoseAnswer));
    }
    let (tail, put) = mirror(&World::at(&source.url()), &[], &World::at(&target.url()), &[]);
    tail.expect(0);
    put.expect(0);
    let cuts = (source.met().len(), target.met().len());
    assert!(cuts.0 > 10 && cuts.1 > 10, "{cuts:?}");
    let target = World::at(&to.url());
    let copied = put.commits();
    assert_eq!(copied.len(), trees.len(), "{}", tail.stderr);
    assert_eq!(files(&target, "b"), files(&World::at(&from.url()), "a"));
    for (commit, tree) in copied
        .iter()
        .zip(&trees)
        .step_by(7)
        .chain(copied.iter().zip(&trees).next_back())
    {
        assert_eq!(files(&target, commit), *tree, "{commit}");
    }
}

#[test]
fn a_mirror_that_is_torn_goes_on_where_it_was() {
    let (from, to) = (Served::start(), Served::start());
    let maker = Maker::create(&from, "a");
    for i in 0..30_u8 {
        maker.commit(&[("/a", Some(&[i; 5000])), ("/b", (i % 3 > 0).then_some(&[i]))]);
    }
    let (source, target) = (World::at(&from.url()), World::at(&to.url()));
    let put = ["--stream", "mirror", "--resume"];
    // Torn in the middle of an archive, as a killed `tail` leaves it.
    let all = source.run(&["tail", "a", "-e", "--tar"]).stdout;
    target
        .run_with(
            &[&["put", "b", "--obey-deletions", "--create-repo"], &put[..]].concat(),
            &all[..100_000],
        )
        .expect(3);
    let (tail, put) = mirror(&source, &[], &target, &put);
    tail.expect(0);
    put.expect(0);
    let copies = target.run(&["tail", "b", "-e", "-n", "100", "--ok-only"]);
    assert_eq!(copies.expect(0).lines().len(), 30);
    assert_eq!(files(&target, "b"), files(&source, "a"));
}

#[test]
fn a_subscription_that_is_cut_when_silent_is_taken_up_again() {
    let served = Served::start();
    let maker = Maker::create(&served, "events");
    maker.commit(&[("/a", Some(b"1"))]);
    let proxy = Proxy::before(&served.authority);
    proxy.cut_silent(Duration::from_millis(300));
    let world = World::at(&proxy.url());
    let following = Following::start(world.command(&["tail", "events", "--format", "{id}"]));
    following.line();
    for i in 0..3_u8 {
        std::thread::sleep(Duration::from_millis(700));
        maker.commit(&[("/a", Some(&[i]))]);
        let line = following.line();
        assert_eq!(Some(&line), maker.ids().last());
    }
    assert!(proxy.calls("SubscribeCommit") > 3);
}

//! Large archives on a pipe: their files are sent while they come, and count only when the archive has ended.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use crate::pachd::Pachd;
use crate::proxy::{Fault, Proxy};
use crate::runner::{Ran, World, takes_minutes};
use crate::served::Served;

/// Bytes of one file here: three of them are two parts and a rest.
const SIZE: usize = 22 << 20;

/// One entry of an archive.
fn entry(name: &str, seed: u32, size: usize) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(content(seed, size));
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// A small file with a mebibyte of comments before it: much to be read, and little to be sent.
pub fn padded(name: &str, content: &[u8]) -> Vec<u8> {
    const COMMENTS: usize = (1 << 20) - 512;
    let comment = "x".repeat(COMMENTS - "1048064 comment=\n".len());
    let record = format!("{COMMENTS} comment={comment}\n");
    assert_eq!(record.len(), COMMENTS);
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::XHeader);
    header.set_path("comments").unwrap();
    header.set_size(COMMENTS as u64);
    header.set_cksum();
    let mut bytes = [header.as_bytes().as_slice(), record.as_bytes()].concat();
    let mut header = tar::Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// No two blocks of it are alike, so that none can stand for another.
fn content(seed: u32, size: usize) -> Vec<u8> {
    let noise: Vec<u8> = (0..16_384_u32)
        .flat_map(|i| (i ^ seed).wrapping_mul(2_654_435_761).to_be_bytes())
        .collect();
    let mut bytes = noise.repeat(size.div_ceil(noise.len()));
    for (number, block) in bytes.chunks_mut(4096).enumerate() {
        block[..8].copy_from_slice(&(number as u64).to_be_bytes());
    }
    bytes.truncate(size);
    bytes
}

const END: [u8; 1024] = [0; 1024];

struct Setting {
    served: Served,
    proxy: Proxy,
    world: World,
}

impl Setting {
    fn new() -> Self {
        let served = Served::start();
        let proxy = Proxy::before(&served.authority);
        let world = World::at(&proxy.url());
        Self { served, proxy, world }
    }

    fn put(&self, args: &[&str]) -> Child {
        let args = [&["put", "events", "--create-repo"], args].concat();
        self.world.command(&args).stdin(Stdio::piped()).spawn().unwrap()
    }

    /// How many commits the branch has.
    fn commits(&self) -> usize {
        let ran = World::at(&self.served.url()).run(&["tail", "events", "-e", "-n", "1000", "--format", "{id}"]);
        ran.lines().len()
    }

    #[track_caller]
    fn holds(&self, commit: &str, files: &[(&str, u32, usize)]) {
        let world = World::at(&self.served.url());
        for (name, seed, size) in files {
            let found = world.get(&format!("{commit}:/{name}"));
            assert!(found == content(*seed, *size), "{name} is not as it was sent");
        }
    }
}

fn end(mut child: Child) -> Ran {
    drop(child.stdin.take());
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn the_parts_of_an_archive_are_sent_before_its_end_has_come_and_its_commit_holds_all_of_it() {
    if !takes_minutes("SPOUTCTL_TEST_FAULTS", "early") {
        return;
    }
    let setting = Setting::new();
    let mut child = setting.put(&[]);
    let mut input = child.stdin.take().unwrap();
    input.write_all(&entry("a", 1, SIZE)).unwrap();
    input.write_all(&entry("b", 2, SIZE)).unwrap();
    setting.proxy.wait_for("CreateFileSet", 1);
    input.write_all(&entry("c", 3, SIZE)).unwrap();
    setting.proxy.wait_for("CreateFileSet", 2);
    assert_eq!(setting.proxy.calls("StartCommit"), 0);
    // The last entry of a path counts, also where the first was sent before.
    input.write_all(&entry("a", 4, 1000)).unwrap();
    input.write_all(&END).unwrap();
    drop(input);
    let ran = end(child);
    ran.expect(0).says("1 commit, 3 files");
    setting.holds(&ran.commits()[0], &[("a", 4, 1000), ("b", 2, SIZE), ("c", 3, SIZE)]);
    assert_eq!(setting.proxy.calls("CreateFileSet"), 3);
    assert_eq!(setting.proxy.calls("ComposeFileSet"), 1);
}

#[test]
fn an_archive_that_is_torn_after_parts_were_sent_leaves_no_commit() {
    if !takes_minutes("SPOUTCTL_TEST_FAULTS", "early") {
        return;
    }
    let setting = Setting::new();
    let mut child = setting.put(&[]);
    let mut input = child.stdin.take().unwrap();
    for (name, seed) in [("a", 1), ("b", 2), ("c", 3)] {
        input.write_all(&entry(name, seed, SIZE)).unwrap();
    }
    setting.proxy.wait_for("CreateFileSet", 2);
    drop(input);
    end(child).expect(3);
    assert_eq!(setting.proxy.calls("StartCommit"), 0);
}

#[test]
fn a_run_that_is_killed_between_two_parts_is_made_good_by_the_next() {
    if !takes_minutes("SPOUTCTL_TEST_FAULTS", "early") {
        return;
    }
    let setting = Setting::new();
    let args = ["--stream", "s", "--resume"];
    let mut child = setting.put(&args);
    let mut input = child.stdin.take().unwrap();
    input.write_all(&entry("a", 1, SIZE)).unwrap();
    input.write_all(&entry("b", 2, SIZE)).unwrap();
    setting.proxy.wait_for("CreateFileSet", 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut child = setting.put(&args);
    let mut input = child.stdin.take().unwrap();
    for (name, seed) in [("a", 1), ("b", 2)] {
        input.write_all(&entry(name, seed, SIZE)).unwrap();
    }
    input.write_all(&END).unwrap();
    drop(input);
    let ran = end(child);
    ran.expect(0);
    setting.holds(&ran.commits()[0], &[("a", 1, SIZE), ("b", 2, SIZE)]);
    assert_eq!(setting.commits(), 1);
}

/// Parts of 2 MiB: larger ones are refused.
fn small_parts(nth: usize) -> Option<Fault> {
    (nth <= 4).then_some(Fault::Answer(413, None))
}

/// So many small files in as many MiB of an archive without an end.
fn parts(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|number| padded(&format!("{number:02}"), b"x"))
        .collect()
}

#[test]
fn a_server_that_refuses_the_fifth_part_is_told_of_in_its_words_and_there_is_no_commit() {
    for args in [&[][..], &["--hold-limit", "0"]] {
        let setting = Setting::new();
        setting.proxy.each("CreateFileSet", |nth| {
            small_parts(nth).or_else(|| (nth >= 9).then_some(Fault::Answer(403, None)))
        });
        let mut child = setting.put(args);
        let mut input = child.stdin.take().unwrap();
        // With a limit it may have ended before all is written.
        let _ = input.write_all(&parts(48));
        setting.proxy.wait_for("CreateFileSet", 9);
        let _ = input.write_all(&END);
        drop(input);
        let ran = end(child);
        assert_ne!(ran.code, Some(0), "{}", ran.text());
        ran.says("HTTP 403");
        assert_eq!(setting.proxy.calls("StartCommit"), 0);
    }
}

#[test]
fn parts_that_have_expired_are_sent_again_and_with_a_hold_limit_the_archive_is_not_committed() {
    for (args, code) in [(&[][..], 0), (&["--hold-limit", "0"], 5)] {
        let gateway = Pachd::start();
        for nth in 1..=4 {
            gateway.at("CreateFileSet", nth, Fault::Answer(413, None));
        }
        let world = World::at(&gateway.url());
        let (child, mut input) = world.start(&[&["put", "events"], args].concat());
        input.write_all(&parts(40)).unwrap();
        gateway.wait_for("CreateFileSet", 4 + 8);
        gateway.somebody().expires_file_sets();
        let _ = input.write_all(&[padded("last", b"y"), END.to_vec()].concat());
        drop(input);
        let ran = end(child);
        ran.expect(code);
        let published = gateway.published();
        assert_eq!(published.len(), usize::from(code == 0));
        if let [(_, files)] = &published[..] {
            assert_eq!((files.len(), &files["last"][..]), (41, &b"y"[..]));
        }
        assert_eq!(gateway.calls("StartCommit"), published.len());
    }
}

#[test]
fn a_part_that_meets_a_fault_is_sent_again_and_counts_once_also_when_appending() {
    for fault in [Fault::LoseAnswer, Fault::CutRequest(1 << 20)] {
        let setting = Setting::new();
        setting.proxy.at("CreateFileSet", 1, fault);
        let mut child = setting.put(&["--append"]);
        let mut input = child.stdin.take().unwrap();
        for (name, seed) in [("a", 1), ("b", 2)] {
            input.write_all(&entry(name, seed, SIZE)).unwrap();
        }
        setting.proxy.wait_for("CreateFileSet", 2);
        input.write_all(&END).unwrap();
        drop(input);
        let ran = end(child);
        ran.expect(0);
        setting.holds(&ran.commits()[0], &[("a", 1, SIZE), ("b", 2, SIZE)]);
        assert_eq!(setting.commits(), 1);
    }
}

/// Whether an archive of 66 MiB is committed by a `put` that may write no file of more than 10 MB.
fn passes(setting: &Setting, args: &[&str]) -> bool {
    let inner = setting
        .world
        .command(&[&["put", "events", "--create-repo"], args].concat());
    let mut limited = Command::new("/bin/sh");
    limited
        .args(["-c", "ulimit -f 20000 && exec \"$0\" \"$@\""])
        .arg(inner.get_program())
        .args(inner.get_args())
        .env_clear()
        .envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = limited.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for (name, seed) in [("a", 1), ("b", 2), ("c", 3)] {
        if input.write_all(&entry(name, seed, SIZE)).is_err() {
            return end(child).code == Some(0);
        }
    }
    let _ = input.write_all(&END);
    drop(input);
    let ran = end(child);
    if ran.code == Some(0) {
        setting.holds(&ran.commits()[0], &[("a", 1, SIZE), ("b", 2, SIZE), ("c", 3, SIZE)]);
    }
    ran.code == Some(0)
}

#[test]
fn with_a_hold_limit_an_archive_passes_through_files_that_are_smaller_than_it() {
    let setting = Setting::new();
    assert!(!passes(&setting, &[]), "the whole archive fitted");
    assert_eq!(setting.commits(), 0);
    assert!(passes(&setting, &["--hold-limit", "0"]));
    assert_eq!(setting.commits(), 1);
}

#[test]
fn a_hold_limit_is_refused_where_whole_archives_are_needed() {
    let world = World::local();
    for args in [
        &["--on-bad", "quarantine=q"][..],
        &["--on-bad", "repo=bad"],
        &["--spool", "s"],
        &["--batch-count", "2"],
        &["--messages", "lines"],
        &["--dry-run"],
    ] {
        let args = [&["put", "events", "--hold-limit", "1GiB"], args].concat();
        let ran = world.run_with(&args, b"");
        ran.expect(2).says("--hold-limit");
    }
}

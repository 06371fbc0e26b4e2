//! Memory is bounded: 48 MiB and 150 bytes an entry, whatever the archive.

use std::io::Write;
use std::process::Stdio;

use crate::runner::{World, takes_minutes};

/// The peak of the child's resident memory in KiB, as the kernel tells it while the child still runs, without the pages of the
/// program itself: an unoptimised one is many times as large as what is installed.
fn peak_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    kib("VmHWM:")?.checked_sub(kib("RssFile:")?)
}

/// Runs `put` on what `feed` writes, until `commits` acknowledgements are read, and tells the peak in KiB, where such
/// long tests are wanted and the system tells it.
fn peak_of_put(commits: usize, feed: impl FnOnce(&mut dyn Write) + Send) -> Option<u64> {
    use std::io::BufRead;
    if !takes_minutes("SPOUTCTL_TEST_FAULTS", "memory") {
        return None;
    }
    let world = World::local();
    let mut child = world
        .command(&["put", "events", "--create-repo"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut stdin = child.stdin.take().unwrap();
    let peak = std::thread::scope(|scope| {
        // The input stays open, so that the child is still there when its memory is read.
        let feeder = scope.spawn(move || {
            feed(&mut stdin);
            stdin
        });
        let acknowledged = stdout.lines().take(commits).flatten().count();
        assert_eq!(acknowledged, commits);
        let peak = peak_kib(child.id());
        drop(feeder.join().unwrap());
        peak
    });
    assert!(child.wait().unwrap().success());
    peak
}

fn header(path: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_path(path).unwrap();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

const BASE_KIB: u64 = 48 << 10;

#[test]
fn a_gibibyte_in_one_file_stays_under_48_mebibytes() {
    let peak = peak_of_put(1, |stdin| {
        stdin.write_all(header("big", 1 << 30).as_bytes()).unwrap();
        let block = vec![42; 1 << 20];
        for _ in 0..1024 {
            stdin.write_all(&block).unwrap();
        }
        stdin.write_all(&[0; 1024]).unwrap();
    });
    if let Some(peak) = peak {
        assert!(peak < BASE_KIB, "{peak} KiB");
    }
}

#[test]
fn two_hundred_thousand_entries_cost_less_than_150_bytes_each() {
    const ENTRIES: u64 = 200_000;
    let peak = peak_of_put(1, |stdin| {
        let mut buffered = std::io::BufWriter::with_capacity(1 << 20, stdin);
        for i in 0..ENTRIES {
            buffered
                .write_all(header(&format!("dir{}/file{i}", i % 100), 0).as_bytes())
                .unwrap();
        }
        buffered.write_all(&[0; 1024]).unwrap();
        buffered.flush().unwrap();
    });
    if let Some(peak) = peak {
        assert!(peak < BASE_KIB + ENTRIES * 150 / 1024, "{peak} KiB");
    }
}

#[test]
fn many_archives_one_after_the_other_stay_within_the_same_bound() {
    let peak = peak_of_put(20, |stdin| {
        for _ in 0..20 {
            stdin.write_all(header("part", 8 << 20).as_bytes()).unwrap();
            stdin.write_all(&vec![7; 8 << 20]).unwrap();
            stdin.write_all(&[0; 1024]).unwrap();
        }
    });
    if let Some(peak) = peak {
        assert!(peak < BASE_KIB, "{peak} KiB");
    }
}

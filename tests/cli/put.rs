//! `put` into the embedded store, as a user runs it.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sha2::Digest;

use crate::runner::{Ran, World, files_of, fixture, fixture_bytes, has_program, signal, skip, tar, wait_until};

/// One entry of any type under any name, as bytes: what `tar::Builder` would not write.
fn entry(name: &[u8], kind: u8, link: &[u8], content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link);
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn archive_of(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.extend_from_slice(&[0; 1024]);
    bytes
}

fn put(world: &World, input: &[u8]) -> Ran {
    world.run_with(&["put", "events", "--create-repo"], input)
}

#[test]
fn each_of_three_archives_is_a_commit_and_comes_back_byte_for_byte() {
    let world = World::local();
    let ran = put(&world, &fixture_bytes("archives/three.tar"));
    ran.expect(0).says("3 commits, 6 files, ");
    assert_eq!(ran.lines().len(), 3);
    assert!(ran.lines()[0].ends_with("   2 files   2.1 kB"), "{}", ran.text());
    for (commit, offset) in ran.commits().iter().zip(["24\n", "55\n", "72\n"]) {
        assert_eq!(world.get(&format!("{commit}:/offset")), offset.as_bytes());
    }
    for (path, content) in files_of(&fixture_bytes("archives/three.tar")) {
        assert_eq!(world.get(&format!("{}:/{path}", ran.commits()[0])), content);
    }
}

#[test]
fn a_stream_cut_at_every_byte_makes_whole_commits_only() {
    let one = |name: &str| {
        let mut bytes = tar(&[(name, b"x"), ("offset", name.as_bytes())]);
        bytes.truncate(bytes.len().next_multiple_of(512));
        bytes
    };
    let archives = [one("a"), one("b"), one("c")];
    let stream = archives.concat();
    let ends: Vec<usize> = archives
        .iter()
        .scan(0, |end, archive| {
            *end += archive.len();
            Some(*end)
        })
        .collect();
    let world = World::local();
    world.run(&["put", "events", "--create-repo"]).expect(0);
    // Each cut that falls into another kind of place: every byte near an edge of a block, and some in between. The
    // framing itself is cut at every single byte in its own tests.
    let cuts = (0..=stream.len()).filter(|cut| matches!(cut % 512, 0 | 1 | 511) || cut % 137 == 0);
    for cut in cuts {
        let ran = world.run_with(&["put", "events"], &stream[..cut]);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(ran.commits().len(), whole, "cut at {cut}: {}", ran.stderr);
        let at_edge = cut == 0 || ends.contains(&cut);
        ran.expect(if at_edge { 0 } else { 3 });
    }
}

#[test]
fn a_torn_archive_is_named_with_its_entry_its_byte_and_what_to_send_again() {
    let world = World::local();
    let stream = [
        tar(&[("logs/a.txt", &[b'a'; 4096])]),
        tar(&[("logs/b.txt", &[b'b'; 4096])]),
    ]
    .concat();
    let ran = put(&world, &stream[..5632 + 512 + 1320]);
    ran.expect(3)
        .says("error: the stream ends inside archive 2, so nothing of it was committed")
        .says("logs/b.txt")
        .says("4,096")
        .says("1,320")
        .says("archive 1 is committed; send archive 2 again from byte 5,632");
    assert_eq!(ran.commits().len(), 1);
}

#[test]
fn an_archive_is_committed_when_its_second_zero_block_is_read_and_not_later() {
    let world = World::local();
    let (mut child, mut stdin) = world.start(&["put", "events", "--create-repo"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for name in ["a", "b"] {
        stdin.write_all(&tar(&[(name, b"x")])).unwrap();
        stdin.flush().unwrap();
        // Nothing more is written before the acknowledgement is read.
        assert!(lines.next().unwrap().unwrap().starts_with("default/events@"));
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn nothing_is_committed_for_an_empty_input_zeros_or_an_archive_without_files() {
    let world = World::local();
    for (input, note) in [
        (Vec::new(), "empty"),
        (vec![0; 20_480], "only zero bytes"),
        (vec![0; 700], "only zero bytes"),
        (archive_of(&[entry(b"dir/", b'5', b"", b"")]), "archive 1 holds no file"),
    ] {
        let ran = put(&world, &input);
        ran.expect(0).says(note);
        assert_eq!(ran.text(), "");
    }
}

#[test]
fn what_is_no_tar_is_named_with_the_pipe_that_helps() {
    let world = World::local();
    for (input, words) in [
        (&b"\xfd7zXZ\x00rest"[..], "xz"),
        (b"BZh91AY&SY", "bzip2"),
        (b"PK\x03\x04....", "zip"),
        (b"{\"a\": 1}\n", "tar cf -"),
    ] {
        let ran = put(&world, input);
        ran.expect(3).says(words).says("help:");
        assert_eq!(ran.text(), "");
    }
}

#[test]
fn bytes_after_an_archive_that_are_no_header_leave_the_earlier_ones_alone() {
    let world = World::local();
    let mut stream = tar(&[("a", b"x")]);
    let end = stream.len();
    stream.extend_from_slice(&[b'!'; 600]);
    let ran = put(&world, &stream);
    ran.expect(3).says(&spoutctl_core::quantity::grouped(end as u64));
    assert_eq!(ran.commits().len(), 1);
}

#[test]
fn the_last_of_one_path_counts() {
    let world = World::local();
    put(&world, &tar(&[("a", b"first"), ("b", b"x"), ("a", b"second")])).expect(0);
    assert_eq!(world.get("events:/a"), b"second");
}

#[test]
fn a_path_that_is_file_and_directory_in_one_archive_is_refused_before_anything_is_sent() {
    let world = World::local();
    let ran = put(&world, &tar(&[("a", b"x"), ("a-x", b"y"), ("a/b", b"z")]));
    ran.expect(3).says("`/a`").says("`/a/b`");
    assert_eq!(ran.text(), "");
    world.run(&["get", "events:/a-x"]).expect(1);
}

#[test]
fn a_collision_with_what_the_branch_has_is_exit_4_in_the_servers_words_and_the_data_are_in_no_later_commit() {
    let world = World::local();
    put(&world, &tar(&[("a", b"x")])).expect(0);
    let ran = put(
        &world,
        &[tar(&[("a/b", b"z"), ("c", b"c")]), tar(&[("d", b"d")])].concat(),
    );
    ran.expect(4)
        .says("file / directory path collision (/a/b)")
        .says("help:");
    assert_eq!(ran.text(), "", "nothing is acknowledged after the failure");
    put(&world, &tar(&[("e", b"e")])).expect(0);
    assert_eq!(world.get("events:/a"), b"x");
    world.run(&["get", "events:/c"]).expect(1);
    world.run(&["get", "events:/d"]).expect(1);
}

#[test]
fn paths_are_normalised_and_put_under_the_prefix() {
    let world = World::local();
    let input = archive_of(&[
        entry(b"./a", b'0', b"", b"1"),
        entry(b"/b", b'0', b"", b"2"),
        entry(b"c//d", b'0', b"", b"3"),
        entry(b"e/", b'5', b"", b""),
    ]);
    world
        .run_with(&["put", "events:/in//here/", "--create-repo"], &input)
        .expect(0);
    for (path, content) in [("a", "1"), ("b", "2"), ("c/d", "3")] {
        assert_eq!(world.get(&format!("events:/in/here/{path}")), content.as_bytes());
    }
}

#[test]
fn paths_that_pachd_refuses_are_refused_here_or_escaped_and_come_back_unescaped() {
    for name in [
        &b"../x"[..],
        b"a/../b",
        b"a*b",
        b"a?b",
        b"a[b",
        b"a\nb",
        "é".as_bytes(),
        b"\xff",
        b"a@b",
        b"100%*",
    ] {
        let world = World::local();
        let input = archive_of(&[entry(name, b'0', b"", b"content")]);
        let ran = put(&world, &input);
        ran.expect(3).says("--escape-paths");
        assert_eq!(ran.text(), "");
        world.run_with(&["put", "events", "--escape-paths"], &input).expect(0);
        let back = world.run(&["get", "events", "--tar", "--unescape-paths"]);
        let mut archive = tar::Archive::new(&back.stdout[..]);
        let mut entries = archive.entries().unwrap();
        assert_eq!(entries.next().unwrap().unwrap().path_bytes(), name);
        assert!(entries.next().is_none());
    }
    for name in [&b"/"[..], b"."] {
        let world = World::local();
        let input = archive_of(&[entry(name, b'0', b"", b"lost in pachd")]);
        world
            .run_with(&["put", "events", "--create-repo", "--escape-paths"], &input)
            .expect(3);
    }
}

#[test]
fn links_become_the_file_they_lead_to_and_what_leads_nowhere_is_refused_or_skipped() {
    let world = World::local();
    let whole = archive_of(&[
        entry(b"forward", b'1', b"data/real", b""),
        entry(b"data/real", b'0', b"", b"content"),
        entry(b"data/soft", b'2', b"real", b""),
        entry(b"hard", b'1', b"data/real", b""),
        entry(b"chain", b'2', b"data/soft", b""),
    ]);
    put(&world, &whole).expect(0).says("5 files");
    for path in ["forward", "data/real", "data/soft", "hard", "chain"] {
        assert_eq!(world.get(&format!("events:/{path}")), b"content");
    }
    for (reason, mut entries) in [
        (
            "leads back to itself",
            vec![entry(b"a", b'2', b"b", b""), entry(b"b", b'2', b"a", b"")],
        ),
        ("no such file", vec![entry(b"a", b'2', b"missing", b"")]),
        (
            "leads back to itself",
            vec![entry(b"d/x", b'0', b"", b"x"), entry(b"d/a", b'2', b"..", b"")],
        ),
        (
            "leads out of the archive",
            vec![entry(b"a", b'2', b"../../etc/passwd", b"")],
        ),
    ] {
        entries.push(entry(b"kept", b'0', b"", b"kept"));
        let input = archive_of(&entries);
        let ran = put(&world, &input);
        ran.expect(3).says(reason).says("--links skip");
        assert_eq!(ran.text(), "");
        world
            .run_with(&["put", "events", "--links", "skip"], &input)
            .expect(0)
            .says("note:");
        assert_eq!(world.get("events:/kept"), b"kept");
    }
}

#[test]
fn devices_fifos_and_unknown_types_are_refused_by_name_or_skipped_with_a_note() {
    let world = World::local();
    for kind in [b'3', b'4', b'6', b'Q'] {
        let input = archive_of(&[entry(b"odd", kind, b"", b""), entry(b"kept", b'0', b"", b"kept")]);
        let ran = put(&world, &input);
        ran.expect(3).says("odd").says("--special skip");
        world
            .run_with(&["put", "events", "--special", "skip"], &input)
            .expect(0)
            .says("note:");
        assert_eq!(world.get("events:/kept"), b"kept");
    }
}

#[test]
fn an_entry_larger_than_allowed_is_refused_and_the_flag_named() {
    let world = World::local();
    let input = tar(&[("big", &[0; 2000])]);
    world
        .run_with(&["put", "events", "--create-repo", "--max-entry-size", "1kB"], &input)
        .expect(3)
        .says("--max-entry-size");
    world
        .run_with(&["put", "events", "--create-repo", "--max-entry-size", "2kB"], &input)
        .expect(0);
}

#[test]
fn gzip_and_zstd_are_recognised_and_members_follow_each_other() {
    for name in ["two-members.tar.gz", "two.tar.zst"] {
        let world = World::local();
        let ran = put(&world, &fixture_bytes(&format!("archives/{name}")));
        ran.expect(0);
        assert_eq!(ran.commits().len(), 2, "{name}");
        assert_eq!(world.get("events:/offset"), b"55\n");
    }
}

#[test]
fn a_bad_checksum_of_a_gzip_member_is_exit_3_and_names_the_commits_made_from_it() {
    let world = World::local();
    let mut bytes = fixture_bytes("archives/two-members.tar.gz");
    let end = bytes.len();
    bytes[end - 8] ^= 1;
    let ran = put(&world, &bytes);
    assert_eq!(ran.commits().len(), 2);
    let second = ran.commits()[1].clone();
    let id = second.split_once('@').unwrap().1;
    ran.expect(3).says(id);
    let first = ran.commits()[0].clone();
    assert!(!ran.stderr.contains(first.split_once('@').unwrap().1), "{}", ran.stderr);
}

#[test]
fn archives_of_bsdtar_python_and_go_go_in() {
    for (name, path, content) in [
        ("bsdtar-pax.tar", "/offset", "24\n"),
        ("bsdtar-ustar.tar", "/offset", "24\n"),
        ("python-pax.tar", "/latest", "7\n"),
        ("go.tar", "/offset", "7\n"),
    ] {
        let world = World::local();
        put(&world, &fixture_bytes(&format!("archives/{name}"))).expect(0);
        assert_eq!(world.get(&format!("events:{path}")), content.as_bytes(), "{name}");
    }
}

#[test]
fn files_are_read_in_their_order_and_a_dash_is_standard_input() {
    let world = World::local();
    let file = world.path("a.tar");
    std::fs::write(&file, tar(&[("a", b"from file")])).unwrap();
    let file = file.to_str().unwrap();
    let ran = world.run_with(
        &["put", "events", "--create-repo", file, "-", file, "--json"],
        &tar(&[("a", b"stdin")]),
    );
    ran.expect(0);
    let inputs: Vec<String> = ran
        .json()
        .iter()
        .filter_map(|line| line["input"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(inputs, [file, "standard input", file]);
    let numbers: Vec<u64> = ran.json().iter().filter_map(|line| line["archive"].as_u64()).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn a_missing_file_is_named_before_anything_is_sent() {
    let world = World::local();
    let there = fixture("archives/three.tar");
    let ran = world.run(&[
        "put",
        "events",
        "--create-repo",
        there.to_str().unwrap(),
        "/nonexistent.tar",
    ]);
    ran.expect(3).says("/nonexistent.tar");
    assert_eq!(ran.text(), "");
}

#[test]
fn json_lines_have_the_documented_fields_and_end_in_a_summary() {
    let world = World::local();
    let input = fixture_bytes("archives/three.tar");
    let ran = world.run_with(&["put", "events@live", "--create-repo", "--json"], &input);
    let lines = ran.expect(0).json();
    assert_eq!(lines.len(), 4);
    let second = &lines[1];
    assert_eq!(
        (&second["type"], &second["archive"], &second["offset"]),
        (&"commit".into(), &2.into(), &10_240.into())
    );
    let length = usize::try_from(second["length"].as_u64().unwrap()).unwrap();
    let bytes = &input[10_240..10_240 + length];
    let padding = &input[10_240 + length..20_480];
    assert!(bytes.ends_with(&[0; 1024]) && padding.iter().all(|byte| *byte == 0));
    assert_ne!(
        bytes[length - 1536..length - 1024],
        [0; 512],
        "the length ends with the second zero block"
    );
    let digest = sha2::Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    assert_eq!(second["digest"], digest);
    for (field, value) in [("project", "default"), ("repo", "events"), ("branch", "live")] {
        assert_eq!(second[field], value);
    }
    assert_eq!((&second["files"], &second["bytes"]), (&2.into(), &2679.into()));
    assert!(second["finished"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (&lines[3]["type"], &lines[3]["commits"]),
        (&"summary".into(), &3.into())
    );
    assert_eq!(lines[3]["complete"], true);
}

#[test]
fn append_goes_to_the_end_and_the_default_replaces() {
    let world = World::local();
    put(&world, &tar(&[("log", b"one\n")])).expect(0);
    world
        .run_with(&["put", "events", "--append"], &tar(&[("log", b"two\n")]))
        .expect(0);
    assert_eq!(world.get("events:/log"), b"one\ntwo\n");
    put(&world, &tar(&[("log", b"three\n")])).expect(0);
    assert_eq!(world.get("events:/log"), b"three\n");
}

#[test]
fn a_resumed_stream_skips_what_is_done() {
    let world = World::local();
    let input = fixture_bytes("archives/three.tar");
    let args = ["put", "events", "--create-repo", "--stream", "s", "--resume"];
    world.run_with(&args, &input[..20_480]).expect(0);
    let ran = world.run_with(&args, &input);
    ran.expect(0).says("2 already there");
    let already = ran.lines().iter().filter(|line| line.ends_with("already")).count();
    assert_eq!((ran.lines().len(), already), (3, 2));
    let other = world.run_with(&args, &tar(&[("other", b"x")]));
    other.expect(3).says("archive 1 is not the one");
}

#[test]
fn a_missing_repo_is_told_before_anything_is_sent() {
    let world = World::local();
    let ran = world.run_with(&["put", "events"], &fixture_bytes("archives/three.tar"));
    ran.expect(4)
        .says("repo default/events does not exist")
        .says("--create-repo");
}

#[test]
fn a_dry_run_checks_everything_and_sends_nothing() {
    let world = World::local();
    world.run(&["put", "events", "--create-repo"]).expect(0);
    let input = fixture_bytes("archives/three.tar");
    let ran = world.run_with(&["put", "events", "--dry-run", "--json"], &input);
    ran.expect(0);
    let types: Vec<String> = ran
        .json()
        .iter()
        .map(|line| line["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(types, ["archive", "archive", "archive", "summary"]);
    world.run(&["get", "events:/offset"]).expect(1);
    world.run_with(&["put", "events", "-n"], &input[..15_000]).expect(3);
    world.run_with(&["put", "nope", "-n"], &input).expect(4);
}

#[test]
fn no_pachd_is_an_error_that_names_the_embedded_store() {
    let world = World::at("");
    let ran = Ran::from(
        world
            .command(&["put", "events"])
            .env_remove("PACHD_ADDRESS")
            .output()
            .unwrap(),
    );
    ran.expect(2).says("--pachd").says("local:DIR");
}

#[test]
fn when_nobody_reads_the_acknowledgements_the_work_goes_on_and_it_is_said_once() {
    let world = World::local();
    let mut child = world
        .command(&["put", "events", "--create-repo"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&fixture_bytes("archives/three.tar")).unwrap();
    drop(stdin);
    let ran = Ran::from(child.wait_with_output().unwrap());
    ran.expect(0).says("3 commits");
    assert_eq!(ran.stderr.matches("standard output").count(), 1, "{}", ran.stderr);
    assert_eq!(world.get("events:/offset"), b"72\n");
}

#[test]
fn an_interrupt_reads_no_more_and_keeps_what_is_acknowledged() {
    for (kind, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let world = World::local();
        let (mut child, mut stdin) = world.start(&["put", "events", "--create-repo"]);
        stdin.write_all(&tar(&[("a", b"x")])).unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut String::new()).unwrap();
        // Half an archive is in hand, and the producer is silent.
        stdin.write_all(&tar(&[("b", &[1; 4096])])[..2048]).unwrap();
        let started = Instant::now();
        signal(child.id(), kind);
        let ran = Ran::from(child.wait_with_output().unwrap());
        ran.expect(code).says("interrupted");
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "it waited for input that does not come"
        );
        assert_eq!(world.get("events:/a"), b"x");
        world.run(&["get", "events:/b"]).expect(1);
    }
}

#[test]
fn gnu_tar_bsdtar_and_their_compression_go_in_as_users_pipe_them() {
    for (program, args) in [
        ("tar", &["cf", "-"][..]),
        ("tar", &["czf", "-"]),
        ("tar", &["--format=v7", "-cf", "-"]),
        ("tar", &["--format=ustar", "-cf", "-"]),
        ("tar", &["--format=posix", "-cf", "-"]),
        ("tar", &["--zstd", "-cf", "-"]),
        ("bsdtar", &["cf", "-"]),
        ("bsdtar", &["czf", "-"]),
    ] {
        if !has_program(program) {
            skip(&format!("{program} is not installed"));
            continue;
        }
        let world = World::local();
        let root = world.path("data");
        std::fs::create_dir_all(root.join("logs/2026")).unwrap();
        std::fs::write(root.join("logs/2026/one.txt"), b"one").unwrap();
        std::fs::write(root.join("logs/empty"), b"").unwrap();
        std::os::unix::fs::symlink("2026/one.txt", root.join("logs/latest")).unwrap();
        let made = std::process::Command::new(program)
            .args(args)
            .arg("logs")
            .current_dir(&root)
            .output()
            .unwrap();
        assert!(made.status.success(), "{program} {args:?}");
        let twice = [made.stdout.clone(), made.stdout].concat();
        let ran = put(&world, &twice);
        ran.expect(0);
        assert_eq!(ran.commits().len(), 2, "{program} {args:?}");
        assert_eq!(world.get("events:/logs/latest"), b"one");
        assert_eq!(world.get("events:/logs/empty"), b"");
    }
}

#[test]
fn the_verbs_are_also_known_under_spout() {
    let world = World::local();
    world
        .run_with(&["spout", "put", "events", "--create-repo"], &tar(&[("a", b"x")]))
        .expect(0);
    assert_eq!(world.run(&["spout", "get", "events:/a"]).expect(0).stdout, b"x");
}

#[test]
fn a_dry_run_makes_no_store() {
    let world = World::local();
    world
        .run_with(
            &["put", "events", "--create-repo", "-n"],
            &fixture_bytes("archives/three.tar"),
        )
        .expect(0);
    assert!(!world.path("store").exists());
    world
        .run_with(&["put", "events", "-n"], &fixture_bytes("archives/three.tar"))
        .expect(4);
    assert!(!world.path("store").exists());
}

#[test]
fn a_fifo_is_read_like_a_file() {
    let world = World::local();
    let fifo = world.path("fifo");
    if !std::process::Command::new("mkfifo")
        .arg(&fifo)
        .status()
        .is_ok_and(|status| status.success())
    {
        return skip("mkfifo is not installed");
    }
    let writer = {
        let fifo = fifo.clone();
        std::thread::spawn(move || std::fs::write(fifo, tar(&[("a", b"through a fifo")])).unwrap())
    };
    world
        .run(&["put", "events", "--create-repo", fifo.to_str().unwrap()])
        .expect(0);
    writer.join().unwrap();
    assert_eq!(world.get("events:/a"), b"through a fifo");
}

#[test]
fn a_second_signal_ends_put_even_when_nobody_reads_its_full_standard_output() {
    let world = World::local();
    let (mut child, mut stdin) = world.start(&["put", "events", "--create-repo", "--json"]);
    // Each line has about 400 bytes, and a pipe holds 64 KiB: the acknowledgements come to a stop.
    let feeder = std::thread::spawn(move || {
        let archive = tar(&[("a", b"x")]);
        while stdin.write_all(&archive).is_ok() {}
    });
    std::thread::sleep(Duration::from_secs(3));
    signal(child.id(), Signal::INT);
    std::thread::sleep(Duration::from_millis(300));
    signal(child.id(), Signal::INT);
    let limit = Instant::now() + Duration::from_secs(10);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < limit, "it hangs");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status.code(), Some(130));
    drop(child.stdout.take());
    feeder.join().unwrap();
}

#[test]
fn a_tilde_that_the_shell_left_alone_makes_no_directory() {
    let world = World::local();
    world
        .run(&["put", "events", "--pachd", "local:~/store"])
        .expect(2)
        .says("$HOME");
}

#[test]
fn an_input_that_does_not_block_is_waited_for() {
    let world = World::local();
    let (input, mut output) = std::io::pipe().unwrap();
    rustix::fs::fcntl_setfl(&input, rustix::fs::OFlags::NONBLOCK).unwrap();
    let rest = input.try_clone().unwrap();
    let child = world
        .command(&["put", "events", "--create-repo"])
        .stdin(input)
        .spawn()
        .unwrap();
    let archive = tar(&[("a", b"x")]);
    let (first, second) = archive.split_at(600);
    output.write_all(first).unwrap();
    wait_until("it is read", || rustix::io::ioctl_fionread(&rest).unwrap() == 0);
    // Nothing may be there now, if it has read further.
    std::thread::sleep(Duration::from_millis(20));
    output.write_all(second).unwrap();
    drop((output, rest));
    Ran::from(child.wait_with_output().unwrap()).expect(0);
    assert_eq!(world.get("events:/a"), b"x");
}

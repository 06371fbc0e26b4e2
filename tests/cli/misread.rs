//! Inputs that would be misread, with exit 0, if nobody looked: each is refused, or taken for what it is.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::runner::{Ran, World, has_program, skip};

fn put(world: &World, args: &[&str], input: &[u8]) -> Ran {
    world.run_with(&[&["put", "r", "--create-repo", "--messages"], args].concat(), input)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The advice of a shell command, run as it stands: `gzip -dc FILE | spoutctl …`.
fn unpack(command: &str, packed: &[u8]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, packed).unwrap();
    let command = command.replace("FILE", file.to_str().unwrap());
    let output = std::process::Command::new("sh")
        .args(["-c", &command])
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    output.stdout
}

#[test]
fn records_are_never_appended_below_the_columns_of_another_input() {
    let world = World::local();
    let args = ["csv", "--into", "a.csv", "--append"];
    put(&world, &args, b"id,name\n1,a\n").expect(0);
    for other in [
        &b"name,id\nb,2\n"[..],
        b"id;name\n2;b\n",
        b"id,name,more\n2,b,c\n",
        b"id\n2\n",
    ] {
        let ran = put(&world, &args, other);
        ran.expect(3)
            .says("`/a.csv`, to which it would be appended, begins with `id,name`");
        // Nor is each of its messages left out, one by one.
        put(&world, &[&args[..], &["--on-bad", "skip"]].concat(), other).expect(3);
    }
    // The same columns are the same, however their line is marked and ended.
    for same in [
        &b"\xef\xbb\xbfid,name\n2,b\n"[..],
        b"id,name\r\n3,c\r\n",
        b"sep=,\r\nid,name\r\n4,d",
    ] {
        put(&world, &args, same).expect(0);
    }
    assert_eq!(world.get("r:/a.csv"), b"id,name\n1,a\n2,b\n3,c\r\n4,d\n");
    // An empty file has no columns yet.
    let world = World::local();
    put(&world, &["lines", "--each", "a.csv", "--batch-count", "1"], b"\n").expect(0);
    put(&world, &args, b"id\n1\n").expect(0);
    assert_eq!(world.get("r:/a.csv"), b"id\n1\n");
}

#[test]
fn a_file_for_many_messages_is_not_named_by_the_key_of_the_first() {
    let world = World::local();
    let args = ["lines", "--into", "{key}", "--key-column", "1"];
    put(&world, &args, b"a\t1\nb\t2\n")
        .expect(2)
        .says("--each NAME gives each message a file");
}

#[test]
fn a_key_that_is_too_long_for_a_path_takes_no_other_message_with_it() {
    let world = World::local();
    let long = "k".repeat(4_096);
    let input = format!("{{\"id\":\"{long}\"}}\n{{\"id\":2}}\n");
    let args = ["ndjson", "--each", "{key}", "--key-json", "/id", "--on-bad", "skip"];
    put(&world, &args, input.as_bytes())
        .expect(0)
        .says("1 message was left out");
    assert_eq!(world.get("r:/2"), b"{\"id\":2}");
    // The prefix of the destination counts.
    let key = "k".repeat(4_090);
    let input = format!("{{\"id\":\"{key}\"}}\n{{\"id\":3}}\n");
    world
        .run_with(
            &[&["put", "r:/below", "--messages"], &args[..]].concat(),
            input.as_bytes(),
        )
        .expect(0)
        .says("at most 4,090 are taken");
    assert_eq!(world.get("r:/below/3"), b"{\"id\":3}");
}

#[test]
fn what_was_compressed_twice_or_by_compress_is_named_with_what_unpacks_it() {
    let lines = b"one\ntwo\n";
    let world = World::local();
    let twice = gzip(&gzip(lines));
    let ran = put(&world, &["lines", "--into", "a"], &twice);
    ran.expect(3)
        .says("gzip-compressed data again; unpack it first: gzip -dc FILE >NEW && spoutctl … <NEW");
    let once = unpack("gzip -dc FILE", &twice);
    put(&world, &["lines", "--into", "a"], &once).expect(0);
    assert_eq!(world.get("r:/a"), lines);
    // The inner one is decompressed here, so the outer one is what is undone.
    let zstd = zstd::encode_all(&gzip(lines)[..], 0).unwrap();
    let ran = put(&world, &["lines", "--into", "a"], &zstd);
    ran.expect(3)
        .says("unpack it first: zstd -dc FILE >NEW && spoutctl … <NEW");
    for (packed, advised) in [
        (b"PK\x03\x04\x14\0\0\0\0\0".to_vec(), "unzip -p FILE NAME >NEW"),
        (
            gzip(b"PK\x03\x04\x14\0\0\0\0\0"),
            "gzip -dc FILE >INNER && unzip -p INNER NAME >NEW",
        ),
        (gzip(b"\xfd7zXZ\0\0\x04"), "gzip -dc FILE | xz -dc >NEW"),
    ] {
        put(&world, &["lines", "--into", "a"], &packed).expect(3).says(advised);
    }
    // What `compress` writes of `one\ntwo\n`.
    let compressed = b"\x1f\x9d\x90\x6f\xdc\x94\x51\x40\x07\xbd\x29";
    let ran = put(&world, &["lines", "--into", "b"], compressed);
    ran.expect(3).says("compressed with `compress`").says("gzip -dc FILE");
}

#[test]
fn what_is_made_of_a_cpio_archive_as_advised_holds_all_names_of_a_file() {
    if !has_program("bsdtar") {
        return skip("bsdtar is not installed");
    }
    let world = World::local();
    let tree = world.path("tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("a"), b"one").unwrap();
    fs::hard_link(tree.join("a"), tree.join("b")).unwrap();
    let cpio = std::process::Command::new("bsdtar")
        .args(["--format=newc", "-cf", "-", "a", "b"])
        .current_dir(&tree)
        .output()
        .unwrap();
    world
        .run_with(&["put", "r", "--create-repo"], &cpio.stdout)
        .expect(3)
        .says("mkdir DIR && bsdtar -xf FILE -C DIR && tar -cf - -C DIR . | spoutctl put …");
    let into = world.path("into");
    let advised = "mkdir DIR && bsdtar -xf FILE -C DIR && tar -cf - -C DIR .".replace("DIR", into.to_str().unwrap());
    let archive = unpack(&advised, &cpio.stdout);
    world.run_with(&["put", "r", "--create-repo"], &archive).expect(0);
    for name in ["r:/a", "r:/b"] {
        assert_eq!(world.get(name), b"one");
    }
}

#[test]
fn utf_16_is_named_with_the_iconv_that_converts_it() {
    let world = World::local();
    let text = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (framing, input, from) in [
        ("lines", text("\u{feff}one\r\ntwo\r\n"), "UTF-16"),
        ("csv", text("\u{feff}id,name\r\n1,a\r\n"), "UTF-16"),
        ("csv", text("id,name\r\n1,a\r\n"), "UTF-16LE"),
    ] {
        let ran = put(&world, &[framing, "--into", "a"], &input);
        ran.expect(3).says(&format!("iconv -f {from} -t UTF-8 | spoutctl …"));
        let converted = unpack(&format!("iconv -f {from} -t UTF-8 < FILE"), &input);
        put(&world, &[framing, "--into", "a"], &converted).expect(0);
        assert!(
            world
                .get("r:/a")
                .starts_with(if framing == "csv" { b"id," } else { b"one" })
        );
    }
}

#[test]
fn what_is_no_event_stream_and_no_journal_is_not_passed_over() {
    let world = World::local();
    for framing in ["sse", "journal-export"] {
        put(&world, &[framing, "--into", "a"], b"{\"a\":1}\n\n{\"a\":2}\n\n")
            .expect(3)
            .says("nothing is committed");
    }
}

#[test]
fn columns_that_might_be_told_apart_in_two_ways_are_said_to_be() {
    let world = World::local();
    let args = ["csv", "--into", "a.csv"];
    put(&world, &args, b"id|name, given\n1|x\n")
        .expect(0)
        .says("told apart by `,`, as the first record shows (it has `|`, too); --csv-delimiter");
    let quiet = put(&world, &args, b"id,\"a|b\"\n1,\"x;y\"\n");
    assert!(!quiet.stderr.contains("told apart"), "{}", quiet.stderr);
}

#[test]
fn what_stands_in_the_way_of_a_message_is_named_with_what_helps() {
    let world = World::local();
    let by_id = ["json", "--each", "{key}", "--key-json", "/id"];
    put(&world, &by_id, b"[{\"id\":1}]").expect(3).says("jq -c '.[]'");
    put(&world, &["netstring", "--into", "a"], b"1:a,\n1:b,")
        .expect(3)
        .says("kcat -f '%S:%s,' has none");
    let ran = put(&world, &by_id, b"{\"id\":\"a\"}{\"id\":\"a/b\"}");
    ran.expect(3)
        .says("--each '{key}.json' makes `a.json` beside `a/b.json`");
    let by_id = ["json", "--each", "below/{key}.json", "--key-json", "/id"];
    put(&world, &by_id, b"{\"id\":\"a\"}{\"id\":\"a/b\"}").expect(0);
    for (typed, pointer) in [
        ("id", "/id"),
        (".user.id", "/user/id"),
        ("$.items[0]['id']", "/items/0/id"),
    ] {
        let args = ["json", "--each", "{key}", "--key-json", typed];
        put(&world, &args, b"")
            .expect(2)
            .says(&format!("begins with a slash: {pointer}"));
    }
    // As kcat's -K takes it.
    let args = ["lines", "--each", "{key}", "--key-delimiter", "\\t"];
    put(&world, &args, b"k\tv\n").expect(0);
    assert_eq!(world.get("r:/k"), b"k\tv");
}

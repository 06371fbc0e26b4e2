//! Messages as consumers, spreadsheets and rotated logs have them.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::runner::{Ran, World, tar, words};
use crate::served::Served;

fn put(world: &World, args: &[&str], input: &[u8]) -> Ran {
    world.run_with(&[&["put", "r", "--create-repo", "--messages"], args].concat(), input)
}

/// In the store of a directory, and in one that is served, by gRPC and by HTTP.
fn in_a_directory_and_through_both_doors(tried: impl Fn(&World)) {
    tried(&World::local());
    for door in ["grpc", "http"] {
        let served = Served::start();
        tried(&World::at(&format!("{door}://{}", served.authority)));
    }
}

#[test]
fn what_is_not_read_as_it_is_is_named_with_the_command_that_helps() {
    let world = World::local();
    // A frame with nothing in it, that names dictionary 7.
    put(&world, &["lines", "--into", "a"], b"\x28\xb5\x2f\xfd\x21\x07\0\x01\0\0")
        .expect(3)
        .says("it was compressed with a dictionary")
        .says("zstd -dc -D DICTIONARY FILE | spoutctl");
    put(&world, &["lines", "--into", "a"], b"\xff\xfe\0\0a\0\0\0\n\0\0\0")
        .expect(3)
        .says("iconv -f UTF-32 -t UTF-8 | spoutctl");
    put(&world, &["json", "--into", "a"], b"1\0\0\0\n\0\0\0")
        .expect(3)
        .says("iconv -f UTF-32LE -t UTF-8 | spoutctl");
    world
        .run(&["put", "r", "https://example.com/a.tar"])
        .expect(2)
        .says("is no file, and nothing is fetched here")
        .says("spoutctl put DEST -- curl -fsS URL");
}

#[test]
fn syslog_as_it_goes_through_tcp_is_messages() {
    let world = World::local();
    let input = b"11 <34>1 - a\nb5 <13>c";
    put(&world, &["octet-counting", "--into", "framed"], input).expect(0);
    assert_eq!(world.run(&["get", "r:/framed"]).expect(0).stdout, input);
    put(&world, &["octet-counting", "--each", "{seq}", "--stream", "s"], input).expect(0);
    assert_eq!(world.run(&["get", "r:/1"]).expect(0).stdout, b"<34>1 - a\nb");
    let newline = put(&world, &["octet-counting", "--into", "x"], b"5 <13>c\n5 <13>d");
    newline
        .expect(3)
        .says("between frames stands nothing, no newline either");
    assert!(!newline.stderr.contains("kcat"), "{}", newline.stderr);
    put(&world, &["netstring", "--into", "x"], b"1:a,\n1:b,")
        .expect(3)
        .says("no newline either: kcat -f '%S:%s,' has none");
    put(&world, &["octet-counting", "--into", "x"], b"<13>c\n<13>d\n")
        .expect(3)
        .says("--messages lines takes syslog that has no length before each message");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn names(world: &World) -> Vec<String> {
    let archive = world.run(&["get", "r", "--tar"]);
    let files = crate::runner::tree_of(&archive.expect(0).stdout);
    files.into_keys().collect()
}

#[test]
fn messages_of_compressed_input_are_those_that_were_compressed() {
    let lines = b"one\ntwo\nthree\n";
    for packed in [gzip(lines), zstd::encode_all(&lines[..], 3).unwrap()] {
        let world = World::local();
        let file = world.path("app.log.1");
        std::fs::write(&file, &packed).unwrap();
        put(&world, &["lines", "--into", "f", &file.display().to_string()], b"").expect(0);
        assert_eq!(world.get("r:/f"), lines);
        // Several members, as logs that were put together have.
        put(
            &world,
            &["lines", "--into", "g"],
            &[packed.clone(), packed.clone()].concat(),
        )
        .expect(0);
        assert_eq!(world.get("r:/g"), lines.repeat(2));
        let archive = world.run_with(&["pack", "--messages", "lines", "--into", "f"], &packed);
        assert_eq!(crate::runner::tree_of(&archive.expect(0).stdout)["f"], lines);
    }
    // What is cut or damaged is said, with what came before it.
    let world = World::local();
    let packed = gzip(&b"line\n".repeat(100_000));
    let ran = put(&world, &["lines", "--into", "f"], &packed[..packed.len() - 9]);
    ran.expect(3).says("the input ends inside a member");
    let noise: Vec<u8> = (0..100_000_u32)
        .flat_map(|number| (number * 7919).to_le_bytes())
        .collect();
    for (packed, with) in [
        (&b"\xfd7zXZ\0\0\x04\xe6"[..], "xz -dc"),
        (b"BZh91AY&SY....", "bzip2 -dc"),
        (b"]\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0", "xz -dc"),
        (&zlib(lines), "pigz -dc"),
        (&zlib(&noise), "pigz -dc"),
        (b"\xff\x06\0\0sNaPpY", "snzip -dc"),
        (b"\x89LZO\0\r\n\x1a\n", "lzop -dc"),
        (b"Rar!\x1a\x07\x01\0", "unrar p"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"Obj\x01\x04", "an Avro file"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"PGDMP\x01\x0e", "a dump of `pg_dump -Fc`"),
    ] {
        put(&world, &["lines", "--into", "f"], packed).expect(3).says(with);
    }
    // Nor is what only looks like it refused.
    put(&world, &["lines", "--into", "h"], b"BZh9 is a word\n").expect(0);
    put(&world, &["lines", "--into", "h"], b"PAR1,PAR2\nx^2\n").expect(0);
    for rows in [&b"x\x011\x012\n"[..], b"x\x01\n", "xکتاب\n".as_bytes()] {
        put(&world, &["lines", "--into", "h"], rows).expect(0);
        let hive = ["csv", "--csv-delimiter", "\\x01", "--csv-no-header", "--into", "h"];
        put(&world, &hive, rows).expect(0);
        assert_eq!(world.get("r:/h"), rows);
    }
    put(&world, &["json", "--into", "h"], b"\x1e{}\n")
        .expect(3)
        .says("--messages json-seq");
}

#[test]
fn what_input_is_shows_also_where_its_writer_pauses() {
    let packed = zlib(b"one\ntwo\nthree\n");
    for (pieces, what) in [
        ([&b"\xfd7zX"[..], b"Z\0\0\x04aaa\n"], "xz-compressed data"),
        ([b"PAR", b"1\x15\x04\n"], "a Parquet file"),
        (packed.split_at(9).into(), "zlib-compressed data"),
    ] {
        let world = World::local();
        let args = ["pack", "--messages", "lines", "--into", "f"];
        let (child, mut stdin) = world.start(&args);
        for piece in pieces {
            stdin.write_all(piece).unwrap();
            std::thread::sleep(Duration::from_millis(300));
        }
        drop(stdin);
        let ran = Ran::from(child.wait_with_output().unwrap());
        ran.expect(3).says(what);
        assert_eq!(ran.stdout, b"");
    }
}

#[test]
fn two_ids_are_never_one_file() {
    let world = World::local();
    let ids = [
        "12345678901234567890123",
        "12345678901234567890124",
        "1.10",
        "1.1",
        "1e2",
        "100",
    ];
    let lines: String = ids.iter().map(|id| format!("{{\"v\": NaN, \"id\": {id}}}\n")).collect();
    put(
        &world,
        &["lines", "--each", "{key}", "--key-json", "/id"],
        lines.as_bytes(),
    )
    .expect(0);
    let mut expected = ids.map(str::to_owned);
    expected.sort();
    assert_eq!(names(&world), expected);
    // What is wrong with another field keeps no key from being found.
    let world = World::local();
    let line = b"{\"topic\":\"t\",\"offset\":0,\"key\":\"k\xff1\",\"s\":\"\\ud800\"}\n";
    put(&world, &["json", "--each", "{key}", "--key-json", "/offset"], line).expect(0);
    assert_eq!(world.get("r:/0"), line[..line.len() - 1]);
}

#[test]
fn a_key_with_slashes_makes_directories_where_paths_are_escaped() {
    let world = World::local();
    let line = "home/büro/temp\t21\n".as_bytes();
    put(
        &world,
        &["lines", "--each", "{key}", "--key-column", "1", "--escape-paths"],
        line,
    )
    .expect(0);
    assert_eq!(names(&world), ["home/b%C3%BCro/temp"]);
    let args = [
        "lines",
        "--each",
        "{key}",
        "--key-column",
        "1",
        "--escape-paths",
        "--escape-keys",
    ];
    put(&world, &args, line).expect(2);
}

#[test]
fn a_growing_file_of_csv_has_one_header() {
    let world = World::local();
    let args = ["csv", "--into", "d/a.csv", "--append", "--batch-count", "1"];
    put(&world, &args, b"id,name\n1,a\n2,b\n").expect(0);
    // Neither does a later run repeat it.
    put(&world, &args, b"id,name\n3,c\n").expect(0);
    assert_eq!(world.get("r:/d/a.csv"), b"id,name\n1,a\n2,b\n3,c\n");
    let each = [
        "csv",
        "--each",
        "{key}.csv",
        "--key-column",
        "1",
        "--append",
        "--batch-count",
        "1",
    ];
    put(&world, &each, b"id,name\n1,a\n2,b\n1,c\n").expect(0);
    assert_eq!(world.get("r:/1.csv"), b"id,name\n1,a\n1,c\n");
    assert_eq!(world.get("r:/2.csv"), b"id,name\n2,b\n");
    // The same below a directory, and through a spool.
    let spool = world.path("spool").display().to_string();
    let base = [
        "put",
        "r:/below",
        "--messages",
        "csv",
        "--into",
        "a.csv",
        "--append",
        "--spool",
        &spool,
    ];
    for record in ["1,a", "2,b"] {
        world
            .run_with(&base, format!("id,name\n{record}\n").as_bytes())
            .expect(0);
    }
    assert_eq!(world.get("r:/below/a.csv"), b"id,name\n1,a\n2,b\n");
}

#[test]
fn a_growing_file_of_csv_is_refused_where_a_directory_is_or_a_header_without_an_end() {
    let world = World::local();
    let there: &[(&str, &[u8])] = &[("dir.csv/x", b"1"), ("bare.csv", b"id,name")];
    world.run_with(&["put", "r", "--create-repo"], &tar(there)).expect(0);
    let args = |into| ["csv", "--append", "--retry-for", "1m", "--into", into];
    put(&world, &args("dir.csv"), b"id,name\n1,a\n")
        .expect(4)
        .says("file / directory path collision");
    put(&world, &args("bare.csv"), b"id,name\n1,a\n")
        .expect(3)
        .says("its first line has no end")
        .says("with a newline at its end");
    assert_eq!(world.get("r:/bare.csv"), b"id,name");
    // Once more with it, as was said.
    let ended: &[(&str, &[u8])] = &[("bare.csv", b"id,name\n")];
    world.run_with(&["put", "r"], &tar(ended)).expect(0);
    put(&world, &args("bare.csv"), b"id,name\n1,a\n").expect(0);
    assert_eq!(world.get("r:/bare.csv"), b"id,name\n1,a\n");
}

#[test]
fn csv_of_other_countries_and_spreadsheets_comes_whole() {
    let world = World::local();
    let mac = b"a,b\r1,2\r3,4\r";
    put(&world, &["csv", "--into", "mac.csv"], mac).expect(0);
    assert_eq!(world.get("r:/mac.csv"), mac);
    let excel = "\u{feff}id;name\r\n1;\"Müller;\r\nErben\"\r\n2;x\r\n".as_bytes();
    let args = ["csv", "--each", "{key}.csv", "--key-column", "1"];
    put(&world, &args, excel)
        .expect(0)
        .says("columns are told apart by `;`, as the first record shows");
    assert_eq!(
        world.get("r:/1.csv"),
        "\u{feff}id;name\r\n1;\"Müller;\r\nErben\"\r\n".as_bytes()
    );
    let args = [
        "csv",
        "--csv-no-header",
        "--csv-delimiter",
        "tab",
        "--each",
        "n-{key}",
        "--key-column",
        "2",
    ];
    put(&world, &args, b"1\tx\n2\t\"y\tz\"").expect(3).says("--escape-keys");
    let args = [&args[..], &["--escape-keys"]].concat();
    put(&world, &args, b"1\tx\n2\t\"y\tz\"").expect(0);
    assert_eq!(world.get("r:/n-y%09z"), b"2\t\"y\tz\"\n");
    // An open quote is named, and no advice loses what is behind it.
    let ran = put(&world, &["csv", "--into", "q.csv"], b"a,b\n1,\"2\n3,4\n");
    ran.expect(3).says("in a quote that is open");
    assert!(!ran.stderr.contains("--partial keep"), "{}", ran.stderr);
    put(&world, &["csv", "--into", "h.csv"], b"a,b\n")
        .expect(0)
        .says("holds a header and no record");
}

#[test]
fn what_mysql_and_sqlite_print_is_taken_with_the_quotes_that_they_write() {
    // `mysql --batch` doubles tabs and newlines, and knows no quotes.
    let batch = b"id\tname\n5\t\"open\n18446744073709551615\t{\"a\":1}\n";
    let tabs = ["csv", "--csv-delimiter", "tab", "--each", "{key}", "--key-column", "1"];
    let world = World::local();
    // One quote would take the next row with it.
    put(&world, &tabs, batch).expect(3).says("--csv-quote none");
    put(&world, &[&tabs[..], &["--csv-quote", "none"]].concat(), batch).expect(0);
    assert_eq!(names(&world), ["18446744073709551615", "5"]);
    assert_eq!(world.get("r:/5"), b"id\tname\n5\t\"open\n");
    // `sqlite3` with `.mode quote`.
    let world = World::local();
    let quote = b"'id','a'\n1,'x,\"y'\n3,'z\nit''s'\n";
    let args = ["csv", "--csv-quote", "'", "--each", "{key}", "--key-column", "2"];
    put(&world, &[&args[..], &["--escape-keys"]].concat(), quote).expect(0);
    assert_eq!(names(&world), ["x,\"y", "z%0Ait's"]);
}

#[test]
fn a_quote_a_delimiter_and_an_escape_that_are_the_same_are_refused_and_where_there_is_no_quote_it_is_a_byte() {
    let world = World::local();
    let with = |args: &[&str], input: &[u8]| put(&world, &[&["csv", "--into", "f"], args].concat(), input);
    for same in [
        &["--csv-delimiter", "\""][..],
        &["--csv-escape", "\""],
        &["--csv-quote", ","],
        &["--csv-escape", ","],
        &["--csv-quote", ";", "--csv-delimiter", ";"],
        &["--csv-escape", ";", "--csv-delimiter", ";"],
        &["--csv-escape", "'", "--csv-quote", "'"],
        &["--csv-escape", ";", "--csv-quote", "none", "--csv-delimiter", ";"],
    ] {
        with(same, b"a,b\n1,2\n")
            .expect(2)
            .says("--csv-quote, --csv-delimiter and --csv-escape are three different bytes");
    }
    with(&["--csv-delimiter", "\"", "--csv-quote", "none"], b"a\"b\n1\"2\n").expect(0);
    with(&["--csv-escape", "\"", "--csv-quote", "'"], b"a,b\n'1\"'',2',3\n").expect(0);
    with(&["--csv-quote", ",", "--csv-delimiter", ";"], b"a;b\n,1;,;2\n").expect(0);
    for option in ["--csv-quote", "--csv-delimiter", "--csv-escape"] {
        with(&[option, "\\n"], b"")
            .expect(2)
            .says("the end of a line cannot be that");
    }
}

#[test]
fn a_length_that_promises_more_than_comes_ends_the_stream_whatever_may_be_left_out() {
    let world = World::local();
    let bad = ["--into", "f", "--max-message", "1KB", "--on-bad", "skip"];
    for (framing, input, why) in [
        (
            "u32be",
            &b"\0\0\0\x01a\0\xff\0\0more"[..],
            "the input ends after 8 of its bytes",
        ),
        (
            "u32le",
            b"\x01\0\0\0a\0\0\xff\0more",
            "the input ends after 8 of its bytes",
        ),
        ("netstring", b"1:a,99999:more", "the input ends after 10 of its bytes"),
        (
            "varint",
            b"\x01a\xff\xff\x03more",
            "the input ends after 7 of its bytes",
        ),
        (
            "varint",
            b"\x01a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01more",
            "does not begin with its length",
        ),
    ] {
        let args = [&[framing][..], &bad].concat();
        put(&world, &args, input)
            .expect(3)
            .says("message 2 of the input")
            .says(why);
    }
}

#[test]
fn json_over_several_lines_and_a_long_array_are_answered_with_what_takes_them() {
    let world = World::local();
    // `journalctl -o json-pretty`, `jq .`
    let pretty = b"{\n  \"a\": 1\n}\n";
    put(&world, &["ndjson", "--into", "f"], pretty)
        .expect(3)
        .says("--messages json takes");
    put(&world, &["json", "--into", "f"], pretty).expect(0);
    let array = format!("[{}1]", "1,".repeat(600));
    let args = ["json", "--into", "f", "--max-message", "1KiB"];
    put(&world, &args, array.as_bytes()).expect(3).says("jq -c '.[]'");
}

#[test]
fn a_blank_line_of_csv_has_no_key_where_it_is_a_record() {
    let world = World::local();
    let keyed = ["csv", "--each", "{key}.csv", "--key-column"];
    put(&world, &[&keyed[..], &["1"]].concat(), b"note\na\n\n")
        .expect(3)
        .says("has no key: it is empty");
    put(
        &world,
        &[&keyed[..], &["1", "--on-bad", "skip"]].concat(),
        b"note\na\n\n",
    )
    .expect(0);
    assert_eq!(names(&world), ["a.csv"]);
    put(&world, &[&keyed[..], &["2", "--csv-no-header"]].concat(), b"\n1;2\n\n").expect(0);
    assert_eq!(world.get("r:/2.csv"), b"1;2\n");
}

#[test]
fn a_bad_message_is_set_aside_and_the_others_are_committed() {
    let world = World::local();
    let dir = world.path("q");
    let aside = format!("quarantine={}", dir.display());
    let args = [
        "lines",
        "--each",
        "{key}",
        "--key-json",
        "/id",
        "--position-json",
        "/at",
        "--json",
        "--on-bad",
        &aside,
    ];
    let input = b"{\"id\":\"a\",\"at\":1}\nnot json\n{\"id\":\"a\",\"at\":3}\n{\"id\":\"b*\",\"at\":4}\n{\"id\":\"b\",\"at\":5}\n";
    let ran = put(&world, &args, input);
    let json = ran.expect(0).json();
    assert_eq!(names(&world), ["a", "b"]);
    let messages = &json[0]["messages"];
    assert_eq!((&messages["count"], &messages["set_aside"]), (&5.into(), &3.into()));
    assert_eq!(json[0]["position"], 5);
    let listed: Vec<(u64, &str)> = messages["listed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|aside| (aside["message"].as_u64().unwrap(), aside["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(listed.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(
        listed[1].1.contains("would have the name `/a` that message 1 has"),
        "{listed:?}"
    );
    assert_eq!(messages["listed"][1]["position"], 3);
    let file = messages["listed"][0]["file"].as_str().unwrap();
    assert_eq!(std::fs::read(file).unwrap(), b"not json");
    let why = std::fs::read_to_string(file.replace(".message", ".why")).unwrap();
    assert!(why.starts_with("message 2 has no position: it is not JSON"), "{why}");
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 6);
    let last = json.last().unwrap();
    assert_eq!(
        (&last["messages_set_aside"], &last["complete"]),
        (&3.into(), &true.into())
    );
    // Nothing but bad ones: acknowledged as an archive that is none.
    let ran = put(&world, &args, b"x\n");
    let summary = ran.expect(0).json();
    assert_eq!(summary.last().unwrap()["messages_set_aside"], 1);
}

#[test]
fn a_bad_message_is_left_out_and_counted() {
    let world = World::local();
    let args = [
        "lines",
        "--each",
        "{key}",
        "--key-json",
        "/id",
        "--on-bad",
        "skip",
        "--json",
    ];
    let ran = put(&world, &args, b"{\"id\":\"a\"}\n{}\n{\"id\":\"b\"}\n");
    let json = ran
        .expect(0)
        .says("1 message was left out; the first: message 2 of the input, at byte 11, has no key")
        .json();
    assert_eq!(json[0]["messages"]["skipped"], 1);
    assert_eq!(names(&world), ["a", "b"]);
    // What is too long is passed by, and so is what is no JSON.
    let long = format!("1\n{}\nno\n2\n", "3".repeat(5000));
    let args = ["ndjson", "--into", "f", "--max-message", "100", "--on-bad", "skip"];
    put(&world, &args, long.as_bytes())
        .expect(0)
        .says("2 messages were left out");
    assert_eq!(world.get("r:/f"), b"1\n2\n");
    let packed = world.run_with(&[&["pack", "--messages"], &args[..]].concat(), long.as_bytes());
    assert_eq!(crate::runner::tree_of(&packed.expect(0).stdout)["f"], b"1\n2\n");
}

#[test]
fn an_archive_of_which_no_commit_can_be_made_is_left_out_where_that_is_asked() {
    let world = World::local();
    let bad = crate::runner::tar(&[("a*b", b"x")]);
    let good = crate::runner::tar(&[("a", b"x")]);
    let input = [good.clone(), bad, good].concat();
    let ran = world.run_with(&["put", "r", "--create-repo", "--on-bad", "skip", "--json"], &input);
    let json = ran.expect(0).json();
    let types: Vec<&str> = json.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["commit", "skipped", "commit", "summary"]);
    assert_eq!(json[3]["skipped"], 1);
}

#[test]
fn a_null_is_empty_or_left_out_or_named() {
    let u32be = b"\0\0\0\x02v1\xff\xff\xff\xff\0\0\0\x02v3";
    for (framing, input) in [("u32be", &u32be[..]), ("netstring", b"2:v1,-1:,2:v3,")] {
        let world = World::local();
        put(&world, &[framing, "--into", "f"], input).expect(0);
        assert_eq!(world.get("r:/f"), input);
        put(&world, &[framing, "--into", "g", "--nulls", "skip"], input)
            .expect(0)
            .says("1 message of length -1");
        assert_eq!(world.get("r:/g").len(), if framing == "u32be" { 12 } else { 10 });
        let ran = put(&world, &[framing, "--into", "h", "--nulls", "fail"], input);
        ran.expect(3)
            .says("message 2")
            .says("is null: its length is -1")
            .says("--nulls skip");
        put(
            &world,
            &[framing, "--into", "i", "--nulls", "fail", "--on-bad", "skip"],
            input,
        )
        .expect(0);
        assert_eq!(world.get("r:/i"), world.get("r:/g"));
    }
}

#[test]
fn the_last_of_one_name_wins_where_that_is_asked() {
    let world = World::local();
    let lines = b"a\t1\nb\t1\na\t2\n";
    let args = ["lines", "--each", "{key}", "--key-column", "1"];
    put(&world, &args, lines).expect(3).says("--same-name last");
    put(&world, &[&args[..], &["--same-name", "last"]].concat(), lines).expect(0);
    assert_eq!(
        (world.get("r:/a"), world.get("r:/b")),
        (b"a\t2".to_vec(), b"b\t1".to_vec())
    );
}

#[test]
fn fields_of_a_journal_and_of_events_are_keys_and_positions() {
    let world = World::local();
    let journal =
        b"__CURSOR=s=1;i=1\n_SYSTEMD_UNIT=a.service\nMESSAGE=x\n\n__CURSOR=s=1;i=2\n_SYSTEMD_UNIT=b.service\n\n";
    let args = [
        "journal-export",
        "--each",
        "{key}",
        "--key-field",
        "_SYSTEMD_UNIT",
        "--position-field",
        "__CURSOR",
        "--json",
    ];
    let ran = put(&world, &args, journal);
    assert_eq!(ran.expect(0).json()[0]["position"], "s=1;i=2");
    assert_eq!(names(&world), ["a.service", "b.service"]);
    let events = b"id: 41\ndata: {\"n\": 1}\n\n: ping\n\nid: 42\ndata: {\"n\":\ndata: 2}\n\n";
    let ran = put(
        &world,
        &["sse", "--into", "e.jsonl", "--position-field", "id", "--json"],
        events,
    );
    assert_eq!(ran.expect(0).json()[0]["position"], "42");
    assert_eq!(world.get("r:/e.jsonl"), b"{\"n\": 1}\n{\"n\":\n2}\n");
}

/// What journalctl 252 prints of four entries: one plain, one with empty lines, one of 5,000 bytes, one with bytes that are no text.
#[test]
fn what_journalctl_prints_comes_whole() {
    let world = World::local();
    let export = crate::runner::fixture_bytes("messages/journalctl-252.export");
    put(
        &world,
        &["journal-export", "--into", "j", "--append", "--batch-count", "1"],
        &export,
    )
    .expect(0);
    assert_eq!(world.get("r:/j"), export);
    let args = ["journal-export", "--each", "{key}", "--key-field", "_SYSTEMD_UNIT"];
    put(&world, &args, &export).expect(0);
    assert_eq!(names(&world), ["a.service", "b.service", "c.service", "d.service", "j"]);
    let entry = world.get("r:/b.service");
    assert!(entry.windows(11).any(|bytes| bytes == b"two\n\nlines\n"));
    let at = ["--position-json", "/__CURSOR", "--json"];
    for (framing, name) in [("json-seq", "json-seq"), ("sse", "json-sse")] {
        let printed = crate::runner::fixture_bytes(&format!("messages/journalctl-252.{name}"));
        let ran = put(&world, &[&[framing, "--into", name], &at[..]].concat(), &printed);
        let json = ran.expect(0).json();
        assert_eq!(json[0]["messages"]["count"], 4);
        assert!(json[0]["position"].as_str().unwrap().contains(";i=4;"));
    }
    assert_eq!(
        world.get("r:/json-seq"),
        crate::runner::fixture_bytes("messages/journalctl-252.json-seq")
    );
}

#[test]
fn a_bad_message_goes_into_another_repo_in_a_commit_of_the_same_id() {
    in_a_directory_and_through_both_doors(bad_messages_into_another_repo);
}

fn bad_messages_into_another_repo(world: &World) {
    let args = [
        "lines",
        "--each",
        "{key}",
        "--key-json",
        "/id",
        "--json",
        "--on-bad",
        "repo=bad@late",
        "--batch-count",
        "3",
    ];
    let input = b"{\"id\":\"a\"}\nnot json\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n";
    let json = put(world, &args, input).expect(0).json();
    assert_eq!(names(world), ["a", "b", "c"]);
    let aside = &json[0]["messages"]["listed"][0];
    let place = aside["file"].as_str().unwrap();
    assert!(place.starts_with("default/bad@late:/000000000002-"), "{place}");
    assert_eq!(world.get(place), b"not json");
    let why = String::from_utf8(world.get(&place.replace(".message", ".why"))).unwrap();
    assert!(why.starts_with("message 2 has no key: it is not JSON"), "{why}");
    // The same commit, and none where nothing was set aside.
    let told = |repo: &str| -> Vec<String> {
        let ran = world.run(&["tail", repo, "-e", "--json"]);
        ran.expect(0)
            .json()
            .iter()
            .map(|line| line["commit"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(told("bad@late"), [json[0]["commit"].as_str().unwrap()]);
    assert_eq!(told("r").len(), 2);
    // Below a directory, and through a spool.
    let spool = world.path("spool").display().to_string();
    let args = [
        "put",
        "r:/below",
        "--messages",
        "lines",
        "--into",
        "f",
        "--position-json",
        "/at",
        "--on-bad",
        "repo=bad",
        "--create-repo",
        "--json",
        "--spool",
        &spool,
    ];
    let json = world.run_with(&args, b"{\"at\":1}\n{}\n").expect(0).json();
    let commit = json.iter().find(|line| line["type"] == "commit").unwrap();
    assert_eq!(commit["position"], 1);
    let place = commit["messages"]["listed"][0]["file"].as_str().unwrap();
    assert_eq!(world.get(place), b"{}");
    assert_eq!(world.get("r:/below/f"), b"{\"at\":1}\n");
    for wrong in [&["--append"][..], &["--in-flight", "2"], &["--staging", "s"]] {
        let args = [&["lines", "--into", "f", "--on-bad", "repo=bad"], wrong].concat();
        put(world, &args, b"").expect(2).says("--on-bad quarantine=DIR");
    }
    put(world, &["lines", "--into", "f", "--on-bad", "repo=r@other"], b"").expect(2);
    // No key of a message leads there.
    put(
        world,
        &["lines", "--each", "{key}", "--key-column", "1"],
        b"SPOUTCTL.aside/x\n",
    )
    .expect(3);
}

#[test]
fn an_archive_of_which_no_commit_can_be_made_goes_into_another_repo_in_order() {
    in_a_directory_and_through_both_doors(bad_archives_into_another_repo);
}

fn bad_archives_into_another_repo(world: &World) {
    let bad = crate::runner::tar(&[("a*b", b"x")]);
    let good = |name: &str| crate::runner::tar(&[(name, b"x")]);
    let input = [good("a"), bad.clone(), good("b")].concat();
    let args = words("put r --create-repo --on-bad repo=bad --json --stream s --resume");
    let json = world.run_with(&args, &input).expect(0).json();
    let types: Vec<&str> = json.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["commit", "quarantined", "commit", "summary"]);
    let place = json[1]["file"].as_str().unwrap();
    assert_eq!(world.get(place), bad);
    let why = String::from_utf8(world.get(&place.replace(".tar", ".why"))).unwrap();
    assert!(why.contains("character `*`"), "{why}");
    assert!(json[1]["commit"].is_string());
    assert_eq!(names(world), ["a", "b"]);
    // A later run knows all three.
    let json = world.run_with(&args, &input).expect(0).json();
    let types: Vec<&str> = json.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["already", "quarantined", "already", "summary"]);
    assert_eq!(json[3]["commits"], 0);
}

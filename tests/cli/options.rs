//! No option is silently without effect beside another one.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::{Command, CommandFactory as _};
use spoutctl::cli::{Cli, effects, short};

use crate::runner::words;

/// When an option does something.
enum Does {
    Always,
    /// Beside one of these.
    With(&'static str),
    /// Unless one of these is there.
    Without(&'static str),
}
use Does::{Always, With, Without};

/// An option as it is typed, with what it needs to be taken at all, and when it does something.
struct Option {
    name: &'static str,
    typed: &'static str,
    does: Does,
}

const fn option(name: &'static str, typed: &'static str, does: Does) -> Option {
    Option { name, typed, does }
}

const INTO: &str = "--messages=lines --into=f";
const FROM: &str = "--from=kafka://h/t --into=f";
const CSV: &str = "--messages=csv";
/// All that reads messages.
const MESSAGES: &str = "--messages=lines --messages=csv --messages=u32be --messages=sse --messages=ndjson";

fn of_messages() -> Vec<Option> {
    vec![
        option("messages", INTO, Always),
        option("into", INTO, Always),
        option("each", "--messages=lines --each={uuid}", Always),
        option(
            "key-json",
            "--messages=ndjson --each={key} --key-json=/id",
            Without("--messages=csv"),
        ),
        option(
            "key-column",
            "--messages=lines --each={key} --key-column=1",
            Without("--messages=sse --messages=ndjson"),
        ),
        option(
            "key-delimiter",
            "--messages=lines --each={key} --key-delimiter=:",
            Always,
        ),
        option(
            "key-field",
            "--messages=sse --each={key} --key-field=id",
            With("--messages=sse"),
        ),
        option(
            "escape-keys",
            "--messages=lines --each={key} --key-column=1 --escape-keys",
            Always,
        ),
        option(
            "same-name",
            "--messages=lines --each={uuid} --same-name=last",
            With("--each={uuid} --each={key}"),
        ),
        option(
            "position-json",
            "--messages=ndjson --into=f --position-json=/at",
            Without("--messages=csv"),
        ),
        option(
            "position-column",
            "--messages=lines --into=f --position-column=1",
            Without("--messages=sse --messages=ndjson"),
        ),
        option(
            "position-field",
            "--messages=sse --into=f --position-field=id",
            With("--messages=sse"),
        ),
        option("csv-delimiter", "--messages=csv --into=f --csv-delimiter=;", With(CSV)),
        option("csv-escape", "--messages=csv --into=f --csv-escape=\\", With(CSV)),
        option("csv-quote", "--messages=csv --into=f --csv-quote=none", With(CSV)),
        option("csv-no-header", "--messages=csv --into=f --csv-no-header", With(CSV)),
        option(
            "crlf",
            "--messages=lines --into=f --crlf=strip",
            With("--messages=lines --messages=csv"),
        ),
        option(
            "nulls",
            "--messages=u32be --into=f --nulls=skip",
            With("--messages=u32be"),
        ),
        option("batch-count", "--batch-count=2", Always),
        option("batch-bytes", "--batch-bytes=1MiB", Always),
        option("batch-period", "--batch-period=1s", Always),
        option(
            "max-message",
            "--messages=lines --into=f --max-message=1MiB",
            With(MESSAGES),
        ),
        option("partial", "--messages=lines --into=f --partial=drop", With(MESSAGES)),
        option("escape-paths", "--escape-paths", Always),
        option("on-bad", "--on-bad=quarantine=q", Always),
        option("quiet", "--quiet", Always),
        option("verbose", "--verbose", Always),
    ]
}

fn of_put() -> Vec<Option> {
    let mut options = of_messages();
    options.extend([
        option("pachd", "--pachd=local:d", Always),
        // What a context says besides the address counts with another address, too.
        option("context", "--context=c", Always),
        option("token-file", "--token-file=f", Without("--pachd=local:d")),
        option("cacert", "--cacert=f", Without("--pachd=local:d")),
        option("insecure", "--insecure", Without("--pachd=local:d")),
        option("append", "--append", Always),
        option("accept-emptied", "--append --accept-emptied", With("--append")),
        option("message", "--message=m", Always),
        option("create-repo", "--create-repo", Always),
        option("dry-run", "--dry-run", Always),
        option("stream", "--stream=s", Always),
        option("resume", "--stream=s --resume", Always),
        option("in-flight", "--in-flight=2", Always),
        option("batch", "--batch=adaptive", Without("--dry-run")),
        option("staging", "--staging=b", Always),
        option("route", "--route=a/**=b", Always),
        option("links", "--links=skip", Without(MESSAGES)),
        option("special", "--special=skip", Without(MESSAGES)),
        option("obey-deletions", "--obey-deletions", Without(MESSAGES)),
        option("max-entry-size", "--max-entry-size=1MiB", Without(MESSAGES)),
        option("max-archive-size", "--max-archive-size=1MiB", Without(MESSAGES)),
        option("archive-end", "--archive-end=lenient", Without(MESSAGES)),
        option("from", FROM, Always),
        option(
            "kafka-config",
            "--from=kafka://h/t --into=f --kafka-config=c",
            With(FROM),
        ),
        option("start", "--from=kafka://h/t --into=f --start=latest", With(FROM)),
        option("on-gap", "--from=kafka://h/t --into=f --on-gap=continue", With(FROM)),
        option("partitions", "--from=kafka://h/t --into=f --partitions=0-3", With(FROM)),
        option("start-at", "--from=kafka://h/t --into=f --start-at=t:3=4", With(FROM)),
        option("until-end", "--from=kafka://h/t --into=f --until-end", With(FROM)),
        option("envelope", "--from=kafka://h/t --into=f --envelope=json", With(FROM)),
        option(
            "position-by",
            "--messages=ndjson --into=f --position-json=/at --position-by=/in",
            Without("--messages=csv"),
        ),
        option(
            "hold-limit",
            "--hold-limit=0",
            Without("--from=kafka://h/t --messages=lines --batch=adaptive --batch-count=2 --spool=s --dry-run"),
        ),
        option("tmp-dir", "--tmp-dir=d", Always),
        option("restart", "--restart=always", With("-- true")),
        option("endless", "--endless", Always),
        option("spool", "--spool=s", Always),
        option("spool-limit", "--spool=s --spool-limit=1MiB", With("--spool=s")),
        option("ack-fd", "--ack-fd=3", Always),
        option("ack-command", "--ack-command=true", Always),
        option("retry-for", "--retry-for=1s", Always),
        option("grace", "--grace=1s", Always),
        option("json", "--json", Always),
        option("stats-every", "--stats-every=1s", Always),
        option("metrics-listen", "--metrics-listen=0", Always),
        option("log-format", "--log-format=json", Always),
    ]);
    options
}

fn of_tail() -> Vec<Option> {
    const ARCHIVES: &str = "--tar";
    vec![
        option("pachd", "--pachd=local:d", Always),
        option("context", "--context=c", Always),
        option("token-file", "--token-file=f", Always),
        option("cacert", "--cacert=f", Always),
        option("insecure", "--insecure", Always),
        option("last", "--last=3", Always),
        option("from", "--from=now", Always),
        option("no-follow", "--no-follow", Always),
        option("count", "--count=3", Always),
        option("until", "--until=0123456789abcdef0123456789abcdef", Always),
        option("timeout", "--timeout=3s", Always),
        option("wait-for-branch", "--wait-for-branch", Always),
        option("ok-only", "--ok-only", Always),
        option("fail", "--fail", Always),
        option("stream", "--stream=s", Always),
        option("files", "--files", Always),
        option("json", "--json", Always),
        option("format", "--format={id}", Always),
        option("tar", "--tar", Always),
        option("full", "--full", With(ARCHIVES)),
        option("tmp-dir", "--tmp-dir=d", With(ARCHIVES)),
        option("color", "--color=never", Without("--tar --json --format={id}")),
        option("cursor", "--cursor=c", Always),
        option("log-format", "--log-format=json", Always),
        option("retry-for", "--retry-for=1s", Always),
        option("retry", "--retry=1", With("-- true")),
        option("quiet", "--quiet", Always),
        option("verbose", "--verbose", Always),
    ]
}

fn of_get() -> Vec<Option> {
    vec![
        option("pachd", "--pachd=local:d", Always),
        option("context", "--context=c", Always),
        option("token-file", "--token-file=f", Always),
        option("cacert", "--cacert=f", Always),
        option("insecure", "--insecure", Always),
        option("recursive", "--recursive --output=f", With("--output=f")),
        option("list", "--list", Always),
        option("tar", "--tar", Always),
        option("unescape-paths", "--unescape-paths", With("--tar")),
        option("output", "--output=f", Always),
        option("quiet", "--quiet", Always),
        option("verbose", "--verbose", Always),
    ]
}

/// Whether the line is refused for the way in which it is used.
fn is_refused(line: &[&str]) -> bool {
    let line: Vec<OsString> = line.iter().map(OsString::from).collect();
    short::parse(&line).map_or(true, |(_, matches)| effects::check(&matches).is_err())
}

fn check_all_pairs(verb: &str, argument: &[&str], options: &[Option]) {
    let command = Cli::command();
    let known = command.find_subcommand(verb).map(Command::get_arguments).unwrap();
    let known: Vec<&str> = known
        .filter_map(clap::Arg::get_long)
        .filter(|name| *name != "help")
        .collect();
    let told: BTreeMap<&str, &Option> = options.iter().map(|option| (option.name, option)).collect();
    for name in &known {
        assert!(
            told.contains_key(name) || *name == "version",
            "{verb} --{name}: say here when it does something"
        );
    }
    assert_eq!(told.len(), options.len());
    for one in options {
        for other in options {
            let typed = words(one.typed);
            let mut line = [&["spoutctl", verb], argument, &typed].concat();
            line.extend(words(other.typed).iter().filter(|word| !typed.contains(word)));
            let has = |any: &str| words(any).iter().any(|word| line.contains(word));
            let does = match one.does {
                Always => true,
                With(any) => has(any),
                Without(any) => !has(any),
            };
            assert!(
                does || is_refused(&line),
                "--{} does nothing in {line:?}, and is taken",
                one.name
            );
        }
    }
}

#[test]
fn no_pair_of_options_leaves_one_of_them_without_effect() {
    check_all_pairs("put", &["r"], &of_put());
    check_all_pairs("pack", &[], &of_messages());
    check_all_pairs("tail", &["r"], &of_tail());
    check_all_pairs("get", &["r:/f"], &of_get());
}

#[test]
fn what_belongs_together_is_taken() {
    for line in [
        "put r --messages=csv --into=f --append --csv-delimiter=; --csv-no-header",
        "put r --messages=lines --each={key} --key-column=1 --escape-paths --on-bad=skip",
        "put r --quiet --json --stats-every=1s",
        "put r --batch=adaptive --batch-count=2 --messages=lines --into=f",
        "put r --spool=s --spool-limit=1MiB --on-bad=quarantine=q",
        "put r --restart=always -- true",
        "put r --hold-limit=0 --links=skip --on-bad=skip --append",
        "tail r --full --tmp-dir=d --retry=3 -- true",
        "get r --tar --unescape-paths",
    ] {
        assert!(!is_refused(&words(&format!("spoutctl {line}"))), "{line}");
    }
    assert!(is_refused(&words("spoutctl put r --quiet --stats-every=1s")));
    assert!(is_refused(&words("spoutctl put r --batch=adaptive --batch-count=1")));
}

#[test]
fn a_source_is_named_by_what_its_messages_have_and_counts_beside_a_position_alone() {
    const JSON: [&str; 3] = ["--messages=ndjson", "--into=f", "--position-json=/at"];
    const COLUMNS: [&str; 3] = ["--messages=csv", "--into=f", "--position-column=1"];
    const FIELDS: [&str; 3] = ["--messages=sse", "--into=f", "--position-field=id"];
    let with = |how: &[&str], more: &[&str]| is_refused(&[&["spoutctl", "put", "r"], how, more].concat());
    for (how, by) in [(JSON, "/in"), (COLUMNS, "2"), (FIELDS, "event")] {
        assert!(!with(&how, &[&format!("--position-by={by}")]), "{how:?} {by}");
        assert!(with(&how[..2], &[&format!("--position-by={by}")]), "{how:?} {by}");
    }
    for (how, by) in [
        (JSON, "2"),
        (JSON, "event"),
        (COLUMNS, "/in"),
        (COLUMNS, "event"),
        (FIELDS, "2"),
    ] {
        assert!(with(&how, &[&format!("--position-by={by}")]), "{how:?} {by}");
    }
    for by in ["", "0", "-1", "1x", ".in", "$.in"] {
        assert!(with(&JSON, &[&format!("--position-by={by}")]), "{by}");
    }
    for other in [
        &["--spool=s"][..],
        &["--stream=s", "--resume"],
        &["--staging=b"],
        &["--in-flight=2"],
    ] {
        assert!(with(&JSON, &[&["--position-by=/in"], other].concat()), "{other:?}");
    }
}

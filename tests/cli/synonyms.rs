//! The table of synonyms, row by row.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::error::ErrorKind;
use spoutctl::cli::Verb;
use spoutctl::cli::synonyms::meaning::Meaning;
use spoutctl::cli::synonyms::parse;
use spoutctl::cli::synonyms::table::flags;
use spoutctl::cli::synonyms::verbs::{AUTH_VERBS, OTHER_NOUNS, VERBS, VerbMeaning};

fn line(text: &str) -> Vec<OsString> {
    let words = std::iter::once("spoutctl").chain(text.split(' '));
    words.map(OsString::from).collect()
}

/// The line as it is understood.
#[track_caller]
fn understood(text: &str) -> String {
    match parse(&line(text)) {
        Ok((_, words, _)) => {
            let words: Vec<String> = words
                .into_iter()
                .skip(1)
                .map(|word| word.into_string().unwrap())
                .collect();
            words.join(" ")
        }
        Err(error) => panic!("{text}: {error}"),
    }
}

/// What is said of a line that is not understood.
#[track_caller]
fn refused(text: &str) -> String {
    match parse(&line(text)) {
        Ok((cli, ..)) => panic!("{text} is understood: {:?}", cli.verb.name()),
        Err(error) => error.to_string(),
    }
}

/// What people type, and what it means.
const TAKEN: &[(&str, &str)] = &[
    ("tail r -f", "tail r"),
    ("tail --follow r", "tail r"),
    ("tail -fn 3 r", "tail -n 3 r"),
    ("tail r -o json", "tail r --json"),
    ("tail r -ojson", "tail r --json"),
    ("tail r --output=json", "tail r --json"),
    ("tail r --format json", "tail r --json"),
    ("tail r --format=json", "tail r --json"),
    ("tail r -J", "tail r --json"),
    ("tail r -o beginning -e", "tail r --from beginning -e"),
    ("tail r -o end", "tail r --from now"),
    ("tail r -o -10 -e", "tail r --last 10 -e"),
    ("tail r -c 3", "tail r --count 3"),
    ("rule put-ends", "explain put-ends"),
    ("tail r --since 1h", "tail r --from 1h"),
    ("tail r --since=2026-11-29", "tail r --from 2026-11-29"),
    ("tail r -n +1", "tail r --from beginning"),
    ("tail r -n+1", "tail r --from beginning"),
    ("tail r --limit 3", "tail r --last 3 --no-follow"),
    ("tail r --new", "tail r --from now"),
    ("tail r --branch b", "tail r@b"),
    ("tail --project p r:/a -e", "tail p/r:/a -e"),
    ("put r --branch b --project p --prefix d", "put p/r@b:/d"),
    (
        "put r --branch b -- consumer --branch c",
        "put r@b -- consumer --branch c",
    ),
    ("put -f a.tar r", "put r a.tar"),
    ("put r --file=a.tar", "put r a.tar"),
    ("put --branch b -f a.tar r -m x", "put r@b -m x a.tar"),
    ("put file r@b -f a.tar", "put r@b a.tar"),
    ("put r --batch-size 10", "put r --batch-count 10"),
    ("put r --batch-size 10MB", "put r --batch-bytes 10MB"),
    ("put r --ndjson --into x", "put r --messages ndjson --into x"),
    ("put r --messages JSON --into x", "put r --messages json --into x"),
    (
        "pack --messages rfc6587 --into x",
        "pack --messages octet-counting --into x",
    ),
    ("pack --messages=event-stream --into x", "pack --messages sse --into x"),
    (
        "put r --messages jsonlines --into x",
        "put r --messages jsonlines --into x",
    ),
    ("put r --description hello", "put r --message hello"),
    ("put r -o json", "put r --json"),
    ("spout put r --branch b", "spout put r@b"),
    ("get r:/x --branch b", "get r@b:/x"),
    ("get file r@b:/x", "get r@b:/x"),
    ("lint a.json", "validate a.json"),
    ("check a.json", "validate a.json"),
    ("validate pipeline -f a.json", "validate a.json"),
    ("validate a.json -o sarif", "validate a.json --format sarif"),
    ("new orders", "create orders"),
    ("init orders", "create orders"),
    ("apply a.json", "create --update -f a.json"),
    ("apply -f a.json", "create --update -f a.json"),
    ("apply -fa.json", "create --update -fa.json"),
    ("apply --file=a.json", "create --update --file=a.json"),
    ("update pipeline -f a.json", "create --update -f a.json"),
    ("create pipeline -f a.json", "create -f a.json"),
    ("ls r", "get --list r"),
    ("cat r:/x", "get r:/x"),
    ("watch r", "tail r"),
    ("follow r", "tail r"),
    ("subscribe commit r@b", "tail r@b"),
    ("login", "auth login"),
    ("logout", "auth logout"),
    ("whoami -o json", "auth whoami --json"),
    ("auth use-auth-token", "auth use-token"),
    ("serve d --port 1700", "serve d --listen 127.0.0.1:1700"),
    ("doctor r --address grpc://h", "doctor r --pachd grpc://h"),
    ("spool d --drain", "spool d --send"),
    ("completion bash", "completions bash"),
    ("completions --shell bash", "completions bash"),
    ("-v put r", "put -v r"),
    ("--pachd grpc://h tail r -e", "tail --pachd grpc://h r -e"),
    ("--context put -q tail r", "tail --context put -q r"),
    ("--json tail r", "tail --json r"),
    (
        "tail r --since-time=2026-11-29T00:00:00Z",
        "tail r --from 2026-11-29T00:00:00Z",
    ),
    ("tail r --first 2", "tail r --from beginning --count 2 --no-follow"),
    (
        "tail r --first 2 -e",
        "tail r --from beginning --count 2 --no-follow -e",
    ),
    ("tail r --limit 2 -e", "tail r --last 2 --no-follow -e"),
    ("tail r --list --exit", "tail r --no-follow --no-follow"),
    ("tail -w r --oneline", "tail r"),
    ("tail r --name-only -e", "tail r --files -e"),
    ("tail r --max-messages 3", "tail r --count 3"),
    ("tail r -n all -e", "tail r --from beginning -e"),
    ("ls -l r", "get --list r"),
    ("get r:/x --commit b", "get r@b:/x"),
    ("put r --metrics-port 9464", "put r --metrics-listen 9464"),
    ("spool ls d", "spool d"),
    ("spool drain d", "spool --send d"),
    ("spool --dir d", "spool d"),
    ("run -f a.toml", "run a.toml"),
    ("run --dry-run a.toml", "run --check a.toml"),
    ("squash r --max-age 7d", "squash r --older-than 7d"),
    ("config show", "config"),
    ("config view --list", "config"),
    ("create spout x --image i:1 --cmd y", "create x --image i:1 --cmd y"),
    (
        "create --jsonnet a.jsonnet --arg a=b",
        "create --file a.jsonnet --jsonnet-arg a=b",
    ),
    ("auth status", "auth whoami"),
    ("ping r", "doctor r"),
];

#[test]
fn what_people_type_is_taken_for_what_it_means() {
    for (typed, means) in TAKEN {
        assert_eq!(understood(typed), *means, "{typed}");
    }
}

#[test]
fn help_and_version_are_words_too() {
    for (typed, kind) in [
        ("help", ErrorKind::DisplayHelp),
        ("help put", ErrorKind::DisplayHelp),
        ("version", ErrorKind::DisplayVersion),
    ] {
        let error = parse(&line(typed)).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), kind, "{typed}");
    }
}

#[test]
fn what_the_program_was_started_as_is_no_verb() {
    for name in ["lint", "auth", ""] {
        let words = [name, "lint", "x"].map(OsString::from);
        let (_, words, _) = parse(&words).unwrap();
        assert_eq!(words, [name, "validate", "x"]);
    }
}

#[test]
fn what_is_something_else_here_is_said() {
    for (typed, part) in [
        ("put r --parallel 4", "--batch adaptive"),
        ("put r --retry 3", "--retry-for 10m"),
        ("put r --dead-letter d", "--on-bad quarantine=DIR"),
        ("put r --messages tsv --into x", "--csv-delimiter tab"),
        (
            "put r --messages msgpack --into x",
            "--messages u32be, u32le and varint any bytes",
        ),
        ("put r --messages protobuf --into x", "--messages varint takes"),
        (
            "pack --messages length-prefixed --into x",
            "--messages netstring and octet-counting one in digits",
        ),
        (
            "put r --messages syslog --into x",
            "--messages octet-counting as RFC 6587",
        ),
        ("pack --messages delimiter --into x", "--messages delimiter=STR"),
        ("put r --checkpoint f", "--ack-command"),
        ("put r --exec cmd", "-- CMD ARG"),
        ("put r --token secret", "--token-file FILE"),
        ("put -f a.tar", "spoutctl put DEST FILE"),
        ("put r@a --branch b", "`r@a` says it already"),
        ("serve --token x", "--token-file FILE"),
        ("serve --host 0.0.0.0", "--listen 0.0.0.0:1658"),
        ("put --branch b", "REPO@BRANCH"),
        (
            "put r -b h:9092 x.tar",
            "`h:9092` is the name of no branch; write REPO@BRANCH",
        ),
        ("tail r --branch a@b", "`a@b` is the name of no branch"),
        (
            "put r --project p/q",
            "`p/q` is the name of no project; write PROJECT/REPO",
        ),
        ("put r --branch", "--branch wants a value: REPO@BRANCH"),
        ("tail r --format yaml", "'{time} {id}'"),
        ("tail r -n +5", "--from COMMIT"),
        ("tail r -o yaml", "--json prints an object a line"),
        (
            "tail r -o 5",
            "--from COMMIT, --last N or --cursor FILE say where it begins",
        ),
        ("tail r -o stored", "--from COMMIT, --last N or --cursor FILE"),
        ("tail r -o s@1700000000000", "--from COMMIT, --last N or --cursor FILE"),
        ("tail r --follow=true", "--follow takes no value"),
        ("put r --ndjson=yes", "--ndjson takes no value"),
        ("tail r --exec cmd", "-- CMD ARG"),
        ("put r -t orders", "--from kafka://HOST[:PORT]/TOPIC"),
        ("put r -b h:9092 -t orders", "`-- kcat -C -u -b HOST -t TOPIC`"),
        ("put r --topic orders", "`-- kcat -C -u -b HOST -t TOPIC`"),
        ("put r -K :", "--key-delimiter STR"),
        ("put r -D x", "--messages delimiter=STR"),
        ("put r -l f", "--messages lines"),
        ("put r -Z", "--messages nul"),
        ("put r --delete f", "docs/deletions-and-mirroring.md"),
        ("doctor --fix", "nothing is changed by looking"),
        ("-v", "options stand behind the verb"),
        ("-x auth login", "options stand behind the verb"),
        ("get r:/x there", "-o: spoutctl get REPO:/PATH -o FILE"),
        ("get -r r:/ there", "-o: spoutctl get REPO:/PATH -o FILE"),
        ("get r:/x -p 4", "one after the other"),
        ("get pfs://p/r@b:/x", "a name has no scheme: p/r@b:/x"),
        ("get /pfs/r/d/x", "here it is r:/d/x"),
        ("put /pfs/out", "nothing has to be named"),
        ("put pfs://r", "`pfs://` begins an address"),
        ("tail r@b^", "-n N begins with its last N commits"),
        ("tail r --group g", "--cursor FILE"),
        ("tail r --state finished", "--cursor FILE"),
        ("tail r --from 0", "the first commit is the `beginning`"),
        ("tail a b", "one branch is followed"),
        ("put r --batch 10", "--batch-count 10 makes one commit"),
        ("put r --batch 10s", "--batch adaptive makes"),
        ("put r --from mqtt://h/t", "spoutctl put DEST -- CMD ARG"),
        ("put r --from -", "a file is named behind DEST"),
        ("put r -o x.tar", "unless --append is given"),
        ("put r --messages lines x.log", "--into NAME makes one file"),
        (
            "put r --messages ndjson --each {key} --key-json $.a.b",
            "write it so: /a/b",
        ),
        (
            "put r --messages ndjson --each {key} --key-json #/a",
            "stands before it: /a",
        ),
        ("put r --exclude x", "tar cf - … | spoutctl put DEST"),
        ("put r --config x", "spoutctl.toml"),
        ("run r -- kcat", "spoutctl put DEST -- CMD ARG"),
        ("spool d --purge", "--send sends what waits"),
        ("spool d --verify", "sha256sum DIR/waiting/*"),
        ("spool --check d", "when it is sent"),
        ("put --metrics r", "--metrics-listen [HOST:]PORT"),
        ("put r --overwrite", "--append adds to it"),
        ("validate a.json --enable create-name", "applies that one only"),
        ("squash r --keep-within 7d", "commits go by their age"),
        ("squash r --older-than 1d --keep 5", "--keep-every 1d"),
        ("squash r --keep-last 5", "commits go by their age"),
        ("auth token", "never printed"),
        ("auth check repo r", "`pachctl auth`"),
        ("config use-context x", "pachctl config"),
        ("pack --messages lines --into x a.log", "spoutctl pack … < FILE"),
        ("cp r:/x .", "-o FILE"),
        ("glob file r@b:/*", "get --list 'REPO:/GLOB'"),
        ("stop pipeline x", "by `pachctl`"),
        ("create repo x", "--create-repo"),
        ("create branch r@b", "pachctl create"),
        ("squash commit r@b", "--older-than 7d"),
        ("config get context", "pachctl config"),
        ("config set active-context x", "pachctl config"),
        ("inspect commit r@b", "--files"),
        ("delete repo x", "pachctl delete"),
        ("start commit r@b", "by itself"),
        ("wait commit r@b", "when its commits are finished"),
        ("edit pipeline x", "--update"),
        ("backup d", "spoutctl put DEST"),
        ("restore latest", "get REPO -r -o DIR"),
        ("snapshots", "tail REPO --from earliest -e"),
        ("prune", "--older-than 7d"),
        ("format x.json", "validate --fix"),
        ("self update", "does not update itself"),
        ("clean", "keeps no cache"),
        ("push r", "spoutctl put DEST"),
        ("list commit r", "spoutctl tail REPO --from earliest -e"),
        ("list repo", "`pachctl list repo` repos"),
        ("put Cargo.toml events", "spoutctl put DEST Cargo.toml"),
        ("put ./src events", "tar cf - ./src | spoutctl put DEST"),
        ("get r/day1/greeting.txt", "r:/day1/greeting.txt"),
        ("tail p/r@m/x", "p/r@m:/x"),
        (
            "put r --message lines --into x",
            "--messages lines says where messages end",
        ),
        ("put r --messages csv --each {key} --key-column id", "by its number"),
    ] {
        let said = refused(typed);
        assert!(said.contains(part), "{typed}: {said}");
    }
    assert!(!refused("put r --token s3cr3t").contains("s3cr3t"));
}

#[test]
fn nobody_is_led_to_what_loses_data_or_to_the_opposite() {
    for (typed, never) in [
        ("put r --insecur", "--insecure"),
        ("spool d --discar", "--discard"),
        ("spool d --forgot 1", "--forget"),
        ("doctor r --dro x", "--drop"),
        ("get r --follow", "--no-follow"),
        ("tail r --nofollow", "'--no-follow' exists"),
        ("create x --forse", "--force"),
        ("put r --zzz", "-- --zzz"),
        // What is no repo's name is not put in front of the colon.
        ("get ./events/x/y", ".:/"),
        ("get ./f.tar", "behind a colon"),
        ("get /abs/path", "behind a colon"),
        ("put r -Z", "-- -Z"),
        ("create x -Z", "-- -Z"),
        ("get r:/x -Z", "-- -Z"),
        ("tail r --patches", "--pachd"),
        ("tail r --into x", "tip"),
    ] {
        let said = refused(typed);
        let advice = said.split("Usage:").next().unwrap();
        assert!(!advice.contains(never), "{typed}: {said}");
    }
    assert!(refused("put r --creat-repo").contains("--create-repo"));
    for typed in ["alias", "tree", "tool", "clone", "test", "listen", "shell"] {
        let said = refused(typed);
        assert!(!said.contains("similar"), "{said}");
    }
    assert!(refused("validat x").contains("'validate'"));
    // The option is refused, and no noun of pachctl's explains that.
    let said = refused("create secret --imag x");
    assert!(said.contains("--image") && !said.contains("pachctl"), "{said}");
    assert!(refused("tail r --curser f").contains("--cursor"));
}

/// Each word of the table, for each of its verbs: what is typed, and the line that is understood or what is said.
/// `UPDATE=1 cargo test --test cli synonyms` writes synonyms.txt; what it says then has to be read.
#[test]
fn every_word_of_the_table_is_understood_or_answered_as_is_written() {
    let mut rows = String::new();
    let all = "put get pack tail serve spool validate create doctor config run squash login use-token whoami";
    for row in flags() {
        let verbs = if row.verbs.is_empty() { all } else { row.verbs };
        let both = |verb| row.typed.split(' ').map(move |typed| (verb, typed));
        for (verb, typed) in verbs.split(' ').flat_map(both) {
            // An earlier row may be for this verb alone.
            if !flags()
                .find(|first| first.is_for(verb, typed))
                .is_some_and(|first| std::ptr::eq(first, row))
            {
                continue;
            }
            let before = match verb {
                "put" | "get" | "tail" | "doctor" | "validate" | "create" => format!("{verb} r"),
                "spool" | "serve" | "run" | "completions" if matches!(row.meaning, Meaning::File) => verb.to_owned(),
                "spool" => "spool d".to_owned(),
                "run" => "run f".to_owned(),
                "squash" if row.typed.contains("--max-age") => "squash r".to_owned(),
                "squash" => "squash r --older-than 1d".to_owned(),
                "completions" => "completions bash".to_owned(),
                "serve" => "serve d".to_owned(),
                "login" | "use-token" | "whoami" => format!("auth {verb}"),
                "pack" => "pack --messages lines --into x".to_owned(),
                verb => verb.to_owned(),
            };
            let typed = match row.meaning {
                meaning if !meaning.takes_value() => format!("{before} {typed}"),
                Meaning::Value(_) => format!("{before} {typed} {}", if typed == "--split" { "line" } else { "json" }),
                _ => format!("{before} {typed} 1"),
            };
            let meant = match (row.meaning, parse(&line(&typed))) {
                (Meaning::Say(what), Err(error)) => {
                    assert!(error.to_string().contains(what), "{typed}: {error}");
                    format!("! {what}")
                }
                (Meaning::Say(_), Ok(_)) => panic!("{typed} is an option by now"),
                (_, Ok(_)) => understood(&typed),
                (_, Err(error)) => {
                    assert!(
                        !matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand),
                        "{typed}: {error}"
                    );
                    let said = error.to_string();
                    let tip = said.lines().find_map(|line| line.trim().strip_prefix("tip: "));
                    format!("! {}", tip.or(said.lines().next()).unwrap_or_default())
                }
            };
            writeln!(rows, "{typed} => {meant}").unwrap();
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write("tests/cli/synonyms.txt", &rows).unwrap();
    }
    let written = std::fs::read_to_string("tests/cli/synonyms.txt").unwrap();
    for (row, written) in rows.lines().zip(written.lines()) {
        assert_eq!(row, written);
    }
    assert_eq!(rows.lines().count(), written.lines().count());
}

#[test]
fn every_verb_of_the_table_is_one_or_is_answered() {
    let verbs = VERBS.iter().map(|row| ("", row));
    let of_auth = AUTH_VERBS.iter().map(|row| ("auth ", row));
    for (before, (names, meaning)) in verbs.chain(of_auth) {
        for name in names.split(' ') {
            let typed = format!("{before}{name} {}", if name == "help" { "put" } else { "x" });
            match (meaning, parse(&line(&typed))) {
                (VerbMeaning::Say(what), result) => {
                    let error = result.map(|_| ()).unwrap_err().to_string();
                    assert!(error.contains(what), "{error}");
                }
                (_, Ok(_)) => {}
                (_, Err(error)) => assert_ne!(error.kind(), ErrorKind::InvalidSubcommand, "{typed}: {error}"),
            }
        }
    }
}

#[test]
fn a_line_that_is_right_stays_as_it_is() {
    for typed in [
        "put r -- consumer -f --branch x",
        "create -f a.json",
        "get r:/x -o json",
        "tail r -e -n 3",
    ] {
        assert_eq!(understood(typed), typed);
    }
    let (cli, ..) = parse(&line("put file a.tar")).unwrap();
    let Verb::Put(args) = cli.verb else { panic!("no put") };
    assert_eq!(args.destination.unwrap().to_string(), "default/file@master");
}

#[test]
fn nouns_that_mean_something_else_here_are_answered() {
    for (verb, nouns, said) in OTHER_NOUNS {
        for noun in nouns.split(' ') {
            let refused = refused(&format!("{verb} {noun} x"));
            assert!(refused.contains(said), "{verb} {noun}: {refused}");
        }
    }
    // A spout may be called so.
    assert_eq!(
        understood("create repo --image x:1 --cmd y"),
        "create repo --image x:1 --cmd y"
    );
}

//! What people type for `put`, `pack`, `spool` and `run`.

use crate::cli::synonyms::meaning::{Meaning, Synonym, WITH_MESSAGES, output_format, row, words};

pub(super) const ROWS: &[Synonym] = &[
    row("put", "-o", Meaning::Value(put_output)),
    row(
        "put",
        "--metrics-port --metrics-addr --metrics-address",
        Meaning::Option("--metrics-listen"),
    ),
    row(
        "put",
        "--metrics --prometheus",
        Meaning::Say("--metrics-listen [HOST:]PORT serves figures"),
    ),
    row(
        "put",
        "--on-success --on-commit --hook",
        Meaning::Option("--ack-command"),
    ),
    row(
        "put",
        "-i --input-file --input-files --input",
        Meaning::Say("files stand behind DEST, any number of them: xargs -a LIST spoutctl put DEST"),
    ),
    row(
        "put",
        "--full-path --exclude --include --transform --strip-components",
        Meaning::Say("what an archive holds, and how it is called there, tar says: tar cf - … | spoutctl put DEST"),
    ),
    row(
        "put",
        "--watch --loop --inotify",
        Meaning::Say("inotifywait tells of the files in a directory: docs/recipes/files.md"),
    ),
    row(
        "put",
        "--tag --label --metadata --annotation",
        Meaning::Say("--message TEXT becomes the commits' description"),
    ),
    row(
        "put",
        "--name --id --consumer --client-id",
        Meaning::Say("--stream NAME is what the commits of one producer have in common"),
    ),
    row("put doctor", "--partition", Meaning::Option("--partitions")),
    row(
        "put",
        "--skip-existing --idempotent --dedupe",
        Meaning::Say("--stream NAME --resume leaves out what an earlier run of it has committed"),
    ),
    row(
        "put",
        "--rate --rate-limit --bwlimit --limit-rate --throttle",
        Meaning::Say("put reads no faster than pachd takes it; `pv -L 5m` in the pipe bounds it further"),
    ),
    row(
        "put",
        "--force --overwrite",
        Meaning::Say("a file of the same name is replaced as it is; --append adds to it"),
    ),
    row(
        WITH_MESSAGES,
        "--target-file-datums",
        Meaning::Say("--batch-count N makes a commit of so many messages, and --into one file of them"),
    ),
    row(
        WITH_MESSAGES,
        "--header-records",
        Meaning::Say("--messages csv takes the first record for the header, and gives it to every file"),
    ),
    row(
        WITH_MESSAGES,
        "--stdin-filename --filename",
        Meaning::Say("--into NAME is the file that messages go into"),
    ),
    row(
        WITH_MESSAGES,
        "--ignore-errors --keep-going -E",
        Meaning::Say("put --on-bad quarantine=DIR keeps aside what cannot be committed, and goes on"),
    ),
    row(
        "put",
        "--zstd",
        Meaning::Say("gzip and zstd of the input are recognised; nothing is compressed on the way"),
    ),
    row(
        "pack",
        "-o --output",
        Meaning::Say("archives go to standard output: spoutctl pack … > FILE"),
    ),
    row(
        "pack",
        "-f --file -i --input",
        Meaning::Say("messages come from standard input: spoutctl pack … < FILE"),
    ),
    row("spool", "-l", Meaning::Flags("")),
    row(
        "spool",
        "--verify --check",
        Meaning::Say(
            "each file's SHA-256 is checked when it is sent; by hand: sha256sum DIR/waiting/*, which is the end of \
             each name",
        ),
    ),
    row("spool", "--dir -d --spool", Meaning::File),
    row(
        "spool",
        "--drop --delete --rm --purge --clear --clean",
        Meaning::Say("--send sends what waits; what gives it up, `spoutctl spool --help` has"),
    ),
    row("run", "-f --file -c --config --streams", Meaning::File),
    row("run", "-n --dry-run --validate --lint", Meaning::Flags("--check")),
    row(
        "run",
        "-d --detach --daemon --background",
        Meaning::Say("run stays in the foreground, where systemd or Kubernetes watches it"),
    ),
    row(
        "run",
        "--watch --reload",
        Meaning::Say("SIGHUP makes run read its file again"),
    ),
    row("put validate", "-f --file", Meaning::File),
    row("put", "--description --desc", Meaning::Option("--message")),
    row("put", "--create --make-repo", Meaning::Flags("--create-repo")),
    row("put", "--untar --tar --wait --progress", Meaning::Flags("")),
    row(WITH_MESSAGES, "--batch-size", Meaning::Value(batch_size)),
    row(
        WITH_MESSAGES,
        "--batch-interval --batch-timeout --flush-interval --linger",
        Meaning::Option("--batch-period"),
    ),
    row(
        WITH_MESSAGES,
        "--ndjson --jsonl --json-lines",
        Meaning::Flags("--messages ndjson"),
    ),
    row(WITH_MESSAGES, "--lines", Meaning::Flags("--messages lines")),
    row(WITH_MESSAGES, "--csv", Meaning::Flags("--messages csv")),
    row(WITH_MESSAGES, "--split --framing", Meaning::Value(split)),
    row(
        "put",
        "--recursive -r",
        Meaning::Say("tar makes an archive of a directory: tar cf - DIR | spoutctl put DEST"),
    ),
    row(
        "put",
        "--parallel --parallelism -p -j --jobs --concurrency --workers",
        Meaning::Say(
            "commits of a branch come one after the other; --batch adaptive makes fewer, --in-flight N lets N wait to \
             be finished",
        ),
    ),
    row(
        "put spool",
        "--retry",
        Meaning::Say("it is tried for a time, not so often: --retry-for 10m (0: once)"),
    ),
    row(
        "put",
        "--timeout",
        Meaning::Say("--retry-for 10m says how long it is tried without any success"),
    ),
    row(
        WITH_MESSAGES,
        "--dead-letter --dlq --dead-letter-queue --on-error --skip-errors",
        Meaning::Say("put --on-bad quarantine=DIR keeps aside what cannot be committed, and goes on"),
    ),
    row(
        "put",
        "--checkpoint --offset --offsets --marker --state --cursor --position",
        Meaning::Say(
            "--position-json or --position-column read a message's position, and --ack-command keeps it; --spool DIR \
             keeps the archives themselves",
        ),
    ),
    row(
        "put",
        "--exec --command --cmd",
        Meaning::Say("the command stands last: spoutctl put DEST -- CMD ARG…"),
    ),
    row(
        "put",
        "--buffer --queue --wal",
        Meaning::Say("--spool DIR keeps archives on disk until they are committed"),
    ),
    row(
        "put",
        "--exactly-once",
        Meaning::Say("--spool DIR, or --stream NAME --resume with the same input"),
    ),
    row(
        "put",
        "--compress -z -c --gzip",
        Meaning::Say("gzip and zstd of the input are recognised; nothing is compressed on the way"),
    ),
    row(
        "put",
        "--no-progress",
        Meaning::Say("no progress is drawn where standard error is no terminal; --quiet says nothing but errors"),
    ),
    row(
        "put",
        "--topic --brokers --bootstrap-server --bootstrap-servers --group -t -G -C -P",
        Meaning::Say(
            "a topic of Kafka is read by --from kafka://HOST[:PORT]/TOPIC; where spoutctl was built without it, by \
             `-- kcat -C -u -b HOST -t TOPIC`",
        ),
    ),
    row(
        WITH_MESSAGES,
        "-K",
        Meaning::Say("--key-delimiter STR, with --each NAME: what stands before it is the key"),
    ),
    row(
        WITH_MESSAGES,
        "-D --delimiter",
        Meaning::Say("--messages delimiter=STR: a message ends with it"),
    ),
    row(
        WITH_MESSAGES,
        "-l",
        Meaning::Say("--messages lines --into NAME takes a file's lines"),
    ),
    row(
        WITH_MESSAGES,
        "-Z --null",
        Meaning::Say("--messages nul: a message ends with a NUL; --nulls says what becomes of one of length -1"),
    ),
    row(
        "put",
        "--delete --rm --remove",
        Meaning::Say("an archive says itself what it deletes: docs/deletions-and-mirroring.md"),
    ),
    row("spool", "--drain --flush", Meaning::Flags("--send")),
    row("spool", "--list --show", Meaning::Flags("")),
];

fn batch_size(value: &str) -> Result<Vec<String>, String> {
    let is_count = value.bytes().all(|byte| byte.is_ascii_digit());
    Ok(words(&[
        if is_count { "--batch-count" } else { "--batch-bytes" },
        value,
    ]))
}

fn split(value: &str) -> Result<Vec<String>, String> {
    match value {
        "line" | "lines" => Ok(words(&["--messages", "lines"])),
        "json" | "csv" => Ok(words(&["--messages", value])),
        _ => {
            Err("--messages tells messages apart: lines, nul, json, csv, netstring, u32be or delimiter=STR".to_owned())
        }
    }
}

/// For pachctl 1.x, `-o` says that files are replaced.
fn put_output(value: &str) -> Result<Vec<String>, String> {
    output_format(value).map_err(|why| format!("files are replaced as it is, unless --append is given; {why}"))
}

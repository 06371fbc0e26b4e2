//! What people type for `get`, `tail` and `squash`.

use crate::cli::synonyms::meaning::{Meaning, Part, Synonym, output_format, row, words};

const BY_AGE: &str = "commits go by their age: --older-than 7d; --keep-every 1d keeps one of each day besides";
pub(super) const ROWS: &[Synonym] = &[
    row("tail", "-o", Meaning::Value(offset_or_format)),
    row("tail", "--raw -J", Meaning::Flags("--json")),
    row(
        "tail",
        "-f --follow --watch --finished --full-timestamps",
        Meaning::Flags(""),
    ),
    row("tail", "--since --start --after --offset", Meaning::Option("--from")),
    row("tail", "--new", Meaning::Flags("--from now")),
    row(
        "tail",
        "--all --from-beginning --beginning",
        Meaning::Flags("--from beginning"),
    ),
    row("tail", "--limit --number", Meaning::Value(limit)),
    row("tail", "--lines --tail", Meaning::Option("--last")),
    row("tail", "--once --no-wait --list", Meaning::Flags("--no-follow")),
    row(
        "tail",
        "--checkpoint --offset-file --position-file",
        Meaning::Option("--cursor"),
    ),
    row(
        "tail",
        "--reverse",
        Meaning::Say("commits come in their order; `spoutctl tail REPO -e | tac` turns it round"),
    ),
    row(
        "tail",
        "--exec --command --cmd",
        Meaning::Say("the command stands last: spoutctl tail SOURCE -- CMD ARG…"),
    ),
    row("tail", "-w --oneline --utc --timestamps", Meaning::Flags("")),
    row("tail", "--since-time", Meaning::Option("--from")),
    row("tail", "--to --end", Meaning::Option("--until")),
    row("tail", "--exit", Meaning::Flags("--no-follow")),
    row("tail", "--max --max-messages --commits -c", Meaning::Option("--count")),
    row("tail", "--first --head", Meaning::Value(first)),
    row(
        "tail",
        "--name-only --name-status --stat --changes",
        Meaning::Flags("--files"),
    ),
    row(
        "tail",
        "--patch -p --diff",
        Meaning::Say("--files lists what each commit changed; --tar has the files themselves"),
    ),
    row(
        "tail",
        "--group -G --group-id --consumer-group --consumer --state",
        Meaning::Say("--cursor FILE keeps how far a consumer is; each consumer has a file of its own"),
    ),
    row(
        "tail",
        "--reset-cursor --reset --rewind",
        Meaning::Say("a cursor is a file: without it, --from beginning begins anew"),
    ),
    row(
        "tail",
        "--interval --poll --poll-interval",
        Meaning::Say("a commit is printed as soon as it is finished: there is no interval to choose"),
    ),
    row(
        "tail",
        "--origin --pipeline",
        Meaning::Say("a pipeline's commits are those of the repo of its name; --stream NAME are those of one `put`"),
    ),
    row("get", "--commit", Meaning::Part(Part::Branch)),
    row("get", "--raw --progress -l --long", Meaning::Flags("")),
    row("get", "-R", Meaning::Flags("--recursive")),
    row(
        "get",
        "-p --parallel --parallelism -j",
        Meaning::Say("files come one after the other, in one stream; so many at once are not read"),
    ),
    row(
        "get",
        "-d --dir --directory --output-dir -C",
        Meaning::Say("-r -o DIR writes all files of a directory, or of a commit, below DIR"),
    ),
    row("squash", "--max-age --retention", Meaning::Option("--older-than")),
    row(
        "squash",
        "--keep-last --keep-within --keep-newest --max-commits --last --all --before --since",
        Meaning::Say(BY_AGE),
    ),
    row(
        "squash",
        "--keep-hourly",
        Meaning::Say("--keep-every 1h keeps the newest of each hour"),
    ),
    row(
        "squash",
        "--keep-daily --keep-weekly --keep-monthly",
        Meaning::Say("--keep-every 1d keeps the newest of each day"),
    ),
    row(
        "squash",
        "--every --interval --schedule",
        Meaning::Say("squash ends when it is done: cron runs it again, or a CronJob"),
    ),
    row(
        "squash",
        "--force -f",
        Meaning::Say("what would go is shown by --dry-run, and squash asks before it goes"),
    ),
];

/// kcat's `-o` is an offset, and others' the form of what is printed.
fn offset_or_format(value: &str) -> Result<Vec<String>, String> {
    match value {
        "beginning" | "earliest" | "start" => Ok(words(&["--from", "beginning"])),
        "end" | "latest" => Ok(words(&["--from", "now"])),
        value if value.starts_with('-') => Ok(words(&["--last", value.trim_start_matches('-')])),
        value if value.starts_with(|first: char| first.is_ascii_digit() || first == '+') || is_kcats(value) => {
            Err("--from COMMIT, --last N or --cursor FILE say where it begins".to_owned())
        }
        _ => output_format(value),
    }
}

/// Other offsets of kcat's: what a group has stored, and times.
fn is_kcats(value: &str) -> bool {
    value == "stored" || value.starts_with("s@") || value.starts_with("e@")
}

fn limit(value: &str) -> Result<Vec<String>, String> {
    Ok(words(&["--last", value, "--no-follow"]))
}

/// So many from the beginning, and no more.
fn first(value: &str) -> Result<Vec<String>, String> {
    Ok(words(&["--from", "beginning", "--count", value, "--no-follow"]))
}

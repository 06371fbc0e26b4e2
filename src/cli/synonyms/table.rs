//! The words. One row a meaning; where several rows of a flag could count for a verb, the first does.

/// What a flag means that is none.
#[derive(Debug, Clone, Copy)]
pub enum Meaning {
    /// These words; without any, it is so anyway.
    Flags(&'static str),
    /// This option, with the same value.
    Option(&'static str),
    /// Depends on the value: these words, or what to say.
    Value(fn(&str) -> Result<Vec<String>, String>),
    /// A part of the first operand.
    Part(Part),
    /// An operand.
    File,
    /// Something else is to be typed.
    Say(&'static str),
}

impl Meaning {
    pub fn takes_value(self) -> bool {
        matches!(self, Self::Option(_) | Self::Value(_) | Self::Part(_) | Self::File)
    }

    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let words = if let Self::Flags(words) = self { words } else { "" };
        words.split_whitespace()
    }

    /// What is to be typed instead, where it has no value.
    pub fn instead(self) -> String {
        match self {
            Self::Option(option) => format!("{option} VALUE"),
            Self::Part(part) => part.example().to_owned(),
            _ => "see --help".to_owned(),
        }
    }
}

use Meaning::{File, Flags, Say, Value};

/// A part of `[project/]repo[@branch][:/prefix]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Project,
    Branch,
    Prefix,
}

impl Part {
    pub fn example(self) -> &'static str {
        match self {
            Self::Project => "PROJECT/REPO",
            Self::Branch => "REPO@BRANCH",
            Self::Prefix => "REPO:/PREFIX",
        }
    }

    /// The name with this part; `None` where it says another one already.
    pub fn put_into(self, name: &str, value: &str) -> Option<String> {
        let (front, path) = match name.split_once(':') {
            Some((front, path)) => (front, Some(path)),
            None => (name, None),
        };
        let (repo, branch) = match front.split_once('@') {
            Some((repo, branch)) => (repo, Some(branch)),
            None => (front, None),
        };
        let path_of = |path: Option<&str>| path.map_or(String::new(), |path| format!(":{path}"));
        let same = |there: &str| (there == value).then(|| name.to_owned());
        match self {
            Self::Project => match repo.split_once('/') {
                Some((project, _)) => same(project),
                None => Some(format!("{value}/{name}")),
            },
            Self::Branch => match branch {
                Some(branch) => same(branch),
                None => Some(format!("{repo}@{value}{}", path_of(path))),
            },
            Self::Prefix => match path {
                Some(path) => same(path),
                None => Some(format!("{front}:/{}", value.trim_start_matches('/'))),
            },
        }
    }
}

/// Of words there may be several, with blanks between them.
pub struct Synonym {
    /// The verbs for which it counts; all, if empty.
    pub verbs: &'static str,
    pub typed: &'static str,
    pub meaning: Meaning,
}

impl Synonym {
    pub fn is_for(&self, verb: &str, typed: &str) -> bool {
        let has = |words: &str, word| words.split(' ').any(|known| known == word);
        (self.verbs.is_empty() || has(self.verbs, verb)) && has(self.typed, typed)
    }
}

/// What nobody is to be led to by a typing mistake.
pub const DANGEROUS: &[&str] = &[
    "insecure",
    "drop",
    "discard",
    "forget",
    "force",
    "yes",
    "no-auth",
    "no-lint",
    "unsafe-fixes",
    "reprocess",
    "obey-deletions",
];

const WITH_PACHD: &str = "put get tail spool squash create doctor config login use-token whoami validate";
const WITH_JSON: &str = "put tail doctor config spool squash whoami serve";
const WITH_NAME: &str = "put get tail doctor";
const WITH_MESSAGES: &str = "put pack";

const fn row(verbs: &'static str, typed: &'static str, meaning: Meaning) -> Synonym {
    Synonym { verbs, typed, meaning }
}

pub const FLAGS: &[Synonym] = &[
    // Where, and as whom.
    row(
        "validate",
        "--address --pachd-address --url --endpoint",
        Meaning::Option("--pachd"),
    ),
    row("serve", "--port -p", Value(port)),
    row("serve", "--address --addr --bind", Meaning::Option("--listen")),
    row("serve", "--dir --data-dir --data", File),
    row("serve", "--spout --pipeline", Meaning::Option("--as-spout")),
    row(
        WITH_PACHD,
        "--address --pachd-address --server --url --endpoint --host",
        Meaning::Option("--pachd"),
    ),
    row(WITH_PACHD, "--ctx --profile", Meaning::Option("--context")),
    row(
        WITH_PACHD,
        "--ca --ca-cert --ca-certs --cafile --ca-file",
        Meaning::Option("--cacert"),
    ),
    row(
        WITH_PACHD,
        "-k --skip-verify --tls-skip-verify --insecure-skip-tls-verify --no-verify",
        Say("--cacert FILE trusts a server's own certificate"),
    ),
    row(
        "",
        "--token --auth-token --password",
        Say("--token-file FILE, or the variable PACH_TOKEN: every user of the machine can read arguments"),
    ),
    row(WITH_NAME, "--branch -b", Meaning::Part(Part::Branch)),
    row(WITH_NAME, "--project", Meaning::Part(Part::Project)),
    row("put get tail", "--prefix --path", Meaning::Part(Part::Prefix)),
    row(
        WITH_NAME,
        "--repo --dest",
        Say("the repo is the first word: spoutctl put REPO, spoutctl get REPO:/PATH"),
    ),
    // What is written.
    row("validate", "-o --output --output-format", Value(report_format)),
    row("tail", "-o", Value(offset_or_format)),
    row(WITH_JSON, "-o --output --output-format", Value(output_format)),
    row(
        "put doctor config spool squash whoami serve",
        "--format",
        Value(output_format),
    ),
    row(
        "tail doctor config spool squash whoami serve",
        "--ndjson --jsonl",
        Flags("--json"),
    ),
    row("tail", "--raw -J", Flags("--json")),
    row("", "--debug --trace", Flags("--verbose")),
    row("", "--silent", Flags("--quiet")),
    row("tail validate doctor", "--no-color --no-colour", Flags("--color never")),
    row("tail validate doctor", "--colour", Meaning::Option("--color")),
    // Following.
    row("tail", "-f --follow --watch --finished --full-timestamps", Flags("")),
    row("tail", "--since --start --after --offset", Meaning::Option("--from")),
    row("tail", "--new", Flags("--from now")),
    row("tail", "--all --from-beginning --beginning", Flags("--from beginning")),
    row("tail", "--limit --number", Value(limit)),
    row("tail", "--lines --tail -c", Meaning::Option("--last")),
    row("tail", "--once --no-wait --list", Flags("--no-follow")),
    row(
        "tail",
        "--checkpoint --state --offset-file --position-file",
        Meaning::Option("--cursor"),
    ),
    row(
        "tail",
        "--reverse",
        Say("commits come in their order; `spoutctl tail REPO -e | tac` turns it round"),
    ),
    row(
        "tail",
        "--exec --command --cmd",
        Say("the command stands last: spoutctl tail SOURCE -- CMD ARG…"),
    ),
    // Putting.
    row("put validate", "-f --file", File),
    row("put", "--description --desc", Meaning::Option("--message")),
    row("put", "--create --make-repo", Flags("--create-repo")),
    row("put", "--untar --tar --wait --overwrite --progress", Flags("")),
    row(WITH_MESSAGES, "--batch-size", Value(batch_size)),
    row(
        WITH_MESSAGES,
        "--batch-interval --batch-timeout --flush-interval --linger",
        Meaning::Option("--batch-period"),
    ),
    row(
        WITH_MESSAGES,
        "--ndjson --jsonl --json-lines",
        Flags("--messages ndjson"),
    ),
    row(WITH_MESSAGES, "--lines", Flags("--messages lines")),
    row(WITH_MESSAGES, "--csv", Flags("--messages csv")),
    row(WITH_MESSAGES, "--split --framing", Value(split)),
    row(
        "put",
        "--recursive -r",
        Say("tar makes an archive of a directory: tar cf - DIR | spoutctl put DEST"),
    ),
    row(
        "put",
        "--parallel --parallelism -p -j --jobs --concurrency --workers",
        Say(
            "commits of a branch come one after the other; --batch adaptive makes fewer, --in-flight N lets N wait to \
             be finished",
        ),
    ),
    row(
        "put tail",
        "--retries --max-retries --retry-count --attempts --max-attempts",
        Say("it is tried for a time, not so often: --retry-for 10m (0: once)"),
    ),
    row(
        "put spool",
        "--retry",
        Say("it is tried for a time, not so often: --retry-for 10m (0: once)"),
    ),
    row(
        "put",
        "--timeout",
        Say("--retry-for 10m says how long it is tried without any success"),
    ),
    row(
        WITH_MESSAGES,
        "--dead-letter --dlq --dead-letter-queue --on-error --skip-errors",
        Say("put --on-bad quarantine=DIR keeps aside what cannot be committed, and goes on"),
    ),
    row(
        "put",
        "--checkpoint --offset --offsets --marker --state --cursor --position",
        Say(
            "--position-json or --position-column read a message's position, and --ack-command keeps it; --spool DIR \
             keeps the archives themselves",
        ),
    ),
    row(
        "put",
        "--exec --command --cmd",
        Say("the command stands last: spoutctl put DEST -- CMD ARG…"),
    ),
    row(
        "put",
        "--buffer --queue --wal",
        Say("--spool DIR keeps archives on disk until they are committed"),
    ),
    row(
        "put",
        "--exactly-once",
        Say("--spool DIR, or --stream NAME --resume with the same input"),
    ),
    row(
        "put",
        "--compress -z -c --gzip",
        Say("gzip and zstd of the input are recognised; nothing is compressed on the way"),
    ),
    row(
        "put",
        "--no-progress",
        Say("no progress is drawn where standard error is no terminal; --quiet says nothing but errors"),
    ),
    row(
        "put",
        "--topic --brokers --bootstrap-server --bootstrap-servers --group -t -G -C -P",
        Say(
            "a topic of Kafka is read by --from kafka://HOST[:PORT]/TOPIC; where spoutctl was built without it, by \
             `-- kcat -C -u -b HOST -t TOPIC`",
        ),
    ),
    row(
        WITH_MESSAGES,
        "-K",
        Say("--key-delimiter STR, with --each NAME: what stands before it is the key"),
    ),
    row(
        WITH_MESSAGES,
        "-D --delimiter",
        Say("--messages delimiter=STR: a message ends with it"),
    ),
    row(
        WITH_MESSAGES,
        "-l",
        Say("--messages lines --into NAME takes a file's lines"),
    ),
    row(
        WITH_MESSAGES,
        "-Z --null",
        Say("--messages nul: a message ends with a NUL; --nulls says what becomes of one of length -1"),
    ),
    row(
        "put",
        "--delete --rm --remove",
        Say("an archive says itself what it deletes: docs/deletions-and-mirroring.md"),
    ),
    // Looking.
    row(
        "doctor",
        "--fix --repair",
        Say("doctor looks, and says what to do: nothing is changed by looking"),
    ),
    // Specs.
    row("validate", "--strict", Flags("--max-warnings 0")),
    row("validate", "--autofix --auto-fix", Flags("--fix")),
    row("validate", "--disable --skip", Meaning::Option("--ignore")),
    row("validate", "--enable --rule", Meaning::Option("--select")),
    row(
        "validate create",
        "--target-version --pachyderm-version",
        Meaning::Option("--pachyderm"),
    ),
    row(
        "validate",
        "--exclude",
        Say("`.gitignore` leaves files out; `[[validate.suppress]]` in spoutctl.toml leaves findings out"),
    ),
    row(
        "create",
        "--name",
        Say("the name is the first word: spoutctl create NAME"),
    ),
    row("create", "--yes -y --non-interactive", Flags("--no-input")),
    row(
        "create",
        "--overwrite",
        Say("--force replaces files that are there; --update pipelines"),
    ),
    // Spools.
    row("spool", "--drain --flush", Flags("--send")),
    row("spool", "--list --show", Flags("")),
];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn output_format(value: &str) -> Result<Vec<String>, String> {
    match value {
        "json" | "jsonl" | "ndjson" => Ok(words(&["--json"])),
        "text" | "table" => Ok(Vec::new()),
        _ => Err("--json prints an object a line; without it, it is text".to_owned()),
    }
}

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

fn report_format(value: &str) -> Result<Vec<String>, String> {
    Ok(words(&["--format", if value == "text" { "concise" } else { value }]))
}

fn limit(value: &str) -> Result<Vec<String>, String> {
    Ok(words(&["--last", value, "--no-follow"]))
}

fn port(value: &str) -> Result<Vec<String>, String> {
    Ok(words(&["--listen", &format!("127.0.0.1:{value}")]))
}

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

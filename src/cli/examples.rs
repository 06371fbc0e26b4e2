//! An example or more for each verb: the end of its help, and the EXAMPLES of its man page.

/// A command line, and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    pub command: &'static str,
    pub does: &'static str,
}

const fn example(command: &'static str, does: &'static str) -> Example {
    Example { command, does }
}

pub const TOP: &[Example] = &[
    example(
        "tar cf - DIR | spoutctl put events --create-repo",
        "a directory as one commit",
    ),
    example(
        "spoutctl put logs --messages lines --into log.txt < log",
        "lines as commits",
    ),
    example("spoutctl tail events --cursor FILE", "follow a branch, over restarts"),
    example("spoutctl doctor events", "why it does not work"),
];

pub const PUT: &[Example] = &[
    example(
        "tar cf - DIR | spoutctl put events --create-repo",
        "one archive, one commit",
    ),
    example(
        "consumer | spoutctl put logs --messages lines --into log.txt",
        "lines become archives",
    ),
    example(
        "spoutctl put events --spool DIR --restart always -- consumer",
        "watched, and nothing is lost",
    ),
    example(
        "spoutctl put events --dry-run *.tar",
        "where it would go, and what is wrong",
    ),
];

pub const GET: &[Example] = &[
    example("spoutctl get events:/day1/offset", "one file's bytes"),
    example(
        "spoutctl get events@master^:/day1/offset",
        "as it was one commit before",
    ),
    example("spoutctl get -r events:/day1 -o DIR", "a directory's files"),
    example("spoutctl get 'events:/*.csv'", "the files that a glob means"),
    example("spoutctl get --list events", "what there is"),
    example("spoutctl get events --tar | tar xf - -C DIR", "a whole commit"),
];

pub const PACK: &[Example] = &[
    example(
        "consumer | spoutctl pack --messages lines --into log.txt | tar tvf -",
        "look at the archives",
    ),
    example(
        "spoutctl pack --messages json --each '{key}.json' --key-json /id < in",
        "a file for each message",
    ),
];

pub const TAIL: &[Example] = &[
    example("spoutctl tail events", "the last ten commits, and then each new one"),
    example("spoutctl tail events -e -n 3 --files", "what the last three changed"),
    example(
        "spoutctl tail events --from beginning --cursor FILE",
        "each once, over restarts",
    ),
    example(
        "spoutctl tail 'events:/*.csv' --json",
        "commits that changed these files",
    ),
    example(
        "spoutctl tail events --cursor FILE -- import",
        "a command for each commit",
    ),
    example(
        "spoutctl tail events --tar | spoutctl put copy --obey-deletions",
        "a mirror",
    ),
];

pub const SERVE: &[Example] = &[
    example("spoutctl serve ./store", "for put, pachctl, an SDK, curl"),
    example(
        "spoutctl serve ./store --as-spout orders > env &",
        "the pod of a spout …",
    ),
    example("env $(cat env) ./spout.sh", "… whose code runs in it"),
    example(
        "spoutctl serve ./store --as-spout orders -- ./spout.sh",
        "… run, killed and started again as in a cluster",
    ),
];

pub const SPOOL: &[Example] = &[
    example("spoutctl spool DIR", "what waits, and what is held back"),
    example("spoutctl spool DIR --send", "send what waits"),
    example("spoutctl spool DIR --resend 7", "let archive 7 be sent again"),
];

pub const RUN: &[Example] = &[
    example("spoutctl run --check streams.toml", "what is wrong in the file"),
    example("spoutctl run streams.toml --metrics-listen 9464", "all of its streams"),
    example("kill -HUP PID", "… as the file says now"),
];

pub const SQUASH: &[Example] = &[
    example(
        "spoutctl squash events --older-than 7d --keep-every 1h --dry-run",
        "what would go, and what stays and why",
    ),
    example(
        "spoutctl squash events --older-than 7d --keep-every 1h --yes",
        "one commit an hour stays of what is older than a week",
    ),
    example(
        "spoutctl squash events --older-than 7d --cursor FILE --yes",
        "the commit that a consumer is at stays, too",
    ),
];

pub const VALIDATE: &[Example] = &[
    example("spoutctl validate orders.json", "what is wrong with a spec"),
    example("spoutctl validate --fix --diff specs/", "what could be mended"),
    example("spoutctl validate --format github specs/", "annotations of a change"),
];

pub const EXPLAIN: &[Example] = &[example(
    "spoutctl explain image-tag",
    "why it matters, with a good spec and a bad one",
)];

pub const SCHEMA: &[Example] = &[example(
    "spoutctl schema --pachyderm 2.8 > pipeline.schema.json",
    "what an editor holds specs to",
)];

pub const LSP: &[Example] = &[example("spoutctl lsp", "what an editor starts")];

pub const CREATE: &[Example] = &[
    example("spoutctl create", "asks, and writes a spec"),
    example(
        "spoutctl create orders --image IMAGE:1 -- /app/run.sh",
        "writes orders.json",
    ),
    example(
        "spoutctl create orders --template mqtt --with-code orders",
        "a spec, and code that runs",
    ),
    example("spoutctl create -f orders.json", "creates the pipeline"),
];

pub const AUTH: &[Example] = &[
    example("spoutctl auth login", "with a browser"),
    example("spoutctl auth whoami", "whom pachd takes us for"),
];
pub const LOGIN: &[Example] = &[
    example("spoutctl auth login", "into the active context"),
    example(
        "spoutctl auth login --pachd grpcs://HOST --context new",
        "into a new one",
    ),
];
pub const USE_TOKEN: &[Example] = &[
    example("spoutctl auth use-token", "asks for it"),
    example("spoutctl auth use-token --context ci < token", "takes it from a file"),
];
pub const WHOAMI: &[Example] = &[example("spoutctl auth whoami --json", "for scripts")];
pub const LOGOUT: &[Example] = &[example("spoutctl auth logout --context ci", "forgets its token")];

pub const CONFIG: &[Example] = &[
    example("spoutctl config", "what holds here"),
    example("spoutctl config --context prod", "what would hold with that context"),
];

pub const DOCTOR: &[Example] = &[
    example("spoutctl doctor", "from the address to the token"),
    example("spoutctl doctor events", "and whether that branch can be written"),
    example(
        "spoutctl doctor events --drop COMMIT",
        "free it of a dead writer's commit",
    ),
    example(
        "spoutctl doctor orders --from kafka://kafka:9092/orders",
        "and how far it is in each partition",
    ),
];

pub const COMPLETIONS: &[Example] = &[
    example("source <(spoutctl completions bash)", "for this shell"),
    example(
        "spoutctl completions fish > ~/.config/fish/completions/spoutctl.fish",
        "for good",
    ),
];

pub const MAN: &[Example] = &[example("spoutctl man put | man -l -", "reads it")];

/// The widest that a command may be for its meaning to stand beside it.
const BESIDE: usize = 62;

/// The end of a verb's help.
pub fn help(examples: &[Example]) -> String {
    let width = examples
        .iter()
        .map(|example| example.command.chars().count())
        .max()
        .unwrap_or(0)
        .min(BESIDE);
    let lines = examples
        .iter()
        .map(|Example { command, does }| format!("\n  {command:width$}  {does}"));
    format!("Examples:{}", lines.collect::<String>())
}

/// The examples of a verb, by its words: `auth login`; those of the program itself by none.
pub fn of(verb: &str) -> &'static [Example] {
    match verb {
        "" => TOP,
        "put" => PUT,
        "run" => RUN,
        "get" => GET,
        "pack" => PACK,
        "tail" => TAIL,
        "serve" => SERVE,
        "spool" => SPOOL,
        "squash" => SQUASH,
        "validate" => VALIDATE,
        "explain" => EXPLAIN,
        "schema" => SCHEMA,
        "lsp" => LSP,
        "create" => CREATE,
        "auth" => AUTH,
        "auth login" => LOGIN,
        "auth use-token" => USE_TOKEN,
        "auth whoami" => WHOAMI,
        "auth logout" => LOGOUT,
        "config" => CONFIG,
        "doctor" => DOCTOR,
        "completions" => COMPLETIONS,
        "man" => MAN,
        _ => &[],
    }
}

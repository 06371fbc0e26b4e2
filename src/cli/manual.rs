//! Man pages: what clap knows, and what a page is opened for besides: exit codes, variables, files, examples.

use std::io;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, line_break, roman};

use super::{Cli, examples};

/// The day of the newest heading of the changelog that has one.
pub fn date() -> Option<&'static str> {
    let headings = include_str!("../../CHANGELOG.md")
        .lines()
        .filter(|line| line.starts_with("## "));
    headings
        .filter_map(|line| line.split_whitespace().last())
        .find(|word| word.parse::<jiff::civil::Date>().is_ok())
}

/// A verb with a page of its own, by its words: `auth login`; the program itself by none.
pub fn verbs() -> Vec<Vec<String>> {
    let mut verbs = vec![Vec::new()];
    for verb in Cli::command()
        .get_subcommands()
        .filter(|verb| verb.get_name() != "spout")
    {
        let name = verb.get_name().to_owned();
        let inner = verb
            .get_subcommands()
            .map(|inner| vec![name.clone(), inner.get_name().to_owned()]);
        verbs.push(vec![name.clone()]);
        verbs.extend(inner);
    }
    verbs
}

/// The page of a verb, as roff; `None` where there is no such verb.
///
/// # Errors
/// When it cannot be written, which memory can always be.
pub fn page(verb: &[String]) -> io::Result<Option<Vec<u8>>> {
    let mut command = Cli::command();
    command.build();
    let mut found = &command;
    for word in verb {
        match found.find_subcommand(word) {
            Some(inner) => found = inner,
            None => return Ok(None),
        }
    }
    let name = name_of(verb);
    let typed = std::iter::once("spoutctl")
        .chain(verb.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(" ");
    let bare = found
        .clone()
        .name(name.clone())
        .bin_name(typed)
        .after_help("")
        .after_long_help("");
    let mut man = Man::new(bare)
        .title(name.to_uppercase())
        .source(format!("spoutctl {}", env!("CARGO_PKG_VERSION")))
        .manual("spoutctl");
    if let Some(date) = date() {
        man = man.date(date);
    }
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if found.get_arguments().next().is_some() {
        man.render_options_section(&mut page)?;
    }
    if found.get_subcommands().any(|inner| !inner.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    sections(verb, found).to_writer(&mut page)?;
    Ok(Some(page))
}

fn name_of(verb: &[String]) -> String {
    std::iter::once("spoutctl")
        .chain(verb.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join("-")
}

/// A term, and what is said of it.
type Entry = (&'static str, &'static str);

fn sections(verb: &[String], command: &Command) -> Roff {
    let words = verb.join(" ");
    let mut roff = Roff::new();
    let listed = |roff: &mut Roff, heading: &str, entries: &[Entry]| {
        if entries.is_empty() {
            return;
        }
        roff.control("SH", [heading]);
        for (term, meaning) in entries {
            roff.control("TP", []);
            roff.text([bold(*term)]);
            roff.text([roman(*meaning)]);
        }
    };
    listed(&mut roff, "EXIT STATUS", exit_status(&words));
    listed(&mut roff, "ENVIRONMENT", &environment(command));
    listed(&mut roff, "FILES", &files(&words, command));
    roff.control("SH", ["EXAMPLES"]);
    for example in examples::of(&words) {
        let does = example.does.trim_end_matches(" …").trim_start_matches("… ");
        roff.control("PP", []);
        roff.text([roman(format!("{}:", capitalised(does)))]);
        roff.control("PP", []);
        roff.control("nf", []);
        roff.text([roman(format!("    {}", example.command))]);
        roff.control("fi", []);
    }
    see_also(&mut roff, &words);
    roff
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

const USAGE: Entry = ("2", "Wrong usage.");
const REFUSED: Entry = ("4", "pachd refused. Do not repeat it unchanged.");
const AWAY: Entry = (
    "5",
    "pachd is unreachable or busy, or retries are used up. Try again later.",
);
const DISK: Entry = ("3", "A file cannot be read or written.");
const SIGNALS: Entry = ("130, 143, 129", "Interrupted by SIGINT, SIGTERM or SIGHUP.");
const DONE: Entry = ("0", "Done.");

/// What the exit codes of a verb mean, where it has more than the usual two.
const EXIT_STATUS: &[(&[&str], &[Entry])] = &[
    (
        &[""],
        &[
            ("0", "Done, also when the reader closed the pipe."),
            (
                "1",
                "Not there yet (get, tail); something was found (validate, create -f).",
            ),
            USAGE,
            ("3", "Unusable input, or a fault of the disk."),
            REFUSED,
            AWAY,
            ("6", "The producer, an acknowledgement, or the command of tail failed."),
            SIGNALS,
        ],
    ),
    (
        &["put"],
        &[
            ("0", "Everything is committed and acknowledged."),
            USAGE,
            (
                "3",
                "Unusable input: a torn archive, a path that pachd refuses; or a fault of the disk. Fix the input.",
            ),
            (
                "4",
                "pachd refused, or finished a commit with an error. Do not repeat it unchanged.",
            ),
            (
                "5",
                "pachd is unreachable or busy, or retries are used up. Nothing is half in the repo: send again what \
                 was not acknowledged. With --spool nothing is lost: what was taken in waits there.",
            ),
            (
                "6",
                "The producer (put DEST -- CMD) failed; every archive that it completed is committed. Or --ack-command \
                 or --ack-fd failed.",
            ),
            (
                "130, 143, 129",
                "Interrupted by SIGINT, SIGTERM or SIGHUP: the archive in hand was finished, or given up.",
            ),
        ],
    ),
    (
        &["spool"],
        &[
            DONE,
            USAGE,
            (
                "3",
                "An archive of which no commit can be made, a damaged file, or a fault of the disk.",
            ),
            REFUSED,
            AWAY,
            ("6", "--ack-command or --ack-fd failed."),
            SIGNALS,
        ],
    ),
    (
        &["run"],
        &[
            (
                "0",
                "Every stream has come to the end of its input, and everything is committed.",
            ),
            (
                "2",
                "Wrong usage, or FILE is wrong, which names the line and the column. Nothing was started.",
            ),
            SIGNALS,
        ],
    ),
    (
        &["squash"],
        &[
            DONE,
            ("1", "There is no such repo or branch."),
            USAGE,
            ("3", "A cursor that cannot be read, or a fault of the disk."),
            (
                "4",
                "pachd refused, or squashes nothing (Pachyderm 1.x); or a commit that is to be kept is not on the \
                 branch.",
            ),
            (
                "5",
                "pachd is unreachable, or retries are used up. Run it again: it goes on.",
            ),
            SIGNALS,
        ],
    ),
    (
        &["get"],
        &[
            ("0", "Done, also when the reader closed the pipe."),
            ("1", "There is no such file, branch or commit yet."),
            USAGE,
            ("3", "The output cannot be written."),
            REFUSED,
            AWAY,
            SIGNALS,
        ],
    ),
    (
        &["pack"],
        &[
            DONE,
            USAGE,
            ("3", "A message that cannot be packed, or a fault of the disk."),
            SIGNALS,
        ],
    ),
    (
        &["tail"],
        &[
            ("0", "Done, also when the reader closed the pipe."),
            (
                "1",
                "No such branch; with --fail a commit with an error; with -e --until the branch has not come to that \
                 commit.",
            ),
            USAGE,
            ("3", "The cursor cannot be read or written."),
            (
                "4",
                "pachd refused, or the history was rewritten under what was printed.",
            ),
            (
                "5",
                "pachd is unreachable, or --timeout passed before --count or --until was reached.",
            ),
            ("6", "The command of tail SOURCE -- CMD failed."),
            SIGNALS,
        ],
    ),
    (
        &["serve"],
        &[
            ("2", "Wrong usage, or CMD cannot be run."),
            ("3", "The store cannot be used."),
            ("4", "--as-spout names a pipeline that is no spout."),
            ("5", "Somebody else listens at the address."),
            ("130, 143", "Ended by SIGINT or SIGTERM, as it is meant to."),
        ],
    ),
    (
        &["validate"],
        &[
            ("0", "No errors."),
            ("1", "Errors, or more warnings than --max-warnings."),
            USAGE,
            ("3", "Something could not be read."),
        ],
    ),
    (
        &["create"],
        &[
            DONE,
            ("1", "With -f: the specs have errors, and none was sent."),
            USAGE,
            ("3", "A spec cannot be read, or a file not written."),
            ("4", "With -f: pachd refused a pipeline."),
            ("5", "With -f: pachd cannot be reached."),
        ],
    ),
    (
        &["doctor"],
        &[
            ("0", "No fault."),
            ("2, 3, 4, 5", "That with which put would end at the first fault."),
        ],
    ),
    (&["config"], &[DONE, ("2", "Something that is said cannot be used.")]),
    (
        &["auth login", "auth use-token", "auth whoami"],
        &[DONE, USAGE, DISK, REFUSED, AWAY],
    ),
    (&["auth", "auth logout"], &[DONE, USAGE, DISK]),
];

fn exit_status(verb: &str) -> &'static [Entry] {
    let row = EXIT_STATUS.iter().find(|(verbs, _)| verbs.contains(&verb));
    row.map_or(&[DONE, USAGE], |(_, entries)| entries)
}

/// The variables that clap does not tell of, or tells of with their options only.
fn environment(command: &Command) -> Vec<Entry> {
    let has = |name: &str| {
        command
            .get_arguments()
            .any(|argument| argument.get_long() == Some(name))
    };
    let mut entries = Vec::new();
    if has("pachd") {
        entries.extend([
            (
                "PACHD_ADDRESS",
                "The pachd to talk to, unless --pachd or --context names one, or this is a pipeline's pod.",
            ),
            (
                "PACH_CONFIG, PACH_CONTEXT",
                "pachctl's configuration, and the context in it that is used.",
            ),
            (
                "PACH_TOKEN",
                "The token that pachd knows us by, unless --token-file holds one. It is never shown.",
            ),
            (
                "HTTPS_PROXY, HTTP_PROXY, NO_PROXY",
                "A proxy on the way to pachd: the first for gRPC and https://, the second for http://, and to whom \
                 none leads.",
            ),
        ]);
    }
    let preferred = [
        ("context", "SPOUTCTL_CONTEXT", "As --context."),
        ("pachd", "SPOUTCTL_PACHD", "As --pachd."),
        ("token-file", "SPOUTCTL_TOKEN_FILE", "As --token-file."),
        ("cacert", "SPOUTCTL_CACERT", "As --cacert."),
        ("spool", "SPOUTCTL_SPOOL", "As --spool."),
        ("retry-for", "SPOUTCTL_RETRY_FOR", "As --retry-for."),
        ("grace", "SPOUTCTL_GRACE", "As --grace."),
        ("spool-limit", "SPOUTCTL_SPOOL_LIMIT", "As --spool-limit."),
        ("stats-every", "SPOUTCTL_STATS_EVERY", "As --stats-every."),
        ("metrics-listen", "SPOUTCTL_METRICS_LISTEN", "As --metrics-listen."),
        (
            "metrics-listen",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "A collector of OpenTelemetry that figures and traces are sent to, by a build with the feature otlp. Other \
             variables of OpenTelemetry count as well; OTEL_EXPORTER_OTLP_HEADERS is never shown.",
        ),
        ("log-format", "SPOUTCTL_LOG_FORMAT", "As --log-format."),
        ("tmp-dir", "SPOUTCTL_TMP_DIR", "As --tmp-dir."),
        ("listen", "SPOUTCTL_LISTEN", "As --listen."),
        ("color", "SPOUTCTL_COLOR", "As --color."),
        (
            "tmp-dir",
            "TMPDIR",
            "Where larger archives are held while they are in hand, unless --tmp-dir says otherwise; /var/tmp without \
             it.",
        ),
        (
            "color",
            "NO_COLOR, CLICOLOR_FORCE",
            "No colour, or colour also where nobody sees it, unless --color says otherwise.",
        ),
    ];
    entries.extend(
        preferred
            .into_iter()
            .filter(|(option, ..)| has(option))
            .map(|(_, variable, meaning)| (variable, meaning)),
    );
    if entries.is_empty() {
        entries.push((
            "XDG_CONFIG_HOME",
            "Where the user's own settings are, in spoutctl/config.toml; ~/.config without it.",
        ));
    }
    entries
}

fn files(verb: &str, command: &Command) -> Vec<Entry> {
    let has = |name: &str| {
        command
            .get_arguments()
            .any(|argument| argument.get_long() == Some(name))
    };
    let mut entries = Vec::new();
    if has("pachd") || verb == "auth logout" {
        entries.push((
            "~/.pachyderm/config.json, /pachctl/config.json",
            "pachctl's configuration. A context counts where pachd's address is its own.",
        ));
    }
    entries.extend([
        (
            "spoutctl.toml",
            "The project's settings: the nearest one, in this directory or above.",
        ),
        ("~/.config/spoutctl/config.toml", "The user's own."),
    ]);
    entries
}

fn see_also(roff: &mut Roff, verb: &str) {
    let related: &[&str] = match verb {
        "" => &["put", "get", "tail", "validate", "create", "serve", "doctor"],
        "put" => &["pack", "spool", "tail", "doctor", "create"],
        "run" => &["put", "spool"],
        "pack" => &["put"],
        "get" => &["tail", "put"],
        "tail" => &["get", "put"],
        "spool" => &["put"],
        "squash" => &["tail", "put"],
        "serve" => &["put", "create"],
        "validate" => &["explain", "create"],
        "explain" => &["validate"],
        "schema" => &["validate", "create", "lsp"],
        "lsp" => &["validate", "schema"],
        "create" => &["validate", "serve", "put"],
        "doctor" => &["config", "auth", "put"],
        "config" => &["doctor", "auth"],
        "auth" => &["auth-login", "auth-use-token", "auth-whoami", "auth-logout", "config"],
        "auth login" | "auth use-token" | "auth whoami" | "auth logout" => &["auth", "config"],
        _ => &[],
    };
    roff.control("SH", ["SEE ALSO"]);
    let mut line = Vec::new();
    if !verb.is_empty() {
        line.extend([bold("spoutctl"), roman("(1)")]);
    }
    for name in related {
        if !line.is_empty() {
            line.push(roman(", "));
        }
        line.extend([bold(format!("spoutctl-{name}")), roman("(1)")]);
    }
    roff.text(line);
    roff.text([
        line_break(),
        roman("The book: "),
        italic("docs/SUMMARY.md"),
        roman(" of the source."),
    ]);
}

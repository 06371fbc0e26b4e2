//! Values that an option or an operand has not, and what they mean.

use std::path::Path;

use spoutctl_core::pfs::Source;

/// The words to be typed instead of option and value, or what to say.
pub(super) fn meant(verb: &str, name: &str, value: &str) -> Option<Result<Vec<String>, String>> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let words = |words: &[&str]| Some(Ok(words.iter().map(|word| (*word).to_owned()).collect()));
    let say = |said: &str| Some(Err(said.to_owned()));
    match (verb, name) {
        ("tail", "--last") => match value {
            "+1" | "+0" | "all" => words(&["--from", "beginning"]),
            value if value.starts_with('+') => {
                say("-n N begins with the last N commits; --from COMMIT begins after that one")
            }
            _ => None,
        },
        ("tail", "--format") if matches!(value, "json" | "jsonl" | "ndjson") => words(&["--json"]),
        ("tail", "--format") => say("a template has fields in braces: '{time} {id}'; --json is another way"),
        ("tail", "--until") => say("it is a commit's id; `--from 2026-11-29` and `--last N` say where it begins"),
        ("put" | "pack", "--key-column" | "--position-column") => {
            say("a column is meant by its number, the first one's is 1")
        }
        ("put" | "pack", "--key-json" | "--position-json") => of_pointer(value),
        ("put", "--batch") if is_number => Some(Err(format!(
            "--batch-count {value} makes one commit of {value} archives"
        ))),
        ("put", "--batch") => say("--batch adaptive makes one commit of what arrives while another one is made"),
        ("put", "--from") if value == "-" || Path::new(value).exists() => {
            say("--from is for Kafka; a file is named behind DEST, and standard input by nothing")
        }
        ("put", "--from") if !value.starts_with("kafka:") => say(
            "--from is for Kafka; other sources are read by a command: spoutctl put DEST -- CMD ARG… (docs/recipes)",
        ),
        ("squash", "--keep") if is_number => {
            say("--keep names a commit; --older-than 7d says how old they are that go, --keep-every 1d which stay")
        }
        ("put", "[DEST]") => of_destination(value),
        ("get" | "tail", "<SOURCE>") => of_source(verb, value),
        _ => None,
    }
}

/// Paths of jq and of `JSONPath`, and pointers as fragments of a URL.
fn of_pointer(value: &str) -> Option<Result<Vec<String>, String>> {
    let path = value.trim_start_matches(['$', '#']);
    if path.starts_with('/') {
        return Some(Err(format!("without what stands before it: {path}")));
    }
    let is_plain = !path.contains(['[', ']', '"', '\'', '/', '~']);
    let names: Vec<&str> = path.split('.').filter(|name| !name.is_empty()).collect();
    (is_plain && path.contains('.') && !names.is_empty()).then(|| Err(format!("write it so: /{}", names.join("/"))))
}

fn of_destination(value: &str) -> Option<Result<Vec<String>, String>> {
    if Path::new(value).is_dir() && !value.starts_with("/pfs") {
        return Some(Err(format!(
            "a directory is packed first: tar cf - {value} | spoutctl put DEST"
        )));
    }
    if Path::new(value).exists() && !value.starts_with("/pfs") {
        return Some(Err(format!(
            "where it goes comes before the file: spoutctl put DEST {value}"
        )));
    }
    value.starts_with("/pfs").then(|| {
        Err("in a spout's pod nothing has to be named; elsewhere it is the repo: spoutctl put REPO".to_owned())
    })
}

/// Names that others write, as they are written here: `r/x`, `/pfs/r/x`, `pfs://r@b:/x`.
fn of_source(verb: &str, value: &str) -> Option<Result<Vec<String>, String>> {
    // Only what would be taken is offered.
    let is_taken = |text: &str| !text.contains("//") && text.parse::<Source>().is_ok();
    if let Some(named) = value.strip_prefix("pfs://").filter(|named| is_taken(named)) {
        return Some(Err(format!("a name has no scheme: {named}")));
    }
    let is_revision = value.split_once('@').is_some_and(|(_, revision)| {
        let revision = revision.split(':').next().unwrap_or_default();
        revision.contains(['^', '~', '.'])
    });
    if verb == "tail" && is_revision && value.parse::<Source>().is_ok() {
        return Some(Err(
            "a branch is followed: -n N begins with its last N commits, --from COMMIT after that one".to_owned(),
        ));
    }
    if value.contains(':') {
        return None;
    }
    let pod = value.strip_prefix("/pfs/");
    let named = pod.unwrap_or(value);
    // As a pod has it, a project's name is none of a directory.
    let mut parted = named.match_indices('/').map(|(at, _)| {
        let (repo, path) = named.split_at(at);
        format!("{repo}:{path}")
    });
    let meant = parted.find(|text| is_taken(text))?;
    Some(Err(match pod {
        Some(_) => format!("/pfs is where a pipeline's code sees repos; here it is {meant}"),
        None => format!("a path stands behind a colon: {meant}"),
    }))
}

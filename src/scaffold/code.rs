//! The program of a template: as a part of the spec, or as files for an image of one's own.

use super::Draft;
use super::template::Template;

/// A file to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeFile {
    pub name: &'static str,
    pub text: String,
    pub is_executable: bool,
}

/// Where the script is in the image.
const ENTRYPOINT: &str = "/spout/entrypoint.sh";

/// What the spec runs.
pub(super) fn command(draft: &Draft) -> Vec<String> {
    let destination = draft.output_branch.as_ref().map(|_| draft.destination());
    let mut words = put(draft.template(), destination.as_deref());
    let Some(consumer) = consumer(draft) else {
        return words;
    };
    if draft.with_code {
        return vec![ENTRYPOINT.to_owned()];
    }
    let script = format!("set -euo pipefail\n{}", without_comments(&consumer));
    words.extend(["--", "bash", "-c"].map(str::to_owned));
    words.push(script);
    words
}

/// `spoutctl put …`, up to the command that it runs, if it runs one. In its pod it needs no destination, unless the branch is another.
fn put(template: &Template, destination: Option<&str>) -> Vec<String> {
    let begin = ["spoutctl", "put"].into_iter().chain(destination);
    let restart: &[&str] = if template.has_consumer() {
        &["--restart", "always"]
    } else {
        &[]
    };
    let end = restart.iter().chain(template.taken).copied();
    begin.chain(end).map(str::to_owned).collect()
}

fn consumer(draft: &Draft) -> Option<String> {
    let text = draft.template().consumer?;
    Some(text.replace("__BRANCH__", &draft.at_branch()))
}

/// Comments that stand alone, in a text that nobody edits. Not within what a here-document holds: there they may be
/// anything.
fn without_comments(script: &str) -> String {
    let mut kept = String::new();
    let mut until: Option<&str> = None;
    for line in script.lines() {
        let is_comment = line.trim_start().starts_with('#') || line.trim().is_empty();
        if until.is_none() && is_comment {
            continue;
        }
        match until {
            Some(end) if line == end => until = None,
            None => until = line.split_once("<<").and_then(|(_, after)| here_document(after)),
            Some(_) => {}
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

/// The line that ends a here-document, from what stands behind `<<`; `None` for `<<<`.
fn here_document(after: &str) -> Option<&str> {
    let word = after.trim_matches('\'');
    (!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(word)
}

/// The files of a small spout that runs, and is to be changed.
#[must_use]
pub fn files(draft: &Draft, spec: &str) -> Vec<CodeFile> {
    let file = |name, text, is_executable| CodeFile {
        name,
        text,
        is_executable,
    };
    match consumer(draft) {
        Some(consumer) => vec![
            file("entrypoint.sh", entrypoint(draft, &consumer), true),
            file("Dockerfile", dockerfile(draft), false),
            file(
                "README.md",
                readme(draft, spec, include_str!("templates/README.md")),
                false,
            ),
        ],
        None => vec![
            file(
                "Dockerfile",
                include_str!("templates/codeless/Dockerfile").to_owned(),
                false,
            ),
            file(
                "README.md",
                readme(draft, spec, include_str!("templates/codeless/README.md")),
                false,
            ),
        ],
    }
}

fn entrypoint(draft: &Draft, consumer: &str) -> String {
    let template = draft.template();
    let own = format!(
        "\"${{PPS_PROJECT_NAME:-default}}/${{PPS_PIPELINE_NAME}}{}\"",
        draft.at_branch()
    );
    let destination = draft.output_branch.as_ref().map(|_| own);
    let head = include_str!("templates/entrypoint.sh")
        .replace("__NAME__", name(draft))
        .replace("__TITLE__", template.title)
        .replace("__PUT__", &put(template, destination.as_deref()).join(" "));
    format!("{head}{consumer}")
}

fn dockerfile(draft: &Draft) -> String {
    let template = draft.template();
    let mut packages: Vec<&str> = template.packages.to_vec();
    packages.push("ca-certificates");
    packages.sort_unstable();
    include_str!("templates/Dockerfile")
        .replace("__PACKAGES__", &packages.join(" "))
        .replace("__MORE__", template.image)
        .replace("__VERSION__", env!("CARGO_PKG_VERSION"))
}

fn readme(draft: &Draft, spec: &str, text: &str) -> String {
    let template = draft.template();
    let environment = draft.variables().into_iter();
    let environment: Vec<String> = environment
        .map(|variable| format!("{}={}", variable.name, shell_words::quote(&variable.value)))
        .chain(
            draft
                .secrets
                .iter()
                .filter_map(|secret| Some(format!("{}=…", secret.variable()?))),
        )
        .collect();
    let own = draft.destination();
    let spout = own.split('@').next().unwrap_or(&own);
    text.replace("__VERSION__", env!("CARGO_PKG_VERSION"))
        .replace("__ABOUT__", template.about)
        .replace("__SECRETS__", &secrets(draft))
        .replace("__ENVIRONMENT__", &environment.join(" "))
        .replace("__COMMAND__", &shell_words::join(command(draft)))
        .replace("__TITLE__", template.title)
        .replace("__SPOUT__", spout)
        .replace("__REPO__", &own)
        .replace("__IMAGE__", draft.image.as_deref().unwrap_or_default())
        .replace("__SPEC__", &shell_words::quote(spec))
        .replace("__NAME__", name(draft))
}

/// How the secrets are made that the spec names, a command each.
fn secrets(draft: &Draft) -> String {
    let mut names: Vec<&str> = Vec::new();
    for secret in &draft.secrets {
        if !names.contains(&secret.name.as_str()) {
            names.push(&secret.name);
        }
    }
    let command = |name: &&str| {
        let sources = draft.secrets.iter().filter(|secret| secret.name == **name);
        let sources = sources.map(|secret| match secret.key() {
            Some(key) => format!(" --from-file={key}=FILE"),
            None => " --from-file=DIR".to_owned(),
        });
        format!("kubectl create secret generic {name}{}\n", sources.collect::<String>())
    };
    names.iter().map(command).collect()
}

fn name(draft: &Draft) -> &str {
    draft.name.as_deref().unwrap_or("spout")
}

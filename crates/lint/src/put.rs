//! Rules about `spoutctl put` as what a spout runs.

use super::finding::{Finding, Findings};
use super::rule::{Rule, rule};
use super::version::Versions;
use super::view::{Spec, Text, shown};

const PUT_ENDS: Rule = rule!("put-ends", Warning, Versions::ALL,
    summary: "`spoutctl put -- CMD` that ends with the command",
    why: "When the command ends well, `put` ends with 0, and a spout whose program has ended with 0 is never run \
          again, while its state stays running. With `--restart` the command is started again; with `--endless` its \
          end is a failure, after which the worker starts the spout anew.",
    source: "src/server/worker/pipeline/spout/spout.go; run with 2.12.0",
);
const PUT_READ_ONLY_ROOT: Rule = rule!("put-read-only-root", Warning, Versions::since(2, 3),
    summary: "`spoutctl put` with a directory that a numeric `user` may not write",
    why: "With a number in `transform.user` the container's root is read-only, and only /tmp, /pfs and /pach-bin can \
          be written. A spool elsewhere cannot be made, and larger archives cannot be held.",
    source: "src/server/pps/server/worker_rc.go; run with 2.12.0",
);

pub(super) const RULES: &[Rule] = &[PUT_ENDS, PUT_READ_ONLY_ROOT];

/// A call of `spoutctl put`.
struct Call<'a> {
    /// Where it is written.
    text: Text<'a>,
    words: Vec<&'a str>,
}

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    if !spec.spout {
        return;
    }
    let cmd: Vec<_> = spec.transform().texts("cmd").collect();
    let stdin: Vec<_> = spec.transform().texts("stdin").collect();
    // Where the shell itself goes round, or something comes after it, the end of one command is not that of the spout.
    let lines: Vec<Text<'_>> = cmd.iter().chain(&stdin).copied().collect();
    let has_loop = lines
        .iter()
        .flat_map(|text| text.value.split_whitespace())
        .any(|word| matches!(word, "while" | "until" | "for"));
    let mut calls: Vec<Call<'_>> = of_list(&cmd).into_iter().collect();
    let is_list = !calls.is_empty();
    if !is_list {
        calls.extend(lines.iter().flat_map(|text| of_script(*text)));
    }
    if let Some(last) = calls.last().filter(|_| is_list || !has_loop) {
        ends(last, findings);
    }
    for call in &calls {
        read_only_root(spec, call, findings);
    }
}

/// `["spoutctl", "put", …]`
fn of_list<'a>(cmd: &[Text<'a>]) -> Option<Call<'a>> {
    let text = *cmd.first()?;
    let words: Vec<&str> = cmd.iter().map(|text| text.value).collect();
    after_put(&words).map(|words| Call { text, words })
}

/// What a shell runs, as far as spaces alone take it apart.
fn of_script(text: Text<'_>) -> Vec<Call<'_>> {
    let commands = text.value.split(['|', '&', ';', '\n', ')']);
    let calls = commands.filter_map(|command| {
        let words: Vec<&str> = command
            .split_whitespace()
            .skip_while(|word| *word == "exec" || word.contains('='))
            .collect();
        after_put(&words).map(|words| Call { text, words })
    });
    calls.collect()
}

fn after_put<'a>(words: &[&'a str]) -> Option<Vec<&'a str>> {
    let (first, rest) = words.split_first()?;
    if first.rsplit('/').next() != Some("spoutctl") {
        return None;
    }
    match rest {
        ["put", rest @ ..] | ["spout", "put", rest @ ..] => Some(rest.to_vec()),
        _ => None,
    }
}

impl Call<'_> {
    /// Flags of `put` itself, before the command.
    fn flags(&self) -> impl Iterator<Item = &str> {
        self.words.iter().copied().take_while(|word| *word != "--")
    }

    /// What a flag says, after `=` or in the next word.
    fn value(&self, flag: &str) -> Option<&str> {
        let mut flags = self.flags();
        while let Some(word) = flags.next() {
            if word == flag {
                return flags.next();
            }
            if let Some(value) = word.strip_prefix(flag).and_then(|rest| rest.strip_prefix('=')) {
                return Some(value);
            }
        }
        None
    }
}

fn ends(call: &Call<'_>, findings: &mut Findings<'_>) {
    let runs_command = call.words.contains(&"--");
    let goes_on =
        call.flags().any(|word| word == "--endless") || call.value("--restart").is_some_and(|when| when != "never");
    if !runs_command || goes_on {
        return;
    }
    let message = "when the command ends, `spoutctl put` ends, and the spout with it";
    findings.add(
        Finding::new(&PUT_ENDS, call.text.span(), message)
            .note("after a good end the worker never starts it again, and the pipeline's state stays running")
            .help("write --restart always, or --endless, before the `--`"),
    );
}

fn read_only_root(spec: &Spec<'_>, call: &Call<'_>, findings: &mut Findings<'_>) {
    let user = spec.transform().text("user").map_or("", |user| user.value);
    let is_number = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_digit());
    // What else is mounted there nobody knows.
    let has_mounts = ["pod_spec", "pod_patch"].iter().any(|key| spec.root.get(key).is_some());
    if !is_number || has_mounts {
        return;
    }
    let quarantine = call.value("--on-bad").and_then(|how| how.strip_prefix("quarantine="));
    let named = [
        ("--spool", call.value("--spool")),
        ("--tmp-dir", call.value("--tmp-dir")),
        ("--on-bad", quarantine),
    ];
    for (flag, dir) in named {
        let Some(dir) = dir.filter(|dir| dir.starts_with('/') && !is_writable(dir)) else {
            continue;
        };
        findings.add(
            Finding::new(
                &PUT_READ_ONLY_ROOT,
                call.text.find(spec.file, dir),
                format!(
                    "{} of {flag} cannot be written: with `user` {} the root is read-only",
                    shown(dir),
                    shown(user)
                ),
            )
            .note("/tmp, /pfs and /pach-bin can be written; what is there is lost with the pod")
            .help("name a directory in /tmp, or mount a volume by `pod_patch`"),
        );
    }
}

fn is_writable(dir: &str) -> bool {
    ["/tmp", "/pfs", "/pach-bin", "/dev/shm"].iter().any(|place| {
        dir.strip_prefix(place)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

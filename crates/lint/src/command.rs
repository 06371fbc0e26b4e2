//! Rules about what a spout's program does, as far as `cmd`, `stdin` and `env` show it. They guess, so they say nothing
//! where they are not sure.

use super::edit;
use super::finding::{Finding, Findings};
use super::rule::{Rule, rule};
use super::version::{Version, Versions};
use super::view::{Spec, Text, shown};
use crate::diagnostic::{Edit, Safety, Severity};
use crate::source::Span;
use crate::spec::tree::Value;

const NAMED_PIPE_REMOVED: Rule = rule!("named-pipe-removed", Error, Versions::ALL,
    summary: "a spout that writes to /pfs/out",
    why: "In 1.x /pfs/out was a pipe into which a spout wrote tar archives. It is deprecated since 1.12 and gone since \
          2.0: what a spout writes there is lost, or fails. `spoutctl put` takes the same archives and commits them.",
    source: "1.13, src/server/worker/driver/driver.go:556; CHANGELOG of 1.12",
);
const SPOUT_EXITS: Rule = rule!("spout-exits", Warning, Versions::ALL,
    summary: "a spout that ends by itself",
    why: "A spout's program is to run for ever. When it ends with 0, or with a code in `accept_return_code`, it is not \
          started again: the pod stays and does nothing. Only another code makes the worker start it anew.",
    source: "src/internal/backoff/retry.go:131; src/server/worker/worker.go:143",
    fixable: Some(Safety::Unsafe),
);
const CMD_ONE_STRING: Rule = rule!("cmd-one-string", Warning, Versions::ALL,
    summary: "a whole command line as one element of `cmd`",
    why: "The first element is the name of a program, spaces and all. There is no shell that would take it apart, so \
          the worker looks for a program of that name and finds none.",
    source: "src/server/worker/driver/driver.go:380",
    fixable: Some(Safety::Unsafe),
);
const CMD_NO_SHELL_EXPANSION: Rule = rule!("cmd-no-shell-expansion", Warning, Versions::ALL,
    summary: "variables, pipes or redirections without a shell",
    why: "`|`, `>` and `&&` mean something to a shell only, and `$NAME` to a shell and a few other programs. Without a \
          shell the program gets them as they are written. A variable within a word, such as `-Dx=${NAME}`, is an \
          info, and none for awk, jq, perl and others that have variables of their own.",
    source: "src/server/worker/driver/driver.go:380",
    fixable: Some(Safety::Unsafe),
);
const PUT_FILE_FLAG: Rule = rule!("put-file-flag", Error, Versions::ALL,
    summary: "`pachctl put file` with a flag of another version",
    why: "In 1.x `put file` appends, and `-o` makes it overwrite. In 2.x it overwrites, and `-a` makes it append. The \
          pachctl in a spout's container is the cluster's own, and refuses a flag that it does not know, so nothing is \
          ever written.",
    source: "src/server/pfs/cmds/cmds.go:1640; in 1.13, src/server/pfs/cmds/cmds.go:916",
    fixable: Some(Safety::Unsafe),
);
const PUT_FILE_PROJECT: Rule = rule!("put-file-project", Warning, Versions::since(2, 5),
    summary: "`pachctl put file` in a spout of another project than `default`",
    why: "The configuration that a spout's pod gets says project `default`, whatever the spout's project is. So \
          pachctl looks for the repo in the wrong project.",
    source: "src/internal/config/config.go:75; src/server/pps/server/worker_rc.go:988",
    fixable: Some(Safety::Unsafe),
);
const WRITE_AROUND_SIDECAR: Rule = rule!("write-around-sidecar", Warning, Versions::TWO,
    summary: "a spout that talks to pachd itself instead of its sidecar",
    why: "Since 2.0 only the sidecar in the spout's own pod may start commits on the spout's output branch. Through \
          pachd's own address the answer is: cannot start a commit on an output branch.",
    source: "src/server/pfs/server/server_commit.go:155",
);
const FOREIGN_REPO: Rule = rule!("foreign-repo", Info, Versions::ALL,
    summary: "`pachctl put file` into a repo that is not the spout's own",
    why: "With authentication on, a spout may write to its own repo only, until somebody gives its pipeline a role for \
          the other.",
    source: "src/server/auth/server/api_server.go:919; in 1.13, src/server/pps/server/api_server.go:2216",
);

pub(super) const RULES: &[Rule] = &[
    NAMED_PIPE_REMOVED,
    SPOUT_EXITS,
    CMD_ONE_STRING,
    CMD_NO_SHELL_EXPANSION,
    PUT_FILE_FLAG,
    PUT_FILE_PROJECT,
    WRITE_AROUND_SIDECAR,
    FOREIGN_REPO,
];

const SHELLS: [&str; 7] = ["ash", "bash", "dash", "fish", "ksh", "sh", "zsh"];

/// What is to be run.
struct Program<'a> {
    cmd: Vec<Text<'a>>,
    stdin: Vec<Text<'a>>,
    /// The program's name, without the folders that it is in.
    name: &'a str,
    /// `cmd` is a shell.
    shell: bool,
}

impl<'a> Program<'a> {
    fn of(spec: &Spec<'a>) -> Self {
        let transform = spec.transform();
        let cmd: Vec<_> = transform.texts("cmd").collect();
        let name = cmd
            .first()
            .map_or("", |first| first.value.rsplit('/').next().unwrap_or(first.value));
        Self {
            name,
            shell: SHELLS.contains(&name),
            stdin: transform.texts("stdin").collect(),
            cmd,
        }
    }

    /// What a shell is to read: what comes after `-c`, or else the lines of `stdin`.
    fn script(&self) -> &[Text<'a>] {
        let after = self.cmd.iter().position(|text| is_command_flag(text.value));
        match after.and_then(|at| self.cmd.get(at + 1..at + 2)) {
            Some(script) if self.shell => script,
            _ if self.shell => &self.stdin,
            _ => &[],
        }
    }
}

/// `-c`, also among others: `-ec`, `-euxc`.
fn is_command_flag(text: &str) -> bool {
    text.len() <= 8
        && text
            .strip_prefix('-')
            .is_some_and(|letters| letters.ends_with('c') && letters.bytes().all(|letter| letter.is_ascii_lowercase()))
}

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let program = Program::of(spec);
    words(spec, &program, findings);
    if spec.spout {
        pipe(spec, &program, findings);
        exits(spec, &program, findings);
        around(spec, &program, findings);
        for call in put_file_calls(&program) {
            put_file(spec, &call, findings);
        }
    }
}

/// What means something to a shell, as a word of its own.
const OPERATORS: [&str; 10] = ["&&", "||", "|", ">", ">>", "<", ";", "&", "2>&1", "2>"];

/// Programs to which a `$` in their words means something.
const OWN_VARIABLES: [&str; 8] = ["awk", "envsubst", "gawk", "jq", "mawk", "perl", "php", "ruby"];

fn words(spec: &Spec<'_>, program: &Program<'_>, findings: &mut Findings<'_>) {
    let Some(first) = program.cmd.first() else { return };
    let has_code = program.cmd.iter().any(|text| matches!(text.value, "-c" | "-e" | "-lc"));
    if program.shell || has_code {
        return;
    }
    if let (true, Some(_)) = (program.cmd.len() == 1, first.value.trim().find(char::is_whitespace)) {
        findings.add(one_string(spec, *first));
    } else if let Some(finding) = not_expanded(spec, program) {
        findings.add(finding);
    }
}

/// A list for `cmd` in which a shell runs a line, and the change to it.
fn in_shell(spec: &Spec<'_>, line: &str) -> (String, Option<Edit>) {
    let list = list_of(&["sh", "-c", line]);
    let member = spec.transform().get("cmd");
    let edit = member.and_then(|member| edit::rewrite(spec.file, &member.value, list.clone()));
    (list, edit)
}

/// A line as the list that does the same: of its words, or in a shell where that would take one for more than it is.
pub(super) fn as_list(line: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ._-/:=,@+".contains(c);
    let words: Vec<_> = line.split_whitespace().collect();
    let sets_a_variable = words.first().is_some_and(|word| word.contains('='));
    if words.is_empty() || sets_a_variable || is_built_in(&words) || !line.chars().all(is_plain) {
        return list_of(&["sh", "-c", line]);
    }
    list_of(&words)
}

/// Whether a line begins with a command that only a shell has, or that means something only in one.
fn is_built_in(words: &[&str]) -> bool {
    const BUILT_IN: &[&str] = &[
        ".", "cd", "eval", "exec", "export", "set", "source", "trap", "ulimit", "umask", "unset",
    ];
    words.first().is_some_and(|word| BUILT_IN.contains(word))
}

fn list_of(words: &[&str]) -> String {
    let words = words.iter().map(|word| serde_json::Value::from(*word).to_string());
    format!("[{}]", words.collect::<Vec<_>>().join(", "))
}

/// A whole line as the only word of `cmd`.
fn one_string(spec: &Spec<'_>, line: Text<'_>) -> Finding {
    const NO_PROGRAM: &str = "pachd accepts it; the worker finds no program of that name and tries again for ever";
    let words: Vec<_> = line.value.split_whitespace().collect();
    let taken = format!("{} is taken for the name of a program", shown(line.value));
    if is_built_in(&words) || words.iter().any(|word| OPERATORS.contains(word) || has_variable(word)) {
        let (list, edit) = in_shell(spec, line.value);
        return Finding::new(
            &CMD_NO_SHELL_EXPANSION,
            line.span(),
            format!("no shell runs here: {taken}"),
        )
        .note(NO_PROGRAM)
        .help(format!("write \"cmd\": {list}"))
        .unsafe_fix("run it in a shell", edit);
    }
    let list = list_of(&words);
    let is_plain = !line.value.contains(['"', '\'', '\\']);
    let member = spec.transform().get("cmd").filter(|_| is_plain);
    let edit = member.and_then(|member| edit::rewrite(spec.file, &member.value, list.clone()));
    Finding::new(&CMD_ONE_STRING, line.span(), taken)
        .note(NO_PROGRAM)
        .help(if is_plain {
            format!("write \"cmd\": {list}")
        } else {
            "write each word as an element of its own".to_owned()
        })
        .unsafe_fix("make a list of its words", edit)
}

/// Words that a shell would take for more than they are. A variable within a word is no more than a hint: some programs
/// replace it by themselves.
fn not_expanded(spec: &Spec<'_>, program: &Program<'_>) -> Option<Finding> {
    const IN_SHELL: &str = "run it in a shell: \"cmd\": [\"sh\", \"-c\", …]";
    let has_own = OWN_VARIABLES.contains(&program.name);
    let is_odd = |word: &str| OPERATORS.contains(&word) || !has_own && begins_as_variable(word);
    let finding = |odd: &Text<'_>| {
        let message = format!(
            "no shell runs here: the program gets {} as it is written",
            shown(odd.value)
        );
        Finding::new(&CMD_NO_SHELL_EXPANSION, odd.span(), message)
            .note("pachd accepts it; only what the program replaces by itself is replaced")
    };
    let Some(odd) = program.cmd.iter().find(|text| is_odd(text.value)) else {
        let odd = program.cmd.iter().find(|text| !has_own && has_variable(text.value))?;
        let help = format!("if the program does not replace it by itself, {IN_SHELL}");
        return Some(finding(odd).severity(Severity::Info).help(help));
    };
    let line = program.cmd.iter().map(|text| text.value).collect::<Vec<_>>().join(" ");
    // A shell would replace what the program is to replace, too.
    let is_special = |c: char| [' ', '"', '\'', '\\'].contains(&c) || has_own && c == '$';
    let is_plain = !program.cmd.iter().any(|text| text.value.contains(is_special));
    let (list, edit) = in_shell(spec, &line);
    let help = if is_plain {
        format!("write \"cmd\": {list}")
    } else {
        IN_SHELL.to_owned()
    };
    let edit = edit.filter(|_| is_plain);
    Some(finding(odd).help(help).unsafe_fix("run it in a shell", edit))
}

/// `$NAME`, `${NAME}` or `$(…)` at the beginning of a word.
fn begins_as_variable(text: &str) -> bool {
    text.starts_with('$') && has_variable(text)
}

/// `$NAME`, `${NAME}` or `$(…)` anywhere in a word.
fn has_variable(text: &str) -> bool {
    text.split('$')
        .skip(1)
        .any(|after| after.starts_with(|c: char| c.is_ascii_uppercase() || "{(_".contains(c)))
}

fn pipe(spec: &Spec<'_>, program: &Program<'_>, findings: &mut Findings<'_>) {
    let env = spec.transform().message("env");
    let values = env.members().iter().filter_map(|member| {
        let value = member.value.as_str()?;
        Some(Text {
            node: &member.value,
            value,
        })
    });
    let mut places = program
        .cmd
        .iter()
        .chain(&program.stdin)
        .copied()
        .chain(values)
        .filter(|text| names_pipe(text.value));
    let Some(first) = places.next() else { return };
    let finding = Finding::new(
        &NAMED_PIPE_REMOVED,
        first.find(spec.file, "/pfs/out"),
        if spec.version.is_1() {
            "the pipe at /pfs/out is deprecated"
        } else {
            "a spout has no pipe at /pfs/out"
        },
    );
    let finding = places.take(MAX_LABELS).fold(finding, |finding, text| {
        finding.also(text.find(spec.file, "/pfs/out"), "here, too")
    });
    findings.add(if spec.version.is_1() {
        finding
            .severity(Severity::Warning)
            .label("since 1.12")
            .note("it still works in this version; 2.0 has no such pipe")
            .help("commit with `pachctl put file`, or pipe the archives into `spoutctl put`")
    } else {
        finding
            .label("gone since 2.0")
            .note("pachd accepts it; what the program writes there is lost, or fails")
            .help("commit with `pachctl put file`, or pipe the archives into `spoutctl put`")
    });
}

/// How many other places are pointed at; more would hide the first.
const MAX_LABELS: usize = 4;

fn names_pipe(text: &str) -> bool {
    text.match_indices("/pfs/out").any(|(at, found)| {
        let after = text.get(at + found.len()..).and_then(|rest| rest.chars().next());
        after.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-')
    })
}

fn exits(spec: &Spec<'_>, program: &Program<'_>, findings: &mut Findings<'_>) {
    const STAYS: &str = "the worker does not start it again; the pod stays and does nothing";
    if let Some(member) = spec.transform().get("accept_return_code")
        && !member.value.elements().is_empty()
    {
        let message = "a spout that ends with one of these codes is not started again";
        let removal = spec.transform().remove(spec.file, "accept_return_code");
        findings.add(
            Finding::new(&SPOUT_EXITS, member.span(), message)
                .note(STAYS)
                .help("delete it; then any code but 0 makes the worker start the spout anew")
                .unsafe_fix("delete `accept_return_code`", removal),
        );
    }
    let (Some(first), true) = (program.cmd.first(), program.shell) else {
        return;
    };
    let cmd = spec
        .transform()
        .get("cmd")
        .map_or(first.span(), |member| member.value.span);
    let stdin = spec.transform().get("stdin");
    let reads_stdin = program
        .cmd
        .iter()
        .skip(1)
        .all(|text| text.value.starts_with('-') && !is_command_flag(text.value));
    let script = program.script();
    if reads_stdin && stdin.is_none_or(|stdin| matches!(&stdin.value.value, Value::Array(lines) if lines.is_empty())) {
        if !spec.transform().has_like("stdin") || stdin.is_some() {
            findings.add(
                Finding::new(&SPOUT_EXITS, cmd, "this shell has nothing to do and ends at once")
                    .note(STAYS)
                    .help("write what it is to do in `stdin`, or after \"-c\""),
            );
        }
        return;
    }
    let Some(last) = script
        .last()
        .filter(|_| script.iter().all(|line| surely_ends(line.value)))
    else {
        return;
    };
    let node = if std::ptr::eq(program.stdin.as_slice(), script) {
        stdin.map_or(last.span(), |stdin| stdin.key.span)
    } else {
        last.span()
    };
    findings.add(
        Finding::new(
            &SPOUT_EXITS,
            node,
            "this script comes to its end, and the spout with it",
        )
        .note(STAYS)
        .help("write a loop round it, such as `while true; do …; done`"),
    );
}

/// Whether each command of a line is known to come to an end by itself.
fn surely_ends(line: &str) -> bool {
    const SHORT: &[&str] = &[
        "", "apk", "apt", "apt-get", "cat", "cd", "chmod", "cp", "curl", "date", "echo", "export", "gzip", "ls",
        "mkdir", "mv", "pachctl", "pip", "printf", "rm", "sed", "set", "sleep", "sort", "tar", "touch", "true",
        "unzip", "wget",
    ];
    let line = line.split('#').next().unwrap_or_default();
    line.split(['|', '&', ';', '\n', '(', ')']).all(|command| {
        let mut words = command.split_whitespace().skip_while(|word| word.contains('='));
        let first = words.next().unwrap_or_default();
        let is_endless = words.any(|word| {
            matches!(
                word,
                "infinity" | "-f" | "--follow" | "-N" | "subscribe" | "--no-buffer"
            )
        }) && first != "pachctl";
        SHORT.contains(&first.rsplit('/').next().unwrap_or(first)) && !is_endless
    }) && !line.contains("pachctl subscribe")
}

fn around(spec: &Spec<'_>, program: &Program<'_>, findings: &mut Findings<'_>) {
    const ADDRESSES: [&str; 3] = ["PACHD_SERVICE_HOST", "PACHD_PEER_SERVICE_HOST", ":30650"];
    let env = spec.transform().message("env").members().iter();
    let values = env.filter_map(|member| {
        let value = member.value.as_str()?;
        (member.key.name != "PACHD_ADDRESS").then_some(Text {
            node: &member.value,
            value,
        })
    });
    let found = program
        .cmd
        .iter()
        .chain(&program.stdin)
        .copied()
        .chain(values)
        .find_map(|text| {
            let address = ADDRESSES.into_iter().find(|address| text.value.contains(address))?;
            Some((text, address))
        });
    if let Some((text, address)) = found {
        findings.add(
            Finding::new(
                &WRITE_AROUND_SIDECAR,
                text.find(spec.file, address),
                "this is pachd's own address, and not that of the spout's sidecar",
            )
            .note("through it pachd refuses to write to the spout's output: cannot start a commit on an output branch")
            .help("leave the address out; pachctl and the SDKs find the sidecar by themselves"),
        );
    }
}

/// How many calls in one text are looked at. Each is searched for in the whole text, which is the square of its length.
const MAX_CALLS: usize = 16;

/// `pachctl put file` somewhere in what is run.
struct PutFile<'a> {
    text: Text<'a>,
    words: Vec<&'a str>,
    /// The same words where each is an element of `cmd`.
    elements: &'a [Text<'a>],
}

fn put_file_calls<'a>(program: &'a Program<'a>) -> Vec<PutFile<'a>> {
    let mut calls = Vec::new();
    if let [first, put, file, elements @ ..] = program.cmd.as_slice()
        && is_pachctl(first.value)
        && (put.value, file.value) == ("put", "file")
    {
        calls.push(PutFile {
            text: *file,
            words: elements.iter().map(|text| text.value).collect(),
            elements,
        });
    }
    for text in program.script() {
        let commands = text.value.split(['|', '&', ';', '\n', ')']);
        let of_one = commands.filter_map(|command| {
            let mut words = command.split_whitespace().skip_while(|word| !is_pachctl(word)).skip(1);
            (words.next() == Some("put") && words.next() == Some("file")).then(|| PutFile {
                text: *text,
                words: words.collect(),
                elements: &[],
            })
        });
        calls.extend(of_one.take(MAX_CALLS));
    }
    calls
}

fn is_pachctl(word: &str) -> bool {
    word.trim_start_matches(['(', '$']).rsplit('/').next() == Some("pachctl")
}

fn put_file(spec: &Spec<'_>, call: &PutFile<'_>, findings: &mut Findings<'_>) {
    let (flag, long, is_for) = if spec.version.is_1() {
        ('a', "--append", "2.x")
    } else {
        ('o', "--overwrite", "1.x")
    };
    let wrong = call.words.iter().find(|word| **word == long || has_flag(word, flag));
    if let Some(wrong) = wrong {
        let by_default = if spec.version.is_1() { "append" } else { "overwrite" };
        let (text, said) = (format!(" {wrong}"), shown(wrong));
        let place = call.text.find(spec.file, &text);
        let is_found = place != call.text.span();
        let is_alone = is_found && call.text.value.matches(&text).count() == 1 && !has_others(wrong);
        let element = call.elements.iter().find(|text| text.value == *wrong);
        let span = element.map_or(Span::new(place.start + usize::from(is_found), place.end), |text| {
            text.span()
        });
        let message = format!("`pachctl put file` has {said} in Pachyderm {is_for} only");
        findings.add(
            Finding::new(&PUT_FILE_FLAG, span, message)
                .note(format!(
                    "pachctl {} refuses the flag, so nothing is written",
                    spec.version
                ))
                .help(format!(
                    "leave it out; {by_default} is what this version does by itself"
                ))
                .unsafe_fix(format!("delete {said}"), is_alone.then(|| edit::replace(place, ""))),
        );
    }
    let says_project = call.words.iter().any(|word| word.starts_with("--project"));
    if let Some(project) = spec
        .project()
        .filter(|project| project.value != "default" && !says_project)
    {
        let text = "pachctl put file";
        let span = call.text.find(spec.file, text);
        let is_alone = call.text.value.matches(text).count() == 1 && span != call.text.span();
        let edit = is_alone.then(|| edit::replace(span, format!("{text} --project $PPS_PROJECT_NAME")));
        findings.add(
            Finding::new(
                &PUT_FILE_PROJECT,
                span,
                format!(
                    "pachctl looks for the repo in project `default`, and this spout is in {}",
                    shown(project.value)
                ),
            )
            .also(project.span(), "the spout's project")
            .note("the configuration that the pod gets says project `default`")
            .help("write `pachctl put file --project $PPS_PROJECT_NAME …`")
            .unsafe_fix("add --project", edit),
        );
    }
    foreign(spec, call, findings);
}

/// Whether a word is a short flag, alone or among others, none of which takes a value before it.
fn has_flag(word: &str, flag: char) -> bool {
    let letters = word
        .strip_prefix('-')
        .filter(|letters| !letters.starts_with('-') && letters.len() <= 4);
    letters.is_some_and(|letters| {
        letters
            .chars()
            .take_while(|letter| !"fipc".contains(*letter))
            .any(|letter| letter == flag)
    })
}

fn has_others(word: &str) -> bool {
    !word.starts_with("--") && word.len() > 2
}

fn foreign(spec: &Spec<'_>, call: &PutFile<'_>, findings: &mut Findings<'_>) {
    let Some(name) = spec.name() else { return };
    let target = call.words.iter().map(|word| word.trim_matches(['"', '\'']));
    let Some((repo, _)) = target
        .filter(|word| !word.starts_with(['-', '$', '/']))
        .find_map(|word| word.split_once('@'))
    else {
        return;
    };
    if repo == name.value || repo.contains(['$', ':', '.']) || repo.is_empty() {
        return;
    }
    let version = spec.version;
    let project = spec.project().map_or("default", |project| project.value);
    let command = if version.is_1() {
        format!("pachctl auth set pipeline:{} writer {repo}", name.value)
    } else if version < Version::new(2, 5) {
        format!("pachctl auth set repo {repo} repoWriter pipeline:{}", name.value)
    } else {
        format!(
            "pachctl auth set repo {repo} repoWriter pipeline:{project}/{}",
            name.value
        )
    };
    findings.add(
        Finding::new(
            &FOREIGN_REPO,
            call.text.find(spec.file, repo),
            format!("{} is not this spout's own repo", shown(repo)),
        )
        .note("with authentication on, a spout may write to its own repo only")
        .help(format!("let somebody who owns the repo say: {command}")),
    );
}

//! Verbs that others have, and what they mean here.

/// What a verb means that is none.
pub enum VerbMeaning {
    /// These words, with blanks between them.
    Words(&'static str),
    /// `create --update -f`.
    Apply,
    /// The help of the verb that follows.
    Help,
    Say(&'static str),
}

use VerbMeaning::{Apply, Help, Say, Words};

/// Verbs, with blanks between them.
pub const VERBS: &[(&str, VerbMeaning)] = &[
    ("lint check", Words("validate")),
    ("rule rules", Words("explain")),
    ("new init", Words("create")),
    ("apply update", Apply),
    ("ls", Words("get --list")),
    ("cat", Words("get")),
    ("watch follow subscribe", Words("tail")),
    ("login", Words("auth login")),
    ("logout", Words("auth logout")),
    ("whoami", Words("auth whoami")),
    ("use-auth-token", Words("use-token")),
    ("help", Help),
    ("version", Words("--version")),
    ("completion", Words("completions")),
    (
        "push send upload write ingest commit backup produce",
        Say("commits are made by `spoutctl put DEST`"),
    ),
    (
        "start finish",
        Say("`spoutctl put DEST` begins and finishes each commit by itself"),
    ),
    (
        "exec",
        Say("`spoutctl put DEST -- CMD ARG…` runs a consumer and commits what it prints"),
    ),
    (
        "read download pull fetch",
        Say("`spoutctl get SOURCE` writes a file's bytes"),
    ),
    (
        "restore mount export copy sync",
        Say("`spoutctl get REPO -r -o DIR` writes all files of a commit"),
    ),
    (
        "list snapshots history",
        Say(
            "`spoutctl tail REPO --from earliest -e` lists commits, `spoutctl get --list REPO` files, \
             `pachctl list repo` repos",
        ),
    ),
    (
        "inspect stat show describe",
        Say("`spoutctl tail REPO -e -n 1 --files` shows the newest commit, `spoutctl get --list REPO` its files"),
    ),
    (
        "diff",
        Say("`spoutctl tail REPO --files` lists what each commit changed"),
    ),
    (
        "status",
        Say("`spoutctl doctor DEST` looks at pachd, `spoutctl spool DIR` at a spool"),
    ),
    (
        "logs log",
        Say("`spoutctl tail REPO` lists commits; a spout's log is `pachctl logs --pipeline NAME --master`"),
    ),
    (
        "wait flush",
        Say("`spoutctl put` ends when its commits are finished; `spoutctl tail REPO` follows those of others"),
    ),
    (
        "consume",
        Say("`spoutctl tail REPO -- CMD ARG…` hands each new commit to a command"),
    ),
    (
        "prune compact",
        Say("`spoutctl squash REPO --older-than 7d` shortens a long history"),
    ),
    (
        "delete rm remove",
        Say("spoutctl deletes no repo, no commit and no file by a command of its own; `pachctl delete` does"),
    ),
    (
        "edit",
        Say("`spoutctl create -f SPEC --update` sends a changed spec; `spoutctl validate SPEC` looks at it before"),
    ),
    (
        "fmt format",
        Say("`spoutctl validate --fix FILE…` mends specs, and leaves their form as it is"),
    ),
    (
        "port-forward",
        Say("`pachctl port-forward` does that; --pachd URL names a pachd that can be reached"),
    ),
    (
        "self upgrade self-update install",
        Say("spoutctl does not update itself: a newer release is installed over it (docs/install.md)"),
    ),
    (
        "clean cache",
        Say("spoutctl keeps no cache; a store is its directory, and `spoutctl spool DIR` shows a spool"),
    ),
];

/// pachctl's nouns behind a verb, which go without saying here.
pub const NOUNS: &[(&str, &str)] = &[
    ("get", "file"),
    ("put", "file"),
    ("tail", "commit"),
    ("create", "pipeline"),
    ("validate", "pipeline"),
];

/// pachctl's nouns behind a verb that means something else here.
pub const OTHER_NOUNS: &[(&str, &str, &str)] = &[
    (
        "create",
        "repo",
        "`spoutctl put REPO --create-repo` makes the repo with its first commit; `pachctl create repo` an empty one",
    ),
    (
        "create",
        "branch project secret",
        "`spoutctl create` makes specs, and pipelines of them; `pachctl create` the rest",
    ),
    (
        "squash",
        "commit",
        "`spoutctl squash REPO --older-than 7d` shortens a history; `pachctl squash commit` takes one commit away",
    ),
    (
        "config",
        "get set list update delete import-kube",
        "`spoutctl config` shows what holds; contexts are changed by `pachctl config`",
    ),
];

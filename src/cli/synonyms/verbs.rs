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
    ("watch follow subscribe receive", Words("tail")),
    ("login", Words("auth login")),
    ("logout", Words("auth logout")),
    ("whoami", Words("auth whoami")),
    ("server dev emulator up", Words("serve")),
    ("ping health info", Words("doctor")),
    ("help", Help),
    ("version", Words("--version")),
    ("completion", Words("completions")),
    (
        "push send upload write ingest commit backup produce publish import load add",
        Say("commits are made by `spoutctl put DEST`"),
    ),
    (
        "start finish stop",
        Say(
            "`spoutctl put DEST` begins and finishes each commit by itself; pipelines are started and stopped by \
             `pachctl`",
        ),
    ),
    (
        "cp mv copy",
        Say("`spoutctl get REPO:/PATH -o FILE` copies out of a repo, `spoutctl put DEST` commits into one"),
    ),
    (
        "glob find",
        Say("`spoutctl get --list 'REPO:/GLOB'` lists the files that a glob means"),
    ),
    (
        "fsck verify",
        Say("`spoutctl doctor DEST` looks at what a put needs; `pachctl fsck` at what pachd keeps"),
    ),
    (
        "context contexts env settings",
        Say("`spoutctl config` shows what holds, and where it was set"),
    ),
    (
        "mb mkdir",
        Say("`spoutctl put REPO --create-repo` makes the repo with its first commit; directories come with files"),
    ),
    (
        "drain replay",
        Say("`spoutctl spool DIR --send` commits what a spool holds"),
    ),
    (
        "exec",
        Say("`spoutctl put DEST -- CMD ARG…` runs a consumer and commits what it prints"),
    ),
    (
        "read download pull fetch head",
        Say("`spoutctl get SOURCE` writes a file's bytes"),
    ),
    (
        "restore mount export sync unpack extract untar",
        Say("`spoutctl get REPO -r -o DIR` writes all files of a commit"),
    ),
    (
        "list snapshots history du",
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
        "prune compact forget",
        Say("`spoutctl squash REPO --older-than 7d` shortens a long history"),
    ),
    (
        "delete rm remove",
        Say("spoutctl deletes no repo, pipeline, commit or file by a command of its own; `pachctl delete` does"),
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

/// Verbs behind `auth`.
pub const AUTH_VERBS: &[(&str, VerbMeaning)] = &[
    ("status me", Words("whoami")),
    ("use-auth-token set-token", Words("use-token")),
    (
        "token get-auth-token print-token",
        Say("`spoutctl auth whoami` says where the token is from; it is never printed"),
    ),
    (
        "activate deactivate check get set revoke rotate-root-token",
        Say("who may do what is administered by `pachctl auth`"),
    ),
];

/// Nouns and verbs behind a verb, and what is typed instead; without any, they go without saying here.
pub const NOUNS: &[(&str, &str, &str)] = &[
    ("get", "file", ""),
    ("put", "file", ""),
    ("tail", "commit", ""),
    ("create", "pipeline spout", ""),
    ("validate", "pipeline", ""),
    ("config", "show view", ""),
    ("spool", "ls list show status", ""),
    ("spool", "send drain flush", "--send"),
];

/// What to say of one operand more than a verb has.
pub const TOO_MANY: &[(&str, &str)] = &[
    ("get", "where it goes is said by -o: spoutctl get REPO:/PATH -o FILE"),
    ("tail", "one branch is followed; another one by another `spoutctl tail`"),
    ("squash", "one branch is squashed at a time"),
    ("doctor", "one destination is looked at at a time"),
    ("pack", "messages come from standard input: spoutctl pack … < FILE"),
    ("schema", "--pachyderm 2.12 says for which version"),
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
        "get set list update delete import-kube get-contexts current-context use-context edit path init unset",
        "`spoutctl config` shows what holds, and the files that it was read from; contexts are changed by \
         `pachctl config`",
    ),
];

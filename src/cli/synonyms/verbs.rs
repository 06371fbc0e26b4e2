//! Verbs that others have, and what they mean here.

/// What a verb means that is none.
pub enum VerbMeaning {
    Words(&'static [&'static str]),
    /// `create --update -f`.
    Apply,
    /// The help of the verb that follows.
    Help,
    Say(&'static str),
}

pub const VERBS: &[(&[&str], VerbMeaning)] = &[
    (&["lint", "check"], VerbMeaning::Words(&["validate"])),
    (&["rule", "rules"], VerbMeaning::Words(&["explain"])),
    (&["new", "init"], VerbMeaning::Words(&["create"])),
    (&["apply", "update"], VerbMeaning::Apply),
    (&["ls"], VerbMeaning::Words(&["get", "--list"])),
    (&["cat"], VerbMeaning::Words(&["get"])),
    (&["watch", "follow", "subscribe"], VerbMeaning::Words(&["tail"])),
    (&["login"], VerbMeaning::Words(&["auth", "login"])),
    (&["logout"], VerbMeaning::Words(&["auth", "logout"])),
    (&["whoami"], VerbMeaning::Words(&["auth", "whoami"])),
    (&["use-auth-token"], VerbMeaning::Words(&["use-token"])),
    (&["help"], VerbMeaning::Help),
    (&["version"], VerbMeaning::Words(&["--version"])),
    (&["completion"], VerbMeaning::Words(&["completions"])),
    (
        &[
            "push", "send", "upload", "write", "ingest", "commit", "backup", "produce",
        ],
        VerbMeaning::Say("commits are made by `spoutctl put DEST`"),
    ),
    (
        &["start", "finish"],
        VerbMeaning::Say("`spoutctl put DEST` begins and finishes each commit by itself"),
    ),
    (
        &["exec"],
        VerbMeaning::Say("`spoutctl put DEST -- CMD ARG…` runs a consumer and commits what it prints"),
    ),
    (
        &["read", "download", "pull", "fetch"],
        VerbMeaning::Say("`spoutctl get SOURCE` writes a file's bytes"),
    ),
    (
        &["restore", "mount", "export", "copy", "sync"],
        VerbMeaning::Say("`spoutctl get REPO -r -o DIR` writes all files of a commit"),
    ),
    (
        &["list", "snapshots", "history"],
        VerbMeaning::Say(
            "`spoutctl tail REPO --from earliest -e` lists commits, `spoutctl get --list REPO` files, \
             `pachctl list repo` repos",
        ),
    ),
    (
        &["inspect", "stat", "show", "describe"],
        VerbMeaning::Say(
            "`spoutctl tail REPO -e -n 1 --files` shows the newest commit, `spoutctl get --list REPO` its files",
        ),
    ),
    (
        &["diff"],
        VerbMeaning::Say("`spoutctl tail REPO --files` lists what each commit changed"),
    ),
    (
        &["status"],
        VerbMeaning::Say("`spoutctl doctor DEST` looks at pachd, `spoutctl spool DIR` at a spool"),
    ),
    (
        &["logs", "log"],
        VerbMeaning::Say(
            "`spoutctl tail REPO` lists commits; a spout's log is `pachctl logs --pipeline NAME --master`",
        ),
    ),
    (
        &["wait", "flush"],
        VerbMeaning::Say(
            "`spoutctl put` ends when its commits are finished; `spoutctl tail REPO` follows those of others",
        ),
    ),
    (
        &["consume"],
        VerbMeaning::Say("`spoutctl tail REPO -- CMD ARG…` hands each new commit to a command"),
    ),
    (
        &["prune", "compact"],
        VerbMeaning::Say("`spoutctl squash REPO --older-than 7d` shortens a long history"),
    ),
    (
        &["delete", "rm", "remove"],
        VerbMeaning::Say(
            "spoutctl deletes no repo, no commit and no file by a command of its own; `pachctl delete` does",
        ),
    ),
    (
        &["edit"],
        VerbMeaning::Say(
            "`spoutctl create -f SPEC --update` sends a changed spec; `spoutctl validate SPEC` looks at it before",
        ),
    ),
    (
        &["fmt", "format"],
        VerbMeaning::Say("`spoutctl validate --fix FILE…` mends specs, and leaves their form as it is"),
    ),
    (
        &["port-forward"],
        VerbMeaning::Say("`pachctl port-forward` does that; --pachd URL names a pachd that can be reached"),
    ),
    (
        &["self", "upgrade", "self-update", "install"],
        VerbMeaning::Say("spoutctl does not update itself: a newer release is installed over it (docs/install.md)"),
    ),
    (
        &["clean", "cache"],
        VerbMeaning::Say("spoutctl keeps no cache; a store is its directory, and `spoutctl spool DIR` shows a spool"),
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
pub const OTHER_NOUNS: &[(&str, &[&str], &str)] = &[
    (
        "create",
        &["repo"],
        "`spoutctl put REPO --create-repo` makes the repo with its first commit; `pachctl create repo` an empty one",
    ),
    (
        "create",
        &["branch", "project", "secret"],
        "`spoutctl create` makes specs, and pipelines of them; `pachctl create` the rest",
    ),
    (
        "squash",
        &["commit"],
        "`spoutctl squash REPO --older-than 7d` shortens a history; `pachctl squash commit` takes one commit away",
    ),
    (
        "config",
        &["get", "set", "list", "update", "delete", "import-kube"],
        "`spoutctl config` shows what holds; contexts are changed by `pachctl config`",
    ),
];

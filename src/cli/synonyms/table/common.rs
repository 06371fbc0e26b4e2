//! What people type for many verbs: where pachd is, as whom, and how things are written.

use crate::cli::synonyms::meaning::{Meaning, Part, Synonym, WITH_JSON, WITH_NAME, WITH_PACHD, output_format, row};

pub(super) const ROWS: &[Synonym] = &[
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
        Meaning::Say("--cacert FILE trusts a server's own certificate"),
    ),
    row(
        "serve",
        "--token --auth-token --password",
        Meaning::Say("--token-file FILE: every user of the machine can read arguments"),
    ),
    row(
        "",
        "--token --auth-token --password",
        Meaning::Say("--token-file FILE, or the variable PACH_TOKEN: every user of the machine can read arguments"),
    ),
    row(WITH_NAME, "--branch -b", Meaning::Part(Part::Branch)),
    row(WITH_NAME, "--project", Meaning::Part(Part::Project)),
    row("put get tail", "--prefix --path", Meaning::Part(Part::Prefix)),
    row(
        WITH_NAME,
        "--repo --dest",
        Meaning::Say("the repo is the first word: spoutctl put REPO, spoutctl get REPO:/PATH"),
    ),
    row(WITH_JSON, "-o --output --output-format", Meaning::Value(output_format)),
    row(
        "put doctor config spool squash whoami serve",
        "--format",
        Meaning::Value(output_format),
    ),
    row(
        "tail doctor config spool squash whoami serve",
        "--ndjson --jsonl",
        Meaning::Flags("--json"),
    ),
    row("", "--debug --trace", Meaning::Flags("--verbose")),
    row("", "--silent", Meaning::Flags("--quiet")),
    row(
        "tail validate doctor",
        "--no-color --no-colour",
        Meaning::Flags("--color never"),
    ),
    row("tail validate doctor", "--colour", Meaning::Option("--color")),
    row(
        "put tail",
        "--retries --max-retries --retry-count --attempts --max-attempts",
        Meaning::Say("it is tried for a time, not so often: --retry-for 10m (0: once)"),
    ),
    row(
        "put run tail spool",
        "--log-level --loglevel",
        Meaning::Say("-v says more, -vv each call, and --quiet nothing but errors"),
    ),
    row(
        "put get tail spool squash doctor",
        "--config --env-file",
        Meaning::Say(
            "settings stand in spoutctl.toml or in variables; `spoutctl config` shows what holds (docs/settings.md)",
        ),
    ),
];

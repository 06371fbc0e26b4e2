//! What people type for `create`, `validate`, `serve`, `doctor` and `config`.

use crate::cli::synonyms::meaning::{Meaning, Synonym, row, words};

pub(super) const ROWS: &[Synonym] = &[
    row(
        "validate",
        "--address --pachd-address --url --endpoint",
        Meaning::Option("--pachd"),
    ),
    row("serve", "--port -p", Meaning::Value(port)),
    row("serve", "--address --addr --bind", Meaning::Option("--listen")),
    row("serve", "--dir --data-dir --data", Meaning::File),
    row("serve", "--spout --pipeline", Meaning::Option("--as-spout")),
    row("validate", "-o --output --output-format", Meaning::Value(report_format)),
    row(
        "doctor",
        "--fix --repair",
        Meaning::Say("doctor looks, and says what to do: nothing is changed by looking"),
    ),
    row("validate", "--strict", Meaning::Flags("--max-warnings 0")),
    row("validate", "--autofix --auto-fix", Meaning::Flags("--fix")),
    row("validate", "--disable --skip", Meaning::Option("--ignore")),
    row("validate", "--rule", Meaning::Option("--select")),
    row(
        "validate",
        "--enable",
        Meaning::Say("all rules hold as it is; --select RULE applies that one only"),
    ),
    row(
        "validate create",
        "--target-version --pachyderm-version",
        Meaning::Option("--pachyderm"),
    ),
    row(
        "validate",
        "--exclude",
        Meaning::Say("`.gitignore` leaves files out; `[[validate.suppress]]` in spoutctl.toml leaves findings out"),
    ),
    row(
        "create",
        "--name",
        Meaning::Say("the name is the first word: spoutctl create NAME"),
    ),
    row("create", "--yes -y --non-interactive", Meaning::Flags("--no-input")),
    row(
        "create",
        "--overwrite",
        Meaning::Say("--force replaces files that are there; --update pipelines"),
    ),
    row("create", "-i", Meaning::Option("--image")),
    row("create", "-t", Meaning::Option("--template")),
    row("create", "--stdout", Meaning::Flags("--output -")),
    row("create", "--yaml", Meaning::Flags("--format yaml")),
    row("create", "--jsonnet", Meaning::Option("--file")),
    row("create", "--arg", Meaning::Option("--jsonnet-arg")),
    row(
        "create",
        "--dir --output-dir --out-dir",
        Meaning::Say("--with-code DIR writes the spec and the code into a directory, --output FILE the spec alone"),
    ),
    row(
        "create",
        "--repo",
        Meaning::Say("a spout writes to the repo of its own name: spoutctl create NAME"),
    ),
    row(
        "create",
        "--lang --language --runtime --list-templates --templates",
        Meaning::Say("--template says what is read; `spoutctl create --help` lists the templates"),
    ),
    row(
        "create",
        "--push-images --build -r --registry -u --username",
        Meaning::Say("images are built and pushed by docker or podman; the spec names one"),
    ),
    row(
        "create",
        "--kubernetes --replicas --parallelism --shards --instances",
        Meaning::Say("--template kafka --spouts N --topic-partitions COUNT writes the specs of N spouts of one topic"),
    ),
    row("config", "--list --show-origin --origin", Meaning::Flags("")),
    row("schema", "--json", Meaning::Flags("")),
    row("completions", "--shell -s", Meaning::File),
];

fn report_format(value: &str) -> Result<Vec<String>, String> {
    Ok(words(&["--format", if value == "text" { "concise" } else { value }]))
}

fn port(value: &str) -> Result<Vec<String>, String> {
    Ok(words(&["--listen", &format!("127.0.0.1:{value}")]))
}

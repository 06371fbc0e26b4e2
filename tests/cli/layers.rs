//! The architecture, held by reading the `use` lines.

use std::fs;
use std::path::{Path, PathBuf};

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if !is_test(&path) {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

/// Whether a file is there for tests only.
fn is_test(path: &Path) -> bool {
    matches!(
        path.file_stem().and_then(|stem| stem.to_str()),
        Some("tests" | "samples" | "properties")
    ) || path.parent().is_some_and(|parent| parent.ends_with("tests"))
}

/// The module of the first level that a file belongs to.
fn module(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// What a file's code uses, tests left out.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn each_layer_uses_only_what_is_below_it() {
    const WORDS: &[&str] = &[
        "pfs",
        "release",
        "fault",
        "fields",
        "glob",
        "quantity",
        "exit",
        "source",
        "diagnostic",
    ];
    const DOMAIN: &[&str] = &[
        "archive",
        "delivery",
        "following",
        "history",
        "messages",
        "retrieval",
        "spec",
        "lint",
        "scaffold",
        "pipelines",
        "examination",
    ];
    const TO_PACHD: &[&str] = &["connection", "pachd"];
    const ADAPTERS: &[&str] = &["store", "terminal", "report", "metrics", "jsonnet", "lsp"];
    for (file, text) in sources() {
        let module = module(&file);
        let allowed: Vec<&str> = match module {
            _ if WORDS.contains(&module) => WORDS.to_vec(),
            _ if DOMAIN.contains(&module) => [WORDS, DOMAIN].concat(),
            // Where pachd is and who we are are said in a connection's words.
            "settings" => [WORDS, DOMAIN, &["connection", "settings"]].concat(),
            _ if ADAPTERS.contains(&module) => [WORDS, DOMAIN, &[module]].concat(),
            // Both doors of pachd have a connection's needs and pachd's words in common.
            "gateway" => [WORDS, DOMAIN, TO_PACHD, &["gateway"]].concat(),
            "grpc" => [WORDS, DOMAIN, TO_PACHD, &["grpc", "protobuf"]].concat(),
            "connection" => [WORDS, &["connection"]].concat(),
            "pachd" => WORDS.to_vec(),
            // The one adapter over another: pachd's API over the embedded store.
            "serve" => [WORDS, DOMAIN, &["protobuf", "serve", "store"]].concat(),
            "protobuf" => [WORDS, &["protobuf"]].concat(),
            "cli" => [WORDS, DOMAIN].concat(),
            _ => continue,
        };
        for line in code(&text) {
            for used in line.split("crate::").skip(1) {
                let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                let is_module = !used.is_empty() && used.chars().all(|c| c.is_lowercase() || c == '_');
                assert!(
                    !is_module || allowed.contains(&used),
                    "{file} uses crate::{used}: {line}"
                );
            }
        }
    }
}

#[test]
fn each_outside_crate_is_used_in_one_place() {
    const PLACES: &[(&str, &[&str])] = &[
        ("annotate_snippets", &["report"]),
        ("anyhow", &["commands", "failure"]),
        ("backon", &["delivery", "commands"]),
        ("clap", &["cli", "lib"]),
        ("csv_core", &["messages"]),
        ("flate2", &["archive"]),
        ("dialoguer", &["terminal"]),
        ("globset", &["commands"]),
        ("granit_parser", &["spec"]),
        ("headers", &["serve"]),
        ("hdrhistogram", &["commands"]),
        ("hyper", &["connection", "grpc", "metrics", "serve"]),
        ("ignore", &["commands"]),
        ("indicatif", &["terminal"]),
        ("lsp_server", &["commands", "lsp"]),
        ("lsp_types", &["lsp"]),
        ("prometheus_client", &["metrics"]),
        ("prost", &["grpc", "protobuf", "serve"]),
        ("regex", &["glob"]),
        ("reqwest", &["gateway"]),
        ("rusqlite", &["store"]),
        ("rsjsonnet_lang", &["jsonnet"]),
        ("rustix", &["commands", "jsonnet"]),
        ("rustls", &["connection", "gateway", "grpc"]),
        ("shell_words", &["scaffold"]),
        ("signal_hook", &["commands"]),
        ("similar", &["commands"]),
        ("strsim", &["lint", "settings"]),
        ("tar", &["archive", "store"]),
        ("terminal_size", &["terminal"]),
        ("textwrap", &["commands"]),
        ("tokio", &["connection", "gateway", "grpc", "metrics", "serve"]),
        ("tokio_rustls", &["grpc"]),
        ("tokio_io_timeout", &["serve"]),
        ("tonic", &["grpc"]),
        ("toml", &["settings"]),
        ("zstd", &["archive"]),
    ];
    for (file, text) in sources() {
        for (name, places) in PLACES {
            if places.contains(&module(&file)) {
                continue;
            }
            for line in code(&text) {
                let uses =
                    line.trim_start().starts_with(&format!("use {name}::")) || line.contains(&format!(" {name}::"));
                assert!(!uses, "{file} uses {name}: {line}");
            }
        }
    }
}

#[test]
fn the_domain_reads_no_environment_and_no_standard_stream() {
    for (file, text) in sources() {
        if ![
            "archive",
            "delivery",
            "following",
            "history",
            "messages",
            "retrieval",
            "spec",
            "lint",
            "scaffold",
            "pipelines",
        ]
        .contains(&module(&file))
        {
            continue;
        }
        for line in code(&text) {
            for forbidden in ["std::env", "env::var", "io::stdin", "io::stdout", "io::stderr"] {
                assert!(!line.contains(forbidden), "{file}: {line}");
            }
        }
    }
}

#[test]
fn no_file_is_left_unfinished() {
    for (file, text) in sources() {
        for word in ["TODO", "FIXME", "XXX", "todo!", "unimplemented!"] {
            assert!(!text.contains(word), "{file} has {word}");
        }
    }
}

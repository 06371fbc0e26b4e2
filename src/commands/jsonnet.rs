//! Templates of Jsonnet: evaluated in a process of their own, and handed to the linter as what comes of them.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::validate::files::Input;
use crate::cli::EVALUATE_JSONNET;
use crate::failure::Failure;
use crate::jsonnet::{self, Request};
use spoutctl_core::exit::Exit;
use spoutctl_lint::source::SourceFile;
use spoutctl_lint::template::{Failed, Template};

/// Whether a file of that name is a template.
pub(super) fn is_template(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("jsonnet"))
}

/// What comes of a template that is given these arguments.
pub(super) fn evaluate(input: &Input, file: &SourceFile, arguments: &[(String, String)]) -> Result<Template, Failed> {
    let directory = input.path.as_deref().and_then(Path::parent).map(|directory| {
        if directory.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            directory.to_owned()
        }
    });
    let request = Request {
        name: input.name.clone(),
        text: file.text().to_owned(),
        arguments: arguments.to_vec(),
        // In a directory one argument may be for some templates only.
        is_lenient: !input.is_named,
        directory,
    };
    jsonnet::outcome(jsonnet::evaluate(&request, EVALUATE_JSONNET))
}

/// # Errors
/// When arguments are given and there is no template that would take them.
pub(super) fn refuse_arguments(arguments: &[(String, String)], inputs: &[Input]) -> Result<(), Failure> {
    if arguments.is_empty() || inputs.iter().any(|input| is_template(&input.name)) {
        return Ok(());
    }
    let failure = Failure::new(
        Exit::Usage,
        "--jsonnet-arg is given, and there is no template to take it",
    );
    Err(failure.help("a template's name ends in .jsonnet; --stdin-name says so of standard input"))
}

/// Whether this process is one that another of this program has started to evaluate a template.
pub fn is_meant(args: &[OsString]) -> bool {
    matches!(args, [_, verb] if verb == EVALUATE_JSONNET)
}

/// Evaluates the template that standard input asks for, under bounds. Whoever asked sees by the exit code that there is
/// no answer.
pub fn run() -> Exit {
    match jsonnet::serve(io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Usage,
    }
}

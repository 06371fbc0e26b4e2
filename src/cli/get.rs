//! What can be typed about `get`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::connection::ServerArgs;
use super::examples;
use super::output::VerbosityArgs;
use spoutctl_core::pfs::Source;

/// Read back: a file's bytes, a directory, or what a commit holds
///
/// A branch means its newest commit that is finished without an error. Behind a branch or a commit, ^ is its parent and
/// ^3 its third ancestor; behind a branch, .1 is its first commit. With a glob for a path, the files that it means come
/// one after the other. Exit code 1: there is no such file, branch or commit yet.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::GET))]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
pub struct GetArgs {
    /// What to read: [project/]repo[@branch-or-commit]:/path-or-glob; with --tar, -r and --list the path may be left
    /// out
    #[arg(value_name = "SOURCE")]
    pub source: Source,

    /// Write the files of a directory, or those that a glob means, into the directory of --output
    ///
    /// It appears whole, or not at all; one that is there has to be empty.
    #[arg(short, long, requires = "output", conflicts_with_all = ["tar", "list"])]
    pub recursive: bool,

    /// Write to this file, or with -r to this directory: it appears whole, or not at all; `-` is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub output: Option<PathBuf>,

    /// Write a directory, or the whole commit, as one tar archive
    #[arg(long)]
    pub tar: bool,

    /// List the files, with their sizes, instead of writing their bytes
    #[arg(long, conflicts_with_all = ["tar", "output"])]
    pub list: bool,

    /// Turn the percent-encoding of `put --escape-paths` back in the archive's names
    #[arg(long, requires = "tar")]
    pub unescape_paths: bool,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub server: ServerArgs,
}

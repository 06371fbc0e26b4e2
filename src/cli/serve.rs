//! What can be typed about `serve`.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::examples;
use super::output::VerbosityArgs;
use super::values::{parse_duration, parse_period};
use crate::settings::of_store;
use spoutctl_core::pfs::{Destination, InvalidName, Repo};
use spoutctl_core::release::Release;

/// Serve the embedded store in DIR as pachd would, through gRPC and HTTP: spouts without a cluster
///
/// Prints its address on standard output once it answers, and a line on standard error for each request. Any program
/// that speaks to pachd can be pointed at it: `spoutctl put`, pachctl, an SDK, curl, a spout. A browser shows there
/// what is in the store. SIGTERM and Ctrl-C end it: what
/// was acknowledged is on disk, and what was being carried out gets ten seconds.
#[derive(Debug, Args)]
#[command(after_help = examples::help(examples::SERVE))]
pub struct ServeArgs {
    /// The directory of the store; one that is empty or missing becomes a store
    ///
    /// The same directory can be used with --pachd local:DIR at the same time.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, value_parser = parse_store)]
    pub directory: PathBuf,

    /// The address to listen at: HOST:PORT; port 0 picks a free one
    ///
    /// Beyond this machine only with --token-file, or with --no-auth.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1659")]
    pub listen: String,

    /// Answer only requests that carry a token of this file, as pachd with auth does
    ///
    /// The file holds one token, whose owner may do everything; or, readable by its owner alone, lines of PRINCIPAL
    /// TOKEN [ROLES] [EXPIRY], such as `robot:ci s3cr3t repoWriter@default/events,projectViewer 2027-01-31T00:00:00Z`.
    /// A role is for the cluster, for a project (ROLE@PROJECT) or for a repo. Clients of ours take their token from
    /// PACH_TOKEN.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,

    /// Play the sidecar of this spout, [project/]NAME: what its own code talks to in its pod
    ///
    /// It speaks gRPC only, and its repo is there. Printed is the environment that the spout's code gets in a pod, to
    /// run it with: `env $(cat env) ./my-spout.sh`. With CMD pachd itself is served as well, and CMD is run as a worker
    /// does.
    #[arg(long, value_name = "NAME", value_parser = parse_spout)]
    pub as_spout: Option<Repo>,

    /// Run this command as the worker of the release runs the code of the spout that --as-spout names
    ///
    /// With the environment of its pod, and what `pachctl stop pipeline`, `start`, `update` and `delete` do to it: it
    /// is killed without a signal before, and started again in a new pod. After exit code 0 it is never started again,
    /// after another one after a while. A pipeline that is not there is made. What it prints goes to standard error,
    /// behind the spout's name.
    #[arg(last = true, value_name = "CMD", value_hint = ValueHint::CommandWithArguments, requires = "as_spout")]
    pub command: Vec<OsString>,

    /// How long it takes until CMD runs again, after a failure or in a new pod
    ///
    /// 10 to 17 s in a cluster, and 8 to 16 s in a new pod.
    #[arg(long, value_name = "DURATION", default_value = "12s", value_parser = parse_duration, requires = "command")]
    pub restart_after: Duration,

    /// Kill CMD whenever it has run for so long, as a pod's end does: without a signal before
    #[arg(long, value_name = "DURATION", value_parser = parse_period, requires = "command")]
    pub kill_after: Option<Duration>,

    /// Answer as the pachd of this release does, such as 2.3, to try a spout against the cluster that it is for
    ///
    /// 1.12, 1.13, 2.0, 2.3, 2.5, 2.6, 2.7, 2.8, 2.10 or 2.12: its calls, words, codes and messages. Before 2.8 there
    /// is no HTTP gateway, so it speaks gRPC only; 1.x is played without tokens. A request that would do harm to that
    /// pachd is refused, and says so.
    #[arg(long, value_name = "RELEASE", default_value = "2.12")]
    pub pachyderm: Release,

    /// Let anybody who can reach the address read and write everything
    #[arg(long, conflicts_with = "token_file")]
    pub no_auth: bool,

    /// Also answer requests that are sent to this name of this machine
    ///
    /// Without it only localhost, numeric addresses and the name in --listen are answered: a page in a browser could
    /// reach the store by a name of its own.
    #[arg(long = "host", value_name = "NAME", value_parser = parse_host)]
    pub hosts: Vec<String>,

    /// Write the line of each request as a JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,
}

/// A name of this machine; what `--host` is elsewhere is `--listen` here.
fn parse_host(text: &str) -> Result<String, String> {
    match text.parse::<IpAddr>() {
        Ok(_) => Err(format!(
            "this is a name, and numeric addresses are answered anyway; --listen {text}:1658 says where it listens"
        )),
        Err(_) => Ok(text.to_owned()),
    }
}

/// The directory of a store, also where it is written as an address.
fn parse_store(text: &str) -> Result<PathBuf, String> {
    match of_store(text).unwrap_or(text) {
        "" => Err("name a directory".to_owned()),
        directory => Ok(directory.into()),
    }
}

/// A spout's name is that of its repo.
fn parse_spout(text: &str) -> Result<Repo, String> {
    let named: Destination = text.parse().map_err(|error: InvalidName| error.to_string())?;
    if text.contains(['@', ':']) {
        return Err("a spout is [project/]NAME alone".to_owned());
    }
    Ok(named.branch.repo)
}

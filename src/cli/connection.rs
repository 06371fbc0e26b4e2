//! How pachd is reached: what every verb that asks it has.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Where pachd is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where pachd is")]
pub struct ServerArgs {
    /// grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR
    ///
    /// The store to talk to: pachd's gRPC (every pachd since 1.12), its HTTP gateway (2.8 and newer), or an embedded
    /// store in a directory, which needs no server.
    ///
    /// Where nothing is given here: in a pipeline's pod its sidecar; else PACHD_ADDRESS; else the active context of
    /// pachctl's configuration (PACH_CONFIG, /pachctl/config.json, ~/.pachyderm/config.json; PACH_CONTEXT). A token is
    /// taken from --token-file, PACH_TOKEN, or the context, whose token goes to its own address alone; it cannot be
    /// given as an argument, where every user of the machine could read it.
    #[arg(long, value_name = "URL", env = "SPOUTCTL_PACHD", hide_env_values = true)]
    pub pachd: Option<String>,

    /// Use this context of pachctl's configuration, whatever PACHD_ADDRESS says
    ///
    /// Its address, token, certificates and project. With --pachd, all of these but the address.
    #[arg(long, value_name = "NAME", env = "SPOUTCTL_CONTEXT", hide_env_values = true)]
    pub context: Option<String>,

    /// Take the token from this file, as a secret is mounted
    #[arg(
        long,
        value_name = "FILE",
        env = "SPOUTCTL_TOKEN_FILE",
        hide_env_values = true,
        value_hint = ValueHint::FilePath,
    )]
    pub token_file: Option<PathBuf>,

    /// Trust the certificates in this PEM file instead of the system's: authorities, or the server's very own
    #[arg(long, value_name = "FILE", env = "SPOUTCTL_CACERT", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub cacert: Option<PathBuf>,

    /// Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything
    #[arg(long)]
    pub insecure: bool,
}

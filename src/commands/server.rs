//! Opens the store that the user named.

use std::path::Path;
use std::sync::Arc;

use crate::cli::{ServerArgs, VoiceArgs};
use crate::delivery::CommitSink;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::following::CommitFeed;
use crate::gateway::{Gateway, GatewayError, GatewayOptions, Token};
use crate::grpc::{self, Grpc, GrpcError, GrpcOptions};
use crate::retrieval::FileSource;
use crate::settings::{self, Address, Pod};
use crate::store::{Store, StoreError};
use crate::terminal::{Terminal, Voice};

impl VoiceArgs {
    pub(super) fn voice(&self) -> Voice {
        match (self.quiet, self.verbose) {
            (true, _) => Voice::Quiet,
            (_, true) => Voice::Verbose,
            _ => Voice::Normal,
        }
    }
}

/// The store to write to; `local:` directories are made where they are missing.
pub(super) fn sink(args: &ServerArgs, terminal: &Terminal) -> Result<Arc<dyn CommitSink>, Failure> {
    Ok(match address(args)? {
        Address::Gateway(address) => Arc::new(gateway(&address, terminal)?),
        Address::Grpc(address) => Arc::new(grpc(&address, terminal)?),
        Address::Sidecar(pod) => Arc::new(sidecar(&pod)?),
        Address::Local(directory) => Arc::new(Store::open(&directory).map_err(|error| store_failure(&error))?),
    })
}

/// The store that a dry run looks at. Where `local:` names none yet, an empty one in `scratch` stands for it, so that
/// nothing is made where it would be.
pub(super) fn sink_for_dry_run(
    args: &ServerArgs,
    terminal: &Terminal,
    scratch: &Path,
) -> Result<Arc<dyn CommitSink>, Failure> {
    let Address::Local(directory) = address(args)? else {
        return sink(args, terminal);
    };
    let is_empty = directory.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    let opened = if is_empty || !directory.exists() {
        Store::open(scratch)
    } else {
        Store::open_existing(&directory)
    };
    Ok(Arc::new(opened.map_err(|error| store_failure(&error))?))
}

/// The store to read from.
pub(super) fn source(args: &ServerArgs, terminal: &Terminal) -> Result<Box<dyn FileSource + Send + Sync>, Failure> {
    Ok(match address(args)? {
        Address::Gateway(address) => Box::new(gateway(&address, terminal)?),
        Address::Grpc(address) => Box::new(grpc(&address, terminal)?),
        Address::Sidecar(pod) => Box::new(sidecar(&pod)?),
        Address::Local(directory) => Box::new(Store::open_existing(&directory).map_err(|error| store_failure(&error))?),
    })
}

/// A store whose branches are followed and whose commits are read.
pub(super) trait Followable: CommitFeed + FileSource + Send + Sync {}

impl<T: CommitFeed + FileSource + Send + Sync> Followable for T {}

/// The store to follow a branch of.
pub(super) fn feed(args: &ServerArgs, terminal: &Terminal) -> Result<Arc<dyn Followable>, Failure> {
    Ok(match address(args)? {
        Address::Gateway(address) => Arc::new(gateway(&address, terminal)?),
        Address::Grpc(address) => Arc::new(grpc(&address, terminal)?),
        Address::Sidecar(pod) => Arc::new(sidecar(&pod)?),
        Address::Local(directory) => Arc::new(Store::open_existing(&directory).map_err(|error| store_failure(&error))?),
    })
}

pub(super) fn address(args: &ServerArgs) -> Result<Address, Failure> {
    Address::find(args.pachd.as_deref())
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()).help(error.help()))
}

pub(super) fn gateway(address: &str, terminal: &Terminal) -> Result<Gateway, Failure> {
    let mut options = GatewayOptions::new(address.parse().map_err(|error| usage(&error))?);
    options.token = token(false)?;
    let gateway = Gateway::new(options).map_err(|error| usage(&error))?;
    if gateway.sends_token_in_clear() {
        terminal.warning("PACH_TOKEN goes over plain http to another machine, where anybody on the way can read it");
    }
    Ok(gateway)
}

pub(super) fn grpc(address: &str, terminal: &Terminal) -> Result<Grpc, Failure> {
    let mut options = GrpcOptions::new(address.parse().map_err(|error| grpc_usage(&error))?);
    options.token = token(false)?;
    let grpc = Grpc::new(options).map_err(|error| grpc_usage(&error))?;
    if grpc.sends_token_in_clear() {
        terminal.warning("PACH_TOKEN goes without TLS to another machine, where anybody on the way can read it");
    }
    Ok(grpc)
}

pub(super) fn sidecar(pod: &Pod) -> Result<Grpc, Failure> {
    let mut options = GrpcOptions::new(grpc::Address::local(pod.port));
    options.token = token(true)?;
    Grpc::new(options).map_err(|error| grpc_usage(&error))
}

fn token(in_a_pod: bool) -> Result<Option<Token>, Failure> {
    let token = settings::token(in_a_pod).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    token
        .map(|token| Token::new(&token))
        .transpose()
        .map_err(|error| usage(&error.into()))
}

fn usage(error: &GatewayError) -> Failure {
    Failure {
        help: error.help().into_iter().collect(),
        ..Failure::new(Exit::Usage, error.to_string())
    }
}

fn grpc_usage(error: &GrpcError) -> Failure {
    Failure {
        help: error.help().into_iter().collect(),
        ..Failure::new(Exit::Usage, error.to_string())
    }
}

pub(super) fn store_failure(error: &StoreError) -> Failure {
    let exit = match error {
        // As a server without the repo would say: there is nothing to read.
        StoreError::NotAStore { .. } => Exit::Refused,
        StoreError::NotEmpty { .. } => Exit::Usage,
        StoreError::Busy { .. } => Exit::Unavailable,
        _ => Exit::Input,
    };
    Failure {
        details: error.details(),
        help: error.help().into_iter().collect(),
        ..Failure::new(exit, error.to_string())
    }
}

//! Opens the store that the user named.

mod denied;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::{ServerArgs, VoiceArgs};
use crate::failure::Failure;
use crate::settings::{Address, Asked, Pod, SearchError, Server, Surroundings};
use crate::terminal::{Terminal, Voice};
use pachyderm_client::connection::tls::Trust;
use pachyderm_client::connection::token::Token;
use pachyderm_client::gateway::{Gateway, GatewayError, GatewayOptions};
use pachyderm_client::grpc::{self, Grpc, GrpcError, GrpcOptions};
use pachyderm_client::pachd::{Expected, Identity, Login};
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::Fault;
use spoutctl_core::pipelines::Pipelines;
use spoutctl_delivery::CommitSink;
use spoutctl_delivery::following::CommitFeed;
use spoutctl_delivery::retrieval::FileSource;
use spoutctl_store::{Store, StoreError};

pub(super) use denied::advise;

impl VoiceArgs {
    pub(super) fn voice(&self) -> Voice {
        match (self.quiet, self.verbose) {
            (true, _) => Voice::Quiet,
            (_, true) => Voice::Verbose,
            _ => Voice::Normal,
        }
    }
}

impl ServerArgs {
    /// A variable that is set to nothing says nothing.
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            pachd: self.pachd.as_deref().filter(|text| !text.is_empty()),
            context: self.context.as_deref().filter(|name| !name.is_empty()),
            token_file: self.token_file.as_deref().filter(|path| !path.as_os_str().is_empty()),
            cacert: self.cacert.as_deref().filter(|path| !path.as_os_str().is_empty()),
            insecure: self.insecure,
        }
    }
}

/// Where pachd is and who we are.
pub(super) fn find(args: &ServerArgs) -> Result<Server, Failure> {
    Server::find(&args.asked(), &Surroundings::ours()).map_err(|error| search_failure(&error))
}

pub(super) fn search_failure(error: &SearchError) -> Failure {
    Failure {
        details: error.details(),
        help: error.help().into_iter().collect(),
        ..Failure::new(Exit::Usage, error.to_string())
    }
}

/// The store to write to; `local:` directories are made where they are missing.
pub(super) fn sink(server: &Server, terminal: &Terminal) -> Result<Arc<dyn CommitSink>, Failure> {
    Ok(match &server.address {
        Address::Gateway(address) => Arc::new(gateway(server, address, terminal)?),
        Address::Grpc(address) => Arc::new(grpc(server, address, terminal)?),
        Address::Sidecar(pod) => Arc::new(sidecar(server, pod)?),
        Address::Local(directory) => {
            let store = Store::open(directory).map_err(|error| store_failure(&error))?;
            tell_closed(&store, directory, terminal);
            Arc::new(store)
        }
    })
}

fn existing(directory: &Path, terminal: &Terminal) -> Result<Store, Failure> {
    let store = Store::open_existing(directory).map_err(|error| store_failure(&error))?;
    tell_closed(&store, directory, terminal);
    Ok(store)
}

/// Says that others could read the store.
pub(super) fn tell_closed(store: &Store, directory: &Path, terminal: &Terminal) {
    if store.was_open_to_others() {
        terminal.note(&format!(
            "others could read the store {} until now; it is its owner's alone from here on",
            directory.display()
        ));
    }
}

/// The address of the same port by the other door, if pachd answers there. No token is sent.
pub(super) fn other_door(server: &Server, limit: Duration) -> Option<Address> {
    let address = server.address.other_door()?;
    let other = Server {
        address: address.clone(),
        token: None,
        context: None,
        ..server.clone()
    };
    let pachd = pachd_within(&other, limit).ok()??;
    pachd.version().ok().map(|_| address)
}

/// The store that a dry run looks at. Where `local:` names none yet, an empty one in `scratch` stands for it, so that
/// nothing is made where it would be.
pub(super) fn sink_for_dry_run(
    server: &Server,
    terminal: &Terminal,
    scratch: &Path,
) -> Result<Arc<dyn CommitSink>, Failure> {
    let Address::Local(directory) = &server.address else {
        return sink(server, terminal);
    };
    let is_empty = directory.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    let opened = if is_empty || !directory.exists() {
        Store::open(scratch)
    } else {
        Store::open_existing(directory)
    };
    Ok(Arc::new(opened.map_err(|error| store_failure(&error))?))
}

/// The store to read from.
pub(super) fn source(server: &Server, terminal: &Terminal) -> Result<Box<dyn FileSource + Send + Sync>, Failure> {
    Ok(match &server.address {
        Address::Gateway(address) => Box::new(gateway(server, address, terminal)?),
        Address::Grpc(address) => Box::new(grpc(server, address, terminal)?),
        Address::Sidecar(pod) => Box::new(sidecar(server, pod)?),
        Address::Local(directory) => Box::new(existing(directory, terminal)?),
    })
}

/// pachd itself, through either of its doors, for what is no work on files.
pub(super) enum Pachd {
    Gateway(Gateway),
    Grpc(Grpc),
}

impl Pachd {
    pub fn version(&self) -> Result<String, Fault> {
        match self {
            Self::Gateway(pachd) => pachd.probe(),
            Self::Grpc(pachd) => pachd.version(),
        }
    }

    pub fn sink(&self) -> &dyn CommitSink {
        match self {
            Self::Gateway(pachd) => pachd,
            Self::Grpc(pachd) => pachd,
        }
    }

    pub fn pipelines(&self) -> &dyn Pipelines {
        match self {
            Self::Gateway(pachd) => pachd,
            Self::Grpc(pachd) => pachd,
        }
    }

    pub fn who_am_i(&self) -> Result<Identity, Fault> {
        match self {
            Self::Gateway(pachd) => pachd.who_am_i(),
            Self::Grpc(pachd) => pachd.who_am_i(),
        }
    }

    pub fn oidc_login(&self) -> Result<Login, Fault> {
        match self {
            Self::Gateway(pachd) => pachd.oidc_login(),
            Self::Grpc(pachd) => pachd.oidc_login(),
        }
    }

    pub fn authenticate(&self, login: &Login, within: Duration) -> Result<Option<Token>, Fault> {
        match self {
            Self::Gateway(pachd) => pachd.authenticate(login, within),
            Self::Grpc(pachd) => pachd.authenticate(login, within),
        }
    }
}

/// `None` where a store in a directory is meant.
pub(super) fn pachd(server: &Server, terminal: &Terminal) -> Result<Option<Pachd>, Failure> {
    Ok(Some(match &server.address {
        Address::Gateway(address) => Pachd::Gateway(gateway(server, address, terminal)?),
        Address::Grpc(address) => Pachd::Grpc(grpc(server, address, terminal)?),
        Address::Sidecar(pod) => Pachd::Grpc(sidecar(server, pod)?),
        Address::Local(_) => return Ok(None),
    }))
}

/// The same for somebody who waits no longer than this for an answer, and says himself what is worth knowing.
pub(super) fn pachd_within(server: &Server, limit: Duration) -> Result<Option<Pachd>, Failure> {
    let hurried = |mut options: GrpcOptions| {
        options.times.call = limit;
        options.times.connect = limit;
        Grpc::new(options).map_err(|error| grpc_usage(&error))
    };
    Ok(Some(match &server.address {
        Address::Gateway(address) => {
            let mut options = gateway_options(server, address)?;
            options.call_timeout = limit;
            options.connect_timeout = limit;
            Pachd::Gateway(Gateway::new(options).map_err(|error| usage(&error))?)
        }
        Address::Grpc(address) => Pachd::Grpc(hurried(grpc_options(server, address)?)?),
        Address::Sidecar(pod) => Pachd::Grpc(hurried(sidecar_options(server, pod))?),
        Address::Local(_) => return Ok(None),
    }))
}

/// A store whose branches are followed and whose commits are read.
pub(super) trait Followable: CommitFeed + FileSource + Send + Sync {}

impl<T: CommitFeed + FileSource + Send + Sync> Followable for T {}

/// The store to follow a branch of.
pub(super) fn feed(server: &Server, terminal: &Terminal) -> Result<Arc<dyn Followable>, Failure> {
    Ok(match &server.address {
        Address::Gateway(address) => Arc::new(gateway(server, address, terminal)?),
        Address::Grpc(address) => Arc::new(grpc(server, address, terminal)?),
        Address::Sidecar(pod) => Arc::new(sidecar(server, pod)?),
        Address::Local(directory) => Arc::new(existing(directory, terminal)?),
    })
}

pub(super) fn gateway(server: &Server, address: &str, terminal: &Terminal) -> Result<Gateway, Failure> {
    let gateway = Gateway::new(gateway_options(server, address)?).map_err(|error| usage(&error))?;
    warn(server, gateway.sends_token_in_clear(), terminal);
    Ok(gateway)
}

fn gateway_options(server: &Server, address: &str) -> Result<GatewayOptions, Failure> {
    let mut options = GatewayOptions::new(address.parse().map_err(|error| usage(&error))?);
    options.token = server.token.as_ref().map(|(token, _)| token.clone());
    options.trust = server.trust.clone();
    options.proxy.clone_from(&server.proxy);
    options.expected = expected(server);
    Ok(options)
}

pub(super) fn grpc(server: &Server, address: &str, terminal: &Terminal) -> Result<Grpc, Failure> {
    let grpc = Grpc::new(grpc_options(server, address)?).map_err(|error| grpc_usage(&error))?;
    warn(server, grpc.sends_token_in_clear(), terminal);
    Ok(grpc)
}

fn grpc_options(server: &Server, address: &str) -> Result<GrpcOptions, Failure> {
    let mut options = GrpcOptions::new(address.parse().map_err(|error| grpc_usage(&error))?);
    options.token = server.token.as_ref().map(|(token, _)| token.clone());
    options.trust = server.trust.clone();
    options.proxy.clone_from(&server.proxy);
    options.expected = expected(server);
    Ok(options)
}

pub(super) fn sidecar(server: &Server, pod: &Pod) -> Result<Grpc, Failure> {
    Grpc::new(sidecar_options(server, pod)).map_err(|error| grpc_usage(&error))
}

fn sidecar_options(server: &Server, pod: &Pod) -> GrpcOptions {
    let mut options = GrpcOptions::new(grpc::Address::local(pod.port));
    options.token = server.token.as_ref().map(|(token, _)| token.clone());
    options
}

fn expected(server: &Server) -> Option<Expected> {
    let (deployment, context) = server.deployment()?;
    Some(Expected {
        deployment: deployment.to_owned(),
        context: context.to_owned(),
    })
}

/// What is worth knowing about a connection before anything goes over it.
fn warn(server: &Server, token_in_clear: bool, terminal: &Terminal) {
    for warning in &server.warnings {
        terminal.warning(warning);
    }
    if server.trust == Trust::Anybody {
        // Also with --quiet: whoever reads a log has to see it.
        terminal.error_line(&format!(
            "warning: --insecure: whoever answers at {} is taken for pachd, and can read and change everything, the token \
             included",
            server.address
        ));
    }
    if let (true, Some((_, from))) = (token_in_clear, &server.token) {
        terminal.warning(&format!(
            "the token of {from} goes without TLS to another machine, where anybody on the way can read it"
        ));
    }
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

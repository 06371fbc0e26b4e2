//! Opens the store that the user named.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::{ServerArgs, VerbosityArgs};
use crate::failure::Failure;
use crate::settings::{Address, SearchError, Server, ServerFlags, Surroundings};
use crate::terminal::{Terminal, Verbosity};
use pachyderm_client::connection::tls::Trust;
use pachyderm_client::pachd::{Expected, Followable};
use pachyderm_client::transport::Times;
use pachyderm_client::{self as client, CallObserver, OpenError, Options, Pachd, grpc};
use spoutctl_core::exit::Exit;
use spoutctl_core::listing::Listing;
use spoutctl_delivery::CommitSink;
use spoutctl_store::{Store, StoreError};

use super::calls::Saying;

impl VerbosityArgs {
    pub(super) fn level(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, 0) => Verbosity::Normal,
            (_, 1) => Verbosity::Verbose,
            _ => Verbosity::EachCall,
        }
    }
}

impl ServerArgs {
    /// A variable that is set to nothing says nothing.
    pub(super) fn asked(&self) -> ServerFlags<'_> {
        ServerFlags {
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
    Ok(match place(server, terminal)? {
        Place::Pachd(pachd) => pachd,
        Place::Directory(directory) => {
            let store = Store::open(directory).map_err(|error| store_failure(&error))?;
            tell_closed(&store, directory, terminal);
            Arc::new(store)
        }
    })
}

/// The same where nothing is to be made.
pub(super) fn existing_sink(server: &Server, terminal: &Terminal) -> Result<Arc<dyn CommitSink>, Failure> {
    Ok(match place(server, terminal)? {
        Place::Pachd(pachd) => pachd,
        Place::Directory(directory) => Arc::new(existing(directory, terminal)?),
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
    let pachd = pachd_within(&other, limit, None).ok()??;
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

/// The store to read from, and to follow a branch of.
pub(super) fn feed(server: &Server, terminal: &Terminal) -> Result<Arc<dyn Followable>, Failure> {
    Ok(match place(server, terminal)? {
        Place::Pachd(pachd) => pachd,
        Place::Directory(directory) => Arc::new(existing(directory, terminal)?),
    })
}

/// `None` where a store in a directory is meant.
pub(super) fn pachd(server: &Server, terminal: &Terminal) -> Result<Option<Arc<dyn Pachd>>, Failure> {
    Ok(match place(server, terminal)? {
        Place::Pachd(pachd) => Some(pachd),
        Place::Directory(_) => None,
    })
}

/// The same for somebody who waits no longer than this for an answer, and says himself what is worth knowing.
pub(super) fn pachd_within(
    server: &Server,
    limit: Duration,
    calls: Option<Saying>,
) -> Result<Option<Arc<dyn Pachd>>, Failure> {
    let times = Times {
        call: limit,
        connect: limit,
        ..Times::default()
    };
    Ok(match open(server, times, calls)? {
        Place::Pachd(pachd) => Some(pachd),
        Place::Directory(_) => None,
    })
}

/// What lists names for somebody who is typing: `None` where it would not be safe or is not there. Nothing is made.
pub(super) fn listing_within(server: &Server, limit: Duration) -> Option<Arc<dyn Listing>> {
    let times = Times {
        call: limit,
        connect: limit,
        idle: limit,
    };
    match open(server, times, None).ok()? {
        Place::Pachd(pachd) if pachd.sends_token_in_clear() => None,
        Place::Pachd(pachd) => Some(pachd),
        Place::Directory(directory) => Some(Arc::new(Store::open_unchanged(directory)?)),
    }
}

/// What an address leads to.
enum Place<'a> {
    Pachd(Arc<dyn Pachd>),
    Directory(&'a Path),
}

/// Says what is worth knowing about a connection before anything goes over it.
fn place<'a>(server: &'a Server, terminal: &Terminal) -> Result<Place<'a>, Failure> {
    let place = open(server, Times::default(), Saying::where_wanted(terminal))?;
    if let Place::Pachd(pachd) = &place
        && !matches!(server.address, Address::Sidecar(_))
    {
        warn(server, pachd.sends_token_in_clear(), terminal);
    }
    Ok(place)
}

/// Nothing is sent before the first call.
fn open(server: &Server, times: Times, saying: Option<Saying>) -> Result<Place<'_>, Failure> {
    let address = match &server.address {
        Address::Gateway(address) => address.parse().map(client::Address::Gateway),
        Address::Grpc(address) => address.parse().map(client::Address::Grpc),
        Address::Sidecar(pod) => Ok(client::Address::Grpc(grpc::Address::local(pod.port))),
        Address::Local(directory) => return Ok(Place::Directory(directory)),
    };
    let mut options = Options::new(address.map_err(|error| usage(&error))?);
    options.times = times;
    options.observer = saying.map(|saying| Arc::new(saying) as Arc<dyn CallObserver>);
    options.token = server.token.as_ref().map(|(token, _)| token.clone());
    // Who is in our own pod is who is meant, and nobody stands between.
    if !matches!(server.address, Address::Sidecar(_)) {
        options.trust = server.trust.clone();
        options.proxy.clone_from(&server.proxy);
        options.expected = expected(server);
    }
    client::open(options).map(Place::Pachd).map_err(|error| usage(&error))
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
            "warning: --insecure: whoever answers at {} is taken for pachd, and can read and change everything, the \
             token included",
            server.address
        ));
    }
    if let (true, Some((_, from))) = (token_in_clear, &server.token) {
        terminal.warning(&format!(
            "the token of {from} goes without TLS to another machine, where anybody on the way can read it"
        ));
    }
}

pub(super) fn usage(error: &OpenError) -> Failure {
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

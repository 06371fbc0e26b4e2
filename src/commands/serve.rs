//! `spoutctl serve`: the embedded store behind pachd's API.
//!
//! With `--as-spout` it is a spout's sidecar; with a command besides it is both pachd and the sidecar, a port each, and
//! a [`worker`] runs the command.

mod container;
mod log;
mod pod;
mod worker;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use crossbeam_channel::{bounded, select};

use self::log::Log;
use self::pod::Pod;
use self::worker::{Timing, Worker};
use crate::cli::ServeArgs;
use crate::commands::interrupts::Interrupts;
use crate::commands::server::{store_failure, tell_closed};
use crate::failure::Failure;
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::FaultKind;
use spoutctl_core::named_file;
use spoutctl_core::pfs::{DEFAULT_PROJECT, Repo};
use spoutctl_core::release::Release;
use spoutctl_delivery::CommitSink as _;
use spoutctl_store::serve::Service;
use spoutctl_store::serve::access::{Access, InvalidAccess};
use spoutctl_store::serve::http::{Observer, Options, Server};
use spoutctl_store::{Dialect, Store};

/// Runs the verb. A signal that asks for the end is no failure: this is how a server ends.
///
/// # Errors
/// When the store cannot be opened, or the address not be listened at; when the command cannot be run.
pub fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    let terminal = Arc::new(Terminal::new(args.verbosity.level()));
    let access = args.token_file.as_deref().map(read_access).transpose()?;
    let (address, name) = listening_address(&args.listen)?;
    if !address.ip().is_loopback() && access.is_none() && !args.no_auth {
        return Err(Failure::new(
            Exit::Usage,
            format!("{address} can be reached from other machines, and nothing says who may"),
        )
        .help("give --token-file FILE, or say --no-auth: then everybody may read and write everything"));
    }
    let dialect = dialect_of(args.pachyderm)?;
    if access.is_some() && !dialect.has_roles() {
        let text = format!(
            "what tokens may do is not played for Pachyderm {}",
            minor(args.pachyderm)
        );
        return Err(Failure::new(Exit::Usage, text).help("leave out --token-file, or give another --pachyderm"));
    }
    let without_project = |spout: &&Repo| spout.project.as_str() != DEFAULT_PROJECT && !dialect.has_projects();
    if let Some(spout) = args.as_spout.as_ref().filter(without_project) {
        let text = format!(
            "Pachyderm {} has no projects: there is no spout {spout}",
            minor(args.pachyderm)
        );
        return Err(Failure::new(Exit::Usage, text).help(format!("--as-spout {}", spout.name)));
    }
    let store = Store::open(&args.directory).map_err(|error| store_failure(&error))?;
    tell_closed(&store, &args.directory, &terminal);
    let stage = Stage {
        args,
        dialect,
        access,
        address,
        names: args.hosts.iter().cloned().chain(name).collect(),
        log: Arc::new(Log {
            terminal: Arc::clone(&terminal),
            json: args.json,
        }),
        terminal,
    };
    let store = store.as_pachd(dialect);
    let actors = match &args.as_spout {
        Some(spout) if !args.command.is_empty() => stage.pachd_and_worker(store, spout)?,
        Some(spout) => stage.sidecar(store, spout)?,
        None => stage.pachd(store)?,
    };
    perform(actors, &stage.terminal)
}

/// What all that is played has in common.
struct Stage<'a> {
    args: &'a ServeArgs,
    dialect: Dialect,
    access: Option<Access>,
    address: SocketAddr,
    names: Vec<String>,
    log: Arc<Log>,
    terminal: Arc<Terminal>,
}

/// Who works until the end, and what is said when all of them are there.
struct Actors {
    servers: Vec<Server>,
    worker: Option<Worker>,
    ways_in: String,
    said: Option<String>,
}

impl Stage<'_> {
    fn pachd(&self, store: Store) -> Result<Actors, Failure> {
        let service = Service::new(store).context("cannot start a thread")?;
        let server = self.bind(Arc::new(self.guarded(service)), self.address, false)?;
        Ok(Actors {
            ways_in: ways_in(self.dialect, server.address()),
            servers: vec![server],
            worker: None,
            said: None,
        })
    }

    fn sidecar(&self, store: Store, spout: &Repo) -> Result<Actors, Failure> {
        make_repo(&store, spout)?;
        let service = Service::of_sidecar(store).context("cannot start a thread")?;
        let server = self.bind(Arc::new(self.guarded(service)), self.address, true)?;
        let variables = pod::minimal(spout, self.dialect, server.address().port());
        Ok(Actors {
            ways_in: variables
                .iter()
                .map(|(name, value)| format!("{name}={value}\n"))
                .collect(),
            servers: vec![server],
            worker: None,
            said: None,
        })
    }

    fn pachd_and_worker(&self, store: Store, spout: &Repo) -> Result<Actors, Failure> {
        make_repo(&store, spout)?;
        let service = Service::new(store).context("cannot start a thread")?;
        let service = Arc::new(self.guarded(service).running(spout.clone()));
        let program = self.args.command.first().map(|program| program.to_string_lossy());
        let program = program.unwrap_or_default();
        let made = service.make_spout(spout, &program);
        made.map_err(|status| {
            Failure::new(Exit::Refused, format!("{spout} is not there as a spout")).detail(status.message)
        })?;
        let store = Store::open_existing(&self.args.directory).map_err(|error| store_failure(&error))?;
        let sidecar =
            Service::sidecar_beside(&service, store.as_pachd(self.dialect)).context("cannot start a thread")?;
        let server = self.bind(Arc::clone(&service), self.address, false)?;
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let sidecar = self.bind(Arc::new(self.guarded(sidecar)), loopback, true)?;
        let said = format!(
            "{program} is run as the code of {spout} by Pachyderm {}; its sidecar is at grpc://{}",
            minor(self.args.pachyderm),
            sidecar.address()
        );
        let pod = Pod::new(
            spout.clone(),
            self.dialect,
            server.address(),
            sidecar.address(),
            &self.args.directory,
        );
        let timing = Timing {
            restart_after: self.args.restart_after,
            kill_after: self.args.kill_after,
        };
        let lines = self.log.lines_of(spout);
        let command = self.args.command.clone();
        Ok(Actors {
            ways_in: ways_in(self.dialect, server.address()),
            servers: vec![server, sidecar],
            worker: Some(Worker::new(
                service,
                Arc::clone(&self.terminal),
                pod,
                command,
                timing,
                lines,
            )),
            said: Some(said),
        })
    }

    fn guarded(&self, service: Service) -> Service {
        match &self.access {
            Some(access) => service.with_access(access.clone()),
            None => service,
        }
    }

    fn bind(&self, service: Arc<Service>, address: SocketAddr, is_sidecar: bool) -> Result<Server, Failure> {
        let options = Options {
            names: self.names.clone(),
            is_sidecar,
            ..Options::default()
        };
        let log = Arc::clone(&self.log) as Arc<dyn Observer>;
        Server::bind(service, address, options, log).map_err(|error| cannot_listen("--listen", address, &error))
    }
}

/// Lets everybody work until the end, or until one of them fails.
fn perform(actors: Actors, terminal: &Arc<Terminal>) -> Result<Exit, Failure> {
    let stops: Vec<_> = actors.servers.iter().map(Server::stop_handle).collect();
    let worker = actors.worker.as_ref().map(Worker::ender);
    let stopping = Arc::clone(terminal);
    let interrupts = Interrupts::listen(Duration::ZERO, move |_| {
        // First its code, which could not make anything of servers that are going.
        if let Some(worker) = &worker {
            worker.end();
        }
        for stop in &stops {
            stop.stop();
        }
        stopping.note("ending: what is being carried out gets ten seconds; a second signal ends at once");
    })?;
    // In one piece: whoever waits for the first line and then closes the pipe loses nothing.
    terminal.whole_result(actors.ways_in.as_bytes());
    if let Some(said) = &actors.said {
        terminal.status(said);
    }
    let count = actors.servers.len() + usize::from(actors.worker.is_some());
    let (done, ended) = bounded(count);
    for server in actors.servers {
        let done = done.clone();
        // Nobody listens any more only after a second signal, or a failure.
        std::thread::spawn(move || {
            let result = server.run().context("cannot go on answering requests");
            let _ = done.send(result.map_err(Failure::from));
        });
    }
    if let Some(worker) = actors.worker {
        let done = done.clone();
        std::thread::spawn(move || {
            let _ = done.send(worker.run());
        });
    }
    drop(done);
    for _ in 0..count {
        select! {
            recv(ended) -> result => result.map_err(|_| Failure::panicked())??,
            recv(interrupts.leave) -> _ => return Ok(interrupts.signal().map_or(Exit::Unavailable, Exit::Signal)),
        }
    }
    Ok(Exit::Done)
}

/// The pachd that is to be played.
fn dialect_of(release: Release) -> Result<Dialect, Failure> {
    Dialect::of(release).ok_or_else(|| {
        let known = Dialect::known().join(", ");
        Failure::new(
            Exit::Usage,
            format!("nobody has recorded what a pachd {release} answers"),
        )
        .help(format!("give --pachyderm one of {known}"))
    })
}

/// As its users name it.
fn minor(release: Release) -> String {
    format!("{}.{}", release.major, release.minor)
}

/// A port that is taken is free later, or another one is: what to type, and what a script may try again.
pub(super) fn cannot_listen(option: &str, address: SocketAddr, error: &io::Error) -> Failure {
    let said = |exit| Failure::new(exit, format!("cannot listen at {address}")).detail(error.to_string());
    match error.kind() {
        io::ErrorKind::AddrInUse => said(Exit::Unavailable).help(format!(
            "somebody else listens there; {option} {} picks a free port",
            SocketAddr::new(address.ip(), 0)
        )),
        io::ErrorKind::PermissionDenied => {
            said(Exit::Usage).help("ports below 1024 are not for everybody: choose one above")
        }
        io::ErrorKind::AddrNotAvailable => said(Exit::Usage).help("this machine has no such address"),
        _ => said(Exit::Usage),
    }
}

/// The repo that a spout has from the moment of its creation.
fn make_repo(store: &Store, spout: &Repo) -> Result<(), Failure> {
    match store.create_repo(spout) {
        Err(fault) if fault.kind != FaultKind::AlreadyExists => {
            Err(Failure::new(Exit::Input, format!("repo {spout} cannot be made")).detail(fault.to_string()))
        }
        _ => Ok(()),
    }
}

/// Where it can be reached, a line each: as addresses for `--pachd`.
fn ways_in(dialect: Dialect, address: SocketAddr) -> String {
    if dialect.has_gateway() {
        format!("http://{address}\ngrpc://{address}\n")
    } else {
        format!("grpc://{address}\n")
    }
}

/// The address, and the name that it was given by.
pub(super) fn listening_address(text: &str) -> Result<(SocketAddr, Option<String>), Failure> {
    if let Ok(address) = text.parse() {
        return Ok((address, None));
    }
    let wrong = |why: String| {
        Failure::new(
            Exit::Usage,
            format!("`{}` is no address to listen at", text.escape_debug()),
        )
        .detail(why)
        .help("write HOST:PORT, such as 127.0.0.1:1659; port 0 picks a free one")
    };
    let mut found = text.to_socket_addrs().map_err(|error| wrong(error.to_string()))?;
    let address = found
        .next()
        .ok_or_else(|| wrong("the name has no address".to_owned()))?;
    let name = text.rsplit_once(':').map(|(name, _)| name.to_owned());
    Ok((address, name))
}

/// A line is some hundred bytes.
const LONGEST_ACCESS: u64 = 1 << 20;

/// Who may come in. Several tokens are a secret of whoever serves them alone, so others must not be able to read them.
fn read_access(path: &Path) -> Result<Access, Failure> {
    let text = named_file::read_or_pipe(path, LONGEST_ACCESS)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| io::Error::other("it is no text")))
        .with_context(|| format!("cannot read the token in {}", path.display()))?;
    let access = Access::parse(&text).map_err(|error| match error {
        InvalidAccess::Empty => Failure::new(Exit::Usage, format!("{} holds no token", path.display()))
            .help("make one: head -c 32 /dev/urandom | base64 > FILE"),
        error @ InvalidAccess::Line { .. } => Failure::new(Exit::Usage, format!("{}, {error}", path.display()))
            .help("a line is a token, or: PRINCIPAL TOKEN [ROLE[@PROJECT[/REPO]],…] [EXPIRY]"),
    })?;
    if access.names_somebody() {
        refuse_readable(path)?;
    }
    Ok(access)
}

/// The last six bits of its mode are those of its group and of others.
#[cfg(unix)]
fn refuse_readable(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = path
        .metadata()
        .with_context(|| format!("cannot read {}", path.display()))?;
    if metadata.permissions().mode().trailing_zeros() >= 6 {
        return Ok(());
    }
    Err(
        Failure::new(Exit::Usage, format!("others can read the tokens in {}", path.display()))
            .help(format!("chmod 600 {}", path.display())),
    )
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn refuse_readable(_: &Path) -> Result<(), Failure> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_a_name() {
        let (address, name) = listening_address("localhost:1").unwrap();
        assert!(address.ip().is_loopback());
        assert_eq!(name.as_deref(), Some("localhost"));
        assert!(listening_address("nonsense").is_err());
    }
}

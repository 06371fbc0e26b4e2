//! `spoutctl serve`: the embedded store behind pachd's HTTP API.

use std::fmt::Write as _;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use crossbeam_channel::{bounded, select};
use jiff::Timestamp;

use crate::cli::ServeArgs;
use crate::commands::interrupts::Interrupts;
use crate::commands::server::{store_failure, tell_closed};
use crate::failure::Failure;
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::{FaultKind, printable};
use spoutctl_core::named_file;
use spoutctl_core::pfs::Repo;
use spoutctl_core::quantity::{Size, elapsed};
use spoutctl_core::release::Release;
use spoutctl_delivery::CommitSink as _;
use spoutctl_store::serve::Service;
use spoutctl_store::serve::access::{Access, InvalidAccess};
use spoutctl_store::serve::http::{Answered, Observer, Options, Server};
use spoutctl_store::{Dialect, Store};

/// Runs the verb. A signal that asks for the end is no failure: this is how a server ends.
///
/// # Errors
/// When the store cannot be opened, or the address not be listened at.
pub fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    let terminal = Arc::new(Terminal::new(args.voice.voice()));
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
    let store = Store::open(&args.directory).map_err(|error| store_failure(&error))?;
    tell_closed(&store, &args.directory, &terminal);
    let store = store.as_pachd(dialect);
    if let Some(spout) = &args.as_spout {
        make_repo(&store, spout)?;
    }
    let service = if args.as_spout.is_some() {
        Service::of_sidecar(store)
    } else {
        Service::new(store)
    };
    let service = service.context("cannot start a thread")?;
    let service = Arc::new(match access {
        Some(access) => service.with_access(access),
        None => service,
    });
    let options = Options {
        names: args.hosts.iter().cloned().chain(name).collect(),
        is_sidecar: args.as_spout.is_some(),
        ..Options::default()
    };
    let log = Arc::new(Log {
        terminal: Arc::clone(&terminal),
        json: args.json,
    });
    let server =
        Server::bind(service, address, options, log).map_err(|error| cannot_listen("--listen", address, &error))?;
    let stop = server.stop_handle();
    let stopping = Arc::clone(&terminal);
    let interrupts = Interrupts::listen(Duration::ZERO, move |_| {
        stop.stop();
        stopping.note("ending: what is being carried out gets ten seconds; a second signal ends at once");
    })?;
    // In one piece: whoever waits for the first line and then closes the pipe loses nothing.
    terminal.whole_result(ways_in(args.as_spout.as_ref(), dialect, server.address()).as_bytes());
    let (done, ended) = bounded(1);
    std::thread::spawn(move || {
        // Nobody listens any more only after a second signal.
        let _ = done.send(server.run());
    });
    select! {
        recv(ended) -> result => match result {
            Ok(result) => {
                result.context("cannot go on answering requests")?;
                Ok(Exit::Done)
            }
            Err(_) => Err(Failure::new(Exit::Input, "a part of spoutctl has panicked: this is a fault of spoutctl itself")),
        },
        recv(interrupts.leave) -> _ => Ok(interrupts.signal().map_or(Exit::Unavailable, Exit::Signal)),
    }
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

/// Where it can be reached, a line each: as addresses for `--pachd`, or as the environment of a spout.
fn ways_in(spout: Option<&Repo>, dialect: Dialect, address: SocketAddr) -> String {
    match spout {
        None if !dialect.has_gateway() => format!("grpc://{address}\n"),
        None => format!("http://{address}\ngrpc://{address}\n"),
        Some(spout) => {
            let lines = environment(spout, address.port()).map(|(name, value)| format!("{name}={value}\n"));
            lines.concat()
        }
    }
}

/// What pachd sets in the container of a spout's own code.
fn environment(spout: &Repo, port: u16) -> [(&'static str, String); 4] {
    [
        ("PACH_IN_WORKER", "true".to_owned()),
        ("PEER_PORT", port.to_string()),
        ("PPS_PIPELINE_NAME", spout.name.to_string()),
        ("PPS_PROJECT_NAME", spout.project.to_string()),
    ]
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

/// A line a request on standard error.
struct Log {
    terminal: Arc<Terminal>,
    json: bool,
}

impl Observer for Log {
    fn answered(&self, request: &Answered) {
        let line = if self.json { json_line(request) } else { line(request) };
        self.terminal.status(&line);
    }
}

fn line(request: &Answered) -> String {
    let mut line = printable(&request.method);
    for (sign, text) in [(" ", &request.repo), ("@", &request.commit)] {
        if let Some(text) = text {
            let sign = if request.repo.is_none() { " " } else { sign };
            let _ = write!(line, "{sign}{}", printable(text));
        }
    }
    match request.status {
        // The client went before there was one.
        0 => line.push_str("   no answer"),
        status => {
            let _ = write!(line, "   {status}");
        }
    }
    let _ = write!(line, "   {} in, {} out", Size(request.received), Size(request.sent));
    let _ = if request.took < Duration::from_secs(1) {
        write!(line, "   {} ms", request.took.as_millis())
    } else {
        write!(line, "   {}", elapsed(request.took))
    };
    if let Some(error) = &request.error {
        let _ = write!(line, "   {}", printable(error).replace('\n', "; "));
    }
    line
}

fn json_line(request: &Answered) -> String {
    serde_json::json!({
        "time": Timestamp::now(),
        "method": request.method,
        "repo": request.repo,
        "commit": request.commit,
        "status": request.status,
        "error": request.error,
        "bytesIn": request.received,
        "bytesOut": request.sent,
        "milliseconds": u64::try_from(request.took.as_millis()).unwrap_or(u64::MAX),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered() -> Answered {
        Answered {
            method: "StartCommit".to_owned(),
            repo: Some("default/events".to_owned()),
            commit: Some("master".to_owned()),
            status: 500,
            error: Some("a\u{1b}[31m\nb".to_owned()),
            received: 120,
            sent: 2_000,
            took: Duration::from_millis(7),
        }
    }

    #[test]
    fn a_request_is_one_line_without_control_characters() {
        let text = line(&answered());
        assert!(text.starts_with("StartCommit default/events@master   500   "), "{text}");
        assert!(text.contains("7 ms") && !text.chars().any(char::is_control), "{text}");
        let json = json_line(&answered());
        assert!(!json.contains('\n'), "{json}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&read["status"], &read["bytesIn"]), (&500.into(), &120.into()));
    }

    #[test]
    fn an_address_may_be_a_name() {
        let (address, name) = listening_address("localhost:1").unwrap();
        assert!(address.ip().is_loopback());
        assert_eq!(name.as_deref(), Some("localhost"));
        assert!(listening_address("nonsense").is_err());
    }
}

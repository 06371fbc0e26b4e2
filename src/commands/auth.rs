//! `spoutctl auth`: who we are to pachd, and where the token for it is kept.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::{AuthArgs, AuthVerb, LoginArgs, LogoutArgs, ServerArgs, UseTokenArgs, WhoamiArgs};
use crate::commands::denied::advise;
use crate::commands::printing::print;
use crate::commands::server;
use crate::failure::Failure;
use crate::settings::contexts::{ContextError, Contexts, Kept};
use crate::settings::{Address, Origin, SearchError, Server, ServerFlags, Surroundings};
use crate::terminal::Terminal;
use pachyderm_client::Pachd;
use pachyderm_client::connection::token::Token;
use pachyderm_client::pachd::Identity;
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::{Fault, FaultKind, printable};

/// Runs the verb.
///
/// # Errors
/// When pachd does not know us, cannot be asked, or the configuration cannot be written.
pub fn run(args: &AuthArgs) -> Result<Exit, Failure> {
    match &args.verb {
        AuthVerb::Login(args) => login(args),
        AuthVerb::UseToken(args) => use_token(args),
        AuthVerb::Whoami(args) => whoami(args),
        AuthVerb::Logout(args) => logout(args),
    }
}

fn login(args: &LoginArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.verbosity.level());
    let keeping = Keeping::find(&args.server)?;
    let pachd = keeping.open(None, &terminal)?;
    let asked = pachd.oidc_login();
    let login = asked.map_err(|fault| {
        let is_open = pachd.who_am_i().is_err_and(|fault| fault.kind == FaultKind::Refused);
        let help = if is_open { NO_TOKEN } else { ROBOT };
        failure("nobody can log in there", fault).help(help)
    })?;
    // Also with --quiet: without it nothing can go on.
    terminal.error_line(&format!("log in at\n  {}", printable(&login.url)));
    if !args.no_browser && std::io::stderr().is_terminal() {
        open_browser(&login.url);
    }
    let waited = pachd.authenticate(&login, args.timeout);
    let token = waited.map_err(|fault| failure("the log-in was not taken", fault))?;
    let Some(token) = token else {
        let text = format!("nobody has logged in within {} s", args.timeout.as_secs());
        return Err(Failure::new(Exit::Unavailable, text).help("run it again: the address is good for one log-in"));
    };
    keeping.keep(&token, &terminal)
}

const NO_TOKEN: &str = "nobody is asked for a token there, so nobody has to log in: auth is not activated";
const ROBOT: &str = "a robot's token does without: pachctl auth get-robot-token NAME -q | spoutctl auth use-token";

fn use_token(args: &UseTokenArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.verbosity.level());
    let keeping = Keeping::find(&args.server)?;
    let read = terminal.secret("token");
    let text = read.map_err(|error| Failure::new(Exit::Input, format!("the token cannot be read: {error}")))?;
    let token = Token::new(text.trim()).map_err(|error| {
        Failure::new(Exit::Usage, error.to_string())
            .help("pachctl auth get-robot-token NAME -q | spoutctl auth use-token")
    })?;
    keeping.keep(&token, &terminal)
}

#[derive(Serialize)]
struct Shown<'a> {
    /// Nobody, where auth is not activated.
    name: Option<&'a str>,
    expires: Option<Timestamp>,
    address: String,
    address_from: String,
    token_from: Option<String>,
}

fn whoami(args: &WhoamiArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.verbosity.level());
    let server = server::find(&args.server)?;
    let Some(pachd) = server::pachd(&server, &terminal)? else {
        return Err(knows_nobody());
    };
    let identity = match pachd.who_am_i() {
        Ok(identity) => Some(identity),
        // Where auth is not activated, and in a sidecar.
        Err(fault) if fault.kind == FaultKind::Refused => None,
        Err(fault) => return Err(advise(failure("pachd does not say who we are", fault), &server)),
    };
    let shown = Shown {
        name: identity.as_ref().map(|identity| identity.name.as_str()),
        expires: identity.as_ref().and_then(|identity| identity.expires),
        address: server.address.to_string(),
        address_from: server.address_from.to_string(),
        token_from: server.token.as_ref().map(|(_, from)| from.to_string()),
    };
    if args.json {
        let json = serde_json::to_string(&shown).map_err(|error| Failure::new(Exit::Input, error.to_string()))?;
        return print(&terminal, &json);
    }
    let token = shown.token_from.as_ref();
    let token = token.map_or_else(String::new, |from| format!("\n  by the token of {from}"));
    let text = format!(
        "{}\n  at {} ({}){token}",
        identity.as_ref().map_or_else(
            || "nobody is asked for a token there: auth is not activated".to_owned(),
            told
        ),
        shown.address,
        shown.address_from
    );
    print(&terminal, &text)
}

fn logout(args: &LogoutArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.verbosity.level());
    let path = config_path()?;
    let wrong = |error: ContextError| context_failure(&error);
    let contexts = Contexts::read(&path).map_err(wrong)?;
    let asked = args.context.as_deref().filter(|name| !name.is_empty());
    let named = Surroundings::ours().context_name();
    let context = match asked.or(named.as_deref()) {
        Some(name) => Some(contexts.named(name).map_err(wrong)?),
        None => contexts.active().map_err(wrong)?,
    };
    let Some(context) = context else {
        let text = format!("{} has no active context", path.display());
        return Err(Failure::new(Exit::Usage, text).help("name one with --context"));
    };
    if context.token.is_none() {
        terminal.status(&format!("context `{}` has no token", context.name.escape_debug()));
        return Ok(Exit::Done);
    }
    let kept = Contexts::keep_token(&path, &context.name, None, None).map_err(wrong)?;
    tell_rewritten(kept, &path, &terminal);
    terminal.status(&format!(
        "the token of context `{}` is forgotten; at pachd it stays good until it expires (pachctl auth revoke)",
        context.name.escape_debug()
    ));
    Ok(Exit::Done)
}

/// Where a token is for, and where it is kept.
struct Keeping {
    server: Server,
    path: PathBuf,
    context: String,
    /// Of a context that is not there yet.
    address: Option<String>,
}

impl Keeping {
    fn find(args: &ServerArgs) -> Result<Self, Failure> {
        let asked = args.asked();
        let around = Surroundings::ours();
        let (server, new) = match Server::find(&asked, &around) {
            // A context that is made for this address.
            Err(SearchError::Context(ContextError::Unknown { name, .. })) if asked.pachd.is_some() => {
                let without = ServerFlags { context: None, ..asked };
                (Server::find(&without, &around), Some(name))
            }
            found => (found, None),
        };
        let server = server.map_err(|error| server::search_failure(&error))?;
        if let Address::Local(_) = server.address {
            return Err(knows_nobody());
        }
        if let Address::Sidecar(_) = server.address {
            let text = "in a pod pachd itself keeps the token";
            return Err(
                Failure::new(Exit::Usage, text).help("it is in /pachctl/config.json; PACH_TOKEN is another one")
            );
        }
        match (new, &server.context) {
            (Some(context), _) => Ok(Self {
                address: server.address.for_pachctl(),
                path: config_path()?,
                context,
                server,
            }),
            (None, Some(context)) => Ok(Self {
                path: context.path.clone(),
                context: context.name.clone(),
                address: None,
                server,
            }),
            (None, None) => Err(Failure::new(
                Exit::Usage,
                format!("no context of pachctl's configuration is for {}", server.address),
            )
            .help(format!("--pachd {} --context NAME makes one", server.address))),
        }
    }

    /// The pachd that it is for, to be asked with this token alone.
    fn open(&self, token: Option<Token>, terminal: &Terminal) -> Result<Arc<dyn Pachd>, Failure> {
        let server = Server {
            token: token.map(|token| (token, Origin::Flag("this log-in"))),
            ..self.server.clone()
        };
        server::pachd(&server, terminal)?.ok_or_else(knows_nobody)
    }

    /// Keeps a token that pachd knows.
    fn keep(&self, token: &Token, terminal: &Terminal) -> Result<Exit, Failure> {
        let asked = self.open(Some(token.clone()), terminal)?.who_am_i();
        let identity = asked.map_err(|fault| failure("the token is not kept", fault))?;
        let kept = Contexts::keep_token(&self.path, &self.context, self.address.as_deref(), Some(token));
        let kept = kept.map_err(|error| context_failure(&error))?;
        tell_rewritten(kept, &self.path, terminal);
        terminal.status(&format!(
            "{}; kept in context `{}` of {}",
            told(&identity),
            self.context.escape_debug(),
            self.path.display()
        ));
        if Surroundings::ours().has_token() {
            terminal.warning("PACH_TOKEN is set, and comes before it");
        }
        Ok(Exit::Done)
    }
}

/// pachctl says nothing when it does the same.
fn tell_rewritten(kept: Kept, path: &Path, terminal: &Terminal) {
    if kept == Kept::AsJson {
        terminal.warning(&format!(
            "{} is JSON now, as pachctl writes it; its comments are gone",
            path.display()
        ));
    }
}

/// `robot:ci until 2026-11-22T16:24:12Z`
fn told(identity: &Identity) -> String {
    let name = printable(&identity.name);
    match identity.expires {
        Some(expires) => format!("{name} until {}", expires.strftime("%Y-%m-%dT%H:%M:%SZ")),
        None => name,
    }
}

fn config_path() -> Result<PathBuf, Failure> {
    let missing = || {
        Failure::new(Exit::Usage, "there is no place for pachctl's configuration")
            .help("set HOME, or PACH_CONFIG to a file")
    };
    Surroundings::ours().config_path().ok_or_else(missing)
}

fn knows_nobody() -> Failure {
    Failure::new(Exit::Usage, "a store in a directory knows nobody")
        .help("name a pachd: --pachd URL, or --context NAME")
}

fn context_failure(error: &ContextError) -> Failure {
    let exit = match error {
        ContextError::Unwritable { .. } | ContextError::Unreadable { .. } => Exit::Input,
        ContextError::Wrong { .. } | ContextError::Unknown { .. } => Exit::Usage,
    };
    Failure::new(exit, error.to_string()).help(error.help())
}

fn failure(heading: &str, fault: Fault) -> Failure {
    let exit = if fault.is_passing() {
        Exit::Unavailable
    } else {
        Exit::Refused
    };
    let mut failure = Failure::new(exit, heading).detail(fault.to_string());
    failure.denied = (fault.kind == FaultKind::Denied).then_some(fault.message);
    failure
}

/// Where that fails, the address has been printed. Nothing but a page of the web is opened, whatever pachd says.
fn open_browser(url: &str) {
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return;
    }
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let _ = Command::new(opener)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}

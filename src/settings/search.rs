//! The search: which pachd is meant, who we are there and whom we trust, and where each of these was said.
//!
//! **A context counts where pachd's address is its own.** Its token, its authorities and its project belong to its
//! cluster: an address that somebody else names gets none of them, unless `--context` says so. (pachctl sends the
//! active context's token to whatever `PACHD_ADDRESS` names.)

use std::io;
use std::path::{Path, PathBuf};

use super::address::{Address, AddressError};
use super::contexts::{Context, ContextError, Contexts};
use super::file::FileError;
use super::pod::Pod;
use super::surroundings::{Origin, Surroundings};
use super::user::{self, User};
use pachyderm_client::connection::proxy::{InvalidProxy, Proxy, Traffic};
use pachyderm_client::connection::tls::{Authorities, InvalidAuthorities, Trust};
use pachyderm_client::connection::token::{InvalidToken, Token};
use spoutctl_core::named_file;
use spoutctl_core::pfs::ProjectName;

/// A token is some forty bytes; what is so much longer is another file.
const LONGEST_TOKEN: u64 = 64 << 10;
/// The authorities of a whole system take some 250 KB.
const LONGEST_CERTIFICATES: u64 = 4 << 20;

/// What was said on the command line.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerFlags<'a> {
    pub pachd: Option<&'a str>,
    pub context: Option<&'a str>,
    pub token_file: Option<&'a Path>,
    pub cacert: Option<&'a Path>,
    pub insecure: bool,
}

/// Why the search came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("{from}: {why}")]
    Setting { from: Origin, why: AddressError },
    #[error(transparent)]
    Proxy(#[from] InvalidProxy),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Context(#[from] ContextError),
    #[error("context `{}` in {} has no address", name.escape_debug(), path.display())]
    NoAddress { name: String, path: PathBuf },
    #[error("cannot read {what} in {}: {why}", path.display())]
    Unreadable {
        what: &'static str,
        path: PathBuf,
        why: io::Error,
    },
    #[error("{from}: {why}")]
    Token { from: Origin, why: InvalidToken },
    #[error("{}: {why}", path.display())]
    Authorities { path: PathBuf, why: InvalidAuthorities },
}

impl SearchError {
    /// What exactly.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Address(AddressError::Missing { looked_at }) => looked_at.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// What to do next.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Address(error) | Self::Setting { why: error, .. } => error.help(),
            Self::Proxy(error) => error.help(),
            Self::File(error) => error.help()?.to_owned(),
            Self::Context(error) => error.help(),
            Self::NoAddress { name, .. } => format!(
                "pachctl starts a port-forward for such a context, and spoutctl starts none: run `pachctl \
                 port-forward`, or `pachctl config update context {name} --pachd-address grpc://HOST:PORT`"
            ),
            Self::Token { .. } => "pass the token alone, without quotes and without a newline".to_owned(),
            Self::Authorities { .. } => "name a file with certificates in PEM".to_owned(),
            Self::Unreadable { .. } => return None,
        })
    }
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Server {
    pub address: Address,
    pub address_from: Origin,
    /// The context that counts, if one does.
    pub context: Option<Context>,
    pub token: Option<(Token, Origin)>,
    /// A context that has a token which is not sent, because the address is not its own.
    pub passed_over: Option<Context>,
    pub trust: Trust,
    pub trust_from: Option<Origin>,
    /// Who stands between here and pachd.
    pub proxy: Option<Proxy>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Server {
    /// Whether one connection does for both: the same place, as the same user, by the same trust.
    pub fn is_reached_as(&self, other: &Self) -> bool {
        let token = |server: &Self| server.token.as_ref().map(|(token, _)| token.clone());
        self.address == other.address
            && token(self) == token(other)
            && self.trust == other.trust
            && self.proxy == other.proxy
            && self.deployment() == other.deployment()
    }

    /// What is meant by `asked`, here.
    ///
    /// # Errors
    /// When nothing names a pachd, or what names it cannot be used.
    pub fn find(asked: &ServerFlags<'_>, around: &Surroundings<'_>) -> Result<Self, SearchError> {
        let mut search = Search {
            asked,
            around,
            user: user::load(around)?.unwrap_or_default(),
            warnings: Vec::new(),
        };
        let (address, address_from, contexts) = search.place()?;
        search.forget_user_unless_meant(&address);
        let (context, passed_over) = contexts.split(&address);
        let token = match address {
            Address::Local(_) => None,
            _ => search.token(context.as_ref())?,
        };
        let (trust, trust_from) = search.trust(context.as_ref())?;
        let proxy = search.proxy(&address)?;
        Ok(Self {
            passed_over: passed_over.filter(|context| token.is_none() && context.token.is_some()),
            address,
            address_from,
            context,
            token,
            trust,
            trust_from,
            proxy,
            warnings: search.warnings,
        })
    }

    /// The project of repos that are named without one, where a context says so. In a pod it is `default`: pachd's own
    /// configuration there names none.
    pub fn project(&self) -> Option<&ProjectName> {
        match self.address {
            Address::Sidecar(_) => None,
            _ => self.context.as_ref()?.project.as_ref(),
        }
    }

    /// The deployment that the context's address has to lead to.
    pub fn deployment(&self) -> Option<(&str, &str)> {
        let context = self.context.as_ref()?;
        match self.address {
            Address::Gateway(_) | Address::Grpc(_) => Some((context.deployment.as_deref()?, &context.name)),
            Address::Local(_) | Address::Sidecar(_) => None,
        }
    }
}

/// The contexts that may matter for an address.
enum Candidates {
    /// It is the one, whatever the address.
    This(Context),
    /// It is the one if the address is its own.
    IfSame(Context),
    None,
}

impl Candidates {
    /// The one that counts for `address`, and one that does not.
    fn split(self, address: &Address) -> (Option<Context>, Option<Context>) {
        match self {
            Self::This(context) => (Some(context), None),
            Self::IfSame(context) if context.address.as_ref().is_some_and(|own| own.is_same_place(address)) => {
                (Some(context), None)
            }
            Self::IfSame(context) => (None, Some(context)),
            Self::None => (None, None),
        }
    }
}

struct Search<'a> {
    asked: &'a ServerFlags<'a>,
    around: &'a Surroundings<'a>,
    user: User,
    warnings: Vec<String>,
}

impl Search<'_> {
    /// Where pachd is. In a pod the sidecar comes before `PACHD_ADDRESS`: a spout's own repo can be written through it
    /// alone, and pachctl looks there first, too.
    fn place(&mut self) -> Result<(Address, Origin, Candidates), SearchError> {
        if let Some(text) = self.asked.pachd {
            let address = Address::new(text)?;
            let contexts = self.contexts_for(&address)?;
            return Ok((address, Origin::Flag("--pachd"), contexts));
        }
        if let Some(name) = self.asked.context {
            return Self::of_context(self.contexts()?.named(name)?);
        }
        if let Some(pod) = Pod::of(&|name| self.around.text(name)) {
            let contexts = self.selected()?.map_or(Candidates::None, Candidates::This);
            return Ok((Address::Sidecar(pod), Origin::Pod, contexts));
        }
        if let Some(text) = self.around.address()? {
            let address = Address::new(&text)?;
            let contexts = self.contexts_for(&address)?;
            return Ok((address, Origin::Variable("PACHD_ADDRESS"), contexts));
        }
        if let (Some((text, from)), None) = (self.user.pachd.clone(), self.around.context_name()) {
            let wrong = |why| SearchError::Setting {
                from: from.clone(),
                why,
            };
            let address = Address::new(&text).map_err(wrong)?;
            let contexts = self.contexts_for(&address)?;
            return Ok((address, from, contexts));
        }
        match self.selected()? {
            Some(context) => Self::of_context(context),
            None => Err(AddressError::Missing {
                looked_at: self.looked_at(),
            }
            .into()),
        }
    }

    /// What the user's file says of its address counts for that address alone, as with a context.
    fn forget_user_unless_meant(&mut self, address: &Address) {
        let own = self.user.pachd.as_ref().and_then(|(text, _)| Address::new(text).ok());
        let is_meant = self.asked.context.is_none() && own.is_some_and(|own| own.is_same_place(address));
        if !is_meant {
            self.user = User::default();
        }
    }

    fn of_context(context: Context) -> Result<(Address, Origin, Candidates), SearchError> {
        let Context { name, path, .. } = context.clone();
        match context.address.clone() {
            Some(address) => Ok((address, Origin::Context { name, path }, Candidates::This(context))),
            None => Err(SearchError::NoAddress { name, path }),
        }
    }

    /// The contexts that may go with an address that was named by itself. A configuration that is not needed and cannot
    /// be used is worth a warning.
    fn contexts_for(&mut self, address: &Address) -> Result<Candidates, SearchError> {
        if matches!(address, Address::Local(_)) {
            return Ok(Candidates::None);
        }
        if let Some(name) = self.asked.context {
            return Ok(Candidates::This(self.contexts()?.named(name)?));
        }
        match self.selected() {
            Ok(context) => Ok(context.map_or(Candidates::None, Candidates::IfSame)),
            Err(error) => {
                self.warnings.push(format!("{error}; no token is taken from there"));
                Ok(Candidates::None)
            }
        }
    }

    fn contexts(&self) -> Result<Contexts, ContextError> {
        // Without a home there is no file, which is said by the name that it would have.
        let path = self.around.config_path();
        Contexts::read(&path.unwrap_or_else(|| PathBuf::from("~/.pachyderm/config.json")))
    }

    /// The context that `PACH_CONTEXT` or the user's file names, or the active one.
    fn selected(&self) -> Result<Option<Context>, ContextError> {
        let own = || self.user.context.as_ref().map(|(name, _)| name.clone());
        match self.around.context_name().or_else(own) {
            Some(name) => self.contexts()?.named(&name).map(Some),
            None => self.contexts()?.active(),
        }
    }

    fn looked_at(&self) -> Option<String> {
        let path = self.around.config_path()?;
        let shown = path.display();
        Some(if path.exists() {
            format!("{shown} has no active context")
        } else {
            format!("PACHD_ADDRESS is not set, and {shown} is not there")
        })
    }

    fn token(&self, context: Option<&Context>) -> Result<Option<(Token, Origin)>, SearchError> {
        let of = |text: &str, from: Origin| match Token::new(text) {
            Ok(token) => Ok(Some((token, from))),
            Err(why) => Err(SearchError::Token { from, why }),
        };
        if let Some(path) = self.asked.token_file {
            return of(&token_in(path)?, Origin::File(path.to_owned()));
        }
        if let Some(text) = self.around.text("PACH_TOKEN") {
            return of(&text, Origin::Variable("PACH_TOKEN"));
        }
        if let Some(path) = &self.user.token_file {
            return of(&token_in(path)?, Origin::File(path.clone()));
        }
        Ok(context.and_then(|context| {
            let Context { name, path, .. } = context.clone();
            Some((context.token.clone()?, Origin::Context { name, path }))
        }))
    }

    fn proxy(&self, address: &Address) -> Result<Option<Proxy>, SearchError> {
        let traffic = match address {
            Address::Gateway(_) if !address.is_encrypted() => Traffic::Http,
            Address::Gateway(_) | Address::Grpc(_) => Traffic::Tunnel,
            Address::Local(_) | Address::Sidecar(_) => return Ok(None),
        };
        // What names no host and port is refused by the client that is to go there.
        let Some((host, port)) = address.host_and_port() else {
            return Ok(None);
        };
        Ok(Proxy::find(&host, port, traffic, &|name| self.around.text(name))?)
    }

    /// `PACH_CA_CERTS`, as pachctl has it: files and directories, for the address that `PACHD_ADDRESS` names.
    fn certificates_of_the_environment(&self) -> Result<Option<(Authorities, PathBuf)>, SearchError> {
        let is_named_there = self.asked.pachd.is_none() && self.asked.context.is_none();
        match self.around.text("PACH_CA_CERTS") {
            Some(paths) if is_named_there && self.around.address()?.is_some() => certificates_under(&paths).map(Some),
            _ => Ok(None),
        }
    }

    fn trust(&mut self, context: Option<&Context>) -> Result<(Trust, Option<Origin>), SearchError> {
        if self.asked.insecure {
            return Ok((Trust::Anybody, Some(Origin::Flag("--insecure"))));
        }
        if let Some(path) = self.asked.cacert.or(self.user.cacert.as_deref()) {
            let authorities = authorities_in(path)?;
            return Ok((Trust::Given(authorities), Some(Origin::File(path.to_owned()))));
        }
        if let Some((authorities, path)) = self.certificates_of_the_environment()? {
            return Ok((Trust::Given(authorities), Some(Origin::File(path))));
        }
        let given = context.and_then(|context| {
            let Context { name, path, .. } = context.clone();
            Some((
                Trust::Given(context.authorities.clone()?),
                Some(Origin::Context { name, path }),
            ))
        });
        Ok(given.unwrap_or((Trust::System, None)))
    }
}

/// The PEM of all files under these paths, which commas divide, and the first path.
fn certificates_under(paths: &str) -> Result<(Authorities, PathBuf), SearchError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |why: io::Error| SearchError::Unreadable {
            what: "the certificates (PACH_CA_CERTS)",
            path,
            why,
        }
    };
    let mut pem = Vec::new();
    for path in paths.split(',').map(Path::new) {
        let mut files = vec![path.to_owned()];
        if path.is_dir() {
            let entries = path.read_dir().map_err(unreadable(path))?;
            let entries: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
            files = entries.map_err(unreadable(path))?;
            // Secrets are mounted through links to directories, whose files are there by their own names, too.
            files.retain(|file| file.is_file());
            files.sort();
        }
        for file in files {
            let read = named_file::read_or_pipe(&file, LONGEST_CERTIFICATES).map_err(unreadable(&file))?;
            pem.extend(read);
            pem.push(b'\n');
        }
    }
    let path = PathBuf::from(paths.split(',').next().unwrap_or_default());
    match Authorities::from_pem(&pem) {
        Ok(authorities) => Ok((authorities, path)),
        Err(why) => Err(SearchError::Authorities { path, why }),
    }
}

/// A token in a file of its own, as secrets are mounted: a newline at its end is the editor's.
fn token_in(path: &Path) -> Result<String, SearchError> {
    let unreadable = |why: io::Error| SearchError::Unreadable {
        what: "the token",
        path: path.to_owned(),
        why,
    };
    let bytes = named_file::read_or_pipe(path, LONGEST_TOKEN).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable(io::Error::other("it is no text")))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn authorities_in(path: &Path) -> Result<Authorities, SearchError> {
    let read = named_file::read_or_pipe(path, LONGEST_CERTIFICATES);
    let pem = read.map_err(|why| SearchError::Unreadable {
        what: "the certificates",
        path: path.to_owned(),
        why,
    })?;
    Authorities::from_pem(&pem).map_err(|why| SearchError::Authorities {
        path: path.to_owned(),
        why,
    })
}

#[cfg(test)]
mod tests;

//! What an address of a store may look like. Which host it is, is for the client that connects there.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use super::Pod;

/// The port of pachd's gRPC where none is named, whatever the scheme, as pachctl has it.
const GRPC_PORT: u16 = 30650;

/// Which store was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `http://` or `https://`: pachd's HTTP gateway.
    Gateway(String),
    /// `grpc://` or `grpcs://`: pachd's gRPC; or `unix:///SOCKET`, the same through a socket.
    Grpc(String),
    /// `local:DIR`: the embedded store.
    Local(PathBuf),
    /// The sidecar of the pod that we run in.
    Sidecar(Pod),
}

/// Why no store can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("no pachd is named")]
    Missing {
        /// What was looked at in vain.
        looked_at: Option<String>,
    },
    #[error("PACHD_ADDRESS is set to nothing")]
    Empty,
    #[error("`local:` names no directory")]
    NoDirectory,
    #[error("`local://{0}` would be a directory at the root")]
    LocalUrl(String),
    #[error("the shell leaves the `~` of `local:~` as it is")]
    Tilde,
    #[error("`{0}` is no address of a pachd")]
    Unknown(String),
}

impl AddressError {
    /// What to do next.
    pub fn help(&self) -> String {
        match self {
            Self::Missing { .. } => {
                "name one with --pachd, --context or PACHD_ADDRESS: grpc://HOST:PORT or grpcs://HOST:PORT, \
                 http://HOST:PORT or https://HOST, or local:DIR for a store in a directory, without any server"
                    .to_owned()
            }
            Self::Empty => {
                "name a pachd there, or unset it: then the active context of pachctl's configuration counts".to_owned()
            }
            Self::Tilde => "write local:$HOME/… instead".to_owned(),
            Self::NoDirectory => "write --pachd local:DIR".to_owned(),
            Self::LocalUrl(rest) => format!("write local:{rest} for a directory here, or local:/{rest} if it is meant"),
            Self::Unknown(_) => {
                "write grpc://HOST:PORT or grpcs://HOST:PORT (every pachd since 1.12), http://HOST:PORT or \
                 https://HOST (the HTTP gateway of pachd 2.8 and newer), unix:///SOCKET, or local:DIR"
                    .to_owned()
            }
        }
    }
}

/// The directory of a store's address. Schemes are written small or large.
pub fn of_store(text: &str) -> Option<&str> {
    const SCHEME: &str = "local:";
    let scheme = text.get(..SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| &text[SCHEME.len()..])
}

impl Address {
    /// # Errors
    /// When the text names no store that we can talk to.
    pub fn new(text: &str) -> Result<Self, AddressError> {
        if let Some(directory) = of_store(text) {
            // Whoever thinks of URLs means a directory here: only three slashes are without a doubt.
            if let Some(rest) = directory.strip_prefix("//").filter(|rest| !rest.starts_with('/')) {
                return Err(match rest {
                    "" => AddressError::NoDirectory,
                    rest => AddressError::LocalUrl(rest.to_owned()),
                });
            }
            return match directory {
                "" => Err(AddressError::NoDirectory),
                home if home == "~" || home.starts_with("~/") => Err(AddressError::Tilde),
                directory => Ok(Self::Local(PathBuf::from(directory))),
            };
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text {
                "" => Err(AddressError::Missing { looked_at: None }),
                text if text.eq_ignore_ascii_case("local") => Err(AddressError::NoDirectory),
                text if is_authority(text) => Ok(Self::Grpc(format!("grpc://{}", with_host(text)))),
                _ => Err(AddressError::Unknown(without_userinfo(text))),
            };
        };
        match scheme.to_ascii_lowercase().as_str() {
            scheme @ ("http" | "https") => Ok(Self::Gateway(format!("{scheme}://{rest}"))),
            scheme @ ("grpc" | "grpcs") => Ok(Self::Grpc(format!("{scheme}://{}", with_host(rest)))),
            "unix" => Ok(Self::Grpc(format!("unix://{rest}"))),
            _ => Err(AddressError::Unknown(without_userinfo(text))),
        }
    }

    /// Whether the client can take it: a host, a port that is one, no password.
    ///
    /// # Errors
    /// Why it cannot. What it holds is not repeated, for it may be a secret.
    pub fn check(&self) -> Result<(), pachyderm_client::OpenError> {
        match self {
            Self::Gateway(url) => url.parse::<pachyderm_client::gateway::Address>().map(|_| ()),
            Self::Grpc(url) => url.parse::<pachyderm_client::grpc::Address>().map(|_| ()),
            Self::Local(_) | Self::Sidecar(_) => Ok(()),
        }
    }

    /// An address as it stands in pachctl's configuration: always gRPC. `https` is `grpcs` there, and a scheme may be
    /// left out.
    ///
    /// # Errors
    /// When it is none.
    pub fn as_pachctl_reads_it(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("grpc", text));
        let unknown = || AddressError::Unknown(without_userinfo(text));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "grpc" | "http" => "grpc",
            "grpcs" | "https" => "grpcs",
            "unix" if rest.starts_with('/') => return Ok(Self::Grpc(format!("unix://{rest}"))),
            _ => return Err(unknown()),
        };
        // pachctl takes no path, and this one is often copied from a browser.
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() || is_authority(rest) {
            Ok(Self::Grpc(format!("{scheme}://{}", with_host(rest))))
        } else {
            Err(unknown())
        }
    }

    /// Whether a connection there uses TLS.
    pub fn is_encrypted(&self) -> bool {
        match self {
            Self::Gateway(url) => url.starts_with("https://"),
            Self::Grpc(url) => url.starts_with("grpcs://"),
            Self::Local(_) | Self::Sidecar(_) => false,
        }
    }

    /// Whether both are the same port of the same host, with TLS or without, through whichever door: one proxy serves
    /// both.
    pub fn is_same_place(&self, other: &Self) -> bool {
        matches!((self.place(), other.place()), (Some(one), Some(other)) if one == other)
    }

    /// How it stands in pachctl's configuration, if it is a pachd that can.
    pub fn for_pachctl(&self) -> Option<String> {
        if let Some(socket) = self.socket() {
            return Some(format!("unix://{}", socket.display()));
        }
        let (is_encrypted, host, port) = self.place()?;
        let scheme = if is_encrypted { "grpcs" } else { "grpc" };
        Some(format!("{scheme}://{host}:{port}"))
    }

    pub fn socket(&self) -> Option<&Path> {
        match self {
            Self::Grpc(url) => url.strip_prefix("unix://").map(Path::new),
            _ => None,
        }
    }

    /// The same pachd's other door, where a proxy serves both.
    #[must_use]
    pub fn other_door(&self) -> Option<Self> {
        let (is_encrypted, host, port) = self.place()?;
        let tls = if is_encrypted { "s" } else { "" };
        match self {
            Self::Gateway(_) => Some(Self::Grpc(format!("grpc{tls}://{host}:{port}"))),
            Self::Grpc(_) => Some(Self::Gateway(format!("http{tls}://{host}:{port}"))),
            Self::Local(_) | Self::Sidecar(_) => None,
        }
    }

    /// The host, in brackets where it is an IPv6 address, and the port; none of a store in a directory.
    pub fn host_and_port(&self) -> Option<(String, u16)> {
        match self {
            Self::Sidecar(pod) => Some(("127.0.0.1".to_owned(), pod.port)),
            _ => self.place().map(|(_, host, port)| (host, port)),
        }
    }

    fn place(&self) -> Option<(bool, String, u16)> {
        let (Self::Gateway(url) | Self::Grpc(url)) = self else {
            return None;
        };
        let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| *scheme != "unix")?;
        let authority = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
        let of_scheme = match scheme {
            "http" => 80,
            "https" => 443,
            _ => GRPC_PORT,
        };
        let after_host = authority.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match authority[after_host..].rfind(':') {
            Some(colon) => {
                let (host, port) = authority.split_at(after_host + colon);
                match port.get(1..)? {
                    "" => (host, of_scheme),
                    port => (host, port.parse().ok()?),
                }
            }
            None => (authority.as_str(), of_scheme),
        };
        Some((self.is_encrypted(), host.to_owned(), port))
    }
}

/// Whether a text can be `host`, `host:port`, `[v6]` or `[v6]:port`. The client looks closer.
fn is_authority(text: &str) -> bool {
    let text = text.strip_suffix('/').unwrap_or(text);
    let may_stand = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    !text.is_empty() && text.chars().all(may_stand)
}

/// Where no host is named, it is this machine, as for pachctl. An IPv6 address alone gets its brackets.
fn with_host(authority: &str) -> String {
    let bare = authority.strip_suffix('/').unwrap_or(authority);
    if bare.parse::<Ipv6Addr>().is_ok() {
        format!("[{bare}]")
    } else if authority.is_empty() || authority.starts_with(':') {
        format!("127.0.0.1{authority}")
    } else {
        authority.to_owned()
    }
}

/// What stands before an `@` may be a password; an error must not repeat it.
fn without_userinfo(text: &str) -> String {
    let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    shown.escape_debug().to_string()
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // What is no address may be anything: a password is not shown.
            Self::Gateway(url) | Self::Grpc(url) => match url.split_once("://") {
                Some((scheme, rest)) => write!(f, "{scheme}://{}", without_userinfo(rest)),
                None => Ok(()),
            },
            Self::Local(directory) => write!(f, "local:{}", directory.display()),
            Self::Sidecar(pod) => write!(f, "grpc://127.0.0.1:{}", pod.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grpc(url: &str) -> Address {
        Address::Grpc(url.to_owned())
    }

    #[test]
    fn an_address_names_a_door_or_a_directory() {
        assert_eq!(Address::new("local:dir"), Ok(Address::Local("dir".into())));
        assert_eq!(Address::new("LOCAL:Dir"), Ok(Address::Local("Dir".into())));
        assert_eq!(
            Address::new("https://pach"),
            Ok(Address::Gateway("https://pach".into()))
        );
        assert_eq!(Address::new("grpcs://h"), Ok(grpc("grpcs://h")));
        for bare in ["pachd:30650", "10.0.0.1", "[::1]:1650", "pach.example.com"] {
            assert_eq!(Address::new(bare), Ok(grpc(&format!("grpc://{bare}"))));
        }
        for (text, url) in [
            ("GRPC://h", "grpc://h"),
            ("GrpcS://h:1", "grpcs://h:1"),
            ("grpc://", "grpc://127.0.0.1"),
            (":30650", "grpc://127.0.0.1:30650"),
            ("grpc://:1650", "grpc://127.0.0.1:1650"),
            ("::1", "grpc://[::1]"),
            ("grpc://fe80::1", "grpc://[fe80::1]"),
            ("unix:///run/pachd.sock", "unix:///run/pachd.sock"),
        ] {
            assert_eq!(Address::new(text), Ok(grpc(url)), "{text}");
        }
        assert_eq!(Address::new("HTTP://h"), Ok(Address::Gateway("http://h".into())));
        let socket = Address::new("unix:///s").unwrap();
        assert_eq!((socket.socket(), socket.host_and_port()), (Some(Path::new("/s")), None));
        assert_eq!(Address::new(""), Err(AddressError::Missing { looked_at: None }));
        for text in ["local", "local:", "local://"] {
            assert_eq!(Address::new(text), Err(AddressError::NoDirectory), "{text}");
        }
        assert_eq!(Address::new("local:///d"), Ok(Address::Local("///d".into())));
        assert_eq!(Address::new("local://d"), Err(AddressError::LocalUrl("d".to_owned())));
        for text in [
            "ftp://h",
            "./store",
            "dir/sub",
            "a b",
            "unix:/socket",
            "tcp://h",
            "dns:///h",
            " h",
            "h ",
            "user@host",
            "grpc:host:1/x",
        ] {
            assert!(matches!(Address::new(text), Err(AddressError::Unknown(_))), "{text}");
        }
    }

    #[test]
    fn in_pachctls_configuration_every_address_is_grpc() {
        for (text, url) in [
            ("pachd:30650", "grpc://pachd:30650"),
            ("http://pachd:80", "grpc://pachd:80"),
            ("https://pachd:443", "grpcs://pachd:443"),
            ("grpcs://pachd", "grpcs://pachd"),
            ("HTTPS://pachd/", "grpcs://pachd"),
            // pachctl loses the brackets, and never connects.
            ("[::1]:30650", "grpc://[::1]:30650"),
            (":30650", "grpc://127.0.0.1:30650"),
            ("::1", "grpc://[::1]"),
            ("unix:///s", "unix:///s"),
        ] {
            assert_eq!(Address::as_pachctl_reads_it(text), Ok(grpc(url)), "{text}");
        }
        for text in [
            "ftp://h",
            "grpc://u:hunter2@h",
            "grpc://h/path",
            "grpc://h?hunter2",
            "local:dir/x",
            "unix://s",
        ] {
            let error = Address::as_pachctl_reads_it(text).unwrap_err();
            assert!(!error.to_string().contains("u:hunter2"), "{error}");
        }
    }

    #[test]
    fn the_same_place_is_known_through_both_doors_and_by_its_default_port() {
        let same = |one: &str, other: &str| Address::new(one).unwrap().is_same_place(&Address::new(other).unwrap());
        assert!(same("grpc://pachd", "PACHD:30650"));
        assert!(same("http://h:80", "grpc://h:80"));
        assert!(same("https://h", "grpcs://h:443"));
        assert!(same("grpc://[::1]:30650", "[::1]"));
        for (one, other) in [
            ("grpc://h:1650", "grpc://h"),
            ("grpc://h:443", "grpcs://h:443"),
            ("grpc://h.evil.com:1650", "grpc://h:1650"),
            ("local:h", "local:h"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn an_error_never_repeats_a_password() {
        let error = Address::new("ftp://user:secret@host").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        let address = Address::new("grpc://user:secret@host").unwrap();
        assert_eq!(address.to_string(), "grpc://host");
    }
}

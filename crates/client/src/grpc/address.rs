//! Where pachd's gRPC is.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::OpenError;

/// The port that pachctl takes where none is named, with TLS and without.
const PORT: u16 = 30650;

pub(super) const EXAMPLE: &str = "grpcs://pachd.example.com or grpc://localhost:30650";

/// `grpc://host[:port]`, plain, or `grpcs://host[:port]`, with TLS. Without a port 30650. Or `unix:///path`, a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Without the brackets of an IPv6 address; of a socket what HTTP calls it.
    host: String,
    port: u16,
    tls: bool,
    socket: Option<PathBuf>,
}

impl FromStr for Address {
    type Err = OpenError;

    /// # Errors
    /// When it is no such address. What it holds is not repeated then, for it may be a secret.
    fn from_str(text: &str) -> Result<Self, OpenError> {
        let bad = |why: &str| OpenError::Address {
            why: why.to_owned(),
            example: EXAMPLE,
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("it has no `://`"))?;
        if scheme == "unix" {
            return match Path::new(rest) {
                path if path.is_absolute() => Ok(Self {
                    host: "localhost".to_owned(),
                    socket: Some(path.to_owned()),
                    ..Self::local(PORT)
                }),
                _ => Err(bad("a socket is named by its whole path: unix:///PATH")),
            };
        }
        let tls = match scheme {
            "grpc" => false,
            "grpcs" => true,
            _ => return Err(bad("it starts with neither grpc:// nor grpcs://")),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('@') {
            return Err(bad("it holds a user name or a password; pachd takes a token instead"));
        }
        if authority.contains(['/', '?', '#']) {
            return Err(bad("gRPC knows no path: name a host and a port alone"));
        }
        let (host, port) = split(authority).ok_or_else(|| bad("it names no host"))?;
        let is_name = host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if host.is_empty() || !(is_name || host.parse::<Ipv6Addr>().is_ok()) {
            return Err(bad("it names no host"));
        }
        Ok(Self {
            host: host.to_owned(),
            port: match port {
                None | Some("") => PORT,
                Some(port) => port
                    .parse()
                    .ok()
                    .filter(|port| *port != 0)
                    .ok_or_else(|| bad("its port is no number from 1 to 65535"))?,
            },
            tls,
            socket: None,
        })
    }
}

/// Host and port of `host`, `host:port`, `[v6]` and `[v6]:port`.
fn split(authority: &str) -> Option<(&str, Option<&str>)> {
    let Some(rest) = authority.strip_prefix('[') else {
        return Some(match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        });
    };
    let (host, rest) = rest.split_once(']')?;
    host.parse::<Ipv6Addr>().ok()?;
    match rest {
        "" => Some((host, None)),
        rest => Some((host, Some(rest.strip_prefix(':')?))),
    }
}

impl Address {
    /// A server on this machine, without TLS: a sidecar.
    #[must_use]
    pub fn local(port: u16) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port,
            tls: false,
            socket: None,
        }
    }

    /// The socket, where it is one of this machine.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Whether the host is this machine, by its name or number alone: nothing is resolved.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|number| number.is_loopback())
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// `host:port`
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            Some(path) => write!(f, "{}", path.display()),
            None => f.write_str(&self.authority()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_port_that_pachctl_takes() {
        for (text, authority, tls) in [
            ("grpc://pachd", "pachd:30650", false),
            ("grpcs://pach.example.com", "pach.example.com:30650", true),
            ("grpc://127.0.0.1:1650/", "127.0.0.1:1650", false),
            ("grpc://[::1]:1650", "[::1]:1650", false),
            ("grpc://[::1]", "[::1]:30650", false),
            ("grpc://pachd:", "pachd:30650", false),
            ("grpc://pachd:030650", "pachd:30650", false),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(
                (address.authority().as_str(), address.is_tls()),
                (authority, tls),
                "{text}"
            );
        }
        let socket: Address = "unix:///run/s".parse().unwrap();
        assert_eq!(
            (socket.socket(), socket.is_loopback()),
            (Some(Path::new("/run/s")), true)
        );
        assert!("grpc://[::1]:1650".parse::<Address>().unwrap().is_loopback());
        assert!(!"grpc://localhost.example.com".parse::<Address>().unwrap().is_loopback());
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        for text in [
            "grpc://u:hunter2@pachd",
            "grpc://pachd/hunter2",
            "grpc://pachd:hunter2",
            "grpc://pachd:0",
            "grpc://",
            "grpc://:1650",
            "grpc://[hunter2]",
            "http://hunter2",
            "grpc://::1",
            "grpc://pachd:70000",
            "unix://hunter2",
            "hunter2",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}

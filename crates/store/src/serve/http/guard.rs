//! Who is let in: a page in a browser must not reach a store on this machine.
//!
//! A page of another site can send requests to this address, and by a name of its own that it lets point here
//! ("DNS rebinding") it can even read the answers. Such requests carry a foreign `Host` or `Origin`.

use std::net::{IpAddr, SocketAddr};

use headers::{HeaderMapExt, Host};
use hyper::StatusCode;
use hyper::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::http::uri::Authority;

/// The rules for one listening address.
pub(super) struct Guard {
    listen: SocketAddr,
    /// Further names that this machine is called by.
    names: Vec<String>,
}

/// Why a request is turned away before anything else is looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: StatusCode,
    pub text: String,
}

impl Guard {
    pub fn new(listen: SocketAddr, names: Vec<String>) -> Self {
        Self { listen, names }
    }

    /// Refuses what a page of another site sends. `authority` is that of a target that names one, as a proxy's client
    /// writes it.
    pub fn check_sender(&self, authority: Option<&Authority>, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = headers.typed_get::<Host>();
        // Of two, a proxy before us may have looked at the other.
        let Some(host) = host.filter(|_| headers.get_all(HOST).iter().count() == 1) else {
            return Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                text: "the request has to name one Host\n".to_owned(),
            });
        };
        if authority.is_some_and(|authority| !authority.host().eq_ignore_ascii_case(host.hostname())) {
            return Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                text: "the request's target names another host than its Host\n".to_owned(),
            });
        }
        if !self.is_ours(host.hostname()) {
            return Err(Refusal {
                status: StatusCode::MISDIRECTED_REQUEST,
                text: format!(
                    "Host {} is none that this server answers to; --host adds one\n",
                    host.hostname().escape_debug()
                ),
            });
        }
        if headers.get_all(ORIGIN).iter().count() > 1 {
            return Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                text: "the request has more than one Origin\n".to_owned(),
            });
        }
        match headers.get(ORIGIN) {
            Some(origin) if !is_same(origin, &host) => Err(Refusal {
                status: StatusCode::FORBIDDEN,
                text: "a page of another origin may not use this server\n".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// A numeric address cannot be a name that somebody else lets point here; it is still not taken from elsewhere
    /// unless this server listens there.
    fn is_ours(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        if let Ok(address) = host.parse::<IpAddr>() {
            let listen = self.listen.ip();
            return address.is_loopback() || address == listen || listen.is_unspecified();
        }
        host.eq_ignore_ascii_case("localhost") || self.names.iter().any(|name| host.eq_ignore_ascii_case(name))
    }
}

/// Whether the page that sent the request came from this very server.
fn is_same(origin: &HeaderValue, host: &Host) -> bool {
    let Some(origin) = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://")) else {
        return false;
    };
    let port = host.port().unwrap_or(80);
    let (name, origin_port) = match origin.rsplit_once(':') {
        Some((name, digits)) if !digits.ends_with(']') => (name, digits.parse().unwrap_or(0)),
        _ => (origin, 80),
    };
    name.eq_ignore_ascii_case(host.hostname()) && origin_port == port
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(listen: &str) -> Guard {
        Guard::new(listen.parse().unwrap(), vec!["store".to_owned()])
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_hosts_that_mean_this_server_are_answered() {
        let here = guard("127.0.0.1:1659");
        for host in [
            "localhost",
            "localhost:1659",
            "127.0.0.1:1659",
            "127.0.0.1",
            "[::1]:1659",
            "store:80",
            "STORE",
        ] {
            assert_eq!(here.check_sender(None, &headers(&[("host", host)])), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:1659",
            "localhost.evil.example",
            "10.0.0.1:1659",
            "store.evil",
        ] {
            assert!(here.check_sender(None, &headers(&[("host", host)])).is_err(), "{host}");
        }
        assert!(here.check_sender(None, &headers(&[])).is_err());
        for (target, is_taken) in [
            ("localhost:1659", true),
            ("LOCALHOST", true),
            ("127.0.0.1", false),
            ("evil.example", false),
        ] {
            let outcome = here.check_sender(Some(&target.parse().unwrap()), &headers(&[("host", "localhost")]));
            assert_eq!(outcome.is_ok(), is_taken, "{target}");
        }
        let mut two = headers(&[("host", "localhost")]);
        two.append(HOST, HeaderValue::from_static("evil.example"));
        assert!(here.check_sender(None, &two).is_err());
        assert!(
            guard("0.0.0.0:1659")
                .check_sender(None, &headers(&[("host", "10.0.0.1:1659")]))
                .is_ok()
        );
        assert!(
            guard("0.0.0.0:1659")
                .check_sender(None, &headers(&[("host", "evil.example")]))
                .is_err()
        );
    }

    #[test]
    fn a_foreign_origin_is_refused() {
        let here = guard("127.0.0.1:1659");
        let check = |origin| here.check_sender(None, &headers(&[("host", "localhost:1659"), ("origin", origin)]));
        assert_eq!(check("http://localhost:1659"), Ok(()));
        let mut two = headers(&[("host", "localhost:1659"), ("origin", "http://localhost:1659")]);
        two.append(ORIGIN, HeaderValue::from_static("http://evil.example"));
        assert!(here.check_sender(None, &two).is_err());
        for origin in [
            "http://localhost",
            "https://localhost:1659",
            "http://evil.example",
            "null",
            "http://localhost:1",
        ] {
            assert!(check(origin).is_err(), "{origin}");
        }
    }
}

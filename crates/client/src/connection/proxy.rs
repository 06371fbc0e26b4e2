//! A proxy on the way to pachd, as the environment asks for one.
//!
//! As Go has it, and so pachctl: `HTTPS_PROXY` for gRPC of either kind and for `https://`, `HTTP_PROXY` for `http://`,
//! the names in small letters as well; `NO_PROXY` names those who are spoken to directly. This machine is never reached
//! by one.

use std::fmt;
use std::net::IpAddr;

use hyper::http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

/// What is asked through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// `http://`: the proxy reads and forwards each request.
    Http,
    /// A connection through it, of which it sees no more than where it leads, unless that is plain.
    Tunnel,
}

/// Who stands between.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    /// Of its user, who is never shown.
    authorization: Option<HeaderValue>,
    /// Which variable names it.
    pub variable: &'static str,
}

/// A variable names something else than a proxy that we can talk to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} names no proxy that spoutctl can use: {why}")]
pub struct InvalidProxy {
    pub variable: &'static str,
    why: &'static str,
}

impl InvalidProxy {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> String {
        format!(
            "write {}=http://HOST:PORT, or add pachd's name to NO_PROXY",
            self.variable
        )
    }
}

impl Proxy {
    /// For the HTTP library.
    ///
    /// # Errors
    /// When the library does not take its address.
    pub fn for_http_client(&self) -> reqwest::Result<reqwest::Proxy> {
        let to = reqwest::Proxy::all(self.url())?;
        Ok(match self.authorization() {
            Some(user) => to.custom_http_auth(user.clone()),
            None => to,
        })
    }

    /// The one between here and `host`, a name or an address (IPv6 in brackets), if there is one.
    ///
    /// # Errors
    /// When a variable that counts names none that can be used.
    pub fn find(
        host: &str,
        port: u16,
        traffic: Traffic,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, InvalidProxy> {
        if is_this_machine(host) {
            return Ok(None);
        }
        // A CGI program's HTTP_PROXY is a header that its client has chosen.
        let names: &[&'static str] = match traffic {
            Traffic::Tunnel => &["HTTPS_PROXY", "https_proxy"],
            Traffic::Http if variable("REQUEST_METHOD").is_some() => &["http_proxy"],
            Traffic::Http => &["HTTP_PROXY", "http_proxy"],
        };
        let mut set = names.iter().filter_map(|name| Some((*name, variable(name)?)));
        let Some((name, value)) = set.find(|(_, value)| !value.is_empty()) else {
            return Ok(None);
        };
        let wrong = |why| InvalidProxy { variable: name, why };
        let scheme = value.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if !matches!(scheme.as_deref(), None | Some("http")) {
            return Err(wrong("only http:// proxies are spoken to"));
        }
        let except = ["NO_PROXY", "no_proxy"].iter().find_map(|name| variable(name));
        let except = except.map(|list| for_port(&list, port)).unwrap_or_default();
        let matcher = Matcher::builder().all(value).no(except).build();
        let target: Uri = format!("https://{host}:{port}/")
            .parse()
            .map_err(|_| wrong("pachd's address is none that a proxy takes"))?;
        let Some(found) = matcher.intercept(&target) else {
            // Either nobody is to stand between, or there is nobody of that name.
            let anybody: Uri = Uri::from_static("https://pachd.invalid/");
            return match Matcher::builder()
                .all(variable(name).unwrap_or_default())
                .build()
                .intercept(&anybody)
            {
                Some(_) => Ok(None),
                None => Err(wrong("it is no URL with a host")),
            };
        };
        let uri = found.uri();
        Ok(Some(Self {
            host: uri.host().ok_or(wrong("it names no host"))?.to_owned(),
            port: uri.port_u16().unwrap_or(80),
            authorization: found.basic_auth().cloned(),
            variable: name,
        }))
    }

    /// `http://HOST:PORT`, without its user.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }

    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}:{} ({})", self.host, self.port, self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}:{})", self.host, self.port)
    }
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|number| number.is_loopback() || number.is_unspecified())
}

/// The entries that hold for this port, without it: the library knows none.
fn for_port(list: &str, own: u16) -> String {
    let of_port = |entry: &str| -> Option<String> {
        let entry = entry.trim();
        match entry.rsplit_once(':') {
            // An IPv6 address is full of colons, and has a port behind brackets alone.
            Some((host, digits)) if !host.contains(':') || host.ends_with(']') => {
                let is_this = digits.parse() == Ok(own);
                is_this.then(|| host.trim_matches(['[', ']']).to_owned())
            }
            _ => Some(entry.trim_start_matches("*.").to_owned()),
        }
    };
    let entries: Vec<String> = list.split(',').filter_map(of_port).collect();
    entries.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(host: &str, port: u16, traffic: Traffic, set: &[(&str, &str)]) -> Result<Option<Proxy>, InvalidProxy> {
        Proxy::find(host, port, traffic, &|name| {
            let found = set.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn url(host: &str, port: u16, traffic: Traffic, set: &[(&str, &str)]) -> Option<String> {
        find(host, port, traffic, set).unwrap().map(|proxy| proxy.url())
    }

    #[test]
    fn each_kind_of_traffic_has_its_variable() {
        let both = [("HTTPS_PROXY", "http://s:1"), ("HTTP_PROXY", "http://p")];
        assert_eq!(url("pachd", 443, Traffic::Tunnel, &both).as_deref(), Some("http://s:1"));
        assert_eq!(url("pachd", 80, Traffic::Http, &both).as_deref(), Some("http://p:80"));
        assert_eq!(url("pachd", 443, Traffic::Tunnel, &both[1..]), None);
        let small = [("HTTPS_PROXY", ""), ("https_proxy", "small:8080")];
        assert_eq!(
            url("pachd", 443, Traffic::Tunnel, &small).as_deref(),
            Some("http://small:8080")
        );
        assert_eq!(url("pachd", 443, Traffic::Tunnel, &[]), None);
    }

    #[test]
    fn a_cgi_program_does_not_believe_its_client() {
        let set = [("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(url("pachd", 80, Traffic::Http, &set), None);
        let set = [("http_proxy", "http://good:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(url("pachd", 80, Traffic::Http, &set).as_deref(), Some("http://good:1"));
    }

    #[test]
    fn some_are_spoken_to_directly() {
        for (except, host, port, direct) in [
            ("*", "pachd.example.com", 443, true),
            ("example.com", "pachd.example.com", 443, true),
            (".example.com", "pachd.example.com", 443, true),
            ("*.example.com", "pachd.example.com", 443, true),
            ("ample.com", "pachd.example.com", 443, false),
            ("other.com, pachd.example.com", "pachd.example.com", 443, true),
            ("pachd.example.com:443", "pachd.example.com", 443, true),
            ("pachd.example.com:80", "pachd.example.com", 443, false),
            ("10.0.0.0/8", "10.1.2.3", 443, true),
            ("10.0.0.0/8", "11.1.2.3", 443, false),
            ("10.1.2.3", "10.1.2.3", 443, true),
            ("fd00::1", "[fd00::1]", 443, true),
            ("[fd00::1]:443", "[fd00::1]", 443, true),
            ("[fd00::1]:80", "[fd00::1]", 443, false),
            ("", "pachd", 443, false),
        ] {
            let set = [("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", except)];
            assert_eq!(
                url(host, port, Traffic::Tunnel, &set).is_none(),
                direct,
                "{except} {host}"
            );
        }
    }

    #[test]
    fn this_machine_is_never_reached_by_a_proxy() {
        for host in [
            "localhost",
            "LOCALHOST",
            "a.localhost",
            "127.0.0.1",
            "127.3.2.1",
            "[::1]",
            "0.0.0.0",
        ] {
            assert_eq!(
                url(host, 443, Traffic::Tunnel, &[("HTTPS_PROXY", "http://p:1")]),
                None,
                "{host}"
            );
        }
    }

    #[test]
    fn what_is_no_proxy_is_an_error_that_shows_no_password() {
        for value in ["socks5://u:hunter2@p:1", "https://u:hunter2@p", "http://", "not a url"] {
            let error = find("pachd", 443, Traffic::Tunnel, &[("HTTPS_PROXY", value)]).unwrap_err();
            assert!(error.to_string().starts_with("HTTPS_PROXY names no proxy"), "{value}");
            assert!(!format!("{error} {error:?} {}", error.help()).contains("hunter2"));
        }
        let proxy = find(
            "pachd",
            443,
            Traffic::Tunnel,
            &[("HTTPS_PROXY", "http://u:hunter2@p:1")],
        );
        let proxy = proxy.unwrap().unwrap();
        assert!(proxy.authorization().is_some());
        assert!(!format!("{proxy} {proxy:?} {:?} {}", proxy.authorization(), proxy.url()).contains("hunter2"));
        // Where nobody is asked to stand between, nothing can be wrong.
        let set = [("HTTPS_PROXY", "not a url")];
        assert_eq!(find("localhost", 443, Traffic::Tunnel, &set), Ok(None));
    }
}

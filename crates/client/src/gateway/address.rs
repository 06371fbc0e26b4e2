//! Where a gateway is. It is never printed with a secret in it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

use crate::error::OpenError;

/// The address of a gateway: `http://` or `https://`, a host, perhaps a port and a path that everything is under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Without a trailing slash.
    base: String,
    host: String,
    port: u16,
    tls: bool,
}

impl FromStr for Address {
    type Err = OpenError;

    /// # Errors
    /// When it is no URL, has another scheme, or holds a user name, a password, a query or a fragment. What it holds is
    /// not repeated then, for it may be a secret.
    fn from_str(text: &str) -> Result<Self, OpenError> {
        let bad = |why: &str| OpenError::Address {
            why: why.to_owned(),
            example: "https://pachd.example.com or http://localhost:30650",
        };
        let url = Url::parse(text).map_err(|e| bad(&e.to_string()))?;
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(bad("it starts with neither http:// nor https://")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it holds a user name or a password; pachd takes a token instead"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it has a `?` or a `#` part"));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(bad("it names no host"));
        };
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            host: host.to_owned(),
            port,
            tls,
        })
    }
}

impl Address {
    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.tls
    }

    /// Whether the host is this machine, by its name or number alone: nothing is resolved.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<IpAddr>().is_ok_and(|number| number.is_loopback())
    }

    /// `host:port`, for messages.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(super) fn of_call(&self, service: &str, name: &str) -> String {
        format!("{}/api/{service}/{name}", self.base)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_path_and_loses_its_last_slash() {
        let address: Address = "https://pach.example.com:8443/team/a/".parse().unwrap();
        assert_eq!(
            address.of_call("pfs_v2.API", "StartCommit"),
            "https://pach.example.com:8443/team/a/api/pfs_v2.API/StartCommit"
        );
        assert_eq!(address.authority(), "pach.example.com:8443");
        let plain: Address = "http://pach".parse().unwrap();
        assert_eq!(plain.to_string(), "http://pach");
        assert_eq!(plain.authority(), "pach:80");
    }

    #[test]
    fn an_address_that_holds_a_secret_is_refused_without_showing_it() {
        for text in [
            "http://u:hunter2@pach",
            "http://hunter2@pach",
            "http://pach?t=hunter2",
            "http://pach#hunter2",
            "ftp://hunter2",
            "hunter2",
            "http://",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn loopback_is_told_from_other_hosts() {
        for (text, loopback) in [
            ("http://localhost:30650", true),
            ("http://127.0.0.5", true),
            ("http://[::1]:80", true),
            ("http://pach.localhost", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().is_loopback(), loopback, "{text}");
        }
    }
}

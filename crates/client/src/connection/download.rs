//! A file behind an `https://` address: one request, bounded in bytes and time. No token of pachd's goes there.

use std::fmt;
use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Url};

use super::engine::Engine;
use super::proxy::Proxy;
use super::tls::{self, Trust};

/// From the name's look-up to the last byte.
const LIMIT: Duration = Duration::from_mins(1);
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const MOST_REDIRECTS: usize = 5;

/// Where a file is: `https://HOST[:PORT]/…`, without a user or a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DownloadUrl(Url);

/// Why nothing came. A password is never repeated.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    #[error("it is no URL: {0}")]
    NoUrl(String),
    #[error("only https:// is read: on the way of {0}:// anybody could change it")]
    Scheme(String),
    #[error(
        "it has a user or a password in it, which whoever sees the command line could read; download it, and give the \
         file"
    )]
    Credentials,
    #[error("{0}")]
    Setup(String),
    #[error("the server answers {0}")]
    Status(u16),
    #[error("it leads to {0}; nothing is taken from another host than the one that was named: give that address")]
    OtherHost(String),
    #[error("it has more than {} bytes", spoutctl_core::quantity::grouped(*.0))]
    TooLong(u64),
    #[error("{0}")]
    Failed(String),
}

impl DownloadUrl {
    /// Whether a text is meant as the address of a file elsewhere.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        matches!(scheme.as_deref(), Some("http" | "https"))
    }

    /// # Errors
    /// When it is no address that is read.
    pub fn new(text: &str) -> Result<Self, DownloadError> {
        let url = Url::parse(text).map_err(|error| DownloadError::NoUrl(error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(DownloadError::Credentials);
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            other => Err(DownloadError::Scheme(other.to_owned())),
        }
    }

    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(443)
    }
}

impl fmt::Debug for DownloadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DownloadUrl({self})")
    }
}

/// Without what follows a `?`, which often is a secret.
impl fmt::Display for DownloadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

fn shown(url: &Url) -> String {
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    format!(
        "{}://{}{port}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.path()
    )
}

/// What is there, at most `limit` bytes of it.
///
/// # Errors
/// Why nothing came, or not all of it.
pub fn download(
    source: &DownloadUrl,
    limit: u64,
    trust: &Trust,
    proxy: Option<&Proxy>,
) -> Result<Vec<u8>, DownloadError> {
    let setup = |why: String| DownloadError::Setup(why);
    let tls = tls::client(trust, b"http/1.1").map_err(|error| setup(error.to_string()))?;
    let mut client = Client::builder()
        .user_agent(concat!("spoutctl/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::custom(within_host))
        .no_proxy()
        .http1_only()
        .connect_timeout(CONNECT_LIMIT)
        .timeout(LIMIT)
        .tls_backend_preconfigured(tls);
    if let Some(proxy) = proxy {
        client = client.proxy(proxy.for_http_client().map_err(|error| setup(error.to_string()))?);
    }
    let client = client.build().map_err(|error| setup(error.to_string()))?;
    let engine = Engine::start("download").map_err(|error| setup(error.to_string()))?;
    engine.block_on(read(&client, source, limit))
}

async fn read(client: &Client, source: &DownloadUrl, limit: u64) -> Result<Vec<u8>, DownloadError> {
    let mut answer = client
        .get(source.0.clone())
        .send()
        .await
        .map_err(|error| failed(&error))?;
    let status = answer.status();
    if status.is_redirection() {
        let to = answer.headers().get("location").and_then(|place| place.to_str().ok());
        let to = to.and_then(|place| answer.url().join(place).ok());
        return Err(DownloadError::OtherHost(
            to.map_or_else(|| "nowhere".to_owned(), |to| shown(&to)),
        ));
    }
    if !status.is_success() {
        return Err(DownloadError::Status(status.as_u16()));
    }
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| failed(&error))? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > limit {
            return Err(DownloadError::TooLong(limit));
        }
    }
    Ok(bytes)
}

fn within_host(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let same = attempt.previous().first().is_some_and(|first| {
        let place = |url: &Url| {
            (
                url.scheme() == "https",
                url.host_str().map(str::to_owned),
                url.port_or_known_default(),
            )
        };
        place(first) == place(attempt.url())
    });
    if same && attempt.previous().len() <= MOST_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// The cause, which names no address: what follows a `?` may be a secret.
fn failed(error: &reqwest::Error) -> DownloadError {
    if let Some(tls) = tls::error_in(error) {
        return DownloadError::Failed(tls::explained("the server", tls));
    }
    if error.is_timeout() {
        return DownloadError::Failed(format!("it did not come within {} s", LIMIT.as_secs()));
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    DownloadError::Failed(cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_and_holds_no_password() {
        for (text, words) in [
            ("http://h/spec.json", "only https://"),
            ("https://user:hunter2@h/spec.json", "a user or a password"),
            ("https://", "it is no URL"),
        ] {
            let error = DownloadUrl::new(text).unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains("hunter2"), "{error}");
        }
        let source = DownloadUrl::new("HTTPS://Example.com:8443/a/spec.json?token=hunter2").unwrap();
        assert_eq!(source.to_string(), "https://example.com:8443/a/spec.json");
        assert_eq!((source.host(), source.port()), ("example.com", 8443));
        assert!(
            DownloadUrl::is_meant("HTTPS://h")
                && !DownloadUrl::is_meant("specs/a.json")
                && !DownloadUrl::is_meant("ftp://h")
        );
    }
}

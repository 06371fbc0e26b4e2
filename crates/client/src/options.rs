//! Where pachd is and how it is talked to, whichever the door.

use std::str::FromStr;
use std::sync::Arc;

use crate::connection::proxy::Proxy;
use crate::connection::tls::{TlsError, Trust};
use crate::connection::token::{InvalidToken, Token};
use crate::gateway::{self, Gateway};
use crate::grpc::{self, Grpc};
use crate::observing::CallObserver;
use crate::pachd::{Expected, Pachd};
use crate::transport::Times;

/// An address that names its door by its scheme: `http://` and `https://` the gateway, `grpc://`, `grpcs://` and others
/// gRPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Gateway(gateway::Address),
    Grpc(grpc::Address),
}

impl FromStr for Address {
    type Err = OpenError;

    /// # Errors
    /// As the door's own address.
    fn from_str(text: &str) -> Result<Self, OpenError> {
        if text.starts_with("http://") || text.starts_with("https://") {
            text.parse().map(Self::Gateway)
        } else {
            text.parse().map(Self::Grpc)
        }
    }
}

/// Where pachd is and how it is talked to. Proxies that the environment names are not used.
#[derive(Debug, Clone)]
pub struct Options<A = Address> {
    pub address: A,
    pub token: Option<Token>,
    /// Who stands between.
    pub proxy: Option<Proxy>,
    /// Who is trusted to be there, for addresses with TLS.
    pub trust: Trust,
    /// Which deployment has to be there. It is asked before anything is done, once.
    pub expected: Option<Expected>,
    pub times: Times,
    /// Who is told of each call.
    pub observer: Option<Arc<dyn CallObserver>>,
}

impl<A> Options<A> {
    /// No token, and times that suit a cluster.
    #[must_use]
    pub fn new(address: A) -> Self {
        Self {
            address,
            token: None,
            proxy: None,
            trust: Trust::System,
            expected: None,
            times: Times::default(),
            observer: None,
        }
    }

    fn at<B>(self, address: B) -> Options<B> {
        Options {
            address,
            token: self.token,
            proxy: self.proxy,
            trust: self.trust,
            expected: self.expected,
            times: self.times,
            observer: self.observer,
        }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the address of pachd cannot be used: {why}")]
    Address { why: String, example: &'static str },
    #[error(transparent)]
    Token(#[from] InvalidToken),
    #[error("the certificates that this system trusts cannot be read: {why}")]
    Certificates { why: String },
    #[error("the {library} client cannot be set up: {why}")]
    Setup { library: &'static str, why: String },
}

impl OpenError {
    pub(crate) fn of_tls(library: &'static str, error: TlsError) -> Self {
        match error {
            TlsError::Certificates { why } => Self::Certificates { why },
            TlsError::Setup { why } => Self::Setup { library, why },
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Address { example, .. } => Some(format!("an address looks like {example}")),
            Self::Token(_) => Some("pass the token alone, without quotes and without a newline".into()),
            Self::Certificates { .. } => {
                Some("install the system's certificates (often the package ca-certificates)".into())
            }
            Self::Setup { .. } => None,
        }
    }
}

/// pachd behind one address. Nothing is sent before the first call.
///
/// # Errors
/// When the client cannot be set up: with TLS, when the system's certificates cannot be read.
pub fn open(options: Options) -> Result<Arc<dyn Pachd>, OpenError> {
    Ok(match options.address.clone() {
        Address::Gateway(address) => Arc::new(Gateway::new(options.at(address))?),
        Address::Grpc(address) => Arc::new(Grpc::new(options.at(address))?),
    })
}

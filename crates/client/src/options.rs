//! Where pachd is and how it is talked to, whichever the door.

use std::str::FromStr;
use std::sync::Arc;

use crate::connection::proxy::Proxy;
use crate::connection::tls::Trust;
use crate::connection::token::Token;
use crate::error::OpenError;
use crate::gateway::address as gateway;
use crate::grpc::address as grpc;
use crate::observing::CallObserver;
use crate::pachd::Expected;
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

/// Where pachd is and how it is talked to. The environment is not read: who names a proxy there has it found by
/// [`Proxy::find`].
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

    pub(crate) fn at<B>(self, address: B) -> Options<B> {
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

/// Where a gateway is and how it is talked to.
pub type GatewayOptions = Options<gateway::Address>;

/// Where pachd's gRPC is and how it is talked to.
pub type GrpcOptions = Options<grpc::Address>;

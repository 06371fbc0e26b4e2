//! One address: the connection, what drives it, and what it means when something on it fails.

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;
use tonic::metadata::MetadataMap;
use tonic::{Code, Response, Status};

use super::connecting::{Heard, Line, NAME, Progress, Stranger, Unreached, Wire};
use crate::connection::engine::Engine;
use crate::connection::{innermost, tls};
use crate::error::OpenError;
use crate::grpc::address::Address;
use crate::options::GrpcOptions;
use crate::transport::Times;

/// The largest message that is read: a default deployment sends pieces of up to 20 MiB.
pub(super) const LARGEST: usize = 32 << 20;

/// A call that did not succeed.
#[derive(Debug)]
pub(in crate::grpc) enum Failed {
    /// The server's answer: a code and words.
    Said(Code, String),
    /// An answer that is no gRPC: its HTTP status, and what it looks like.
    Stranger(u16, String),
    /// It may have been carried out.
    Lost(String),
    /// It never left.
    Unreached(String),
    /// It never left, and trying again will not help: no secure connection, or no gRPC.
    Insecure(String),
    /// This side could not read what it was to send. The call was broken off.
    Local(io::Error),
}

impl Failed {
    /// In the words that came.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Said(code, text) => format!("{code:?}: {text}"),
            Self::Stranger(status, looks) => format!("HTTP {status}: {looks}"),
            Self::Lost(text) | Self::Unreached(text) | Self::Insecure(text) => text.clone(),
            Self::Local(error) => error.to_string(),
        }
    }
}

/// Why a stream was not sent.
pub(super) enum Sent {
    Status(Box<Status>),
    Unready(Box<dyn Error + Send + Sync>),
}

impl From<Box<dyn Error + Send + Sync>> for Sent {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        Self::Unready(error)
    }
}

type Client = tonic::client::Grpc<Wire>;

fn over(wire: Wire) -> Client {
    Client::new(wire).max_decoding_message_size(LARGEST)
}

/// The connection to one address.
#[derive(Debug)]
pub(super) struct Link {
    // Before `engine`, so that it goes first.
    line: Line,
    pub(super) engine: Engine,
    pub(super) address: Address,
    pub(super) times: Times,
    /// A server has spoken gRPC: later garbage is a broken connection, not the wrong port.
    spoke: AtomicBool,
}

impl Link {
    pub(super) fn new(options: GrpcOptions) -> Result<Self, OpenError> {
        let engine = Engine::start("grpc").map_err(|error| OpenError::Setup {
            library: NAME,
            why: error.to_string(),
        })?;
        Ok(Self {
            line: engine.within(|| Line::new(&options))?,
            engine,
            address: options.address,
            times: options.times,
            spoke: AtomicBool::new(false),
        })
    }

    /// For one call.
    pub(super) fn client(&self) -> Client {
        over(self.line.wire())
    }

    /// For one upload, which is broken off when the sender of `broken_off` is dropped.
    pub(super) fn uploading(&self, broken_off: oneshot::Receiver<()>) -> (Client, Progress) {
        let (wire, progress) = self.line.uploading(broken_off);
        (over(wire), progress)
    }

    /// What the connection of the next call has answered so far. Taken before the call has its client.
    pub(super) fn heard(&self) -> Heard {
        self.line.heard()
    }

    /// An answer that may take long did not come since: the next call gets another connection, unless others have had
    /// answers over this one.
    pub(super) fn doubt(&self, heard: &Heard) {
        self.engine.within(|| self.line.doubt(heard));
    }

    /// Nothing moves on a stream: the next call gets another connection, whatever others hear over this one.
    pub(super) fn give_up(&self, heard: &Heard) {
        self.engine.within(|| self.line.give_up(heard));
    }

    pub(super) fn has_spoken(&self) {
        self.spoke.store(true, Ordering::Relaxed);
    }

    /// An answer, if it came to its end.
    pub(super) fn whole<A>(&self, answer: Result<Response<A>, Status>) -> Result<A, Failed> {
        let answer = answer.map_err(|status| self.failed(&status))?;
        self.has_spoken();
        if has_ended(answer.metadata()) {
            Ok(answer.into_inner())
        } else {
            Err(Failed::Lost(CUT.to_owned()))
        }
    }

    pub(super) fn failed_to_send(&self, error: &(dyn Error + 'static)) -> Failed {
        self.sort(error)
            .unwrap_or_else(|| Failed::Unreached(format!("cannot reach {}: {}", self.address, innermost(error))))
    }

    pub(super) fn failed(&self, status: &Status) -> Failed {
        // Without a cause it is the server's own word, or the library's.
        let Some(cause) = status.source() else {
            self.has_spoken();
            if LIBRARY.iter().any(|words| status.message().starts_with(words)) {
                return Failed::Lost(status.message().to_owned());
            }
            return Failed::Said(status.code(), status.message().to_owned());
        };
        self.sort(cause).unwrap_or_else(|| {
            let spoke = self.spoke.load(Ordering::Relaxed);
            if !spoke && NO_HTTP_2.iter().any(|words| innermost(cause).contains(words)) {
                return Failed::Insecure(format!("what answers at {} does not speak gRPC; {HINT}", self.address));
            }
            let mut text = format!(
                "the connection to {} broke before the answer was complete: {}",
                self.address,
                innermost(cause)
            );
            if !self.address.is_tls() && !spoke {
                text.push_str("; ");
                text.push_str(HINT);
            }
            Failed::Lost(text)
        })
    }

    /// What failed, if one of our own errors or TLS is among the causes.
    fn sort(&self, error: &(dyn Error + 'static)) -> Option<Failed> {
        if let Some(tls) = tls::error_in(error) {
            return Some(Failed::Insecure(tls::explained(&self.address.to_string(), tls)));
        }
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(Stranger { status, looks }) = error.downcast_ref() {
                return Some(Failed::Stranger(*status, looks.clone()));
            }
            if let Some(unreached) = error.downcast_ref::<Unreached>() {
                return Some(Failed::Unreached(format!("cannot reach {}: {unreached}", self.address)));
            }
            next = error.source();
        }
        None
    }
}

/// What the library itself says of an answer that it cannot read, or that has no end.
const LIBRARY: [&str; 4] = [
    "protocol error:",
    "Missing response message",
    "Error, decoded message length too large",
    "failed to decode Protobuf message",
];

/// What the HTTP library says of an answer that is no HTTP/2 at all: HTTP/1.1, or an alert of TLS.
const NO_HTTP_2: [&str; 2] = ["frame with invalid size", "unspecific protocol error"];

const HINT: &str = "if the port expects TLS, the address starts with grpcs://, and with http:// if it is the gateway";

pub(super) const CUT: &str = "the answer was cut off: it says nothing of how it ended";

/// Whether the last words of an answer are there.
pub(super) fn has_ended(metadata: &MetadataMap) -> bool {
    metadata.contains_key("grpc-status")
}

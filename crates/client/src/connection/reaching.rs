//! The way to a server, step by step: its name, its port, its certificate. For whoever wants to know where it breaks;
//! those who just want to talk have clients for that.
//!
//! It sends nothing beyond a TLS handshake, and every step has a time limit.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConnection, ProtocolVersion};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::tls::{self, Trust};

/// The addresses that a name has, in the order in which they are tried.
///
/// # Errors
/// Why there are none, in the system's words.
pub fn resolve(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, String> {
    let (done, found) = mpsc::channel();
    let host = host.to_owned();
    // The system's look-up has no time limit of its own that could be set; it is left alone when ours is over.
    std::thread::spawn(move || {
        let addresses = (host.as_str(), port).to_socket_addrs();
        let _ = done.send(addresses.map(Iterator::collect::<Vec<SocketAddr>>));
    });
    match found.recv_timeout(limit) {
        Ok(Ok(addresses)) if addresses.is_empty() => Err("it has no address".to_owned()),
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer from the name servers within {} s", limit.as_secs())),
    }
}

/// Somebody listens.
#[derive(Debug)]
pub struct Reached {
    pub address: SocketAddr,
    pub stream: TcpStream,
    pub within: Duration,
}

/// Connects to the first of these that lets us.
///
/// # Errors
/// Why each of them did not.
pub fn connect(addresses: &[SocketAddr], limit: Duration) -> Result<Reached, Vec<(SocketAddr, io::Error)>> {
    let mut failed = Vec::new();
    for address in addresses {
        let begun = Instant::now();
        match TcpStream::connect_timeout(address, limit) {
            Ok(stream) => {
                return Ok(Reached {
                    address: *address,
                    stream,
                    within: begun.elapsed(),
                });
            }
            Err(error) => failed.push((*address, error)),
        }
    }
    Err(failed)
}

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub subject: String,
    pub issuer: String,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
    /// The names and addresses that it is for.
    pub names: Vec<String>,
}

/// A connection that is as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secured {
    /// `TLS 1.3`
    pub version: &'static str,
    /// The server's own first.
    pub chain: Vec<Certificate>,
}

/// Greets a server by TLS, as a client would that speaks `protocol`.
///
/// # Errors
/// What is wrong, and what mends it.
pub fn greet(
    stream: TcpStream,
    host: &str,
    trust: &Trust,
    protocol: &[u8],
    limit: Duration,
) -> Result<Secured, String> {
    let config = tls::client(trust, protocol).map_err(|error| error.to_string())?;
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|error| error.to_string())?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let shaken = shake_hands(&mut connection, stream, limit);
    shaken.map_err(|error| match tls::error_in(&error) {
        Some(error) => tls::explained(host, error),
        None if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            format!("no answer to a TLS greeting within {} s", limit.as_secs())
        }
        None => format!("the TLS greeting was broken off: {error}"),
    })?;
    let chain = connection.peer_certificates().unwrap_or_default();
    Ok(Secured {
        version: match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
            _ => "TLS",
        },
        chain: chain.iter().filter_map(read).collect(),
    })
}

fn shake_hands(connection: &mut ClientConnection, mut stream: TcpStream, limit: Duration) -> io::Result<()> {
    let deadline = Instant::now() + limit;
    while connection.is_handshaking() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        stream.set_write_timeout(Some(left))?;
        connection.complete_io(&mut stream)?;
    }
    Ok(())
}

fn read(certificate: &CertificateDer<'_>) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let validity = certificate.validity();
    let time = |seconds: i64| Timestamp::from_second(seconds).ok();
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let names = alternatives.iter().flat_map(|extension| &extension.value.general_names);
    Some(Certificate {
        subject: printable(&certificate.subject().to_string()),
        issuer: printable(&certificate.issuer().to_string()),
        not_before: time(validity.not_before.timestamp()),
        not_after: time(validity.not_after.timestamp()),
        names: names.filter_map(name).collect(),
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(printable(name)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|bytes| std::net::IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|bytes| std::net::IpAddr::from(bytes).to_string()),
        },
        _ => None,
    }
}

/// Whoever made a certificate wrote what they liked into it.
fn printable(text: &str) -> String {
    text.escape_debug().to_string()
}

/// Whether a connection did not come about because this process has no file descriptor left (`EMFILE`): that is no
/// fault of the other side.
#[must_use]
pub fn is_out_of_files(cause: &str) -> bool {
    cause.contains("Too many open files")
}

/// What is said then.
#[must_use]
pub fn out_of_files(place: &str) -> String {
    format!("no connection to {place} was tried: too many files are open here; raise the limit (ulimit -n)")
}

//! Encrypted connections: what is trusted, and what it means when one fails. The same for both doors of pachd.
//!
//! An explicit provider, so that nothing depends on what else in the process has set a default one. Which certificates are
//! trusted is the system's matter.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

/// Who may be at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Whoever the system trusts for the name.
    System,
    /// Nobody: for connections that are plain anyway. A container without certificates can then still talk to pachd beside
    /// it.
    Nobody,
}

/// Why there can be no encrypted connection.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the certificates that this system trusts cannot be read: {why}")]
    Certificates { why: String },
    #[error("TLS cannot be set up: {why}")]
    Setup { why: String },
}

/// For connections that speak `protocol`.
///
/// # Errors
/// When the system's certificates cannot be read.
pub fn client(trust: Trust, protocol: &[u8]) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup { why: error.to_string() })?;
    let mut config = match trust {
        Trust::System => builder
            .with_platform_verifier()
            .map_err(|error| TlsError::Certificates { why: error.to_string() })?
            .with_no_client_auth(),
        Trust::Nobody => builder
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth(),
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(config)
}

/// The TLS library's error, which comes wrapped in I/O errors that do not name it as their source.
pub fn error_in<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// What happened at `place`, and what mends it.
#[must_use]
pub fn explained(place: &str, error: &rustls::Error) -> String {
    let advice = match error {
        // What `openssl req -x509` makes unless told otherwise; Go takes it, this library does not.
        rustls::Error::InvalidCertificate(why) if format!("{why:?}").contains("CaUsedAsEndEntity") => {
            "its certificate is marked as an authority's (CA:TRUE); give the server one of its own (CA:FALSE)"
        }
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            "its certificate is not one that this system trusts for that name; \
             add its authority to the system's certificates, or use the name that the certificate has"
        }
        rustls::Error::InvalidMessage(_) => {
            "the port does not speak TLS; if pachd is there, the address starts with http:// or grpc://"
        }
        _ => "no TLS version and cipher in common, or a proxy in between",
    };
    format!("no secure connection to {place}: {error}: {advice}")
}

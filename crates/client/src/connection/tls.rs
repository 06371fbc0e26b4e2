//! Encrypted connections: what is trusted, and what it means when one fails. The same for both doors of pachd.
//!
//! An explicit provider, so that nothing depends on what else in the process has set a default one. Which certificates
//! are trusted is the system's matter, unless somebody has given some.

mod verifying;

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use self::verifying::{GivenOnly, NoQuestions};

/// Who may be at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Whoever the system trusts for the name.
    System,
    /// Whoever these trust for the name, and nobody else.
    Given(Authorities),
    /// Whoever answers: what goes there can be read and changed on its way.
    Anybody,
    /// Nobody: for connections that are plain anyway. A container without certificates can then still talk to pachd
    /// beside it.
    Nobody,
}

/// Certificates that are trusted instead of the system's: of authorities, or of servers themselves.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorities(Vec<CertificateDer<'static>>);

/// Why certificates cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAuthorities {
    #[error("this is no PEM: {0}")]
    NoPem(String),
    #[error("there is no certificate in it")]
    Empty,
    #[error("certificate {number} cannot be used: {why}")]
    Unusable { number: usize, why: String },
}

impl Authorities {
    /// # Errors
    /// When it is no PEM, has no certificate, or one that cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidAuthorities> {
        let mut certificates = Vec::new();
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| InvalidAuthorities::NoPem(error.to_string()))?;
            store
                .add(certificate.clone())
                .map_err(|error| InvalidAuthorities::Unusable {
                    number: certificates.len() + 1,
                    why: error.to_string(),
                })?;
            certificates.push(certificate);
        }
        if certificates.is_empty() {
            return Err(InvalidAuthorities::Empty);
        }
        Ok(Self(certificates))
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.0.len())
    }
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
pub fn client(trust: &Trust, protocol: &[u8]) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup { why: error.to_string() })?;
    let mut config = match trust {
        Trust::System => builder
            .with_platform_verifier()
            .map_err(|error| TlsError::Certificates { why: error.to_string() })?
            .with_no_client_auth(),
        Trust::Given(authorities) => builder
            .dangerous()
            .with_custom_certificate_verifier(given_only(authorities, provider)?)
            .with_no_client_auth(),
        Trust::Anybody => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(NoQuestions::new(provider)))
            .with_no_client_auth(),
        Trust::Nobody => builder
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth(),
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(config)
}

fn given_only(authorities: &Authorities, provider: Arc<CryptoProvider>) -> Result<Arc<GivenOnly>, TlsError> {
    let verifier = GivenOnly::new(&authorities.0, provider);
    verifier.map(Arc::new).map_err(|why| TlsError::Setup { why })
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
            "its certificate is marked as an authority's (CA:TRUE); give the server one of its own (CA:FALSE), or \
             trust this very one: --cacert FILE"
        }
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired, or the clock of this machine is wrong; the server needs a new one"
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another name; use one that the certificate has",
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            "its certificate is not one that is trusted here for that name; name its authority with --cacert FILE, or \
             add it to the system's certificates, or use the name that the certificate has"
        }
        rustls::Error::InvalidMessage(_) => {
            "the port does not speak TLS; if pachd is there, the address starts with http:// or grpc://"
        }
        _ => "no TLS version and cipher in common, or a proxy in between",
    };
    format!("no secure connection to {place}: {error}: {advice}")
}

//! Why there is no client.

use crate::connection::tls::TlsError;
use crate::connection::token::InvalidToken;

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

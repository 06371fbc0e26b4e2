//! Where pachd is and who we are: flags over environment. The only module that reads environment variables that are no
//! flag's.

pub mod project;

use std::path::{Path, PathBuf};

/// Which store was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `http://` or `https://`: pachd's HTTP gateway.
    Gateway(String),
    /// `grpc://HOST:PORT`: pachd's own door; what stands after the scheme.
    Grpc(String),
    /// `local:DIR`: the embedded store.
    Local(PathBuf),
}

/// Why no store can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("no pachd is named")]
    Missing,
    #[error("`local:` names no directory")]
    NoDirectory,
    #[error("the shell leaves the `~` of `local:~` as it is")]
    Tilde,
    #[error("{0}:// is gRPC with TLS, which this version does not speak")]
    Grpc(String),
    #[error("`{0}` is no address of a pachd")]
    Unknown(String),
}

impl AddressError {
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Missing => {
                "name one with --pachd or PACHD_ADDRESS: http://HOST:PORT or https://HOST, or local:DIR for \
                 a store in a directory, without any server"
                    .to_owned()
            }
            Self::Tilde => "write local:$HOME/… instead".to_owned(),
            Self::NoDirectory => "write --pachd local:DIR".to_owned(),
            Self::Grpc(_) | Self::Unknown(_) => {
                "write http://HOST:PORT or https://HOST (the HTTP gateway of pachd 2.8 \
                 and newer), or local:DIR"
                    .to_owned()
            }
        }
    }
}

impl Address {
    /// # Errors
    /// When the text, from `--pachd` or `PACHD_ADDRESS`, names no store that we can talk to.
    pub fn new(text: Option<&str>) -> Result<Self, AddressError> {
        let text = text.filter(|text| !text.is_empty()).ok_or(AddressError::Missing)?;
        if let Some(directory) = text.strip_prefix("local:") {
            return match directory {
                "" => Err(AddressError::NoDirectory),
                home if home == "~" || home.starts_with("~/") => Err(AddressError::Tilde),
                directory => Ok(Self::Local(PathBuf::from(directory))),
            };
        }
        match text.split_once("://") {
            Some(("http" | "https", _)) => Ok(Self::Gateway(text.to_owned())),
            Some(("grpc", address)) => Ok(Self::Grpc(address.to_owned())),
            Some((scheme @ "grpcs", _)) => Err(AddressError::Grpc(scheme.to_owned())),
            _ => Err(AddressError::Unknown(without_userinfo(text))),
        }
    }
}

/// What stands before an `@` may be a password; an error must not repeat it.
fn without_userinfo(text: &str) -> String {
    let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    shown.escape_debug().to_string()
}

/// The token of `PACH_TOKEN`, if it is set and not empty.
#[must_use]
pub fn token() -> Option<String> {
    std::env::var_os("PACH_TOKEN")
        .filter(|token| !token.is_empty())
        .map(|token| token.to_string_lossy().into_owned())
}

/// Where temporary files go: the flag, `TMPDIR`, `/var/tmp`. Not `/tmp`, which is often memory.
#[must_use]
pub fn temporary_directory(flag: Option<&Path>) -> PathBuf {
    let from_environment = || {
        std::env::var_os("TMPDIR")
            .filter(|dir| !dir.is_empty())
            .map(PathBuf::from)
    };
    flag.map(Path::to_owned)
        .or_else(from_environment)
        .unwrap_or_else(|| PathBuf::from("/var/tmp"))
}

/// Whether text gets colours where nobody said so on the command line: <https://no-color.org>, then `CLICOLOR_FORCE`, then
/// whether somebody sees it.
#[must_use]
pub fn colour(on_screen: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let is_dumb = set("TERM").is_some_and(|term| term == "dumb");
    let forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    set("NO_COLOR").is_none() && (forced || (on_screen && !is_dumb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_gateway_or_a_directory() {
        assert_eq!(Address::new(Some("local:dir")), Ok(Address::Local("dir".into())));
        assert_eq!(
            Address::new(Some("https://pach")),
            Ok(Address::Gateway("https://pach".into()))
        );
        assert_eq!(Address::new(None), Err(AddressError::Missing));
        assert_eq!(Address::new(Some("")), Err(AddressError::Missing));
        assert_eq!(Address::new(Some("grpc://h:1")), Ok(Address::Grpc("h:1".into())));
        assert_eq!(Address::new(Some("grpcs://h")), Err(AddressError::Grpc("grpcs".into())));
    }

    #[test]
    fn an_error_never_repeats_a_password() {
        let error = Address::new(Some("ftp://user:secret@host")).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

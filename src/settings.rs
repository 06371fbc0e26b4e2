//! Where pachd is and who we are: flags over environment. The only module that reads environment variables that are no
//! flag's.

mod pod;
pub mod project;
mod token;

use std::path::{Path, PathBuf};

pub use self::pod::Pod;
pub use self::token::{TokenError, token};

/// Which store was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `http://` or `https://`: pachd's HTTP gateway.
    Gateway(String),
    /// `grpc://` or `grpcs://`: pachd's gRPC.
    Grpc(String),
    /// `local:DIR`: the embedded store.
    Local(PathBuf),
    /// The sidecar of the pod that we run in.
    Sidecar(Pod),
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
    #[error("`{0}` is no address of a pachd")]
    Unknown(String),
}

impl AddressError {
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Missing => {
                "name one with --pachd or PACHD_ADDRESS: grpc://HOST:PORT or grpcs://HOST, http://HOST:PORT or \
                 https://HOST, or local:DIR for a store in a directory, without any server"
                    .to_owned()
            }
            Self::Tilde => "write local:$HOME/… instead".to_owned(),
            Self::NoDirectory => "write --pachd local:DIR".to_owned(),
            Self::Unknown(_) => {
                "write grpc://HOST:PORT or grpcs://HOST (every pachd since 1.12), http://HOST:PORT or https://HOST (the \
                 HTTP gateway of pachd 2.8 and newer), or local:DIR"
                    .to_owned()
            }
        }
    }
}

impl Address {
    /// What is named by `flag`; else, in a pipeline's pod, its sidecar; else what `PACHD_ADDRESS` names. A spout's own repo
    /// can be written through the sidecar alone, and pachctl looks there first too.
    ///
    /// # Errors
    /// When nothing names a store that we can talk to.
    pub fn find(flag: Option<&str>) -> Result<Self, AddressError> {
        if let Some(text) = flag {
            return Self::new(text);
        }
        if let Some(pod) = Pod::ours() {
            return Ok(Self::Sidecar(pod));
        }
        match std::env::var_os("PACHD_ADDRESS") {
            Some(text) if !text.is_empty() => Self::new(&text.to_string_lossy()),
            _ => Err(AddressError::Missing),
        }
    }

    /// # Errors
    /// When the text names no store that we can talk to.
    pub fn new(text: &str) -> Result<Self, AddressError> {
        if let Some(directory) = text.strip_prefix("local:") {
            return match directory {
                "" => Err(AddressError::NoDirectory),
                home if home == "~" || home.starts_with("~/") => Err(AddressError::Tilde),
                directory => Ok(Self::Local(PathBuf::from(directory))),
            };
        }
        match text.split_once("://") {
            Some(("http" | "https", _)) => Ok(Self::Gateway(text.to_owned())),
            Some(("grpc" | "grpcs", _)) => Ok(Self::Grpc(text.to_owned())),
            _ if text.is_empty() => Err(AddressError::Missing),
            _ => Err(AddressError::Unknown(without_userinfo(text))),
        }
    }
}

/// What stands before an `@` may be a password; an error must not repeat it.
fn without_userinfo(text: &str) -> String {
    let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    shown.escape_debug().to_string()
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
    fn an_address_names_a_door_or_a_directory() {
        assert_eq!(Address::new("local:dir"), Ok(Address::Local("dir".into())));
        assert_eq!(
            Address::new("https://pach"),
            Ok(Address::Gateway("https://pach".into()))
        );
        assert_eq!(Address::new("grpcs://h"), Ok(Address::Grpc("grpcs://h".into())));
        assert_eq!(Address::new(""), Err(AddressError::Missing));
    }

    #[test]
    fn an_error_never_repeats_a_password() {
        let error = Address::new("ftp://user:secret@host").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

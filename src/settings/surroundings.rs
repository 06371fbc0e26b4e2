//! The environment, and where something was said.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::address::AddressError;
use pachyderm_client::connection::proxy::{InvalidProxy, Proxy, Traffic};

/// Where pachd puts pachctl's configuration in a pod.
const IN_A_POD: &str = "/pachctl/config.json";

/// What is around us: the environment, and where pachd puts its configuration in a pod.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    pub in_a_pod: &'a Path,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Surroundings(…)")
    }
}

impl Surroundings<'static> {
    /// Those of this process.
    pub fn ours() -> Self {
        Self {
            variable: &|name| std::env::var_os(name),
            in_a_pod: Path::new(IN_A_POD),
        }
    }
}

impl Surroundings<'_> {
    pub(super) fn set(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.set(name).map(|value| value.to_string_lossy().into_owned())
    }

    /// Who stands between here and a file behind `https://`.
    ///
    /// # Errors
    /// When a variable names a proxy that cannot be used.
    pub fn proxy_to(&self, host: &str, port: u16) -> Result<Option<Proxy>, InvalidProxy> {
        Proxy::find(host, port, Traffic::Tunnel, &|name| self.text(name))
    }

    /// What `PACHD_ADDRESS` says.
    ///
    /// # Errors
    /// When it is set to nothing. As for pachctl, the active context does not count then: whoever wrote
    /// `PACHD_ADDRESS=$ADDRESS` meant another cluster.
    pub(super) fn address(&self) -> Result<Option<String>, AddressError> {
        match (self.variable)("PACHD_ADDRESS") {
            Some(text) if text.is_empty() => Err(AddressError::Empty),
            text => Ok(text.map(|text| text.to_string_lossy().into_owned())),
        }
    }

    /// The context that `PACH_CONTEXT` names.
    pub fn context_name(&self) -> Option<String> {
        self.text("PACH_CONTEXT")
    }

    /// Whether `PACH_TOKEN` holds one.
    pub fn has_token(&self) -> bool {
        self.set("PACH_TOKEN").is_some()
    }

    /// pachctl's configuration: `PACH_CONFIG`, the pod's, the user's own. `None` without a home.
    pub fn config_path(&self) -> Option<PathBuf> {
        if let Some(path) = self.set("PACH_CONFIG") {
            return Some(PathBuf::from(path));
        }
        if self.in_a_pod.exists() {
            return Some(self.in_a_pod.to_owned());
        }
        let home = self.set("HOME")?;
        Some(Path::new(&home).join(".pachyderm/config.json"))
    }
}

/// Where something was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag, or the variable that stands for it.
    Flag(&'static str),
    Variable(&'static str),
    /// The variables that pachd sets in a pod.
    Pod,
    Context {
        name: String,
        path: PathBuf,
    },
    File(PathBuf),
    /// A line of a settings file.
    Setting {
        path: PathBuf,
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            Self::Pod => f.write_str("the pod's environment"),
            Self::Context { name, path } => write!(f, "context `{}` in {}", name.escape_debug(), path.display()),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Setting { path, line } => write!(f, "{}:{line}", path.display()),
        }
    }
}

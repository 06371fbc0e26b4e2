//! Where pachd is and who we are: flags, the environment, pachctl's configuration. The only module that reads environment
//! variables that are no flag's.
//!
//! | module | holds |
//! |---|---|
//! | `search` | what counts, in which order, and where it was said |
//! | `contexts` | pachctl's configuration |
//! | `address` | what an address may look like |
//! | `pod` | the pod of a pipeline |
//! | `project` | `spoutctl.toml` |
//! | `user` | the user's own file |
//! | `preferences` | what of verbs' options can stand in these two, and in variables |
//! | `file` | what the two have in common |

mod address;
pub mod contexts;
mod file;
mod pod;
pub mod preferences;
pub mod project;
pub mod search;
pub mod user;

use std::path::{Path, PathBuf};

pub use self::address::{Address, AddressError};
pub use self::file::FileError;
pub use self::pod::Pod;
pub use self::search::{Asked, Origin, SearchError, Server, Surroundings};

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

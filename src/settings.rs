//! Where pachd is and who we are: flags, the environment, pachctl's configuration. The only module that reads
//! environment variables that are no flag's.
//!
//! | module | holds |
//! |---|---|
//! | `search` | what counts, in which order, and where it was said |
//! | `surroundings` | the environment, and where something was said |
//! | `contexts` | pachctl's configuration |
//! | `address` | what an address may look like |
//! | `pod` | the pod of a pipeline |
//! | `project` | `spoutctl.toml` |
//! | `user` | the user's own file |
//! | `streams` | the file of `run` |
//! | `preferable` | what of verbs' options can stand in these two, and in variables |
//! | `preferences` | what of it holds here |
//! | `file` | what these files have in common |

mod address;
pub mod contexts;
mod file;
mod pod;
mod preferable;
pub mod preferences;
pub mod project;
pub mod search;
pub mod streams;
mod surroundings;
pub mod user;

use std::path::{Path, PathBuf};

pub use self::address::{Address, AddressError, of_store};
pub use self::file::FileError;
pub use self::pod::Pod;
pub use self::search::{SearchError, Server, ServerFlags};
pub use self::surroundings::{Origin, Surroundings};

/// Where temporary files go: the flag; else the first of `TMPDIR`, `/var/tmp` and `/tmp` that can be written. Not
/// `/tmp` at first, which is often memory; where a container's root is read-only it is all there is.
pub fn temporary_directory(flag: Option<&Path>) -> PathBuf {
    flag.map_or_else(
        || {
            let candidates = tmpdir().into_iter().chain(["/var/tmp", "/tmp"].map(PathBuf::from));
            first_writable(candidates.collect())
        },
        Path::to_owned,
    )
}

/// What `TMPDIR` says.
pub fn tmpdir() -> Option<PathBuf> {
    let set = std::env::var_os("TMPDIR").filter(|dir| !dir.is_empty());
    set.map(PathBuf::from)
}

/// The first one where none can be written: then that is said of it.
fn first_writable(candidates: Vec<PathBuf>) -> PathBuf {
    let found = candidates.iter().position(|dir| tempfile::tempfile_in(dir).is_ok());
    candidates.into_iter().nth(found.unwrap_or(0)).unwrap_or_default()
}

/// Variables of ours that a program which we start does not get: pachd's own secrets in a pipeline's pod, which are in
/// our environment because its worker does not take them out.
pub fn withheld_from_children() -> Vec<&'static str> {
    pod::withheld(&|name| std::env::var_os(name).is_some())
}

/// Whether text gets colours where nobody said so on the command line: <https://no-color.org>, then `CLICOLOR_FORCE`,
/// then whether somebody sees it.
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
    fn temporary_files_go_where_they_can() {
        let good = tempfile::tempdir().unwrap();
        let good = good.path().to_owned();
        let bad = good.join("not-there");
        assert_eq!(first_writable(vec![bad.clone(), good.clone(), "/tmp".into()]), good);
        assert_eq!(first_writable(vec![bad.clone(), bad.join("nor-this")]), bad);
    }
}

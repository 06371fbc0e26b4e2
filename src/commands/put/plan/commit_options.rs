//! What a spool remembers of the flags that its archives were taken in with, and the command line that it makes again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use crate::cli::{OnBad, PutArgs};
use crate::settings::Address;
use spoutctl_archive::DEFAULT_MAX_ARCHIVE_SIZE;
use spoutctl_core::pfs::Destination;
use spoutctl_delivery::Batching;
use spoutctl_delivery::spool::CommitOptions;

/// Among the spool's options: what waits must not leave it without an acknowledgement.
pub(in crate::commands::put) const ACKNOWLEDGED: &str = "acknowledgement";
/// Among them: the messages of the archives are counted over the life of the stream.
const MESSAGES: &str = "messages";
/// All of them, a line each.
const ROUTES: &str = "--route";

/// The command line of the `put` that a spool's archives were taken in by.
pub(in crate::commands) fn command_line(dir: &Path, options: &CommitOptions) -> Vec<OsString> {
    let mut line: Vec<OsString> = vec!["spoutctl".into(), "put".into(), "--spool".into(), dir.into()];
    for (name, value) in &options.0 {
        match name.as_str() {
            // Who is told, and how, is said anew.
            ACKNOWLEDGED => {}
            // The archives are made already.
            MESSAGES => {}
            "DEST" => line.push(value.into()),
            "--append" | "--escape-paths" | "--obey-deletions" => line.push(name.into()),
            ROUTES => line.extend(value.lines().map(|route| format!("--route={route}").into())),
            _ => line.push(format!("{name}={value}").into()),
        }
    }
    line
}

/// Whether the marks of their commits say which messages they hold.
pub(in crate::commands) fn count_messages(options: &CommitOptions) -> bool {
    options.0.contains_key(MESSAGES)
}

/// What shapes a commit, by the names of the flags.
pub(super) fn of(
    args: &PutArgs,
    destination: &Destination,
    address: &Address,
    batching: Option<Batching>,
    counts_messages: bool,
) -> CommitOptions {
    let mut options = BTreeMap::new();
    let mut add = |name: &str, value: String| options.insert(name.to_owned(), value);
    add("DEST", destination.to_string());
    // Another directory is another store; a cluster says itself which it is.
    if let Address::Local(dir) = address {
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
        add("--pachd", format!("local:{}", dir.display()));
    }
    if args.commits.append {
        add("--append", "yes".to_owned());
    }
    if let Some(branch) = &args.commits.staging {
        add("--staging", branch.to_string());
    }
    let routes: Vec<&str> = args.commits.routes.iter().map(|route| route.text.as_str()).collect();
    if !routes.is_empty() {
        add(ROUTES, routes.join("\n"));
    }
    if counts_messages {
        add(MESSAGES, "counted".to_owned());
    }
    if let Some(message) = &args.commits.message {
        add("--message", message.clone());
    }
    // Names that messages give are made as they have to be before the spool.
    if args.entries.escape_paths && args.messages.messages.is_none() {
        add("--escape-paths", "yes".to_owned());
    }
    if args.entries.obey_deletions {
        add("--obey-deletions", "yes".to_owned());
    }
    // Other bounds than before are allowed; `spool --send` has the same ones.
    if let Some(batching) = batching {
        add("--batch-count", batching.count.to_string());
        add("--batch-bytes", batching.bytes.to_string());
        add("--batch-period", format!("{}s", batching.period.as_secs_f64()));
        if batching.adaptive {
            add("--batch", "adaptive".to_owned());
        }
    }
    if let OnBad::Repo(aside) = &args.entries.on_bad {
        add("--on-bad", aside.text.clone());
    }
    if args.acknowledging.ack_fd.is_some() || args.acknowledging.ack_command.is_some() {
        add(ACKNOWLEDGED, "yes".to_owned());
    }
    add("--links", format!("{:?}", args.entries.links).to_lowercase());
    add("--special", format!("{:?}", args.entries.special).to_lowercase());
    add("--max-entry-size", args.entries.max_entry_size.to_string());
    // Spools of before know none.
    if args.entries.max_archive_size != DEFAULT_MAX_ARCHIVE_SIZE {
        add("--max-archive-size", args.entries.max_archive_size.to_string());
    }
    CommitOptions(options)
}

//! A store in a directory: whether it is one, and whether there is room.

use std::path::Path;

use crate::commands::server::store_failure;
use spoutctl_core::exit::Exit;
use spoutctl_core::quantity::Size;
use spoutctl_delivery::examination::{Check, Finding};
use spoutctl_store::Store;

/// Below this the next archives may not fit.
const LITTLE: u64 = 1 << 30;

pub(super) fn look(directory: &Path) -> Vec<Finding> {
    let store = match Store::open_existing(directory) {
        Ok(_) => Finding::fine(Check::Store, directory.display().to_string()),
        Err(error) => {
            let failure = store_failure(&error);
            let mut finding = Finding::fault(Check::Store, failure.exit, failure.heading);
            finding.details = failure.details;
            finding.next = failure.help;
            finding
        }
    };
    if store.is_fault() {
        return vec![store];
    }
    vec![store, room(directory)]
}

fn room(directory: &Path) -> Finding {
    match rustix::fs::statvfs(directory) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let said = format!("{} free", Size(free));
            match free {
                0 => Finding::fault(Check::Disk, Exit::Input, "the disk is full"),
                little if little < LITTLE => Finding::warning(Check::Disk, said),
                _ => Finding::fine(Check::Disk, said),
            }
        }
        Err(error) => Finding::warning(Check::Disk, format!("nobody says how much is free: {error}")),
    }
}

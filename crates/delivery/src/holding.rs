//! How much of the archives in hand is held.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many bytes of archives are held now, all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    pub in_memory: u64,
    /// In temporary files, those of a spool not counted.
    pub on_disk: u64,
}

/// How many bytes one archive has in temporary files: none any more when this goes.
#[derive(Debug, Default)]
pub(super) struct DiskShare {
    bytes: AtomicU64,
    all: Arc<AtomicU64>,
}

impl DiskShare {
    pub fn of(all: &Arc<AtomicU64>) -> Self {
        Self {
            bytes: AtomicU64::new(0),
            all: Arc::clone(all),
        }
    }

    pub fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.all.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn give_back(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.all.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for DiskShare {
    fn drop(&mut self) {
        self.give_back(self.bytes.load(Ordering::Relaxed));
    }
}

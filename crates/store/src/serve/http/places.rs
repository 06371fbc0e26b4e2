//! Room for connections, and places for what is carried out: whoever is slow gives way first.
//!
//! A connection takes a place only when the head of a request is complete, and until its answer is sent. So neither heads that
//! never end nor idle connections keep anybody from being answered; and of the bodies that are sent slowly, one ends for each
//! request that waits for a place.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a request waits for a place.
const PLACE_TIME: Duration = Duration::from_secs(5);

/// Places for calls that are carried out at a time.
pub(super) struct Places {
    free: Arc<Semaphore>,
    wanted: Notify,
}

impl Places {
    pub fn new(number: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(number)),
            wanted: Notify::new(),
        }
    }

    /// A place, which is free again when the permit is dropped; `None` when there was none for a while.
    pub async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(place);
        }
        self.wanted.notify_one();
        let place = timeout(PLACE_TIME, Arc::clone(&self.free).acquire_owned()).await;
        place.ok()?.ok()
    }

    /// Ends when somebody waits for a place, for one of those who wait for that.
    pub async fn is_wanted(&self) {
        loop {
            self.wanted.notified().await;
            // It may have been told long ago.
            if self.free.available_permits() == 0 {
                return;
            }
        }
    }
}

/// A client's connection, as others see it.
#[derive(Default)]
pub(super) struct Connection {
    requests: AtomicUsize,
    dismissed: Notify,
}

/// A request whose head is complete and whose answer is not sent yet.
pub(super) struct InProgress(Arc<Connection>);

impl Connection {
    pub fn begin(self: &Arc<Self>) -> InProgress {
        self.requests.fetch_add(1, Ordering::Relaxed);
        InProgress(Arc::clone(self))
    }

    /// Ends when it has to make room.
    pub async fn dismissed(&self) {
        self.dismissed.notified().await;
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// All that are open, in the order in which they came.
pub(super) struct Connections {
    room: Arc<Semaphore>,
    open: Mutex<BTreeMap<u64, Arc<Connection>>>,
}

/// Where a connection stands among the others, as long as it is open.
pub(super) struct Entered {
    pub connection: Arc<Connection>,
    number: u64,
    connections: Arc<Connections>,
    _room: OwnedSemaphorePermit,
}

impl Connections {
    const LOOK_AGAIN: Duration = Duration::from_millis(100);

    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            room: Arc::new(Semaphore::new(most)),
            open: Mutex::default(),
        })
    }

    /// Waits for room; where there is none, the connection makes it that has been without a request for the longest time.
    pub async fn enter(self: &Arc<Self>, number: u64) -> Option<Entered> {
        let room = loop {
            if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
                break room;
            }
            self.dismiss_one();
            if let Ok(room) = timeout(Self::LOOK_AGAIN, Arc::clone(&self.room).acquire_owned()).await {
                break room.ok()?;
            }
        };
        let connection = Arc::<Connection>::default();
        self.lock().insert(number, Arc::clone(&connection));
        Some(Entered {
            connection,
            number,
            connections: Arc::clone(self),
            _room: room,
        })
    }

    /// Ends one that has no request, the first that came.
    pub fn dismiss_one(&self) {
        let open = self.lock();
        let idle = open.values().find(|one| one.requests.load(Ordering::Relaxed) == 0);
        if let Some(idle) = idle {
            idle.dismissed.notify_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.number);
    }
}

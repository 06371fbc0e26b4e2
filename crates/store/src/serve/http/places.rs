//! Room for connections, and places for what is carried out: whoever is slow gives way first.
//!
//! A connection takes a place only when the head of a request is complete, and until its answer is sent. So neither
//! heads that never end nor idle connections keep anybody from being answered; and of the bodies that are sent slowly,
//! one ends for each request that waits for a place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a request waits for a place.
const PLACE_TIME: Duration = Duration::from_secs(5);

/// Places for calls that are carried out at a time.
pub(super) struct Places {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
    wanted: Notify,
}

/// Requests that wait for a place and that nobody has given way to, by numbers in the order in which they came.
#[derive(Default)]
struct Waiting {
    next: u64,
    numbers: BTreeSet<u64>,
}

/// A request that waits. When it does not do so any more, nobody has to give way to it.
struct Waiter<'a> {
    places: &'a Places,
    number: u64,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.places.waiting().numbers.remove(&self.number);
    }
}

impl Places {
    pub fn new(number: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(number)),
            waiting: Mutex::default(),
            wanted: Notify::new(),
        }
    }

    /// A place, which is free again when the permit is dropped; `None` when there was none for a while.
    pub async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(place);
        }
        let _waiter = self.wait();
        let place = timeout(PLACE_TIME, Arc::clone(&self.free).acquire_owned()).await;
        place.ok()?.ok()
    }

    fn wait(&self) -> Waiter<'_> {
        let mut waiting = self.waiting();
        let number = waiting.next;
        waiting.next += 1;
        waiting.numbers.insert(number);
        self.wanted.notify_one();
        Waiter { places: self, number }
    }

    /// Ends when somebody waits for a place, once for each of those: whoever is told gives way to the first of them,
    /// which gets the next place.
    pub async fn is_wanted(&self) {
        loop {
            {
                let mut waiting = self.waiting();
                if waiting.numbers.pop_first().is_some() {
                    // However many have come to wait, what is told to nobody yet is told to one alone.
                    if !waiting.numbers.is_empty() {
                        self.wanted.notify_one();
                    }
                    return;
                }
            }
            self.wanted.notified().await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock()
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

    /// Ends when it has to make room, and has no request that came since it was told so.
    pub async fn dismissed(&self) {
        loop {
            self.dismissed.notified().await;
            if self.requests.load(Ordering::Relaxed) == 0 {
                return;
            }
        }
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

    /// Waits for room; where there is none, the connection makes it that has been without a request for the longest
    /// time.
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
        self.open.lock().insert(number, Arc::clone(&connection));
        Some(Entered {
            connection,
            number,
            connections: Arc::clone(self),
            _room: room,
        })
    }

    /// Ends one that has no request, the first that came.
    pub fn dismiss_one(&self) {
        let open = self.open.lock();
        let idle = open.values().find(|one| one.requests.load(Ordering::Relaxed) == 0);
        if let Some(idle) = idle {
            idle.dismissed.notify_one();
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.connections.open.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Waker};

    use super::*;

    fn is_done<F: Future>(future: Pin<&mut F>) -> bool {
        future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[tokio::test]
    async fn one_gives_way_to_each_that_waits_however_late_it_is_slow() {
        let places = Places::new(1);
        let place = places.take().await.unwrap();
        let mut first = pin!(places.take());
        let mut second = pin!(places.take());
        assert!(!is_done(first.as_mut()) && !is_done(second.as_mut()));
        // One is slow, gives way, and its place is taken.
        assert!(is_done(pin!(places.is_wanted())));
        drop(place);
        let place = first.await.unwrap();
        // Only now another is.
        assert!(is_done(pin!(places.is_wanted())));
        assert!(!is_done(pin!(places.is_wanted())), "nobody else waits");
        drop(place);
        assert!(second.await.is_some());
    }

    #[tokio::test]
    async fn all_that_are_slow_already_hear_of_all_that_come_to_wait() {
        let places = Places::new(1);
        let _place = places.take().await.unwrap();
        let mut slow = [0; 3].map(|_| Box::pin(places.is_wanted()));
        assert!(slow.iter_mut().all(|slow| !is_done(slow.as_mut())));
        let mut waiting = [0; 2].map(|_| Box::pin(places.take()));
        assert!(waiting.iter_mut().all(|one| !is_done(one.as_mut())));
        let told = slow.iter_mut().filter_map(|slow| is_done(slow.as_mut()).then_some(()));
        assert_eq!(told.count(), 2);
    }

    #[tokio::test]
    async fn nobody_gives_way_to_who_is_gone_or_has_a_place() {
        let places = Places::new(1);
        let place = places.take().await.unwrap();
        {
            let mut gone = pin!(places.take());
            assert!(!is_done(gone.as_mut()));
        }
        assert!(!is_done(pin!(places.is_wanted())));
        let mut served = pin!(places.take());
        assert!(!is_done(served.as_mut()));
        drop(place);
        let _place = served.await.unwrap();
        assert!(!is_done(pin!(places.is_wanted())));
    }

    #[tokio::test]
    async fn a_connection_that_has_got_a_request_meanwhile_is_not_ended() {
        let connections = Connections::new(1);
        let entered = connections.enter(0).await.unwrap();
        connections.dismiss_one();
        let request = entered.connection.begin();
        let mut dismissed = pin!(entered.connection.dismissed());
        assert!(!is_done(dismissed.as_mut()));
        drop(request);
        connections.dismiss_one();
        assert!(is_done(dismissed.as_mut()));
    }
}

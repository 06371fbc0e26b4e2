//! Connections to pachd that several streams of a process share.
//!
//! A connection carries many calls at once, but a proxy may let only a hundred of them through (Envoy is often set so),
//! and a wait for a commit takes its place for a minute. So it has a bounded number of users.

use std::sync::{Arc, Weak};

use super::server;
use crate::failure::Failure;
use crate::settings::Server;
use crate::terminal::Terminal;
use pachyderm_client::Pachd;
use pachyderm_client::pachd::Followable;
use parking_lot::Mutex;
use spoutctl_delivery::CommitSink;

/// How many streams use one connection. Each has two calls under way, rarely more.
const STREAMS_EACH: usize = 16;

/// Those that are open, as long as somebody uses them.
#[derive(Default)]
pub(super) struct Connections {
    opened: Mutex<Vec<Opened>>,
}

struct Opened {
    server: Server,
    pachd: Weak<dyn Pachd>,
    users: Weak<()>,
}

/// A place on a connection, or a store in a directory.
pub(super) struct Connection {
    to: To,
    /// Counted as long as it is there.
    _user: Option<Arc<()>>,
}

enum To {
    Pachd(Arc<dyn Pachd>),
    Directory(Box<Server>),
}

impl Connections {
    /// To this server, as one that is open already or anew. Nothing is sent before the first call.
    ///
    /// # Errors
    /// When it cannot be meant.
    pub fn to(&self, server: &Server, terminal: &Terminal) -> Result<Connection, Failure> {
        let mut opened = self.opened.lock();
        opened.retain(|one| one.users.strong_count() > 0);
        let open = opened.iter().find_map(|one| {
            let has_room = one.users.strong_count() < STREAMS_EACH && one.server.is_reached_as(server);
            has_room.then(|| Some((one.pachd.upgrade()?, one.users.upgrade()?)))?
        });
        if let Some((pachd, user)) = open {
            return Ok(Connection {
                to: To::Pachd(pachd),
                _user: Some(user),
            });
        }
        let Some(pachd) = server::pachd(server, terminal)? else {
            return Ok(Connection {
                to: To::Directory(Box::new(server.clone())),
                _user: None,
            });
        };
        let user = Arc::new(());
        opened.push(Opened {
            server: server.clone(),
            pachd: Arc::downgrade(&pachd),
            users: Arc::downgrade(&user),
        });
        Ok(Connection {
            to: To::Pachd(pachd),
            _user: Some(user),
        })
    }
}

impl Connection {
    /// The store to write to; a directory is made where it is missing.
    pub fn sink(&self, terminal: &Terminal) -> Result<Arc<dyn CommitSink>, Failure> {
        match &self.to {
            To::Pachd(pachd) => Ok(Arc::clone(pachd) as _),
            To::Directory(server) => server::sink(server, terminal),
        }
    }

    /// The store to read from.
    pub fn feed(&self, terminal: &Terminal) -> Result<Arc<dyn Followable>, Failure> {
        match &self.to {
            To::Pachd(pachd) => Ok(Arc::clone(pachd) as _),
            To::Directory(server) => server::feed(server, terminal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ServerFlags, Surroundings};
    use crate::terminal::Verbosity;

    fn server(pachd: &str) -> Server {
        let asked = ServerFlags {
            pachd: Some(pachd),
            ..ServerFlags::default()
        };
        Server::find(&asked, &Surroundings::ours()).unwrap()
    }

    #[test]
    fn a_connection_is_shared_by_a_bounded_number_and_closed_after_the_last() {
        let connections = Connections::default();
        let terminal = Terminal::new(Verbosity::Quiet);
        let (one, other) = (server("grpc://127.0.0.1:1"), server("grpc://127.0.0.1:2"));
        let count = || connections.opened.lock().len();
        let mut open: Vec<Connection> = Vec::new();
        for _ in 0..STREAMS_EACH {
            open.push(connections.to(&one, &terminal).unwrap());
        }
        assert_eq!(count(), 1);
        open.push(connections.to(&one, &terminal).unwrap());
        assert_eq!(count(), 2);
        open.push(connections.to(&other, &terminal).unwrap());
        assert_eq!(count(), 3);
        drop(open);
        let _alone = connections.to(&one, &terminal).unwrap();
        assert_eq!(count(), 1);
    }
}

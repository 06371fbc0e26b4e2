//! A pachd that is reached through a Unix socket.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

use crate::runner::{World, tar};
use crate::served::Served;

/// Takes connections at `socket`, and hands their bytes to `authority` and back.
fn relay(socket: &Path, authority: &str) {
    let listener = UnixListener::bind(socket).unwrap();
    let authority = authority.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(&authority).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                // Either side may have gone: the other one then sees the end.
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            let (mut from, mut to) = (server, client);
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
        }
    });
}

#[test]
fn a_pachd_behind_a_unix_socket_takes_commits_and_gives_them_back() {
    let served = Served::start();
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("pachd.sock");
    relay(&socket, &served.authority);
    let world = World::at(&format!("unix://{}", socket.display()));
    let ran = world.run_with(&["put", "events", "--create-repo"], &tar(&[("a", b"x")]));
    ran.expect(0);
    assert_eq!(world.get("events:/a"), b"x");
    let doctor = world.run(&["doctor", "events"]);
    doctor.expect(0);
    let said = doctor.text();
    assert!(
        said.contains(&format!("somebody listens at {}", socket.display())),
        "{said}"
    );
}

#[test]
fn a_socket_that_is_not_there_is_named() {
    let world = World::at("unix:///nowhere/pachd.sock");
    let ran = world.run(&["get", "events:/a"]);
    ran.expect(5).says("cannot reach /nowhere/pachd.sock");
}

//! A spool on a disk that is full: it says so, loses nothing, and is emptied all the same.

use std::process::Command;

use crate::runner::{World, skip, tar};
use crate::served::Served;

/// Takes archives in until nothing more fits, takes the last block of the disk, and sends what is in the spool.
const FILL_AND_SEND: &str = r#"
mkdir small
mount -t tmpfs -o size=256k none small
"$SPOUTCTL" put events --pachd grpc://127.0.0.1:1 --retry-for 10m --spool small/spool <archives.tar 2>said &
until grep 'nothing more is read' said; do kill -0 $! || exit 90; sleep 0.1; done
kill $!
wait $!
dd if=/dev/zero of=small/rest bs=1k 2>/dev/null && exit 92
"$SPOUTCTL" spool small/spool
"$SPOUTCTL" spool small/spool --send --create-repo --pachd "$PACHD"
"#;

/// Runs a script in the directory of `world` that may mount file systems, seen by itself alone; `None` where the system
/// does not allow that.
fn with_mounts(world: &World, served: &Served, script: &str) -> Option<std::process::Output> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-uc", script]);
        command.current_dir(world.path("."));
        command.env("SPOUTCTL", env!("CARGO_BIN_EXE_spoutctl"));
        command.env("PACHD", format!("http://{}", served.authority));
        command.output()
    };
    let allowed = unshare("mount -t tmpfs none /mnt").is_ok_and(|output| output.status.success());
    if !allowed {
        skip("this system lets nobody mount a file system of his own (unshare --user --mount)");
        return None;
    }
    Some(unshare(script).unwrap())
}

#[test]
fn a_spool_on_a_full_disk_keeps_what_it_has_and_is_emptied() {
    let served = Served::start();
    let world = World::at(&format!("http://{}", served.authority));
    let content = vec![b'x'; 20_000];
    let archives: Vec<u8> = (1..=20).flat_map(|_| tar(&[("f", content.as_slice())])).collect();
    std::fs::write(world.path("archives.tar"), archives).unwrap();
    let Some(ran) = with_mounts(&world, &served, FILL_AND_SEND) else {
        return;
    };
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let told = std::fs::read_to_string(world.path("said")).unwrap();
    let shown = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{}: {said}{shown}", ran.status);
    assert!(told.contains("No space left on device"), "{told}");
    let accepted = shown.lines().find_map(|line| line.strip_prefix("accepted"));
    let accepted: usize = accepted.unwrap().trim().parse().unwrap();
    assert!((2..20).contains(&accepted), "{shown}");
    let commits = world.run(&["tail", "events", "-e", "--from", "earliest", "--json"]);
    let numbers: Vec<u64> = commits
        .expect(0)
        .json()
        .iter()
        .map(|commit| commit["seq"].as_u64().unwrap())
        .collect();
    assert!(numbers.into_iter().eq(1..=accepted as u64), "{said}");
}

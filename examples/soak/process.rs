//! The processes of a round: all of them are this program again, so that client and server are built with it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// As the first argument: the rest is a command line of spoutctl.
pub const AS_SPOUTCTL: &str = "--as-spoutctl";
/// As the first argument: messages are printed, from behind the position in the file that is the second one.
pub const AS_CONSUMER: &str = "--as-consumer";
/// How long anything may take that is waited for.
pub const DEADLINE: Duration = Duration::from_mins(5);

pub fn spoutctl() -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(AS_SPOUTCTL).env_clear().env("PATH", "/usr/bin:/bin");
    Ok(command)
}

/// The command line of a consumer.
pub fn consumer_command(first: &str, position: &Path) -> io::Result<[OsString; 3]> {
    Ok([std::env::current_exe()?.into(), first.into(), position.into()])
}

/// Starts a server that plays this release, and says its address.
pub fn serve(dir: &Path, release: &str, listen: &str) -> anyhow::Result<(Child, String)> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let mut child = spoutctl()?
            .arg("serve")
            .arg(dir.join("store"))
            .args(["--pachyderm", release, "--listen", listen])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log(dir, "serve.log")?)
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        if let Some((_, address)) = line.trim().split_once("://") {
            return Ok((child, address.to_owned()));
        }
        // The address of one that was killed may not be free yet.
        child.wait()?;
        let said = fs::read_to_string(dir.join("serve.log"))?;
        ensure!(Instant::now() < deadline, "serve does not start: {said}");
    }
}

/// A file of the round that lines are added to.
pub fn log(dir: &Path, name: &str) -> io::Result<File> {
    File::options().create(true).append(true).open(dir.join(name))
}

/// Lets a process stand still for so long.
pub fn halt(child: &Child, time: Duration) -> io::Result<()> {
    let pid = Pid::from_child(child);
    kill_process(pid, Signal::STOP)?;
    std::thread::sleep(time);
    kill_process(pid, Signal::CONT)?;
    Ok(())
}

//! `tail SOURCE -- CMD`: a command for each commit, one after the other, with the commit's archive on its standard
//! input.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;

use super::archives::{Archives, Made};
use super::changes::Trouble;
use super::consumer::{Output, Shown, Unwritten, Written};
use crate::commands::group::{ProcessGroup, cannot_run, how};
use crate::commands::restarting::{LONGEST_PAUSE, pauses};
use crate::failure::Failure;
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_core::quantity::elapsed;
use spoutctl_delivery::retry::{Clock, Interrupt, SystemClock};

/// How many bytes of a commit's description the command is told.
const LONGEST_DESCRIPTION: usize = 64 << 10;

pub(super) struct Runner {
    pub command: Vec<OsString>,
    pub archives: Archives,
    pub retry: u32,
    pub group: Arc<ProcessGroup>,
    pub interrupt: Interrupt,
    pub terminal: Arc<Terminal>,
}

impl Runner {
    fn name(&self) -> String {
        let program = self.command.first().map(|program| program.to_string_lossy());
        program.unwrap_or_default().into_owned()
    }

    fn run(&self, commit: &Shown<'_>, archive: &mut Made) -> Result<ExitStatus, Unwritten> {
        let cannot = |error: &io::Error| Failure::new(Exit::Producer, cannot_run(&self.command, error));
        let mut command = self.prepare(commit);
        let child = self.group.start(&mut command);
        let Some(mut child) = child.map_err(|error| Unwritten::Failure(cannot(&error)))? else {
            return Err(Trouble::Interrupted.into());
        };
        let fed = match child.stdin.take() {
            Some(mut stdin) => archive.copy(&mut stdin).and_then(|()| stdin.flush()),
            None => Ok(()),
        };
        let status = self.group.wait(&mut child, || {});
        match fed {
            // It may have seen enough; what that is worth its status says.
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => {
                let what = format!("the archive that is held cannot be read: {error}");
                return Err(Unwritten::Failure(Failure::new(Exit::Input, what)));
            }
        }
        status.map_err(|error| Unwritten::Failure(cannot(&error)))
    }

    fn prepare(&self, commit: &Shown<'_>) -> Command {
        let mut arguments = self.command.iter();
        let mut command = Command::new(arguments.next().cloned().unwrap_or_default());
        let info = commit.info;
        let repo = &info.commit.repo;
        let parent = info
            .parent
            .as_ref()
            .map(|parent| parent.id.to_string())
            .unwrap_or_default();
        let finished = info.finished.map_or(String::new(), |time| time.to_string());
        // No environment can hold a zero byte, or a variable of 128 KiB.
        let mut description = commit.description().replace('\0', "");
        description.truncate(description.floor_char_boundary(LONGEST_DESCRIPTION));
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .env("SPOUTCTL_COMMIT", info.commit.id.as_str())
            .env("SPOUTCTL_PARENT", parent)
            .env("SPOUTCTL_PROJECT", repo.project.as_str())
            .env("SPOUTCTL_REPO", repo.name.as_str())
            .env("SPOUTCTL_BRANCH", commit.branch.as_str())
            .env("SPOUTCTL_FINISHED", finished)
            .env("SPOUTCTL_DESCRIPTION", description);
        command
    }
}

impl Output for Runner {
    fn needs_changes(&self) -> bool {
        false
    }

    fn write(&mut self, commit: &Shown<'_>) -> Result<Written, Unwritten> {
        let Some(mut archive) = self.archives.make(commit)? else {
            return Ok(Written::LeftOut);
        };
        let mut pauses = pauses();
        let mut left = self.retry;
        loop {
            let status = self.run(commit, &mut archive)?;
            if status.success() {
                return Ok(Written::Out);
            }
            if self.interrupt.is_raised() || self.group.is_stopped() {
                return Err(Trouble::Interrupted.into());
            }
            let what = format!("{} {}", self.name(), how(status));
            if left == 0 {
                let failure = Failure::new(Exit::Producer, format!("{what}, for commit {}", commit.info.commit))
                    .help("with --cursor the same command goes on with this commit; --retry N runs it again at once");
                return Err(Unwritten::Failure(failure));
            }
            left -= 1;
            let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
            self.terminal.note(&format!(
                "{what}, for commit {}; it is run again in {}",
                commit.info.commit.id,
                elapsed(pause)
            ));
            SystemClock.pause(pause, &self.interrupt);
        }
    }

    fn is_gone(&self) -> bool {
        false
    }
}

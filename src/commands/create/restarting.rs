//! `create -f --update --restart`: from 2.8 to 2.12 pachd updates a spout that another pipeline reads from only while
//! it is stopped. Starting it again leaves an open commit of pachd's own on its branch, which nobody else finishes.

use crate::commands::interrupts::PutOff;
use crate::commands::pipelines::failure;
use crate::failure::Failure;
use crate::terminal::Terminal;
use pachyderm_client::Pachd;
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, BranchName, DEFAULT_BRANCH, Repo};
use spoutctl_delivery::restarted;
use spoutctl_delivery::{Emptied, Leftover};

/// A spout that is stopped while something is done.
pub(super) struct Restart<'a> {
    pub pachd: &'a dyn Pachd,
    pub spout: &'a Repo,
    pub terminal: &'a Terminal,
    pub put_off: &'a PutOff,
}

impl Restart<'_> {
    /// Stops the spout, lets `update` do its work, and starts the spout again whatever came of that. An interrupt waits
    /// until it is started.
    ///
    /// # Errors
    /// What was not done, and how the spout is now.
    pub fn around(&self, update: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        let spout = self.spout;
        self.terminal.status(&format!(
            "another pipeline reads from {spout}, so pachd updates it only while it is stopped: it is stopped, updated \
             and started again; an interrupt waits for that"
        ));
        let (done, signal) = self.put_off.during(|| self.stopped(update));
        let Some(signal) = signal else { return done };
        let (exit, interrupted) = (Exit::Signal(signal), "interrupted, which was put off until then");
        Err(match done {
            Ok(()) => Failure::new(exit, format!("{spout} is updated and runs again; {interrupted}")),
            Err(failure) => Failure { exit, ..failure }.detail(interrupted),
        })
    }

    fn stopped(&self, update: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        let (spout, pipelines) = (self.spout, self.pachd);
        if let Err(fault) = pipelines.stop_pipeline(spout) {
            return Err(self.not_stopped(&fault));
        }
        let updated = update();
        let started = pipelines.start_pipeline(spout);
        match (updated, started) {
            (Ok(()), Ok(())) => {
                self.finish_head();
                Ok(())
            }
            (Err(failure), Ok(())) => {
                self.finish_head();
                Err(failure.detail(format!("{spout} runs again as it was")))
            }
            (Ok(()), Err(fault)) => {
                Err(failure(&format!("{spout} is updated, and stays stopped"), &fault).help(self.start()))
            }
            (Err(failure), Err(fault)) => Err(failure
                .detail(format!("{spout} stays stopped: {fault}"))
                .help(self.start())),
        }
    }

    /// Where nobody has answered it may be stopped all the same, and is started.
    fn not_stopped(&self, fault: &Fault) -> Failure {
        let spout = self.spout;
        if !fault.is_passing() || fault.kind == FaultKind::Unavailable {
            return failure(&format!("{spout} was not stopped, and not updated"), fault);
        }
        match self.pachd.start_pipeline(spout) {
            Ok(()) => {
                self.finish_head();
                failure(&format!("{spout} may have been stopped, and is not updated"), fault)
                    .detail("it was told to start again")
            }
            Err(start) => failure(&format!("{spout} may be stopped, and is not updated"), fault)
                .detail(format!("it was not started again: {start}"))
                .help(self.start()),
        }
    }

    fn start(&self) -> String {
        let Repo { name, project } = self.spout;
        format!(
            "pachctl start pipeline {name} --project {project}; then spoutctl doctor {}",
            self.spout
        )
    }

    /// What pachd has left at the head. The spout's own pod does the same, where `spoutctl put` runs in it.
    fn finish_head(&self) {
        let branch = self.pachd.output_branch(self.spout).ok().flatten();
        let Some(name) = branch.or_else(|| BranchName::new(DEFAULT_BRANCH).ok()) else {
            return;
        };
        let branch = Branch {
            repo: self.spout.clone(),
            name,
        };
        match self.look_and_finish(&branch) {
            Ok(leftover) => self.say(&branch, &leftover),
            Err(fault) => self.terminal.warning(&format!(
                "what pachd has left at the head of {branch} could not be looked at or finished: {fault}; see spoutctl \
                 doctor {branch}"
            )),
        }
    }

    fn look_and_finish(&self, branch: &Branch) -> Result<Leftover, Fault> {
        let sink = self.pachd;
        let leftover = restarted::look(sink, branch)?;
        restarted::finish(sink, branch, &leftover)?;
        Ok(leftover)
    }

    fn say(&self, branch: &Branch, leftover: &Leftover) {
        for head in &leftover.open {
            self.terminal.status(&format!(
                "commit {head}, which pachd has begun on {branch} and never finishes, is finished, with the files of \
                 the one before"
            ));
        }
        if let Some(Emptied { head, last }) = &leftover.emptied {
            self.terminal.warning(&format!(
                "pachd has emptied {branch} (commit {head}): earlier files are in its history only, the newest in \
                 {last}"
            ));
        }
    }
}

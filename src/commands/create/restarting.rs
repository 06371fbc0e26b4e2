//! `create -f --update --restart`: from 2.8 to 2.12 pachd updates a spout that another pipeline reads from only while
//! it is stopped. Starting it again leaves an open commit of pachd's own on its branch, which nobody else finishes.

use crate::commands::pipelines::failure;
use crate::failure::Failure;
use crate::terminal::Terminal;
use pachyderm_client::Pachd;
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Branch, BranchName, DEFAULT_BRANCH, Repo};
use spoutctl_delivery::restarted;
use spoutctl_delivery::{Emptied, Leftover};

/// A spout that is stopped while something is done.
pub(super) struct Restart<'a> {
    pub pachd: &'a dyn Pachd,
    pub spout: &'a Repo,
    pub terminal: &'a Terminal,
}

impl Restart<'_> {
    /// Stops the spout, lets `update` do its work, and starts the spout again whatever came of that.
    ///
    /// # Errors
    /// What was not done, and how the spout is now.
    pub fn around(&self, update: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        let spout = self.spout;
        self.terminal.status(&format!(
            "another pipeline reads from {spout}, so pachd updates it only while it is stopped: it is stopped, updated \
             and started again"
        ));
        let pipelines = self.pachd;
        let stopped = pipelines.stop_pipeline(spout);
        stopped.map_err(|fault| failure(&format!("{spout} was not stopped, and not updated"), &fault))?;
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

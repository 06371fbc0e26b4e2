//! Which commits are wanted, and what becomes of them.

use std::io;
use std::sync::Arc;

use super::changes::{Changes, Reader, Trouble};
use super::failures::follow_failure;
use crate::cli::TailArgs;
use crate::failure::Failure;
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;
use spoutctl_core::glob::Glob;
use spoutctl_core::pfs::{BranchName, Commit, CommitId, CommitInfo};
use spoutctl_delivery::following::{Consumer, Note, Rewrite, Taken};
use spoutctl_delivery::mark::{Mark, StreamName};

/// A commit that is to be written.
pub(super) struct Shown<'a> {
    pub info: &'a CommitInfo,
    /// The branch that is followed; the commit may have been started on another.
    pub branch: &'a BranchName,
    pub mark: Option<&'a Mark>,
    /// What it changed, where the output needs it and the commit has no error.
    pub changes: Option<&'a Changes>,
    pub glob: Option<&'a Glob>,
    pub reader: &'a Reader,
}

impl Shown<'_> {
    /// The description without our mark.
    pub fn description(&self) -> &str {
        let text = &self.info.description;
        if self.mark.is_none() {
            return text;
        }
        text.rsplit_once('\n').map_or("", |(message, _)| message)
    }
}

/// What became of a commit that was to be written.
pub(super) enum Written {
    Out,
    /// There was nothing to write.
    LeftOut,
}

/// Why it was not written.
pub(super) enum Unwritten {
    /// Nobody reads any more.
    Gone,
    Trouble(Trouble),
    Failure(Failure),
}

impl From<Trouble> for Unwritten {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Gone;
        }
        Self::Failure(Failure::new(
            Exit::Input,
            format!("cannot write to standard output: {error}"),
        ))
    }
}

/// A form in which commits are written.
pub(super) trait Output {
    /// Whether it has to be known what a commit changed.
    fn needs_changes(&self) -> bool;

    /// Writes the commit and flushes.
    fn write(&mut self, commit: &Shown<'_>) -> Result<Written, Unwritten>;

    /// Whether nobody wants any more.
    fn is_gone(&self) -> bool;
}

/// How it ended, as far as the follower does not know.
pub(super) enum Ending {
    /// Nothing of that kind.
    Open,
    /// What was asked for was reached.
    Reached,
    /// The first errored commit came, with `--fail`.
    Errored,
    /// Somebody interrupted us in the middle of a commit.
    Interrupted,
    Failed(Failure),
}

pub(super) struct Tail {
    reader: Reader,
    output: Box<dyn Output + Send>,
    terminal: Arc<Terminal>,
    branch: BranchName,
    glob: Option<Glob>,
    stream: Option<StreamName>,
    ok_only: bool,
    fail: bool,
    left: Option<u64>,
    until: Option<CommitId>,
    /// It is known where `until` lies.
    has_begun: bool,
    ending: Ending,
}

impl Tail {
    pub fn new(args: &TailArgs, reader: Reader, output: Box<dyn Output + Send>, terminal: Arc<Terminal>) -> Self {
        Self {
            reader,
            output,
            terminal,
            branch: args.source.branch.name.clone(),
            glob: args.source.glob.clone(),
            stream: args.selection.stream.clone(),
            ok_only: args.selection.ok_only,
            fail: args.selection.fail,
            left: args.range.count,
            until: args.range.until.clone(),
            has_begun: false,
            ending: Ending::Open,
        }
    }

    pub fn ending(self) -> Ending {
        self.ending
    }

    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Whether not every commit is wanted.
    pub fn is_choosy(&self) -> bool {
        self.glob.is_some() || self.stream.is_some() || self.ok_only
    }

    /// Whether the commit is one of those that are wanted.
    ///
    /// # Errors
    /// When what it changed cannot be read.
    pub fn wants(&self, info: &CommitInfo) -> Result<bool, Trouble> {
        if !self.may_want(info, Mark::of(info).as_ref()) {
            return Ok(false);
        }
        match &self.glob {
            None => Ok(true),
            // One with an error changed nothing.
            Some(_) if !info.is_good() => Ok(false),
            Some(glob) => match self.reader.changes(info, Some(glob)) {
                Err(Trouble::Dropped) => Ok(false),
                changes => Ok(changes?.total() > 0),
            },
        }
    }

    /// The same without a look at what it changed.
    fn may_want(&self, info: &CommitInfo, mark: Option<&Mark>) -> bool {
        let is_of_the_stream = |stream: &StreamName| mark.is_some_and(|mark| mark.stream == *stream);
        self.stream.as_ref().is_none_or(is_of_the_stream) && (!self.ok_only || info.is_good())
    }

    /// Writes the commit if it is one of those that are wanted.
    fn offer(&mut self, info: &CommitInfo) -> Result<Written, Unwritten> {
        let mark = Mark::of(info);
        if !self.may_want(info, mark.as_ref()) {
            return Ok(Written::LeftOut);
        }
        let changes = if info.is_good() && (self.glob.is_some() || self.output.needs_changes()) {
            Some(self.reader.changes(info, self.glob.as_ref())?)
        } else {
            None
        };
        // One with an error changed nothing.
        if self.glob.is_some() && changes.as_ref().is_none_or(|changes| changes.total() == 0) {
            return Ok(Written::LeftOut);
        }
        let written = self.output.write(&Shown {
            info,
            branch: &self.branch,
            mark: mark.as_ref(),
            changes: changes.as_ref(),
            glob: self.glob.as_ref(),
            reader: &self.reader,
        })?;
        if self.fail && !info.is_good() {
            self.ending = Ending::Errored;
        }
        Ok(written)
    }

    fn count(&mut self, written: &Written, info: &CommitInfo) -> Taken {
        let is_out = matches!(written, Written::Out);
        if let Some(left) = self.left.as_mut().filter(|_| is_out) {
            *left = left.saturating_sub(1);
        }
        let is_reached = self.left == Some(0) || self.until.as_ref() == Some(&info.commit.id);
        if is_reached && matches!(self.ending, Ending::Open) {
            self.ending = Ending::Reached;
        }
        match self.ending {
            Ending::Open if is_out => Taken::Delivered,
            Ending::Open => Taken::PassedOver,
            _ => Taken::Last,
        }
    }
}

impl Tail {
    /// What becomes of a commit that was not written.
    fn fails(&mut self, unwritten: Unwritten, info: &CommitInfo) -> Taken {
        match unwritten {
            Unwritten::Trouble(Trouble::Dropped) => {
                self.terminal.warning(&format!(
                    "commit {} was dropped before it could be read; it is left out",
                    info.commit
                ));
                Taken::PassedOver
            }
            Unwritten::Gone => Taken::No,
            Unwritten::Trouble(Trouble::Interrupted) => {
                self.ending = Ending::Interrupted;
                Taken::No
            }
            Unwritten::Trouble(Trouble::Error(error)) => {
                self.ending = Ending::Failed(follow_failure(&error));
                Taken::No
            }
            Unwritten::Failure(failure) => {
                self.ending = Ending::Failed(failure);
                Taken::No
            }
        }
    }

    /// Whether the commit of `--until` is older than the first one that comes: then it has passed, and will not come.
    fn has_passed(&mut self, first: &CommitInfo) -> Result<bool, Trouble> {
        let Some(until) = self.until.as_ref().filter(|_| !self.has_begun) else {
            return Ok(false);
        };
        if *until == first.commit.id {
            self.has_begun = true;
            return Ok(false);
        }
        let named = Commit {
            id: until.clone(),
            ..first.commit.clone()
        };
        let until = match self.reader.inspect(&named) {
            Err(Trouble::Dropped) => {
                let text = format!("the commit of --until, {named}, does not exist");
                self.ending = Ending::Failed(Failure::new(Exit::Refused, text));
                return Ok(true);
            }
            found => found?,
        };
        self.has_begun = true;
        Ok(until.started < first.started)
    }
}

impl Consumer for Tail {
    fn take(&mut self, info: &CommitInfo) -> Taken {
        match self.has_passed(info) {
            Ok(false) => {}
            Ok(true) => {
                if matches!(self.ending, Ending::Open) {
                    self.ending = Ending::Reached;
                    self.terminal
                        .note("the commit of --until comes before where it begins: there is nothing to print");
                }
                return Taken::No;
            }
            Err(trouble) => return self.fails(Unwritten::Trouble(trouble), info),
        }
        let offered = self.offer(info);
        self.reader.is_behind(info);
        match offered {
            Ok(written) => self.count(&written, info),
            Err(unwritten) => self.fails(unwritten, info),
        }
    }

    fn is_gone(&mut self) -> bool {
        self.output.is_gone()
    }

    fn note(&mut self, note: &Note) {
        let terminal = &self.terminal;
        match note {
            Note::Waiting(branch) => terminal.note(&format!("branch {branch} is not there yet; it is waited for")),
            Note::Gone(branch) => {
                terminal.warning(&format!(
                    "branch {branch} is gone; a new one is waited for, and followed from its \
                                           first commit that was not printed yet"
                ));
            }
            Note::Open { commit, started } => {
                let since = started.map_or(String::new(), |started| format!(" since {started:.0}"));
                terminal.note(&format!(
                    "commit {commit} is open{since}: nothing after it can be followed until whoever started it \
                     finishes it, or somebody drops it ({})",
                    spoutctl_delivery::to_drop(commit)
                ));
            }
            Note::EndsBefore(commit) => terminal.note(&format!("commit {commit} is still open, and left out")),
            Note::Rewritten { last, onto, what } => {
                let what = match what {
                    Rewrite::Removed => "was squashed or dropped after it was printed",
                    Rewrite::Moved => "is not on the branch any more, which was moved",
                };
                terminal.warning(&format!("commit {last} {what}; going on after {onto}"));
            }
            Note::Retrying(fault) => terminal.note(&format!("{fault}; it is tried again")),
            Note::Again => terminal.note("following again"),
        }
    }
}

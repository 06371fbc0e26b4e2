//! What a commit changed, read with retries.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::terminal::Terminal;
use pachyderm_client::pachd::Followable;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::glob::Glob;
use spoutctl_core::history::base_of;
use spoutctl_core::pfs::{Commit, CommitInfo};
use spoutctl_delivery::following::FollowError;
use spoutctl_delivery::retrieval::{ChangeKind, FileChange};
use spoutctl_delivery::retry::{Exhausted, Interrupt, RetryBudget, SystemClock};

/// So many changed files of a commit are held; of more, only their number, and they are listed again to be shown.
const HELD: usize = 10_000;
/// A call that is made again is mentioned no more often than this.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// Why something could not be read.
pub(super) enum Trouble {
    Interrupted,
    /// The commit was dropped since it was listed.
    Dropped,
    Error(FollowError),
}

/// Reads from the store, again and again where that may help.
pub(super) struct Reader {
    pub store: Arc<dyn Followable>,
    interrupt: Interrupt,
    pub retry_for: Duration,
    terminal: Arc<Terminal>,
    /// When it was last mentioned that a call is made again.
    said: Cell<Option<Instant>>,
    /// The commit before, when it has no error: mostly what the next one was built on, so that nobody is asked.
    before: RefCell<Option<Commit>>,
}

/// Calls that are made again.
pub(super) struct Trying<'a> {
    budget: RetryBudget<'a>,
    reader: &'a Reader,
}

impl Trying<'_> {
    pub fn succeeded(&mut self) {
        self.budget.reset();
    }

    /// Waits before the next try, if there is to be one.
    pub fn failed(&mut self, fault: &Fault) -> Result<(), Trouble> {
        let again = self.budget.again(fault, |fault| {
            let said = &self.reader.said;
            if said.get().is_none_or(|said| said.elapsed() >= SAY_EVERY) {
                self.reader.terminal.note(&format!("{fault}; it is tried again"));
                said.set(Some(Instant::now()));
            }
        });
        again.map_err(|exhausted| match exhausted {
            Exhausted::Hopeless => Trouble::Error(FollowError::of(fault.clone(), Duration::ZERO)),
            Exhausted::Grace => Trouble::Interrupted,
            Exhausted::Retries(tried) => Trouble::Error(FollowError::of(fault.clone(), tried)),
        })
    }
}

/// The files that a commit changed, those that are asked for.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub added: u64,
    pub changed: u64,
    pub deleted: u64,
    held: Vec<FileChange>,
    /// The commit and what it was built on, as they were when they were compared.
    between: Option<(Commit, Option<Commit>)>,
}

impl Changes {
    pub fn total(&self) -> u64 {
        self.added + self.changed + self.deleted
    }

    fn count(&mut self, change: FileChange) {
        *match change.kind {
            ChangeKind::Added => &mut self.added,
            ChangeKind::Changed => &mut self.changed,
            ChangeKind::Deleted => &mut self.deleted,
        } += 1;
        if self.held.len() < HELD {
            self.held.push(change);
        }
    }
}

impl Reader {
    pub fn new(store: Arc<dyn Followable>, interrupt: Interrupt, retry_for: Duration, terminal: Arc<Terminal>) -> Self {
        Self {
            store,
            interrupt,
            retry_for,
            terminal,
            said: Cell::new(None),
            before: RefCell::default(),
        }
    }

    /// Does `work` until it succeeds, is refused, or nothing helps for too long.
    pub fn patiently<T>(&self, mut work: impl FnMut() -> Result<T, Fault>) -> Result<T, Trouble> {
        let mut trying = self.trying();
        loop {
            self.unless_interrupted()?;
            match work() {
                Ok(value) => return Ok(value),
                Err(fault) => trying.failed(&fault)?,
            }
        }
    }

    pub fn unless_interrupted(&self) -> Result<(), Trouble> {
        if self.interrupt.is_raised() {
            Err(Trouble::Interrupted)
        } else {
            Ok(())
        }
    }

    /// What is tried from now on, and again where that may help.
    pub fn trying(&self) -> Trying<'_> {
        Trying {
            budget: RetryBudget::new(&SystemClock, &self.interrupt, self.retry_for),
            reader: self,
        }
    }

    /// The commit as it is now.
    pub fn inspect(&self, commit: &Commit) -> Result<CommitInfo, Trouble> {
        let info = self.patiently(|| match self.store.inspect_commit(commit) {
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
            info => info.map(Some),
        })?;
        info.ok_or(Trouble::Dropped)
    }

    /// The commit's base, found anew when an ancestor was squashed meanwhile.
    pub fn base(&self, info: &CommitInfo) -> Result<Option<Commit>, Trouble> {
        let before = self.before.borrow().clone();
        if let Some(before) = before.filter(|before| info.parent.as_ref().map(|parent| &parent.id) == Some(&before.id))
        {
            return Ok(Some(before));
        }
        self.base_by_asking(info)
    }

    /// Remembers a commit that was delivered.
    pub fn is_behind(&self, info: &CommitInfo) {
        *self.before.borrow_mut() = info.is_good().then(|| info.commit.clone());
    }

    fn base_by_asking(&self, info: &CommitInfo) -> Result<Option<Commit>, Trouble> {
        let mut info = info.clone();
        loop {
            let base = self.patiently(|| match base_of(&*self.store, &info) {
                Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
                base => base.map(Some),
            })?;
            if let Some(base) = base {
                return Ok(base.map(|base| base.commit));
            }
            info = self.inspect(&info.commit)?;
        }
    }

    /// What the commit changed of what the glob covers.
    pub fn changes(&self, info: &CommitInfo, glob: Option<&Glob>) -> Result<Changes, Trouble> {
        loop {
            let base = self.base(info)?;
            *self.before.borrow_mut() = None;
            let found = self.patiently(|| {
                let mut changes = Changes::default();
                let listed = self.store.diff_files(&info.commit, base.as_ref(), &mut |change| {
                    if glob.is_none_or(|glob| glob.covers(change.path.as_str())) {
                        changes.count(change);
                    }
                    ControlFlow::Continue(())
                });
                match listed {
                    // One of the two is gone; which one is asked for next.
                    Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
                    listed => listed.map(|()| Some(changes)),
                }
            })?;
            if let Some(changes) = found {
                return Ok(Changes {
                    between: Some((info.commit.clone(), base)),
                    ..changes
                });
            }
        }
    }

    /// Shows each change, in the order in which the store lists them.
    pub fn list(
        &self,
        changes: &Changes,
        glob: Option<&Glob>,
        show: &mut dyn FnMut(&FileChange) -> ControlFlow<()>,
    ) -> Result<(), Trouble> {
        let Some((commit, base)) = &changes.between else {
            return Ok(());
        };
        if changes.total() == changes.held.len() as u64 {
            let _ = changes.held.iter().try_for_each(show);
            return Ok(());
        }
        // A listing that broke off is taken up behind what it showed: by its number, since 1.x has another order.
        let mut done = 0_u64;
        self.patiently(|| {
            let mut at = 0_u64;
            self.store.diff_files(commit, base.as_ref(), &mut |change| {
                at += 1;
                if at <= done {
                    return ControlFlow::Continue(());
                }
                done = at;
                if glob.is_some_and(|glob| !glob.covers(change.path.as_str())) {
                    return ControlFlow::Continue(());
                }
                show(&change)
            })
        })
    }
}

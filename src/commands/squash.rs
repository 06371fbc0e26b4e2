//! `spoutctl squash`: old commits go, what they hold stays. The work is done on one thread, and signals are listened
//! for meanwhile.

mod said;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{after, bounded, select};
use jiff::Timestamp;

use self::said::{Count, Said};
use crate::cli::SquashArgs;
use crate::commands::denied::advise;
use crate::commands::interrupts::Interrupts;
use crate::commands::printing::unless_lost;
use crate::commands::server;
use crate::commands::tail::failures::cursor_failure;
use crate::failure::Failure;
use crate::settings::Server;
use crate::terminal::{Answer, Terminal};
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, CommitId};
use spoutctl_core::quantity::counted;
use spoutctl_delivery::CommitSink;
use spoutctl_delivery::following::cursor::Cursor;
use spoutctl_delivery::following::trail::Trail;
use spoutctl_delivery::retry::{Interrupt, SystemClock};
use spoutctl_delivery::squashing::{Reason, SquashError, Squashing, Wish};

/// After a signal, the call that is being made may take so long. One that is left alone is carried out, or not.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// Runs the verb.
///
/// # Errors
/// When it was not seen to its end, or pachd refused a commit.
pub fn run(args: &SquashArgs) -> Result<Exit, Failure> {
    if args.source.glob.is_some() {
        return Err(
            Failure::new(Exit::Usage, "SOURCE names a path, and commits are squashed whole")
                .help("write [project/]repo[@branch]"),
        );
    }
    let terminal = Arc::new(Terminal::new(args.verbosity.level()));
    let server = server::find(&args.server)?;
    let wish = wish(args, &server)?;
    let sink = server::existing_sink(&server, &terminal)?;
    let interrupts = Interrupts::listen(Duration::ZERO, |_| {}).map_err(Failure::from)?;
    let run = Run {
        args: args.clone(),
        wish,
        sink,
        interrupt: interrupts.interrupt.clone(),
        terminal,
    };
    let (done, ended) = bounded(1);
    std::thread::spawn(move || {
        // Nobody listens any more only after an interrupt.
        let _ = done.send(run.work());
    });
    let interrupted = || Ok(interrupts.signal().map_or(Exit::Unavailable, Exit::Signal));
    let end = select! {
        recv(ended) -> end => end.map_err(|_| Failure::panicked())?,
        recv(interrupts.interrupt.raised()) -> _ => select! {
            recv(ended) -> end => end.map_err(|_| Failure::panicked())?,
            recv(after(ENDS_WITHIN)) -> _ => return interrupted(),
        },
    };
    match end {
        Err(End::Interrupted) => interrupted(),
        Err(End::Failed(failure)) => Err(advise(failure, &server)),
        Ok(exit) => Ok(exit),
    }
}

fn wish(args: &SquashArgs, server: &Server) -> Result<Wish, Failure> {
    let mut branch = args.source.branch.clone();
    if let (false, Some(project)) = (args.source.names_project, server.project()) {
        branch.repo.project = project.clone();
    }
    let mut keep: HashSet<CommitId> = args.keep.iter().cloned().collect();
    for path in &args.cursor {
        keep.insert(at(path, &branch)?);
    }
    Ok(Wish {
        before: Timestamp::now().checked_sub(args.older_than).unwrap_or(Timestamp::MIN),
        keep_every: args.keep_every,
        keep,
        downstream: args.downstream,
        branch,
    })
}

/// The commit that a cursor is at.
fn at(path: &Path, branch: &Branch) -> Result<CommitId, Failure> {
    let cursor = Cursor::open(path, branch).map_err(|error| cursor_failure(&error))?;
    let newest = cursor.kept().and_then(Trail::newest).cloned();
    newest.ok_or_else(|| {
        let text = format!("{} is at no commit, so that none can be kept for it", path.display());
        Failure::new(Exit::Usage, text).help("name the file that `tail --cursor` has written")
    })
}

/// Why it was not seen to its end.
enum End {
    Interrupted,
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

struct Run {
    args: SquashArgs,
    wish: Wish,
    sink: Arc<dyn CommitSink>,
    interrupt: Interrupt,
    terminal: Arc<Terminal>,
}

impl Run {
    fn work(&self) -> Result<Exit, End> {
        let args = &self.args;
        let heard = |fault: &Fault| self.terminal.note(&format!("{fault}; trying again"));
        let store = self.sink.squashing().map_err(SquashError::Fault);
        let squashing = Squashing {
            sink: self.sink.as_ref(),
            store: store.map_err(failed)?,
            clock: &SystemClock,
            interrupt: &self.interrupt,
            retry_for: args.retry_for,
            retrying: &heard,
        };
        let plan = squashing.plan(&self.wish).map_err(failed)?;
        let commits = counted(plan.commits() as u64, "commit");
        self.terminal.status(&format!("{} has {commits}", self.wish.branch));
        if plan.going() > 0 && !args.dry_run {
            self.agree(plan.going())?;
        }
        let mut count = Count::of(&plan);
        let mut said = Said::new(&self.terminal, args.json, args.dry_run);
        let end = squashing.carry_out(&self.wish, &plan, !args.dry_run, &mut |id, fate| {
            said.fate(id, &fate);
            count.add(fate);
            ControlFlow::Continue(())
        });
        said.summary(&self.wish.branch, &count, end.is_ok());
        end.map_err(failed)?;
        unless_lost(&self.terminal)?;
        match count.stays(Reason::Refused) {
            0 => Ok(Exit::Done),
            refused => {
                let text = format!("pachd refused to squash {}", counted(refused, "commit"));
                let failure = Failure::new(Exit::Refused, text).help("they stay as they are; nothing is lost");
                Err(match count.words() {
                    Some(words) => failure.detail(words),
                    None => failure,
                }
                .into())
            }
        }
    }

    /// Asks, unless `--yes` has answered already.
    fn agree(&self, going: usize) -> Result<(), Failure> {
        if self.args.yes {
            return Ok(());
        }
        let commits = counted(going as u64, "commit");
        let with = if self.args.downstream {
            ", and what pipelines have made of them"
        } else {
            ""
        };
        let question = format!("Squash {commits} of {}{with}, for good?", self.wish.branch);
        match self.terminal.ask(&question) {
            Answer::Yes => Ok(()),
            Answer::No => Err(Failure::new(Exit::Usage, "nothing was changed")),
            Answer::Nobody => Err(
                Failure::new(Exit::Usage, "this asks first, and there is no terminal to ask at")
                    .help("look at it with --dry-run, then say --yes"),
            ),
        }
    }
}

fn failed(error: SquashError) -> End {
    let text = error.to_string();
    let goes_on = "what was squashed stays so; run it again to go on";
    End::Failed(match error {
        SquashError::Interrupted => return End::Interrupted,
        SquashError::NoBranch(_) => Failure::new(Exit::NotFound, text),
        SquashError::NotOnBranch { .. } => Failure::new(Exit::Refused, text).detail("nothing was changed").help(
            "it was squashed or dropped before, or is of another branch: name one that `spoutctl tail SOURCE -e` shows",
        ),
        SquashError::Unreachable { .. } => Failure::new(Exit::Unavailable, text).help(goes_on),
        SquashError::Fault(fault) => {
            let exit = match fault.kind {
                FaultKind::NotFound => Exit::NotFound,
                FaultKind::Local => Exit::Input,
                _ => Exit::Refused,
            };
            let denied = (fault.kind == FaultKind::Denied).then(|| fault.message.clone());
            Failure {
                denied,
                ..Failure::new(exit, text)
            }
        }
    })
}

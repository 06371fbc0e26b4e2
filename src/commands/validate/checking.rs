//! How each file is looked at, on every core, and what came of all of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::files::{self, Input, Unread};
use super::mend::{self, Mended, Mending};
use super::suppressions::Suppressions;
use crate::commands::jsonnet;
use spoutctl_lint::diagnostic::Diagnostic;
use spoutctl_lint::report::FileReport;
use spoutctl_lint::source::SourceFile;
use spoutctl_lint::spec::Parsed;
use spoutctl_lint::{Expect, Options};

/// How each file is looked at.
pub(super) struct Job {
    pub options: Options,
    pub all: bool,
    pub mending: Option<Mending>,
    pub suppressions: Suppressions,
    /// A server will be asked about them.
    pub keeps_texts: bool,
    pub jsonnet_arguments: Vec<(String, String)>,
    /// Of what is named, too.
    pub spouts_only: bool,
}

/// What came of one file.
pub(super) struct Outcome {
    pub report: FileReport,
    pub expect: Expect,
    /// Of the specs in it.
    pub specs: usize,
    pub skipped: usize,
    pub holds_no_spec: bool,
    pub mended: Option<Mended>,
    pub unread: Option<Unread>,
    /// What came of a template, whose text is not that of a spec.
    pub evaluated: Option<Parsed>,
}

impl Job {
    pub fn look_at(&self, input: &Input) -> Outcome {
        match files::read(input) {
            Ok(file) => self.check(input, file),
            Err(unread) => Outcome {
                report: FileReport {
                    file: SourceFile::new(input.name.clone(), ""),
                    diagnostics: Vec::new(),
                },
                expect: Expect::Any,
                specs: 0,
                skipped: 0,
                holds_no_spec: false,
                mended: None,
                unread: Some(unread),
                evaluated: None,
            },
        }
    }

    fn check(&self, input: &Input, mut file: SourceFile) -> Outcome {
        let suppressed = self.suppressions.of(&input.name);
        let mut options = self.options.clone();
        options.expect = match (self.all, input.is_named && !self.spouts_only) {
            (true, false) => Expect::Pipeline,
            (_, true) => Expect::Spout,
            (false, false) => Expect::Any,
        };
        let outcome =
            jsonnet::is_template(&input.name).then(|| jsonnet::evaluate(input, &file, &self.jsonnet_arguments));
        let mut checked = match &outcome {
            Some(outcome) => spoutctl_lint::template::check(&file, outcome, &options),
            None => spoutctl_lint::check(&file, &options),
        };
        suppressed.leave_out(&mut checked.diagnostics);
        let mut mended = None;
        let mut unread = None;
        if let Some(mending) = self.mending
            && outcome.is_none()
            && (checked.diagnostics.iter().any(|found| mending.applies_to(found)) || mending.passes_on(input))
        {
            options.ignore.extend(suppressed.rules());
            match mend::mend(input, &file, &options, mending) {
                Ok(Some((done, after))) => {
                    mended = Some(done);
                    // What a diff shows is not done: the file still has all its faults.
                    if !mending.diff {
                        file = after;
                        checked = spoutctl_lint::check(&file, &options);
                    }
                }
                Ok(None) => {}
                Err(failed) => unread = Some(failed),
            }
        }
        if checked.diagnostics.is_empty() && !self.keeps_texts {
            // Of ten thousand files without a fault only the names are kept.
            file = SourceFile::new(input.name.clone(), "");
        }
        Outcome {
            report: FileReport {
                file,
                diagnostics: checked.diagnostics,
            },
            expect: options.expect,
            specs: checked.specs,
            skipped: checked.skipped,
            holds_no_spec: checked.holds_no_spec,
            mended,
            unread,
            evaluated: outcome.and_then(Result::ok).map(|template| template.parsed),
        }
    }
}

/// Everything that was found, in the order of the command line.
pub(super) struct Findings {
    pub reports: Vec<FileReport>,
    pub mended: Vec<Mended>,
    pub unread: Vec<Unread>,
    pub specs: usize,
    pub skipped: usize,
    /// Files that were found and hold no spec of any kind.
    pub without_spec: usize,
    /// Directories in which nothing was found.
    pub empty: Vec<String>,
}

impl Findings {
    pub fn new(outcomes: Vec<Outcome>, found: files::Found) -> Self {
        let mut all = Self {
            reports: Vec::with_capacity(outcomes.len()),
            mended: Vec::new(),
            unread: found.unread,
            specs: 0,
            skipped: 0,
            without_spec: 0,
            empty: found.empty,
        };
        for outcome in outcomes {
            all.specs += outcome.specs;
            all.skipped += outcome.skipped;
            all.without_spec += usize::from(outcome.holds_no_spec);
            all.mended.extend(outcome.mended);
            let was_read = outcome.unread.is_none();
            all.unread.extend(outcome.unread);
            if was_read || !outcome.report.diagnostics.is_empty() {
                all.reports.push(outcome.report);
            }
        }
        all
    }

    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.reports.iter().flat_map(|report| &report.diagnostics)
    }
}

/// Does the work for each input on as many threads as there are cores; the answers are in the order of the inputs.
pub(super) fn on_every_core<T: Send>(inputs: &[Input], work: impl Fn(&Input) -> T + Sync) -> Vec<T> {
    /// With fewer inputs a thread costs more than it gains.
    const WORTH_A_THREAD: usize = 16;
    let mut threads = inputs.len().div_ceil(WORTH_A_THREAD);
    if threads > 1 {
        // Asking costs more than to judge one spec: it reads what the control group grants.
        threads = threads.min(std::thread::available_parallelism().map_or(1, usize::from));
    }
    if threads < 2 {
        return inputs.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(at) else { return done };
            done.push((at, work(input)));
        }
    };
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

//! The process's streams: results on standard output, everything else on standard error.
//!
//! Nothing else in the crate writes to either. A writer for each purpose knows what `--quiet` and `--verbose` mean, and
//! a closed pipe is an answer here, never a panic.

pub mod dialogue;
pub mod line;
pub mod log;
pub mod progress_bar;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use parking_lot::Mutex;

use log::{Entry, Form, Level};
use progress_bar::ProgressBar;

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    Normal,
    Verbose,
    /// Also each call of pachd.
    EachCall,
}

/// The streams of this process.
pub struct Terminal {
    verbosity: Verbosity,
    /// Of which of the streams of this process everything is said.
    stream: Option<Arc<str>>,
    bar: Option<ProgressBar>,
    on_screen: bool,
    results_stopped: AtomicBool,
    /// What kept a result from being written.
    lost: Mutex<Option<io::Error>>,
}

/// The answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
    /// There is no terminal to ask at.
    Nobody,
}

impl Terminal {
    /// Asks a question whose answer is no unless somebody says yes.
    pub fn ask(&self, question: &str) -> Answer {
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return Answer::Nobody;
        }
        match dialoguer::Confirm::new()
            .with_prompt(question)
            .default(false)
            .interact()
        {
            Ok(true) => Answer::Yes,
            Ok(false) | Err(_) => Answer::No,
        }
    }

    /// Asks for what nobody may see, or takes it from standard input where that is no terminal. At most 64 KiB; a
    /// newline at its end is dropped.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn secret(&self, question: &str) -> io::Result<String> {
        if io::stdin().is_terminal() {
            let asked = dialoguer::Password::new().with_prompt(question).interact();
            return asked.map_err(io::Error::other);
        }
        let mut text = String::new();
        io::stdin().lock().take(64 << 10).read_to_string(&mut text)?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Streams without progress.
    pub fn new(verbosity: Verbosity) -> Self {
        Self {
            verbosity,
            stream: None,
            bar: None,
            on_screen: io::stdout().is_terminal(),
            results_stopped: AtomicBool::new(false),
            lost: Mutex::new(None),
        }
    }

    /// The same with a progress bar, where somebody can see it.
    #[must_use]
    pub fn with_progress(mut self) -> Self {
        let is_drawn = self.verbosity > Verbosity::Quiet && self.verbosity < Verbosity::EachCall;
        if is_drawn && log::form() == Form::Text && io::stderr().is_terminal() {
            self.bar = Some(ProgressBar::new());
        }
        self
    }

    /// The same of one of the streams of this process: its name stands before everything.
    #[must_use]
    pub fn of_stream(self, name: &Arc<str>) -> Self {
        Self {
            stream: Some(Arc::clone(name)),
            ..self
        }
    }

    /// Of which stream everything is said.
    pub fn stream(&self) -> Option<&str> {
        self.stream.as_deref()
    }

    /// A line of text with the stream's name before it, where it is of one.
    pub fn named<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.stream {
            Some(stream) => format!("{stream}: {text}").into(),
            None => text.into(),
        }
    }

    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Whether results go to a screen.
    pub fn is_on_screen(&self) -> bool {
        self.on_screen
    }

    /// How many columns the screen has, if there is one.
    pub fn width(&self) -> Option<usize> {
        terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
    }

    pub fn bar(&self) -> Option<&ProgressBar> {
        self.bar.as_ref()
    }

    /// Writes one line of the result, and flushes it: `spoutctl put … | while read` depends on that. When nobody reads
    /// any more, or the disk behind it is full, this is said once and the work goes on.
    ///
    /// It may block for as long as the reader does; no lock is held meanwhile that anything else needs.
    pub fn result(&self, line: &str) {
        // At once: what others write into the same pipe does not come between.
        self.write(true, |stdout| stdout.write_all(format!("{line}\n").as_bytes()));
    }

    /// Writes the whole result at once, these bytes alone; [`Self::results_lost`] tells whether they came through.
    pub fn whole_result(&self, bytes: &[u8]) {
        self.write(false, |stdout| stdout.write_all(bytes));
    }

    fn write(&self, goes_on: bool, write: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>) {
        if self.results_stopped.load(Ordering::Acquire) {
            return;
        }
        let write = || {
            let mut stdout = io::stdout().lock();
            write(&mut stdout).and_then(|()| stdout.flush())
        };
        // Only where both go to one screen does the progress line stand in the way.
        let written = if self.on_screen { self.aside(write) } else { write() };
        if let Err(error) = written
            && !self.results_stopped.swap(true, Ordering::AcqRel)
        {
            if goes_on {
                self.note(&format!(
                    "results cannot be written to standard output any more ({error}); the work goes on"
                ));
            }
            *self.lost.lock() = Some(error);
        }
    }

    /// Why results were lost, unless whoever read them has simply gone.
    pub fn results_lost(&self) -> Option<String> {
        let lost = self.lost.lock();
        lost.as_ref()
            .filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
            .map(ToString::to_string)
    }

    /// Something worth knowing that needs no action.
    pub fn note(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.log(&Entry::new(Level::Info, "note: ", text));
        }
    }

    /// Something that may need action.
    pub fn warning(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.log(&Entry::new(Level::Warning, "warning: ", text));
        }
    }

    /// The same of an archive, by its number.
    pub fn warning_of(&self, archive: u64, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.log(&Entry {
                archive: Some(archive),
                ..Entry::new(Level::Warning, "warning: ", text)
            });
        }
    }

    /// What only `--verbose` shows.
    pub fn detail(&self, text: &str) {
        if self.verbosity >= Verbosity::Verbose {
            self.log(&Entry::new(Level::Debug, "", text));
        }
    }

    /// A line about the work itself, such as the summary.
    pub fn status(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.log(&Entry::new(Level::Info, "", text));
        }
    }

    /// A line on standard error whatever the verbosity: errors.
    pub fn error_line(&self, text: &str) {
        self.log(&Entry::new(Level::Error, "", text));
    }

    /// The same, with what is known of it.
    pub fn log(&self, entry: &Entry<'_>) {
        let entry = Entry {
            stream: self.stream(),
            ..entry.clone()
        };
        let line = entry.written(log::form(), Timestamp::now()) + "\n";
        self.aside(|| {
            // At once, since a producer may write there, too. When it is gone there is nobody left to tell.
            let _ = io::stderr().lock().write_all(line.as_bytes());
        });
    }

    /// Runs `write` with the progress bar out of the way.
    fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.aside(write),
            None => write(),
        }
    }
}

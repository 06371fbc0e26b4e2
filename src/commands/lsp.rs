//! `spoutctl lsp`: the linter in an editor, over standard input and output.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lsp_server::Connection;

use super::validate::project_options;
use super::validate::suppressions::Suppressions;
use crate::cli::LspArgs;
use crate::failure::Failure;
use crate::lsp;
use crate::settings::project::{self, Project};
use spoutctl_core::exit::Exit;
use spoutctl_lint::diagnostic::Diagnostic;
use spoutctl_lint::version::Version;
use spoutctl_lint::{Expect, Options};

/// Runs the verb.
///
/// # Errors
/// When nobody is there who speaks the protocol, or goes without a word.
pub fn run(args: &LspArgs) -> Result<Exit, Failure> {
    if io::stdin().is_terminal() {
        let failure = Failure::new(
            Exit::Usage,
            "an editor starts this, and talks to it over standard input",
        );
        return Err(failure.help("docs/editors.md says how; spoutctl validate FILE is for people"));
    }
    let (connection, threads) = Connection::stdio();
    let mut projects = Projects {
        version: args.pachyderm,
        all: args.all,
        found: RefCell::default(),
        complaints: RefCell::default(),
    };
    let served = lsp::serve(&connection, &mut projects);
    // The thread that writes ends when nobody can send any more.
    drop(connection);
    served.map_err(|error| Failure::new(Exit::Input, "the session with the editor ended").detail(error.to_string()))?;
    threads
        .join()
        .map_err(|error| Failure::new(Exit::Input, "the editor is gone").detail(error.to_string()))?;
    Ok(Exit::Done)
}

/// What `spoutctl.toml` says for each directory.
struct Projects {
    version: Option<Version>,
    all: bool,
    /// By directory; nothing where there is none that can be used.
    found: RefCell<HashMap<PathBuf, Option<Rc<Found>>>>,
    /// What has not been told yet.
    complaints: RefCell<Vec<String>>,
}

struct Found {
    project: Project,
    suppressions: Suppressions,
}

impl Projects {
    fn of(&self, directory: Option<&Path>) -> Option<Rc<Found>> {
        let directory = match directory {
            Some(directory) => directory.to_owned(),
            None => std::env::current_dir().ok()?,
        };
        if let Some(known) = self.found.borrow().get(&directory) {
            return known.clone();
        }
        let found = project::find(&directory).and_then(|path| match load(&path) {
            Ok(found) => Some(Rc::new(found)),
            Err(why) => {
                self.complaints.borrow_mut().push(why);
                None
            }
        });
        self.found.borrow_mut().insert(directory, found.clone());
        found
    }
}

fn load(path: &Path) -> Result<Found, String> {
    let project = project::load(path).map_err(|error| error.to_string())?;
    let suppressions = Suppressions::new(Some(&project)).map_err(|failure| failure.heading)?;
    Ok(Found { project, suppressions })
}

impl lsp::Settings for Projects {
    fn options(&self, path: Option<&Path>) -> Options {
        let found = self.of(path.and_then(Path::parent));
        let project = found.as_deref().map(|found| &found.project);
        let all = self.all || project.is_some_and(|project| project.settings.validate.all);
        Options {
            // As in a directory: nobody has said that what is open in an editor is a spout.
            expect: if all { Expect::Pipeline } else { Expect::Any },
            ..project_options(self.version, project)
        }
    }

    fn leave_out(&self, path: &Path, diagnostics: &mut Vec<Diagnostic>) {
        if let Some(found) = self.of(path.parent()) {
            found.suppressions.of(&path.to_string_lossy()).leave_out(diagnostics);
        }
    }

    fn reload(&mut self) {
        self.found.borrow_mut().clear();
    }

    fn take_complaints(&self) -> Vec<String> {
        std::mem::take(&mut *self.complaints.borrow_mut())
    }
}

//! Writing a whole answer to standard output, for verbs that have nothing left to do afterwards.

use crate::failure::Failure;
use crate::terminal::Terminal;
use spoutctl_core::exit::Exit;

/// Writes `text` and ends the line. A reader who closed the pipe has seen enough.
///
/// # Errors
/// When it could not be written: an answer that did not get out is none.
pub(super) fn print(terminal: &Terminal, text: &str) -> Result<Exit, Failure> {
    terminal.whole_result(format!("{text}\n").as_bytes());
    unless_lost(terminal).map(|()| Exit::Done)
}

/// # Errors
/// When something that was written before did not get out.
pub(super) fn unless_lost(terminal: &Terminal) -> Result<(), Failure> {
    match terminal.results_lost() {
        Some(why) => Err(Failure::new(Exit::Input, "the report could not be written").detail(why)),
        None => Ok(()),
    }
}

//! Questions to a person, asked on standard error.
//!
//! Ctrl-C is an answer here, [`Interrupted`]: while a question is open the terminal is in a mode of its own and has no
//! cursor, and both are as before when the answer is known. That needs a handler for SIGINT, which whoever asks has
//! set; without one the signal ends the process as always.

use std::io::{self, IsTerminal};

use dialoguer::console::Term;
use dialoguer::{Confirm, Input, Select};

/// Nobody answers any more: Ctrl-C, or the terminal is gone.
#[derive(Debug)]
pub struct Interrupted;

/// Whether somebody can be asked: we read what is typed, and what we ask is seen.
pub fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a line, again and again until `check` has nothing against it. Nothing typed is `default`, or an empty line
/// where there is none.
///
/// # Errors
/// When nobody answers.
pub fn line(
    question: &str,
    default: Option<&str>,
    mut check: impl FnMut(&str) -> Result<(), String>,
) -> Result<String, Interrupted> {
    let input = Input::<String>::new()
        .with_prompt(question)
        .allow_empty(true)
        .validate_with(|text: &String| check(text.trim()));
    let input = match default {
        Some(default) => input.default(default.to_owned()),
        None => input,
    };
    settled(input.interact_text()).map(|text| text.trim().to_owned())
}

/// Lets one of several be chosen; the first is offered.
///
/// # Errors
/// When nobody answers.
pub fn choice(question: &str, items: &[String]) -> Result<usize, Interrupted> {
    settled(
        Select::new()
            .with_prompt(question)
            .items(items)
            .default(0)
            .report(true)
            .interact(),
    )
}

/// Asks a question whose answer is yes unless somebody says no.
///
/// # Errors
/// When nobody answers.
pub fn yes(question: &str) -> Result<bool, Interrupted> {
    settled(Confirm::new().with_prompt(question).default(true).interact())
}

fn settled<T>(answer: dialoguer::Result<T>) -> Result<T, Interrupted> {
    answer.map_err(|_| {
        // The terminal's mode is restored already, the cursor is not. Where there is no terminal any more, neither
        // matters.
        let _ = Term::stderr().show_cursor();
        Interrupted
    })
}

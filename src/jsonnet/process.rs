//! A process that has only so much memory and time, and evaluates one template.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::evaluation;
use super::exchange::{Evaluated, Fault, Request};

/// Bytes of memory: the evaluator's own library takes 30 MB, a large template as much again.
const MEMORY: u64 = 512 << 20;

/// Seconds of computing. A template of a thousand pipelines takes less than one.
const SECONDS: u64 = 10;

/// The most that is read of an answer. A spec has kilobytes, and each of its values some ten bytes of places more.
const LARGEST_ANSWER: u64 = 64 << 20;

/// Evaluates a template in another process of this program, which is told by `verb` to [`serve`].
///
/// # Errors
/// What is wrong with the template or its arguments, or that it takes more than it may.
pub fn evaluate(request: &Request, verb: impl AsRef<OsStr>) -> Result<Evaluated, Fault> {
    let (answer, status) =
        ask(request, verb.as_ref()).map_err(|error| Fault::of_all(format!("it cannot be evaluated: {error}")))?;
    if answer.len() as u64 > LARGEST_ANSWER {
        return Err(Fault::of_all(
            "what comes of it is larger than 64 MiB, which no spec is",
        ));
    }
    let read = serde_json::from_slice(&answer);
    read.unwrap_or_else(|_| Err(Fault::of_all(died(status))))
}

fn ask(request: &Request, verb: &OsStr) -> io::Result<(Vec<u8>, ExitStatus)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let question = serde_json::to_vec(request)?;
    if let Some(mut stdin) = child.stdin.take() {
        // It reads all before it answers; when it has died, that is seen below.
        let _ = stdin.write_all(&question);
    }
    let mut answer = Vec::new();
    let read = match child.stdout.take() {
        Some(stdout) => stdout.take(LARGEST_ANSWER + 1).read_to_end(&mut answer),
        None => Ok(0),
    };
    if read.is_err() || answer.len() as u64 > LARGEST_ANSWER {
        let _ = child.kill();
    }
    let status = child.wait()?;
    read.map(|_| (answer, status))
}

fn died(status: ExitStatus) -> String {
    const XCPU: i32 = 24;
    match status.signal() {
        Some(XCPU) => format!("it takes more than {SECONDS} seconds to evaluate"),
        // What cannot have more memory aborts.
        Some(6) => format!("it takes more than {} MiB of memory to evaluate", MEMORY >> 20),
        _ => format!("its evaluation ended without a result ({status})"),
    }
}

/// The other side of [`evaluate`]: takes bounds, reads a request from `input` and answers to `output`.
///
/// # Errors
/// When it cannot have bounds, or nobody listens.
pub fn serve(input: impl Read, output: impl Write) -> io::Result<()> {
    let bound = |resource, limit| {
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit + 1),
        };
        setrlimit(resource, limit)
    };
    bound(Resource::As, MEMORY)?;
    bound(Resource::Cpu, SECONDS)?;
    bound(Resource::Core, 0)?;
    let request: Request = serde_json::from_reader(input)?;
    let answer = evaluation::evaluate(&request);
    serde_json::to_writer(output, &answer)?;
    Ok(())
}

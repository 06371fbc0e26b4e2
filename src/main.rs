//! The binary: the process's arguments, environment and streams go in, its exit code comes out.

use std::process::ExitCode;

fn main() -> ExitCode {
    spoutctl::run(std::env::args_os()).into()
}

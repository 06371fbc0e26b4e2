//! Zsh, which loads a file of `$fpath` as the body of the function that it is called by.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_complete::env::{self, EnvCompleter};

/// As the library has it, but a directory behind a `:` is one, too, and no blank follows it. And good in a file of
/// `$fpath`: there the first press of the key, which loads it, is answered.
pub(super) struct Zsh;

/// Where the library's script begins to look at an answer.
const LOOKS: &str = "            local value=\"${completion%%:*}\"\n";
const LOOKS_AT_PATHS_FIRST: &str = r#"            if [[ "$completion" == *\\:*/ ]]; then
                dirs+=("${completion%/}")
                continue
            fi
            local value="${completion%%:*}"
"#;

impl EnvCompleter for Zsh {
    fn name(&self) -> &'static str {
        "zsh"
    }

    fn is(&self, name: &str) -> bool {
        name == self.name()
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        script: &mut dyn Write,
    ) -> io::Result<()> {
        let mut text = Vec::new();
        env::Zsh.write_registration(var, name, bin, completer, &mut text)?;
        let text = String::from_utf8(text).map_err(io::Error::other)?;
        script.write_all(text.replace(LOOKS, LOOKS_AT_PATHS_FIRST).as_bytes())?;
        let name = name.replace('-', "_");
        writeln!(
            script,
            "if [[ ${{funcstack[1]}} == _{name} ]]; then\n    _clap_dynamic_completer_{name} \"$@\"\nfi"
        )
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        here: Option<&Path>,
        answer: &mut dyn Write,
    ) -> io::Result<()> {
        env::Zsh.write_complete(command, words, here, answer)
    }
}

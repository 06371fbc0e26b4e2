//! Zsh, which loads a file of `$fpath` as the body of the function that it is called by.

use std::io;

use clap_complete::env::{self, EnvCompleter as _};

/// Where the library's script begins to look at an answer.
const LOOKS: &str = "            local value=\"${completion%%:*}\"\n";
const LOOKS_AT_PATHS_FIRST: &str = r#"            if [[ "$completion" == *\\:*/ ]]; then
                dirs+=("${completion%/}")
                continue
            fi
            local value="${completion%%:*}"
"#;

/// As the library has it, but a directory behind a `:` is one, too, and no blank follows it. And good in a file of
/// `$fpath`: there the first press of the key, which loads it, is answered.
pub(super) fn script(var: &str, name: &str, bin: &str, completer: &str) -> io::Result<String> {
    let mut text = Vec::new();
    env::Zsh.write_registration(var, name, bin, completer, &mut text)?;
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    let name = name.replace('-', "_");
    let loaded =
        format!("if [[ ${{funcstack[1]}} == _{name} ]]; then\n    _clap_dynamic_completer_{name} \"$@\"\nfi\n");
    Ok(text.replace(LOOKS, LOOKS_AT_PATHS_FIRST) + &loaded)
}

//! Bash, which breaks words at `:` and `@`: here they stand within one.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_complete::env::{self, EnvCompleter};

/// As the library has it, but with the words of the line as they are typed. What bash takes for the word at the cursor
/// begins behind its last `:`; from an answer, what stands before that is cut off again.
pub(super) struct Bash;

const SCRIPT: &str = r#"
_clap_complete_NAME() {
    local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} cut= words
    if [[ $line == *[\"\'\\]* ]]; then
        words=("${COMP_WORDS[@]:0:COMP_CWORD}" "$2")
    else
        read -ra words <<< "$line"
        [[ $line == *[[:space:]] ]] && words+=("")
        cut=${words[${#words[@]} - 1]}
        cut=${cut%"$2"}
    fi
    local IFS=$'\013'
    COMPREPLY=( $( \
        _CLAP_IFS="$IFS" \
        _CLAP_COMPLETE_INDEX="$((${#words[@]} - 1))" \
        VAR="bash" \
        "COMPLETER" -- "${words[@]}" 2> /dev/null \
    ) )
    if [[ $? != 0 ]]; then
        unset COMPREPLY
        return
    fi
    COMPREPLY=("${COMPREPLY[@]#"$cut"}")
    if [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *[=/:] ]]; then
        compopt +o nospace 2> /dev/null
    fi
}
complete -o nospace -o bashdefault -F _clap_complete_NAME BIN
"#;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
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
        let text = SCRIPT
            .replace("NAME", &name.replace('-', "_"))
            .replace("BIN", bin)
            .replace("COMPLETER", completer)
            .replace("VAR", var);
        script.write_all(text.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        here: Option<&Path>,
        answer: &mut dyn Write,
    ) -> io::Result<()> {
        env::Bash.write_complete(command, words, here, answer)
    }
}

//! Bash, which breaks words at `:` and `@`: here they stand within one.

use std::io;

/// As the library has it, but with the words of the line as they are typed. What bash takes for the word at the cursor
/// begins behind its last `:`; from an answer, what stands before that is cut off again.
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

pub(super) fn script(var: &str, name: &str, bin: &str, completer: &str) -> io::Result<String> {
    Ok(SCRIPT
        .replace("NAME", &name.replace('-', "_"))
        .replace("BIN", bin)
        .replace("COMPLETER", completer)
        .replace("VAR", var))
}

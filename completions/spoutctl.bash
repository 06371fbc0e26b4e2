
_clap_complete_spoutctl() {
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
        COMPLETE="bash" \
        "spoutctl" -- "${words[@]}" 2> /dev/null \
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
complete -o nospace -o bashdefault -F _clap_complete_spoutctl spoutctl

/** The completion script for zsh: offers what `tsctl completion words` prints, and files where that is nothing. */
export function zshScript(): string {
  return `#compdef tsctl
# Completion of tsctl for zsh: source it, or put it as _tsctl into a folder of $fpath.
_tsctl() {
  local -a found open closed
  local word
  found=("\${(@f)$(tsctl completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for word in "\${found[@]}"; do
    case "$word" in
      "") ;;
      *[=/]) open+=("$word") ;;
      *) closed+=("$word") ;;
    esac
  done
  if (( \${#open} + \${#closed} == 0 )); then
    _files
    return
  fi
  # What ends in a slash or an equal sign goes on in the same word.
  (( \${#open} )) && compadd -S '' -- "\${open[@]}"
  (( \${#closed} )) && compadd -- "\${closed[@]}"
}
# Sourced it defines the command's completion; loaded from $fpath it is the completion.
if [[ "\${funcstack[1]}" == _tsctl ]]; then _tsctl "$@"; else compdef _tsctl tsctl; fi
`;
}

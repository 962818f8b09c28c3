/** The completion script for bash: hands the words to `tsctl completion words` and offers what it prints. */
export function bashScript(): string {
  return `# Completion of tsctl for bash: source it, or put it into /etc/bash_completion.d/.
_tsctl() {
  local words
  # Slashes and equal signs belong to words here, whatever COMP_WORDBREAKS says.
  local line="\${COMP_LINE:0:COMP_POINT}"
  read -r -a words <<<"\${line#*[[:space:]]}"
  [[ "$line" == *[[:space:]] ]] && words+=("")
  local current="\${words[\${#words[@]}-1]}"
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(tsctl completion words -- "\${words[@]}" 2>/dev/null)" -- "$current"))
  # Bash replaces only what follows the last break; cut the same from each candidate.
  local kept="\${current%"\${current##*[=:]}"}"
  [[ -n "$kept" ]] && COMPREPLY=("\${COMPREPLY[@]#"$kept"}")
  [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == *[=/] ]] && compopt -o nospace
}
complete -o default -F _tsctl tsctl
`;
}

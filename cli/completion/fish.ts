/** The completion script for fish: offers what `tsctl completion words` prints; files after -f and -k. */
export function fishScript(): string {
  return `# Completion of tsctl for fish: put it into ~/.config/fish/completions/tsctl.fish.
function __tsctl_words
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    tsctl completion words -- $before[2..-1] "$current" 2>/dev/null
end
function __tsctl_wants_file
    contains -- (commandline -opc)[-1] -f -k --filename --kustomize --config --patch-file --from-file --from-env-file
end
complete -c tsctl -f -n 'not __tsctl_wants_file' -a '(__tsctl_words)'
complete -c tsctl -F -n __tsctl_wants_file
`;
}

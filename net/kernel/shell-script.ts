/** A word that the shell takes as it stands. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command that is fed these lines; an empty list is no command. Lines must not hold the end mark, which none of ours can. */
export function feed(command: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${command} <<'TALLSHIP-END'\n${lines.join("\n")}\nTALLSHIP-END\n`;
}

/** As `feed`, but the shell fills in its own variables, such as $$. */
export function feedExpanded(command: string, lines: readonly string[]): string {
  return `${command} <<TALLSHIP-END\n${lines.join("\n")}\nTALLSHIP-END\n`;
}

/** Separates the answers of several commands of one script. */
export function sectionMark(name: string): string {
  return `echo '::${name}'`;
}

/** The answers of a script whose commands were separated by section marks. */
export function sections(output: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const part of `\n${output}`.split("\n::").slice(1)) {
    const end = part.indexOf("\n");
    const name = end < 0 ? part : part.slice(0, end);
    found.set(name, end < 0 ? "" : part.slice(end + 1));
  }
  return found;
}

/** A word that a POSIX shell reads as exactly this text, whatever it holds. NUL cannot be passed to a process and is refused. */
export function shellWord(text: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The words of a command, each quoted. */
export function shellWords(words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}

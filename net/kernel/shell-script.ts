import { TallshipError } from "../../lib/errors.js";

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

/** Shows that one `ip` prints one after the other, a line of JSON each: a process for each of them is three times the work. */
export function showAll(shows: readonly string[]): string {
  return feed("ip -force -json -details -batch - 2>/dev/null", shows);
}

/** The answers to `showAll`, in its order. An `ip` that broke off answers fewer, which nobody may take for empty tables. */
export function shown(output: string, count: number): readonly string[] {
  const answers = output.split("\n").filter((line) => line.trim() !== "");
  if (answers.length !== count)
    throw new TallshipError(
      "kernel_failed",
      `read network tables: ip answered ${answers.length} of ${count} questions`,
    );
  return answers;
}

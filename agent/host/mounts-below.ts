/** Mount points below the folders, the innermost first, of a /proc/PID/mountinfo text. The folders themselves are not among them: they may be the owner's mounts. */
export function mountsBelow(mountInfo: string, folders: readonly string[]): readonly string[] {
  return mountInfo
    .split("\n")
    .map((line) => plainPath(line.split(" ")[4] ?? ""))
    .filter((point) => folders.some((folder) => point.startsWith(`${folder}/`)))
    .reverse();
}

/** The kernel writes space, tab, newline and backslash as octal. */
function plainPath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

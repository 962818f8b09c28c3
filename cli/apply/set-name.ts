/**
 * Name of the set of objects that the files make, so that the next apply of the same files replaces this one: the file's name without
 * folder and ending, several joined. Standard input gives the empty name, which leaves it to the server. Always a name that the server takes.
 */
export function setName(paths: readonly string[]): string {
  if (paths.includes("-")) return "";
  const names = paths.map((path) => baseName(path).replace(/\.(ya?ml|json)$/i, ""));
  const joined = [...new Set(names)]
    .sort()
    .join(".")
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-");
  return joined.slice(0, LONGEST).replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "");
}

/** Longest name of a set. */
const LONGEST = 63;

function baseName(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return parts.at(-1) ?? "";
}

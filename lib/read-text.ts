// Edge: reads small files of the host.
import { readFileSync } from "node:fs";

/** A file's text; empty when there is none, or when it may not be read: most of what the kernel shows as files is not there on every host. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

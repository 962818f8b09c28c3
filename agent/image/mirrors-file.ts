// Edge: reads the file of mirrors.
import { readFileSync, statSync } from "node:fs";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Mirrors } from "./mirrors.js";
import { parseMirrors } from "./mirrors-yaml.js";

/** Reads the file of mirrors at each call, so that a change needs no restart. No file: no mirrors. */
export function mirrorsFile(path: string): () => Mirrors {
  let read: { readonly changedMs: number; readonly mirrors: Mirrors } | undefined;
  return () => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return new Map();
    if (found.size > limit("registriesFileBytes")) {
      throw new TallshipError(
        "too_large",
        `${path} has ${found.size} bytes, more than ${limit("registriesFileBytes")}`,
      );
    }
    if (read?.changedMs !== found.mtimeMs) {
      read = { changedMs: found.mtimeMs, mirrors: parseMirrors(readFileSync(path, "utf8"), path) };
    }
    return read.mirrors;
  };
}

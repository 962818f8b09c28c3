import { asTallshipError } from "../../lib/errors.js";
import { type CdiEdits, type CdiSpec, parseCdiSpec } from "./cdi-spec.js";
import type { DeviceFacts } from "./device-facts.js";

/** A file of a folder of devices: its text, or why it could not be read. */
export interface CdiFile {
  readonly path: string;
  /** Place of its folder among the folders; what stands in a later one counts more. */
  readonly rank: number;
  readonly content:
    | { readonly is: "text"; readonly text: string }
    | { readonly is: "unreadable"; readonly why: string };
}

/** A device that a node has. */
export interface CdiDevice {
  readonly kind: string;
  readonly name: string;
  /** In the order in which they are made: those of the device's file first, then its own. */
  readonly edits: readonly CdiEdits[];
  readonly facts: DeviceFacts;
}

/** All devices that the files of a node describe. */
export interface CdiCatalog {
  /** By kind, then by name. */
  readonly kinds: ReadonlyMap<string, ReadonlyMap<string, CdiDevice>>;
  /** What is wrong with files, each with its path. What is right in the others counts. */
  readonly problems: readonly string[];
}

/** A node without devices. */
export const NO_DEVICES: CdiCatalog = { kinds: new Map(), problems: [] };

interface Found extends CdiDevice {
  readonly path: string;
  readonly rank: number;
}

/**
 * What files come to. A device that two folders describe is that of the later folder; one that two files of a folder describe is nobody's, since which was meant
 * cannot be known. Pure, and independent of the order of the files.
 */
export function catalogOf(files: readonly CdiFile[]): CdiCatalog {
  const problems: string[] = [];
  const found = new Map<string, Found[]>();
  for (const file of [...files].sort(byPath)) {
    const spec = readFile(file, problems);
    if (spec === undefined) continue;
    for (const { name, edits, facts } of spec.devices) {
      const key = `${spec.kind}=${name}`;
      const device = { kind: spec.kind, name, edits: [spec.edits, edits], facts, path: file.path, rank: file.rank };
      found.set(key, [...(found.get(key) ?? []), device]);
    }
  }
  const kinds = new Map<string, Map<string, CdiDevice>>();
  for (const [key, devices] of found) {
    const highest = Math.max(...devices.map(({ rank }) => rank));
    const [first, second] = devices.filter(({ rank }) => rank === highest);
    if (second !== undefined) problems.push(`${second.path}: device ${key} is described by ${first?.path} too`);
    else if (first !== undefined) kinds.set(first.kind, (kinds.get(first.kind) ?? new Map()).set(first.name, first));
  }
  return { kinds, problems };
}

function readFile({ path, content }: CdiFile, problems: string[]): CdiSpec | undefined {
  if (content.is === "unreadable") {
    problems.push(`${path}: ${content.why}`);
    return undefined;
  }
  try {
    return parseCdiSpec(content.text, path);
  } catch (error) {
    problems.push(asTallshipError(error).message);
    return undefined;
  }
}

function byPath(left: CdiFile, right: CdiFile): number {
  return left.path < right.path ? -1 : 1;
}

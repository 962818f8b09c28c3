import { dirname } from "node:path";
import { parseGeneralYaml } from "../../../kinds/yaml/general-reader.js";
import type { ParsedYaml } from "../../../kinds/yaml/parsed.js";
import { type Source, stripBom } from "../../../kinds/yaml/source.js";
import { readDotenv } from "./dotenv.js";
import type { Variables } from "./interpolate.js";
import type { FileLookup } from "./lookup.js";
import type { ComposeMap, Place } from "./node.js";
import type { Teller } from "./tell.js";

/** What every step of loading works with. */
export interface Loading {
  readonly files: FileLookup;
  readonly tell: Teller;
  /** Folder that relative paths of a source are seen from; filled as sources are read. */
  readonly folders: Map<Source, string>;
  /** Files that are being included or extended right now, to find circles. */
  readonly open: readonly string[];
  /** Loads the files of an included or extended model. */
  readonly load: (set: FileSet, loading: Loading) => ComposeMap | undefined;
}

/** Some files that are one model: each lies over the ones before. */
export interface FileSet {
  readonly parsed: readonly ParsedYaml[];
  /** Folder of relative paths. */
  readonly folder: string;
  readonly variables: Variables;
}

/** Reads a compose file that another one names; undefined, told or still to be read, when there is none. */
export function readNamed(path: string, place: Place, loading: Loading): ParsedYaml | undefined {
  const text = loading.files.text(path);
  if (text === undefined) {
    if (!loading.files.wanted.has(path)) loading.tell.problem(place, [], `there is no file ${path}`);
    return undefined;
  }
  return parseGeneralYaml({ name: path, text: stripBom(text) });
}

/** The variables of the environment, with those of `.env` files where it has none. */
export function withDotenv(
  around: Variables,
  paths: readonly { readonly path: string; readonly isNeeded: boolean; readonly place?: Place }[],
  { files, tell }: Pick<Loading, "files" | "tell">,
): Variables {
  const found = new Map<string, string>();
  for (const { path, isNeeded, place } of paths) {
    const text = files.text(path);
    const source = { name: path, text: text ?? "" };
    if (text === undefined) {
      if (isNeeded && !files.wanted.has(path)) tell.problem(place ?? { source, at: 0 }, [], `there is no file ${path}`);
      continue;
    }
    const read = readDotenv(stripBom(text), around);
    if (read.is === "wrong") tell.problem({ source, at: read.at }, [], read.why);
    else for (const [name, value] of read.all) found.set(name, value);
  }
  return new Map([...found, ...around]);
}

/** Folder of a file. */
export function folderOf(path: string): string {
  return dirname(path);
}

import { type DecodedObject, decodeDocument } from "./decode.js";
import { applyDefaults } from "./defaults/defaults.js";
import { keyOf, keyText, type Typed } from "./object.js";
import { type Problem, pathSteps, pathText } from "./problem.js";
import { KINDS } from "./registry.js";
import { validate } from "./validation/validate.js";
import type { ParsedYaml } from "./yaml/parsed.js";
import { placeText } from "./yaml/source.js";
import { entryOf, type TreeNode } from "./yaml/tree.js";

/** An object that a source holds, with only the fields that stand there (and its namespace). */
export interface ReadObject {
  readonly typed: Typed;
  /** Where it stands: file:line:column. */
  readonly place: string;
}

/** What several sources hold. Unless `problems` is empty nothing may be written. */
export interface ReadResult {
  readonly objects: readonly ReadObject[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** How objects without a namespace are read. */
export interface ReadOptions {
  /** Namespace of objects that name none. */
  readonly namespace: string;
  /** The user asked for this namespace by name: an object of another one is an error. */
  readonly isNamespaceAsked: boolean;
  /** An object whose name the server would make up is an error: the command would not find it again. */
  readonly isNameNeeded?: boolean;
}

/** Reads and checks everything in the sources, as far as it can be checked without the cluster; all that is wrong at once. */
export function readObjects(sources: readonly ParsedYaml[], options: ReadOptions): ReadResult {
  const result = { objects: [] as ReadObject[], problems: [] as Problem[], warnings: [] as Problem[] };
  const places = new Map<string, string>();
  for (const parsed of sources) readSource(parsed, options, result, places);
  const order = new Map(sources.map(({ source }, index) => [source, index]));
  result.problems.sort((a, b) => (order.get(a.source) ?? 0) - (order.get(b.source) ?? 0) || a.at - b.at);
  return result;
}

interface MutableResult {
  readonly objects: ReadObject[];
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

function readSource(
  parsed: ParsedYaml,
  options: ReadOptions,
  result: MutableResult,
  places: Map<string, string>,
): void {
  const { source } = parsed;
  result.problems.push(...parsed.problems);
  for (const [at, tag] of parsed.tags ?? [])
    result.problems.push({ code: "invalid_argument", path: "", message: `tag ${tag} is not supported`, source, at });
  for (const document of parsed.documents) {
    const decoded = decodeDocument(document, source);
    result.problems.push(...decoded.problems);
    result.warnings.push(...decoded.warnings);
    for (const object of decoded.objects) {
      const typed = withNamespace(object.typed, options);
      const place = placeText(source, object.root.at);
      result.problems.push(
        ...duplicateProblem(typed, object, places, place),
        ...namespaceProblem(typed, object, options),
        ...nameProblem(typed, object, options),
        ...valueProblems(typed, object, decoded.problems),
      );
      result.objects.push({ typed, place });
    }
  }
}

/** One set holds an object once; `places` remembers where. */
function duplicateProblem(
  typed: Typed,
  { root, source }: DecodedObject,
  places: Map<string, string>,
  place: string,
): readonly Problem[] {
  if ((typed.object.metadata?.name ?? "") === "") return [];
  const key = keyText(keyOf(typed));
  const first = places.get(key);
  if (first === undefined) {
    places.set(key, place);
    return [];
  }
  return [{ code: "already_exists", path: "", message: `${key} stands at ${first} too`, source, at: root.at }];
}

function withNamespace(typed: Typed, options: ReadOptions): Typed {
  const meta = typed.object.metadata;
  if (meta === undefined || meta.namespace !== "" || !KINDS[typed.kind].isNamespaced) return typed;
  // The object is of the same kind: only its namespace differs.
  return { ...typed, object: { ...typed.object, metadata: { ...meta, namespace: options.namespace } } } as Typed;
}

function namespaceProblem(typed: Typed, object: DecodedObject, options: ReadOptions): readonly Problem[] {
  const found = typed.object.metadata?.namespace ?? "";
  if (!options.isNamespaceAsked || found === "" || found === options.namespace) return [];
  if (!KINDS[typed.kind].isNamespaced) return [];
  const message = `the object is of namespace ${found}, the command of ${options.namespace}`;
  return [problemAt(object, "metadata.namespace", message)];
}

function nameProblem(typed: Typed, object: DecodedObject, options: ReadOptions): readonly Problem[] {
  const meta = typed.object.metadata;
  if (options.isNameNeeded !== true || meta?.name !== "" || meta.generateName === "") return [];
  return [problemAt(object, "metadata.generateName", "this command needs a name")];
}

/** What the values lack. A field that is missing beside one that could not be read is most likely that one. */
function valueProblems(typed: Typed, object: DecodedObject, known: readonly Problem[]): readonly Problem[] {
  const unread = new Set(known.map(({ path }) => parentOf(path)));
  const prefix = pathText(object.path);
  const told = new Set<string>();
  return validate(applyDefaults(typed))
    .filter(({ code, path }) => code !== "required" || !unread.has(parentOf(joined(prefix, path))))
    .filter(({ code, path, message }) => {
      // A mistake that a default has copied to a field that is not in the file is told once; what is missing was not copied.
      if (code !== "required" && told.has(message) && !isWritten(object.root, path)) return false;
      told.add(message);
      return true;
    })
    .map(({ path, message }) => problemAt(object, path, message));
}

function problemAt(object: DecodedObject, path: string, message: string): Problem {
  const { source, root } = object;
  const whole = joined(pathText(object.path), path);
  return { code: "invalid_argument", path: whole, message, source, at: locate(root, path) };
}

function joined(prefix: string, path: string): string {
  return prefix === "" ? path : `${prefix}.${path}`;
}

function parentOf(path: string): string {
  return pathText(pathSteps(path).slice(0, -1));
}

/** Offset of what a path names, or of the nearest thing around it that is there. */
export function locate(root: TreeNode, path: string): number {
  return walk(root, path).at;
}

function isWritten(root: TreeNode, path: string): boolean {
  return walk(root, path).isWhole;
}

/** Follows a path as far as it goes. */
function walk(root: TreeNode, path: string): { readonly at: number; readonly isWhole: boolean } {
  let node = root;
  let at = root.at;
  for (const step of pathSteps(path)) {
    const entry = node.is === "map" ? entryOf(node, String(step)) : undefined;
    const next = node.is === "list" ? node.items[Number(step)] : entry?.value;
    if (next === undefined) return { at, isWhole: false };
    node = next;
    // A scalar is pointed at itself, a map or list by its key.
    at = entry === undefined || node.is === "scalar" ? node.at : entry.at;
  }
  return { at, isWhole: true };
}

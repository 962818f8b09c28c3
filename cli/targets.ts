import { formatReference, parseReference } from "../kinds/image-reference.js";
import { kindOfWord, resourceName } from "../kinds/lookup.js";
import { isKindName, KINDS, type KindName } from "../kinds/registry.js";
import { closest } from "../kinds/suggest.js";
import { usageError } from "./verb.js";

/** Objects that a command line names: all of a kind, or some by name. */
export interface Target {
  readonly kind: KindName;
  /** Empty: every object of the kind that the selectors let through. */
  readonly names: readonly string[];
  /** Namespace of those named; the command's when absent. */
  readonly namespace?: string;
}

/** Kinds that `all` stands for, as with kubectl. */
export const ALL: readonly string[] = [
  "Pod",
  "Service",
  "DaemonSet",
  "Deployment",
  "ReplicaSet",
  "StatefulSet",
  "HorizontalPodAutoscaler",
  "CronJob",
  "Job",
];

/** Among other types kubectl's Endpoints are the objects that hold them here. */
function isEndpoints(word: string): boolean {
  return word === "ep" || word === "endpoints";
}

/** Reads `TYPE`, `TYPE,TYPE`, `TYPE NAME…` and `TYPE/NAME…`. Throws usage errors. */
export function readTargets(operands: readonly string[]): readonly Target[] {
  const [first, ...rest] = operands;
  if (first === undefined) throw usageError("name the objects: TYPE, TYPE NAME or TYPE/NAME");
  // Names of images hold slashes themselves.
  if (rest.length > 0 && kindOfWord(first) === "Image") return [{ kind: "Image", names: rest.map(imageName) }];
  if (operands.some((operand) => operand.includes("/"))) return bySlash(operands);
  const kinds = first
    .split(",")
    .flatMap((word) => (first.includes(",") && isEndpoints(word) ? "EndpointSlice" : kindsOf(word)));
  return [...new Set(kinds)].map((kind) => ({ kind, names: rest }));
}

/** Reads one object, `TYPE NAME` or `TYPE/NAME`; a bare name is one of `fallback`. */
export function readTarget(
  operands: readonly string[],
  fallback?: KindName,
): { readonly kind: KindName; readonly name: string } {
  const [first = "", second, ...rest] = operands;
  if (rest.length > 0) throw usageError(`unexpected "${rest[0]}"`);
  if (second !== undefined && kindOfWord(first) === "Image") return { kind: "Image", name: imageName(second) };
  const slash = first.indexOf("/");
  if (slash !== -1 && second === undefined)
    return { kind: kindOf(first.slice(0, slash)), name: nonEmpty(first.slice(slash + 1), first) };
  if (second !== undefined && slash === -1) return { kind: kindOf(first), name: second };
  if (fallback !== undefined && first !== "" && second === undefined) return { kind: fallback, name: first };
  throw usageError("name one object: TYPE NAME or TYPE/NAME");
}

/** The kind a word stands for. Throws a usage error that offers the nearest one. */
export function kindOf(word: string): KindName {
  const kind = kindOfWord(word);
  if (kind !== undefined) return kind;
  const words = Object.values(KINDS).flatMap((row) => [row.plural, row.kind.toLowerCase(), ...row.shortNames]);
  const near = closest(word, words);
  throw usageError(`unknown type "${word}"${near === undefined ? "" : `, did you mean "${near}"?`}`);
}

/** How results name an object: pod/web-0, deployment.apps/hello. */
export function refText(kind: KindName, name: string): string {
  return `${resourceName(kind)}/${name}`;
}

/** How sentences name an object: pod "web-0" in namespace default. */
export function objectText(kind: KindName, namespace: string, name: string): string {
  const where = KINDS[kind].isNamespaced ? ` in namespace ${namespace}` : "";
  return `${resourceName(kind)} "${name}"${where}`;
}

/** Names of all kinds in commands, plural, for help and completion. */
export function typeWords(): readonly string[] {
  return Object.keys(KINDS)
    .filter(isKindName)
    .map((kind) => KINDS[kind].plural)
    .sort();
}

function kindsOf(word: string): readonly KindName[] {
  return word === "all" ? ALL.filter(isKindName) : [kindOf(word)];
}

function bySlash(operands: readonly string[]): readonly Target[] {
  const names = new Map<KindName, string[]>();
  for (const operand of operands) {
    const [type = "", ...parts] = operand.split("/");
    const isImage = kindOfWord(type) === "Image";
    const name = isImage && parts.length > 0 ? imageName(parts.join("/")) : (parts[0] ?? "");
    if (parts.length === 0 || (parts.length > 1 && !isImage))
      throw usageError(`"${operand}" is not TYPE/NAME; types and names are mixed only in that form`);
    const kind = kindOf(type);
    names.set(kind, [...(names.get(kind) ?? []), nonEmpty(name, operand)]);
  }
  return [...names].map(([kind, held]) => ({ kind, names: held }));
}

/** The object's name for whatever spelling of a reference. */
function imageName(reference: string): string {
  return formatReference(parseReference(reference));
}

function nonEmpty(name: string, operand: string): string {
  if (name === "") throw usageError(`"${operand}" has no name after the slash`);
  return name;
}

import type { ErrorCode } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { ignoredIngressAnnotation } from "./ingress-annotations.js";
import { withoutInjected } from "./injected-volumes.js";
import { lookupKind } from "./lookup.js";
import type { Typed } from "./object.js";
import { type PathStep, type Problem, pathText } from "./problem.js";
import { isKindName, type KindName } from "./registry.js";
import { readIntOrString, readScalar } from "./scalars.js";
import { type FieldSchema, type MessageSchema, messageSchema } from "./schema.js";
import { idleServiceField, ignoredServiceAnnotation } from "./service-annotations.js";
import { closest } from "./suggest.js";
import type { Source } from "./yaml/source.js";
import { describeNode, entryOf, isNull, type MapEntry, type MapNode, type TreeNode } from "./yaml/tree.js";

/** One object of a source, and where it stands. */
export interface DecodedObject {
  readonly typed: Typed;
  readonly root: MapNode;
  readonly source: Source;
  /** Where in the document it stands: empty, or items[n] of a list. */
  readonly path: readonly PathStep[];
}

/** What a document holds. `warnings` name what was accepted without effect; `problems` is empty or nothing may be written. */
export interface Decoded {
  readonly objects: readonly DecodedObject[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/**
 * Reads a document as objects, by the schema alone; `kind: List` gives several. Finds every unknown field and wrong type
 * at once. Values are checked by validate(), which the server calls as well.
 */
export function decodeDocument(root: TreeNode, source: Source): Decoded {
  const decoder = new Decoder(source);
  const objects = decoder.document(root, undefined);
  return { objects, problems: decoder.problems, warnings: decoder.warnings };
}

/** A message that is no object, such as a file of tsctl's own user, read as strictly as one. */
export interface DecodedMessage {
  /** The fields as the message's generated type has them. */
  readonly message: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
}

/** Reads a node as a message of the schema. Values are not checked against their rules. */
export function decodeMessage(messageName: string, root: MapNode, source: Source): DecodedMessage {
  const decoder = new Decoder(source);
  const message = decoder.message(messageSchema(messageName), root, false);
  return { message, problems: decoder.problems };
}

/** Fields that Kubernetes' own tools write into files and that carry nothing a user wants: skipped, and said. */
const SERVER_FIELDS: Readonly<Record<string, ReadonlySet<string>>> = {
  ObjectMeta: new Set(["managedFields", "selfLink"]),
};
/** Fields of the schema that are never read from a file. */
const HIDDEN_FIELDS: Readonly<Record<string, ReadonlySet<string>>> = { ObjectMeta: new Set(["applied"]) };

/** Holds what was found in one document and the path of the node being read. */
class Decoder {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  private readonly path: PathStep[] = [];
  private readonly source: Source;

  constructor(source: Source) {
    this.source = source;
  }

  document(root: TreeNode, listed: KindName | undefined): readonly DecodedObject[] {
    if (root.is !== "map") {
      this.problem("invalid_argument", root.at, `want an object with apiVersion and kind, found ${describeNode(root)}`);
      return [];
    }
    const kind = this.word(root, "kind") ?? listed;
    const apiVersion = this.word(root, "apiVersion");
    if (kind === undefined || (apiVersion === undefined && listed === undefined)) {
      this.problem(
        "invalid_argument",
        root.at,
        `want ${kind === undefined ? "kind" : "apiVersion"}: this object has none`,
      );
      return [];
    }
    if (kind.endsWith("List") && !isKindName(kind)) return this.list(root, kind, apiVersion ?? "v1");
    const found =
      listed === kind && apiVersion === undefined
        ? ({ is: "found", kind: listed } as const)
        : lookupKind(apiVersion ?? "", kind);
    if (found.is === "unknown") {
      const at = entryOf(root, "kind")?.value.at ?? root.at;
      this.problem("unknown_kind", at, found.why);
      return [];
    }
    const schema = messageSchema(found.kind);
    if (schema.notEnforced !== "")
      this.warn(root.at, `accepted, not enforced: kind ${found.kind}: ${schema.notEnforced}`);
    const object = this.message(schema, found.kind === "Pod" ? this.asWritten(root) : root, true);
    if (found.kind === "Ingress") this.noteAnnotations(root, ignoredIngressAnnotation);
    if (found.kind === "Service") this.noteService(root);
    // The message's schema is the kind's, so its fields are the kind's type.
    return [
      { typed: { kind: found.kind, object } as unknown as Typed, root, source: this.source, path: [...this.path] },
    ];
  }

  /** A pod without what Kubernetes adds to each: whoever exports pods has it in all of them, and has written it in none. */
  private asWritten(root: MapNode): MapNode {
    const { root: pod, droppedAt } = withoutInjected(root);
    for (const at of droppedAt)
      this.within("spec", () =>
        this.within("volumes", () =>
          this.warn(at, "ignored: Kubernetes adds it for its API's token, which pods do not have here"),
        ),
      );
    return pod;
  }

  /** Names what of a service nothing reads, for its type or at all. */
  private noteService(root: MapNode): void {
    this.noteAnnotations(root, ignoredServiceAnnotation);
    const spec = entryOf(root, "spec")?.value;
    if (spec?.is !== "map") return;
    const wordOf = (name: string): string => {
      const value = entryOf(spec, name)?.value;
      return value?.is === "scalar" && !isNull(value) ? value.text : "";
    };
    for (const { key, at, value } of spec.entries) {
      const why = value.is === "scalar" && wordOf(key) === "" ? undefined : idleServiceField(key, wordOf);
      if (why !== undefined)
        this.within("spec", () => this.within(key, () => this.warn(at, `accepted, not enforced: ${why}`)));
    }
  }

  /** Names the annotations that nothing reads: they are settings, and files are full of other controllers' ones. */
  private noteAnnotations(root: MapNode, whyIgnored: (key: string) => string | undefined): void {
    const metadata = entryOf(root, "metadata")?.value;
    const annotations = metadata?.is === "map" ? entryOf(metadata, "annotations")?.value : undefined;
    if (annotations?.is !== "map") return;
    for (const { key, at } of annotations.entries) {
      const why = whyIgnored(key);
      if (why !== undefined)
        this.within("metadata", () => this.warn(at, `accepted, not enforced: annotation ${key}: ${why}`));
    }
  }

  /** `kind: List`, or a typed list such as PodList whose items may leave kind and apiVersion out. */
  private list(root: MapNode, kind: string, apiVersion: string): readonly DecodedObject[] {
    const stem = kind.slice(0, -"List".length);
    const found = stem === "" ? undefined : lookupKind(apiVersion, stem);
    if (found?.is === "unknown") {
      this.problem("unknown_kind", root.at, found.why);
      return [];
    }
    const items = entryOf(root, "items");
    for (const entry of root.entries)
      if (!LIST_FIELDS.has(entry.key))
        this.problem("unknown_field", entry.at, `unknown field ${JSON.stringify(entry.key)} of a list`);
    if (items === undefined || isNull(items.value)) return [];
    if (items.value.is !== "list") {
      this.problem("invalid_argument", items.value.at, `want a list, found ${describeNode(items.value)}`);
      return [];
    }
    return items.value.items.flatMap((item, index) =>
      this.within("items", () => this.within(index, () => this.document(item, found?.kind))),
    );
  }

  private word(root: MapNode, key: string): string | undefined {
    const entry = entryOf(root, key);
    if (entry === undefined || isNull(entry.value)) return undefined;
    if (entry.value.is === "scalar") return entry.value.text;
    this.problem("invalid_argument", entry.value.at, `want a string as ${key}, found ${describeNode(entry.value)}`);
    return undefined;
  }

  message(schema: MessageSchema, node: MapNode, isRoot: boolean): Record<string, unknown> {
    const result: Record<string, unknown> = { ...schema.blank };
    for (const entry of node.entries) {
      if (isRoot && (entry.key === "apiVersion" || entry.key === "kind")) continue;
      const field = schema.byName.get(entry.key);
      if (field === undefined || HIDDEN_FIELDS[schema.name]?.has(entry.key) === true) this.unknownField(schema, entry);
      else if (!isNull(entry.value)) this.within(entry.key, () => this.set(result, field, entry));
    }
    return result;
  }

  private set(result: Record<string, unknown>, field: FieldSchema, entry: MapEntry): void {
    const value = this.field(field, entry.value);
    if (value === undefined) return;
    result[field.name] = value;
    if (field.rule.notEnforced !== "" && !holdsAnyway(field, value))
      this.warn(entry.at, `accepted, not enforced: ${field.rule.notEnforced}`);
  }

  private field(field: FieldSchema, node: TreeNode): unknown {
    if (field.shape === "one") return this.element(field, node);
    return field.shape === "list" ? this.elements(field, node) : this.entries(field, node);
  }

  private elements(field: FieldSchema, node: TreeNode): unknown {
    if (node.is !== "list") return this.wrong(node, `want a list, found ${describeNode(node)}`);
    const values: unknown[] = [];
    for (const [index, item] of node.items.entries()) {
      const value = this.within(index, () =>
        isNull(item) ? this.wrong(item, "this element is empty") : this.element(field, item),
      );
      if (value !== undefined) values.push(value);
    }
    return values;
  }

  private entries(field: FieldSchema, node: TreeNode): unknown {
    if (node.is !== "map") return this.wrong(node, `want a map, found ${describeNode(node)}`);
    const values: Record<string, unknown> = {};
    for (const entry of node.entries) {
      const value = this.within(entry.key, () => this.entryValue(field, entry));
      if (value !== undefined) values[entry.key] = value;
    }
    return values;
  }

  private entryValue(field: FieldSchema, entry: MapEntry): unknown {
    if (entry.key === "__proto__") return this.wrong(entry.value, "this key is not allowed");
    // As Kubernetes reads it: an empty value of a map of strings is the empty string.
    if (isNull(entry.value)) return field.type === "bytes" ? Buffer.alloc(0) : "";
    return this.element(field, entry.value);
  }

  private element(field: FieldSchema, node: TreeNode): unknown {
    if (field.messageName === "IntOrString") {
      if (node.is !== "scalar") return this.wrong(node, `want a number or a string, found ${describeNode(node)}`);
      const read = readIntOrString(node);
      return read.is === "value" ? read.value : this.wrong(node, read.why);
    }
    if (field.type === "message") {
      if (node.is !== "map") return this.wrong(node, `want a map, found ${describeNode(node)}`);
      return this.message(messageSchema(field.messageName), node, false);
    }
    if (node.is !== "scalar") return this.wrong(node, `want ${nameOf(field)}, found ${describeNode(node)}`);
    const read = readScalar(node, field);
    return read.is === "value" ? read.value : this.wrong(node, read.why);
  }

  private unknownField(schema: MessageSchema, entry: MapEntry): void {
    this.within(entry.key, () => {
      if (SERVER_FIELDS[schema.name]?.has(entry.key) === true) {
        this.warn(entry.at, "ignored: the server writes it");
        return;
      }
      const near = HIDDEN_FIELDS[schema.name]?.has(entry.key) ? undefined : closest(entry.key, schema.byName.keys());
      const hint = near === undefined ? "" : `, did you mean ${JSON.stringify(near)}?`;
      this.problem("unknown_field", entry.at, `unknown field ${JSON.stringify(entry.key)}${hint}`);
    });
  }

  private wrong(node: TreeNode, message: string): undefined {
    this.problem("invalid_argument", node.at, message);
    return undefined;
  }

  private within<T>(step: PathStep, read: () => T): T {
    this.path.push(step);
    const result = read();
    this.path.pop();
    return result;
  }

  private problem(code: ErrorCode, at: number, message: string): void {
    if (this.problems.length >= LIMITS.inputProblems.value) return;
    this.problems.push({ code, path: pathText(this.path), message, source: this.source, at });
  }

  private warn(at: number, message: string): void {
    if (this.warnings.length >= LIMITS.inputProblems.value) return;
    this.warnings.push({ code: "not_supported", path: pathText(this.path), message, source: this.source, at });
  }
}

const LIST_FIELDS: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata", "items"]);

/** True when what Tallship does is what the value asks for, although the field is not enforced. */
function holdsAnyway(field: FieldSchema, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === "object" && value !== null) return field.shape === "map" && Object.keys(value).length === 0;
  const text = String(value);
  if (text === field.rule.default || field.rule.honoured.has(text)) return true;
  return !field.isOptional && (value === "" || value === false || value === 0);
}

function nameOf(field: FieldSchema): string {
  if (field.type === "string") return "a string";
  if (field.type === "bool") return "true or false";
  return field.type === "bytes" ? "base64" : "a number";
}

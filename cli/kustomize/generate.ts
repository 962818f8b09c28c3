import { isUtf8 } from "node:buffer";
import type { PathStep } from "../../kinds/problem.js";
import { stripBom } from "../../kinds/yaml/source.js";
import type { MapNode, TreeNode } from "../../kinds/yaml/tree.js";
import type {
  KustomizationGenerator,
  KustomizationGeneratorOptions,
} from "../../proto/gen/tallship/v1/kustomization.js";
import type { Declaration } from "./declaration.js";
import { mapNode, stringNode, stringsNode } from "./fields.js";
import { baseName } from "./files.js";
import type { Resource } from "./resource.js";
import type { Told } from "./told.js";

/** Reads a file that a kustomization names at a place; undefined when it cannot be, which is told. */
export type ReadFile = (declaration: Declaration, reference: string, at: number) => Uint8Array | undefined;

/** What a generator works with. */
export interface GeneratorContext {
  readonly declaration: Declaration;
  readonly field: "configMapGenerator" | "secretGenerator";
  readonly index: number;
  readonly read: ReadFile;
  readonly told: Told;
}

/** The ConfigMap or Secret that a generator makes, its entries sorted by key. */
export function generate(generator: KustomizationGenerator, context: GeneratorContext): Resource {
  const { declaration, field, index, told } = context;
  const at = declaration.at(field, index, "name");
  const options = wholeOptions(declaration.says.generatorOptions, generator.options);
  const isSecret = field === "secretGenerator";
  const entries = new Map<string, GeneratedEntry>();
  for (const entry of entriesOf(generator, context)) {
    if (entries.has(entry.key)) told.refuse(entry.at, `key "${entry.key}" stands twice`);
    entries.set(entry.key, entry);
  }
  const sorted = [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const tree = mapNode(
    [
      ["apiVersion", stringNode("v1", at)],
      ["kind", stringNode(isSecret ? "Secret" : "ConfigMap", at)],
      ["metadata", metadataOf(generator, options, at)],
      ...(isSecret ? secretFields(sorted, generator.type || "Opaque", at) : configMapFields(sorted, at)),
      ["immutable", options.immutable ? { is: "scalar", at, text: "true", isPlain: true } : undefined],
    ],
    at,
  );
  const needsHash = !options.disableNameSuffixHash;
  return { tree, formerIds: [], layers: [declaration.dir], needsHash, origin: declaration.path };
}

interface GeneratedEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly at: number;
}

type Fields = readonly (readonly [string, TreeNode | undefined])[];

function secretFields(entries: readonly GeneratedEntry[], type: string, at: number): Fields {
  const data = entries.map(({ key, value, at: place }) => [key, stringNode(base64(value), place)] as const);
  return [
    ["type", stringNode(type, at)],
    ["data", data.length === 0 ? undefined : mapNode(data, at)],
  ];
}

/** Contents that are no text go to binaryData. */
function configMapFields(entries: readonly GeneratedEntry[], at: number): Fields {
  const texts = entries.filter(({ value }) => isUtf8(value));
  const binary = entries.filter(({ value }) => !isUtf8(value));
  const map = (held: readonly GeneratedEntry[], textOf: (value: Uint8Array) => string): MapNode | undefined =>
    held.length === 0
      ? undefined
      : mapNode(
          held.map(({ key, value, at: place }) => [key, stringNode(textOf(value), place)] as const),
          at,
        );
  return [
    ["data", map(texts, (value) => Buffer.from(value).toString("utf8"))],
    ["binaryData", map(binary, base64)],
  ];
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function metadataOf(generator: KustomizationGenerator, options: KustomizationGeneratorOptions, at: number): MapNode {
  const strings = (pairs: Readonly<Record<string, string>>): MapNode | undefined =>
    Object.keys(pairs).length === 0 ? undefined : stringsNode(pairs, at);
  return mapNode(
    [
      ["name", stringNode(generator.name, at)],
      ["namespace", generator.namespace === "" ? undefined : stringNode(generator.namespace, at)],
      ["labels", strings(options.labels)],
      ["annotations", strings(options.annotations)],
    ],
    at,
  );
}

const NO_OPTIONS = { labels: {}, annotations: {}, disableNameSuffixHash: false, immutable: false };

function wholeOptions(
  all: KustomizationGeneratorOptions = NO_OPTIONS,
  own: KustomizationGeneratorOptions = NO_OPTIONS,
): KustomizationGeneratorOptions {
  return {
    labels: { ...all.labels, ...own.labels },
    annotations: { ...all.annotations, ...own.annotations },
    disableNameSuffixHash: all.disableNameSuffixHash || own.disableNameSuffixHash,
    immutable: all.immutable || own.immutable,
  };
}

function* entriesOf(generator: KustomizationGenerator, context: GeneratorContext): Generator<GeneratedEntry> {
  const { declaration, field, index, read, told } = context;
  const place = (...steps: readonly PathStep[]): number => declaration.at(field, index, ...steps);
  const envs = generator.envs.map((path, at) => ({ path, at: place("envs", at) }));
  if (generator.env !== "") envs.push({ path: generator.env, at: place("env") });
  for (const { path, at } of envs) {
    const bytes = read(declaration, path, at);
    if (bytes !== undefined) yield* envEntries(Buffer.from(bytes).toString("utf8"), at, told);
  }
  for (const [position, text] of generator.files.entries()) {
    const at = place("files", position);
    const { key, path } = splitFile(text);
    const value = read(declaration, path, at);
    if (value !== undefined) yield { key, value, at };
  }
  for (const [position, text] of generator.literals.entries()) {
    const at = place("literals", position);
    const equals = text.indexOf("=");
    if (equals < 1) told.refuse(at, `want KEY=VALUE, found "${text}"`);
    // As kustomize: quotes around the value are not part of it.
    const value = text.slice(equals + 1).replace(/^["']+|["']+$/g, "");
    if (equals >= 1) yield { key: text.slice(0, equals), value: Buffer.from(value), at };
  }
}

function splitFile(text: string): { readonly key: string; readonly path: string } {
  const equals = text.indexOf("=");
  if (equals === -1) return { key: baseName(text), path: text };
  return { key: text.slice(0, equals), path: text.slice(equals + 1) };
}

/** Lines KEY=VALUE; empty lines and comments do not count. A key without a value would come from the environment, which no build may depend on. */
function* envEntries(text: string, at: number, told: Told): Generator<GeneratedEntry> {
  for (const [index, line] of stripBom(text).split(/\r?\n/).entries()) {
    const trimmed = line.trimStart();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const equals = trimmed.indexOf("=");
    if (equals < 1) told.refuse(at, `line ${index + 1} of the file: want KEY=VALUE, found "${trimmed}"`);
    else yield { key: trimmed.slice(0, equals), value: Buffer.from(trimmed.slice(equals + 1)), at };
  }
}

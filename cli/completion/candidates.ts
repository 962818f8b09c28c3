import { kindOfWord } from "../../kinds/lookup.js";
import { metaOf } from "../../kinds/object.js";
import type { KindName } from "../../kinds/registry.js";
import { SET_LABEL } from "../../kinds/sets.js";
import { withCluster } from "../cluster.js";
import { type Flag, type Flags, flagName } from "../flags.js";
import { listObjects } from "../objects.js";
import type { Shell } from "../shell.js";
import { typeWords } from "../targets.js";
import type { AnyVerb, VerbRow } from "../verb.js";

/** What can stand in place of the last word, given those before it. Names come from the cluster; without one there are none. */
export async function candidates(
  verbs: readonly VerbRow[],
  words: readonly string[],
  shell: Shell,
): Promise<readonly string[]> {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const row = verbs.find(({ name }) => name === before.slice(0, name.split(" ").length).join(" "));
  if (row === undefined) return verbWords(verbs, before).filter((word) => word.startsWith(current));
  const found = await verbCandidates(row, { before: before.slice(row.name.split(" ").length), current, shell });
  return found.filter((word) => word.startsWith(current)).sort();
}

function verbWords(verbs: readonly VerbRow[], before: readonly string[]): readonly string[] {
  const depth = before.length;
  const names = verbs.map(({ name }) => name.split(" "));
  if (depth === 1 && before[0] === "help") return [...new Set(names.map(([first = ""]) => first))];
  const fitting = names.filter((name) => before.every((word, at) => name[at] === word));
  const words = fitting.flatMap((name) => (name[depth] === undefined ? [] : [name[depth] ?? ""]));
  return [...new Set(depth === 0 ? [...words, "help"] : words)].sort();
}

interface Position {
  readonly before: readonly string[];
  readonly current: string;
  readonly shell: Shell;
}

async function verbCandidates(row: VerbRow, at: Position): Promise<readonly string[]> {
  const verb = await row.load();
  if (at.before.includes("--")) return [];
  const equals = at.current.indexOf("=");
  if (at.current.startsWith("--") && equals !== -1) {
    const flag = flagOf(verb.flags, at.current.slice(0, equals));
    return (await valuesOf(verb.flags, flag, at)).map((value) => `${at.current.slice(0, equals)}=${value}`);
  }
  if (at.current.startsWith("-")) return Object.keys(verb.flags).map((key) => `--${flagName(key)}`);
  const flag = flagOf(verb.flags, at.before.at(-1) ?? "");
  if (flag !== undefined && takesValue(flag)) return valuesOf(verb.flags, flag, at);
  return operandCandidates(verb, at);
}

/** What a flag may be given; namespaces and sets come from the cluster. */
async function valuesOf(flags: Flags, flag: Flag | undefined, at: Position): Promise<readonly string[]> {
  if (flag !== undefined && flag === flags["namespace"]) return namesOf("Namespace", at, flags);
  if (flag !== undefined && flag === flags["set"]) return setsOf(at, flags);
  return flagValues(flag);
}

/** The sets that were applied in the namespace. */
async function setsOf(at: Position, flags: Flags): Promise<readonly string[]> {
  return [...new Set(await textsOf("Revision", at, flags, ({ labels }) => labels[SET_LABEL] ?? ""))];
}

async function operandCandidates(verb: AnyVerb, at: Position): Promise<readonly string[]> {
  const operands = operandsIn(at.before, verb.flags);
  const slash = at.current.indexOf("/");
  if (verb.operands === "types") return operands.length === 0 ? typeWords() : [];
  if (verb.operands === "sets") return operands.length === 0 ? setsOf(at, verb.flags) : [];
  if (verb.operands === "none" || verb.operands === "words") return [];
  if (slash !== -1) {
    const type = at.current.slice(0, slash);
    return (await namesOf(kindOfWord(type), at, verb.flags)).map((name) => `${type}/${name}`);
  }
  if (verb.operands === "nodes") return namesOf("Node", at, verb.flags);
  const [first] = operands;
  if (verb.operands === "pods")
    return first === undefined ? [...(await namesOf("Pod", at, verb.flags)), ...POD_TYPES] : [];
  return first === undefined ? typeWords() : namesOf(kindOfWord(first), at, verb.flags);
}

const POD_TYPES = ["deployment/", "replicaset/", "service/"];

function flagOf(flags: Flags, word: string): Flag | undefined {
  return Object.entries(flags).find(
    ([key, { short }]) => word === `--${flagName(key)}` || (short !== undefined && word === `-${short}`),
  )?.[1];
}

function takesValue(flag: Flag): boolean {
  return flag.type !== "switch" && !(flag.type === "text" && flag.bare !== undefined);
}

function flagValues(flag: Flag | undefined): readonly string[] {
  if (flag?.type === "switch") return ["true", "false"];
  return flag?.type === "text" ? (flag.choices ?? flag.offers ?? []) : [];
}

function operandsIn(words: readonly string[], flags: Flags): readonly string[] {
  const operands: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    const flag = flagOf(flags, word);
    if (flag !== undefined && takesValue(flag)) at += 1;
    else if (!word.startsWith("-")) operands.push(word);
  }
  return operands;
}

async function namesOf(kind: KindName | undefined, at: Position, flags: Flags): Promise<readonly string[]> {
  return textsOf(kind, at, flags, ({ name }) => name);
}

/** A text of each object of a kind, in the namespace that the words before say; nothing when the cluster does not answer. */
async function textsOf(
  kind: KindName | undefined,
  { before, shell }: Position,
  flags: Flags,
  textOf: (meta: ReturnType<typeof metaOf>) => string,
): Promise<readonly string[]> {
  if (kind === undefined || flags["namespace"] === undefined) return [];
  const valueAfter = (...names: readonly string[]): string | undefined => {
    const at = before.findLastIndex((word) => names.includes(word));
    return at === -1 ? undefined : before[at + 1];
  };
  const names: string[] = [];
  try {
    const chosen = {
      namespace: valueAfter("-n", "--namespace"),
      context: valueAfter("--context"),
      config: valueAfter("--config"),
    };
    await withCluster(shell, chosen, async (cluster) => {
      const { objects } = await listObjects(cluster, { kind, namespace: cluster.namespace }, shell.signal);
      names.push(...objects.map(({ object }) => textOf(metaOf(object))));
      return 0;
    });
  } catch {
    // A completion that fails offers nothing: its error would stand in the middle of the user's line.
    return [];
  }
  return names;
}

import type { Json, JsonObject } from "../../kinds/encode.js";
import type { Typed } from "../../kinds/object.js";
import { type ChangeChosenFlags, changeChosen } from "../change/each.js";
import { mapsIn, valueAt } from "../change/pod-template.js";
import { checkChoice, chosenKeys } from "../chosen.js";
import { type Cluster, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { splitPairs } from "../label/label.js";
import { getObject, keyIn } from "../objects.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { readTarget, refText } from "../targets.js";
import { usageError } from "../verb.js";
import { containersNamed, containersPatch } from "./containers.js";

/** What `set env` was asked. */
export interface SetEnvFlags extends ChangeChosenFlags {
  readonly containers: string | undefined;
  readonly from: string | undefined;
  readonly prefix: string | undefined;
  readonly keys: readonly string[];
  readonly overwrite: boolean;
  readonly list: boolean;
}

/** One variable: what it is to be; without a value and source it is to go. */
interface Wish {
  readonly name: string;
  readonly fields: JsonObject | undefined;
}

/** Sets (`NAME=VALUE`), takes from a config or secret (`--from`) and removes (`NAME-`) variables of containers. */
export async function runSetEnv(
  call: { readonly flags: SetEnvFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const { flags } = call;
  const { objects, pairs } = splitPairs(call.operands);
  const given = pairs.map(readWish);
  if (flags.list) return listVariables(flags, objects, shell);
  if (given.length === 0 && flags.from === undefined)
    throw usageError("say what to set: NAME=VALUE, NAME- to remove, or --from=configmap/NAME");
  checkChoice(flags, objects);
  const taken = flags.from === undefined ? [] : await wishesFrom(flags.from, flags, shell);
  const wishes = [...taken, ...given];
  return changeChosen({ flags, operands: objects }, shell, {
    plan: (live) => envPatch(live, wishes, flags),
    told: ({ isChanged }) => (isChanged ? "env updated" : undefined),
  });
}

function readWish(pair: string): Wish {
  const equals = pair.indexOf("=");
  if (equals > 0) return { name: pair.slice(0, equals), fields: { value: pair.slice(equals + 1) } };
  if (equals === -1 && pair.endsWith("-") && pair.length > 1) return { name: pair.slice(0, -1), fields: undefined };
  throw usageError(`"${pair}" is neither NAME=VALUE nor NAME-`);
}

function envPatch(live: Typed, wishes: readonly Wish[], { containers = "*", overwrite }: SetEnvFlags) {
  const changes = containersNamed(live, containers).flatMap((container) => {
    const held = new Set(mapsIn(container.json["env"]).map(({ name }) => name));
    const env = wishes.flatMap(({ name, fields }): readonly Json[] => {
      if (fields === undefined) return held.has(name) ? [{ name, $patch: "delete" }] : [];
      if (!held.has(name)) return [{ name, ...fields }];
      if (!overwrite)
        throw usageError(`variable ${name} of container ${container.name} has a value, and --overwrite is false`);
      return [{ name, $patch: "replace", ...fields }];
    });
    return env.length === 0 ? [] : [{ container, fields: { env } }];
  });
  return containersPatch(live, changes);
}

/** A variable for each key of a config or secret, named as kubectl names them: in capitals, with underscores. */
async function wishesFrom(from: string, flags: SetEnvFlags, shell: Shell): Promise<readonly Wish[]> {
  const { kind, name } = readTarget([from]);
  if (kind !== "ConfigMap" && kind !== "Secret") throw usageError("--from takes configmap/NAME or secret/NAME");
  let keys: readonly string[] = [];
  await withCluster(shell, flags, async (cluster) => {
    keys = await keysOf(cluster, { kind, name }, shell.signal);
    return EXIT.ok;
  });
  const asked = new Set(flags.keys.flatMap((part) => part.split(",")));
  const source = kind === "ConfigMap" ? "configMapKeyRef" : "secretKeyRef";
  return keys
    .filter((key) => asked.size === 0 || asked.has(key))
    .map((key) => ({
      name: `${flags.prefix ?? ""}${key.toUpperCase().replace(/[^A-Z0-9_]/g, "_")}`,
      fields: { valueFrom: { [source]: { name, key } } },
    }));
}

async function keysOf(
  cluster: Cluster,
  { kind, name }: { readonly kind: "ConfigMap" | "Secret"; readonly name: string },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const object = await getObject(cluster, keyIn(kind, cluster.namespace, name), signal);
  return Object.keys(object.data).sort();
}

async function listVariables(flags: SetEnvFlags, objects: readonly string[], shell: Shell): Promise<number> {
  checkChoice(flags, objects);
  return withCluster(shell, flags, async (cluster) => {
    for (const key of await chosenKeys({ shell, cluster, flags }, objects)) {
      // getObject checks the kind.
      const typed = { kind: key.kind, object: await getObject(cluster, key, shell.signal) } as Typed;
      for (const { name, json } of containersNamed(typed, flags.containers ?? "*")) {
        const lines = mapsIn(json["env"]).map((variable) => `${variableText(variable)}\n`);
        await shell.stdout.write(safeText(`# ${refText(key.kind, key.name)}, container ${name}\n${lines.join("")}`));
      }
    }
    return EXIT.ok;
  });
}

function variableText(variable: JsonObject): string {
  const name = String(variable["name"] ?? "");
  if (variable["valueFrom"] === undefined) return `${name}=${String(variable["value"] ?? "")}`;
  const from = (kind: string, path: string): string | undefined => {
    const reference = valueAt(variable, ["valueFrom", path]);
    if (reference === undefined) return undefined;
    return `# ${name} from ${kind} ${String(valueAt(reference, ["name"]))}, key ${String(valueAt(reference, ["key"]))}`;
  };
  return (
    from("configmap", "configMapKeyRef") ??
    from("secret", "secretKeyRef") ??
    `# ${name} from the field ${String(valueAt(variable, ["valueFrom", "fieldRef", "fieldPath"]) ?? valueAt(variable, ["valueFrom", "resourceFieldRef", "resource"]))}`
  );
}

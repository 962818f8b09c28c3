import { keyOf, type ObjectKey, type Typed } from "../../kinds/object.js";
import type { ReadObject } from "../../kinds/read.js";
import { apiVersionOf, isKindName } from "../../kinds/registry.js";
import { asTallshipError, hasCode } from "../../lib/errors.js";
import type { ApplyResult } from "../../proto/gen/tallship/v1/api.js";
import { refusePartialPrune } from "../apply/prune.js";
import { nameOfSet, type Sending, sendSet } from "../apply/send-set.js";
import { tellResults } from "../apply/told.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT, exitCodeOf } from "../exit-codes.js";
import { inOrder } from "../in-order.js";
import type { FileFlags } from "../input/files.js";
import { readInput } from "../input/objects.js";
import { getObject, objectOf } from "../objects.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { isToldAlready, isUsageError, usageError } from "../verb.js";
import { comparedTexts } from "./object-text.js";
import { unifiedDiff } from "./unified.js";

/** What `diff` was asked. */
export interface DiffFlags extends ClusterFlags, FileFlags {
  readonly force: boolean;
  readonly fieldManager: string | undefined;
  readonly set: string | undefined;
  readonly prune: boolean;
  readonly selector: string | undefined;
}

/** Exit code when something differs, as that of diff; failures have larger ones. */
const DIFFERENT = 1;

/** Shows how the cluster's objects would change if the files were applied: what stands there against what the server would make of it. */
export async function runDiff({ flags }: { readonly flags: DiffFlags }, shell: Shell): Promise<number> {
  try {
    return await withCluster(shell, flags, async (cluster) => {
      refusePartialPrune(flags);
      const objects = await readInput(shell, flags, cluster);
      const set = flags.set ?? (await nameOfSet(flags, shell));
      if (flags.prune && set === "") throw usageError("--prune needs to know the set: name it with --set");
      return compareAll(objects, { cluster, shell, set, force: flags.force, manager: flags.fieldManager }, flags.prune);
    });
  } catch (error) {
    const failure = asTallshipError(error);
    // One means that something differs.
    if (exitCodeOf(failure) !== EXIT.failed || isUsageError(failure)) throw error;
    if (!isToldAlready(failure)) await shell.stderr.write(`error: ${safeText(failure.message)}\n`);
    return EXIT.usage;
  }
}

async function compareAll(objects: readonly ReadObject[], sending: Sending, isPruning: boolean): Promise<number> {
  const { shell } = sending;
  const whole = await sendSet(objects, { ...sending, isDry: true, prune: [] });
  if (whole.results.some(({ outcome }) => outcome === "failed"))
    await tellResults({ ...whole, results: whole.results.filter(({ outcome }) => outcome === "failed") }, objects, {
      shell,
      output: "name",
      isDry: true,
    });
  const changed = objects.flatMap((object, at): readonly Changing[] => {
    const result = whole.results[at];
    return result === undefined || result.outcome === "unchanged" ? [] : [{ object, result }];
  });
  const isColoured = shell.stdout.isTerminal && (shell.env["NO_COLOR"] ?? "") === "";
  let isDifferent = false;
  const take = async (text: string): Promise<void> => {
    if (text !== "") isDifferent = true;
    await shell.stdout.write(text);
  };
  await inOrder(changed, AT_ONCE, {
    work: async (changing) => {
      const key = keyOf(changing.object.typed);
      const live = await liveObject(key, sending);
      return unifiedDiff(
        { name: fileName(key), ...comparedTexts(live, await mergedObject(changing, objects, sending)) },
        isColoured,
      );
    },
    take,
  });
  const dropped = (isPruning ? whole.dropped : []).flatMap(({ kind, ...name }) =>
    isKindName(kind) ? [{ kind, ...name }] : [],
  );
  await inOrder(dropped, AT_ONCE, {
    work: async (key) => {
      return unifiedDiff(
        { name: fileName(key), ...comparedTexts(await liveObject(key, sending), undefined) },
        isColoured,
      );
    },
    take,
  });
  return isDifferent ? DIFFERENT : EXIT.ok;
}

/** Objects asked for at a time. */
const AT_ONCE = 16;

interface Changing {
  readonly object: ReadObject;
  readonly result: ApplyResult;
}

async function liveObject(key: ObjectKey, { cluster, shell }: Sending): Promise<Typed | undefined> {
  try {
    // getObject checks the kind.
    return { kind: key.kind, object: await getObject(cluster, key, shell.signal) } as Typed;
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}

/** The object as the server would make it. The answer for a large set goes without objects: then it is asked for this one alone, with the namespaces that the set makes. */
async function mergedObject(
  { object, result }: Changing,
  objects: readonly ReadObject[],
  sending: Sending,
): Promise<Typed | undefined> {
  if (result.item !== undefined && result.item.object.length > 0) return objectOf(result.item);
  const namespaces = objects.filter(({ typed }) => typed.kind === "Namespace" && typed !== object.typed);
  const { results } = await sendSet([object, ...namespaces], { ...sending, isDry: true, prune: [] });
  const item = results[0]?.item;
  return item === undefined || item.object.length === 0 ? undefined : objectOf(item);
}

/** As kubectl names the files that it compares. */
function fileName(key: ObjectKey): string {
  const { kind, namespace, name } = key;
  return `${apiVersionOf(kind).replace("/", ".")}.${kind}.${namespace}.${name}`;
}

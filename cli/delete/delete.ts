import { resourceName } from "../../kinds/lookup.js";
import type { ObjectKey } from "../../kinds/object.js";
import { KINDS } from "../../kinds/registry.js";
import { hasCode, type TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { DeleteRequest } from "../../proto/gen/tallship/v1/api.js";
import type { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import { type ChoiceFlags, checkChoice, chosenKeys } from "../chosen.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { eachInOrder, getObject, missing, nameOf, objectOf } from "../objects.js";
import type { Shell } from "../shell.js";
import { refText } from "../targets.js";
import { toldAlready, usageError } from "../verb.js";
import { type Doomed, waitUntilGone } from "./gone.js";

/** What `delete` was asked. */
export interface DeleteFlags extends ClusterFlags, ChoiceFlags {
  readonly all: boolean;
  readonly gracePeriod: number | undefined;
  readonly now: boolean;
  readonly force: boolean;
  readonly cascade: string | undefined;
  readonly wait: boolean;
  readonly timeout: number | undefined;
  readonly ignoreNotFound: boolean;
  readonly dryRun: string | undefined;
  readonly output: string | undefined;
}

/** Deletes under way at a time. */
const IN_FLIGHT = 16;

type Going = ObjectMeta | undefined;

/** A delete that runs. */
interface DeleteRun {
  readonly shell: Shell;
  readonly cluster: Cluster;
  readonly flags: DeleteFlags;
  /** Seconds of grace; undefined: each object's own. */
  readonly graceSeconds: number | undefined;
}

/** Deletes the objects in their order, goes on after failures, and waits until they are gone. */
export async function runDelete(
  { flags, operands }: { readonly flags: DeleteFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const graceSeconds = graceOf(flags);
  checkChoice(flags, operands);
  return withCluster(shell, flags, async (cluster) => {
    const run: DeleteRun = { shell, cluster, flags, graceSeconds };
    const keys = await chosenKeys(run, operands);
    if (keys.length === 0) await shell.stderr.write("no objects found\n");
    const doomed: Doomed[] = [];
    let graceMs = 0;
    const failures = await eachInOrder(keys, {
      width: IN_FLIGHT,
      work: async (key) => ({ key, meta: await deleteOne(run, key) }),
      take: async ({ key, meta }) => {
        doomed.push({ key, uid: meta?.uid ?? "" });
        graceMs = Math.max(graceMs, (meta?.deletionGracePeriodSeconds ?? 0) * 1_000);
        await shell.stdout.write(`${deletedText(run, key)}\n`);
      },
    });
    const told = failures.filter(({ code }) => code !== "not_found" || !flags.ignoreNotFound);
    for (const failure of told) await shell.stderr.write(`error: ${failure.message}\n`);
    const isWaiting = flags.wait && flags.dryRun !== "client" && flags.dryRun !== "server" && graceSeconds !== 0;
    const timeoutMs = flags.timeout ?? graceMs + limit("deletionDeadlineMs");
    if (isWaiting) await waitUntilGone({ shell, cluster, timeoutMs }, doomed);
    return conclude(told);
  });
}

function conclude([first]: readonly TallshipError[]): number {
  if (first !== undefined) throw toldAlready(first.code);
  return EXIT.ok;
}

function graceOf(flags: DeleteFlags): number | undefined {
  const asked = flags.gracePeriod === -1 ? undefined : flags.gracePeriod;
  if (flags.now && asked !== undefined) throw usageError("--now and --grace-period are two answers to one question");
  if (flags.now) return 1;
  if (asked === 0 && !flags.force) return 1;
  if (flags.force && asked !== undefined && asked > 0) throw usageError("--force goes with --grace-period=0");
  return flags.force ? 0 : asked;
}

/** Returns the metadata of the object that goes; undefined when the server says nothing of it. */
async function deleteOne({ shell, cluster, flags, graceSeconds }: DeleteRun, key: ObjectKey): Promise<Going> {
  const { signal } = shell;
  if (flags.dryRun === "client") return (await getObject(cluster, key, signal)).metadata;
  const request = DeleteRequest.fromPartial({
    name: nameOf(key),
    gracePeriodSeconds: graceSeconds,
    propagation: flags.cascade ?? "background",
    dryRun: flags.dryRun === "server",
  });
  return sendDelete(cluster, request, { key, signal });
}

function deletedText({ flags, graceSeconds }: DeleteRun, key: ObjectKey): string {
  if (flags.output === "name") return refText(key.kind, key.name);
  const note = flags.dryRun === "client" || flags.dryRun === "server" ? ` (${flags.dryRun} dry run)` : "";
  const forced = graceSeconds === 0 ? " at once" : "";
  return `${resourceName(key.kind)} "${key.name}" deleted${whereText(key, flags)}${forced}${note}`;
}

async function sendDelete(
  cluster: Cluster,
  request: DeleteRequest,
  { key, signal }: { readonly key: ObjectKey; readonly signal: AbortSignal },
): Promise<Going> {
  try {
    const item = await cluster.objects.delete(request, { signal });
    return item.object.length === 0 ? undefined : objectOf(item).object.metadata;
  } catch (error) {
    throw hasCode(error, "not_found") ? missing(key, error) : error;
  }
}

function whereText(key: ObjectKey, flags: DeleteFlags): string {
  return flags.allNamespaces && KINDS[key.kind].isNamespaced ? ` from namespace ${key.namespace}` : "";
}

import { type Pins, pinsIn } from "../../kinds/config-copies.js";
import { metaOf, type ObjectKey } from "../../kinds/object.js";
import { isControlledBy } from "../../kinds/owners.js";
import { TallshipError } from "../../lib/errors.js";
import type { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import type { PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { configMapPage, sizesPage } from "../describe/config.js";
import { Page } from "../describe/page.js";
import { templatePage } from "../describe/workload.js";
import { EXIT } from "../exit-codes.js";
import type { FileFlags } from "../input/files.js";
import { getObject, keyIn, listObjects } from "../objects.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { objectText, refText } from "../targets.js";
import { changedConfigs, configOf, pinnedConfigs } from "./configs.js";
import { checkRolloutKind, rolloutKeys } from "./targets.js";

/** What `rollout history` was asked. */
export interface HistoryFlags extends ClusterFlags, FileFlags {
  readonly selector: string | undefined;
  readonly revision: number | undefined;
}

/** A template that an object had. */
export interface Rollout {
  readonly revision: number;
  /** Of the replica set or controller revision that keeps it. */
  readonly name: string;
  readonly cause: string;
  /** Which copies of ConfigMaps and Secrets its pods take their values from. */
  readonly pins: Pins;
  readonly template: PodTemplateSpec | undefined;
}

/** Annotation of a replica set: the number of the roll-out that last used it. */
export const REVISION = "deployment.kubernetes.io/revision";
/** Where people say why they changed something. */
export const CHANGE_CAUSE = "kubernetes.io/change-cause";
/** On a replica set whose roll-out has failed: why it was rolled back. */
const ROLLED_BACK_WHY = "tallship.dev/rolled-back-why";
/** Keeps the pods of replica sets apart; no part of the template that the user wrote. */
const HASH_LABEL = "pod-template-hash";

/** Lists the revisions of roll-outs, or shows the template of one. */
export async function runHistory(
  { flags, operands }: { readonly flags: HistoryFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    for (const key of await rolloutKeys({ shell, cluster, flags }, operands)) {
      checkRolloutKind(key.kind, "history");
      const rollouts = await rolloutsOf(cluster, key, shell.signal);
      if (flags.revision === undefined || flags.revision === 0) await shell.stdout.write(listText(key, rollouts));
      else await shell.stdout.write(await oneText(key, rolloutOf(key, rollouts, flags.revision), { shell, cluster }));
    }
    return EXIT.ok;
  });
}

/** The revisions of an object, the oldest first. */
export async function rolloutsOf(cluster: Cluster, key: ObjectKey, signal: AbortSignal): Promise<readonly Rollout[]> {
  const owner = await getObject(cluster, key, signal);
  const kind = key.kind === "Deployment" ? "ReplicaSet" : "ControllerRevision";
  const { objects } = await listObjects(cluster, { kind, namespace: key.namespace }, signal);
  const found = objects
    .filter(({ object }) => isControlledBy(object, owner))
    .flatMap((typed): readonly Rollout[] => {
      if (typed.kind === "ReplicaSet") return replicaSetRollout(metaOf(typed.object), typed.object.spec?.template);
      if (typed.kind !== "ControllerRevision") return [];
      const { revision, data } = typed.object;
      return [{ ...factsOf(metaOf(typed.object)), revision, template: data?.spec?.template }];
    });
  return [...found].sort((left, right) => left.revision - right.revision);
}

function replicaSetRollout(meta: ObjectMeta, template: PodTemplateSpec | undefined): readonly Rollout[] {
  const revision = Number(meta.annotations[REVISION] ?? 0);
  if (revision === 0) return [];
  const facts = { ...factsOf(meta), revision };
  if (template?.metadata === undefined) return [{ ...facts, template }];
  const { [HASH_LABEL]: _, ...labels } = template.metadata.labels;
  return [{ ...facts, template: { ...template, metadata: { ...template.metadata, labels } } }];
}

function factsOf(meta: ObjectMeta): Pick<Rollout, "name" | "cause" | "pins"> {
  return { name: meta.name, cause: causeOf(meta), pins: pinsIn(meta.annotations) };
}

function causeOf({ annotations }: ObjectMeta): string {
  return [annotations[CHANGE_CAUSE] ?? "", annotations[ROLLED_BACK_WHY] ?? ""].filter((text) => text !== "").join("; ");
}

/** The revision of a number; throws not_found. */
export function rolloutOf(key: ObjectKey, rollouts: readonly Rollout[], revision: number): Rollout {
  const found = rollouts.find((rollout) => rollout.revision === revision);
  if (found !== undefined) return found;
  const name = objectText(key.kind, key.namespace, key.name);
  throw new TallshipError("not_found", `unable to find revision ${revision} of ${name}`);
}

function listText(key: ObjectKey, rollouts: readonly Rollout[]): string {
  const rows = rollouts.map(({ revision, cause, pins }, at) => {
    const configs = changedConfigs(rollouts[at - 1]?.pins ?? {}, pins).map((name) => `${name} changed`);
    const causes = [...(cause === "" ? [] : [cause]), ...configs];
    return [String(revision), causes.length === 0 ? "<none>" : causes.join("; ")];
  });
  return `${refText(key.kind, key.name)} \n${formatTable([["REVISION", "CHANGE-CAUSE"], ...rows])}\n`;
}

async function oneText(
  key: ObjectKey,
  { revision, template, pins }: Rollout,
  { shell, cluster }: { readonly shell: Shell; readonly cluster: Cluster },
): Promise<string> {
  const page = templatePage(template, shell.clock.nowMs()).indented("  ");
  const configs = await configsPage(cluster, key.namespace, pins, shell.signal);
  return `${refText(key.kind, key.name)} with revision #${revision}\nPod Template:\n${page}${configs}`;
}

/** What the pods of a revision take from ConfigMaps and Secrets, as it was then; of secrets only the lengths. */
async function configsPage(cluster: Cluster, namespace: string, pins: Pins, signal: AbortSignal): Promise<string> {
  const page = new Page();
  for (const { kind, name, copy } of pinnedConfigs(pins)) {
    const held = await configOf(cluster, keyIn(kind, namespace, copy), signal);
    const title = refText(kind, name);
    if (held === undefined) page.fact(title, "what it held is not known any more");
    else page.section(title, "binaryData" in held ? configMapPage(held) : sizesPage(held.data));
  }
  const text = page.indented("  ");
  return text === "" ? "" : `Configs:\n${text}`;
}

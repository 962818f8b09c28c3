import { afterEach } from "vitest";
import type { CacheBatch } from "../../controlplane/cache/view.js";
import type { Controller } from "../../controlplane/controllers/controller.js";
import { boundsOf } from "../../controlplane/controllers/deployment/bounds.js";
import { deployment } from "../../controlplane/controllers/deployment/deployment.js";
import { KEPT_OF } from "../../controlplane/controllers/deployment/rollback.js";
import { replicaSet } from "../../controlplane/controllers/replica-set.js";
import { metaOf } from "../../kinds/object.js";
import { conditionOf, isDeleting, isPodActive, isPodReady } from "../../kinds/pod-state.js";
import { rfc3339 } from "../../lib/clock.js";
import { Deployment, type DeploymentStatus } from "../../proto/gen/tallship/v1/deployment.js";
import type { Condition } from "../../proto/gen/tallship/v1/meta.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { ReplicaSet } from "../../proto/gen/tallship/v1/replicaset.js";
import { type ControlWorld, contentDigest, controlWorld } from "./control-world.js";

const worlds: ControlWorld[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.stop.abort();
});

/** A world with the controllers of deployments; it stops after the test. */
export async function newWorld(more: readonly Controller[] = []): Promise<ControlWorld> {
  const world = await controlWorld();
  worlds.push(world);
  world.run([deployment(contentDigest), replicaSet, ...more]);
  return world;
}

/** What differs from deployment to deployment. */
export interface Parts {
  readonly replicas?: number;
  readonly image?: string;
  readonly strategy?: object;
  readonly spec?: object;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of the pods, such as env and volumes. */
  readonly container?: object;
  readonly volumes?: readonly object[];
}

const readinessProbe = { exec: { command: ["true"] } };

/** A deployment of one container, which a probe asks whether it works. */
export function deploymentOf(parts: Parts = {}): Deployment {
  const { replicas = 3, image = "web:1", strategy, spec = {}, annotations = {}, container = {}, volumes = [] } = parts;
  const meta = { name: "web", namespace: "default", uid: "web-uid", generation: 1 };
  return Deployment.fromPartial({
    metadata: { ...meta, annotations: { team: "blue", ...annotations } },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "main", image, readinessProbe, ...container }], volumes: [...volumes] },
      },
      ...(strategy === undefined ? {} : { strategy }),
      ...spec,
    },
  });
}

/** Changes the deployment as a user does: what is not named stays, and the generation grows. */
export async function change(world: ControlWorld, parts: Parts): Promise<void> {
  await world.edit("Deployment", "web", (live) => {
    const wanted = deploymentOf({
      replicas: parts.replicas ?? live.spec?.replicas ?? 0,
      image: parts.image ?? live.spec?.template?.spec?.containers[0]?.image ?? "",
      container: parts.container ?? {},
    });
    const strategy = parts.strategy === undefined ? live.spec?.strategy : deploymentOf(parts).spec?.strategy;
    const meta = metaOf(live);
    const { paused = false, minReadySeconds = 0, progressDeadlineSeconds, revisionHistoryLimit } = live.spec ?? {};
    const kept = { paused, minReadySeconds, progressDeadlineSeconds, revisionHistoryLimit };
    return Deployment.fromPartial({
      ...live,
      metadata: { ...meta, generation: meta.generation + 1 },
      spec: { ...wanted.spec, strategy, ...kept, ...parts.spec },
    });
  });
}

/** Every pod there is. */
export const pods = (world: ControlWorld): readonly Pod[] => world.view.list("Pod").map(({ object }) => object);
/** The pods that count. */
export const active = (world: ControlWorld): readonly Pod[] => pods(world).filter(isPodActive);
/** The image of a pod of one container. */
export const imageOf = (pod: Pod): string => pod.spec?.containers[0]?.image ?? "";
/** Status of the deployment. */
export const status = (world: ControlWorld): DeploymentStatus | undefined =>
  world.view.get("Deployment", "default", "web")?.status;
/** One of its conditions. */
export const condition = (world: ControlWorld, type: string): Condition | undefined =>
  conditionOf(status(world)?.conditions, type);
/** Its replica sets. */
export const sets = (world: ControlWorld): readonly ReplicaSet[] =>
  world.view.list("ReplicaSet").map(({ object }) => object);
/** Replicas that its sets ask for, by image. */
export const sizes = (world: ControlWorld): Readonly<Record<string, number | undefined>> =>
  Object.fromEntries(
    sets(world).map((set) => [imageOf(Pod.fromPartial({ ...set.spec?.template })), set.spec?.replicas]),
  );

/** What the scheduler and the agent would say of a pod. */
export async function run(world: ControlWorld, pod: Pod, ready: string): Promise<void> {
  await world.edit("Pod", metaOf(pod).name, (live) =>
    Pod.fromPartial({
      ...live,
      spec: { ...live.spec, nodeName: "node-a" },
      status: {
        phase: "Running",
        conditions: [{ type: "Ready", status: ready, lastTransitionTime: rfc3339(world.clock.nowMs()) }],
      },
    }),
  );
}

/** The agent's share of a turn: all pods become ready, those asked to go are gone. */
export async function serve(world: ControlWorld, works: (pod: Pod) => boolean = () => true): Promise<void> {
  for (const pod of pods(world)) {
    // A pod that has no node yet may be gone as soon as it is surplus.
    if (world.view.get("Pod", "default", metaOf(pod).name) === undefined) continue;
    if (isDeleting(pod)) await world.drop({ kind: "Pod", namespace: "default", name: metaOf(pod).name });
    else if (isPodActive(pod) && (pod.spec?.nodeName === "" || isPodReady(pod) !== works(pod)))
      await run(world, pod, works(pod) ? "True" : "False");
  }
}

/** Turn after turn until nothing changes any more. */
export async function finish(world: ControlWorld, works?: (pod: Pod) => boolean): Promise<void> {
  for (let turn = 0; turn < 60; turn += 1) {
    const { revision } = world.view;
    await serve(world, works);
    await world.converge();
    if (world.view.revision === revision) return;
  }
  throw new Error("the roll-out does not end");
}

/** Watches that controllers keep the bounds: pods are added only up to the surge, and available ones taken only down to what may be missing. */
export function watchBounds(world: ControlWorld): { readonly broken: string[]; isWatching: boolean } {
  const watch = { broken: [] as string[], isWatching: false };
  world.cache.subscribe(({ changes }: CacheBatch) => {
    const live = world.view.get("Deployment", "default", "web");
    if (!watch.isWatching || live?.spec === undefined) return;
    const bounds = boundsOf(live.spec);
    // A pod that is kept of a failed roll-out is out of the count.
    const now = active(world).filter((pod) => !(KEPT_OF in metaOf(pod).labels));
    const added = changes.filter(({ key, before }) => key.kind === "Pod" && before === undefined).length;
    if (added > 0 && now.length > bounds.replicas + bounds.surge)
      watch.broken.push(`${now.length} pods, at most ${bounds.replicas} + ${bounds.surge}`);
    const taken = changes.filter(
      ({ before, after }) => before?.kind === "Pod" && isServing(before.object) && !isServing(after?.object),
    ).length;
    const left = now.filter(isPodReady).length;
    if (taken > 0 && left < bounds.replicas - bounds.unavailable)
      watch.broken.push(`${left} available, at least ${bounds.replicas} − ${bounds.unavailable}`);
  });
  return watch;
}

function isServing(object: object | undefined): boolean {
  const pod = Pod.fromPartial({ ...object });
  return object !== undefined && isPodActive(pod) && isPodReady(pod);
}

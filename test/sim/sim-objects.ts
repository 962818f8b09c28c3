import type { Typed } from "../../kinds/object.js";
import type { Rng } from "../../lib/rng.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { DaemonSet } from "../../proto/gen/tallship/v1/daemonset.js";
import { Deployment } from "../../proto/gen/tallship/v1/deployment.js";
import { Job } from "../../proto/gen/tallship/v1/job.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { StatefulSet } from "../../proto/gen/tallship/v1/statefulset.js";

/** What the administrator does next. */
export type Operation =
  | { readonly do: "apply"; readonly typed: Typed }
  | { readonly do: "remove"; readonly kind: "Deployment" | "StatefulSet" | "DaemonSet"; readonly name: string };

/** Draws what an administrator does, marked so that it can be told from what was there before. */
export type Habits = (rng: Rng, mark: string, certain: (name: string) => string) => Operation;

/** Deployments, configs and pods that end by themselves. */
export const plainHabits: Habits = (rng, mark, certain) => {
  const roll = rng.float();
  if (roll < 0.45) return { do: "apply", typed: deployment(rng, mark) };
  if (roll < 0.7) return { do: "apply", typed: configMap(certain(`config${rng.below(4)}`), mark) };
  if (roll < 0.85) return { do: "apply", typed: pod(rng, mark) };
  return { do: "remove", kind: "Deployment", name: `app${rng.below(3)}` };
};

/** Stateful sets, a daemon set and jobs: workloads of which no pod may be there twice. */
export const singularHabits: Habits = (rng, mark, certain) => {
  const roll = rng.float();
  if (roll < 0.35) return { do: "apply", typed: statefulSet(rng, mark) };
  if (roll < 0.5) return { do: "apply", typed: daemonSet(rng, mark) };
  if (roll < 0.75) return { do: "apply", typed: job(rng, mark) };
  if (roll < 0.85) return { do: "apply", typed: configMap(certain(`config${rng.below(4)}`), mark) };
  if (roll < 0.95) return { do: "remove", kind: "StatefulSet", name: `set${rng.below(2)}` };
  return { do: "remove", kind: "DaemonSet", name: "daemon" };
};

const metaOf = (name: string, mark: string) => ({ name, namespace: "default", annotations: { "sim/mark": mark } });

/** A container that runs until it is stopped, of one of three images. */
const running = (rng: Rng) => ({
  name: "main",
  image: `sim:${rng.below(3)}`,
  command: ["run"],
  resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: {} },
});

const templateOf = (labels: Readonly<Record<string, string>>, containers: object[]) => ({
  metadata: { labels },
  spec: { containers, terminationGracePeriodSeconds: 1 },
});

function deployment(rng: Rng, mark: string): Typed {
  const name = `app${rng.below(3)}`;
  const labels = { app: name };
  const containers = [running(rng)];
  const spec = {
    replicas: rng.below(6),
    selector: { matchLabels: labels },
    template: templateOf(labels, containers),
  };
  return { kind: "Deployment", object: Deployment.fromPartial({ metadata: metaOf(name, mark), spec }) };
}

function configMap(name: string, mark: string): Typed {
  return { kind: "ConfigMap", object: ConfigMap.fromPartial({ metadata: metaOf(name, mark), data: { mark } }) };
}

/** A pod that ends by itself; every one has a name of its own. */
function pod(rng: Rng, mark: string): Typed {
  const containers = [ending(1 + rng.below(4_000), rng.below(2))];
  const spec = { containers, restartPolicy: "Never", terminationGracePeriodSeconds: 1 };
  return { kind: "Pod", object: Pod.fromPartial({ metadata: metaOf(`once-${mark}`, mark), spec }) };
}

const ending = (afterMs: number, exitCode: number) => ({
  name: "main",
  image: "sim:1",
  command: ["ends", `${afterMs}`, `${exitCode}`],
});

/** One set goes in order, the other does not: that may not change. */
function statefulSet(rng: Rng, mark: string): Typed {
  const at = rng.below(2);
  const name = `set${at}`;
  const labels = { app: name };
  const spec = {
    replicas: rng.below(4),
    selector: { matchLabels: labels },
    serviceName: name,
    podManagementPolicy: at === 0 ? "OrderedReady" : "Parallel",
    template: templateOf(labels, [running(rng)]),
  };
  return { kind: "StatefulSet", object: StatefulSet.fromPartial({ metadata: metaOf(name, mark), spec }) };
}

function daemonSet(rng: Rng, mark: string): Typed {
  const labels = { app: "daemon" };
  const spec = { selector: { matchLabels: labels }, template: templateOf(labels, [running(rng)]) };
  return { kind: "DaemonSet", object: DaemonSet.fromPartial({ metadata: metaOf("daemon", mark), spec }) };
}

/** A job of its own name, whose pods all succeed, or of every fourth all fail. */
function job(rng: Rng, mark: string): Typed {
  const completions = 1 + rng.below(4);
  const completionMode = rng.below(2) === 0 ? "Indexed" : "NonIndexed";
  const parallelism = 1 + rng.below(3);
  const containers = [ending(1 + rng.below(3_000), rng.below(4) === 0 ? 1 : 0)];
  const spec = {
    completions,
    completionMode,
    parallelism,
    backoffLimit: 1,
    template: { metadata: {}, spec: { containers, restartPolicy: "Never", terminationGracePeriodSeconds: 1 } },
  };
  return { kind: "Job", object: Job.fromPartial({ metadata: metaOf(`job-${mark}`, mark), spec }) };
}

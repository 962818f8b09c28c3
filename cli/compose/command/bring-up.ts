import { keyOf, metaOf } from "../../../kinds/object.js";
import type { ReadObject } from "../../../kinds/read.js";
import { isKindName } from "../../../kinds/registry.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { sendSet } from "../../apply/send-set.js";
import { tellResults, writtenBy } from "../../apply/told.js";
import { startedState } from "../../run/started.js";
import type { Shell } from "../../shell.js";
import type { Written } from "../../wait/ready.js";
import type { ComposeProject } from "../compose.js";
import { dnsName } from "../translate/names.js";
import { modelsIn, ownerOf } from "../translate/shared-pod.js";
import { currentPods } from "./current-pods.js";
import {
  askDelete,
  hasEnded,
  isWorkload,
  type LiveProject,
  objectsOf,
  removeAll,
  serviceOf,
  told,
  WORKLOADS,
} from "./live.js";
import { startServices } from "./power.js";
import type { BroughtUp } from "./starting.js";

/** Objects of the services named, unless alone of what these depend on too, and what belongs to the whole project. */
export function objectsFor(project: ComposeProject, named: readonly string[], isAlone: boolean): readonly ReadObject[] {
  const wanted = new Set<string>();
  const models = modelsIn(project.model);
  const add = (name: string): void => {
    if (wanted.has(dnsName(name))) return;
    wanted.add(dnsName(name));
    const owner = ownerOf(name, models) ?? name;
    // What shares a pod comes with it, and waits for what it depends on.
    for (const other of models.keys()) if (other === owner || ownerOf(other, models) === owner) add(other);
    if (!isAlone) for (const other of models.get(name)?.depends_on?.value.keys() ?? []) add(other);
  };
  for (const name of named) add(name);
  return project.objects.filter(({ typed }) => serviceOf(typed.object) === "" || wanted.has(serviceOf(typed.object)));
}

/** A task that has ended, or whose pods cannot start, runs again with every `up`, as docker starts containers that have exited. */
async function removeFinished(live: LiveProject, objects: readonly ReadObject[], stuck: readonly Pod[]): Promise<void> {
  const wanted = new Set(objects.map(({ typed }) => `${typed.kind}/${metaOf(typed.object).name}`));
  const jobs = await objectsOf(live, ["Job"]);
  const hopeless = new Set(stuck.map(serviceOf));
  const finished = jobs.filter(
    (typed) =>
      wanted.has(`Job/${metaOf(typed.object).name}`) && (hasEnded(typed) || hopeless.has(serviceOf(typed.object))),
  );
  if (finished.length > 0) await removeAll(live, finished, undefined);
}

/** Makes objects of a project as they are to be; tasks that have ended run again, and what was stopped starts. */
export async function bringUp(live: LiveProject, objects: readonly ReadObject[]): Promise<BroughtUp> {
  const known = await objectsOf(live, [...WORKLOADS, "ReplicaSet", "Pod"]);
  const stuck = known.filter(isWorkload).flatMap((typed) => currentPods(typed, known).filter(isStuck));
  await removeFinished(live, objects, stuck);
  const { written, unchanged } = await send(live, objects);
  const services = objects.map(({ typed }) => serviceOf(typed.object)).filter((service) => service !== "");
  const { before } = services.length === 0 ? NOTHING_STARTED : await startServices(live, services);
  // What could not start is tried again at once, not when its node would: the image may be there by now.
  for (const pod of stuck)
    if (unchanged.has(serviceOf(pod))) await askDelete(live, keyOf({ kind: "Pod", object: pod }), undefined);
  return { written, stuck: new Set(stuck.map((pod) => metaOf(pod).uid)), before };
}

const NOTHING_STARTED: Pick<BroughtUp, "before"> = { before: new Map() };

/** None of its containers runs, and one of them cannot be started. */
function isStuck(pod: Pod): boolean {
  const states = (pod.spec?.containers ?? []).map(({ name }) => startedState(pod, name).is);
  return states.includes("failed") && !states.includes("started");
}

interface Sent {
  readonly written: readonly Written[];
  /** Services whose workload was so already. */
  readonly unchanged: ReadonlySet<string>;
}

async function send({ shell, cluster, name, namespace }: LiveProject, objects: readonly ReadObject[]): Promise<Sent> {
  // Docker's `up` has the last word on what is its own.
  const sending = { cluster: { ...cluster, namespace }, shell, set: `compose-${dnsName(name)}`, force: true };
  const answer = await sendSet(objects, { ...sending, isDry: false, prune: [] });
  const { results } = answer;
  for (const { outcome, name: key } of results)
    if (key !== undefined && isKindName(key.kind) && DONE[outcome] !== undefined)
      await told(shell, { kind: key.kind, name: key.name }, DONE[outcome]);
  const quiet: Shell = { ...shell, stdout: { isTerminal: false, write: async () => undefined } };
  await tellResults(answer, objects, { shell: quiet, output: undefined, isDry: false });
  const unchanged = objects.filter(({ typed }, at) => isWorkload(typed) && results[at]?.outcome === "unchanged");
  return { written: writtenBy(answer), unchanged: new Set(unchanged.map(({ typed }) => serviceOf(typed.object))) };
}

const DONE: Readonly<Record<string, string>> = { created: "Created", configured: "Updated", unchanged: "Running" };

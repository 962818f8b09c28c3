import { metaOf } from "../../../kinds/object.js";
import type { ReadObject } from "../../../kinds/read.js";
import { isKindName } from "../../../kinds/registry.js";
import { sendSet } from "../../apply/send-set.js";
import { tellResults, writtenBy } from "../../apply/told.js";
import type { Shell } from "../../shell.js";
import type { Written } from "../../wait/ready.js";
import type { ComposeProject } from "../compose.js";
import { dnsName } from "../translate/names.js";
import { modelsIn, ownerOf } from "../translate/shared-pod.js";
import { hasEnded, type LiveProject, objectsOf, removeAll, serviceOf, told } from "./live.js";
import { startServices } from "./power.js";

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

/** A task that has ended runs again with every `up`, as docker starts containers that have exited. */
async function removeFinished(live: LiveProject, objects: readonly ReadObject[]): Promise<void> {
  const wanted = new Set(objects.map(({ typed }) => `${typed.kind}/${metaOf(typed.object).name}`));
  const jobs = await objectsOf(live, ["Job"]);
  const finished = jobs.filter((typed) => wanted.has(`Job/${metaOf(typed.object).name}`) && hasEnded(typed));
  if (finished.length > 0) await removeAll(live, finished, undefined);
}

/** Makes objects of a project as they are to be; tasks that have ended run again, and what was stopped starts. */
export async function bringUp(live: LiveProject, objects: readonly ReadObject[]): Promise<readonly Written[]> {
  await removeFinished(live, objects);
  await startServices(
    live,
    objects.map(({ typed }) => serviceOf(typed.object)),
  );
  return send(live, objects);
}

async function send(
  { shell, cluster, name, namespace }: LiveProject,
  objects: readonly ReadObject[],
): Promise<readonly Written[]> {
  // Docker's `up` has the last word on what is its own.
  const sending = { cluster: { ...cluster, namespace }, shell, set: `compose-${dnsName(name)}`, force: true };
  const answer = await sendSet(objects, { ...sending, isDry: false, prune: [] });
  const { results } = answer;
  for (const { outcome, name: key } of results)
    if (key !== undefined && isKindName(key.kind) && DONE[outcome] !== undefined)
      await told(shell, { kind: key.kind, name: key.name }, DONE[outcome]);
  const quiet: Shell = { ...shell, stdout: { isTerminal: false, write: async () => undefined } };
  await tellResults(answer, objects, { shell: quiet, output: undefined, isDry: false });
  return writtenBy(answer);
}

const DONE: Readonly<Record<string, string>> = { created: "Created", configured: "Updated", unchanged: "Running" };

import { metaOf } from "../../../kinds/object.js";
import { isPodFinished } from "../../../kinds/pod-state.js";
import { TallshipError } from "../../../lib/errors.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { withCluster } from "../../cluster.js";
import { readEnd, runCopy } from "../../containers/copy.js";
import { containersOf } from "../../containers/identity.js";
import { runEvents } from "../../events/events.js";
import { runExec } from "../../exec/exec.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import type { Shell } from "../../shell.js";
import { usageError } from "../../verb.js";
import { dnsName } from "../translate/names.js";
import { type LiveProject, podsOfProject } from "./live.js";
import { nameProject, PROJECT_FLAGS, type ProjectFlags } from "./project.js";

/** Flags of `compose cp`. */
export const CP_FLAGS = {
  index: { type: "number", value: "NUMBER", min: 1, summary: "which of the service's containers, from 1" },
  archive: { type: "switch", short: "a", summary: "keep user and group" },
  followLink: { type: "switch", short: "L", summary: "what a symbolic link leads to, instead of the link" },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

/** Flags of `compose events`. */
export const EVENTS_FLAGS = {
  json: { type: "switch", summary: "one JSON object for each" },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

/** The containers of services that have not ended, each by its pod. */
async function runningPods(live: LiveProject, services: readonly string[]): Promise<readonly Pod[]> {
  return (await podsOfProject(live, services)).filter((pod) => !isPodFinished(pod));
}

/** Name of the pod that is a service's container of this number, from 1. Throws not_found. */
export async function podOfService(live: LiveProject, service: string, index: number): Promise<string> {
  const chosen = (await runningPods(live, [service]))[index - 1];
  if (chosen === undefined) throw new TallshipError("not_found", `service "${service}" is not running`);
  return metaOf(chosen).name;
}

/** Copies between here and a service's container. */
export async function runComposeCopy(
  { flags, operands }: { readonly flags: FlagValues<typeof CP_FLAGS>; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const service = operands.map(readEnd).flatMap((end) => (end.is === "there" ? [end.name] : []))[0];
  if (service === undefined) throw usageError("one place must be in a container: compose cp SERVICE:PATH PATH");
  const { name, namespace } = await nameProject(shell, flags);
  let pod = "";
  await withCluster(shell, flags, async (cluster) => {
    pod = await podOfService({ shell, cluster, name, namespace }, service, flags.index ?? 1);
    return EXIT.ok;
  });
  const places = operands.map((word) => {
    const end = readEnd(word);
    return end.is === "there" ? `${end.name === service ? pod : end.name}:${end.path}` : word;
  });
  return runCopy(
    { flags: { ...flags, namespace, container: dnsName(service), quiet: false }, operands: places },
    shell,
  );
}

/** What runs in each container, by its own ps. */
export async function runComposeTop(
  { flags, operands }: { readonly flags: ProjectFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const { name, namespace } = await nameProject(shell, flags);
  let pods: readonly Pod[] = [];
  await withCluster(shell, flags, async (cluster) => {
    pods = await runningPods({ shell, cluster, name, namespace }, operands);
    return EXIT.ok;
  });
  let worst: number = EXIT.ok;
  for (const { pod, container } of pods.flatMap(containersOf)) {
    const { name: podName } = metaOf(pod);
    if (operands.length > 0 && !operands.map(dnsName).includes(container)) continue;
    await shell.stdout.write(`${container} ${podName}\n`);
    const exec = { ...flags, namespace, stdin: false, tty: false, container, quiet: true };
    worst = Math.max(worst, await runExec({ flags: exec, operands: ["pod", podName], rest: ["ps"] }, shell));
    await shell.stdout.write("\n");
  }
  return worst;
}

/** Follows what happens in the project's namespace. */
export async function runComposeEvents(
  { flags }: { readonly flags: FlagValues<typeof EVENTS_FLAGS> },
  shell: Shell,
): Promise<number> {
  const { namespace } = await nameProject(shell, flags);
  const asked = { for: undefined, types: undefined, watch: true, allNamespaces: false, noHeaders: false };
  return runEvents({ flags: { ...flags, ...asked, namespace, output: flags.json ? "json" : undefined } }, shell);
}

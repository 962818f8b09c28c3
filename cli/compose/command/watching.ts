import { metaOf } from "../../../kinds/object.js";
import { TallshipError } from "../../../lib/errors.js";
import { withCluster } from "../../cluster.js";
import { runAttach } from "../../containers/attach.js";
import { containersOf, nameOf } from "../../containers/identity.js";
import { runStats } from "../../containers/stats.js";
import { untilEnded } from "../../containers/wait.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import type { Shell } from "../../shell.js";
import { usageError } from "../../verb.js";
import { dnsName } from "../translate/names.js";
import { podOfService } from "./containers.js";
import { podsOfProject } from "./live.js";
import { nameProject, PROJECT_FLAGS, type ProjectFlags } from "./project.js";

/** Flags of `compose stats`. */
export const STATS_FLAGS = {
  noStream: { type: "switch", summary: "once, and end" },
  noTrunc: { type: "switch", summary: "whole ids" },
  all: { type: "switch", short: "a", summary: "for docker's sake: what has ended uses nothing" },
  format: {
    type: "text",
    value: "FORM",
    offers: ["table", "json"],
    summary: "how it is printed; also a template such as '{{.Name}} {{.MemUsage}}'",
  },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

/** Flags of `compose attach`. */
export const ATTACH_FLAGS = {
  index: { type: "number", value: "NUMBER", min: 1, summary: "which of the service's containers, from 1" },
  noStdin: { type: "switch", summary: "do not pass standard input on" },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

interface Call<F> {
  readonly flags: F;
  readonly operands: readonly string[];
}

/** Names of pods, as the project has them now. */
async function podNames(
  { flags, operands }: Call<ProjectFlags>,
  shell: Shell,
): Promise<{ readonly namespace: string; readonly pods: readonly string[] }> {
  const { name, namespace } = await nameProject(shell, flags);
  let pods: readonly string[] = [];
  await withCluster(shell, flags, async (cluster) => {
    const found = await podsOfProject({ shell, cluster, name, namespace }, operands);
    pods = found.map((pod) => metaOf(pod).name);
    return EXIT.ok;
  });
  return { namespace, pods };
}

/** Shows what the project's containers use, live. */
export async function runComposeStats(call: Call<FlagValues<typeof STATS_FLAGS>>, shell: Shell): Promise<number> {
  const { namespace, pods } = await podNames(call, shell);
  // Of nobody is not of everybody.
  if (pods.length === 0) throw usageError("no container of the project is there");
  return runStats({ flags: { ...call.flags, namespace, allNamespaces: false }, operands: pods }, shell);
}

/** Waits until containers of services have ended, tells their exit codes, and ends with the last one, as docker's does. */
export async function runComposeWait({ flags, operands }: Call<ProjectFlags>, shell: Shell): Promise<number> {
  if (operands.length === 0) throw usageError("name the services that are to end");
  const { name, namespace } = await nameProject(shell, flags);
  return withCluster(shell, flags, async (cluster) => {
    const names = operands.map(dnsName);
    const pods = await podsOfProject({ shell, cluster, name, namespace }, operands);
    const all = pods.flatMap(containersOf).filter(({ container }) => names.includes(container));
    if (all.length === 0) throw new TallshipError("not_found", `no container of ${operands.join(", ")} is there`);
    let code: number = EXIT.ok;
    for (const found of all) {
      code = await untilEnded({ shell, cluster }, found);
      await shell.stdout.write(`container "${nameOf(found)}" exited with status code ${code}\n`);
    }
    return code;
  });
}

/** Joins a service's container. */
export async function runComposeAttach(
  { flags, operands }: Call<FlagValues<typeof ATTACH_FLAGS>>,
  shell: Shell,
): Promise<number> {
  const [service, ...others] = operands;
  if (service === undefined || others.length > 0) throw usageError("name one service: compose attach SERVICE");
  const { name, namespace } = await nameProject(shell, flags);
  let pod = "";
  await withCluster(shell, flags, async (cluster) => {
    pod = await podOfService({ shell, cluster, name, namespace }, service, flags.index ?? 1);
    return EXIT.ok;
  });
  const own = { ...flags, namespace, container: dnsName(service), stdin: false, tty: false };
  return runAttach({ flags: own, operands: ["pod", pod] }, shell);
}

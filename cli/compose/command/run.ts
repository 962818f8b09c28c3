import { metaOf } from "../../../kinds/object.js";
import { userNumbers } from "../../../kinds/run-as.js";
import { withCluster } from "../../cluster.js";
import { createObject } from "../../create/write.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import type { Shell } from "../../shell.js";
import { usageError } from "../../verb.js";
import { splitWords } from "../model/words.js";
import { verbatim } from "../translate/environment.js";
import { modelsIn, ownerOf } from "../translate/shared-pod.js";
import { bringUp, objectsFor } from "./bring-up.js";
import { buildFirst } from "./build.js";
import { followOneOff } from "./follow-one-off.js";
import type { LiveProject } from "./live.js";
import { type Overrides, oneOffPod, templateOf } from "./one-off.js";
import { openProject, PROJECT_FLAGS } from "./project.js";
import { untilUp } from "./until-up.js";

/** Flags of `compose run`. */
export const RUN_FLAGS = {
  detach: { type: "switch", short: "d", summary: "do not follow what it writes; print its name" },
  rm: { type: "switch", summary: "remove it when it has ended" },
  env: { type: "list", short: "e", value: "NAME[=VALUE]", summary: "a variable; without a value that of this shell" },
  entrypoint: { type: "text", value: "COMMAND", summary: "in place of the service's entrypoint and command" },
  user: {
    type: "text",
    short: "u",
    value: "USER[:GROUP]",
    summary: "run as this user, by number or by its name in the image",
  },
  workdir: { type: "text", short: "w", value: "PATH", summary: "run in this folder" },
  label: { type: "list", short: "l", value: "NAME=VALUE", summary: "a label; may be repeated" },
  name: { type: "text", value: "NAME", summary: "name of the pod; one is made up when absent" },
  noDeps: { type: "switch", summary: "without the services that it depends on" },
  servicePorts: { type: "switch", short: "P", summary: "publish the ports that the service has on its node" },
  useAliases: { type: "switch", summary: "answer under the names of the service, too" },
  noTty: { type: "switch", short: "T", summary: "no terminal; there is one when standard input is one" },
  interactive: { type: "switch", short: "i", default: true, summary: "pass standard input on" },
  tty: { type: "switch", short: "t", default: true, summary: "give it a terminal" },
  build: { type: "switch", summary: "build images anew; without it only those that the cluster does not have" },
  removeOrphans: { type: "switch", summary: "accepted for docker's sake: up and down remove them" },
  quietPull: { type: "switch", summary: "do not tell how far images are" },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

/** What a service depends on is given up when it has not moved for so long. */
const WAIT_MS = 300_000;

type RunFlags = FlagValues<typeof RUN_FLAGS>;

/** Runs a service's container once, with another command if one is given, and passes its exit code on. */
export async function runComposeRun(
  call: {
    readonly flags: RunFlags;
    readonly operands: readonly string[];
    readonly rest: readonly string[] | undefined;
  },
  shell: Shell,
): Promise<number> {
  const { flags, rest: command = [] } = call;
  const [service, ...others] = call.operands;
  if (service === undefined || others.length > 0)
    throw usageError("name the service, then the command: compose run SERVICE COMMAND");
  const overrides = overridesOf(flags, command, shell);
  const project = await openProject(shell, flags, { named: [service], notes: true });
  const template = templateOf(project.objects, service);
  const owner = ownerOf(service, modelsIn(project.model));
  if (owner !== undefined && owner !== service)
    throw usageError(
      `service ${service} uses the network of ${owner}, and so runs in its pod alone: run ${owner}, or use exec`,
    );
  if (template === undefined) throw usageError(`no such service: ${service}`);
  const needed = [...(project.model.services?.value.get(service)?.value.depends_on?.value.keys() ?? [])];
  return withCluster(shell, flags, async (cluster) => {
    const live: LiveProject = { shell, cluster, name: project.name, namespace: project.namespace };
    const services = [service, ...(flags.noDeps ? [] : needed)];
    const builds = project.builds.filter((each) => services.includes(each.service));
    await buildFirst(live, builds, flags.build);
    const brought = await bringUp(live, objectsFor(project, flags.noDeps ? [] : needed, flags.noDeps));
    const wait = { brought, model: project.model, quietMs: WAIT_MS, isPullTold: !flags.quietPull };
    const started = await untilUp(live, wait);
    if (started !== EXIT.ok) return started;
    const wanted = oneOffPod(template, service, { namespace: project.namespace, run: overrides });
    const made = await createObject({ shell, cluster, dryRun: undefined }, wanted);
    if (!flags.detach) return followOneOff(live, made, flags.rm);
    await shell.stdout.write(`${metaOf(made.object).name}\n`);
    return EXIT.ok;
  });
}

function overridesOf(flags: RunFlags, command: readonly string[], shell: Shell): Overrides {
  if (flags.rm && flags.detach) throw usageError("--rm removes what was followed: leave -d out");
  const entrypoint = flags.entrypoint === undefined ? undefined : splitWords(flags.entrypoint);
  if (flags.entrypoint !== undefined && entrypoint === undefined)
    throw usageError("--entrypoint: a quote is not closed");
  const variables = flags.env.map((text) => {
    const [name = "", ...value] = text.split("=");
    return [name, verbatim(text.includes("=") ? value.join("=") : (shell.env[name] ?? ""))] as const;
  });
  return {
    command: command.map(verbatim),
    entrypoint: entrypoint?.map(verbatim),
    environment: new Map(variables),
    labels: Object.fromEntries(flags.label.map(labelOf)),
    workingDir: flags.workdir,
    user: flags.user === undefined ? undefined : (userNumbers(flags.user) ?? flags.user),
    name: flags.name ?? "",
    usesAliases: flags.useAliases,
    hasPorts: flags.servicePorts,
    isAlone: flags.noDeps,
    hasStdin: flags.interactive && !flags.detach,
    hasTerminal: flags.tty && !flags.noTty && !flags.detach && shell.stdin.isTerminal,
  };
}

function labelOf(text: string): readonly [string, string] {
  const [name = "", ...value] = text.split("=");
  return [name, value.join("=")];
}

import { formatReference, parseReference } from "../../../kinds/image-reference.js";
import { BuildStart } from "../../../proto/gen/tallship/v1/images.js";
import { buildImage, withValue } from "../../build/build.js";
import { withCluster } from "../../cluster.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import type { Output, Shell } from "../../shell.js";
import { usageError } from "../../verb.js";
import type { ServiceBuild } from "../translate/build.js";
import type { LiveProject } from "./live.js";
import { openProject, PROJECT_FLAGS } from "./project.js";

/** Flags of `compose build`. */
export const BUILD_FLAGS = {
  buildArg: { type: "list", value: "NAME[=VALUE]", summary: "value of an ARG, over that of the files" },
  noCache: { type: "switch", summary: "use no layer of an earlier build" },
  pull: { type: "switch", summary: "ask for base images anew" },
  quiet: { type: "switch", short: "q", summary: "print only the images' digests" },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

/** Builds the images of the services named, or of all. */
export async function runComposeBuild(
  { flags, operands }: { readonly flags: FlagValues<typeof BUILD_FLAGS>; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const project = await openProject(shell, flags, { named: operands });
  for (const name of operands)
    if (project.model.services?.value.has(name) !== true) throw usageError(`no such service: ${name}`);
  const wanted = project.builds.filter(({ service }) => operands.length === 0 || operands.includes(service));
  return withCluster(shell, flags, async (cluster) => {
    const live = { shell, cluster, name: project.name, namespace: project.namespace };
    for (const each of wanted) {
      const args = [...each.args, ...flags.buildArg];
      const build = { ...each, args, noCache: each.noCache || flags.noCache, pull: each.pull || flags.pull };
      await buildService(live, build, { isQuiet: flags.quiet, stdout: shell.stdout });
    }
    return EXIT.ok;
  });
}

/** Builds what the cluster has no image of, or all, before services of it are made. */
export async function buildFirst(live: LiveProject, builds: readonly ServiceBuild[], isEach: boolean): Promise<void> {
  if (builds.length === 0) return;
  const { images } = await live.cluster.images.list({ names: [] }, { signal: live.shell.signal });
  const known = new Set(images.map(({ name }) => name));
  for (const build of builds)
    if (isEach || !build.names.every((name) => known.has(formatReference(parseReference(name)))))
      await buildService(live, build, { isQuiet: false, stdout: live.shell.stderr });
}

async function buildService(
  { shell, cluster, namespace }: LiveProject,
  build: ServiceBuild,
  to: { readonly isQuiet: boolean; readonly stdout: Output },
): Promise<void> {
  const { names, context, dockerfile, inline, target, network, noCache, pull } = build;
  const values = (list: readonly string[]): string[] => list.flatMap((text) => withValue(text, shell.env));
  const { dockerfile: _, ...start } = BuildStart.fromPartial({
    ...{ names: [...names], target, network, noCache, pull, namespace },
    ...{ args: values(build.args), labels: values(build.labels) },
  });
  await buildImage(cluster, { context, file: dockerfile, inline, start }, { shell, ...to });
}

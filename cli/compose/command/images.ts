import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import { runPull } from "../../images/pull.js";
import { runPush } from "../../images/push.js";
import type { Shell } from "../../shell.js";
import { usageError } from "../../verb.js";
import type { ComposeProject } from "../compose.js";
import { openProject, PROJECT_FLAGS } from "./project.js";

/** Flags of `compose pull` and `compose push`. */
export const IMAGES_FLAGS = {
  quiet: { type: "switch", short: "q", summary: "print only the images' names" },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

type Call = { readonly flags: FlagValues<typeof IMAGES_FLAGS>; readonly operands: readonly string[] };

/** Has every node pull the images of the services, but for those that are built. */
export async function runComposePull({ flags, operands }: Call, shell: Shell): Promise<number> {
  const project = await openServices(shell, flags, operands);
  const built = new Set(project.builds.map(({ service }) => service));
  const names = [...(project.model.services?.value ?? [])].flatMap(
    ([
      service,
      {
        value: { image },
      },
    ]) => (image === undefined || built.has(service) || !isAsked(service, operands) ? [] : [image.value]),
  );
  if (names.length === 0) return EXIT.ok;
  const { namespace } = project;
  return runPull({ flags: { ...flags, namespace, node: [] }, operands: [...new Set(names)] }, shell);
}

/** Sends the images that are built to the registries that their names say. */
export async function runComposePush({ flags, operands }: Call, shell: Shell): Promise<number> {
  const project = await openServices(shell, flags, operands);
  const { namespace } = project;
  const asked = project.builds.filter(({ service }) => isAsked(service, operands));
  for (const name of new Set(asked.flatMap(({ names }) => names)))
    await runPush({ flags: { ...flags, namespace }, operands: [name] }, shell);
  return EXIT.ok;
}

async function openServices(shell: Shell, flags: Call["flags"], named: readonly string[]): Promise<ComposeProject> {
  const project = await openProject(shell, flags, { named });
  for (const name of named)
    if (project.model.services?.value.has(name) !== true) throw usageError(`no such service: ${name}`);
  return project;
}

function isAsked(service: string, operands: readonly string[]): boolean {
  return operands.length === 0 || operands.includes(service);
}

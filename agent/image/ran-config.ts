import type { RunConfig } from "../../kinds/image-changes.js";
import { asObject, asTexts } from "../../lib/json-shape.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";

/** How an image is run that is made of a container: as its image, but for what the container was told otherwise. Values that come from elsewhere, as of secrets, are left out. */
export function ranConfig(config: unknown, container: Container): RunConfig {
  const { command, args, env, workingDir, ports, securityContext } = container;
  const before = asObject(config) ?? {};
  const given = env.filter(({ valueFrom }) => valueFrom === undefined);
  const kept = asTexts(before["Env"]).filter((each) => !given.some(({ name }) => each.startsWith(`${name}=`)));
  const exposed = ports.map(({ containerPort, protocol }) => [
    `${containerPort}/${(protocol || "TCP").toLowerCase()}`,
    {},
  ]);
  const { runAsUser: user, runAsGroup: group } = securityContext ?? {};
  return {
    ...before,
    ...(command.length > 0 ? { Entrypoint: command, Cmd: args.length > 0 ? args : undefined } : {}),
    ...(command.length === 0 && args.length > 0 ? { Cmd: args } : {}),
    ...(given.length > 0 ? { Env: [...kept, ...given.map(({ name, value }) => `${name}=${value}`)] } : {}),
    ...(workingDir === "" ? {} : { WorkingDir: workingDir }),
    ...(exposed.length === 0
      ? {}
      : { ExposedPorts: { ...asObject(before["ExposedPorts"]), ...Object.fromEntries(exposed) } }),
    ...(user === undefined ? {} : { User: group === undefined ? `${user}` : `${user}:${group}` }),
  };
}

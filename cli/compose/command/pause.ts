import { metaOf } from "../../../kinds/object.js";
import { containersOf, type NamedContainer } from "../../containers/identity.js";
import { pauseContainer, unpauseContainer } from "../../containers/pause.js";
import { dockerState } from "../../containers/state.js";
import type { Shell } from "../../shell.js";
import { dnsName } from "../translate/names.js";
import { type LiveProject, podsOfProject, told } from "./live.js";
import { type ProjectCall, withLive } from "./power.js";

/** Has the containers of services stand still, or of all; those that do already are left alone. */
export function runComposePause({ flags, operands }: ProjectCall, shell: Shell): Promise<number> {
  return withLive(flags, shell, async (live) => {
    for (const found of await containersIn(live, operands, "running")) {
      await pauseContainer(live, found);
      await told(shell, { kind: "Pod", name: metaOf(found.pod).name }, "Paused");
    }
  });
}

/** Lets the containers of services go on, or of all. */
export function runComposeUnpause({ flags, operands }: ProjectCall, shell: Shell): Promise<number> {
  return withLive(flags, shell, async (live) => {
    for (const found of await containersIn(live, operands, "paused")) {
      await unpauseContainer(live, found);
      await told(shell, { kind: "Pod", name: metaOf(found.pod).name }, "Unpaused");
    }
  });
}

async function containersIn(
  live: LiveProject,
  services: readonly string[],
  state: "running" | "paused",
): Promise<readonly NamedContainer[]> {
  const names = services.map(dnsName);
  const all = (await podsOfProject(live, services)).flatMap(containersOf);
  return all.filter(
    ({ pod, container }) => (names.length === 0 || names.includes(container)) && dockerState(pod, container) === state,
  );
}

// Edge: calls to the control plane of this host, and to every node.
import { decodeObject, metaOf } from "../../kinds/object.js";
import { readFileIfPresent } from "../../lib/atomic-file.js";
import { TallshipError } from "../../lib/errors.js";
import type { HostConfig } from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { hostPort } from "../../lib/host-port.js";
import { limit } from "../../lib/limits.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { type ToldNode, tellMovedControlPlane } from "../../lib/transport/moved-control-plane.js";
import { ListRequest, ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import { ClusterAuthority } from "../ca/cluster-authority.js";
import { dialOwn } from "./await-control-plane.js";

/** Which nodes were told, and which were not; in order of their names. */
export interface Telling {
  readonly told: readonly string[];
  readonly silent: readonly string[];
}

/**
 * Tells every other node that this host's control plane is where it is now: those that know no other would never find it. It is said in the name of a control plane, with a certificate that this
 * host signs for the purpose.
 */
export async function tellNodes(host: HostConfig, paths: HostPaths): Promise<Telling> {
  const others = (await listNodes(host, paths)).filter(({ name }) => name !== host.name);
  const [certificate, keyOfCa] = await Promise.all([readFileIfPresent(paths.ca), readFileIfPresent(paths.caKey)]);
  if (certificate === undefined || keyOfCa === undefined)
    throw new TallshipError("failed_precondition", `tell nodes: ${paths.ca} or ${paths.caKey} is missing`);
  const keys = { certificatePem: certificate.toString(), keyPem: keyOfCa.toString() };
  const authority = new ClusterAuthority(keys, { clock: systemClock, rng: systemRng });
  const pair = authority.issue({ name: host.name, role: "control-plane", addresses: [] });
  const credentials = { caPem: keys.certificatePem, pair };
  const here = hostPort(host.advertiseAddress, host.ports.api);
  const told: string[] = [];
  const silent: string[] = [];
  const waiting = [...others];
  const work = async (): Promise<void> => {
    for (let node = waiting.shift(); node !== undefined; node = waiting.shift()) {
      const list = await tellMovedControlPlane(node, here, { credentials, clock: systemClock }).then(
        () => told,
        () => silent,
      );
      list.push(node.name);
    }
  };
  await Promise.all(Array.from({ length: limit("readdressCalls") }, work));
  return { told: told.sort(), silent: silent.sort() };
}

async function listNodes(host: HostConfig, paths: HostPaths): Promise<readonly ToldNode[]> {
  const channel = await dialOwn(host, paths);
  try {
    const found: ToldNode[] = [];
    const parts = channel.client(ObjectsDefinition).list(ListRequest.fromPartial({ selection: { kind: "Node" } }));
    for await (const { items } of parts) found.push(...items.flatMap(({ object }) => nodePortOf(object) ?? []));
    return found;
  } finally {
    channel.close();
  }
}

/** Undefined for what has told no address yet. */
function nodePortOf(bytes: Uint8Array): ToldNode | undefined {
  const typed = decodeObject(bytes);
  if (typed.kind !== "Node") return undefined;
  const { status } = typed.object;
  const address = status?.addresses.find(({ type }) => type === "InternalIP")?.address;
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
  if (address === undefined || port === 0) return undefined;
  return { name: metaOf(typed.object).name, address: hostPort(address, port) };
}

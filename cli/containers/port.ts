import { metaOf } from "../../kinds/object.js";
import { TallshipError } from "../../lib/errors.js";
import { hostPort } from "../../lib/host-port.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { listObjects } from "../objects.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { findContainer } from "./find.js";
import { openPorts } from "./ports.js";

/** Tells where the ports of a container are open. */
export function runPort(
  { flags, operands }: { readonly flags: ClusterFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [word, asked] = operands;
  if (word === undefined) throw usageError("name the container");
  return withCluster(shell, flags, async (cluster) => {
    const { pod } = await findContainer(cluster, word, shell.signal);
    const { namespace, name } = metaOf(pod);
    const { objects } = await listObjects(cluster, { kind: "Service", namespace }, shell.signal);
    const services = objects.flatMap((typed) => (typed.kind === "Service" ? [typed.object] : []));
    const open = openPorts(pod, services);
    const wanted = asked === undefined || asked.includes("/") ? asked : `${asked}/tcp`;
    const found = open.filter(({ target, protocol }) => wanted === undefined || `${target}/${protocol}` === wanted);
    if (found.length === 0 && wanted !== undefined)
      throw new TallshipError("not_found", `no public port ${wanted} of container ${name}`);
    const lines = found.map(({ address, published, target, protocol }) =>
      wanted === undefined
        ? `${target}/${protocol} -> ${hostPort(address, published)}\n`
        : `${hostPort(address, published)}\n`,
    );
    await shell.stdout.write(lines.join(""));
    return EXIT.ok;
  });
}

import { nodeStatus } from "../../kinds/columns/node.js";
import { metaOf } from "../../kinds/object.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { keyIn, listObjects, missing } from "../objects.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";

/** Prints how nodes are connected. */
export async function runShow(
  { flags, operands }: { readonly flags: ClusterFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    const [nodes, services] = await Promise.all([
      listObjects(cluster, { kind: "Node", namespace: undefined }, shell.signal),
      listObjects(cluster, { kind: "Service", namespace: undefined }, shell.signal),
    ]);
    const all = nodes.objects.flatMap((typed) => (typed.kind === "Node" ? [typed.object] : []));
    const lost = operands.find((name) => !all.some((node) => metaOf(node).name === name));
    if (lost !== undefined) throw missing(keyIn("Node", "", lost));
    const shown = all.filter((node) => operands.length === 0 || operands.includes(metaOf(node).name));
    const announced = services.objects.flatMap((typed) => (typed.kind === "Service" ? [typed.object] : []));
    const headings = ["NAME", "STATUS", "PODS", "UNDERLAY", "TUNNEL-MAC", "MTU", "SHORTCUT", "CLIENTS", "ANNOUNCES"];
    await shell.stdout.write(safeText(formatTable([headings, ...shown.map((node) => rowOf(node, announced))])));
    return EXIT.ok;
  });
}

function rowOf(node: Node, services: readonly Service[]): readonly string[] {
  const { name } = metaOf(node);
  const { underlayIP = "", vtepMAC = "", mtu = 0 } = node.status?.overlay ?? {};
  const announces = services
    .filter(({ status }) => status?.announcedBy === name)
    .flatMap(({ status }) => status?.loadBalancer?.ingress.map(({ ip }) => ip) ?? []);
  const device = [underlayIP, vtepMAC, mtu === 0 ? "" : String(mtu)];
  const cells = [node.spec?.podCIDR, ...device, shortcutOf(node), clientsOf(node), announces.sort().join(",")];
  return [name, nodeStatus(node), ...cells.map((cell) => cell || "<none>")];
}

/** Why it is not open stands in the node's status. */
function shortcutOf({ status }: Node): string {
  const { shortcut = "" } = status?.overlay ?? {};
  return shortcut === "" || shortcut === "open" ? shortcut : "closed";
}

/** Whether clients from outside that another node leads to pods here keep their address; IPv4 and IPv6 apart where they differ. */
function clientsOf({ spec, status }: Node): string {
  const { mtu = 0, leadsBack = false, leadsBackIPv6 = false } = status?.overlay ?? {};
  if (mtu === 0) return "";
  const hasIpv6 = spec?.podCIDRs.some((cidr) => cidr.includes(":")) === true;
  const each = [leadsBack, ...(hasIpv6 ? [leadsBackIPv6] : [])].map((isKept) => (isKept ? "kept" : "hidden"));
  return [...new Set(each)].join(",");
}

import { bytesText } from "../../kinds/bytes-text.js";
import { metaOf } from "../../kinds/object.js";
import { everyContainer } from "../../kinds/pod-containers.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { claimsOfPod } from "../../kinds/storage.js";
import { quantityBytes } from "../../lib/quantity.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { splitName } from "../images/list.js";
import { listObjects } from "../objects.js";
import { formatRows } from "../output/row-format.js";
import { podsOf } from "../pods/resolve.js";
import type { Shell } from "../shell.js";

/** What `system df` was asked. */
export interface DiskUseFlags extends ClusterFlags {
  readonly format: string | undefined;
}

/** Counts images of the cluster, containers and volumes of the namespace as `docker system df`; sizes as far as the cluster knows them. */
export function runDiskUse({ flags }: { readonly flags: DiskUseFlags }, shell: Shell): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    const { namespace } = cluster;
    const { signal } = shell;
    const [{ images }, pods, claims] = await Promise.all([
      cluster.images.list({ names: [] }, { signal }),
      podsOf(cluster, { kind: "Pod", namespace: undefined }, signal),
      listObjects(cluster, { kind: "PersistentVolumeClaim", namespace }, signal),
    ]);
    const named = new Set(
      pods.filter((pod) => !isPodFinished(pod)).flatMap((pod) => everyContainer(pod).map(({ image }) => image)),
    );
    const isUsed = (name: string): boolean =>
      named.has(name) || named.has(splitName(name).join(":")) || named.has(splitName(name)[0]);
    const sizeOf = (all: typeof images): number =>
      all.reduce((sum, { spec, nodes }) => sum + (spec?.sizeBytes ?? 0) * Math.max(1, nodes.length), 0);
    const unused = images.filter(({ name }) => !isUsed(name));
    const own = pods.filter((pod) => metaOf(pod).namespace === namespace);
    const volumes = claims.objects.flatMap((typed) => (typed.kind === "PersistentVolumeClaim" ? [typed.object] : []));
    const mounted = new Set(own.flatMap((pod) => claimsOfPod(pod)));
    const volumeBytes = volumes.reduce(
      (sum, { spec }) => sum + quantityBytes(spec?.resources?.requests["storage"] ?? "0"),
      0,
    );
    const idle = volumes.filter((claim) => !mounted.has(metaOf(claim).name)).length;
    const rows = [
      row("Images", images.length, images.length - unused.length, bytesText(sizeOf(images)), bytesText(sizeOf(unused))),
      row("Containers", own.length, own.filter((pod) => !isPodFinished(pod)).length, "-", "-"),
      row("Local Volumes", volumes.length, volumes.length - idle, bytesText(volumeBytes), `${idle} unused`),
    ];
    await shell.stdout.write(formatRows(rows, { format: flags.format, columns: COLUMNS }));
    return EXIT.ok;
  });
}

const COLUMNS = [
  ["Type", "TYPE"],
  ["TotalCount", "TOTAL"],
  ["Active", "ACTIVE"],
  ["Size", "SIZE"],
  ["Reclaimable", "RECLAIMABLE"],
] as const;

function row(type: string, total: number, active: number, size: string, reclaimable: string) {
  return { Type: type, TotalCount: String(total), Active: String(active), Size: size, Reclaimable: reclaimable };
}

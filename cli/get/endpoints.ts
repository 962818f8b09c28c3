import { ageText } from "../../kinds/age.js";
import { metaOf } from "../../kinds/object.js";
import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import { type Cluster, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { keyIn, listObjects, missing } from "../objects.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { toldAlready, usageError } from "../verb.js";
import type { GetFlags } from "./run.js";

/** Endpoints shown before the rest is counted, as with kubectl. */
const SHOWN = 3;

/** True for what kubectl's users type for Endpoints: a view of EndpointSlices here, no objects. */
export function asksForEndpoints(operands: readonly string[]): boolean {
  return /^(ep|endpoints)(\/|$)/.test(operands[0] ?? "");
}

/** Prints the ready endpoints of services, a row each, as `kubectl get endpoints` does. */
export async function getEndpoints(
  { flags, operands }: { readonly flags: GetFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  if ((flags.output ?? "wide") !== "wide" || flags.watch || flags.watchOnly)
    throw usageError("endpoints are a table only: the objects are endpointslices");
  const names = operands.flatMap((word) => {
    const name = word.replace(/^(ep|endpoints)\/?/, "");
    return name === "" ? [] : [name];
  });
  return withCluster(shell, flags, async (cluster) => {
    const services = await found(cluster, flags, shell.signal);
    const shown = services.filter(({ service }) => names.length === 0 || names.includes(metaOf(service).name));
    const nowMs = shell.clock.nowMs();
    const rows = shown.map(({ service, slices }) => rowOf(service, slices, { nowMs, hasSpace: flags.allNamespaces }));
    const headings = [...(flags.allNamespaces ? ["NAMESPACE"] : []), "NAME", "ENDPOINTS", "AGE"];
    if (rows.length > 0) await shell.stdout.write(safeText(formatTable(flags.noHeaders ? rows : [headings, ...rows])));
    else if (names.length === 0) await shell.stderr.write("no objects found\n");
    const lost = names.filter((name) => !shown.some(({ service }) => metaOf(service).name === name));
    for (const name of lost)
      await shell.stderr.write(`error: ${missing(keyIn("Service", cluster.namespace, name)).message}\n`);
    if (lost.length > 0) throw toldAlready("not_found");
    return EXIT.ok;
  });
}

interface ServiceView {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
}

async function found(cluster: Cluster, flags: GetFlags, signal: AbortSignal): Promise<readonly ServiceView[]> {
  const namespace = flags.allNamespaces ? undefined : cluster.namespace;
  const query = { namespace, labels: flags.selector, fields: flags.fieldSelector };
  const [services, slices] = await Promise.all([
    listObjects(cluster, { kind: "Service", ...query }, signal),
    listObjects(cluster, { kind: "EndpointSlice", namespace }, signal),
  ]);
  const all = slices.objects.flatMap((typed) => (typed.kind === "EndpointSlice" ? [typed.object] : []));
  return services.objects.flatMap((typed) => {
    if (typed.kind !== "Service" || typed.object.spec?.type === "ExternalName") return [];
    const { namespace: space, name } = metaOf(typed.object);
    const isOf = (slice: EndpointSlice): boolean => {
      const meta = metaOf(slice);
      return meta.namespace === space && meta.labels["kubernetes.io/service-name"] === name;
    };
    return [{ service: typed.object, slices: all.filter(isOf) }];
  });
}

function rowOf(
  service: Service,
  slices: readonly EndpointSlice[],
  { nowMs, hasSpace }: { readonly nowMs: number; readonly hasSpace: boolean },
): readonly string[] {
  const { namespace, name, creationTimestamp } = metaOf(service);
  const addresses = slices.flatMap(({ endpoints, ports }) => {
    const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
    // Without a port where the service names some, it lacks the one that is targeted, and nobody is led there.
    const isPlain = ports.length === 0 && service.spec?.ports.length === 0;
    return ready.flatMap(({ addresses: [ip = ""] }) => (isPlain ? [ip] : ports.map(({ port }) => `${ip}:${port}`)));
  });
  const rest = addresses.length - SHOWN;
  const text = rest > 0 ? `${addresses.slice(0, SHOWN).join(",")} + ${rest} more...` : addresses.join(",");
  return [...(hasSpace ? [namespace] : []), name, text === "" ? "<none>" : text, ageText(creationTimestamp, nowMs)];
}

import { ageText } from "../../kinds/age.js";
import { metaOf } from "../../kinds/object.js";
import { hostPort } from "../../lib/host-port.js";
import { withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { keyIn, missing } from "../objects.js";
import { outputOf, wholePrinterOf } from "../output/printer.js";
import type { Whole } from "../print.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { toldAlready, usageError } from "../verb.js";
import { endpointsJson, type ServiceView, servicesWithSlices, subsetsOf } from "./endpoint-subsets.js";
import type { GetFlags } from "./run.js";

/** Endpoints shown before the rest is counted, as with kubectl. */
const SHOWN = 3;

/** True for what kubectl's users type for Endpoints: a view of EndpointSlices here, no objects. */
export function asksForEndpoints(operands: readonly string[]): boolean {
  return /^(ep|endpoints)(\/|$)/.test(operands[0] ?? "");
}

/** Names of services among such operands; empty: all. */
export function endpointNames(operands: readonly string[]): readonly string[] {
  return operands.flatMap((word) => {
    const name = word.replace(/^(ep|endpoints)\/?/, "");
    return name === "" ? [] : [name];
  });
}

/** Prints the ready endpoints of services, a row each, as `kubectl get endpoints` does; or in the form of Kubernetes' Endpoints, which scripts read. */
export async function getEndpoints(
  { flags, operands }: { readonly flags: GetFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  if (flags.watch || flags.watchOnly) throw usageError("endpoints are not watched: the objects are endpointslices");
  const names = endpointNames(operands);
  const print = await wholePrinterOf(shell, outputOf(flags), { withHeadings: !flags.noHeaders });
  return withCluster(shell, flags, async (cluster) => {
    const namespace = flags.allNamespaces ? undefined : cluster.namespace;
    const query = { namespace, labels: flags.selector, fields: flags.fieldSelector };
    const services = await servicesWithSlices(cluster, query, shell.signal);
    const shown = services.filter(({ service }) => names.length === 0 || names.includes(metaOf(service).name));
    const nowMs = shell.clock.nowMs();
    const rows = shown.map((view) => rowOf(view, { nowMs, hasSpace: flags.allNamespaces }));
    const headings = [...(flags.allNamespaces ? ["NAMESPACE"] : []), "NAME", "ENDPOINTS", "AGE"];
    if (print !== undefined) await shell.stdout.write(print(shown.map(wholeEndpoints), names.length !== 1));
    else if (rows.length > 0)
      await shell.stdout.write(safeText(formatTable(flags.noHeaders ? rows : [headings, ...rows])));
    else if (names.length === 0) await shell.stderr.write("no objects found\n");
    const lost = names.filter((name) => !shown.some(({ service }) => metaOf(service).name === name));
    for (const name of flags.ignoreNotFound ? [] : lost)
      await shell.stderr.write(`error: ${missing(keyIn("Service", cluster.namespace, name)).message}\n`);
    if (lost.length > 0 && !flags.ignoreNotFound) throw toldAlready("not_found");
    return EXIT.ok;
  });
}

function wholeEndpoints(view: ServiceView): Whole {
  return { value: endpointsJson(view), ref: `endpoints/${metaOf(view.service).name}` };
}

function rowOf(
  view: ServiceView,
  { nowMs, hasSpace }: { readonly nowMs: number; readonly hasSpace: boolean },
): readonly string[] {
  const { namespace, name, creationTimestamp } = metaOf(view.service);
  const addresses = subsetsOf(view).flatMap(({ ports, ready }) =>
    ready.flatMap(({ addresses: [ip = ""] }) =>
      ports.length === 0 ? [ip] : ports.map(({ port }) => hostPort(ip, port)),
    ),
  );
  const rest = addresses.length - SHOWN;
  const text = rest > 0 ? `${addresses.slice(0, SHOWN).join(",")} + ${rest} more...` : addresses.join(",");
  return [...(hasSpace ? [namespace] : []), name, text === "" ? "<none>" : text, ageText(creationTimestamp, nowMs)];
}

import { hostPort } from "../../lib/host-port.js";
import {
  type TracedEndpoint,
  type TracedFront,
  TraceRequest,
  type TraceResponse,
} from "../../proto/gen/tallship/v1/explain.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { usageError } from "../verb.js";

/** Tells where packets from a pod or a host to a service go. */
export async function runTrace(
  { flags, operands }: { readonly flags: ClusterFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [from, to, ...rest] = operands;
  if (from === undefined || to === undefined || rest.length > 0)
    throw usageError("name a pod and a service: POD SERVICE[:PORT]");
  return withCluster(shell, flags, async (cluster) => {
    const { namespace } = cluster;
    const { name, space, port } = serviceOf(to, namespace);
    const request = TraceRequest.fromPartial({
      ...clientOf(from, namespace),
      serviceNamespace: space,
      service: name,
      port,
    });
    const traced = await cluster.explain.trace(request, { signal: shell.signal });
    await shell.stdout.write(safeText(tracePage(from, `${space}/${name}`, traced)));
    return traced.problems.length > 0 ? EXIT.failed : EXIT.ok;
  });
}

/** `POD`, `pod/POD` or `node/NODE`. */
function clientOf(word: string, namespace: string): Partial<TraceRequest> {
  const [kind = "", name] = word.split("/");
  if (name === undefined) return { namespace, pod: word };
  if (/^(pods?|po)$/.test(kind)) return { namespace, pod: name };
  if (/^(nodes?|no)$/.test(kind)) return { node: name };
  throw usageError(`packets come from a pod or a node, not from ${word}`);
}

/** `SERVICE[.NAMESPACE][:PORT]`, as one writes it in an address. */
function serviceOf(
  word: string,
  namespace: string,
): { readonly name: string; readonly space: string; readonly port: string } {
  const [full = "", port = ""] = word.replace(/^(services?|svc)\//, "").split(":");
  const [name = "", space = namespace] = full.split(".");
  return { name, space, port };
}

/** The answer for people. */
export function tracePage(from: string, service: string, traced: TraceResponse): string {
  const where = traced.node === "" ? "on no node" : `on node ${traced.node}`;
  const head = `from ${from}${traced.address === "" ? "" : ` (${traced.address})`} ${where} to service ${service}\n`;
  const names = traced.names.length === 0 ? "" : `name: leads to ${traced.names.join(", ")}\n`;
  const problems = traced.problems.map((problem) => `problem: ${problem}\n`).join("");
  return `${head}${names}${problems}${traced.fronts.map(frontText).join("")}`;
}

const KINDS: Readonly<Record<string, string>> = {
  cluster: "the service's own address",
  external: "an external address",
  balancer: "an announced address",
  node: "a port of every node",
  headless: "the pods themselves, by the service's name",
};

function frontText(front: TracedFront): string {
  const { ip, port, protocol, kind, name, endpoints, network } = front;
  const what = network === "" ? (KINDS[kind] ?? kind) : `its address on network ${network}`;
  const where = port === 0 ? "any port" : `${protocol} ${hostPort(ip === "" ? "*" : ip, port)}`;
  const title = `${where}${name === "" ? "" : ` (${name})`}, ${what}`;
  const notes = front.notes.map((note) => `  ${note}\n`).join("");
  const verdict = `${elementText(front)}${notes}`;
  if (endpoints.length === 0) return `\n${title}\n${verdict}${outsideText(front)}`;
  const rows = endpoints.map((each) => [
    each.port === 0 ? each.ip : hostPort(each.ip, each.port),
    each.pod || "<none>",
    each.node || "<none>",
    each.seenAs || "<none>",
    endpointText(each),
  ]);
  const table = formatTable([["ENDPOINT", "POD", "NODE", "SEES", "CONNECTIONS"], ...rows], "  ");
  return `\n${title}\n${verdict}${table}${hiddenText(endpoints)}${outsideText(front)}`;
}

/** What in the client's node leads on; to pods themselves nothing has to. */
function elementText({ kind, element }: TracedFront): string {
  if (kind === "headless") return "";
  return element === "" ? "  no element: connections are refused\n" : `  ${element}\n`;
}

/** Why endpoints do not see the client's own address. */
function hiddenText(endpoints: readonly TracedEndpoint[]): string {
  return [...byReason(endpoints, ({ hiddenWhy }) => hiddenWhy)]
    .map(([why, of]) => `  not the client's own address at ${addressesOf(of)}: ${why}\n`)
    .join("");
}

/** What becomes of those who are no pods and no hosts of the cluster, and whether they keep their addresses. */
function outsideText({ kind, endpoints, outsideRefusal }: TracedFront): string {
  if (kind === "cluster" || kind === "headless") return "";
  if (outsideRefusal !== "") return `  clients from outside who ask this node are dropped: ${outsideRefusal}\n`;
  const led = endpoints.filter(({ refusal }) => refusal === "");
  if (led.length === 0) return "";
  const hidden = [...byReason(led, ({ outsideHiddenWhy }) => outsideHiddenWhy)];
  if (hidden.length === 0) return "  clients from outside are seen under their own addresses\n";
  return hidden
    .map(([why, of]) => `  clients from outside are not seen under their own addresses at ${addressesOf(of)}: ${why}\n`)
    .join("");
}

function byReason(
  endpoints: readonly TracedEndpoint[],
  reason: (endpoint: TracedEndpoint) => string,
): ReadonlyMap<string, readonly TracedEndpoint[]> {
  const found = new Map<string, TracedEndpoint[]>();
  for (const each of endpoints) {
    const why = reason(each);
    if (why !== "") found.set(why, [...(found.get(why) ?? []), each]);
  }
  return found;
}

/** So many addresses are named; of more there is the number. */
const NAMED = 4;

function addressesOf(endpoints: readonly TracedEndpoint[]): string {
  const more = endpoints.length - NAMED;
  const named = endpoints.slice(0, NAMED).map(({ ip, port }) => hostPort(ip, port));
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function endpointText({ refusal, share, blocked }: TracedEndpoint): string {
  if (refusal !== "") return `none: ${refusal}`;
  const percent = `${(share / 10).toFixed(1).replace(/\.0$/, "")}%`;
  return blocked === "" ? percent : `${percent}, all dropped: ${blocked}`;
}

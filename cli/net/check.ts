import {
  type CheckedNameServer,
  type CheckedPair,
  NetCheckRequest,
  type NetCheckResponse,
} from "../../proto/gen/tallship/v1/explain.js";
import type { PathMeasure } from "../../proto/gen/tallship/v1/nethealth.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { keyIn, missing } from "../objects.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";

/** Prints how nodes reach each other. */
export async function runCheck(
  { flags, operands }: { readonly flags: ClusterFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    const answer = await cluster.explain.netCheck(NetCheckRequest.fromPartial({}), { signal: shell.signal });
    const lost = operands.find((name) => !isKnown(answer, name));
    if (lost !== undefined) throw missing(keyIn("Node", "", lost));
    const shown = chosen(answer, operands);
    if (shown.pairs.length + shown.silent.length + shown.nameServers.length === 0)
      await shell.stderr.write("one node has no pairs\n");
    else await shell.stdout.write(safeText(checkPage(shown)));
    return isFaulty(shown) ? EXIT.failed : EXIT.ok;
  });
}

function isKnown({ pairs, silent, nameServers }: NetCheckResponse, name: string): boolean {
  return (
    silent.includes(name) ||
    pairs.some(({ from, path }) => from === name || path?.peer === name) ||
    nameServers.some(({ node }) => node === name)
  );
}

function chosen(answer: NetCheckResponse, names: readonly string[]): NetCheckResponse {
  if (names.length === 0) return answer;
  return {
    pairs: answer.pairs.filter(({ from, path }) => names.includes(from) || names.includes(path?.peer ?? "")),
    nameServers: answer.nameServers.filter(({ node }) => names.includes(node)),
    silent: answer.silent.filter((name) => names.includes(name)),
  };
}

function isFaulty({ pairs, nameServers, silent }: NetCheckResponse): boolean {
  const isPairAtFault = pairs.some(
    ({ path }) => path !== undefined && (path.fault !== "" || path.networks.some(({ fault }) => fault !== "")),
  );
  return isPairAtFault || nameServers.some(({ nameServer }) => nameServer?.fault !== "") || silent.length > 0;
}

/** The answer for people: a table, then what is at fault in sentences. */
export function checkPage(answer: NetCheckResponse): string {
  const hasIpv6 = answer.pairs.some(({ path }) => path?.ipv6 !== undefined);
  const ways = ["UNDERLAY", "OVERLAY", ...(hasIpv6 ? ["IPV6"] : [])];
  const headings = ["FROM", "TO", ...ways, "LOSS", "MTU", "FAULT", "REMEDY"];
  const rows = answer.pairs.map((pair) => rowOf(pair, hasIpv6));
  const table = rows.length === 0 ? "" : formatTable([headings, ...rows]);
  const networks = networkRows(answer.pairs);
  const byNetwork = networks.length === 0 ? "" : `\n${formatTable(networks)}`;
  const sentences = [
    ...answer.pairs.flatMap(({ from, path }) =>
      [path?.message ?? "", ...(path?.networks ?? []).map(({ message }) => message)].flatMap((message) =>
        message === "" ? [] : [`${from}: ${message}`],
      ),
    ),
    ...answer.nameServers.flatMap(sentenceOf),
    ...answer.silent.map(
      (name) => `${name}: it has told nothing: it has no session with the control plane, or just began`,
    ),
  ];
  return (
    table + byNetwork + (sentences.length === 0 ? "" : `${rows.length === 0 ? "" : "\n"}${sentences.join("\n")}\n`)
  );
}

function sentenceOf({ node, nameServer }: CheckedNameServer): readonly string[] {
  if (nameServer === undefined || nameServer.fault === "") return [];
  return [`${node}: ${nameServer.fault}: ${nameServer.message}`];
}

/** Ways by networks beside the cluster's own below their headings, in order of networks; by which family is told where one has both. Empty: there are none. */
function networkRows(pairs: readonly CheckedPair[]): readonly (readonly string[])[] {
  const ways = pairs.flatMap(({ from, path }) =>
    (path?.networks ?? []).map((way) => ({ ...way, from, to: path?.peer ?? "", family: way.family || "IPv4" })),
  );
  if (ways.length === 0) return [];
  const hasIpv6 = ways.some(({ family }) => family === "IPv6");
  const rows = ways
    .sort((one, other) => (one.network < other.network ? -1 : one.network > other.network ? 1 : 0))
    .map(({ network, from, to, family, measure, fault }) => [
      ...[network, from, to, ...(hasIpv6 ? [family] : [])],
      ...[timeCell(measure), lossCell(measure), fault || "-"],
    ]);
  return [["NETWORK", "FROM", "TO", ...(hasIpv6 ? ["FAMILY"] : []), "TIME", "LOSS", "FAULT"], ...rows];
}

function rowOf({ from, path }: CheckedPair, hasIpv6: boolean): readonly string[] {
  const { peer = "", underlay, overlay, ipv6, mtu = 0, fault = "", remedy = "" } = path ?? {};
  const measures = [underlay, overlay, ...(hasIpv6 ? [ipv6] : [])];
  return [
    from,
    peer,
    ...measures.map(timeCell),
    measures.map(lossCell).join(" / "),
    mtu === 0 ? "<unknown>" : `${mtu}`,
    fault || "-",
    remedy || "-",
  ];
}

function timeCell(measure: PathMeasure | undefined): string {
  const { roundTripMs, lossRatio } = measure ?? {};
  if (roundTripMs !== undefined) return `${roundTripMs.toFixed(roundTripMs < 10 ? 2 : 0)}ms`;
  return lossRatio === undefined ? "<unknown>" : "no answer";
}

function lossCell(measure: PathMeasure | undefined): string {
  return measure?.lossRatio === undefined ? "-" : `${Math.round(measure.lossRatio * 100)}%`;
}

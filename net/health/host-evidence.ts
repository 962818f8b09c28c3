// Edge: asks the kernel, ping and name servers.
import { execFile } from "node:child_process";
import { networkInterfaces } from "node:os";
import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { readText } from "../../lib/read-text.js";
import type { Rng } from "../../lib/rng.js";
import { questionBytes } from "../dns/forwarder.js";
import { hostServers } from "../dns/host-resolver.js";
import { askOverNetwork } from "../dns/upstream.js";
import { CoProcess } from "../kernel/co-process.js";
import { SHELL_DIALECT } from "../kernel/dialects.js";
import { feed } from "../kernel/shell-script.js";
import { parseChecksumErrors, parseRouteGet } from "./evidence-text.js";
import type { PathEvidence, PeerAddresses } from "./path-evidence.js";
import type { Evidence, RouteFound } from "./peer-view.js";

/** What asking needs. */
export interface HostEvidenceParts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly resolvConf: string;
  /** The cluster's own DNS address, which is no server of the host's. */
  readonly dnsAddress: string;
}

/** Name servers that are watched; resolvers ask no more than three. */
const NAME_SERVERS = 3;

/** A fresh shell after so many questions bounds what one keeps. */
const QUESTIONS_PER_SHELL = 2_000;

/**
 * The evidence of this network namespace. Programs are started only when a peer is silent, and one for a round's routes; that one by a shell that stays alive, since to fork this
 * process for it is three times its work.
 */
export function hostEvidence({ clock, rng, resolvConf, dnsAddress }: HostEvidenceParts): PathEvidence {
  const servers = hostServers(resolvConf, dnsAddress);
  const ask = askOverNetwork(clock);
  const shell = new CoProcess({ dialect: SHELL_DIALECT, enter: [], clock, requestsPerProcess: QUESTIONS_PER_SHELL });
  // What is not known is left out, for whichever reason.
  const gets = (lines: readonly string[]): Promise<string> =>
    shell.request(`${feed("ip -force -batch - 2>/dev/null", lines)}true`).catch(() => "");
  return {
    routes: async (peers, source) => {
      const lines = peers.flatMap(({ underlay, overlay, ipv6 }) => [
        `route get ${underlay} from ${source.underlay}`,
        `route get ${overlay} from ${source.overlay}`,
        ...(ipv6 === undefined || source.ipv6 === undefined ? [] : [`route get ${ipv6} from ${source.ipv6}`]),
      ]);
      return routesOf(peers, parseRouteGet(lines.length === 0 ? "" : await gets(lines)));
    },
    route: async (to, from) => parseRouteGet(await gets([`route get ${to} from ${from}`])).get(to),
    ping: async (peer, source) => {
      const words = ["ping", "-q", "-c", "3", "-W", "1", "-I", source.overlay, peer.overlay];
      return / 0 packets received|^$/.test(await run("busybox", words)) ? "silent" : "passed";
    },
    checksumErrors: () => parseChecksumErrors(readText("/proc/net/snmp")),
    prefixLength: (address) => {
      const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
      return Number(all.find((each) => each.address === address)?.cidr?.split("/")[1] ?? 32);
    },
    askNameServer: (server) =>
      ask(server, questionBytes({ name: "", type: "NS" }, rng)).then(
        () => undefined,
        (error: unknown) => `${asTallshipError(error).message}: foreign names are not found`,
      ),
    nameServers: () => servers().slice(0, NAME_SERVERS),
  };
}

function routesOf(
  peers: readonly PeerAddresses[],
  found: ReadonlyMap<string, RouteFound>,
): readonly Evidence["routes"][] {
  return peers.map(({ underlay, overlay, ipv6 = "" }) => {
    const [under, over, six] = [found.get(underlay), found.get(overlay), found.get(ipv6)];
    return { ...(under && { underlay: under }), ...(over && { overlay: over }), ...(six && { ipv6: six }) };
  });
}

/** Standard output, whatever the exit code; empty when the program cannot be run. */
function run(program: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, [...words], { timeout: 10_000 }, (_error, stdout) => resolve(stdout));
  });
}

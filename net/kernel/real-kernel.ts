import type { Clock } from "../../lib/clock.js";
import type { Family } from "../family.js";
import { CoProcess, type Dialect } from "./co-process.js";
import { NFT_DIALECT, SHELL_DIALECT } from "./dialects.js";
import { DoorKernel } from "./door-kernel.js";
import { FirewallKernel } from "./firewall-kernel.js";
import type { Kernel, PacketTables } from "./kernel.js";
import { LinkKernel } from "./link-kernel.js";
import { NftFiles, type NftTools } from "./nft-files.js";
import { PodKernel } from "./pod-kernel.js";
import { RuleKernel } from "./rule-kernel.js";
import { TableLooks } from "./table-looks.js";
import { TunnelKernel } from "./tunnel-kernel.js";

/** What the kernel edge needs. */
export interface RealKernelOptions {
  /** Where namespaces are pinned and big transactions are written for nft. */
  readonly runDir: string;
  readonly clock: Clock;
  /** Words that enter another network namespace, such as `nsenter --net=PATH`; usually none. */
  readonly enter?: readonly string[];
  /** What the cluster speaks; IPv4 alone when absent. Of other families nothing is looked at. */
  readonly families?: readonly Family[];
}

/** nft keeps its input as a history, and shells their hash tables: a fresh process after so many requests bounds both. */
const REQUESTS_PER_PROCESS = 2_000;

/** The network tables of the network namespace this process is in (or enters by `enter`). Needs root. */
export function realKernel(options: RealKernelOptions): Kernel {
  const { clock, enter = [], runDir, families = ["IPv4"] } = options;
  const coProcess = (dialect: Dialect): CoProcess =>
    new CoProcess({ dialect, enter, clock, requestsPerProcess: REQUESTS_PER_PROCESS });
  const linkShell = coProcess(SHELL_DIALECT);
  const secondShell = coProcess(SHELL_DIALECT);
  // Rules have a shell of their own: an endpoint's change never waits for the wiring of a hundred pods.
  const ruleShell = coProcess(SHELL_DIALECT);
  const nft = coProcess(NFT_DIALECT);
  const looks = new TableLooks(linkShell, clock);
  const links = new LinkKernel(linkShell, looks, families);
  const tunnels = new TunnelKernel(linkShell, clock);
  const doors = new DoorKernel(ruleShell, runDir);
  const pods = new PodKernel([linkShell, secondShell], looks, { runDir, families });
  const files = new NftFiles(ruleShell, runDir);
  const tools = { nft, shell: ruleShell, files };
  return {
    underlay: (address) => links.underlay(address),
    readEntries: (devices, settings) => links.readEntries(devices, settings),
    changeEntries: (changes) => links.changeEntries(changes),
    routesByMark: (family) => links.routesByMark(family),
    tracksSctp: () => links.tracksSctp(),
    leavesChecksums: (device) => links.leavesChecksums(device),
    leaveChecksums: (device, isLeft) => links.leaveChecksums(device, isLeft),
    readTunnels: (devices) => tunnels.read(devices),
    setTunnel: (tunnel, settings) => {
      looks.changed();
      return tunnels.set(tunnel, settings);
    },
    removeTunnels: (devices) => {
      looks.changed();
      return tunnels.remove(devices);
    },
    announce: (device, addresses) => links.announce(device, addresses),
    readDoors: () => doors.read(),
    openDoors: (list) => doors.open(list),
    closeDoors: (list) => doors.close(list),
    createPods: (wirings) => pods.create(wirings),
    removePods: (uids) => pods.remove(uids),
    listPods: () => pods.list(),
    ...packetTables("IPv4", tools),
    ipv6: packetTables("IPv6", tools),
    close: async () => {
      await Promise.all([linkShell, secondShell, ruleShell, nft].map((process) => process.close()));
    },
  };
}

function packetTables(family: Family, tools: NftTools): PacketTables {
  const rules = new RuleKernel(family, tools);
  const firewall = new FirewallKernel(family, tools);
  return {
    replaceRules: (frame, elements) => rules.replaceRules(frame, elements),
    changeElements: (changes) => rules.changeElements(changes),
    hasRules: () => rules.hasRules(),
    ruleFingerprint: () => rules.ruleFingerprint(),
    readElements: (maps, visit) => rules.readElements(maps, visit),
    replaceFirewall: (table) => firewall.replaceFirewall(table),
    changeFirewall: (changes) => firewall.changeFirewall(changes),
    hasFirewall: () => firewall.hasFirewall(),
    firewallFingerprint: () => firewall.firewallFingerprint(),
    readFirewall: (visit) => firewall.readFirewall(visit),
    readFlows: (addresses) => firewall.readFlows(addresses),
    readTranslated: (visit) => rules.readTranslated(visit),
    cutFlows: (flows) => firewall.cutFlows(flows),
    forgetFlows: (filters) => rules.forgetFlows(filters),
  };
}

import { deepEqual } from "../../lib/deep-equal.js";
import { TallshipError } from "../../lib/errors.js";
import { isOfNetworks, OVERLAY_DEVICE, vtepMac } from "../device-names.js";
import { type Family, familiesOf } from "../family.js";
import { NO_REMEDIES, type Remedies } from "../health/remedies.js";
import { subnetOf } from "../ipv4.js";
import { deviceOf, diffEntries, type Entry, type EntryChange, entryKey } from "../kernel/entries.js";
import type { Kernel, UnderlayDevice } from "../kernel/kernel.js";
import { networkEntries, type Surroundings } from "../networks/network-entries.js";
import type { NodeNetworkConfig, OverlayDevice, Published } from "../node-network.js";
import { Checksums } from "./checksums.js";
import { heldPathMtus } from "./held-paths.js";
import {
  announcedEntries,
  listeningEntries,
  overheadOf,
  overlayEntries,
  settingsOf,
  sharedLink,
} from "./overlay-plan.js";
import type { Peer } from "./peers.js";

/**
 * Keeps the overlay's entries as they are wanted. A change of peers is a diff against what was applied last; the kernel is read only at
 * the start, after a failure and for a repair. Calls must not overlap.
 */
export class OverlaySync {
  private readonly config: NodeNetworkConfig;
  private readonly kernel: Kernel;
  private underlay: UnderlayDevice = { device: "", mtu: 0, prefixLength: 32 };
  /** Undefined before the first map: what is there of peers stands. */
  private peers: readonly Peer[] | undefined;
  /** Addresses that this node answers for on the underlay's link. */
  private announced: readonly string[] = [];
  private surroundings: Surroundings = { networks: [], tunnels: new Map() };
  /** What the kernel holds; undefined when that is not known. */
  private held: readonly Entry[] | undefined;
  private agreed: readonly Entry[] = [];
  private remedies = NO_REMEDIES;
  private isRemedyDue = false;
  /** Families whose packets the kernel routes by their marks. */
  private markFamilies: readonly Family[] = [];
  private readonly checksums: Checksums;

  constructor(config: NodeNetworkConfig, kernel: Kernel) {
    this.config = config;
    this.kernel = kernel;
    this.checksums = new Checksums(kernel);
  }

  /** MTU of pods' devices. */
  get podMtu(): number {
    return this.underlay.mtu - overheadOf(this.config);
  }

  /** What others are to be told of the host's addresses, as the kernel had them at the last look. */
  get hostAddresses(): Pick<Published, "linkIpv6" | "hostIpv4" | "hostIpv6"> {
    const { linkIpv6 = "", hostIpv4 = [], hostIpv6 = [] } = this.underlay;
    const isOverLink = sharedLink(this.config, this.underlay)?.hasIpv6 === true;
    return {
      ...{ linkIpv6: isOverLink ? linkIpv6 : "", hostIpv4 },
      hostIpv6: this.config.ipv6 === undefined ? [] : hostIpv6,
    };
  }

  /** What the kernel is to hold for the overlay, as of the last time that it took everything. */
  get entries(): readonly Entry[] {
    return this.agreed;
  }

  /** Entries that the kernel holds for the overlay. */
  get entryCount(): number {
    return this.held?.length ?? 0;
  }

  /** Makes or adopts the device. Again is no error. */
  async start(): Promise<OverlayDevice> {
    await this.look();
    const have = await this.read();
    this.remedies = await this.heldRemedies(have);
    this.markFamilies = await this.familiesByMark();
    this.held = have;
    await this.bring();
    const [leadsBack, leadsBackIpv6] = [this.markFamilies.includes("IPv4"), this.markFamilies.includes("IPv6")];
    return { vtepMAC: vtepMac(this.config.nodeName), mtu: this.podMtu, leadsBack, leadsBackIpv6 };
  }

  private async familiesByMark(): Promise<readonly Family[]> {
    // In an encrypted cluster nothing of pods' goes by the overlay.
    if (this.config.encrypted) return [];
    const found: Family[] = [];
    for (const family of familiesOf(this.config)) if (await this.kernel.routesByMark(family)) found.push(family);
    return found;
  }

  /** What is done about faults now; at the start what a former agent has done. */
  get inForce(): Remedies {
    return this.remedies;
  }

  /** Does this about faults from the next change on. */
  remedy(remedies: Remedies): void {
    this.remedies = remedies;
    this.isRemedyDue = true;
  }

  /** The kernel leads to the node's own shares of these networks, beside whatever is there, until the first map. */
  async recall(networks: Surroundings["networks"]): Promise<void> {
    this.surroundings = { networks, tunnels: new Map() };
    await this.repair();
  }

  /** The kernel leads to exactly these peers and networks, and this node answers for exactly these addresses. The same again costs a comparison: most changes of nodes are none of where they are. */
  async setMap(peers: readonly Peer[], announced: readonly string[], surroundings: Surroundings): Promise<void> {
    const parts = ({ networks, tunnels }: Surroundings): readonly unknown[] => [networks, [...tunnels]];
    const isSame = deepEqual(
      [peers, announced, parts(surroundings)],
      [this.peers, this.announced, parts(this.surroundings)],
    );
    if (isSame && this.held !== undefined && !this.isRemedyDue) return;
    this.peers = peers;
    this.announced = announced;
    this.surroundings = surroundings;
    await this.bring();
  }

  /** Reads the kernel and mends what differs; returns how many entries did. */
  async repair(): Promise<number> {
    await this.look();
    // Nobody asks while nothing is at fault: it is a process for each device.
    if (this.remedies.isTxChecksumOff) await this.checksums.look();
    // What is only now to be done about faults is no damage.
    if (this.isRemedyDue && this.held !== undefined) await this.bring();
    this.held = undefined;
    return this.bring();
  }

  /** Learns which device carries the underlay now. */
  private async look(): Promise<void> {
    const underlay = await this.kernel.underlay(this.config.underlayIP);
    if (underlay === undefined)
      throw new TallshipError(
        "kernel_failed",
        `build the overlay: no device has the address ${this.config.underlayIP}`,
      );
    this.underlay = underlay;
  }

  private async bring(): Promise<number> {
    const have = this.held ?? (await this.read());
    const want = this.wanted(have);
    const changes = diffEntries(want, have);
    this.held = undefined;
    this.isRemedyDue = false;
    await this.kernel.changeEntries(changes);
    await this.setChecksums(want, changes);
    this.held = want;
    this.agreed = want;
    const fresh = new Set(changes.flatMap(({ do: act, entry }) => (act === "add" && "ip" in entry ? [entry.ip] : [])));
    await this.kernel.announce(
      this.underlay.device,
      this.announced.filter((ip) => fresh.has(ip)),
    );
    return changes.length;
  }

  /** Of the host's own device only routes to peers on its link, and addresses that it stands in for, are Tallship's. */
  private async read(): Promise<readonly Entry[]> {
    const link = sharedLink(this.config, this.underlay);
    const { device } = this.underlay;
    const entries = await this.kernel.readEntries(
      [OVERLAY_DEVICE, device],
      settingsOf(link, this.config.ipv6 && this.underlay),
    );
    const isOurs = ({ table }: Entry): boolean => table === "stand-in" || (table === "route" && link !== undefined);
    return entries.filter((entry) => deviceOf(entry) !== device || isOurs(entry));
  }

  /** On every network's device: what is wrong with the card's checksums is so whatever network's packets are inside. */
  private setChecksums(want: readonly Entry[], changes: readonly EntryChange[]): Promise<void> {
    const devicesOf = (entries: readonly Entry[]): readonly string[] =>
      entries.flatMap((entry) => (entry.table === "device" ? [entry.device] : []));
    const made = devicesOf(changes.flatMap(({ do: act, entry }) => (act === "add" ? [entry] : [])));
    return this.checksums.bring(devicesOf(want), new Set(made), !this.remedies.isTxChecksumOff);
  }

  private async heldRemedies(have: readonly Entry[]): Promise<Remedies> {
    const cluster = subnetOf(this.config.clusterCIDR, "pod subnet of the cluster");
    const linkDevice = sharedLink(this.config, this.underlay)?.device;
    const isTxChecksumOff = await this.checksums.start();
    return { pathMtus: heldPathMtus(have, { cluster, linkDevice }), isTxChecksumOff };
  }

  private wanted(have: readonly Entry[]): readonly Entry[] {
    const { pathMtus } = this.remedies;
    const { tunnels } = this.surroundings;
    const ways = { pathMtus, tunnels, markFamilies: this.markFamilies };
    const base = [
      ...overlayEntries(this.config, this.underlay, this.peers ?? [], ways),
      ...listeningEntries(this.config, this.underlay, have),
    ];
    const networks = networkEntries(this.config, this.surroundings, { underlayMtu: this.underlay.mtu, pathMtus });
    const all = [...base, ...announcedEntries(this.announced, this.underlay), ...networks];
    if (this.peers !== undefined) return all;
    const known = new Set(all.map(entryKey));
    return [...all, ...have.filter((entry) => isOfMap(entry) && !known.has(entryKey(entry)))];
  }
}

/** What only a map knows: peers, networks, and addresses that the node answers for. */
function isOfMap(entry: Entry): boolean {
  if (isOfNetworks(deviceOf(entry)) || entry.table === "refusal" || entry.table === "rule") return true;
  if (entry.table === "address") return entry.scope === "host";
  return (
    entry.table === "stand-in" ||
    entry.table === "neigh" ||
    entry.table === "fdb" ||
    (entry.table === "route" && entry.via !== "")
  );
}

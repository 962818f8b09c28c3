import { TallshipError } from "../../lib/errors.js";
import { isOfNetworks } from "../device-names.js";
import type { Family } from "../family.js";
import { deviceOf, type Entry, type EntryChange, routeSlot } from "./entries.js";
import type { FirewallChange, FirewallTable } from "./firewall.js";
import type {
  FirewallElement,
  FlowFilter,
  HeldTunnel,
  Kernel,
  LoopbackDoor,
  PodDevice,
  PodWiring,
  RefusedDoor,
  TrackedFlow,
  TunnelDevice,
  UnderlayDevice,
} from "./kernel.js";
import {
  type ElementChange,
  LEARNED_MAPS,
  RULE_MAPS,
  type RuleElement,
  type RuleFrame,
  type RuleMap,
} from "./rules.js";
import { SimulatedFirewall } from "./simulated-firewall.js";

/** An address of a simulated host. */
export interface SimulatedUnderlay extends UnderlayDevice {
  readonly address: string;
}

interface SimulatedPod {
  readonly wiring: PodWiring;
  readonly isLinked: boolean;
  readonly isPinned: boolean;
}

interface SimulatedRules {
  readonly frame: RuleFrame;
  readonly generation: number;
  readonly maps: ReadonlyMap<RuleMap, Map<string, string>>;
}

/** A host's network tables in memory, with the laws of the real ones that Tallship relies on. */
export class SimulatedKernel implements Kernel {
  private readonly underlays: readonly SimulatedUnderlay[];
  private readonly entries = new Map<string, Entry>();
  private readonly pods = new Map<string, SimulatedPod>();
  /** Devices of tunnels, by name. */
  readonly tunnels = new Map<string, HeldTunnel>();
  /** Their MTUs, which nobody reads back. */
  readonly tunnelMtus = new Map<string, number>();
  /** Why this host can make no tunnels; empty: it can. */
  tunnelRefusal = "";
  /** Families whose packets this host can route by their marks. */
  markFamilies: readonly Family[] = ["IPv4", "IPv6"];
  /** False: it is built without tracking of SCTP. */
  knowsSctp = true;
  private six: SimulatedKernel | undefined;
  private rules: SimulatedRules | undefined;
  private generation = 0;
  private refusals = 0;
  /** Devices that compute checksums themselves. */
  private readonly checksumming = new Set<string>();
  /** The firewall's table and the connections that are tracked. */
  readonly firewall = new SimulatedFirewall();
  /** Every filter ever given to forgetFlows, in order. */
  readonly forgotten: FlowFilter[] = [];
  /** Ports of ::1 that are led to pods, and those that programs of the host's have. */
  readonly doors = new Map<string, LoopbackDoor>();
  readonly takenDoors = new Set<string>();
  /** Every address ever announced, in order. */
  readonly told: string[] = [];

  constructor(underlays: readonly SimulatedUnderlay[]) {
    this.underlays = underlays;
  }

  /** The tables of IPv6: those of a kernel that has nothing else. */
  get ipv6(): SimulatedKernel {
    this.six ??= new SimulatedKernel([]);
    return this.six;
  }

  async underlay(address: string): Promise<UnderlayDevice | undefined> {
    const found = this.underlays.find((each) => each.address === address);
    if (found === undefined) return undefined;
    const { address: _, ...device } = found;
    return device;
  }

  async readEntries(devices: readonly string[], settings: readonly string[]): Promise<readonly Entry[]> {
    const defaults = settings
      .filter((name) => !this.entries.has(`setting ${name}`))
      .map((name): Entry => ({ table: "setting", name, value: "0" }));
    const held = [...this.entries.values()].filter((entry) => {
      if (entry.table === "setting") return settings.includes(entry.name);
      const device = deviceOf(entry);
      return device === "" || devices.includes(device) || isOfNetworks(device);
    });
    return [...defaults, ...held];
  }

  /** The next changes of tables, this many calls, fail and change nothing. */
  refuse(calls: number): void {
    this.refusals = calls;
  }

  async changeEntries(changes: readonly EntryChange[]): Promise<void> {
    if (changes.length > 0) this.mayRefuse();
    const complaints: string[] = [];
    for (const { do: act, entry } of changes) {
      if (act === "delete") this.deleteEntry(entry);
      else if (entry.table === "device" || this.hasDevice(deviceOf(entry))) this.entries.set(slotOf(entry), entry);
      else complaints.push(`add network entries: Cannot find device "${deviceOf(entry)}"`);
    }
    if (complaints[0] !== undefined) throw new TallshipError("kernel_failed", complaints[0]);
  }

  async routesByMark(family: Family): Promise<boolean> {
    return this.markFamilies.includes(family);
  }

  async tracksSctp(): Promise<boolean> {
    return this.knowsSctp;
  }

  async leavesChecksums(device: string): Promise<boolean | undefined> {
    return this.entries.has(`device ${device}`) ? !this.checksumming.has(device) : undefined;
  }

  async leaveChecksums(device: string, isLeft: boolean): Promise<void> {
    if (isLeft) this.checksumming.delete(device);
    else this.checksumming.add(device);
  }

  async readTunnels(devices: readonly string[]): Promise<readonly HeldTunnel[]> {
    return devices.flatMap((device) => this.tunnels.get(device) ?? []);
  }

  async setTunnel(tunnel: TunnelDevice, { mtu }: { readonly mtu: number }): Promise<void> {
    this.mayRefuse();
    if (this.tunnelRefusal !== "") throw new TallshipError("kernel_failed", this.tunnelRefusal);
    const met = this.tunnels.get(tunnel.device)?.met ?? new Set();
    this.tunnels.set(tunnel.device, { ...tunnel, met });
    this.tunnelMtus.set(tunnel.device, mtu);
  }

  async removeTunnels(devices: readonly string[]): Promise<void> {
    for (const device of devices) {
      this.tunnels.delete(device);
      this.tunnelMtus.delete(device);
      this.deleteDevice(device);
    }
  }

  /** What handshakes do: these ends have answered. */
  meet(device: string, publicKeys: readonly string[]): void {
    const tunnel = this.tunnels.get(device);
    if (tunnel !== undefined) this.tunnels.set(device, { ...tunnel, met: new Set([...tunnel.met, ...publicKeys]) });
  }

  async announce(_device: string, addresses: readonly string[]): Promise<void> {
    this.told.push(...addresses);
  }

  async readDoors(): Promise<readonly LoopbackDoor[]> {
    return [...this.doors.values()];
  }

  async openDoors(doors: readonly LoopbackDoor[]): Promise<readonly RefusedDoor[]> {
    const isFree = (door: LoopbackDoor): boolean =>
      !this.takenDoors.has(doorName(door)) && !this.doors.has(doorName(door));
    const refused = doors.filter((door) => !isFree(door));
    for (const door of doors.filter(isFree)) this.doors.set(doorName(door), door);
    return refused.map((door) => ({ ...door, isTaken: true }));
  }

  async closeDoors(doors: readonly LoopbackDoor[]): Promise<void> {
    for (const door of doors) this.doors.delete(doorName(door));
  }

  async createPods(pods: readonly PodWiring[]): Promise<ReadonlyMap<string, TallshipError>> {
    for (const wiring of pods) this.pods.set(wiring.uid, { wiring, isLinked: true, isPinned: true });
    return new Map();
  }

  async removePods(uids: readonly string[]): Promise<ReadonlyMap<string, TallshipError>> {
    for (const uid of uids) this.pods.delete(uid);
    return new Map();
  }

  async listPods(): Promise<readonly PodDevice[]> {
    return [...this.pods].map(([uid, { wiring, isLinked, isPinned }]) => ({
      uid,
      address: isLinked ? wiring.address : "",
      isWhole: isLinked && isPinned && wiring.address !== "",
      ...(isLinked && wiring.ipv6 !== undefined && { ipv6: wiring.ipv6.address }),
      further: (isLinked ? (wiring.further ?? []) : []).map(({ interface: inside, address, ipv6 }) => ({
        ...{ interface: inside, address },
        ...(ipv6 !== undefined && { ipv6: ipv6.address }),
      })),
    }));
  }

  /** The addresses of linked pods, by uid. */
  podAddresses(): ReadonlyMap<string, string> {
    const linked = [...this.pods].filter(([, pod]) => pod.isLinked);
    return new Map(linked.map(([uid, { wiring }]) => [uid, wiring.address]));
  }

  async replaceRules(frame: RuleFrame, elements: Iterable<RuleElement>): Promise<void> {
    this.mayRefuse();
    const maps = new Map([...RULE_MAPS, ...LEARNED_MAPS].map((map) => [map, new Map<string, string>()]));
    for (const element of elements) addElement(maps, element);
    this.generation += 1;
    this.rules = { frame, generation: this.generation, maps };
  }

  async changeElements(changes: readonly ElementChange[]): Promise<void> {
    if (changes.length === 0) return;
    this.mayRefuse();
    if (this.rules === undefined) throw new TallshipError("kernel_failed", "change elements: no such table");
    const maps = new Map([...this.rules.maps].map(([map, held]) => [map, new Map(held)]));
    for (const change of changes) {
      if (change.do === "add") addElement(maps, change);
      else if (maps.get(change.map)?.delete(change.key) !== true)
        throw new TallshipError("kernel_failed", `change elements: ${change.map} has no ${change.key}`);
    }
    this.rules = { ...this.rules, maps };
  }

  async hasRules(): Promise<boolean> {
    return (await this.ruleFingerprint()) !== "";
  }

  async ruleFingerprint(): Promise<string> {
    return this.rules === undefined ? "" : `rules ${this.rules.generation}`;
  }

  async readElements(maps: readonly RuleMap[], visit: (element: RuleElement) => void): Promise<void> {
    for (const map of maps) for (const [key, value] of this.rules?.maps.get(map) ?? []) visit({ map, key, value });
  }

  async replaceFirewall(table: FirewallTable): Promise<void> {
    this.mayRefuse();
    this.firewall.replace(table);
  }

  async changeFirewall(changes: readonly FirewallChange[]): Promise<void> {
    if (changes.length > 0) this.mayRefuse();
    this.firewall.change(changes);
  }

  async hasFirewall(): Promise<boolean> {
    return this.firewall.table !== undefined;
  }

  async firewallFingerprint(): Promise<string> {
    return this.firewall.fingerprint;
  }

  async readFirewall(visit: (element: FirewallElement) => void): Promise<void> {
    this.firewall.read(visit);
  }

  async readFlows(addresses: readonly string[]): Promise<readonly TrackedFlow[]> {
    return this.firewall.flows.filter(({ from, to }) => addresses.includes(from) || addresses.includes(to));
  }

  async readTranslated(visit: (flow: TrackedFlow) => void): Promise<void> {
    for (const flow of this.firewall.flows) if (flow.to !== flow.sentTo || flow.port !== flow.sentToPort) visit(flow);
  }

  async cutFlows(flows: readonly TrackedFlow[]): Promise<void> {
    this.firewall.flows = this.firewall.flows.filter((flow) => !flows.includes(flow));
  }

  async forgetFlows(filters: readonly FlowFilter[]): Promise<void> {
    this.forgotten.push(...filters);
  }

  async close(): Promise<void> {
    // Nothing runs on behalf of a simulated kernel.
  }

  /** What `ip link delete` by somebody else does: the device takes its entries with it. */
  deleteDevice(device: string): void {
    for (const [slot, entry] of this.entries) if (deviceOf(entry) === device) this.entries.delete(slot);
    this.checksumming.delete(device);
  }

  /** What `ip`, `bridge` or `sysctl` by somebody else do. */
  meddle(change: EntryChange): void {
    if (change.do === "delete") this.deleteEntry(change.entry);
    else this.entries.set(slotOf(change.entry), change.entry);
  }

  /** What `ip link delete` of a pod's device by somebody else does: the pinned namespace stays. */
  deletePodDevice(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod !== undefined) this.pods.set(uid, { ...pod, isLinked: false });
  }

  /** What `nft flush ruleset` does. */
  flushRuleset(): void {
    this.rules = undefined;
    this.firewall.flush();
    this.six?.flushRuleset();
  }

  /** What `nft flush map` does. */
  flushMap(map: RuleMap): void {
    this.rules?.maps.get(map)?.clear();
  }

  /** Elements of a map, by key. */
  elementsIn(map: RuleMap): ReadonlyMap<string, string> {
    return this.rules?.maps.get(map) ?? new Map();
  }

  /** True for what no device carries, too. */
  private hasDevice(device: string): boolean {
    const isThere = this.underlays.some((each) => each.device === device) || this.tunnels.has(device);
    return device === "" || isThere || this.entries.has(`device ${device}`);
  }

  private mayRefuse(): void {
    if (this.refusals === 0) return;
    this.refusals -= 1;
    throw new TallshipError("kernel_failed", "simulated refusal");
  }

  private deleteEntry(entry: Entry): void {
    if (entry.table === "device") this.deleteDevice(entry.device);
    else this.entries.delete(slotOf(entry));
  }
}

function doorName({ protocol, port }: LoopbackDoor): string {
  return `${protocol} ${port}`;
}

function addElement(maps: ReadonlyMap<RuleMap, Map<string, string>>, { map, key, value }: RuleElement): void {
  const held = maps.get(map);
  const former = held?.get(key);
  if (former !== undefined && former !== value)
    throw new TallshipError("kernel_failed", `change elements: ${map} holds ${key} with another value`);
  held?.set(key, value);
}

/** What an entry replaces when it is added: the kernel holds one entry per slot. */
function slotOf(entry: Entry): string {
  switch (entry.table) {
    case "device":
      return `device ${entry.device}`;
    case "address":
      return `address ${entry.device} ${entry.ip}`;
    case "neigh":
      return `neigh ${entry.device} ${entry.ip}`;
    case "stand-in":
      return `stand-in ${entry.device} ${entry.ip}`;
    case "fdb":
      return `fdb ${entry.device} ${entry.mac}`;
    case "route":
      return `route ${routeSlot(entry)}`;
    case "rule":
      return `rule ${entry.family} ${entry.priority} ${entry.mark}`;
    case "refusal":
      return `refusal ${entry.subnet}`;
    case "setting":
      return `setting ${entry.name}`;
  }
}

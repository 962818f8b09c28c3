import { diffFirewall, type FirewallTable } from "../kernel/firewall.js";
import type { PacketTables } from "../kernel/kernel.js";
import type { SeenNetwork } from "../networks/seen-network.js";
import { addressesWithUid, forbiddenFlows, touchedAddresses } from "./cut-plan.js";
import type { FirewallFrame } from "./firewall-frame.js";
import { type FirewalledPod, FirewallPlanner, type FirewallWorld } from "./firewall-plan.js";
import { NO_POLICIES, type PolicyMap } from "./policy-map.js";

/** The world, but for policies and networks that are not known yet. */
export type KnownWorld = Omit<FirewallWorld, "policies" | "networks"> & {
  readonly policies: PolicyMap | undefined;
  readonly networks: readonly SeenNetwork[] | undefined;
};

/** Told when connections that were let through are not any more. */
export type OnCut = () => Promise<void> | undefined;

interface Applied {
  readonly table: FirewallTable;
  readonly policies: PolicyMap;
  readonly own: ReadonlySet<string>;
  readonly pods: ReadonlyMap<string, FirewalledPod>;
}

/**
 * Keeps the firewall's table as it is wanted, by one transaction per change, and cuts connections that have come to be forbidden. Until
 * policies and networks are known a former agent's table stands: what it closes stays closed. Calls must not overlap.
 */
export class FirewallSync {
  private readonly kernel: PacketTables;
  private readonly planner: FirewallPlanner;
  private readonly onCut: OnCut;
  /** What the kernel holds; undefined when that is not known. */
  private applied: Applied | undefined;
  /** Of the table, when its chains were last changed. */
  private fingerprint = "";
  /** Local addresses whose connections are to be compared with the policies. */
  private readonly suspects = new Set<string>();

  /** `onCut` is waited for when connections have been cut. */
  constructor(frame: FirewallFrame, kernel: PacketTables, onCut: OnCut = () => undefined) {
    this.onCut = onCut;
    this.kernel = kernel;
    this.planner = new FirewallPlanner(frame);
  }

  /** Elements of all sets and maps. */
  get elementCount(): number {
    return [...(this.applied?.table.sets.values() ?? [])].reduce((sum, { elements }) => sum + elements.size, 0);
  }

  /** True when the kernel holds what policies say of the pod. */
  covers(uid: string): boolean {
    return this.applied?.pods.has(uid) === true && this.applied.policies.pods.has(uid);
  }

  /** What a former agent's table says that nobody else remembers: hosts, and pods that may reach internals. */
  async held(): Promise<{ readonly hosts: ReadonlySet<string>; readonly insiders: ReadonlySet<string> }> {
    const found = { hosts: new Set<string>(), insiders: new Set<string>() };
    if (!(await this.kernel.hasFirewall())) return found;
    await this.kernel.readFirewall(({ set, key }) => {
      if (set === "hosts" || set === "insiders") found[set].add(key);
    });
    return found;
  }

  /** Brings the kernel to this world. After a failure, call again. */
  async bring(world: KnownWorld): Promise<void> {
    const isKnown = world.policies !== undefined && world.networks !== undefined;
    if (!isKnown && this.applied === undefined && (await this.kernel.hasFirewall())) return;
    const { policies = NO_POLICIES, networks = [] } = world;
    const pods = new Map([...world.pods].map((pod) => [pod.uid, pod]));
    const next = { table: this.planner.plan({ ...world, policies, networks }), policies, pods, own: world.own };
    const former = this.applied;
    this.applied = undefined;
    for (const address of touchedAddresses(former, next)) this.suspects.add(address);
    await this.apply(former?.table, next.table);
    this.applied = next;
    await this.cut(next);
  }

  /** Mends what somebody changed; returns how many entries differed. A shallow repair only sees that the table is gone. */
  async repair(depth: "shallow" | "deep"): Promise<number> {
    const { applied } = this;
    if (applied === undefined) return 0;
    if (depth === "shallow" && (await this.kernel.hasFirewall())) return 0;
    const isIntact = (await this.kernel.firewallFingerprint()) === this.fingerprint;
    const damage = isIntact ? await this.differences(applied.table) : 1;
    if (damage === 0) return 0;
    this.applied = undefined;
    await this.apply(undefined, applied.table);
    this.applied = applied;
    // What was let through while the table was gone.
    for (const { addresses } of applied.pods.values()) for (const address of addresses) this.suspects.add(address);
    await this.cut(applied);
    return damage;
  }

  private async apply(former: FirewallTable | undefined, table: FirewallTable): Promise<void> {
    if (former === undefined) await this.kernel.replaceFirewall(table);
    const changes = former === undefined ? [] : diffFirewall(former, table);
    await this.kernel.changeFirewall(changes);
    const isSameText = former !== undefined && changes.every((change) => change.do.endsWith("-elements"));
    if (!isSameText) this.fingerprint = await this.kernel.firewallFingerprint();
  }

  private async cut({ policies, pods, own }: Applied): Promise<void> {
    if (this.suspects.size === 0) return;
    const uids = new Map([...pods.values()].flatMap(addressesWithUid));
    const flows = await this.kernel.readFlows([...this.suspects]);
    const forbidden = forbiddenFlows(flows, policies, { own, uidOf: (address) => uids.get(address) });
    await this.kernel.cutFlows(forbidden);
    if (forbidden.length > 0) await this.onCut();
    this.suspects.clear();
  }

  private async differences({ sets }: FirewallTable): Promise<number> {
    let right = 0;
    let wrong = 0;
    await this.kernel.readFirewall(({ set, key, value }) => {
      if (sets.get(set)?.elements.get(key) === value) right += 1;
      else wrong += 1;
    });
    return wrong + Math.max(0, this.elementCount - right);
  }
}

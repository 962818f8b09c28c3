import type { Kernel } from "../kernel/kernel.js";
import type { NodeNetworkConfig } from "../node-network.js";
import { FirewallSync, type KnownWorld, type OnCut } from "./firewall-sync.js";

/** The firewall's tables, one for each family that the cluster speaks, kept beside each other by the same rules. */
export class Firewalls {
  private readonly ipv4: FirewallSync;
  private readonly all: readonly FirewallSync[];

  constructor(config: NodeNetworkConfig, kernel: Kernel, onCut?: OnCut) {
    const { ipv6 } = config;
    this.ipv4 = new FirewallSync(config, kernel, onCut);
    const second =
      ipv6 === undefined ? [] : [new FirewallSync({ ...config, ...ipv6, family: "IPv6" }, kernel.ipv6, onCut)];
    this.all = [this.ipv4, ...second];
  }

  /** Elements of all sets and maps. */
  get elementCount(): number {
    return this.all.reduce((sum, { elementCount }) => sum + elementCount, 0);
  }

  /** True when the kernel holds what policies say of the pod, for packets of every family. */
  covers(uid: string): boolean {
    return this.all.every((sync) => sync.covers(uid));
  }

  /** What a former agent's tables say that nobody else remembers. Pods and hosts are known by their IPv4 addresses. */
  held(): ReturnType<FirewallSync["held"]> {
    return this.ipv4.held();
  }

  /** Brings the kernel to this world. After a failure, call again. */
  async bring(world: KnownWorld): Promise<void> {
    for (const sync of this.all) await sync.bring(world);
  }

  /** Mends what somebody changed; returns how many entries differed. */
  async repair(depth: "shallow" | "deep"): Promise<number> {
    let count = 0;
    for (const sync of this.all) count += await sync.repair(depth);
    return count;
  }
}

import { sitesOf } from "../family.js";
import type { Kernel } from "../kernel/kernel.js";
import type { RuleElement } from "../kernel/rules.js";
import type { HostPort, NodeNetworkConfig, PortedPod } from "../node-network.js";
import { hostPortsByAddress } from "./host-ports.js";
import { LoopbackDoors } from "./loopback-doors.js";
import type { ProxyMap } from "./proxy-state.js";
import { ProxySync } from "./proxy-sync.js";

/** The proxy's tables, one for each family that the cluster speaks, kept beside each other by the same rules. */
export class Proxies {
  private readonly kernel: Kernel;
  private readonly all: readonly ProxySync[];
  private readonly doors: LoopbackDoors;

  constructor(config: NodeNetworkConfig, kernel: Kernel) {
    this.kernel = kernel;
    this.doors = new LoopbackDoors(kernel);
    const tables = { IPv4: kernel, IPv6: kernel.ipv6 };
    this.all = sitesOf(config).map((site) => new ProxySync(config, site, tables[site.family]));
  }

  /** Elements of all maps. */
  get elementCount(): number {
    return this.all.reduce((sum, { elementCount }) => sum + elementCount, 0);
  }

  /** Host ports that cannot be had, in words. */
  get problems(): readonly string[] {
    return this.doors.problems;
  }

  /** The host ports that lead to pods: nobody else knows of them when an agent starts anew. Those of every address stand in each table. */
  async heldPorts(): Promise<ReadonlyMap<string, readonly HostPort[]>> {
    const found: RuleElement[] = [];
    await this.kernel.readElements(["host-ports", "host-ports-any"], (element) => found.push(element));
    const byBoth = new Set<string>();
    if (this.all.length > 1)
      await this.kernel.ipv6.readElements(["host-ports", "host-ports-any"], (element) => {
        if (element.map === "host-ports") found.push(element);
        else byBoth.add(element.key);
      });
    // What was asked for at 0.0.0.0 stands in the table of IPv4 alone. Where there is no other, it is the same as every address.
    const isByBoth = (key: string): boolean => this.all.length === 1 || byBoth.has(key);
    return hostPortsByAddress([...found, ...(await this.doors.held())], isByBoth);
  }

  /** Makes the tables where there are none; see ProxySync. */
  async start(pods: Iterable<PortedPod>): Promise<void> {
    const all = [...pods];
    for (const proxy of this.all) await proxy.start(all);
    await this.doors.set(all);
  }

  /** The kernel reflects the map; what `forgetEnded` does may follow. After a failure, call again. */
  async applyMap(map: ProxyMap): Promise<void> {
    for (const proxy of this.all) await proxy.applyMap(map);
  }

  /** Ends connections whose endpoint is gone from all slices. */
  async forgetEnded(): Promise<void> {
    for (const proxy of this.all) await proxy.forgetEnded();
  }

  /** The kernel leads these pods' host ports to them. After a failure, call again. */
  async setHostPorts(pods: Iterable<PortedPod>): Promise<void> {
    const all = [...pods];
    for (const proxy of this.all) await proxy.setHostPorts(all);
    await this.doors.set(all);
  }

  /** Mends what somebody changed; returns how many entries differed. */
  async repair(depth: "shallow" | "deep"): Promise<number> {
    let count = await this.doors.bring();
    for (const proxy of this.all) count += await proxy.repair(depth);
    return count;
  }
}

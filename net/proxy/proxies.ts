import { sitesOf } from "../family.js";
import type { Kernel } from "../kernel/kernel.js";
import type { RuleElement } from "../kernel/rules.js";
import type { NodeNetworkConfig, PodLink } from "../node-network.js";
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
  async heldPorts(): Promise<readonly RuleElement[]> {
    const found: RuleElement[] = [];
    await this.kernel.readElements(["host-ports", "host-ports-any"], (element) => found.push(element));
    if (this.all.length > 1) await this.kernel.ipv6.readElements(["host-ports"], (element) => found.push(element));
    return [...found, ...(await this.doors.held())];
  }

  /** Makes the tables where there are none; see ProxySync. */
  async start(links: Iterable<PodLink>): Promise<void> {
    const all = [...links];
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

  /** The kernel leads these links' host ports to their pods. After a failure, call again. */
  async setHostPorts(links: Iterable<PodLink>): Promise<void> {
    const all = [...links];
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

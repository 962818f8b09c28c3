import { TallshipError } from "../../lib/errors.js";
import { gatewayOf } from "../ipv4.js";
import type { Kernel, PodWiring } from "../kernel/kernel.js";
import type { HostPort, NodeNetworkConfig, PodLink } from "../node-network.js";
import type { FirewalledPod } from "../policy/firewall-plan.js";

/** Keeps pods' links as they are wanted. What is wanted of pods that were there at the start is what was there. Calls must not overlap. */
export class PodLinks {
  private readonly config: NodeNetworkConfig;
  private readonly kernel: Kernel;
  private readonly podMtu: () => number;
  private readonly wanted = new Map<string, PodLink>();

  constructor(config: NodeNetworkConfig, kernel: Kernel, podMtu: () => number) {
    this.config = config;
    this.kernel = kernel;
    this.podMtu = podMtu;
  }

  /** Every link that should exist, with its host ports. */
  get links(): ReadonlyMap<string, PodLink> {
    return this.wanted;
  }

  /** The links as the firewall sees them. */
  get firewalled(): readonly FirewalledPod[] {
    return [...this.wanted.values()].map(({ uid, address, reachesInternals = false }) => ({
      uid,
      address,
      reachesInternals,
    }));
  }

  /** Takes over the links that exist and nobody has asked for yet. */
  async adopt(
    hostPortsOf: ReadonlyMap<string, readonly HostPort[]>,
    insiders: ReadonlySet<string> = new Set(),
  ): Promise<void> {
    for (const { uid, address } of await this.kernel.listPods()) {
      if (address === "" || this.wanted.has(uid)) continue;
      const hostPorts = hostPortsOf.get(address) ?? [];
      this.wanted.set(uid, { uid, address, hostPorts, reachesInternals: insiders.has(address) });
    }
  }

  /** Makes links; the failures by uid. A link that failed is not kept up. */
  async attach(links: readonly PodLink[]): Promise<ReadonlyMap<string, TallshipError>> {
    const failures = new Map(await this.kernel.createPods(links.map((link) => this.wiring(link))));
    for (const link of links) if (!failures.has(link.uid)) this.wanted.set(link.uid, link);
    return failures;
  }

  /** Takes links away; the failures by uid. */
  async detach(uids: readonly string[]): Promise<ReadonlyMap<string, TallshipError>> {
    for (const uid of uids) this.wanted.delete(uid);
    return this.kernel.removePods(uids);
  }

  /** Mends links that somebody damaged; returns how many. */
  async repair(): Promise<number> {
    const whole = new Set((await this.kernel.listPods()).filter((pod) => pod.isWhole).map((pod) => pod.uid));
    const damaged = [...this.wanted.values()].filter((link) => !whole.has(link.uid));
    if (damaged.length === 0) return 0;
    const failures = await this.kernel.createPods(damaged.map((link) => this.wiring(link)));
    for (const failure of failures.values())
      throw new TallshipError(failure.code, `mend ${failures.size} pod links: ${failure.message}`, { cause: failure });
    return damaged.length;
  }

  /** The links that exist; those half made have an empty address. */
  async list(): Promise<readonly { readonly uid: string; readonly address: string }[]> {
    const devices = await this.kernel.listPods();
    return devices.map(({ uid, address }) => ({ uid, address: address || (this.wanted.get(uid)?.address ?? "") }));
  }

  private wiring(link: PodLink): PodWiring {
    return {
      uid: link.uid,
      address: link.address,
      mtu: this.podMtu(),
      gateway: gatewayOf(this.config.podCIDR),
    };
  }
}

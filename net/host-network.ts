import type { Clock } from "../lib/clock.js";
import { deepEqual } from "../lib/deep-equal.js";
import { asTallshipError, TallshipError } from "../lib/errors.js";
import { limit } from "../lib/limits.js";
import type { Log } from "../lib/log.js";
import { Bulletin } from "./bulletin.js";
import { familiesOf } from "./family.js";
import type { Remedies } from "./health/remedies.js";
import type { Kernel } from "./kernel/kernel.js";
import { Batches, Lane, Repeater } from "./lane.js";
import { type NetworkMetrics, type NetworkPart, noNetworkMetrics } from "./network-metrics.js";
import { askersOf } from "./networks/askers.js";
import { mtuOf, NetworkTunnels } from "./networks/network-tunnels.js";
import { type NetworksMemory, rememberedOf } from "./networks/networks-memory.js";
import { NodeNetworks } from "./networks/node-networks.js";
import { seenNetworks } from "./networks/seen-network.js";
import type {
  ListedLink,
  NetworkAbilities,
  NetworkMap,
  NodeNetwork,
  NodeNetworkConfig,
  PodLink,
  Published,
} from "./node-network.js";
import type { NamePublisher, NodeNetworkOptions } from "./node-network-options.js";
import { OverlaySync } from "./overlay/overlay-sync.js";
import { peersOf } from "./overlay/peers.js";
import { PodLinks } from "./pods/pod-links.js";
import { FirewallKeeper } from "./policy/firewall-keeper.js";
import { Firewalls } from "./policy/firewalls.js";
import { hostsOf, ownAddresses } from "./policy/hosts.js";
import type { PolicyMap } from "./policy/policy-map.js";
import { addressesAnnouncedBy } from "./proxy/announced.js";
import { type HealthChecks, healthChecksOf } from "./proxy/health-checks.js";
import { Proxies } from "./proxy/proxies.js";
import { Settler } from "./settler.js";
import type { Shortcut } from "./shortcut/shortcut.js";

interface Announcing {
  readonly services: NetworkMap["services"] | undefined;
  readonly addresses: readonly string[];
}

/**
 * The node's network over a kernel. Three lanes, since nothing in one depends on the other: links (overlay, pods), rules (services,
 * host ports) and the firewall (policies), so that an endpoint's change never waits for the wiring of pods.
 */
export function createNodeNetwork(config: NodeNetworkConfig, kernel: Kernel, options: NodeNetworkOptions): NodeNetwork {
  return new HostNetwork(config, kernel, options);
}

class HostNetwork implements NodeNetwork {
  private readonly config: NodeNetworkConfig;
  private readonly kernel: Kernel;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly metrics: NetworkMetrics;
  private readonly names: NamePublisher | undefined;
  private readonly healthChecks: HealthChecks | undefined;
  private readonly memory: NetworksMemory | undefined;
  private readonly shortcut: Shortcut | undefined;
  private readonly linkLane = new Lane();
  private readonly ruleLane = new Lane();
  /** What reads all connections: changes of rules do not wait for it. */
  private readonly endedLane = new Lane();
  private readonly firewallLane = new Lane();
  private readonly overlay: OverlaySync;
  private readonly pods: PodLinks;
  private readonly networks: NodeNetworks;
  private readonly tunnels: NetworkTunnels;
  private readonly proxy: Proxies;
  private readonly firewall: Firewalls;
  private readonly keeper: FirewallKeeper;
  private readonly attaching: Batches<PodLink>;
  private readonly detaching: Batches<string>;
  private readonly peerSettler: Settler;
  private readonly ruleSettler: Settler;
  private readonly endedSettler: Settler;
  private readonly firewallSettler: Settler;
  private readonly checks: Repeater;
  private readonly bulletin = new Bulletin();
  private readonly listeners: ((revision: number) => void)[] = [];
  private map: NetworkMap | undefined;
  private mapAtMs = 0;
  private mapApplied: NetworkMap | undefined;
  private nodesApplied: NetworkMap["nodes"] | undefined;
  private networksApplied: NetworkMap["networks"] | undefined;
  /** Addresses that this node answers for, as these services say; and those the kernel has. */
  private announcing: Announcing = { services: undefined, addresses: [] };
  private announced: readonly string[] = [];
  /** Before the first map: what a former agent's rules say. */
  private hosts: ReadonlySet<string> = new Set();
  private refusedBefore = "";
  private tunnelProblem: string | undefined;
  /** The kernel did not take the pods' host ports at the last try: a pod that has gone may still have some. */
  private arePortsDue = false;
  private deepCheckDueMs = 0;
  private linkCheckDueMs = 0;

  constructor(config: NodeNetworkConfig, kernel: Kernel, options: NodeNetworkOptions) {
    const { clock, rng } = options;
    this.config = config;
    this.kernel = kernel;
    this.clock = clock;
    this.log = options.log.with({ part: "network" });
    this.metrics = options.metrics ?? noNetworkMetrics;
    this.names = options.names;
    this.healthChecks = options.healthChecks;
    this.memory = options.networks;
    this.shortcut = options.shortcut;
    this.overlay = new OverlaySync(config, kernel);
    const onPublished = (tunnels: Published["tunnels"]): void => this.bulletin.tell({ tunnels });
    this.tunnels = new NetworkTunnels(config, { kernel, clock, keys: options.keys, onPublished });
    this.networks = new NodeNetworks(config, clock, () => this.tunnels.problem);
    this.pods = new PodLinks(config, kernel, { podMtu: () => this.overlay.podMtu, networks: this.networks });
    this.proxy = new Proxies(config, kernel);
    this.attaching = new Batches(
      this.linkLane,
      (link) => link.uid,
      (links) => this.timed("pods", () => this.attachNow(links)),
    );
    this.detaching = new Batches(
      this.linkLane,
      (uid) => uid,
      (uids) => this.timed("pods", () => this.detachNow(uids)),
    );
    const settler = (part: NetworkPart, lane: Lane, work: () => Promise<void>): Settler =>
      new Settler({ lane, clock, rng, work, onFailure: (error) => this.report(part, error) });
    this.peerSettler = settler("overlay", this.linkLane, () => this.applyPeers());
    this.ruleSettler = settler("rules", this.ruleLane, () => this.applyRules());
    this.endedSettler = settler("rules", this.endedLane, () => this.proxy.forgetEnded());
    this.firewall = new Firewalls(config, kernel, () => this.shortcut?.forget());
    this.keeper = new FirewallKeeper({
      sync: this.firewall,
      clock,
      world: () => ({
        pods: this.pods.firewalled,
        overlay: this.overlay.entries,
        hosts: this.hosts,
        own: ownAddresses(config, this.map?.nodes.get(config.nodeName), this.networks.known ?? []),
        networks: this.networks.known,
      }),
      want: () => this.firewallSettler.want(),
    });
    this.firewallSettler = settler("policies", this.firewallLane, () =>
      this.timed("policies", () => this.keeper.apply()),
    );
    this.checks = new Repeater(clock, () => this.check());
  }

  async start(): Promise<NetworkAbilities> {
    const device = await this.linkLane.run(() => this.overlay.start());
    await this.linkLane.run(() => this.tunnels.recall());
    this.bulletin.tell(this.overlay.hostAddresses);
    // Pods' host ports are known to nobody but the kernel when an agent starts anew.
    const ports = await this.ruleLane.run(() => this.proxy.heldPorts());
    await this.recallNetworks();
    const held = await this.firewallLane.run(() => this.firewall.held());
    if (this.map === undefined) this.hosts = held.hosts;
    await this.linkLane.run(() => this.pods.adopt(ports, held.insiders));
    // A device that the overlay has made anew had the address that routes to pods hang on.
    await this.linkLane.run(() => this.pods.repair());
    await this.ruleLane.run(() => this.proxy.start(this.pods.ported));
    await this.firewallLane.run(() => this.keeper.apply());
    this.checks.schedule(limit("netCheckMs"));
    this.shortcut?.start((shortcut) => this.bulletin.tell({ shortcut }));
    return { ...device, tracksSctp: await this.kernel.tracksSctp() };
  }

  /** After a reboot of the host its pods begin before the control plane is heard of. As long as a former agent's kernel stands, that knows better. */
  private async recallNetworks(): Promise<void> {
    const { memory } = this;
    if (memory === undefined || (await this.firewallLane.run(() => this.kernel.hasFirewall()))) return;
    const seen = seenNetworks(await memory.load(), [], this.config);
    if (seen.length === 0 || this.map !== undefined) return;
    await this.linkLane.run(() => this.overlay.recall(seen));
    this.networks.recall(seen, (network) => mtuOf(network, this.overlay.podMtu, this.config));
  }

  setMap(map: NetworkMap): void {
    if (this.map === this.mapApplied) this.mapAtMs = this.clock.monotonicMs();
    this.map = map;
    this.ruleSettler.want();
    if (map.services !== this.announcing.services) {
      const addresses = addressesAnnouncedBy(this.config.nodeName, familiesOf(this.config), map.services.values());
      this.announcing = { services: map.services, addresses };
    }
    const isOther = map.nodes !== this.nodesApplied || map.networks !== this.networksApplied;
    if (isOther || !deepEqual(this.announcing.addresses, this.announced)) this.peerSettler.want();
    this.names?.publish(map);
  }

  remedy(remedies: Remedies): void {
    this.overlay.remedy(remedies);
    this.shortcut?.lookSoon();
    this.peerSettler.want();
  }

  get remedies(): Remedies {
    return this.overlay.inForce;
  }

  setPolicies(policies: PolicyMap): void {
    this.keeper.setPolicies(policies);
  }

  firewalled(uid: string, signal: AbortSignal): Promise<void> {
    return this.keeper.firewalled(uid, signal);
  }

  shareOf(network: string, signal: AbortSignal): Promise<string> {
    return this.networks.shareOf(network, signal);
  }

  ipv6Of(address: string): string | undefined {
    return this.pods.ipv6Of(address);
  }

  onPublished(listener: (published: Published) => void): void {
    this.bulletin.onChange(listener);
  }

  onApplied(listener: (revision: number) => void): void {
    this.listeners.push(listener);
  }

  attach(links: readonly PodLink[]): Promise<void> {
    return this.attaching.ask(links);
  }

  detach(uids: readonly string[]): Promise<void> {
    return this.detaching.ask(uids);
  }

  list(): Promise<readonly ListedLink[]> {
    return this.linkLane.run(() => this.pods.list());
  }

  repair(): Promise<number> {
    return this.mend("deep");
  }

  async stop(): Promise<void> {
    this.checks.stop();
    this.peerSettler.stop();
    this.ruleSettler.stop();
    this.endedSettler.stop();
    this.firewallSettler.stop();
    this.healthChecks?.close();
    const parts = [this.linkLane, this.ruleLane, this.endedLane, this.firewallLane].map((lane) => lane.idle());
    await Promise.all([this.shortcut?.stop(), ...parts]);
    await this.kernel.close();
  }

  private async applyRules(): Promise<void> {
    const map = this.map;
    if (map === undefined) return;
    await this.proxy.applyMap(map);
    this.mapApplied = map;
    this.healthChecks?.answer(healthChecksOf(map, this.config.nodeName));
    this.metrics.programmed("rules", this.clock.monotonicMs() - this.mapAtMs);
    this.metrics.holds("rules", this.proxy.elementCount);
    for (const listener of this.listeners) listener(map.revision);
    this.endedSettler.want();
  }

  private async applyPeers(): Promise<void> {
    if (this.map === undefined) return;
    const { nodes, networks } = this.map;
    const { addresses } = this.announcing;
    const { peers, refused } = peersOf(nodes.values(), this.config);
    const named = refused.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
    if (named !== "" && named !== this.refusedBefore) this.log.warn("peers refused", { refused: named });
    this.refusedBefore = named;
    const seen = seenNetworks(networks.values(), peers, this.config);
    const tunnels = await this.tunnels.bring(seen, peers, this.overlay.podMtu);
    const problem = this.tunnels.isWanted ? this.tunnels.problem : undefined;
    if (problem !== undefined && problem !== this.tunnelProblem) this.log.warn("no encrypted tunnels", { problem });
    this.tunnelProblem = problem;
    const before = this.overlay.entries;
    await this.timed("overlay", () => this.overlay.setMap(peers, addresses, { networks: seen, tunnels }));
    this.networks.set(seen, (network) => mtuOf(network, this.overlay.podMtu, this.config));
    this.nameAskers();
    // What goes with a pod's first address follows from its network.
    if (networks !== this.networksApplied) await this.applyHostPorts();
    const hosts = hostsOf(nodes.values());
    const isOther = before !== this.overlay.entries || networks !== this.networksApplied;
    if (isOther || !deepEqual([...hosts], [...this.hosts])) this.firewallSettler.want();
    this.nodesApplied = nodes;
    this.networksApplied = networks;
    this.announced = addresses;
    this.hosts = hosts;
    this.metrics.holds("overlay", this.overlay.entryCount);
    await this.memory?.save(rememberedOf(networks.values(), this.config.nodeName));
  }

  private async attachNow(links: readonly PodLink[]): ReturnType<PodLinks["attach"]> {
    if (this.overlay.podMtu <= 0)
      throw new TallshipError("failed_precondition", `attach ${links.length} pods: the network has not started`);
    const failures = await this.pods.attach(links);
    this.shortcut?.add(links);
    this.nameAskers();
    if (links.some((link) => link.hostPorts.length > 0)) await this.applyHostPorts();
    this.firewallSettler.want();
    this.metrics.holds("pods", this.pods.links.size);
    return failures;
  }

  private async detachNow(uids: readonly string[]): ReturnType<PodLinks["detach"]> {
    if (uids.some((uid) => (this.pods.links.get(uid)?.hostPorts.length ?? 0) > 0)) this.arePortsDue = true;
    const failures = await this.pods.detach(uids);
    this.nameAskers();
    if (this.arePortsDue) await this.applyHostPorts();
    this.firewallSettler.want();
    this.metrics.holds("pods", this.pods.links.size);
    return failures;
  }

  /** Tells those who answer for names which pods see them from other networks. Before the first map nobody knows the networks. */
  private nameAskers(): void {
    const known = this.networks.known;
    if (known === undefined) return;
    this.names?.setAskers(askersOf(this.pods.links.values(), known, this.config.clusterCIDR));
  }

  private async applyHostPorts(): Promise<void> {
    this.arePortsDue = true;
    await this.ruleLane.run(() => this.proxy.setHostPorts(this.pods.ported));
    this.arePortsDue = false;
    const { problems } = this.proxy;
    if (problems.length > 0) this.log.warn("host ports refused", { refused: problems.join("; ") });
  }

  /** One periodic check; what has many entries is looked at more seldom, whether tables are there each time. Returns the delay until the next. */
  private async check(): Promise<number> {
    const nowMs = this.clock.monotonicMs();
    const [isDeep, hasLinks] = [nowMs >= this.deepCheckDueMs, nowMs >= this.linkCheckDueMs];
    // Keys come of age, and other ends begin to answer, without anybody telling.
    if (this.tunnels.isWanted) this.peerSettler.want();
    // Who asked for it may not ask again: the pod's link has gone.
    if (this.arePortsDue)
      await this.linkLane.run(() => this.applyHostPorts()).catch((error: unknown) => this.report("rules", error));
    // What fails has been reported part by part, and is tried again with the next check.
    await this.mend(isDeep ? "deep" : "shallow", hasLinks).catch(() => undefined);
    const entryMs = limit("netCheckEntryMs");
    const tablesMs = (this.proxy.elementCount + this.firewall.elementCount) * entryMs;
    const linksMs = this.overlay.entryCount * limit("netCheckPeerEntryMs") + this.pods.links.size * entryMs;
    const endMs = this.clock.monotonicMs();
    if (isDeep) this.deepCheckDueMs = endMs + Math.max(limit("netDeepCheckMs"), tablesMs);
    if (hasLinks) this.linkCheckDueMs = endMs + linksMs;
    return limit("netCheckMs");
  }

  /** Overlay before pods: routes to pods hang on the overlay's address. */
  private async mend(depth: "shallow" | "deep", hasLinks = true): Promise<number> {
    const [rules, overlay, pods, policies] = await Promise.all([
      this.mendPart("rules", this.ruleLane, () => this.proxy.repair(depth)),
      hasLinks ? this.mendPart("overlay", this.linkLane, () => this.mendOverlay()) : 0,
      hasLinks ? this.mendPart("pods", this.linkLane, () => this.pods.repair()) : 0,
      this.mendPart("policies", this.firewallLane, () => this.firewall.repair(depth)),
    ]);
    return rules + overlay + pods + policies;
  }

  /** Whoever looks at the host's device sees what has become of its addresses, too. */
  private async mendOverlay(): Promise<number> {
    const count = await this.overlay.repair();
    this.bulletin.tell(this.overlay.hostAddresses);
    return count;
  }

  private async mendPart(part: NetworkPart, lane: Lane, repair: () => Promise<number>): Promise<number> {
    try {
      const count = await lane.run(repair);
      if (count === 0) return 0;
      this.metrics.repaired(part, count);
      this.log.warn("network repaired", { of: part, entries: count });
      return count;
    } catch (error) {
      this.report(part, error);
      throw error;
    }
  }

  private async timed<T>(part: NetworkPart, work: () => Promise<T>): Promise<T> {
    const startedMs = this.clock.monotonicMs();
    const result = await work();
    this.metrics.programmed(part, this.clock.monotonicMs() - startedMs);
    return result;
  }

  private report(part: NetworkPart, error: unknown): void {
    this.metrics.failed(part);
    const { code, message } = asTallshipError(error, "kernel_failed");
    this.log.warn("network change failed", { of: part, code, error: message });
  }
}

import { OVERLAY_DEVICE } from "../device-names.js";
import { type FamilySite, rangeTest } from "../family.js";
import type { FlowFilter, PacketTables } from "../kernel/kernel.js";
import { type ElementChange, LEARNED_MAPS, RULE_MAPS, type RuleElement, type RuleFrame } from "../kernel/rules.js";
import type { NodeNetworkConfig, PortedPod } from "../node-network.js";
import { addressesIn } from "./flow-plan.js";
import { type HeldAddresses, hairpins } from "./held-addresses.js";
import { hostPortElements } from "./host-ports.js";
import { asTakenBack } from "./learned-clients.js";
import { diffElements } from "./proxy-elements.js";
import { type ProxyMap, ProxyState } from "./proxy-state.js";
import { type FlowGround, staleFlows } from "./stale-flows.js";

/**
 * Keeps the proxy's table as it is wanted. A change is one small transaction; the whole table is replaced, also in one, when the first
 * map comes, after a failure, and when somebody changed it. Before the first map an existing table stands, but for host ports.
 * Calls must not overlap, but for `forgetEnded`, which may be beside any other.
 */
export class ProxySync {
  private readonly kernel: PacketTables;
  private readonly portsOf: (pods: Iterable<PortedPod>) => readonly RuleElement[];
  private readonly ranges: Pick<FlowGround, "isPod" | "isService">;
  private frame: RuleFrame;
  private readonly hairpins: HeldAddresses = hairpins();
  private readonly state: ProxyState;
  private hostPorts: readonly RuleElement[] = [];
  private hasMap = false;
  /** Of the table when it was made; undefined while the kernel's table is not known to be the wanted one. */
  private fingerprint: string | undefined;
  /** Connections to forget once the kernel has the change that made them stale. */
  private flows: readonly FlowFilter[] = [];
  /** Of the latest map. */
  private slices: ProxyMap["endpointSlices"] = new Map();

  constructor(config: NodeNetworkConfig, site: FamilySite, kernel: PacketTables) {
    const { family, podCIDR, clusterCIDR, serviceCIDR, gateway } = site;
    this.kernel = kernel;
    this.ranges = { isPod: rangeTest(clusterCIDR), isService: rangeTest(serviceCIDR) };
    this.portsOf = (pods) => hostPortElements(pods, family);
    this.state = new ProxyState({ nodeName: config.nodeName, family, podCIDR, clusterCIDR }, this.hairpins);
    this.frame = {
      family,
      overlayDevice: OVERLAY_DEVICE,
      vxlanPort: config.vxlanPort,
      gateway,
      clusterCIDR,
      serviceCIDR,
      dnsAddress: config.dnsAddress,
      affinitySeconds: [],
    };
  }

  /** Elements of all maps. */
  get elementCount(): number {
    return this.state.elementCount + this.hairpins.size + this.hostPorts.length;
  }

  /** Services that claim what another has, sorted. */
  get contestedServices(): readonly string[] {
    return this.state.contestedServices;
  }

  /** Makes the table when there is none; an existing one stands, and the pods' host ports are taken to be in it. */
  async start(pods: Iterable<PortedPod>): Promise<void> {
    const held = this.portsOf(pods);
    this.swapHairpins(this.hostPorts, held);
    this.hostPorts = held;
    if (this.hasMap || (await this.kernel.ruleFingerprint()) !== "") return;
    await this.replace();
  }

  /** The kernel reflects the map; what `forgetEnded` does may follow. After a failure, call again. */
  async applyMap(map: ProxyMap): Promise<void> {
    const { elements, flows } = this.state.update(map);
    // What left while nobody looked is found among the connections that stand, once.
    const stale = this.hasMap ? flows : await this.staleFlows(map);
    this.hasMap = true;
    this.flows = [...this.flows, ...stale];
    this.slices = map.endpointSlices;
    await this.bring(elements);
  }

  private staleFlows(map: ProxyMap): Promise<readonly FlowFilter[]> {
    const { state } = this;
    const hostPorts = new Set(this.hostPorts.map(({ value }) => value));
    return staleFlows(this.kernel, { state, map, hostPorts, ...this.ranges });
  }

  /** The kernel leads these pods' host ports to them. After a failure nothing is changed. */
  async setHostPorts(pods: Iterable<PortedPod>): Promise<void> {
    const former = this.hostPorts;
    const next = this.portsOf(pods);
    const changes = [...diffElements(former, next), ...this.swapHairpins(former, next)];
    const fresh = changes.filter((change) => change.do === "add" && change.key.includes("udp . "));
    const unanswered = fresh.map(({ key }): FlowFilter => {
      return { protocol: "udp", sentToPort: Number(key.split(" . ").at(-1)) };
    });
    this.flows = [...this.flows, ...unanswered];
    this.hostPorts = next;
    try {
      await this.bring(() => changes);
    } catch (error) {
      this.hostPorts = former;
      this.swapHairpins(next, former);
      throw error;
    }
  }

  /** Mends what somebody changed; returns how many entries differed. A shallow repair only sees that the table is gone, as after a flush of the whole ruleset. */
  async repair(depth: "shallow" | "deep"): Promise<number> {
    if (depth === "shallow" && this.fingerprint !== undefined && (await this.kernel.hasRules())) return 0;
    const found = await this.kernel.ruleFingerprint();
    if (!this.hasMap && found !== "") return 0;
    const damage = found === this.fingerprint ? await this.differences() : 1;
    if (damage > 0) await this.replace();
    return damage;
  }

  private swapHairpins(former: readonly RuleElement[], next: readonly RuleElement[]): readonly ElementChange[] {
    const held = this.hairpins.hold(addressesOf(next));
    const dropped = this.hairpins.drop(addressesOf(former));
    const keys = new Set(held.map((each) => each.key));
    const both = new Set(dropped.map((each) => each.key).filter((key) => keys.has(key)));
    return [...dropped, ...held].filter((each) => !both.has(each.key));
  }

  private async bring(changes: () => readonly ElementChange[]): Promise<void> {
    // Before the first map an existing table may hold services of a former agent: it is changed, never replaced.
    const isFitting = this.frame.affinitySeconds.length === this.state.affinitySeconds.length;
    if ((this.fingerprint !== undefined && isFitting) || !this.hasMap) await this.change(changes());
    else await this.replace();
    await this.forget(({ protocol }) => protocol === "udp");
  }

  /**
   * Ends connections whose endpoint is gone from all slices, so that they are reset at the next packet instead of hanging. Apart from the
   * change itself: nobody waits for it, and it reads all connections and all endpoints.
   */
  forgetEnded(): Promise<void> {
    this.flows = stillToForget(this.flows, this.slices);
    return this.forget(() => true);
  }

  private async forget(matches: (flow: FlowFilter) => boolean): Promise<void> {
    const flows = this.flows.filter(matches);
    if (flows.length === 0) return;
    await this.kernel.forgetFlows(flows);
    const done = new Set(flows);
    this.flows = this.flows.filter((flow) => !done.has(flow));
  }

  private async change(changes: readonly ElementChange[]): Promise<void> {
    const fingerprint = this.fingerprint;
    this.fingerprint = undefined;
    await this.kernel.changeElements(changes);
    this.fingerprint = fingerprint;
  }

  private async replace(): Promise<void> {
    this.fingerprint = undefined;
    this.frame = { ...this.frame, affinitySeconds: this.state.affinitySeconds };
    const learned = this.frame.affinitySeconds.length === 0 ? [] : await this.learned();
    await this.kernel.replaceRules(this.frame, chained(this.elements(), learned));
    this.fingerprint = await this.kernel.ruleFingerprint();
  }

  /** Which endpoints clients had, so that they keep them over a new table. */
  private async learned(): Promise<readonly RuleElement[]> {
    const found: RuleElement[] = [];
    await this.kernel.readElements(LEARNED_MAPS, (element) => found.push(asTakenBack(element)));
    return found;
  }

  private *elements(): Iterable<RuleElement> {
    yield* this.state.elements();
    yield* this.hairpins.elements();
    yield* this.hostPorts;
  }

  private async differences(): Promise<number> {
    const hostPorts = new Map(this.hostPorts.map((element) => [`${element.map} ${element.key}`, element.value]));
    let right = 0;
    let wrong = 0;
    await this.kernel.readElements(RULE_MAPS, ({ map, key, value }) => {
      const isHairpin = this.hairpins.has({ map, key });
      const wanted = isHairpin ? "" : (this.state.wanted({ map, key }) ?? hostPorts.get(`${map} ${key}`));
      if (wanted === value) right += 1;
      else wrong += 1;
    });
    return wrong + Math.max(0, this.elementCount - right);
  }
}

/** Of connections to endpoints that left a service: not those whose endpoint other services have, or this one again. */
function stillToForget(flows: readonly FlowFilter[], slices: ProxyMap["endpointSlices"]): readonly FlowFilter[] {
  const isOfGone = ({ protocol, endpoint, isUnanswered = false }: FlowFilter): boolean =>
    protocol !== "udp" && endpoint !== undefined && !isUnanswered;
  if (!flows.some(isOfGone)) return flows;
  const present = addressesIn(slices.values());
  return flows.filter((flow) => !(isOfGone(flow) && present.has(flow.endpoint ?? "")));
}

function addressesOf(elements: readonly RuleElement[]): ReadonlySet<string> {
  return new Set(elements.map((element) => element.value.slice(0, element.value.indexOf(" "))));
}

function* chained(elements: Iterable<RuleElement>, learned: readonly RuleElement[]): Iterable<RuleElement> {
  yield* elements;
  yield* learned;
}

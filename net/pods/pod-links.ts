import { TallshipError } from "../../lib/errors.js";
import { gatewayOf } from "../ipv4.js";
import { ipv6GatewayOf, podIpv6 } from "../ipv6.js";
import type { FurtherWiring, Kernel, PodDevice, PodWiring } from "../kernel/kernel.js";
import { isIn } from "../networks/network-firewall.js";
import type { NodeNetworks, Place } from "../networks/node-networks.js";
import type { HostPort, ListedLink, NodeNetworkConfig, PodLink, PortedPod } from "../node-network.js";
import type { FirewalledPod } from "../policy/firewall-plan.js";
import { ipv6WayOut, type LinkPlace } from "./way-out.js";

/** Keeps pods' links as they are wanted. What is wanted of pods that were there at the start is what was there. Calls must not overlap. */
export class PodLinks {
  private readonly config: NodeNetworkConfig;
  private readonly kernel: Kernel;
  private readonly podMtu: () => number;
  private readonly networks: Pick<NodeNetworks, "placeOf">;
  private readonly wanted = new Map<string, PodLink>();
  /** What links have of IPv6, by the address of IPv4 that it goes with: an agent that starts anew knows no network yet to which they belong. */
  private readonly linked = new Map<string, string>();

  constructor(
    config: NodeNetworkConfig,
    kernel: Kernel,
    { podMtu, networks }: { readonly podMtu: () => number; readonly networks: Pick<NodeNetworks, "placeOf"> },
  ) {
    this.networks = networks;
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
    return [...this.wanted.values()].map((link) => ({
      uid: link.uid,
      addresses: this.addressesOf(link),
      byways: this.bywaysOf(link),
      reachesInternals: link.reachesInternals ?? false,
    }));
  }

  /** The links as host ports see them. */
  get ported(): readonly PortedPod[] {
    return [...this.wanted.values()].flatMap((link) => {
      const { uid, address, hostPorts } = link;
      return hostPorts.length === 0 ? [] : [{ uid, address, ipv6: this.wayOutOf(link), hostPorts }];
    });
  }

  /** Takes over the links that exist and nobody has asked for yet. */
  async adopt(
    hostPortsOf: ReadonlyMap<string, readonly HostPort[]>,
    insiders: ReadonlySet<string> = new Set(),
  ): Promise<void> {
    for (const pod of await this.kernel.listPods()) {
      const { uid, address, further } = pod;
      if (address === "" || this.wanted.has(uid)) continue;
      for (const each of [pod, ...further]) this.note(each.address, each.ipv6);
      // By both of its addresses, each port once.
      const hostPorts = this.addressesOf(pod).flatMap((ip) => hostPortsOf.get(ip) ?? []);
      this.wanted.set(uid, { uid, address, further, hostPorts, reachesInternals: insiders.has(address) });
    }
  }

  /** Makes links; the failures by uid. A link that failed is not kept up. */
  async attach(links: readonly PodLink[]): Promise<ReadonlyMap<string, TallshipError>> {
    const failures = await this.create(links);
    for (const link of links) if (!failures.has(link.uid)) this.wanted.set(link.uid, link);
    return failures;
  }

  /** Takes links away; the failures by uid. */
  async detach(uids: readonly string[]): Promise<ReadonlyMap<string, TallshipError>> {
    for (const uid of uids) {
      const { address = "", further = [] } = this.wanted.get(uid) ?? {};
      for (const each of [address, ...further.map((one) => one.address)]) this.linked.delete(each);
      this.wanted.delete(uid);
    }
    return this.kernel.removePods(uids);
  }

  /** Mends links that somebody damaged; returns how many. */
  async repair(): Promise<number> {
    const held = (await this.kernel.listPods()).filter((pod) => pod.isWhole);
    const whole = new Set(held.map(shapeOf));
    // A pod on no network has nothing that could be damaged but its namespace, which its containers hold.
    const damaged = [...this.wanted.values()].filter(
      (link) => link.address !== "" && !whole.has(shapeOf(this.withIpv6(link))),
    );
    // What belongs to a network that is not known, or not any more, stays as it is.
    const known = damaged.filter((link) => !(this.wiring(link) instanceof TallshipError));
    if (known.length === 0) return 0;
    for (const failure of (await this.create(known)).values())
      throw new TallshipError(failure.code, `mend pod links: ${failure.message}`, { cause: failure });
    return known.length;
  }

  /** The links that exist; those half made have an empty address. */
  async list(): Promise<readonly ListedLink[]> {
    const devices = await this.kernel.listPods();
    return devices.map(({ uid, address, further }) => ({
      uid,
      address: address || (this.wanted.get(uid)?.address ?? ""),
      further,
    }));
  }

  private async create(links: readonly PodLink[]): Promise<Map<string, TallshipError>> {
    const failures = new Map<string, TallshipError>();
    const wirings: PodWiring[] = [];
    for (const link of links) {
      const wiring = this.wiring(link);
      if (wiring instanceof TallshipError) failures.set(link.uid, wiring);
      else wirings.push(wiring);
    }
    for (const wiring of wirings)
      for (const { address, ipv6 } of [wiring, ...(wiring.further ?? [])]) this.note(address, ipv6?.address);
    return new Map([...failures, ...(await this.kernel.createPods(wirings))]);
  }

  /** How the pod is wired, or why that is not known: a share that has gone, or no map yet. */
  private wiring(link: PodLink): PodWiring | TallshipError {
    const { uid, address, further = [] } = link;
    const first = this.placeOf(address);
    const others = further.map((each) => ({ link: each, place: this.placeOf(each.address) }));
    const lost = first === undefined ? address : others.find(({ place }) => place === undefined)?.link.address;
    if (first === undefined || lost !== undefined)
      return new TallshipError("unavailable", `link of pod ${uid}: ${lost} is in no network of this node's`);
    const wayOut = ipv6WayOut([first, ...others.map(({ place }) => place)]);
    return {
      uid,
      address,
      mtu: first.mtu,
      gateway: first.gateway,
      ipv6: first.ipv6,
      further: others.flatMap(({ link: each, place }, at): readonly FurtherWiring[] => {
        if (place === undefined) return [];
        const { gateway, subnet, mtu, ipv6 } = place;
        return [{ ...each, gateway, subnet, mtu, ipv6: ipv6 && { ...ipv6, isWayOut: wayOut === at + 1 } }];
      }),
    };
  }

  /** The pod's address of IPv6 that its default route bears; undefined: it has none. */
  private wayOutOf({ address, further = [] }: Pick<PodLink, "address" | "further">): string | undefined {
    const all = [address, ...further.map((each) => each.address)];
    const places = all.map((each): LinkPlace => {
      const place = each === "" ? undefined : this.placeOf(each);
      const ipv6 = this.ipv6Of(each);
      return place ?? (ipv6 === undefined ? undefined : { ipv6: { ...UNKNOWN, address: ipv6 }, isInternal: false });
    });
    const at = ipv6WayOut(places);
    return at === undefined ? undefined : places[at]?.ipv6?.address;
  }

  private bywaysOf(link: PodLink): readonly string[] {
    if ((link.further ?? []).length === 0) return [];
    const wayOut = this.wayOutOf(link);
    return this.addressesOf(link).filter((each) => each !== link.address && each !== wayOut);
  }

  /**
   * The address of IPv6 that goes with an address of a pod's: it follows from the other. Of a network that is not known, or not any more, what the pod's link has.
   * Undefined: none.
   */
  ipv6Of(address: string): string | undefined {
    const place = address === "" ? undefined : this.placeOf(address);
    return place === undefined ? this.linked.get(address) : place.ipv6?.address;
  }

  private note(address: string, ipv6: string | undefined): void {
    if (ipv6 === undefined) this.linked.delete(address);
    else this.linked.set(address, ipv6);
  }

  private withIpv6({ uid, address, further = [] }: PodLink): LinkShape {
    return {
      ...{ uid, address, ipv6: this.ipv6Of(address) },
      further: further.map((each) => ({ ...each, ipv6: this.ipv6Of(each.address) })),
    };
  }

  /** Every address of a pod, of both families. */
  private addressesOf({ address, further = [] }: Pick<PodLink, "address" | "further">): readonly string[] {
    const all = [address, ...further.map((each) => each.address)];
    return all.flatMap((each) => [each, this.ipv6Of(each) ?? ""]).filter((each) => each !== "");
  }

  private placeOf(address: string): Place | undefined {
    const { podCIDR, clusterCIDR, ipv6 } = this.config;
    if (address !== "" && !isIn(podCIDR, address)) return this.networks.placeOf(address);
    const place = { gateway: gatewayOf(podCIDR), subnet: clusterCIDR, mtu: this.podMtu(), isInternal: false };
    if (ipv6 === undefined || address === "") return place;
    const second = { address: podIpv6(ipv6.podCIDR, address), gateway: ipv6GatewayOf(ipv6.podCIDR) };
    return { ...place, ipv6: { ...second, subnet: ipv6.clusterCIDR } };
  }
}

/** Where an address belongs whose network is not known yet. */
const UNKNOWN = { gateway: "", subnet: "" } as const;

type LinkShape = Pick<PodDevice, "uid" | "address" | "ipv6" | "further">;

/** A pod's links as one string: what is there is what is wanted when they are the same. */
function shapeOf({ uid, address, ipv6 = "", further }: LinkShape): string {
  return [uid, address, ipv6, ...further.map((each) => `${each.interface} ${each.address} ${each.ipv6 ?? ""}`)].join(
    "/",
  );
}

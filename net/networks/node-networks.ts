import { DEFAULT_NETWORK } from "../../kinds/network.js";
import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { gatewayOf } from "../ipv4.js";
import { ipv6GatewayOf, podIpv6 } from "../ipv6.js";
import { isIn } from "./network-firewall.js";
import type { SeenNetwork } from "./seen-network.js";

/** Where an address of a network's share belongs. */
export interface Place {
  readonly gateway: string;
  /** What is reached by the link. */
  readonly subnet: string;
  readonly mtu: number;
  /** Nothing leaves by it but to the network itself, and to services. */
  readonly isInternal: boolean;
  /** The address of IPv6 that goes with it; absent: none. */
  readonly ipv6?: Ipv6Place | undefined;
}

/** An address of IPv6 and where it belongs. */
export interface Ipv6Place {
  readonly address: string;
  readonly gateway: string;
  readonly subnet: string;
}

/** The cluster's own network on this node. */
export interface OwnNetwork {
  readonly podCIDR: string;
  readonly encrypted: boolean;
}

interface Waiting {
  readonly network: string;
  readonly settle: (outcome: string | TallshipError) => void;
}

/** The networks beside the cluster's own that the kernel leads to, and who waits for a share of one. */
export class NodeNetworks {
  private readonly site: OwnNetwork;
  private readonly clock: Clock;
  /** Why a network that goes through tunnels cannot be joined here; undefined when it can. */
  private readonly tunnelProblem: () => string | undefined;
  private readonly waiting = new Set<Waiting>();
  private applied: readonly SeenNetwork[] | undefined;
  /** What is known is what the host remembers of before its reboot. */
  private isRecalled = false;
  private mtuOf: (network: SeenNetwork) => number = () => 0;

  constructor(site: OwnNetwork, clock: Clock, tunnelProblem: () => string | undefined) {
    this.site = site;
    this.clock = clock;
    this.tunnelProblem = tunnelProblem;
  }

  /** What the kernel leads to; undefined before the first map. */
  get known(): readonly SeenNetwork[] | undefined {
    return this.applied;
  }

  /** The kernel leads to this node's shares of these, as it remembers them; of other nodes nothing is known. */
  recall(networks: readonly SeenNetwork[], mtuOf: (network: SeenNetwork) => number): void {
    this.set(networks, mtuOf);
    this.isRecalled = true;
  }

  /** The kernel leads to these now. */
  set(networks: readonly SeenNetwork[], mtuOf: (network: SeenNetwork) => number): void {
    this.applied = networks;
    this.isRecalled = false;
    this.mtuOf = mtuOf;
    for (const one of this.waiting) {
      const share = this.find(one.network)?.share;
      if (share !== undefined) one.settle(this.usable(one.network, share));
    }
  }

  /** Where an address belongs; undefined when it is in no share of this node's. */
  placeOf(address: string): Place | undefined {
    const network = this.applied?.find(({ share }) => share !== undefined && isIn(share, address));
    if (network?.share === undefined) return undefined;
    const { share, subnet, ipv6, isInternal } = network;
    const place = { gateway: gatewayOf(share), subnet, mtu: this.mtuOf(network), isInternal };
    if (ipv6?.share === undefined) return place;
    const gateway = ipv6GatewayOf(ipv6.share);
    return { ...place, ipv6: { address: podIpv6(ipv6.subnet, address), gateway, subnet: ipv6.subnet } };
  }

  /** The node's share of a network, once there is one. Of the cluster's own it is there from the start, unless that is encrypted and there is no tunnel. */
  shareOf(network: string, signal: AbortSignal): Promise<string> {
    if (network === DEFAULT_NETWORK) return this.ownShare();
    return new Promise((resolve, reject) => {
      const settle = (outcome: string | TallshipError): void => {
        cancel();
        this.waiting.delete(one);
        signal.removeEventListener("abort", abort);
        if (typeof outcome === "string") resolve(outcome);
        else reject(outcome);
      };
      const one = { network, settle };
      const abort = (): void => settle(problem("cancelled", network, "not wanted any more"));
      const cancel = this.clock.after(limit("networkShareWaitMs"), () => settle(this.late(network)));
      this.waiting.add(one);
      const share = this.find(network)?.share;
      if (signal.aborted) abort();
      else if (share !== undefined) settle(this.usable(network, share));
      else signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Before the first map no other host is reached, and nothing leaves but through tunnels: pods begin. */
  private async ownShare(): Promise<string> {
    const { podCIDR, encrypted } = this.site;
    const isKnown = this.applied !== undefined && !this.isRecalled;
    const why = encrypted && isKnown ? this.tunnelProblem() : undefined;
    if (why !== undefined) throw problem("failed_precondition", "of the cluster", why);
    return podCIDR;
  }

  private usable(name: string, share: string): string | TallshipError {
    const why = this.find(name)?.way === "tunnel" && !this.isRecalled ? this.tunnelProblem() : undefined;
    return why === undefined ? share : problem("failed_precondition", name, why);
  }

  private late(network: string): TallshipError {
    if (this.applied === undefined || this.isRecalled)
      return problem("unavailable", network, "the control plane has not been reached since the agent started");
    const isThere = this.find(network) !== undefined;
    return isThere
      ? problem("unavailable", network, "this node has no share of its addresses: see its conditions")
      : problem("config_missing", network, "there is no such Network");
  }

  private find(name: string): SeenNetwork | undefined {
    return this.applied?.find((network) => network.name === name);
  }
}

function problem(
  code: "cancelled" | "unavailable" | "failed_precondition" | "config_missing",
  network: string,
  why: string,
): TallshipError {
  return new TallshipError(code, `join network ${network}: ${why}`);
}

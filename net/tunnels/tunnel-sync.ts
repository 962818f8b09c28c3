import type { Clock } from "../../lib/clock.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { asTallshipError } from "../../lib/errors.js";
import { tunnelDevice } from "../device-names.js";
import type { HeldTunnel, Kernel, TunnelDevice, TunnelEnd } from "../kernel/kernel.js";
import type { PublishedKey, TunnelKey, TunnelKeys } from "./tunnel-keys.js";
import { tunnelPort } from "./tunnel-keys.js";
import { planKeys, sendingGeneration, type TunnelPartner } from "./tunnel-plan.js";

/** A node at the other end of this node's tunnels. */
export interface TunnelPeer {
  readonly name: string;
  readonly underlayIp: string;
  readonly keys: readonly PublishedKey[];
  /** Ranges that are reached by the tunnel to it, and taken from it. */
  readonly allowed: readonly string[];
}

/** What tunnels are made with. */
export interface TunnelParts {
  readonly nodeName: string;
  readonly kernel: Kernel;
  readonly clock: Clock;
  /** Absent: this node makes no tunnels. */
  readonly keys: TunnelKeys | undefined;
  /** Told what others must know of this node's keys, when it changes. */
  readonly onPublished: (keys: readonly PublishedKey[]) => void;
}

/** Keeps this node's ends of encrypted tunnels as they are wanted. Calls must not overlap. */
export class TunnelSync {
  private readonly parts: TunnelParts;
  private keys: readonly TunnelKey[] | undefined;
  private published: readonly PublishedKey[] = [];
  /** Of each device as it was last set: what is read of one does not tell it. */
  private readonly mtus = new Map<string, number>();
  private failure: string | undefined = "this node has no place for keys";

  constructor(parts: TunnelParts) {
    this.parts = parts;
  }

  /** Of all generations. */
  private get devices(): readonly string[] {
    return [0, 1].map((generation) => tunnelDevice(this.parts.nodeName, generation));
  }

  /** Why there are no tunnels; undefined while there are. */
  get problem(): string | undefined {
    return this.failure;
  }

  /**
   * Tells the keys of tunnels that a former agent left standing. Others end their tunnels to a node that tells none, and a new agent is heard
   * of before it knows what is wanted.
   */
  async recall(): Promise<void> {
    const { kernel, keys: store } = this.parts;
    const held = await kernel.readTunnels(this.devices);
    if (held.length === 0 || store === undefined) return;
    // A file that cannot be read is told of by `bring`.
    const keys = await store.load().catch((): readonly TunnelKey[] => []);
    const standing = new Set(held.map(({ publicKey }) => publicKey));
    this.publish(keys.filter(({ publicKey }) => standing.has(publicKey)).map((key) => publishedOf(key)));
  }

  /** Brings the node's ends to these peers; says by which device each is reached. Without tunnels nobody is, and `problem` says why. */
  async bring(peers: readonly TunnelPeer[], mtu: number): Promise<ReadonlyMap<string, string>> {
    const { keys } = this.parts;
    if (keys === undefined) return new Map();
    try {
      const ways = await this.connect(peers, mtu, keys);
      this.failure = undefined;
      return ways;
    } catch (error) {
      this.failure = asTallshipError(error, "kernel_failed").message;
      return new Map();
    }
  }

  /** Takes away all that there is: nobody needs tunnels. Again is no error. */
  async end(): Promise<void> {
    const held = await this.parts.kernel.readTunnels(this.devices);
    await this.parts.kernel.removeTunnels(held.map(({ device }) => device));
    this.publish([]);
  }

  private async connect(
    peers: readonly TunnelPeer[],
    mtu: number,
    store: TunnelKeys,
  ): Promise<ReadonlyMap<string, string>> {
    const { nodeName, kernel } = this.parts;
    const before = this.keys ?? (await store.load());
    const held = await kernel.readTunnels(this.devices);
    const own = await this.renewed(before, partnersOf(peers, held, before), store);
    this.keys = own;
    for (const key of own) {
      const want = this.deviceFor(key, peers);
      const have = held.find(({ device }) => device === want.device);
      if (have !== undefined && isSame(want, have) && this.mtus.get(want.device) === mtu) continue;
      this.mtus.delete(want.device);
      await kernel.setTunnel(want, { key: key.privateKey, mtu });
      this.mtus.set(want.device, mtu);
    }
    const devices = new Set(own.map(({ generation }) => tunnelDevice(nodeName, generation)));
    await kernel.removeTunnels(held.map(({ device }) => device).filter((device) => !devices.has(device)));
    this.publish(own.map((key) => publishedOf(key)));
    return new Map(
      partnersOf(peers, held, own).flatMap((partner) => {
        const generation = sendingGeneration(own, partner);
        return generation === undefined ? [] : [[partner.name, tunnelDevice(nodeName, generation)] as const];
      }),
    );
  }

  /** The keys after what the plan changes; saved before anybody hears of them. */
  private async renewed(
    before: readonly TunnelKey[],
    partners: readonly TunnelPartner[],
    store: TunnelKeys,
  ): Promise<readonly TunnelKey[]> {
    const nowMs = this.parts.clock.nowMs();
    const { make, drop } = planKeys(before, partners, nowMs);
    if (make === undefined && drop.length === 0) return before;
    const kept = before.filter(({ generation }) => !drop.includes(generation));
    const after = make === undefined ? kept : [...kept, store.make(make, nowMs)];
    await store.save(after);
    return after;
  }

  private deviceFor({ generation, publicKey }: TunnelKey, peers: readonly TunnelPeer[]): TunnelDevice {
    const ends = peers.flatMap(({ keys, underlayIp, allowed }): readonly TunnelEnd[] => {
      const theirs = keys.find((key) => key.generation === generation);
      if (theirs === undefined || theirs.publicKey === publicKey) return [];
      return [{ publicKey: theirs.publicKey, endpoint: `${underlayIp}:${theirs.port}`, allowed: [...allowed].sort() }];
    });
    return { device: tunnelDevice(this.parts.nodeName, generation), publicKey, port: tunnelPort(generation), ends };
  }

  private publish(keys: readonly PublishedKey[]): void {
    if (deepEqual(keys, this.published)) return;
    this.published = keys;
    this.parts.onPublished(keys);
  }
}

function publishedOf({ generation, publicKey }: TunnelKey): PublishedKey {
  return { generation, publicKey, port: tunnelPort(generation) };
}

function partnersOf(
  peers: readonly TunnelPeer[],
  held: readonly HeldTunnel[],
  own: readonly TunnelKey[],
): readonly TunnelPartner[] {
  const met = new Set(held.flatMap((tunnel) => [...tunnel.met].map((key) => `${tunnel.publicKey} ${key}`)));
  return peers.map(({ name, keys }) => {
    const answered = own.filter(({ generation, publicKey }) =>
      keys.some((key) => key.generation === generation && met.has(`${publicKey} ${key.publicKey}`)),
    );
    return { name, keys, met: new Set(answered.map(({ generation }) => generation)) };
  });
}

function isSame(want: TunnelDevice, have: HeldTunnel): boolean {
  const text = ({ publicKey, port, ends }: TunnelDevice): string =>
    JSON.stringify([publicKey, port, ends.map((end) => JSON.stringify(end)).sort()]);
  return (
    text(want) ===
    text({ ...have, ends: have.ends.map(({ publicKey, endpoint, allowed }) => ({ publicKey, endpoint, allowed })) })
  );
}

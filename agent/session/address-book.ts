import type { BackoffLimits } from "../../lib/backoff.js";
import { limit } from "../../lib/limits.js";
import type { Channel, Dialer } from "../../lib/transport/service.js";

/** The control planes a node knows, and the one it talks to. Channels are kept and shared. */
export class AddressBook {
  private readonly dialer: Dialer;
  private readonly channels = new Map<string, Channel>();
  private addresses: readonly string[];
  private preferred: string | undefined;
  private turn = 0;
  /** Milliseconds between the node's heartbeats, as the leader last asked. */
  private heartbeatMs = limit("heartbeatMs");
  /** The address that failed last, and how many hints towards it are still passed over. */
  private suspect = { address: "", hints: 0 };
  /** How often in a row an address has failed without saying anything. */
  private readonly silences = new Map<string, number>();

  /** `addresses` is not empty: host:port each. */
  constructor(dialer: Dialer, addresses: readonly string[]) {
    this.dialer = dialer;
    this.addresses = addresses;
  }

  /** The address to try now. */
  get current(): string {
    return this.preferred ?? this.addresses[this.turn % this.addresses.length] ?? "";
  }

  /** A channel to the address. */
  channel(address = this.current): Channel {
    const known = this.channels.get(address);
    if (known !== undefined) return known;
    const opened = this.dialer.dial(address);
    this.channels.set(address, opened);
    return opened;
  }

  /** The address did not answer, or has answered that nobody leads: the next one is tried. Says nothing of an address that is not current any more. */
  failed(address: string, hasAnswered = false): void {
    if (hasAnswered) this.heard(address);
    else this.silences.set(address, (this.silences.get(address) ?? 0) + 1);
    if (address !== this.current) return;
    this.suspect = { address, hints: this.addresses.length - 1 };
    this.preferred = undefined;
    this.turn += 1;
  }

  /**
   * The control plane at `from` named the leader. A leader that just failed is named by the others until its lease has run out, and a host without power costs
   * the whole time of a dial: each of them is asked once more before it is believed.
   */
  prefer(address: string, from: string): void {
    this.heard(from);
    if (address === this.suspect.address && this.suspect.hints > 0) {
      this.suspect = { address, hints: this.suspect.hints - 1 };
      if (from === this.current) this.turn += 1;
      this.preferred = undefined;
      return;
    }
    this.preferred = address;
  }

  /** The address has said something. */
  heard(address: string): void {
    this.silences.delete(address);
  }

  /**
   * How long the address may take to say anything; undefined: as long as its connection lasts. Where another could be asked, one that has failed is not waited for until its connection is found dead,
   * as after a power cut, but twice as long each time: it may as well have much to do.
   */
  patienceMs(address: string): number | undefined {
    const count = this.silences.get(address) ?? 0;
    if (count === 0 || this.addresses.length < 2) return undefined;
    return (this.heartbeatMs / limit("heartbeatMs")) * limit("suspectPatienceMs") * 2 ** Math.min(count - 1, 5);
  }

  /** The leader asks for a heartbeat so often. */
  beatEvery(everyMs: number): void {
    this.heartbeatMs = Math.max(limit("heartbeatMs"), everyMs);
  }

  /** Waits between tries, in proportion to the interval of heartbeats: many nodes lose their leader at the same moment, and come back spread over the whole wait. */
  waits({ firstMs, maxMs }: BackoffLimits): BackoffLimits {
    const rarity = this.heartbeatMs / limit("heartbeatMs");
    return { firstMs: rarity * firstMs, maxMs: rarity * maxMs, ...(rarity > 1 && { jitter: 0.9 }) };
  }

  /** All that are known, those the leader named last first. */
  get known(): readonly string[] {
    return this.addresses;
  }

  /**
   * The control planes that live, as the leader said; an empty list changes nothing. Those known before are kept behind them: one that is down now may be the one
   * that comes back.
   */
  learn(addresses: readonly string[]): void {
    if (addresses.length === 0) return;
    this.addresses = [...new Set([...addresses, ...this.addresses])].slice(0, limit("knownControlPlanes"));
    for (const [address, channel] of this.channels) {
      if (this.addresses.includes(address) || address === this.preferred) continue;
      channel.close();
      this.channels.delete(address);
    }
  }

  /** Closes every channel. */
  close(): void {
    for (const channel of this.channels.values()) channel.close();
    this.channels.clear();
  }
}

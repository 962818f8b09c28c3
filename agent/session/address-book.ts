import type { Channel, Dialer } from "../../lib/transport/service.js";

/** The control planes a node knows, and the one it talks to. Channels are kept and shared. */
export class AddressBook {
  private readonly dialer: Dialer;
  private readonly channels = new Map<string, Channel>();
  private addresses: readonly string[];
  private preferred: string | undefined;
  private turn = 0;

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

  /** The address did not answer: the next one is tried. Says nothing of an address that is not current any more. */
  failed(address: string): void {
    if (address !== this.current) return;
    this.preferred = undefined;
    this.turn += 1;
  }

  /** Somebody who knows named the leader. */
  prefer(address: string): void {
    this.preferred = address === "" ? undefined : address;
  }

  /** Replaces the list by what the leader said; an empty list changes nothing. */
  replace(addresses: readonly string[]): void {
    if (addresses.length === 0) return;
    this.addresses = addresses;
    for (const [address, channel] of this.channels) {
      if (addresses.includes(address) || address === this.preferred) continue;
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

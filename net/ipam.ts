import { TallshipError } from "../lib/errors.js";
import { contains, formatAddress, parseAddress, type Subnet, subnetOf } from "./ipv4.js";

/**
 * Hands out the addresses of one node's pod subnet. An address is given to one holder at a time; the network's own, the gateway's
 * and the broadcast address are never given; an address that was freed longest ago is reused first, and only after all fresh ones.
 * Its state is derived from what exists: it is made of the addresses in use.
 */
export class AddressPool {
  private readonly subnet: Subnet;
  private readonly taken = new Set<number>();
  private readonly freed = new Set<number>();
  /** Every address from `next` on is fresh: neither taken nor freed since this pool was made, or taken. */
  private next: number;
  private readonly first: number;
  private readonly last: number;

  constructor(podCIDR: string, inUse: Iterable<string>) {
    this.subnet = subnetOf(podCIDR, "address pool");
    if (this.subnet.size < 4)
      throw new TallshipError("invalid_argument", `address pool: ${podCIDR} has no room for a pod`);
    this.first = this.subnet.base + 2;
    this.last = this.subnet.base + this.subnet.size - 2;
    for (const address of inUse) this.reserve(address);
    // After a restart nobody knows what was freed last: fresh addresses start above the highest in use, the rest waits behind them.
    this.next = [...this.taken].reduce((highest, each) => Math.max(highest, each), this.first - 1) + 1;
    for (let address = this.first; address < this.next; address += 1) this.freed.add(address);
    for (const address of this.taken) this.freed.delete(address);
  }

  /** An address nobody holds. Throws resource_exhausted when all are taken. */
  allocate(): string {
    while (this.next <= this.last && this.taken.has(this.next)) this.next += 1;
    if (this.next <= this.last) {
      const fresh = this.next;
      this.next += 1;
      return this.take(fresh);
    }
    for (const oldest of this.freed) return this.take(oldest);
    throw new TallshipError(
      "resource_exhausted",
      `allocate a pod address: all ${this.last - this.first + 1} of ${formatAddress(this.subnet.base)}/${this.subnet.prefixLength} are in use`,
    );
  }

  /** Marks an address as held. False when it is held already, reserved or outside of the subnet. */
  reserve(address: string): boolean {
    const value = parseAddress(address);
    if (value === undefined || !contains(this.subnet, value) || value < this.first || value > this.last) return false;
    if (this.taken.has(value)) return false;
    this.take(value);
    return true;
  }

  /** Gives an address back. Freeing what is not held changes nothing. */
  free(address: string): void {
    const value = parseAddress(address);
    if (value === undefined || !this.taken.delete(value)) return;
    if (value < this.next) this.freed.add(value);
  }

  /** True when somebody holds the address. */
  isTaken(address: string): boolean {
    const value = parseAddress(address);
    return value !== undefined && this.taken.has(value);
  }

  /** Addresses that can still be given out. */
  get freeCount(): number {
    return this.last - this.first + 1 - this.taken.size;
  }

  private take(value: number): string {
    this.freed.delete(value);
    this.taken.add(value);
    return formatAddress(value);
  }
}

/** Addresses by the pod that holds them: a pod has the same one each time it asks, until it is released. */
export class PodAddressBook {
  private readonly pool: AddressPool;
  private readonly held = new Map<string, string>();

  /** `links` are those that exist; half-made ones hold nothing. */
  constructor(podCIDR: string, links: Iterable<{ readonly uid: string; readonly address: string }>) {
    const known = [...links];
    this.pool = new AddressPool(
      podCIDR,
      known.map((link) => link.address),
    );
    for (const { uid, address } of known) if (this.pool.isTaken(address)) this.held.set(uid, address);
  }

  /** The pod's address. Throws resource_exhausted when none is free. */
  claim(uid: string): string {
    const address = this.held.get(uid) ?? this.pool.allocate();
    this.held.set(uid, address);
    return address;
  }

  /** The pod needs its address no more. Again is no error. */
  release(uid: string): void {
    const address = this.held.get(uid);
    if (address === undefined) return;
    this.held.delete(uid);
    this.pool.free(address);
  }
}

import type { ElementChange, RuleElement, RuleMap } from "../kernel/rules.js";

/** Counts who needs an address in a set of the table: it is there while anybody does. */
export class HeldAddresses {
  private readonly map: RuleMap;
  private readonly keyOf: (ip: string) => string;
  private readonly uses = new Map<string, number>();

  constructor(map: RuleMap, keyOf: (ip: string) => string = (ip) => ip) {
    this.map = map;
    this.keyOf = keyOf;
  }

  /** One more needs each address; returns the elements that are new. */
  hold(ips: Iterable<string>): readonly ElementChange[] {
    const fresh: ElementChange[] = [];
    for (const ip of ips) {
      const count = this.uses.get(ip) ?? 0;
      this.uses.set(ip, count + 1);
      if (count === 0) fresh.push({ do: "add", ...this.elementFor(ip) });
    }
    return fresh;
  }

  /** One less needs each address; returns the elements that nobody needs any more. */
  drop(ips: Iterable<string>): readonly ElementChange[] {
    const unused: ElementChange[] = [];
    for (const ip of ips) {
      const count = this.uses.get(ip) ?? 0;
      if (count > 1) this.uses.set(ip, count - 1);
      else if (this.uses.delete(ip)) unused.push({ do: "delete", ...this.elementFor(ip) });
    }
    return unused;
  }

  /** True when the element belongs in the set. */
  has({ map, key }: Pick<RuleElement, "map" | "key">): boolean {
    const ip = key.split(" . ")[0] ?? "";
    return map === this.map && this.uses.has(ip) && this.keyOf(ip) === key;
  }

  /** Every element of the set. */
  *elements(): Iterable<RuleElement> {
    for (const ip of this.uses.keys()) yield this.elementFor(ip);
  }

  /** Elements in the set. */
  get size(): number {
    return this.uses.size;
  }

  private elementFor(ip: string): RuleElement {
    return { map: this.map, key: this.keyOf(ip), value: "" };
  }
}

/** Local pods that something leads packets to. Such a pod may meet itself: those packets get the host's address on their way back. */
export function hairpins(): HeldAddresses {
  return new HeldAddresses("hairpins", (ip) => `${ip} . ${ip}`);
}

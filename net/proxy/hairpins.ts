import type { ElementChange, RuleElement } from "../kernel/rules.js";

/** Counts who leads packets to a local pod. Such a pod may meet itself: those packets get the host's address on their way back. */
export class Hairpins {
  private readonly uses = new Map<string, number>();

  /** One more leads to each address; returns the elements that are new. */
  hold(ips: Iterable<string>): readonly ElementChange[] {
    const fresh: ElementChange[] = [];
    for (const ip of ips) {
      const count = this.uses.get(ip) ?? 0;
      this.uses.set(ip, count + 1);
      if (count === 0) fresh.push({ do: "add", ...elementFor(ip) });
    }
    return fresh;
  }

  /** One less leads to each address; returns the elements that nobody needs any more. */
  drop(ips: Iterable<string>): readonly ElementChange[] {
    const unused: ElementChange[] = [];
    for (const ip of ips) {
      const count = this.uses.get(ip) ?? 0;
      if (count > 1) this.uses.set(ip, count - 1);
      else if (this.uses.delete(ip)) unused.push({ do: "delete", ...elementFor(ip) });
    }
    return unused;
  }

  /** True when the key belongs in the set. */
  has(key: string): boolean {
    const [ip, other] = key.split(" . ");
    return ip !== undefined && ip === other && this.uses.has(ip);
  }

  /** Every element of the set. */
  *elements(): Iterable<RuleElement> {
    for (const ip of this.uses.keys()) yield elementFor(ip);
  }

  /** Elements in the set. */
  get size(): number {
    return this.uses.size;
  }
}

function elementFor(ip: string): RuleElement {
  return { map: "hairpins", key: `${ip} . ${ip}`, value: "" };
}

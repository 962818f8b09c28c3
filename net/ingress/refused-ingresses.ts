import { secretsOfIngress } from "../../kinds/ingress.js";
import { metaOf } from "../../kinds/object.js";
import { limit } from "../../lib/limits.js";
import type { Ingress } from "../../proto/gen/tallship/v1/ingress.js";

/** Why the proxy refuses a configuration for these ingresses alone; undefined: it takes it. */
export type Objection = (some: readonly Ingress[]) => Promise<string | undefined>;

/**
 * The ingresses that the proxy refuses, each by itself, and why: halves of what is refused are tried until single ones are left. None when it is no single
 * one's fault. What is left when as much has been tried as may be counts as fine.
 */
export async function refusedAmong(
  ingresses: readonly Ingress[],
  objection: Objection,
): Promise<ReadonlyMap<Ingress, string>> {
  const found = new Map<Ingress, string>();
  const parts: (readonly Ingress[])[] = [ingresses];
  for (let trial = 0; trial < limit("ingressTrials"); trial += 1) {
    const part = parts.pop();
    const [first] = part ?? [];
    if (part === undefined || first === undefined) break;
    const why = await objection(part);
    if (why === undefined) continue;
    if (part.length === 1) found.set(first, why);
    else parts.push(part.slice(part.length >> 1), part.slice(0, part.length >> 1));
  }
  return found;
}

/**
 * Ingresses that the proxy refuses, so that one that is wrong stops no other. Each stands as it was when the proxy took it, or is left out where that is not known, until it is
 * changed, or a Secret that it names.
 */
export class RefusedIngresses {
  private readonly held = new Map<string, Held>();
  private taken: ReadonlyMap<string, Ingress> = new Map();

  /** What to serve of these. What is known of others is forgotten. */
  servable(ingresses: ReadonlyMap<string, Ingress>): readonly Ingress[] {
    for (const [key, { ingress }] of this.held) if (ingresses.get(key) !== ingress) this.held.delete(key);
    return [...ingresses].flatMap(([key, ingress]) => {
      const held = this.held.get(key);
      return held === undefined ? [ingress] : (held.former ?? []);
    });
  }

  /** The proxy has taken these, all of them together. */
  took(ingresses: readonly Ingress[]): void {
    this.taken = new Map(ingresses.map((ingress) => [keyOf(ingress), ingress]));
  }

  /** The proxy refuses these. */
  add(found: ReadonlyMap<Ingress, string>): void {
    for (const [ingress, why] of found) {
      const key = keyOf(ingress);
      const held = this.held.get(key);
      const former = this.taken.get(key);
      // What was refused before is so now even as it was.
      if (held !== undefined) this.held.set(key, { ...held, former: undefined });
      else this.held.set(key, { ingress, why, former: former === ingress ? undefined : former });
    }
  }

  /** Tries those again that name one of the Secrets, namespace/name; undefined: any. True when there are any. */
  secretsChanged(names: ReadonlySet<string> | undefined): boolean {
    const before = this.held.size;
    for (const [key, { ingress }] of this.held) {
      const { namespace } = metaOf(ingress);
      if (secretsOfIngress(ingress).some((name) => names?.has(`${namespace}/${name}`) !== false)) this.held.delete(key);
    }
    return this.held.size < before;
  }

  /** What is told of each, in order of name. */
  get problems(): readonly string[] {
    const told = [...this.held].map(([key, { why, former }]) => {
      const meanwhile = former === undefined ? "" : ", and goes on with it as it was";
      return `ingress ${key}: the proxy refuses it${meanwhile}: ${why}`;
    });
    return told.sort();
  }
}

interface Held {
  readonly ingress: Ingress;
  readonly why: string;
  /** The ingress as the proxy took it once. */
  readonly former: Ingress | undefined;
}

function keyOf(ingress: Ingress): string {
  const { namespace, name } = metaOf(ingress);
  return `${namespace}/${name}`;
}

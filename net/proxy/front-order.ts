import type { Service } from "../../proto/gen/tallship/v1/service.js";

/** A service that wants an address and port, as far as it matters to others that want the same. */
export interface Claimant {
  /** namespace/name. */
  readonly key: string;
  /** Undefined: it is not known, or gone. */
  readonly service: Service | undefined;
}

/**
 * Sorts services that want the same address and port: who comes first has it. The oldest; of those of one second the first by name. The objects alone
 * decide, so that every node, whatever it heard of first, decides the same.
 */
export function compareClaimants(one: Claimant, other: Claimant): number {
  const [first, second] = [createdAt(one), createdAt(other)];
  if (first !== second) return first < second ? -1 : 1;
  return one.key < other.key ? -1 : one.key > other.key ? 1 : 0;
}

function createdAt({ service }: Claimant): string {
  return service?.metadata?.creationTimestamp ?? "";
}

import type { Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";

/** What is looked at. */
export interface ControlPlanesDeps {
  readonly clock: Clock;
  /** API addresses of all control planes. */
  readonly controlPlaneAddresses: () => Promise<readonly string[]>;
}

/** Calls when control planes came or went: nodes that were welcomed before must know it before they need it. Returns how to stop. */
export function tellControlPlanes(
  { clock, controlPlaneAddresses }: ControlPlanesDeps,
  tell: (addresses: readonly string[]) => void,
  lost: AbortSignal,
): () => void {
  let told = "";
  let cancel = (): void => undefined;
  const look = async (): Promise<void> => {
    const addresses = await controlPlaneAddresses().catch(() => []);
    if (lost.aborted) return;
    const now = addresses.join(",");
    if (addresses.length > 0 && told !== now) {
      told = now;
      tell(addresses);
    }
    cancel = clock.after(limit("replicaListMs"), () => void look());
  };
  void look();
  return () => cancel();
}

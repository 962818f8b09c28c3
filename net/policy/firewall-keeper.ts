import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { FirewallSync, KnownWorld } from "./firewall-sync.js";
import type { PolicyMap } from "./policy-map.js";

/** What a keeper needs. */
export interface FirewallKeeperOptions {
  readonly sync: Pick<FirewallSync, "bring" | "covers">;
  readonly clock: Clock;
  /** Everything that the firewall follows from, but policies, as it is now. */
  readonly world: () => Omit<KnownWorld, "policies">;
  /** Asks for `apply`, soon and again after a failure. */
  readonly want: () => void;
}

interface Waiting {
  readonly uid: string;
  readonly resolve: () => void;
}

/** Knows the policies, and who waits for the kernel to hold them. */
export class FirewallKeeper {
  private readonly options: FirewallKeeperOptions;
  private readonly waiting = new Set<Waiting>();
  private policies: PolicyMap | undefined;

  constructor(options: FirewallKeeperOptions) {
    this.options = options;
  }

  /** The policies from now on. */
  setPolicies(policies: PolicyMap): void {
    this.policies = policies;
    this.options.want();
  }

  /** Brings the kernel to the world as it is now. */
  async apply(): Promise<void> {
    const { sync, world } = this.options;
    await sync.bring({ ...world(), policies: this.policies });
    for (const one of this.waiting) if (sync.covers(one.uid)) one.resolve();
  }

  /** Resolves once the kernel holds what policies say of the pod. */
  firewalled(uid: string, signal: AbortSignal): Promise<void> {
    if (this.options.sync.covers(uid)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        cancel();
        this.waiting.delete(one);
        signal.removeEventListener("abort", abort);
        settle();
      };
      const one = { uid, resolve: () => end(resolve) };
      const fail = (code: "unavailable" | "cancelled", why: string): void =>
        end(() => reject(new TallshipError(code, `firewall pod ${uid}: ${why}`)));
      const abort = (): void => fail("cancelled", "not wanted any more");
      const cancel = this.options.clock.after(limit("policyWaitMs"), () =>
        fail("unavailable", "the control plane has not said which network policies select it"),
      );
      this.waiting.add(one);
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
  }
}

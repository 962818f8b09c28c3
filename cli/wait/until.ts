import { TallshipError } from "../../lib/errors.js";
import type { Cluster } from "../cluster.js";
import type { Query } from "../objects.js";
import type { Shell } from "../shell.js";
import { type Changes, watchObjects } from "../watch.js";

/** A wait that runs. */
export interface Wait {
  readonly shell: Shell;
  readonly cluster: Cluster;
  /** Undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
}

/**
 * Watches until `step` says that it is over; returns false when the time was up first. Throws cancelled when the user interrupts. `step` is
 * given what is there first, then every change.
 */
export async function watchUntil(
  { shell, cluster, timeoutMs }: Wait,
  queries: readonly Query[],
  step: (changes: Changes) => Promise<boolean>,
): Promise<boolean> {
  const over = new AbortController();
  const stop = (): void => over.abort();
  shell.signal.addEventListener("abort", stop, { once: true });
  const cancel = timeoutMs === undefined ? undefined : shell.clock.after(timeoutMs, stop);
  try {
    for await (const changes of watchObjects(cluster, queries, { signal: over.signal, clock: shell.clock }))
      if (await step(changes)) return true;
  } finally {
    cancel?.();
    shell.signal.removeEventListener("abort", stop);
    over.abort();
  }
  if (shell.signal.aborted) throw new TallshipError("cancelled", "interrupted");
  return false;
}

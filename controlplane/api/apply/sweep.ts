import { isKindName, KINDS } from "../../../kinds/registry.js";
import type { Clock } from "../../../lib/clock.js";
import { hasCode } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { Log } from "../../../lib/log.js";
import type { View, WatchCache } from "../../cache/view.js";
import { CONTENT, META } from "../../store/keys.js";
import type { Store } from "../../store/store.js";
import { digestOf, digestsWanted, removeEntries } from "./collect.js";
import { referenceIn } from "./contents.js";

/** What sweeping needs. */
export interface SweepDeps {
  readonly store: Store;
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Removes contents that nothing names, whoever removed what named them: a namespace that went, a user. By the rule of collectContents: noted first,
 * then a write, and only once the cache has seen that, what is noted and not named goes. Returns how many went.
 */
export async function sweepContents({ store, cache }: SweepDeps, signal: AbortSignal): Promise<number> {
  const noted = await store.list(CONTENT.plain, { keysOnly: true });
  const mark = { op: "put", key: META.contentSweep, value: new Uint8Array() } as const;
  const marked = await store.transact({ checks: [], writes: [mark] });
  if (marked.is !== "committed") return 0;
  await cache.waitFor(marked.revision, signal);
  const wanted = await digestsWanted(store, cache.view, []);
  for (const digest of referencedBy(cache.view)) wanted.add(digest);
  const free = noted.entries.filter((entry) => !wanted.has(digestOf(entry)));
  await removeEntries(store, free);
  return free.length;
}

/** Sweeps every limits.contentSweepMs in which a revision went, and once at first, until the signal aborts. For the leader. */
export async function keepContentsSwept(deps: SweepDeps, signal: AbortSignal): Promise<void> {
  const { cache, clock, log } = deps;
  let isDue = true;
  const stop = cache.subscribe(({ changes }) => {
    isDue ||= changes.some(({ key, after }) => key.kind === "Revision" && after === undefined);
  });
  while (!signal.aborted) {
    try {
      await clock.sleep(limit("contentSweepMs"), signal);
      if (!isDue) continue;
      isDue = false;
      log.debug("contents swept", { removedCount: await sweepContents(deps, signal) });
    } catch (error) {
      isDue = true;
      if (!hasCode(error, "cancelled")) log.warn("contents were not swept; trying again later", { error });
    }
  }
  stop();
}

/** Contents that objects refer to because they are too large to hold them. */
function referencedBy(view: View): readonly string[] {
  const kinds = Object.keys(KINDS).filter(isKindName);
  return kinds.flatMap((kind) =>
    view.list(kind).flatMap(({ object }) => {
      const applied = Object.values(object.metadata?.applied ?? {});
      return applied.flatMap((value) => referenceIn(value) ?? []);
    }),
  );
}

import { TallshipError } from "../../../lib/errors.js";
import type { CallContext, Identity } from "../../../lib/transport/service.js";
import type { Selection, WatchRequest, WatchResponse } from "../../../proto/gen/tallship/v1/api.js";
import type { CacheChange, WatchCache } from "../../cache/view.js";
import { onlyNodeOf } from "../authorize.js";
import { requestedKind } from "../requests.js";
import { type CompiledSelection, compileSelection, selectFrom } from "../selection.js";
import { nodeOf, type WatchHub } from "./watch-hub.js";
import type { WatchStart } from "./watcher.js";

/**
 * What is there first (or, with afterRevision, what changed since), then every change. Fails with history_lost when the revision is forgotten or of
 * another epoch, with slow_watcher when the caller does not keep up. Ends when the caller leaves.
 */
export async function* watchObjects(
  deps: { readonly cache: WatchCache; readonly hub: WatchHub },
  request: WatchRequest,
  context: CallContext,
): AsyncGenerator<WatchResponse, void, undefined> {
  const { cache, hub } = deps;
  const selections = compileAll(request.selections, context.identity);
  if (request.afterRevision > 0) await checkResume(cache, request, context.signal);
  const start = startOf(cache, selections, request.afterRevision);
  const watcher = hub.open(selections, start, context.identity.role === "node");
  const wake = (): void => watcher.signal();
  context.signal.addEventListener("abort", wake, { once: true });
  try {
    let clusterEpoch = cache.clusterEpoch;
    for (;;) {
      const message = await watcher.next(context.signal);
      if (message === undefined) return;
      yield clusterEpoch === "" ? message : { ...message, clusterEpoch };
      clusterEpoch = "";
    }
  } finally {
    context.signal.removeEventListener("abort", wake);
    hub.close(watcher);
  }
}

function compileAll(selections: readonly Selection[], identity: Identity): readonly CompiledSelection[] {
  if (selections.length === 0) throw new TallshipError("invalid_argument", "watch: selects nothing");
  return selections.map((selection) =>
    compileSelection(selection, onlyNodeOf(identity, "watch", requestedKind(selection.kind))),
  );
}

async function checkResume(cache: WatchCache, request: WatchRequest, signal: AbortSignal): Promise<void> {
  if (request.clusterEpoch === "")
    throw new TallshipError("invalid_argument", "watch: afterRevision needs the epoch that it is of");
  if (request.clusterEpoch !== cache.clusterEpoch)
    throw new TallshipError(
      "history_lost",
      `watch: revision ${request.afterRevision} is of epoch ${request.clusterEpoch}, the cluster's is ${cache.clusterEpoch}`,
    );
  await cache.waitFor(request.afterRevision, signal);
}

/** Synchronous, so that no change falls between the start and the first one offered. */
function startOf(cache: WatchCache, selections: readonly CompiledSelection[], afterRevision: number): WatchStart {
  const { view } = cache;
  if (afterRevision === 0) {
    const initial = new Set(selections.flatMap((selection) => selectFrom(view, selection)));
    return { initial: [...initial], missed: [] };
  }
  const batches = cache.batchesAfter(afterRevision);
  if (batches === undefined)
    throw new TallshipError("history_lost", `watch: changes after revision ${afterRevision} are no longer kept`);
  const missed: CacheChange[] = [];
  for (const { changes } of batches)
    for (const change of changes) if (selections.some((each) => mayConcern(each, change))) missed.push(change);
  return { initial: [], missed };
}

/** What thousands of nodes that resume at once are spared looking at: of the pods that changed only those that are or were their own. */
function mayConcern({ kind, nodeName }: CompiledSelection, { key, before, after }: CacheChange): boolean {
  if (key.kind !== kind) return false;
  return nodeName === undefined || nodeOf(after) === nodeName || nodeOf(before) === nodeName;
}

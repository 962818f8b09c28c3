import { decodeObject } from "../../kinds/object.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import type { ApplyRequest } from "../../proto/gen/tallship/v1/api.js";
import type {
  ExplainDefinition,
  PlanResponse,
  TopRequest,
  TopResponse,
  WhyRequest,
  WhyResponse,
} from "../../proto/gen/tallship/v1/explain.js";
import type { UsageResponse } from "../../proto/gen/tallship/v1/session.js";
import { trySet } from "../api/apply/apply-set.js";
import { readSet } from "../api/apply/read-set.js";
import { responseOf } from "../api/apply/results.js";
import type { ObjectsDeps } from "../api/objects-deps.js";
import { askPicture, type Picture } from "./picture.js";
import { OverlayView } from "./plan/overlay-view.js";
import { planSet } from "./plan/plan.js";
import { topNodes, topPods, type Used } from "./top.js";
import { traceOf } from "./trace.js";
import { whyOf } from "./why.js";

/** What the Explain service needs. */
export interface ExplainDeps extends ObjectsDeps {
  /** What hosts and pods use now, from the leader. */
  readonly usage: (signal: AbortSignal) => Promise<UsageResponse>;
}

/** The Explain service: what the scheduler thinks, from this replica's cache. Nothing is written. */
export function explainService(deps: ExplainDeps): Handlers<typeof ExplainDefinition> {
  return {
    why: (request, context) => why(deps, request, context),
    plan: (requests, context) => plan(deps, requests, context),
    trace: async (request) => traceOf(deps.cache.view, request),
    top: (request, context) => top(deps, request, context),
  };
}

function why(deps: ObjectsDeps, { namespace, name }: WhyRequest, { signal }: CallContext): Promise<WhyResponse> {
  return askPicture(deps, signal, ({ state, view }) => {
    const pod = view.get("Pod", namespace, name);
    if (pod === undefined) throw new TallshipError("not_found", `why Pod/${namespace}/${name}: there is none`);
    return whyOf(state, view, pod);
  });
}

/** A set with a document that an apply would refuse is not planned: its results say what is wrong. */
async function plan(
  deps: ObjectsDeps,
  requests: AsyncIterable<ApplyRequest>,
  context: CallContext,
): Promise<PlanResponse> {
  const set = await readSet(requests);
  const decided = await trySet(deps, set, context);
  const isRefused = decided.some(({ task, settled }) => task === undefined || settled !== undefined);
  const { results } = responseOf(decided, { mode: isRefused ? "refused" : "dry_run", revisionName: "" });
  const bare = results.map((result) => ({ ...result, item: undefined }));
  if (isRefused) return { results: bare, pods: [], notes: [], othersWaiting: 0, revision: deps.cache.view.revision };
  const objects = decided.flatMap(({ task }) => {
    const stored = task?.stored();
    return stored === undefined ? [] : [decodeObject(stored.bytes)];
  });
  const { clock, rng } = deps;
  const moment = { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs(), newUid: () => rng.uuid() };
  const overlay = new OverlayView(deps.cache.view);
  const ask = (picture: Picture): ReturnType<typeof planSet> => planSet(objects, { ...picture, view: overlay }, moment);
  const planned = await askPicture(deps, context.signal, ask, overlay);
  return { results: bare, ...planned };
}

/** What is requested is known without the leader; what is used is not, and then that is said. */
async function top(deps: ExplainDeps, { pods }: TopRequest, { signal }: CallContext): Promise<TopResponse> {
  const used = await deps.usage(signal).then(
    (usage): Used => ({ is: "known", usage }),
    (error: unknown): Used => ({ is: "unknown", why: asTallshipError(error).message }),
  );
  if (pods !== undefined) return topPods(pods, deps.cache.view, used);
  return askPicture(deps, signal, ({ state }) => topNodes(state, used));
}

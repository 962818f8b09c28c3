import { decodeObject, metaOf, type Typed } from "../../kinds/object.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import type { ApplyRequest, ApplyResult } from "../../proto/gen/tallship/v1/api.js";
import type {
  ExplainDefinition,
  PlanResponse,
  TopRequest,
  TopResponse,
  WhenRequest,
  WhenResponse,
  WhyRequest,
  WhyResponse,
} from "../../proto/gen/tallship/v1/explain.js";
import type { NetworkResponse } from "../../proto/gen/tallship/v1/nethealth.js";
import type { UsageResponse } from "../../proto/gen/tallship/v1/session.js";
import { trySet } from "../api/apply/apply-set.js";
import { readSet } from "../api/apply/read-set.js";
import { responseOf } from "../api/apply/results.js";
import type { ObjectsDeps } from "../api/objects-deps.js";
import type { ReconcileContext } from "../controllers/controller.js";
import { netCheckOf } from "./net-check.js";
import { askPicture, type Picture, type PictureDeps } from "./picture.js";
import { OverlayView } from "./plan/overlay-view.js";
import { type Drawn, planSet, takeSet } from "./plan/plan.js";
import { rebalanceOf } from "./rebalance.js";
import { topNodes, topPods, type Used } from "./top.js";
import { traceOf } from "./trace.js";
import { whenOf } from "./when/when.js";
import { whyOf } from "./why.js";

/** What the Explain service needs. */
export interface ExplainDeps extends ObjectsDeps, PictureDeps {
  /** What hosts and pods use now, from the leader. */
  readonly usage: (signal: AbortSignal) => Promise<UsageResponse>;
  /** What nodes have measured of their network, from the leader. */
  readonly network: (signal: AbortSignal) => Promise<NetworkResponse>;
}

/** The Explain service: what the scheduler thinks, from this replica's cache. Nothing is written. */
export function explainService(deps: ExplainDeps): Handlers<typeof ExplainDefinition> {
  return {
    why: (request, context) => why(deps, request, context),
    plan: (requests, context) => plan(deps, requests, context),
    trace: async (request) => traceOf(deps.cache.view, request),
    top: (request, context) => top(deps, request, context),
    netCheck: async (_request, { signal }) => netCheckOf(deps.cache.view, await deps.network(signal)),
    rebalance: ({ namespace, most }, { signal }) =>
      askPicture(deps, signal, (picture) =>
        rebalanceOf(picture, (name) => namespace === "" || name === namespace, most || limit("rebalanceMost")),
      ),
    when: (request, context) => when(deps, request, context),
    whenSet: (requests, context) => whenSet(deps, requests, context),
  };
}

function why(deps: ExplainDeps, { namespace, name }: WhyRequest, { signal }: CallContext): Promise<WhyResponse> {
  return askPicture(deps, signal, ({ state, view }) => {
    const pod = view.get("Pod", namespace, name);
    if (pod === undefined) throw new TallshipError("not_found", `why Pod/${namespace}/${name}: there is none`);
    return whyOf(state, view, pod);
  });
}

function plan(deps: ExplainDeps, requests: AsyncIterable<ApplyRequest>, context: CallContext): Promise<PlanResponse> {
  const nothing = { pods: [], notes: [], othersWaiting: 0, revision: deps.cache.view.revision };
  return askOfSet(deps, { requests, context, nothing }, planSet);
}

function whenSet(
  deps: ExplainDeps,
  requests: AsyncIterable<ApplyRequest>,
  context: CallContext,
): Promise<WhenResponse> {
  const nothing = { pods: [], waitingCount: 0, unknownEnds: 0, revision: deps.cache.view.revision };
  return askOfSet(deps, { requests, context, nothing }, (objects, picture, moment) => {
    const { owners } = takeSet(objects, picture.state, { overlay: picture.view, context: moment });
    return whenOf(new Set(owners.keys()), picture, moment.nowMs);
  });
}

/** Asks about a set that stands in the picture as after an apply. A set with a document that an apply would refuse is answered with what is wrong. */
async function askOfSet<T>(
  deps: ExplainDeps,
  { requests, context, nothing }: { requests: AsyncIterable<ApplyRequest>; context: CallContext; nothing: T },
  ask: (objects: readonly Typed[], picture: Drawn, moment: ReconcileContext) => Promise<T>,
): Promise<T & { readonly results: readonly ApplyResult[] }> {
  const set = await readSet(requests);
  const decided = await trySet(deps, set, context);
  const isRefused = decided.some(({ task, settled }) => task === undefined || settled !== undefined);
  const { results } = responseOf(decided, { mode: isRefused ? "refused" : "dry_run", revisionName: "" });
  const bare = results.map((result) => ({ ...result, item: undefined }));
  if (isRefused) return { results: bare, ...nothing };
  const objects = decided.flatMap(({ task }) => {
    const stored = task?.stored();
    return stored === undefined ? [] : [decodeObject(stored.bytes)];
  });
  const { clock, rng } = deps;
  const moment = { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs(), newUid: () => rng.uuid() };
  const overlay = new OverlayView(deps.cache.view);
  const asked = (picture: Picture): Promise<T> => ask(objects, { ...picture, view: overlay }, moment);
  return { results: bare, ...(await askPicture(deps, context.signal, asked, overlay)) };
}

function when(deps: ExplainDeps, request: WhenRequest, { signal }: CallContext): Promise<WhenResponse> {
  const { namespace, name, others } = request;
  const nowMs = deps.clock.nowMs();
  return askPicture(deps, signal, async (picture) => {
    const pods = [name, ...others].map((each) => picture.view.get("Pod", namespace, each));
    if (pods[0] === undefined) throw new TallshipError("not_found", `when Pod/${namespace}/${name}: there is none`);
    const uids = pods.flatMap((pod) => (pod === undefined ? [] : [metaOf(pod).uid]));
    return { results: [], ...(await whenOf(new Set(uids), picture, nowMs)) };
  });
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

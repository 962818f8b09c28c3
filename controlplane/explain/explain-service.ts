import { TallshipError } from "../../lib/errors.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import type { ExplainDefinition, WhyRequest, WhyResponse } from "../../proto/gen/tallship/v1/explain.js";
import { askPicture, type PictureDeps } from "./picture.js";
import { whyOf } from "./why.js";

/** The Explain service: what the scheduler thinks, from this replica's cache. Nothing is written. */
export function explainService(deps: PictureDeps): Handlers<typeof ExplainDefinition> {
  return { why: (request, context) => why(deps, request, context) };
}

function why(deps: PictureDeps, { namespace, name }: WhyRequest, { signal }: CallContext): Promise<WhyResponse> {
  return askPicture(deps, signal, (state) => {
    const { view } = deps.cache;
    const pod = view.get("Pod", namespace, name);
    if (pod === undefined) throw new TallshipError("not_found", `why Pod/${namespace}/${name}: there is none`);
    return whyOf(state, view, pod);
  });
}

import { keyOf, keyText, metaOf, storeKey, type Typed } from "../../../kinds/object.js";
import { messageSchema } from "../../../kinds/schema.js";
import { Findings } from "../../../kinds/validation/findings.js";
import { checkRules } from "../../../kinds/validation/rules.js";
import { TallshipError } from "../../../lib/errors.js";
import type { Identity } from "../../../lib/transport/service.js";
import { admitStatus, invalidObject } from "../admission/admit.js";
import { hasStatus, statusOf } from "../admission/parts.js";
import { nodePodStatus, podStatusError } from "../admission/pod-status.js";
import { authorizeObject } from "../authorize.js";
import { fieldsOf } from "../merge/fields.js";
import { typedOf } from "../write/reads.js";
import { refuse } from "../write/task.js";
import { keep, type ObjectTask, objectTask, put, refuseMissing, type TaskContext } from "./object-task.js";
import { refuseOther } from "./update.js";

/** Replaces an object's status and nothing else. A node writes only that of pods bound to it, and names their uid. */
export function updateStatusTask(wanted: Typed, identity: Identity, context: TaskContext): ObjectTask {
  const key = keyOf(wanted);
  const malformed = requestError(wanted, identity);
  return objectTask((reads) => {
    if (malformed !== undefined) return { decision: refuse(malformed) };
    const live = reads.standing(key);
    const before = live === undefined ? undefined : typedOf(live);
    const beyond = authorizeObject({ identity, verb: "updateStatus" }, key, before, reads.view);
    if (beyond !== undefined) return { decision: refuse(beyond, [storeKey(key)]) };
    if (live === undefined || before === undefined) return { decision: refuseMissing("update status of", key) };
    const stale = refuseOther("update status of", wanted, live);
    if (stale !== undefined) return { decision: stale };
    const backwards = podStatusError(wanted, before);
    if (backwards !== undefined) return { decision: refuse(backwards, [storeKey(key)]) };
    const next = admitStatus(identity.role === "node" ? nodePodStatus(wanted, before) : wanted, before);
    return next === before ? keep(live) : put(next, live, reads, context);
  });
}

function requestError(wanted: Typed, identity: Identity): TallshipError | undefined {
  const name = keyText(keyOf(wanted));
  if (!hasStatus(wanted.kind))
    return new TallshipError("invalid_argument", `update status of ${name}: kind ${wanted.kind} has no status`);
  if (identity.role === "node" && metaOf(wanted.object).uid === "")
    return new TallshipError("invalid_argument", `update status of ${name}: a node names the uid`);
  const schema = messageSchema(wanted.kind).byName.get("status");
  const findings = new Findings();
  if (schema !== undefined) checkRules(schema.messageName, fieldsOf(statusOf(wanted)), ["status"], findings);
  return findings.errors.length === 0 ? undefined : invalidObject("update status of", wanted, findings.errors);
}

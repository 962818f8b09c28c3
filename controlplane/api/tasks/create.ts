import { keyOf, keyText, metaOf, storeKey, type Typed, withMeta } from "../../../kinds/object.js";
import { TallshipError } from "../../../lib/errors.js";
import { randomSuffix } from "../../../lib/rng.js";
import { admitNew, invalidObject } from "../admission/admit.js";
import { refuse } from "../write/task.js";
import { type ObjectTask, objectTask, put, type TaskContext } from "./object-task.js";

/** Creates an object; with generateName and no name, under a name of which there is none. */
export function createTask(wanted: Typed, context: TaskContext): ObjectTask {
  const uid = context.rng.uuid();
  const { name, generateName } = metaOf(wanted.object);
  const isNamed = name !== "" || generateName === "";
  const named = (): Typed =>
    isNamed
      ? wanted
      : withMeta(wanted, { ...metaOf(wanted.object), name: generateName + randomSuffix(context.rng, 5) });
  return objectTask((reads) => {
    const { typed, errors } = admitNew(named(), { nowMs: context.nowMs, uid });
    if (errors.length > 0) return { decision: refuse(invalidObject("create", typed, errors)) };
    const key = keyOf(typed);
    if (reads.standing(key) === undefined) return put(typed, undefined, reads, context);
    const error = new TallshipError("already_exists", `create ${keyText(key)}: there is one already`);
    return { decision: refuse(error, [storeKey(key)]) };
  });
}

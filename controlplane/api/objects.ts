import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { CallContext, Handlers, Identity } from "../../lib/transport/service.js";
import type {
  CreateRequest,
  DeleteRequest,
  EvictRequest,
  Item,
  ObjectsDefinition,
  UpdateRequest,
  UpdateStatusRequest,
  UpdateStatusResponse,
} from "../../proto/gen/tallship/v1/api.js";
import { applySet } from "./apply/apply-set.js";
import { undoSet } from "./apply/undo.js";
import { reachOf } from "./authorize.js";
import { type ObjectsDeps, taskContext } from "./objects-deps.js";
import { getObject, itemOf, listObjects } from "./read.js";
import { requestedGrace, requestedKey, requestedObject, requestedPropagation, writableObject } from "./requests.js";
import { createTask } from "./tasks/create.js";
import { deleteTask } from "./tasks/delete.js";
import { evictTask } from "./tasks/evict.js";
import { failedTask, keptRevision, type ObjectTask } from "./tasks/object-task.js";
import { updateTask } from "./tasks/update.js";
import { updateStatusTask } from "./tasks/update-status.js";
import { watchObjects } from "./watch/watch-objects.js";
import { TaskRun } from "./write/writer.js";

/** The Objects service: the same for every kind, over a store and its cache. Knows nothing of gRPC. */
export function objectsService(deps: ObjectsDeps): Handlers<typeof ObjectsDefinition> {
  return {
    apply: (requests, context) => applySet(deps, requests, context),
    create: (request, context) => create(deps, request, context),
    get: (request, context) => getObject(deps.cache, request, context),
    list: (request, context) => listObjects(deps.cache, request, context),
    update: (request, context) => update(deps, request, context),
    updateStatus: (request, context) => updateStatus(deps, request, context),
    delete: (request, context) => remove(deps, request, context),
    evict: (request, context) => evict(deps, request, context),
    undo: (request, context) => undoSet(deps, request, context),
    watch: (request, context) => watchObjects(deps, request, context),
  };
}

function create(deps: ObjectsDeps, { object, dryRun }: CreateRequest, context: CallContext): Promise<Item> {
  const wanted = writableObject(object);
  reachOf(context.identity, "write", wanted.kind);
  return runOne(deps, createTask(wanted, taskContext(deps)), { dryRun, signal: context.signal });
}

function update(deps: ObjectsDeps, { object, dryRun }: UpdateRequest, context: CallContext): Promise<Item> {
  const wanted = writableObject(object);
  reachOf(context.identity, "write", wanted.kind);
  return runOne(deps, updateTask(wanted, taskContext(deps)), { dryRun, signal: context.signal });
}

function remove(deps: ObjectsDeps, request: DeleteRequest, context: CallContext): Promise<Item> {
  const key = requestedKey(request.name);
  const graceSeconds = requestedGrace(request);
  const wanted = { key, uid: request.uid, graceSeconds, propagation: requestedPropagation(request.propagation) };
  const task = deleteTask(wanted, context.identity, taskContext(deps));
  return runOne(deps, task, { dryRun: request.dryRun, signal: context.signal });
}

function evict(deps: ObjectsDeps, request: EvictRequest, context: CallContext): Promise<Item> {
  const { namespace, name, uid, dryRun } = request;
  const key = requestedKey({ kind: "Pod", namespace, name });
  const wanted = { key: { ...key, kind: "Pod" as const }, uid, graceSeconds: requestedGrace(request) };
  return runOne(deps, evictTask(wanted, taskContext(deps)), { dryRun, signal: context.signal });
}

async function updateStatus(
  deps: ObjectsDeps,
  { objects }: UpdateStatusRequest,
  context: CallContext,
): Promise<UpdateStatusResponse> {
  if (objects.length > limit("statusBatch"))
    throw new TallshipError("too_large", `update status: ${objects.length} objects, at most ${limit("statusBatch")}`);
  const tasks = objects.map((bytes) => statusTask(deps, bytes, context.identity));
  const run = new TaskRun(deps, tasks);
  await run.decide(context.signal);
  const settled = await run.commit(context.signal);
  return {
    results: settled.map((result, at) => {
      if (result.is === "failed") return { code: result.error.code, message: result.error.message, revision: 0 };
      return { code: "", message: "", revision: result.is === "written" ? result.revision : keptRevision(tasks[at]) };
    }),
  };
}

/** An object that cannot be read fails for itself, not the batch. */
function statusTask(deps: ObjectsDeps, bytes: Uint8Array, identity: Identity): ObjectTask {
  try {
    return updateStatusTask(requestedObject(bytes), identity, taskContext(deps));
  } catch (error) {
    return failedTask(error);
  }
}

async function runOne(
  deps: ObjectsDeps,
  task: ObjectTask,
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal: AbortSignal },
): Promise<Item> {
  const run = new TaskRun(deps, [task]);
  for (const error of (await run.decide(signal)).values()) throw error;
  const [settled] = dryRun ? [] : await run.commit(signal);
  if (settled?.is === "failed") throw settled.error;
  const bytes = task.stored()?.bytes ?? new Uint8Array();
  return itemOf({ bytes, revision: settled?.is === "written" ? settled.revision : keptRevision(task) });
}

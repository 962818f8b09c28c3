import { encodeObject } from "../../kinds/object.js";
import type { ReadObject } from "../../kinds/read.js";
import { TallshipError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import { ApplyRequest, type ApplyResponse, type ObjectName } from "../../proto/gen/tallship/v1/api.js";
import type { Cluster } from "../cluster.js";
import type { FileFlags } from "../input/files.js";
import type { Shell } from "../shell.js";
import { setName } from "./set-name.js";
import { refOf } from "./told.js";

/** How a set is sent. */
export interface Sending {
  readonly cluster: Cluster;
  readonly shell: Shell;
  /** Name of the set; empty: the server finds one. */
  readonly set: string;
  readonly force: boolean;
  /** Whose fields the documents are; tsctl when absent. */
  readonly manager?: string | undefined;
}

/** How long a set may take. */
export const APPLY_MS = 600_000;

/** Sends objects as one set. An object that is too large to be stored is refused before any is sent. */
export function sendSet(objects: readonly ReadObject[], options: SetOptions): Promise<ApplyResponse> {
  const { cluster, shell } = options;
  return cluster.objects.apply(setRequests(objects, options), { signal: shell.signal, deadlineMs: APPLY_MS });
}

/** How a set is sent, and whether it is meant. */
export interface SetOptions extends Sending {
  readonly isDry: boolean;
  readonly prune: readonly ObjectName[];
}

/** The messages of a set. An object that is too large to be stored is refused before there is any. */
export function setRequests(
  objects: readonly ReadObject[],
  { cluster, set, force, manager = "tsctl", isDry, prune }: SetOptions,
): AsyncGenerator<ApplyRequest> {
  const header = { set, manager, dryRun: isDry, force, namespace: cluster.namespace, prune: [...prune] };
  const start = ApplyRequest.fromPartial({ part: { $case: "header", value: header } });
  return streamOf([start, ...objects.map(documentOf)]);
}

async function* streamOf(requests: readonly ApplyRequest[]): AsyncGenerator<ApplyRequest> {
  yield* requests;
}

function documentOf({ typed, place }: ReadObject): ApplyRequest {
  const object = encodeObject(typed);
  if (object.length > LIMITS.objectBytes.value)
    throw new TallshipError(
      "too_large",
      `${place}: ${refOf(typed)} has ${object.length} bytes, at most ${LIMITS.objectBytes.value} are stored`,
    );
  return ApplyRequest.fromPartial({
    part: { $case: "document", value: { object: Buffer.from(object), source: place } },
  });
}

/** Name of the set that the flags mean; a part that a selector chose is a set of its own, which the server names. A kustomization's is the end of its folder's real path, so that it is the same from wherever it is applied. */
export async function nameOfSet(
  { kustomize, filename, selector }: FileFlags & { readonly selector?: string | undefined },
  shell: Shell,
): Promise<string> {
  if (selector !== undefined) return "";
  if (kustomize === undefined) return setName(filename);
  const steps = (await shell.files.realPath(kustomize)).split("/").filter((step) => step !== "");
  return setName([steps.slice(-3).join(".")]);
}

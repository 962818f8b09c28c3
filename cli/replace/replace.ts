import { keyOf, metaOf, type Typed, withMeta } from "../../kinds/object.js";
import { hasCode } from "../../lib/errors.js";
import { DeleteRequest } from "../../proto/gen/tallship/v1/api.js";
import { type ChangeRun, writeObject } from "../change/change.js";
import { type ChangeFlags, withChanges } from "../change/each.js";
import { writeEach } from "../create/create.js";
import { createObject } from "../create/write.js";
import { waitUntilGone } from "../delete/gone.js";
import type { FileFlags } from "../input/files.js";
import { readInput } from "../input/objects.js";
import { nameOf, objectOf } from "../objects.js";
import type { Shell } from "../shell.js";

/** What `replace` was asked. */
export interface ReplaceFlags extends ChangeFlags, FileFlags {
  readonly strict: boolean;
  readonly force: boolean;
  readonly gracePeriod: number | undefined;
  readonly timeout: number | undefined;
}

/** Writes every object in the files whole over the one that stands; with --force over a new one. */
export async function runReplace({ flags }: { readonly flags: ReplaceFlags }, shell: Shell): Promise<number> {
  return withChanges(flags, shell, async (changes) => {
    const objects = await readInput(shell, { ...flags, warn: true }, changes.cluster);
    const isForced = flags.force && changes.run.dryRun === undefined;
    const write = isForced
      ? (typed: Typed) => replaceByNew(changes.run, typed, flags)
      : (typed: Typed) => writeObject(changes.run, typed);
    return writeEach(changes, objects, write, "replaced");
  });
}

/** Deletes the object, waits until it is gone and creates it anew: what may not be changed can be so. */
async function replaceByNew(run: ChangeRun, typed: Typed, flags: ReplaceFlags): Promise<Typed> {
  const { cluster, shell } = run;
  const key = keyOf(typed);
  try {
    const request = { name: nameOf(key), gracePeriodSeconds: flags.gracePeriod, propagation: "background" };
    const item = await cluster.objects.delete(DeleteRequest.fromPartial(request), { signal: shell.signal });
    const uid = item.object.length === 0 ? "" : metaOf(objectOf(item).object).uid;
    await waitUntilGone({ shell, cluster, timeoutMs: flags.timeout }, [{ key, uid }]);
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
  }
  return createObject(run, withMeta(typed, { ...metaOf(typed.object), uid: "", resourceVersion: "" }));
}

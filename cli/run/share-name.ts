import type { Json } from "../../kinds/encode.js";
import { keyOf, metaOf, type Typed, withMeta } from "../../kinds/object.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import type { OwnerReference } from "../../proto/gen/tallship/v1/meta.js";
import { type ChangeRun, changeObject, mergePatch } from "../change/change.js";
import { createObject } from "../create/write.js";
import { getTyped } from "../objects.js";

/** Tries again when the last of those who had a name took it along in between. */
const TRIES = 5;

/** Throws already_exists when a name is that of something else than containers that share it. */
export async function refuseForeign(run: ChangeRun, name: Typed): Promise<void> {
  try {
    checkShared(await getTyped(run.cluster, keyOf(name), run.shell.signal), name);
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
  }
}

/** Has a name lead to one more container, which becomes one of its owners: the name goes with the last of them. */
export async function shareName(run: ChangeRun, name: Typed, owner: OwnerReference): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (!(await createName(run, name, owner))) await joinName(run, name, owner);
      return;
    } catch (error) {
      if (!hasCode(error, "not_found") || attempt === TRIES) throw error;
    }
  }
}

async function createName(run: ChangeRun, name: Typed, owner: OwnerReference): Promise<boolean> {
  try {
    await createObject(run, withMeta(name, { ...metaOf(name.object), ownerReferences: [owner] }));
    return true;
  } catch (error) {
    if (hasCode(error, "already_exists")) return false;
    throw error;
  }
}

async function joinName(run: ChangeRun, name: Typed, owner: OwnerReference): Promise<void> {
  await changeObject(run, keyOf(name), (live) => {
    checkShared(live, name);
    const { ownerReferences } = metaOf(live.object);
    if (ownerReferences.some(({ uid }) => uid === owner.uid)) return undefined;
    return mergePatch({
      metadata: { ownerReferences: [...ownerReferences, owner].map((each): Json => ({ ...each })) },
    });
  });
}

function checkShared(live: Typed, name: Typed): void {
  const isSame =
    live.kind === "Service" &&
    name.kind === "Service" &&
    deepEqual(live.object.spec?.selector, name.object.spec?.selector);
  if (isSame) return;
  const { name: word } = metaOf(name.object);
  throw new TallshipError(
    "already_exists",
    `the name "${word}" is in use by a service that is no alias: choose another`,
  );
}

import { decodeObject, type Typed } from "../../kinds/object.js";
import type { KindName } from "../../kinds/registry.js";
import type { Clock } from "../../lib/clock.js";
import { asTallshipError, hasCode, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import type { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import type { ClaimSource } from "../claim-source.js";
import type { AddressBook } from "./address-book.js";

/** Milliseconds between two looks at a claim that is just being bound. */
const lookAgainMs = 50;

/** Reads claims and their volumes from the control plane. */
export function claimReader(book: AddressBook, clock: Clock): ClaimSource {
  return {
    volumeOf: async ({ namespace, name }, signal) => {
      const endMs = clock.monotonicMs() + limit("claimWaitMs");
      for (;;) {
        const found = await look(book, namespace, name);
        if (typeof found !== "string") return found;
        if (clock.monotonicMs() >= endMs) throw new TallshipError("failed_precondition", found);
        await clock.sleep(lookAgainMs, signal);
      }
    },
  };
}

/** The claim's volume, or why it has none. */
async function look(book: AddressBook, namespace: string, name: string): Promise<PersistentVolume | string> {
  const claim = await read(book, "PersistentVolumeClaim", namespace, name);
  if (claim?.kind !== "PersistentVolumeClaim") return `persistentvolumeclaim "${name}" not found`;
  const { spec, status } = claim.object;
  const volumeName = spec?.volumeName ?? "";
  if (status?.phase !== "Bound" || volumeName === "") return `persistentvolumeclaim "${name}" is not bound yet`;
  const volume = await read(book, "PersistentVolume", "", volumeName);
  if (volume?.kind !== "PersistentVolume") return `persistentvolume "${volumeName}" not found`;
  return volume.object;
}

async function read(book: AddressBook, kind: KindName, namespace: string, name: string): Promise<Typed | undefined> {
  const address = book.current;
  try {
    const client = book.channel(address).client(ObjectsDefinition);
    const { object } = await client.get({ name: { kind, namespace, name }, minRevision: 0 });
    return decodeObject(object);
  } catch (caught) {
    // A replica that has not seen the pod or its claim yet refuses what the pod names.
    if (hasCode(caught, "not_found") || hasCode(caught, "forbidden")) return undefined;
    const error = asTallshipError(caught, "unavailable");
    if (error.code !== "unavailable" && error.code !== "deadline_exceeded") throw error;
    book.failed(address);
    throw new TallshipError("unavailable", `read ${kind} ${name}: ${error.message}`, { cause: caught });
  }
}

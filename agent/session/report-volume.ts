import { encodeObject, metaOf } from "../../kinds/object.js";
import { TallshipError } from "../../lib/errors.js";
import { ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import type { AddressBook } from "./address-book.js";

/** Writes the status of a volume of this node. Rejects with unavailable when it was not taken; a volume that is gone needs nothing. */
export async function reportVolume(book: AddressBook, volume: PersistentVolume): Promise<void> {
  const { name, uid } = metaOf(volume);
  const object = PersistentVolume.fromPartial({ metadata: { name, uid }, status: volume.status });
  const client = book.channel(book.current).client(ObjectsDefinition);
  const objects = [Buffer.from(encodeObject({ kind: "PersistentVolume", object }))];
  const { results } = await client.updateStatus({ objects });
  const { code = "", message = "" } = results[0] ?? {};
  if (code !== "" && code !== "not_found")
    throw new TallshipError("unavailable", `report volume ${name}: ${code}: ${message}`);
}

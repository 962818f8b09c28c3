import { metaOf } from "../../kinds/object.js";
import { asTallshipError, hasCode } from "../../lib/errors.js";
import { ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { AddressBook } from "./address-book.js";

/** Removes the object of a pod that is gone from this node. One that has gone already, or is another by now, is no failure. */
export async function releasePod(book: AddressBook, pod: Pod): Promise<void> {
  const { namespace, name, uid } = metaOf(pod);
  const address = book.current;
  const request = {
    name: { kind: "Pod", namespace, name },
    uid,
    gracePeriodSeconds: 0,
    propagation: "",
    dryRun: false,
  };
  try {
    await book.channel(address).client(ObjectsDefinition).delete(request);
  } catch (caught) {
    if (hasCode(caught, "not_found")) return;
    const error = asTallshipError(caught, "unavailable");
    if (error.code === "unavailable" || error.code === "deadline_exceeded") book.failed(address);
    throw error;
  }
}

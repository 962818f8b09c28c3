import { decodeObject } from "../../kinds/object.js";
import { asTallshipError, hasCode, TallshipError } from "../../lib/errors.js";
import { ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import type { ConfigSource } from "../config-source.js";
import type { ConfigContent } from "../config-values.js";
import type { AddressBook } from "./address-book.js";

/**
 * Reads ConfigMaps and Secrets from the control plane, as they are from a revision on. Pods that ask for the same one at the same time share
 * one call.
 */
export function configReader(book: AddressBook, minRevision: () => number): ConfigSource {
  const underWay = new Map<string, Promise<ConfigContent | undefined>>();
  const read = async (kind: "ConfigMap" | "Secret", namespace: string, name: string) => {
    const address = book.current;
    try {
      const client = book.channel(address).client(ObjectsDefinition);
      const { object, revision } = await client.get({ name: { kind, namespace, name }, minRevision: minRevision() });
      return { revision, values: valuesOf(object) };
    } catch (caught) {
      if (hasCode(caught, "not_found")) return undefined;
      const error = asTallshipError(caught, "unavailable");
      if (error.code === "unavailable" || error.code === "deadline_exceeded") {
        book.failed(address);
        throw new TallshipError("unavailable", `read ${kind} ${namespace}/${name}: ${error.message}`, {
          cause: caught,
        });
      }
      throw error;
    }
  };
  return {
    get: (kind, { namespace, name }) => {
      const key = `${kind}/${namespace}/${name}@${minRevision()}`;
      const shared = underWay.get(key);
      if (shared !== undefined) return shared;
      const started = read(kind, namespace, name).finally(() => underWay.delete(key));
      underWay.set(key, started);
      return started;
    },
  };
}

function valuesOf(bytes: Uint8Array): Readonly<Record<string, Uint8Array>> {
  const typed = decodeObject(bytes);
  if (typed.kind === "Secret") return typed.object.data;
  if (typed.kind !== "ConfigMap") throw new TallshipError("internal", `read a config: got a ${typed.kind}`);
  const texts = Object.entries(typed.object.data).map(([key, text]) => [key, Buffer.from(text)] as const);
  return { ...typed.object.binaryData, ...Object.fromEntries(texts) };
}

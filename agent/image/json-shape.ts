import { TallshipError } from "../../lib/errors.js";
import { asObject, type JsonObject } from "../../lib/json-shape.js";

/** Parses bytes that must be one JSON object; `what` names them in the error, image_refused. */
export function parseJsonObject(bytes: Uint8Array, what: string): JsonObject {
  const found = asObject(parseJson(bytes, what));
  if (found === undefined) throw new TallshipError("image_refused", `${what} is not a JSON object`);
  return found;
}

/** Parses bytes that must be JSON; `what` names them in the error, image_refused. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 120) : "";
    throw new TallshipError("image_refused", `${what} is not JSON: ${why}`, { cause: error });
  }
}

import { TallshipError } from "../../lib/errors.js";
import { type AnyVerb, verb } from "../verb.js";

/** A verb of docker's that is not there, with what does it here. */
export function notOffered(name: string, instead: string): AnyVerb {
  return verb({
    forms: [name],
    description: `Not offered: ${instead}.`,
    flags: {},
    operands: "words",
    readsNothing: true,
    run: async () => {
      throw new TallshipError("not_supported", `${name} is not offered: ${instead}`);
    },
  });
}

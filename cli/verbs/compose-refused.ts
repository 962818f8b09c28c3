import { TallshipError } from "../../lib/errors.js";
import { type AnyVerb, verb } from "../verb.js";

/** A verb of docker's that a cluster cannot do, with what does instead. */
export function composeRefused(name: string, instead: string): AnyVerb {
  return verb({
    forms: [`compose ${name}`],
    description: `Not supported: ${instead}.`,
    flags: {},
    readsNothing: true,
    operands: "words",
    run: async () => {
      throw new TallshipError("not_supported", `compose ${name} is not supported: ${instead}`);
    },
  });
}

import { TallshipError } from "../../lib/errors.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** kubectl's tokens of service accounts, which nothing here would take. */
export const createToken = verb({
  forms: ["create token ACCOUNT"],
  description:
    "Not supported: pods have no identity towards the API, so a service account has no token. Users are known by certificates; tokens that let hosts join come from `tsctl token create`.",
  flags: {
    duration: { type: "duration", value: "TIME", summary: "accepted for kubectl's sake" },
    audience: { type: "list", value: "NAME", summary: "accepted for kubectl's sake" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: async () => {
    throw new TallshipError(
      "not_supported",
      "create token is not supported: pods have no identity towards the API, so nothing would take a service account's token; users are known by certificates, and hosts join with `tsctl token create`",
    );
  },
});

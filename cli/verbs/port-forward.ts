import { runForward } from "../containers/forward.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Goes on when a pod is restarted or replaced: each connection finds its pod anew. */
export const portForward = verb({
  forms: ["port-forward POD [LOCAL:]PORT…", "port-forward TYPE/NAME [LOCAL:]PORT…"],
  examples: [
    ["port-forward deploy/web 8080:80", "port 8080 here leads to port 80 of a ready pod"],
    ["port-forward svc/db :5432", "any port that is free"],
  ],
  flags: {
    address: { type: "list", value: "ADDRESS", summary: "where to listen here; localhost when absent" },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: runForward,
});

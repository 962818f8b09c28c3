import { CreateTokenRequest } from "../../proto/gen/tallship/v1/api.js";
import { withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { usageError, verb } from "../verb.js";

/** Prints the token alone, so that a script can take it; a terminal is told what to do with it. */
export const tokenCreate = verb({
  forms: ["token create [--role ROLE] [--ttl TIME] [--uses N]"],
  description:
    "The token is shown once and never again. A control-plane token works once; a worker token works for any number of\nhosts until it expires, or as often as --uses says.",
  examples: [["token create --role control-plane --ttl 10m", "for one more control plane"]],
  flags: {
    role: {
      type: "text",
      value: "ROLE",
      choices: ["worker", "control-plane", "metrics", "admin"],
      summary: "what its holder becomes; worker when absent",
    },
    ttl: { type: "duration", value: "TIME", summary: "how long it lasts; one hour when absent" },
    uses: { type: "number", value: "N", min: 1, summary: "how often it works" },
    context: CLUSTER_FLAGS.context,
    config: CLUSTER_FLAGS.config,
  },
  operands: "none",
  run: async ({ flags }, shell) => {
    const { role = "worker", ttl, uses } = flags;
    if (ttl !== undefined && ttl < 1_000) throw usageError("--ttl is at least one second");
    return withCluster(shell, flags, async ({ cluster }) => {
      const request = CreateTokenRequest.fromPartial({
        role,
        ttlSeconds: Math.round((ttl ?? 0) / 1_000),
        uses: uses ?? 0,
      });
      const { token } = await cluster.createToken(request, { signal: shell.signal });
      await shell.stdout.write(`${token}\n`);
      const more = role === "control-plane" ? " --control-plane" : "";
      if (shell.stdout.isTerminal && (role === "worker" || role === "control-plane"))
        await shell.stderr.write(`on the host that is to join: tallshipd join ${token}${more}\n`);
      return EXIT.ok;
    });
  },
});

import { RevokeTokenRequest } from "../../proto/gen/tallship/v1/api.js";
import { withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { eachOf } from "../objects.js";
import { toldAlready, usageError, verb } from "../verb.js";

/** By id, or by the whole token. */
export const tokenRevoke = verb({
  forms: ["token revoke ID…"],
  flags: { context: CLUSTER_FLAGS.context, config: CLUSTER_FLAGS.config },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    if (operands.length === 0) throw usageError("name the tokens by id: tsctl token list shows them");
    return withCluster(shell, flags, async ({ cluster }) => {
      const failures = await eachOf(operands.map(idOf), async (id) => {
        await cluster.revokeToken(RevokeTokenRequest.fromPartial({ id }), { signal: shell.signal });
        await shell.stdout.write(`token ${id} revoked\n`);
      });
      for (const failure of failures) await shell.stderr.write(`error: ${failure.message}\n`);
      const [first] = failures;
      if (first !== undefined) throw toldAlready(first.code);
      return EXIT.ok;
    });
  },
});

/** TSJ1.<pin>.<id>.<secret>.<addresses>: the secret is not sent. */
function idOf(word: string): string {
  const [form, , id] = word.split(".");
  return form === "TSJ1" && id !== undefined ? id : word;
}

import { durationText } from "../../kinds/age.js";
import { parseTime } from "../../lib/clock.js";
import type { TokenSummary } from "../../proto/gen/tallship/v1/api.js";
import { withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { formatTable } from "../table.js";
import { verb } from "../verb.js";

/** Never shows a secret: the server keeps none. */
export const tokenList = verb({
  forms: ["token list [-o json]"],
  flags: {
    output: { type: "text", short: "o", value: "FORMAT", choices: ["json"], summary: "print in this format" },
    context: CLUSTER_FLAGS.context,
    config: CLUSTER_FLAGS.config,
  },
  operands: "none",
  run: async ({ flags }, shell) =>
    withCluster(shell, flags, async ({ cluster }) => {
      const { tokens } = await cluster.listTokens({}, { signal: shell.signal });
      if (flags.output === "json") await shell.stdout.write(`${JSON.stringify(tokens, null, 4)}\n`);
      else if (tokens.length === 0) await shell.stderr.write("no tokens found\n");
      else await shell.stdout.write(formatTable([HEADINGS, ...tokens.map((token) => row(token, shell.clock.nowMs()))]));
      return EXIT.ok;
    }),
});

const HEADINGS = ["ID", "ROLE", "USES LEFT", "EXPIRES IN", "AGE"];

function row({ id, role, usesLeft, expiresAt, createdAt }: TokenSummary, nowMs: number): readonly string[] {
  const leftMs = parseTime(expiresAt) - nowMs;
  return [
    id,
    role,
    usesLeft < 0 ? "any" : String(usesLeft),
    leftMs <= 0 ? "expired" : durationText(leftMs),
    durationText(nowMs - parseTime(createdAt)),
  ];
}

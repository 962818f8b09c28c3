import { TallshipError } from "../../lib/errors.js";
import { readContextFile } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** For prompts and scripts. */
export const configCurrentContext = verb({
  forms: ["config current-context"],
  flags: { config: CLUSTER_FLAGS.config },
  operands: "none",
  run: async ({ flags }, shell) => {
    const { path, file } = await readContextFile(shell, flags);
    if (file.current === "") throw new TallshipError("not_found", `current-context is not set in ${path}`);
    await shell.stdout.write(`${file.current}\n`);
    return EXIT.ok;
  },
});

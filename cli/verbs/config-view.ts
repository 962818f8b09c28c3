import { contextsTable } from "../config/contexts.js";
import { readContextFile } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Certificates and keys stay hidden. */
export const configView = verb({
  forms: ["config view"],
  description:
    "The context file is the one that --config names, else TSCTL_CONFIG, else ~/.tallship/config, else\n/etc/tallship/admin.yaml, which tallshipd init writes.",
  flags: { config: CLUSTER_FLAGS.config },
  operands: "none",
  run: async ({ flags }, shell) => {
    const { path, file } = await readContextFile(shell, flags);
    await shell.stdout.write(contextsTable(file, file.contexts, true));
    await shell.stderr.write(`from ${path}\n`);
    return EXIT.ok;
  },
});

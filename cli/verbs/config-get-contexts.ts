import { contextNamed, contextsTable } from "../config/contexts.js";
import { readContextFile } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { TABLE_FLAGS } from "../print.js";
import { verb } from "../verb.js";

/** Certificates and keys stay hidden. */
export const configGetContexts = verb({
  forms: ["config get-contexts [NAME…] [-o name]"],
  flags: {
    output: { type: "text", short: "o", value: "FORMAT", choices: ["name"], summary: "print only names" },
    noHeaders: TABLE_FLAGS.noHeaders,
    config: CLUSTER_FLAGS.config,
  },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const found = await readContextFile(shell, flags);
    const contexts = operands.length === 0 ? found.file.contexts : operands.map((name) => contextNamed(found, name));
    const text =
      flags.output === "name"
        ? contexts.map(({ name }) => `${name}\n`).join("")
        : contextsTable(found.file, contexts, !flags.noHeaders);
    await shell.stdout.write(text);
    return EXIT.ok;
  },
});

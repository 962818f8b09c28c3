import { formatContextFile } from "../../lib/context-file.js";
import { TallshipError } from "../../lib/errors.js";
import { readContextFile } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { usageError, verb } from "../verb.js";

/** Changes the file's current context. */
export const configUseContext = verb({
  forms: ["config use-context NAME"],
  flags: { config: CLUSTER_FLAGS.config },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const [name, ...others] = operands;
    if (name === undefined || others.length > 0) throw usageError("name one context");
    const { path, file } = await readContextFile(shell, flags);
    if (!file.contexts.some((context) => context.name === name))
      throw new TallshipError("not_found", `context "${name}" is not in ${path}`);
    await shell.files.write(path, formatContextFile({ ...file, current: name }));
    await shell.stdout.write(`context "${name}" is used from now on\n`);
    return EXIT.ok;
  },
});

import { FORMATS } from "../../kinds/formats.js";
import { formatContextFile } from "../../lib/context-file.js";
import { TallshipError } from "../../lib/errors.js";
import { readContextFile } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { usageError, verb } from "../verb.js";

/** Changes the current context, or the one named. */
export const configSetNamespace = verb({
  forms: ["config set-namespace NAME [--context NAME]"],
  flags: { context: CLUSTER_FLAGS.context, config: CLUSTER_FLAGS.config },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const [namespace, ...others] = operands;
    if (namespace === undefined || others.length > 0) throw usageError("name one namespace");
    const wrong = FORMATS.dnsLabel(namespace);
    if (wrong !== undefined) throw usageError(`namespace "${namespace}": ${wrong}`);
    const { path, file } = await readContextFile(shell, flags);
    const name = flags.context ?? file.current;
    if (!file.contexts.some((context) => context.name === name))
      throw new TallshipError("not_found", `context "${name}" is not in ${path}`);
    const contexts = file.contexts.map((context) => (context.name === name ? { ...context, namespace } : context));
    await shell.files.write(path, formatContextFile({ ...file, contexts }));
    await shell.stdout.write(`context "${name}" uses namespace ${namespace}\n`);
    return EXIT.ok;
  },
});

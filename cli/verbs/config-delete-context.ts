import { changeContexts, contextNamed } from "../config/contexts.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { usageError, verb } from "../verb.js";

/** The certificate and key that stand in the context go with it. */
export const configDeleteContext = verb({
  forms: ["config delete-context NAME"],
  flags: { config: CLUSTER_FLAGS.config },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const [name, ...others] = operands;
    if (name === undefined || others.length > 0) throw usageError("name one context");
    const { path, file } = await changeContexts(shell, flags, (found) => {
      const gone = contextNamed(found, name);
      return { ...found.file, contexts: found.file.contexts.filter((context) => context !== gone) };
    });
    await shell.stdout.write(`deleted context ${name} from ${path}\n`);
    if (file.current === name)
      await shell.stderr.write("warning: it was the current context; choose another: tsctl config use-context NAME\n");
    return EXIT.ok;
  },
});

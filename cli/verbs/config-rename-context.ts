import { TallshipError } from "../../lib/errors.js";
import { changeContexts, contextNamed } from "../config/contexts.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { usageError, verb } from "../verb.js";

/** The current context stays current under its new name. */
export const configRenameContext = verb({
  forms: ["config rename-context NAME NEW-NAME"],
  flags: { config: CLUSTER_FLAGS.config },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const [from, to, ...others] = operands;
    if (from === undefined || to === undefined || others.length > 0)
      throw usageError("name the context and its new name");
    await changeContexts(shell, flags, (found) => {
      const { file, path } = found;
      const renamed = contextNamed(found, from);
      if (file.contexts.some(({ name }) => name === to))
        throw new TallshipError("already_exists", `context "${to}" is in ${path} already`);
      return {
        current: file.current === from ? to : file.current,
        contexts: file.contexts.map((context) => (context === renamed ? { ...context, name: to } : context)),
      };
    });
    await shell.stdout.write(`context "${from}" renamed to "${to}"\n`);
    return EXIT.ok;
  },
});

import { FORMATS } from "../../kinds/formats.js";
import { changeContexts, contextNamed } from "../config/contexts.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { usageError, verb } from "../verb.js";

/** A context that is not there yet is made of another one, whose servers and certificate it shares. */
export const configSetContext = verb({
  forms: [
    "config set-context NAME|--current [--namespace NAME] [--server HOST:PORT…] [--cluster CONTEXT] [--user CONTEXT]",
  ],
  examples: [
    ["config set-context --current --namespace=shop", "another namespace from now on"],
    ["config set-context shop --namespace=shop", "a second context on the same cluster"],
  ],
  flags: {
    current: { type: "switch", summary: "change the current context" },
    namespace: CLUSTER_FLAGS.namespace,
    server: { type: "list", value: "HOST:PORT", summary: "address of a control plane; may be repeated" },
    cluster: { type: "text", value: "CONTEXT", summary: "take servers and authority of this context" },
    user: { type: "text", value: "CONTEXT", summary: "take certificate and key of this context" },
    config: CLUSTER_FLAGS.config,
  },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const [given, ...others] = operands;
    if (others.length > 0 || (given === undefined) !== flags.current)
      throw usageError("name one context, or say --current");
    const wrong = flags.namespace === undefined ? undefined : FORMATS.dnsLabel(flags.namespace);
    if (wrong !== undefined) throw usageError(`namespace "${flags.namespace}": ${wrong}`);
    let told = "";
    await changeContexts(shell, flags, (found) => {
      const { file } = found;
      const name = given ?? file.current;
      const before = file.contexts.find((context) => context.name === name);
      const cluster = contextNamed(found, flags.cluster ?? before?.name ?? file.current);
      const user = contextNamed(found, flags.user ?? before?.name ?? file.current);
      const context = {
        name,
        servers: flags.server.length > 0 ? flags.server : cluster.servers,
        ca: cluster.ca,
        cert: user.cert,
        key: user.key,
        namespace: flags.namespace ?? before?.namespace,
      };
      told = `Context "${name}" ${before === undefined ? "created" : "modified"}.`;
      const rest =
        before === undefined
          ? [...file.contexts, context]
          : file.contexts.map((each) => (each === before ? context : each));
      return { ...file, contexts: rest };
    });
    await shell.stdout.write(`${told}\n`);
    return EXIT.ok;
  },
});

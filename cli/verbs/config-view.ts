import { readContextFile } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { formatTable } from "../table.js";
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
    const rows = file.contexts.map(({ name, servers, namespace }) => [
      name === file.current ? "*" : "",
      name,
      servers.join(","),
      namespace ?? "default",
    ]);
    await shell.stdout.write(formatTable([["CURRENT", "NAME", "SERVERS", "NAMESPACE"], ...rows]));
    await shell.stderr.write(`from ${path}\n`);
    return EXIT.ok;
  },
});

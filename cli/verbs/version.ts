import { COMMIT, VERSION } from "../../lib/build-info.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Answers with `--client` without reading a file or opening a connection. */
export const version = verb({
  forms: ["version [--client] [-o json|yaml]"],
  flags: {
    client: { type: "switch", summary: "only this program's version" },
    output: { type: "text", short: "o", value: "FORMAT", choices: ["json", "yaml"], summary: "print in this format" },
    context: CLUSTER_FLAGS.context,
    config: CLUSTER_FLAGS.config,
  },
  operands: "none",
  run: async ({ flags }, shell) => {
    const client = { version: VERSION, commit: COMMIT };
    if (flags.client) {
      await shell.stdout.write(await text({ client }, flags.output));
      return 0;
    }
    const { withCluster } = await import("../cluster.js");
    // What is known here is told even when nobody answers there.
    if (flags.output === undefined) await shell.stdout.write(await text({ client }, undefined));
    return withCluster(shell, flags, async ({ cluster, address }) => {
      const answer = await cluster.info({}, { signal: shell.signal });
      const server = { version: answer.version, commit: answer.commit, address };
      await shell.stdout.write(await text(flags.output === undefined ? { server } : { client, server }, flags.output));
      return 0;
    });
  },
});

type Versions = Readonly<
  Record<string, { readonly version: string; readonly commit: string; readonly address?: string }>
>;

async function text(versions: Versions, format: string | undefined): Promise<string> {
  if (format === "json") return `${JSON.stringify(versions, null, 4)}\n`;
  if (format === "yaml") {
    const { printYaml } = await import("../../kinds/yaml/print.js");
    return printYaml(JSON.parse(JSON.stringify(versions)));
  }
  return Object.entries(versions)
    .map(
      ([side, { version: number, commit, address }]) =>
        `${side}: ${number} (${commit})${address === undefined ? "" : ` at ${address}`}\n`,
    )
    .join("");
}

import type { ImageOutput } from "../../proto/gen/tallship/v1/images.js";
import { CLUSTER_FLAGS, type Flags } from "../flags.js";
import type { Shell } from "../shell.js";
import { Progress } from "./progress.js";

/** What is said of an image that is made of files. */
export const MADE_FLAGS = {
  change: {
    type: "list",
    short: "c",
    value: "INSTRUCTION",
    summary: "instruction of a Dockerfile that says how it is run, such as ENV A=1; may be repeated",
  },
  message: { type: "text", short: "m", value: "TEXT", summary: "what is to be known of it, for its history" },
  quiet: { type: "switch", short: "q", summary: "tell nothing of how far it is" },
  ...CLUSTER_FLAGS,
} as const satisfies Flags;

/** Tells how far the making of an image is, and at last its id as `images --no-trunc` has it. */
export async function tellMade(outputs: AsyncIterable<ImageOutput>, shell: Shell, isQuiet: boolean): Promise<void> {
  const progress = new Progress(shell, isQuiet);
  for await (const { part } of outputs) {
    if (part?.$case === "progress") await progress.tell(part.value);
    if (part?.$case !== "loaded") continue;
    await progress.clear();
    await shell.stdout.write(`${part.value.spec?.configDigest ?? ""}\n`);
    if (part.value.nodes.length === 1) await shell.stderr.write(`only node ${part.value.nodes[0]} holds it yet\n`);
  }
  await progress.clear();
}

import type { ExecInput } from "../../proto/gen/tallship/v1/streams.js";
import type { Cluster } from "../cluster.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";

/** The archive that a container sends, or nothing where one is sent to it; what its node says beside it is told as warnings. */
export async function* receiveArchive(
  { cluster, shell }: { readonly cluster: Cluster; readonly shell: Shell },
  inputs: Iterable<ExecInput> | AsyncIterable<ExecInput>,
): AsyncGenerator<Uint8Array> {
  async function* all(): AsyncGenerator<ExecInput> {
    yield* inputs;
  }
  for await (const { part } of cluster.streams.copy(all(), { signal: shell.signal })) {
    if (part?.$case === "stdout") yield part.value;
    if (part?.$case === "stderr") await warnLines(shell, Buffer.from(part.value).toString("utf8"));
  }
}

/** Each line as a warning; nothing for no text. */
export async function warnLines({ stderr }: Pick<Shell, "stderr">, text: string): Promise<void> {
  for (const line of text.split("\n")) if (line !== "") await stderr.write(`warning: ${safeText(line)}\n`);
}

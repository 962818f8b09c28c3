import type { ExecInput } from "../../proto/gen/tallship/v1/streams.js";
import type { ExecSession } from "../runtime/runtime.js";

/** Passes on what the operator sends until it ends. A program that ended takes no more, which is no failure. */
export async function feed(session: ExecSession, input: AsyncIterable<ExecInput>): Promise<void> {
  for await (const { part } of input) {
    if (part?.$case === "stdin") await session.write(part.value);
    if (part?.$case === "stdinClosed") session.closeStdin();
    if (part?.$case === "resize") session.resize(part.value);
    if (part?.$case === "cancel") session.cancel();
  }
  session.closeStdin();
}

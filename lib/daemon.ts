// Edge: this process.
import { asTallshipError } from "./errors.js";
import type { Log } from "./log.js";
import { sharedAbort } from "./shared-abort.js";

/** Runs a daemon until SIGTERM or SIGINT, which abort its signal; a second one ends it at once. Returns the exit code. */
export async function runDaemon(log: Log, run: (signal: AbortSignal) => Promise<void>): Promise<number> {
  const stop = sharedAbort();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(1);
    stop.abort();
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  // What nobody waits for must not be lost: whoever started the daemon starts it anew.
  process.on("unhandledRejection", (error) => {
    log.error("unhandled failure", { error });
    process.exit(1);
  });
  try {
    await run(stop.signal);
    return 0;
  } catch (caught) {
    const error = asTallshipError(caught);
    log.error("ended by a failure", { code: error.code, error });
    return 1;
  }
}

/**
 * Polls until the check returns something other than undefined or false; throws when the deadline passes: with `what`, told at the end if it is a function, and with how the check failed last, if it ever
 * did. A check that throws is tried again: what must hold each time is noted by the check and asserted afterwards.
 */
export async function waitFor<T>(
  what: string | (() => string),
  check: () => Promise<T | undefined | false> | T | undefined | false,
  options: { readonly deadlineMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const deadlineMs = options.deadlineMs ?? Number(process.env.TEST_WAIT_MS ?? 10_000);
  const end = performance.now() + deadlineMs;
  let last: { readonly error: unknown } | undefined;
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = { error };
    }
    if (performance.now() > end) {
      const told = `waited ${deadlineMs} ms for ${typeof what === "string" ? what : what()}`;
      throw new Error(last === undefined ? told : `${told}; it failed: ${messageOf(last.error)}`, {
        cause: last?.error,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? Number(process.env.TEST_POLL_MS ?? 20)));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

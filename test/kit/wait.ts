/** Polls until the check returns something other than undefined or false; throws with `what`, told at the end if it is a function, and the last failure when the deadline passes. */
export async function waitFor<T>(
  what: string | (() => string),
  check: () => Promise<T | undefined | false> | T | undefined | false,
  options: { readonly deadlineMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const deadlineMs = options.deadlineMs ?? Number(process.env.TEST_WAIT_MS ?? 10_000);
  const end = performance.now() + deadlineMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > end)
      throw new Error(`waited ${deadlineMs} ms for ${typeof what === "string" ? what : what()}`, { cause: lastError });
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? Number(process.env.TEST_POLL_MS ?? 20)));
  }
}

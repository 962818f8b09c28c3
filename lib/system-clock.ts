// Edge: the machine's clock and timers.
import type { Cancel, Clock } from "./clock.js";
import { TallshipError } from "./errors.js";

/** Asked for once: the global is a getter of Node's, which costs three times what telling the time does. */
const { performance } = globalThis;

/** The machine's clock. A timer keeps the process alive only while somebody can still be woken by it. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after,
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      const gone = (): void => {
        cancel();
        reject(new TallshipError("cancelled", "sleep was cancelled"));
      };
      const cancel = after(delayMs, () => {
        signal.removeEventListener("abort", gone);
        resolve();
      });
      if (signal.aborted) gone();
      else signal.addEventListener("abort", gone, { once: true });
    }),
};

function after(delayMs: number, call: () => void): Cancel {
  const timer = setTimeout(call, Math.min(delayMs, 2_147_483_647));
  return () => clearTimeout(timer);
}

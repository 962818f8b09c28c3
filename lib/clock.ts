/** Cancels a timer; harmless when it has fired. */
export type Cancel = () => void;

/** Edge: all knowledge of time. The simulator passes one whose time it moves itself. */
export interface Clock {
  /** Wall time, milliseconds since the epoch. May jump. */
  nowMs(): number;
  /** Milliseconds that never go back, from an arbitrary start. For durations and deadlines. */
  monotonicMs(): number;
  /** Calls once after the delay, in milliseconds. */
  after(delayMs: number, call: () => void): Cancel;
  /** Resolves after the delay; rejects with `cancelled` when the signal is or becomes aborted. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
}

/** The wall time as RFC 3339 in UTC with seconds, the form of metadata times. */
export function rfc3339(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** Milliseconds since the epoch of an RFC 3339 time; NaN when it is malformed. */
export function parseTime(text: string): number {
  return Date.parse(text);
}

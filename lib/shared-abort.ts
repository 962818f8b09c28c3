import { setMaxListeners } from "node:events";

/**
 * An AbortController whose signal any number of waits may share: a process's or a leader's life. Node warns of a leak at eleven listeners; here
 * each wait takes its listener off when it ends, and the number of waits is bounded by who waits.
 */
export function sharedAbort(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** A signal that aborts with the first of these, and that any number of waits may share. */
export function sharedAny(signals: readonly AbortSignal[]): AbortSignal {
  const signal = AbortSignal.any([...signals]);
  setMaxListeners(0, signal);
  return signal;
}

import { constants } from "node:os";

/** First real-time signal as C libraries count; system images stop on SIGRTMIN+3. */
const SIGRTMIN = 34;

/** The number of a signal named TERM, SIGTERM, SIGRTMIN+3 or 15; SIGTERM's when there is no such signal. */
export function signalNumber(name: string): number {
  return knownSignal(name) ?? constants.signals.SIGTERM;
}

/** The number of a signal; undefined when there is none of that name. */
export function knownSignal(name: string): number | undefined {
  const upper = name.toUpperCase();
  const realTime = /^(?:SIG)?RTMIN(?:\+(\d{1,2}))?$/.exec(upper);
  if (realTime !== null) return SIGRTMIN + Number(realTime[1] ?? 0);
  if (/^\d{1,2}$/.test(name)) return Number(name) >= 1 && Number(name) <= 64 ? Number(name) : undefined;
  const plain = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  return Object.entries(constants.signals).find(([known]) => known === plain)?.[1];
}

import { constants } from "node:os";

/** First real-time signal as C libraries count; system images stop on SIGRTMIN+3. */
const SIGRTMIN = 34;

/** The number of a signal named TERM, SIGTERM, SIGRTMIN+3 or 15; SIGTERM's when there is no such signal. */
export function signalNumber(name: string): number {
  if (/^\d{1,2}$/.test(name)) return Number(name);
  const realTime = /^(?:SIG)?RTMIN(?:\+(\d{1,2}))?$/.exec(name);
  if (realTime !== null) return SIGRTMIN + Number(realTime[1] ?? 0);
  const plain = name.startsWith("SIG") ? name : `SIG${name}`;
  const found = Object.entries(constants.signals).find(([known]) => known === plain);
  return found?.[1] ?? constants.signals.SIGTERM;
}

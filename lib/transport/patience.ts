import { limit } from "../limits.js";

/**
 * For how long a call waits for its connection. A peer that takes the connection and does not get through the handshake in time is stopped, or it has little of a processor, or this process has: given up
 * at the same age each time, none of its attempts would ever succeed, and what each costs is what the others lack. So from the second one on it gets twice as long each time, limits.patienceMaxMs at most, until
 * it is through. The first two take limits.dialMs: with several control planes the next one is asked as soon as ever. A host that does not answer at all is never given more.
 */
export class Patience {
  private failures = 0;

  /** Milliseconds that a call waits now. */
  get ms(): number {
    return Math.min(limit("patienceMaxMs"), limit("dialMs") * 2 ** Math.max(0, this.failures - 1));
  }

  /** A connection was given up that the peer had taken. */
  failed(): void {
    this.failures += 1;
  }

  /** A connection has come about. */
  succeeded(): void {
    this.failures = 0;
  }
}

import type { Clock } from "../clock.js";
import { limit } from "../limits.js";

/** A connection that was accepted and of which nothing was read yet. */
export interface Arrival {
  destroy(): unknown;
}

/** What an accept gate needs. */
export interface AcceptGateParts<A extends Arrival> {
  readonly clock: Clock;
  /** Begins the handshake. */
  readonly begin: (arrival: A) => void;
  /** Calls once everything else that is due has had its turn. */
  readonly nextTurn: (call: () => void) => void;
  /** Connections were cut unheard, for they came faster than they could be begun. */
  readonly onCut: (count: number) => void;
}

/**
 * Lets accepted connections begin a few at a time. The kernel hands over whatever waits at once, and a handshake takes a millisecond or more: a thousand peers that come together
 * would have the thread to themselves, and once they have to wait for longer than they do, every handshake would be for one that has given up and comes again. So
 * limits.handshakesPerTurn begin before all else has its turn, those that came last first: its peer waits longest from now on. In the order they came, a crowd that is larger than what can be
 * begun would have all of them begin when their peers are about to give up, and none would get through. The others are left as they are, which costs nothing, and begin when fewer come; a peer gives up by itself. To cut
 * them sooner would have them back within two seconds, and a process that is short of its processor would do nothing but take and cut. Only what has waited for limits.acceptWaitMs is cut, for no peer waits longer, and
 * the first of those that wait when limits.acceptQueue others do.
 */
export class AcceptGate<A extends Arrival> {
  private readonly parts: AcceptGateParts<A>;
  private waiting: { readonly arrival: A; readonly atMs: number }[] = [];
  private head = 0;
  private isTurnDue = false;
  private isClosed = false;

  constructor(parts: AcceptGateParts<A>) {
    this.parts = parts;
  }

  /** Takes a connection. */
  arrive(arrival: A): void {
    if (this.isClosed) {
      arrival.destroy();
      return;
    }
    if (this.waiting.length - this.head >= limit("acceptQueue")) {
      this.cutFirst();
      this.parts.onCut(1);
    }
    this.waiting.push({ arrival, atMs: this.parts.clock.monotonicMs() });
    this.wake();
  }

  /** Cuts all that wait, and whatever comes later. */
  close(): void {
    this.isClosed = true;
    for (const { arrival } of this.waiting.slice(this.head)) arrival.destroy();
    this.waiting = [];
    this.head = 0;
  }

  private wake(): void {
    if (this.isTurnDue) return;
    this.isTurnDue = true;
    this.parts.nextTurn(() => this.turn());
  }

  private turn(): void {
    this.isTurnDue = false;
    this.cutLate();
    const begun = this.waiting.splice(Math.max(this.head, this.waiting.length - limit("handshakesPerTurn")));
    this.forgetCut();
    if (this.waiting.length > this.head) this.wake();
    for (const { arrival } of begun) this.parts.begin(arrival);
  }

  private cutLate(): void {
    const untilMs = this.parts.clock.monotonicMs() - limit("acceptWaitMs");
    const first = this.head;
    for (
      let next = this.waiting[this.head];
      next !== undefined && next.atMs < untilMs;
      next = this.waiting[this.head]
    ) {
      this.cutFirst();
    }
    if (this.head > first) this.parts.onCut(this.head - first);
  }

  private cutFirst(): void {
    this.waiting[this.head]?.arrival.destroy();
    this.head += 1;
  }

  private forgetCut(): void {
    if (this.head < this.waiting.length && this.head < limit("acceptQueue")) return;
    this.waiting.splice(0, this.head);
    this.head = 0;
  }
}

import { deepEqual } from "../lib/deep-equal.js";
import { NOTHING_PUBLISHED, type Published } from "./node-network.js";

/** What others are to know of the node now, and who takes it to them. What is the same as before is not told again. */
export class Bulletin {
  private readonly listeners: ((published: Published) => void)[] = [];
  private told = NOTHING_PUBLISHED;

  /** Calls with everything, when something changes. */
  onChange(listener: (published: Published) => void): void {
    this.listeners.push(listener);
  }

  /** This has become so. */
  tell(change: Partial<Published>): void {
    const next = { ...this.told, ...change };
    if (deepEqual(next, this.told)) return;
    this.told = next;
    for (const listener of this.listeners) listener(next);
  }
}

import type { Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { CoProcess } from "./co-process.js";
import { showAll, shown } from "./shell-script.js";

/** Who asks for tables beside the one that begins a look. */
export type LookPart = "entries" | "pods";

interface Look {
  readonly atMs: number;
  readonly shows: readonly string[];
  readonly answers: Promise<readonly string[]>;
  /** Each part takes its answers once: whoever asks again wants to know what is there now. */
  readonly left: Set<LookPart>;
}

/**
 * What `ip` shows of this network namespace. A check asks for the host's device, then for the overlay's entries, then for pods' links: one process answers all of it when the first is asked for, since to
 * start one costs more than what it lists. That answer counts once for each part, within limits.netLookMs, and not after a change that was made through this edge.
 */
export class TableLooks {
  private readonly shell: Pick<CoProcess, "request">;
  private readonly clock: Clock;
  /** What each part asked for last. */
  private readonly asked = new Map<LookPart, readonly string[]>();
  private latest: Look | undefined;

  constructor(shell: Pick<CoProcess, "request">, clock: Clock) {
    this.shell = shell;
    this.clock = clock;
  }

  /** Asks for these, now, and for whatever the parts are going to ask for next. Fails as the shell does, and with kernel_failed when ip broke off. */
  begin(shows: readonly string[]): Promise<readonly string[]> {
    const all = [...new Set([...shows, ...[...this.asked.values()].flat()])];
    const answers = this.ask(all);
    this.latest = { atMs: this.clock.monotonicMs(), shows: all, answers, left: new Set(this.asked.keys()) };
    return answers.then((found) => found.slice(0, shows.length));
  }

  /** The answers to what a part asks for, in its order. Fails as `begin` does. */
  async show(part: LookPart, shows: readonly string[]): Promise<readonly string[]> {
    this.asked.set(part, shows);
    const look = this.latest;
    const isThere = look?.left.delete(part) === true && this.clock.monotonicMs() - look.atMs <= limit("netLookMs");
    if (look === undefined || !isThere || !shows.every((show) => look.shows.includes(show))) return this.ask(shows);
    const answers = await look.answers;
    return shows.map((show) => answers[look.shows.indexOf(show)] ?? "");
  }

  /** Something is not as it was, or may not be: what was read says nothing of it. */
  changed(): void {
    this.latest = undefined;
  }

  private async ask(shows: readonly string[]): Promise<readonly string[]> {
    return shown(await this.shell.request(showAll(shows)), shows.length);
  }
}

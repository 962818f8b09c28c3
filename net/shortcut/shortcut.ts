import type { Cancel, Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { podDevice } from "../device-names.js";
import { Lane, Repeater } from "../lane.js";
import type { PodLink } from "../node-network.js";
import type { ShortcutKernel } from "./shortcut-kernel.js";
import type { ShortcutLink } from "./shortcut-text.js";

/** Told where the link may have none. */
const CLOSED = "checksums are computed by the overlay's device, since the card does it wrongly";

/** What the shortcut hangs on. */
export interface ShortcutOptions {
  readonly kernel: ShortcutKernel;
  readonly clock: Clock;
  readonly log: Log;
  /** The link that carries the overlay now; undefined: none may have a shortcut. */
  readonly link: () => Promise<ShortcutLink | undefined>;
}

/**
 * Keeps the shortcut open on the link and on pods' links. Nothing waits for it and nothing fails with it: without, packets go the long way. Level-triggered: pods' links are looked for
 * every so often, by name and index, and those just made are attached together, soon.
 */
export class Shortcut {
  private readonly options: ShortcutOptions;
  private readonly lane = new Lane();
  private readonly looks: Repeater;
  private attached: ReadonlyMap<string, number> = new Map();
  private readonly waiting: string[] = [];
  private cancelAttach: Cancel | undefined;
  private open: ShortcutLink | undefined;
  private problem = "";
  private told: (state: string) => void = () => undefined;

  constructor(options: ShortcutOptions) {
    this.options = options;
    this.looks = new Repeater(options.clock, () => this.look());
  }

  /** From now on; the host's first packets need not wait for it. Tells whether it is open, or why not, as often as it looks. */
  start(tell: (state: string) => void): void {
    this.told = tell;
    this.looks.schedule(limit("shortcutAttachMs"));
  }

  /** What it hangs on may be about to change. */
  lookSoon(): void {
    this.looks.schedule(limit("shortcutAttachMs"));
  }

  /** These links have just been made. */
  add(links: readonly PodLink[]): void {
    if (this.open === undefined) return;
    this.waiting.push(...links.flatMap(endsOf));
    this.cancelAttach ??= this.options.clock.after(limit("shortcutAttachMs"), () => {
      this.cancelAttach = undefined;
      this.lane.run(() => this.attachWaiting()).catch(() => undefined);
    });
  }

  /** Something that was let through is not any more: resolves when every connection's next packet goes the long way. Fails as its kernel does. */
  async forget(): Promise<void> {
    if (this.open !== undefined) await this.options.kernel.forget();
  }

  /** Stops looking; what is open stays open. */
  async stop(): Promise<void> {
    this.looks.stop();
    this.cancelAttach?.();
    await this.lane.idle();
    await this.options.kernel.end();
  }

  private async attachWaiting(): Promise<void> {
    await this.options.kernel.attach(this.waiting.splice(0)).catch((error: unknown) => this.tell(error));
  }

  /** Compares with the kernel and adds what is missing. Returns the delay until the next look, milliseconds. */
  async look(): Promise<number> {
    try {
      await this.lane.run(() => this.bring());
      if (this.problem !== "") this.options.log.info("no problem with the shortcut any more", {});
      this.problem = "";
      this.told(this.open === undefined ? CLOSED : "open");
    } catch (error) {
      // Whether the programs are others by now is not known.
      this.open = undefined;
      this.attached = new Map();
      this.tell(error);
      this.told(this.problem);
    }
    return limit("shortcutLookMs");
  }

  private async bring(): Promise<void> {
    const { kernel } = this.options;
    const link = await this.options.link();
    if (this.open !== undefined && this.open.device !== link?.device) await kernel.close(this.open.device);
    if (link === undefined) {
      this.open = undefined;
      return;
    }
    const isAnew = await kernel.open(link);
    this.open = link;
    const indexes = await kernel.indexes();
    const missing = [...indexes].filter(([end, index]) => isAnew || this.attached.get(end) !== index);
    if (missing.length > 0) await kernel.attach(missing.map(([end]) => end));
    this.attached = indexes;
  }

  private tell(error: unknown): void {
    const { message } = asTallshipError(error, "kernel_failed");
    if (message !== this.problem) this.options.log.warn("no shortcut: packets go the long way", { error: message });
    this.problem = message;
  }
}

function endsOf({ uid, address, further = [] }: PodLink): readonly string[] {
  return [...(address === "" ? [] : [podDevice(uid)]), ...further.map((each) => podDevice(uid, each.interface))];
}

import { OVERLAY_DEVICE } from "../device-names.js";
import type { Kernel } from "../kernel/kernel.js";

/**
 * Who computes the checksums of what goes through VXLAN devices: the network card, or each device itself where the card does it wrongly. The kernel is read at the start, of the cluster's own
 * device, and for repairs while cards are relieved. The cluster's own device is the first to relieve the card and the last to rely on it again, so a successor that finds it relieving knows that others may be, too.
 */
export class Checksums {
  private readonly kernel: Pick<Kernel, "leavesChecksums" | "leaveChecksums">;
  /** Devices of which it is known whether they leave checksums to the card. */
  private known: ReadonlyMap<string, boolean> = new Map();
  /** Of the cluster's own device at the start; undefined when it could not be known. */
  private found: boolean | undefined;

  constructor(kernel: Pick<Kernel, "leavesChecksums" | "leaveChecksums">) {
    this.kernel = kernel;
  }

  /** Reads the kernel. True when a former agent has had devices compute checksums. */
  async start(): Promise<boolean> {
    this.found = await this.kernel.leavesChecksums(OVERLAY_DEVICE);
    this.known = new Map();
    return this.found === false;
  }

  /** Reads the kernel again, of all devices. */
  async look(): Promise<void> {
    const known = new Map(this.known);
    for (const device of known.keys()) known.set(device, (await this.kernel.leavesChecksums(device)) ?? true);
    this.known = known;
  }

  /** All these devices leave checksums to the card, or not; those that have just been made do so by themselves. */
  async bring(devices: readonly string[], made: ReadonlySet<string>, isLeft: boolean): Promise<void> {
    const known = new Map(devices.map((device) => [device, made.has(device) || this.isLeftBy(device, isLeft)]));
    this.known = known;
    const others = devices.filter((device) => device !== OVERLAY_DEVICE);
    for (const device of isLeft ? [...others, OVERLAY_DEVICE] : [OVERLAY_DEVICE, ...others]) {
      if (known.get(device) === isLeft) continue;
      await this.kernel.leaveChecksums(device, isLeft);
      known.set(device, isLeft);
    }
  }

  /** Of a device of a former agent that is not known: where it could be the other way, it is taken to be; where nothing can be known of any, it is let be. */
  private isLeftBy(device: string, isLeft: boolean): boolean {
    return this.known.get(device) ?? (this.found === false ? !isLeft : (this.found ?? isLeft));
  }
}

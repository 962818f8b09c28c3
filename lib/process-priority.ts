// Edge: this process and the kernel's scheduler.
import { setPriority } from "node:os";
import { asTallshipError } from "./errors.js";
import type { Log } from "./log.js";

/** Three times the share of the processor of what runs beside it, no more: a control plane that is busy starves nobody. */
const PREFERRED = -5;

/**
 * Has the kernel prefer this process, and those it starts from now on, to others of its host: a lease that is to be renewed twice a second does not wait for whoever else computes.
 * Where that is not allowed it is told, and all goes on.
 */
export function preferThisProcess(log: Log): void {
  try {
    setPriority(PREFERRED);
  } catch (caught) {
    log.info("the kernel does not prefer this process: on a busy host its lease may run out", {
      error: asTallshipError(caught),
    });
  }
}

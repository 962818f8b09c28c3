import type { Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import { firstOf } from "../host/first-of.js";
import type { NodeDevices } from "./node-devices.js";

/** Type of the condition that says what is wrong with the files that describe devices. */
export const DEVICE_CONDITION = "DeviceProblem";

/** Looks at the files again and again, and tells when they have changed. Ends when the signal aborts. */
export async function watchDevices(
  { devices, clock, onChange }: { readonly devices: NodeDevices; readonly clock: Clock; readonly onChange: () => void },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(limit("deviceLookMs"), signal).catch(() => undefined);
    if (!signal.aborted && devices.look()) onChange();
  }
}

/** The node's condition; none on a node that has neither devices nor files with faults. */
export function deviceConditions(devices: NodeDevices): readonly NodeConditionReport[] {
  const { counts, problems } = devices.report();
  const type = DEVICE_CONDITION;
  if (problems.length > 0) return [{ type, status: "True", reason: "InvalidDeviceFile", message: firstOf(problems) }];
  if (Object.keys(counts).length === 0) return [];
  return [{ type, status: "False", reason: "DeviceFilesValid", message: "" }];
}

import { DEVICES, type DeviceName, deviceKindProblem, deviceNameProblem, deviceText } from "../../kinds/devices.js";
import { HOST_DEVICES, type HostDevice, hostDeviceText, parseDevicePath } from "../../kinds/host-devices.js";
import { usageError } from "../verb.js";
import { parseGpus } from "./gpus.js";

/** What the flags --device and --gpus say. */
export interface DeviceFlags {
  readonly device: readonly string[];
  readonly gpus: string | undefined;
}

/** The annotations that give a container devices of its node: by their names, and by their paths. Throws usage errors. */
export function deviceAnnotations(container: string, { device, gpus }: DeviceFlags): Readonly<Record<string, string>> {
  const named = [
    ...(gpus === undefined ? [] : parseGpus(gpus).devices),
    ...device.flatMap(namedDevice).map(deviceText),
  ];
  const nodes = device.flatMap((text) => hostDevice(container, text));
  return {
    ...(named.length === 0 ? {} : { [DEVICES]: named.join(",") }),
    ...(nodes.length === 0 ? {} : { [HOST_DEVICES]: nodes.map(hostDeviceText).join(",") }),
  };
}

/** How many of each kind are asked for by name, as limits have it. */
export function deviceLimits({ device }: Pick<DeviceFlags, "device">): Readonly<Record<string, string>> {
  const counts = new Map<string, number>();
  for (const { kind } of device.flatMap(namedDevice)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return Object.fromEntries([...counts].map(([kind, count]) => [kind, String(count)]));
}

/** Paths of the node that containers get as devices. */
export function devicePaths({ device }: Pick<DeviceFlags, "device">): readonly string[] {
  return device.flatMap((text) => hostDevice("main", text)).map(({ hostPath }) => hostPath);
}

/** A device by its CDI name, `vendor/class=name`; none when the text is a path. */
function namedDevice(text: string): readonly DeviceName[] {
  if (text.startsWith("/")) return [];
  const at = text.indexOf("=");
  const device = { kind: text.slice(0, Math.max(0, at)), name: text.slice(at + 1) };
  const wrong = deviceKindProblem(device.kind) ?? deviceNameProblem(device.name);
  if (wrong !== undefined)
    throw usageError(`--device is PATH[:PATH][:rwm] or vendor/class=name, not "${text}": ${wrong}`);
  return [device];
}

/** A device by its path on the node; none when the text is a name. */
function hostDevice(container: string, text: string): readonly HostDevice[] {
  if (!text.startsWith("/")) return [];
  const device = parseDevicePath(text);
  if (device === undefined) throw usageError(`--device is PATH[:PATH][:rwm], the paths absolute, not "${text}"`);
  return [{ container, ...device }];
}

/**
 * Annotation of a pod (template): which devices of its node the pod gets, by their CDI names, such as `nvidia.com/gpu=0,nvidia.com/gpu=2`. Its containers
 * take from the list in their order, each as many as its limits ask for. Without it the node chooses. Written by users, or by who places the pod.
 */
export const DEVICES = "tallship.dev/devices";

/** The resource that docker's GPUs are here: the kind that NVIDIA's CDI files describe. */
export const GPU = "nvidia.com/gpu";

/** A device by its CDI name: the kind is the resource that it is asked for as. */
export interface DeviceName {
  readonly kind: string;
  readonly name: string;
}

const KIND = /^[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?\/[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.:-]*[A-Za-z0-9])?$/;

/** What is wrong with a device's kind, vendor/class; undefined when nothing is. */
export function deviceKindProblem(text: string): string | undefined {
  return KIND.test(text) ? undefined : `want vendor/class, found ${JSON.stringify(text)}`;
}

/** What is wrong with a device's name within its kind; undefined when nothing is. */
export function deviceNameProblem(text: string): string | undefined {
  if (NAME.test(text)) return undefined;
  return `want letters, digits, '_', '-', '.' and ':', the first and the last a letter or digit, found ${JSON.stringify(text)}`;
}

/** A device's name as CDI writes it. */
export function deviceText({ kind, name }: DeviceName): string {
  return `${kind}=${name}`;
}

/** Reads the annotation's value; a sentence on what is wrong when it has another form. */
export function parseDevices(
  text: string,
):
  | { readonly is: "devices"; readonly devices: readonly DeviceName[] }
  | { readonly is: "wrong"; readonly why: string } {
  const devices = new Map<string, DeviceName>();
  for (const entry of text.split(",").map((part) => part.trim())) {
    if (entry === "") continue;
    const at = entry.indexOf("=");
    const device = { kind: entry.slice(0, Math.max(0, at)), name: entry.slice(at + 1) };
    if (deviceKindProblem(device.kind) !== undefined || deviceNameProblem(device.name) !== undefined)
      return { is: "wrong", why: `want vendor/class=name, found ${JSON.stringify(entry)}` };
    if (devices.has(entry)) return { is: "wrong", why: `${entry} is named twice` };
    devices.set(entry, device);
  }
  return { is: "devices", devices: [...devices.values()] };
}

/** The devices that a pod names; none where the annotation has another form. */
export function devicesOf(annotations: Readonly<Record<string, string>>): readonly DeviceName[] {
  const read = parseDevices(annotations[DEVICES] ?? "");
  return read.is === "devices" ? read.devices : [];
}

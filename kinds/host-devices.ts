import type { Pod } from "../proto/gen/tallship/v1/pod.js";

/**
 * Annotation of a pod (template): devices of its node by their paths that containers get, such as `web=/dev/fuse:/dev/fuse:rwm`: the container, the path on
 * the node, the path in the container, and what it may do. As docker's `--device`. Written by users; a node that has no such device says so and waits.
 */
export const HOST_DEVICES = "tallship.dev/host-devices";

/** A device of the node that a container gets. */
export interface HostDevice {
  readonly container: string;
  readonly hostPath: string;
  readonly path: string;
  /** Letters of r, w and m. */
  readonly permissions: string;
}

const FORM = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?)=(\/[^:,]+):(\/[^:,]+):([rwm]{1,3})$/;

/** The device as the annotation writes it. */
export function hostDeviceText({ container, hostPath, path, permissions }: HostDevice): string {
  return `${container}=${hostPath}:${path}:${permissions}`;
}

/** The devices that a pod names for one container; what has another form is left out, and refused by validation. */
export function hostDevicesOf({ metadata }: Pick<Pod, "metadata">, container: string): readonly HostDevice[] {
  return (metadata?.annotations[HOST_DEVICES] ?? "").split(",").flatMap((text) => {
    const device = parse(text);
    return device?.container === container ? [device] : [];
  });
}

function parse(text: string): HostDevice | undefined {
  const [, container = "", , hostPath = "", path = "", permissions = ""] = FORM.exec(text.trim()) ?? [];
  const isClean = [hostPath, path].every((one) => !one.split("/").includes(".."));
  return container === "" || !isClean ? undefined : { container, hostPath, path, permissions };
}

const MODE = /^[rwm]{1,3}$/;

/** Reads docker's form, PATH[:PATH][:rwm], the first path that on the node; undefined when the text has another one. */
export function parseDevicePath(text: string): Omit<HostDevice, "container"> | undefined {
  const [hostPath = "", second, third, ...more] = text.split(":");
  const isMode = second !== undefined && third === undefined && MODE.test(second);
  const path = second === undefined || isMode ? hostPath : second;
  const permissions = (isMode ? second : third) ?? "rwm";
  const device = { hostPath, path, permissions };
  return more.length === 0 && parse(hostDeviceText({ container: "c", ...device })) !== undefined ? device : undefined;
}

/** What is wrong with the annotation's value; undefined when nothing is. */
export function hostDevicesProblem(value: string): string | undefined {
  const wrong = value.split(",").find((text) => text.trim() !== "" && parse(text) === undefined);
  return wrong === undefined
    ? undefined
    : `want CONTAINER=PATH:PATH:rwm, the paths absolute, found ${JSON.stringify(wrong)}`;
}

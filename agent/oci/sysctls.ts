import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** The kernel settings of a pod, by name with dots, as config.json has them. Admission has refused all that are not a pod's own. */
export function ociSysctls({ spec }: Pod): Readonly<Record<string, string>> {
  const entries = (spec?.securityContext?.sysctls ?? []).map(({ name, value }) => [dotted(name), value] as const);
  return Object.fromEntries(entries);
}

/** Kubernetes takes slashes too: then dots are part of a name, such as that of a device. */
function dotted(name: string): string {
  return name.includes("/") ? name.replaceAll("/", ".") : name;
}

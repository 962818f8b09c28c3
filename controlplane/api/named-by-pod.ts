import { type ConfigKind, configUses } from "../../kinds/config-uses.js";
import { LOGIN_SECRET } from "../../kinds/login-secret.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** The names, in its own namespace, of the ConfigMaps or Secrets that a pod names: in volumes, environment and registry credentials. Every pod pulls with its namespace's login. */
export function namedByPod({ spec }: Pod, kind: ConfigKind): ReadonlySet<string> {
  const used = configUses(spec).filter((use) => use.kind === kind);
  const credentials = kind === "Secret" ? [...(spec?.imagePullSecrets ?? []), { name: LOGIN_SECRET }] : [];
  return new Set([...used, ...credentials].map(({ name }) => name).filter((name) => name !== ""));
}

import { deepEqual } from "../../lib/deep-equal.js";
import { LIMITS } from "../../lib/limits.js";
import type { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import type { Secret } from "../../proto/gen/tallship/v1/secret.js";
import { COPY_OF } from "../config-copies.js";
import type { Findings } from "./findings.js";

/** Keys that stand once, at most 1 MiB in all, and no change of what is immutable. */
export function checkConfigMap(config: ConfigMap, findings: Findings, previous: ConfigMap | undefined): void {
  for (const key of Object.keys(config.binaryData))
    if (Object.hasOwn(config.data, key))
      findings.add("duplicate", ["binaryData", key], `${JSON.stringify(key)} stands in data too`);
  checkSize([...Object.entries(config.data), ...Object.entries(config.binaryData)], findings);
  checkOrigin(config, previous, findings);
  if (previous?.immutable !== true) return;
  checkFrozen({ before: previous.data, after: config.data }, "data", findings);
  checkFrozen({ before: previous.binaryData, after: config.binaryData }, "binaryData", findings);
  checkStaysImmutable(config.immutable, findings);
}

/** The keys that a type needs, at most 1 MiB in all, and no change of what is immutable. */
export function checkSecret(secret: Secret, findings: Findings, previous: Secret | undefined): void {
  checkSize(Object.entries(secret.data), findings);
  checkOrigin(secret, previous, findings);
  for (const key of NEEDED_KEYS[secret.type] ?? [])
    if (!Object.hasOwn(secret.data, key))
      findings.add("required", ["data", key], `a secret of type ${secret.type} needs this key`);
  const loginKey = LOGIN_KEYS[secret.type];
  const login = loginKey === undefined ? undefined : secret.data[loginKey];
  if (loginKey !== undefined && login !== undefined && !isJsonObject(login))
    findings.add("invalid", ["data", loginKey], "want a JSON object");
  if (previous?.immutable !== true) return;
  checkFrozen({ before: previous.data, after: secret.data }, "data", findings);
  checkStaysImmutable(secret.immutable, findings);
}

type Labelled = Pick<ConfigMap | Secret, "metadata">;

/** Who could call an object of theirs a copy would hide it from lists and quotas. */
function checkOrigin(config: Labelled, previous: Labelled | undefined, findings: Findings): void {
  if (config.metadata?.labels[COPY_OF] !== previous?.metadata?.labels[COPY_OF])
    findings.add("forbidden", ["metadata", "labels", COPY_OF], "this label is the cluster's own");
}

const NEEDED_KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
};

const LOGIN_KEYS: Readonly<Record<string, string>> = {
  "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
  "kubernetes.io/dockercfg": ".dockercfg",
};

function checkSize(entries: readonly (readonly [string, string | Uint8Array])[], findings: Findings): void {
  const most = LIMITS.objectBytes.value;
  let bytes = 0;
  for (const [key, value] of entries) bytes += key.length + Buffer.byteLength(value);
  if (bytes > most) findings.add("too_many", ["data"], `want at most ${most} bytes in all, found ${bytes}`);
}

function checkFrozen(
  pair: { readonly before: object; readonly after: object },
  field: string,
  findings: Findings,
): void {
  if (!deepEqual(pair.before, pair.after))
    findings.add("immutable", [field], "this object is immutable; delete it and create it anew");
}

function checkStaysImmutable(immutable: boolean | undefined, findings: Findings): void {
  if (immutable !== true) findings.add("immutable", ["immutable"], "what is immutable stays so");
}

function isJsonObject(bytes: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

// Edge: a small file of the node's.
import { readFileSync } from "node:fs";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { asTallshipError } from "../../lib/errors.js";
import type { Log } from "../../lib/log.js";
import type { NodeFactsFromControlPlane, NodeMemory } from "../node-memory.js";

/** Kept in `dataDir`/node.json and `dataDir`/policies. What cannot be read counts as never told. */
export function openNodeMemory(dataDir: string, log: Log): NodeMemory {
  const path = `${dataDir}/node.json`;
  let told = readTold(path);
  const keep = (file: string, content: string | Uint8Array): void => {
    writeFileAtomic(file, content, 0o600).catch((error: unknown) =>
      log.warn("what the control plane said was not kept", { error: asTallshipError(error).message }),
    );
  };
  return {
    get podCIDRs() {
      return told.podCIDRs;
    },
    get controlPlaneAddresses() {
      return told.controlPlaneAddresses;
    },
    remember: (now) => {
      if (JSON.stringify(now) === JSON.stringify(told)) return;
      told = now;
      keep(path, JSON.stringify(now));
    },
    policies: readBytes(`${dataDir}/policies`),
    rememberPolicies: (update) => keep(`${dataDir}/policies`, update),
  };
}

function readTold(path: string): NodeFactsFromControlPlane {
  try {
    // A parser: the shape is checked field by field.
    const { podCIDRs, controlPlaneAddresses } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    return { podCIDRs: texts(podCIDRs), controlPlaneAddresses: texts(controlPlaneAddresses) };
  } catch {
    return { podCIDRs: [], controlPlaneAddresses: [] };
  }
}

function readBytes(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}

// Edge: seccomp profiles that the node's administrator keeps.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { TallshipError } from "../../lib/errors.js";
import type { OciSeccomp } from "../oci/oci-types.js";

/** Reads profiles below `dataDir`/seccomp: JSON as config.json has it, which is also what Kubernetes takes. Refuses what is no such profile. */
export function seccompProfiles(dataDir: string): (name: string) => OciSeccomp {
  return (name) => {
    const parts = name.split("/");
    if (name.startsWith("/") || parts.includes(".."))
      throw new TallshipError("invalid_argument", `seccomp profile ${name}: want a path below the node's folder`);
    return parse(name, read(name, join(dataDir, "seccomp", name)));
  };
}

function read(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new TallshipError("config_missing", `seccomp profile ${name}: the node has no file ${path}`, { cause });
  }
}

function parse(name: string, text: string): OciSeccomp {
  try {
    // A parser: the shape is checked below as far as the runtime does not check it.
    const profile = JSON.parse(text) as Partial<OciSeccomp>;
    const { defaultAction, architectures = [], syscalls = [] } = profile;
    if (typeof defaultAction === "string" && Array.isArray(syscalls) && Array.isArray(architectures))
      return { ...profile, defaultAction, architectures, syscalls };
  } catch (cause) {
    throw new TallshipError("invalid_argument", `seccomp profile ${name}: it is not JSON`, { cause });
  }
  throw new TallshipError("invalid_argument", `seccomp profile ${name}: want defaultAction and a list of syscalls`);
}

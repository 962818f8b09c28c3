import { TallshipError } from "../../lib/errors.js";
import type { SecurityContext } from "../../proto/gen/tallship/v1/container.js";
import type { OciCapabilities } from "./oci-types.js";

/** What a container's root may do when nothing is asked: Docker's set. */
const DEFAULT_CAPABILITIES = [
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "NET_RAW",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
];

/** Every capability of the kernel, in order of its number. */
const ALL_CAPABILITIES = [
  ..."CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE".split(" "),
  ..."NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT".split(" "),
  ..."SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE".split(" "),
  ..."AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ".split(" "),
  ..."PERFMON BPF CHECKPOINT_RESTORE".split(" "),
];

/**
 * The capabilities of a container, without prefix, sorted. `available` are those that the agent itself has: more cannot be given. A name
 * that no kernel has is refused; one that is merely not available is refused only when it was asked for by name.
 */
export function capabilitySet(context: SecurityContext | undefined, available: ReadonlySet<string>): readonly string[] {
  if (context?.privileged === true) return ALL_CAPABILITIES.filter((name) => available.has(name)).sort();
  const add = (context?.capabilities?.add ?? []).map(plainName);
  const drop = new Set((context?.capabilities?.drop ?? []).map(plainName));
  const missing = add.find((name) => name !== "ALL" && !available.has(name));
  if (missing !== undefined)
    throw new TallshipError("not_supported", `add capability ${missing}: this host does not have it to give`);
  const start = drop.has("ALL") ? [] : DEFAULT_CAPABILITIES;
  const added = add.includes("ALL") ? ALL_CAPABILITIES : add;
  const wanted = new Set([...start, ...added].filter((name) => !drop.has(name)));
  return [...wanted].filter((name) => available.has(name)).sort();
}

/** The set as config.json has it. */
export function ociCapabilities(names: readonly string[]): OciCapabilities {
  const set = names.map((name) => `CAP_${name}`);
  return { bounding: set, effective: set, permitted: set };
}

/** The names in a capability mask of /proc/PID/status. */
export function capabilityNames(hexMask: string): ReadonlySet<string> {
  const mask = BigInt(`0x${hexMask}`);
  return new Set(ALL_CAPABILITIES.filter((_, bit) => (mask >> BigInt(bit)) % 2n === 1n));
}

function plainName(name: string): string {
  const plain = name.toUpperCase().replace(/^CAP_/, "");
  if (plain !== "ALL" && !ALL_CAPABILITIES.includes(plain))
    throw new TallshipError("invalid_argument", `capability ${name}: no kernel has it`);
  return plain;
}

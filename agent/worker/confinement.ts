import { dirname } from "node:path";

/** What a worker may see and change. */
export interface Confinement {
  /** An empty folder over which the worker's root is mounted, in its mount namespace only. */
  readonly rootPath: string;
  /** The only folder that it can write. */
  readonly writablePath: string;
  /** Files and folders that it can read, beside the programs of the host. */
  readonly readablePaths: readonly string[];
}

/** Programs and libraries: Node's own, tar, zstd, sync. On many hosts all but the first are links into it. */
const PROGRAM_PATHS = ["/usr", "/bin", "/sbin", "/lib", "/lib64"] as const;

/** What unpacking takes of root's rights: any file, owner, mode and node, file capabilities, and overlayfs' attributes. */
const CAPABILITIES = [
  "chown",
  "dac_override",
  "fowner",
  "fsetid",
  "mknod",
  "setfcap",
  "sys_admin",
  "sys_nice",
] as const;

/**
 * The command that runs a program in namespaces of its own without a network, in a root that holds nothing but the host's
 * programs and what the confinement names, all of it read-only except one folder. A path that escaped every check of the
 * unpacker still leads nowhere that can be written. Needs util-linux; fails when the kernel does not let it.
 */
export function confinedCommand(command: readonly string[], confinement: Confinement): readonly string[] {
  const [program = ""] = command;
  const readable = [...new Set([...PROGRAM_PATHS, dirname(program), ...confinement.readablePaths])];
  return [
    ...["unshare", "--mount", "--net", "--ipc", "--propagation", "private", "--"],
    ...["/bin/sh", "-ec", SCRIPT, "worker", confinement.rootPath, confinement.writablePath],
    ...[...readable, "--", ...command],
  ];
}

const SCRIPT = `
root=$1 writable=$2; shift 2
mount -t tmpfs -o mode=755,size=1m,nosuid,nodev tmpfs "$root"
put() {
  if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$root\${1%/*}"; : > "$root$1"; fi
  mount --bind "$1" "$root$1"
}
for at in "$@"; do
  shift
  [ "$at" != -- ] || break
  if [ -L "$at" ]; then mkdir -p "$root\${at%/*}"; ln -s "$(readlink "$at")" "$root$at"
  elif [ -e "$at" ] && [ ! -e "$root$at" ]; then put "$at"; mount -o remount,bind,ro "$root$at"
  fi
done
put "$writable"
put /dev/null
mount -o remount,ro "$root"
exec chroot "$root" setpriv --no-new-privs --bounding-set ${["-all", ...CAPABILITIES.map((name) => `+${name}`)].join(",")} "$@"
`;

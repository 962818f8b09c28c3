import { type Hierarchy, podCgroup } from "../../cgroup/hierarchies.js";
import { shellWord, shellWords } from "../../launcher/shell-words.js";
import { asRootOf } from "../../userns/namespace-script.js";
import type { PodUsers } from "../../userns/pod-users.js";
import { SHM_BYTES, type SharedNamespaces } from "../shared-namespaces.js";

/** Marks the holder in its environment: its number alone could be somebody else's by now. */
const MARK = "TALLSHIP_HELD";

/** True in the shell while the pod's holder lives, and then its number is in $holder. */
const HELD = `held() { read -r holder <holder && grep -qzxF "${MARK}=$PWD" "/proc/$holder/environ"; } 2>/dev/null`;

/**
 * What the holder does, a process that keeps a pod's process ids together as its first process and reaps those that lost their parent (the
 * kernel does, since it ignores SIGCHLD). Containers see it, and one that may trace processes sees what it sees: so it gives up the host's files, network
 * and all rights before it rests, and is nobody's user. It replaced a container with an image of its own: nothing must be pulled or unpacked.
 */
const HOLDER = [
  "read -r pid comm state parent rest </proc/self/stat",
  'echo "$pid" >&8',
  "exec 8>&-",
  // The pod's own folder is closed to root of a user namespace.
  "mount -t tmpfs -o mode=755,size=64k,nosuid,nodev tmpfs /tmp",
  "cd /tmp",
  "mkdir old usr proc",
  "mount -t proc proc proc",
  "mount --bind /usr usr",
  "mount -o remount,bind,ro,nosuid,nodev usr",
  "for at in bin sbin lib lib64; do if [ -L /$at ]; then cp -P /$at .; elif [ -d /$at ]; then mkdir $at && mount --bind /$at $at; fi || exit; done",
  "pivot_root . old",
  "cd /",
  "umount -l /old",
  'echo "$pid $parent"',
  "exec >&- 2>&-",
  "trap '' CHLD",
  'exec setpriv --reuid "$1" --regid "$1" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs sleep infinity',
].join(" && ");

/** Nobody: on the host, and in a user namespace, which has 65,536 ids. */
const NOBODY = { host: "4294967294", own: "65534" };

function shareIpc({ users }: SharedNamespaces): string {
  const owner = users === undefined ? "" : `,uid=${users.ids.first},gid=${users.ids.first}`;
  const make = users === undefined ? "unshare --ipc=ipc true" : pinnedFrom(users, "ipc");
  return [
    "umount -l ipc shm 2>/dev/null; : >ipc && mkdir -p shm",
    make,
    `mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=${SHM_BYTES}${owner} shm shm && : >ipc.made`,
  ].join(" && ");
}

/** A namespace that is to belong to a user namespace is made in it, and pinned from outside: inside nobody may. */
function pinnedFrom({ path }: PodUsers, type: "ipc"): string {
  const make = shellWords([...asRootOf(path), "unshare", `--${type}`, "sh", "-c", "echo $$; exec sleep 60"]);
  return `{ ${make} | { read -r pid && mount --bind "/proc/$pid/ns/${type}" ${type}; code=$?; kill -9 "$pid"; [ "$code" = 0 ]; }; }`;
}

/** Words that leave the job's session, and everything of the host's but the files, which the holder leaves by itself. */
const APART = ["setsid", "unshare", "--pid", "--fork", "--mount", "--propagation=private", "--ipc", "--net", "--uts"];

/**
 * Shell words that make sure that a pod's shared namespaces are there. Doing it twice equals doing it once, also side by side; a holder that
 * died, and all of the pod with it, is followed by a new one.
 */
export function shareScript(shared: SharedNamespaces, holderGroups: readonly string[]): string {
  const steps = [
    `mkdir -p ${shellWord(shared.folder)} && cd ${shellWord(shared.folder)} && exec 9>lock && flock 9`,
    ...(shared.hasIpc ? [`{ [ -e ipc.made ] || { ${shareIpc(shared)}; }; }`] : []),
    ...(shared.hasPids
      ? [`{ ${HELD}; { held && [ -e pid.made ]; } || { ${startHolder(shared, holderGroups)}; }; }`]
      : []),
  ];
  return `( ${steps.join(" && ")} )`;
}

/** One that was started and not pinned, since its maker died, is ended first. The process between it and the job is of no more use. */
function startHolder({ users }: SharedNamespaces, groups: readonly string[]): string {
  const join = `for group in ${shellWords(groups)}; do mkdir -p "$group" && echo 0 >"$group/cgroup.procs"; done 2>/dev/null`;
  const enter = users === undefined ? [] : asRootOf(users.path);
  const nobody = users === undefined ? NOBODY.host : NOBODY.own;
  const holder = `TALLSHIP_LAUNCHER= ${MARK}="$PWD" ${shellWords([...enter, ...APART, "sh", "-c", HOLDER, "sh", nobody])}`;
  return [
    '! held || kill -9 "$holder"',
    "umount -l pid 2>/dev/null",
    "rm -f pid.made && : >pid",
    [
      `{ ${join}; ${holder} </dev/null 8>holder 4>&- 9>&- & }`,
      '{ read -r holder parent && kill -9 "$parent" && mount --bind "/proc/$holder/ns/pid" pid && : >pid.made; }',
    ].join(" | "),
  ].join("; ");
}

/** Shell words that end the holder, and with it all processes of the pod's, and take the pins away. */
export function unshareScript(folder: string): string {
  const isGone = '{ ! read -r pid comm state rest <"/proc/$holder/stat" || [ "$state" = Z ]; } 2>/dev/null';
  const end = `kill -9 "$holder"; tries=0; until ${isGone} || [ $((tries += 1)) -gt 500 ]; do sleep 0.01; done`;
  return `cd ${shellWord(folder)} && { ${HELD}; ! held || { ${end}; }; umount -l ipc pid shm 2>/dev/null; true; }`;
}

/** The groups that the holder joins, below its pod's; those of the mounts that the runtime sees. */
export function holderGroups(
  hierarchies: readonly Hierarchy[],
  cgroupParent: string,
  podUid: string,
): readonly string[] {
  const hasV1 = hierarchies.some(({ version, controllers }) => version === 1 && controllers.includes("memory"));
  const joined = hierarchies.filter(({ version, controllers }) =>
    hasV1 ? controllers.some((one) => LIMITED.has(one)) : version === 2,
  );
  return joined.map(({ mountPoint }) => `${mountPoint}${podCgroup(cgroupParent, podUid)}/holder`);
}

const LIMITED: ReadonlySet<string> = new Set(["memory", "pids", "cpu"]);

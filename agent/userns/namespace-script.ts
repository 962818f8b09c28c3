import { shellWord } from "../launcher/shell-words.js";
import type { IdRange } from "./pod-ids.js";

/**
 * Shell words that do something with a new user namespace, and others that belong to it, before it ends unless it is pinned: `body` finds in $pid a
 * process that is in them. The namespaces must be made by one call: a network that is made first belongs to the host, and root in the pod may not mount a /sys that shows it.
 */
export function inNewUserNamespace({ first, count }: IdRange, others: readonly string[], body: string): string {
  const map = ["uid_map", "gid_map"].map((file) => `echo "0 ${first} ${count}" >"/proc/$pid/${file}"`).join(" && ");
  const make = ["unshare", "--user", ...others.map((other) => `--${other}`), "sh -c 'echo $$; exec sleep 60'"].join(
    " ",
  );
  return `{ ${make} | { read -r pid || exit 1; ${map} && { ${body}; }; code=$?; kill -9 "$pid"; exit "$code"; }; }`;
}

/** Shell words that pin a pod's user namespace, and a network namespace that belongs to it. Doing it twice equals doing it once. */
export function pinScript(users: string, network: string, ids: IdRange): string {
  const [at, net] = [shellWord(users), shellWord(network)];
  const isPinned = (path: string): string => `[ "$(stat -fc %t ${path} 2>/dev/null)" = ${NSFS} ]`;
  const fresh = `umount -l ${at} ${net} 2>/dev/null; mkdir -p ${folderOf(users)} ${folderOf(network)} && : >${at} && : >${net}`;
  const pin = `mount --bind "/proc/$pid/ns/user" ${at} && mount --bind "/proc/$pid/ns/net" ${net}`;
  return `${isPinned(at)} && ${isPinned(net)} || { ${fresh} && ${inNewUserNamespace(ids, ["net"], pin)}; }`;
}

/** Shell words that take the pins away; again is harmless. */
export function unpinScript(users: string, network: string): string {
  const paths = `${shellWord(users)} ${shellWord(network)}`;
  return `umount -l ${paths} 2>/dev/null; rm -f ${paths}`;
}

/** Words that put a command into a pinned user namespace, as its root. */
export function asRootOf(users: string): readonly string[] {
  return ["nsenter", `--user=${users}`, "--setuid", "0", "--setgid", "0", "--"];
}

/** Type of the file system that pinned namespaces are on, in hexadecimal. */
const NSFS = "6e736673";

function folderOf(path: string): string {
  return shellWord(path.replace(/\/[^/]*$/, ""));
}

import type { PodNamespaces } from "../userns/pod-namespaces.js";
import { usersPath } from "../userns/pod-users.js";
import type { Hook } from "./hook.js";

/** Gives a pod with `hostUsers: false` its user namespace, before its network, which is to belong to it. */
export function usersHook(namespaces: Pick<PodNamespaces, "make" | "remove">, runDir: string): Hook {
  return {
    name: "users",
    up: async ({ uid, pod }) => {
      const ids = await namespaces.make(uid, pod);
      return ids === undefined ? {} : { users: { ids, path: usersPath(runDir, uid) } };
    },
    down: (uid) => namespaces.remove(uid),
  };
}

import type { IdRange } from "./pod-ids.js";

/** A pod's own user namespace: its ids from 0 on are the host's from `ids.first` on, and the host's own stand for nobody in it. */
export interface PodUsers {
  readonly ids: IdRange;
  /** Where it is pinned. */
  readonly path: string;
}

/** Path of a pod's pinned user namespace. */
export function usersPath(runDir: string, uid: string): string {
  return `${runDir}/userns/${uid}`;
}

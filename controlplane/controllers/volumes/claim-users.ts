import { metaOf } from "../../../kinds/object.js";
import { isPodFinished } from "../../../kinds/pod-state.js";
import { claimsOfPod } from "../../../kinds/storage.js";
import type { PersistentVolumeClaim } from "../../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, View } from "../../cache/view.js";

/** Which pods name which claims. Follows the changes of pods. */
export class ClaimUsers {
  private readonly byClaim = new Map<string, Set<string>>();

  /** Takes a change; other kinds than pods do not matter. */
  take({ key, before, after }: CacheChange): void {
    const [was, is] = [before, after].map((cached) => namesIn(ofKind(cached, "Pod")?.object));
    for (const name of was ?? []) if (is?.includes(name) !== true) this.delete(`${key.namespace}/${name}`, key.name);
    for (const name of is ?? []) this.add(`${key.namespace}/${name}`, key.name);
  }

  /** Pods that use the claim or will, oldest first; finished ones do not. */
  of(claim: PersistentVolumeClaim, view: View): readonly Pod[] {
    const { namespace, name } = metaOf(claim);
    return this.named(namespace, name, view);
  }

  /** The same by the claim's name, whether there is such a claim or not. */
  named(namespace: string, name: string, view: View): readonly Pod[] {
    const pods = [...(this.byClaim.get(`${namespace}/${name}`) ?? [])].flatMap((each) => {
      const pod = view.get("Pod", namespace, each);
      return pod === undefined || isPodFinished(pod) ? [] : [pod];
    });
    return pods.sort(byAge);
  }

  private add(claim: string, pod: string): void {
    const pods = this.byClaim.get(claim) ?? new Set<string>();
    pods.add(pod);
    this.byClaim.set(claim, pods);
  }

  private delete(claim: string, pod: string): void {
    const pods = this.byClaim.get(claim);
    pods?.delete(pod);
    if (pods?.size === 0) this.byClaim.delete(claim);
  }
}

function namesIn(pod: Pod | undefined): readonly string[] {
  return pod === undefined ? [] : claimsOfPod(pod);
}

function byAge(left: Pod, right: Pod): number {
  const [a, b] = [metaOf(left), metaOf(right)];
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

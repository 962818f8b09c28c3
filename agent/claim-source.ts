import type { PersistentVolume } from "../proto/gen/tallship/v1/persistentvolume.js";

/** Finds the volumes of the claims that pods of this node name. */
export interface ClaimSource {
  /**
   * The volume that the claim is bound to; waits a moment for one that is just being bound. Throws failed_precondition while there is no such claim or it
   * has no volume, unavailable while no control plane can be reached.
   */
  volumeOf(
    claim: { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<PersistentVolume>;
}

import type { Mount } from "../model/mounts.js";
import type { Located } from "../model/reader.js";
import { type ServiceContext, share } from "./context.js";
import type { Part } from "./part.js";

/** One volume with its mount; nothing when the mount cannot be made, which is told. */
export interface StoredMount {
  readonly volume: { readonly [key: string]: Part };
  readonly mount: { readonly [key: string]: Part };
  /** Storage that outlives the pod and is written to. */
  readonly isKept?: boolean;
  /** It gets what the image has in its place while it is empty. */
  readonly isFilled?: boolean;
}

/** Size of a claim when the volume does not say one. */
const CLAIM_SIZE = "1Gi";

/** Where a mount is made. */
export interface MountPlace {
  readonly context: ServiceContext;
  readonly place: Located<unknown>["place"];
}

/** Makes the claim that keeps a volume. */
export function claim(
  context: ServiceContext,
  {
    name,
    place,
    size,
  }: { readonly name: string; readonly place: MountPlace["place"]; readonly size?: string | undefined },
): void {
  const storage =
    size === undefined
      ? CLAIM_SIZE
      : size.replace(/^(\d+)([kmgt])b?$/i, (_, count: string, unit: string) => `${count}${unit.toUpperCase()}i`);
  share(
    context,
    { kind: "PersistentVolumeClaim", name, place },
    {
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } },
    },
  );
}

/** A mount of a claim. */
export function claimMount({ target, isReadOnly, subPath }: Mount, claimName: string): StoredMount {
  return {
    volume: { name: claimName, persistentVolumeClaim: { claimName } },
    mount: { name: claimName, mountPath: target, subPath: subPath || undefined, readOnly: isReadOnly || undefined },
    isKept: !isReadOnly,
  };
}

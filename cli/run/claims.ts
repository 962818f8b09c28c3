import type { JsonObject } from "../../kinds/encode.js";

/** Size of a volume that is made because a container names it. */
const VOLUME_SIZE = "1Gi";

/** How a volume by name is made, where its user says more than the name. */
export interface ClaimTerms {
  readonly size?: string | undefined;
  readonly storageClass?: string | undefined;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The claim behind a volume by name. */
export function claimOf(name: string, { size = VOLUME_SIZE, storageClass, labels = {} }: ClaimTerms = {}): JsonObject {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name, ...(Object.keys(labels).length === 0 ? {} : { labels }) },
    spec: {
      accessModes: ["ReadWriteOnce"],
      ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
      resources: { requests: { storage: size } },
    },
  };
}

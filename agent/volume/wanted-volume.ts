/** A file of a config volume. */
export interface VolumeFile {
  /** Below the volume, without "..". */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** The group that owns a volume, and whether all that is in it is gone through only when its own folder is not the group's. */
export interface VolumeGroup {
  readonly gid: number;
  readonly onlyOnMismatch: boolean;
}

/** What must be made for one volume. */
export type VolumePlan =
  | { readonly is: "folder"; readonly name: string; readonly fsGroup: number | undefined }
  | {
      readonly is: "memory";
      readonly name: string;
      /** Made of huge pages of this size, for programs that map them; absent: an ordinary file system in memory. */
      readonly pageBytes?: number | undefined;
      readonly sizeBytes: number | undefined;
      readonly fsGroup: number | undefined;
    }
  | { readonly is: "hostPath"; readonly name: string; readonly path: string; readonly type: string }
  /** A folder that outlives the pod; `isMade`: Tallship's own, made when it is missing. */
  | {
      readonly is: "local";
      readonly name: string;
      readonly path: string;
      readonly isMade: boolean;
      readonly group: VolumeGroup | undefined;
    }
  /** The files of an image: folders of its layers, the topmost first. `users`: pin of the user namespace that its ids are mapped to. */
  | {
      readonly is: "image";
      readonly name: string;
      readonly layerPaths: readonly string[];
      readonly users?: string | undefined;
    }
  | { readonly is: "nfs"; readonly name: string; readonly export: string; readonly options: readonly string[] }
  | {
      readonly is: "files";
      readonly name: string;
      /** Kept in memory, never on disk. */
      readonly isSecret: boolean;
      readonly files: readonly VolumeFile[];
      readonly fsGroup: number | undefined;
    };

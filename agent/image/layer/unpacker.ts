import type { UnpackedLayer, UnpackRequest } from "./unpack-layer.js";

/** Unpacks layers somewhere: in a process of its own, or in this one. Failures: those of unpackLayer. */
export interface Unpacker {
  unpack(request: UnpackRequest, signal: AbortSignal): Promise<UnpackedLayer>;
  /** Flushes the file system that holds the folder to disk. */
  flush(folder: string, signal: AbortSignal): Promise<void>;
  /** Ends what runs. */
  close(): Promise<void>;
}

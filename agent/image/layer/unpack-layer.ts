// Edge: unpacks a blob into a folder.
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, statSync } from "node:fs";
import { asTallshipError, hasCode, TallshipError } from "../../../lib/errors.js";
import type { TarEntry } from "../../../lib/tar/entry.js";
import { TarReader, type TarSink } from "../../../lib/tar/tar-reader.js";
import { asDiskError } from "../disk-errors.js";
import { decompressed } from "./decompress.js";
import { type LayerPolicy, layerStep } from "./layer-entry.js";
import { checkGrowth, type LayerGrowth, type LayerLimits } from "./layer-limits.js";
import { LayerTree } from "./layer-tree.js";
import { makeSpecialFiles } from "./special-files.js";

/** What to unpack, and where. */
export interface UnpackRequest {
  readonly blobPath: string;
  /** A folder that does not exist; `fs` in it becomes the layer. */
  readonly targetPath: string;
  /** Digest that the unpacked archive must have. */
  readonly diffId: string;
  readonly limits: LayerLimits;
  readonly policy: LayerPolicy;
}

/** What an unpacked layer holds. */
export interface UnpackedLayer {
  readonly unpackedBytes: number;
  readonly entryCount: number;
  /** Directories that hide what lies below them. */
  readonly opaque: readonly string[];
  /** Paths of lower layers that it deletes. */
  readonly whiteouts: readonly string[];
}

/**
 * Unpacks a layer and verifies its diff id on every byte. The blob may be hostile. On failure the target is gone:
 * image_refused, image_digest_mismatch, disk_failed, cancelled.
 */
export async function unpackLayer(request: UnpackRequest, signal: AbortSignal): Promise<UnpackedLayer> {
  try {
    mkdirSync(request.targetPath, { mode: 0o700 });
    mkdirSync(`${request.targetPath}/fs`, { mode: 0o755 });
    return await unpackInto(request, signal);
  } catch (error) {
    rmSync(request.targetPath, { recursive: true, force: true });
    if (hasCode(error, "invalid_argument")) {
      const { message } = asTallshipError(error);
      throw new TallshipError("image_refused", `layer ${request.diffId}: ${message}`, { cause: error });
    }
    throw asDiskError(error);
  }
}

async function unpackInto(request: UnpackRequest, signal: AbortSignal): Promise<UnpackedLayer> {
  const root = `${request.targetPath}/fs`;
  const tree = new LayerTree(root);
  try {
    const { limits, policy } = request;
    const packedBytes = statSync(request.blobPath).size;
    const grown: LayerGrowth = { packedBytes, unpackedBytes: 0, entryCount: 0, heldBytes: 0, largestBytes: 0 };
    const reader = new TarReader(sinkInto(tree, policy, grown));
    const hash = createHash("sha256");
    for await (const chunk of decompressed(request.blobPath)) {
      if (signal.aborted) throw new TallshipError("cancelled", "unpacking was cancelled");
      hash.update(chunk);
      grown.unpackedBytes += chunk.length;
      reader.push(chunk);
      checkGrowth(limits, grown);
    }
    reader.finish();
    checkDiffId(request.diffId, `sha256:${hash.digest("hex")}`);
    const scratchPath = `${request.targetPath}/scratch`;
    await makeSpecialFiles({ root, tree, scratchPath }, tree.specialFiles());
    rmSync(scratchPath, { force: true });
    tree.finish();
    return { unpackedBytes: grown.unpackedBytes, entryCount: grown.entryCount, ...tree.hidden() };
  } finally {
    tree.abandon();
  }
}

/** Carries entries from the archive to the tree. */
function sinkInto(tree: LayerTree, policy: LayerPolicy, grown: LayerGrowth): TarSink {
  return {
    entry: (entry) => {
      grown.entryCount += 1;
      grown.heldBytes += heldBytes(entry);
      grown.largestBytes = Math.max(grown.largestBytes, entry.sparse?.realSize ?? 0);
      tree.apply(layerStep(entry, policy));
    },
    content: (bytes) => tree.write(bytes),
    end: () => tree.endFile(),
  };
}

/** Memory that an entry takes until the layer is complete. */
function heldBytes(entry: TarEntry): number {
  let held = entry.type === "file" && !entry.path.includes(".wh.") ? 0 : entry.path.length;
  for (const [name, value] of entry.xattrs) held += name.length + value.length;
  return held;
}

function checkDiffId(wanted: string, found: string): void {
  if (wanted === found) return;
  throw new TallshipError("image_digest_mismatch", `layer unpacks to ${found}, its image says ${wanted}`);
}

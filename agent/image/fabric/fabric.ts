import type { Clock } from "../../../lib/clock.js";
import { asTallshipError, TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { Log } from "../../../lib/log.js";
import type { Rng } from "../../../lib/rng.js";
import { type ContentPlan, ContentWant } from "../../../proto/gen/tallship/v1/fabric.js";
import { digestOf } from "../digest.js";
import type { Registry, RegistryRequest } from "../registry/registry.js";
import type { ContentStore } from "../store/content-store.js";
import { Fetching } from "./fetching.js";
import { Leaves } from "./leaves.js";
import type { Peers } from "./peers.js";
import type { PieceFile } from "./piece-file.js";

/** The way to the leader; nothing arrives while it is not connected. */
export interface FabricLink {
  readonly isConnected: boolean;
  /** Says what is wanted. */
  want(want: ContentWant): void;
  /** Shows the manifest of an image. */
  note(manifest: Uint8Array): void;
}

/** What the agent does with the fabric: carries words between it and the leader. */
export interface FabricSession {
  attach(link: FabricLink): void;
  plan(plan: ContentPlan): void;
  leave(digest: string, nodeName: string): void;
  /** A session has begun: the leader knows nothing. */
  resume(): void;
}

/** Which image some content is part of, and who can be asked for it. */
export interface ContentOrigin {
  /** Registry and path, such as docker.io/library/app. */
  readonly repository: string;
  /** Digest of the manifest. */
  readonly manifest: string;
  /** The registries, in order; none when the image is the cluster's own. */
  readonly requests: readonly RegistryRequest[];
}

/** Content to bring. */
export interface Bringing {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly origin: ContentOrigin;
  readonly signal: AbortSignal;
  readonly onBytes: (bytesDone: number) => void;
}

/** What the fabric works with. */
export interface FabricOptions {
  readonly store: ContentStore;
  readonly registry: Registry;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

const NO_LINK: FabricLink = { isConnected: false, want: () => undefined, note: () => undefined };

/**
 * Content from other nodes instead of from the registry, and for them. The leader says who has what and whose turn it is at the registry; the bytes go from node to node. Whatever fails, the
 * registry is still there: a caller that gets false asks it.
 */
export class Fabric implements FabricSession {
  /** Who may fetch what from here. */
  readonly leaves: Leaves;
  private readonly options: FabricOptions;
  private readonly running = new Map<string, Fetching>();
  private readonly asking = new Map<string, (plan: ContentPlan) => void>();
  private link: FabricLink = NO_LINK;

  constructor(options: FabricOptions) {
    this.options = options;
    this.leaves = new Leaves(options.clock);
  }

  attach(link: FabricLink): void {
    this.link = link;
  }

  plan(plan: ContentPlan): void {
    this.running.get(plan.digest)?.take(plan);
    this.asking.get(plan.digest)?.(plan);
  }

  leave(digest: string, nodeName: string): void {
    this.leaves.give(digest, nodeName);
  }

  resume(): void {
    for (const fetching of this.running.values()) fetching.tell();
  }

  /** Pieces of content that is on its way here, for other nodes. */
  partOf(digest: string): PieceFile | undefined {
    return this.running.get(digest)?.file;
  }

  /** Tells the leader which content belongs to an image. */
  note(manifest: Uint8Array): void {
    this.link.note(manifest);
  }

  /** Brings content into the store. False: it is for the caller to ask the registry. Throws what no registry can help with. */
  async bring({ digest, sizeBytes, origin, signal, onBytes }: Bringing): Promise<boolean> {
    const { store, registry, peers, clock, rng, log } = this.options;
    const hasRegistry = origin.requests.length > 0;
    if (!this.link.isConnected && hasRegistry) return false;
    const file = await store.openPieces(digest, sizeBytes, limit("fabricPieceBytes"));
    const fetching = new Fetching({
      ...{ file, registry, peers, clock, rng, onBytes, signal },
      want: { digest, sizeBytes, manifest: origin.manifest, repository: origin.repository, hasRegistry },
      requests: origin.requests,
      tell: (want) => this.link.want(want),
    });
    this.running.set(digest, fetching);
    try {
      await fetching.run();
      await file.commit();
      store.addBlob(digest);
      return true;
    } catch (caught) {
      const error = asTallshipError(caught);
      await file.abandon();
      if (!hasRegistry || ["cancelled", "disk_failed"].includes(error.code)) throw error;
      log.info("content does not come from other nodes; the registry is asked", { digest, error: error.message });
      return false;
    } finally {
      this.running.delete(digest);
      fetching.tellOver();
    }
  }

  /** Brings small content whose size is not known, a manifest, from other nodes. */
  async bringSmall(digest: string, origin: ContentOrigin, signal: AbortSignal): Promise<Uint8Array> {
    const { store, peers } = this.options;
    const plan = await this.ask(digest, origin, signal);
    let failure = new TallshipError(
      "image_not_found",
      plan.refusedMessage || `no node that is connected holds ${digest}`,
    );
    for (const peer of plan.peers) {
      try {
        const bytes = await whole(peers.read(peer, { digest, range: undefined, signal }));
        if (digestOf(bytes) !== digest)
          throw new TallshipError("image_digest_mismatch", `node ${peer.name} has another content for ${digest}`);
        await store.writeBlob(digest, bytes);
        return bytes;
      } catch (error) {
        failure = asTallshipError(error);
      }
    }
    throw failure;
  }

  private async ask(digest: string, origin: ContentOrigin, signal: AbortSignal): Promise<ContentPlan> {
    const { clock } = this.options;
    const want = ContentWant.fromPartial({ digest, manifest: origin.manifest, repository: origin.repository });
    try {
      return await new Promise<ContentPlan>((resolve, reject) => {
        const late = new TallshipError(
          "image_pull_failed",
          `the control plane does not say which node holds ${digest}`,
        );
        const cancel = clock.after(limit("fabricAnswerMs"), () => reject(late));
        const gone = (): void => reject(new TallshipError("cancelled", `fetching ${digest} was cancelled`));
        signal.addEventListener("abort", gone, { once: true });
        this.asking.set(digest, (plan) => {
          cancel();
          signal.removeEventListener("abort", gone);
          resolve(plan);
        });
        this.link.want(want);
      });
    } finally {
      this.asking.delete(digest);
      this.link.want({ ...want, isOver: true });
    }
  }
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > limit("imageManifestBytes"))
      throw new TallshipError("image_refused", `a manifest of more than ${bytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

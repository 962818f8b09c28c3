import { hasBit } from "../../../lib/bitmap.js";
import type { Clock } from "../../../lib/clock.js";
import { asTallshipError, hasCode, isErrorCode, TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { Rng } from "../../../lib/rng.js";
import type { ContentPeer, ContentPlan, ContentWant } from "../../../proto/gen/tallship/v1/fabric.js";
import type { Registry, RegistryRequest } from "../registry/registry.js";
import type { Peers } from "./peers.js";
import type { PieceFile } from "./piece-file.js";

/** What fetching one content takes. */
export interface FetchingParts {
  readonly file: PieceFile;
  /** What the leader is told, but for the pieces. */
  readonly want: Omit<ContentWant, "pieces" | "isOver">;
  /** Registries to fetch from, in order; none when the content is the cluster's own. */
  readonly requests: readonly RegistryRequest[];
  readonly registry: Registry;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly tell: (want: ContentWant) => void;
  readonly onBytes: (bytesDone: number) => void;
  readonly signal: AbortSignal;
}

/** How long a peer that failed is left alone. */
const BAD_PEER_MS = 5_000;
/** Failures of the registry before the node says that it has none: another node may do better. */
const REGISTRY_FAILURES = 3;

/**
 * One content on its way to this node: follows the leader's plans, fetches what it is granted from the registry and everything else from other nodes, a few pieces at once, those first that the
 * fewest have. Ends with every piece there; or throws what the leader says, or image_pull_failed when nothing has come for too long.
 */
export class Fetching {
  private readonly parts: FetchingParts;
  private readonly over = new AbortController();
  private readonly inFlight = new Set<number>();
  private readonly bad = new Map<string, number>();
  private plan: ContentPlan | undefined;
  private heardAtMs: number;
  private peerFetchCount = 0;
  private isAtRegistry = false;
  private registryFailureCount = 0;
  private bytesDone: number;
  private settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;

  constructor(parts: FetchingParts) {
    this.parts = parts;
    this.heardAtMs = parts.clock.monotonicMs();
    this.bytesDone = parts.file.bytesDone;
  }

  /** Its pieces, to be passed on. */
  get file(): PieceFile {
    return this.parts.file;
  }

  /** Fetches until every piece is there. */
  async run(): Promise<void> {
    const { signal, onBytes } = this.parts;
    const stop = (): void =>
      this.fail(new TallshipError("cancelled", `fetching ${this.parts.want.digest} was cancelled`));
    const done = new Promise<void>((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    onBytes(this.bytesDone);
    this.watch();
    this.tell();
    this.step();
    try {
      await done;
    } finally {
      signal.removeEventListener("abort", stop);
      this.over.abort();
    }
  }

  /** The leader's latest word. */
  take(plan: ContentPlan): void {
    if (plan.refusedCode !== "") {
      const code = isErrorCode(plan.refusedCode) ? plan.refusedCode : "internal";
      this.fail(new TallshipError(code, plan.refusedMessage));
      return;
    }
    if (this.plan === undefined) this.heardAtMs = this.parts.clock.monotonicMs();
    this.plan = plan;
    this.step();
  }

  /** Says anew what is wanted: a new leader knows nothing of it. */
  tell(): void {
    const { file, want } = this.parts;
    const hasRegistry = want.hasRegistry && this.registryFailureCount < REGISTRY_FAILURES;
    this.parts.tell({ ...want, hasRegistry, pieces: Buffer.from(file.pieces), isOver: false });
  }

  /** Says that nothing more is wanted. Not before the content has its name, or nobody would be known to have it for a moment. */
  tellOver(): void {
    this.parts.tell({ ...this.parts.want, pieces: Buffer.alloc(0), isOver: true });
  }

  private fail(error: unknown): void {
    this.settle?.reject(error);
    this.over.abort();
  }

  /** Gives up when nothing comes. */
  private watch(): void {
    const { clock, want } = this.parts;
    const tick = (): void => {
      if (this.over.signal.aborted) return;
      const silentMs = clock.monotonicMs() - this.heardAtMs;
      const most = this.plan === undefined ? limit("fabricAnswerMs") : limit("fabricStallMs");
      if (silentMs >= most)
        this.fail(new TallshipError("image_pull_failed", `nothing of ${want.digest} came for ${silentMs} ms`));
      else {
        this.step();
        clock.after(500, tick);
      }
    };
    clock.after(500, tick);
  }

  /** Starts what can be started. Synchronous, so that no two fetch the same. */
  private step(): void {
    const { file } = this.parts;
    if (this.over.signal.aborted) return;
    if (this.isMissing().length === 0) {
      this.settle?.resolve();
      return;
    }
    this.startRegistry();
    while (this.peerFetchCount < limit("fabricPieceFetches")) {
      const chosen = this.choosePiece();
      if (chosen === undefined) break;
      void this.fromPeer(chosen.peer, chosen.piece);
    }
    this.parts.onBytes(Math.min(this.bytesDone, file.places.sizeBytes));
  }

  private isMissing(): readonly number[] {
    const { file } = this.parts;
    const missing: number[] = [];
    for (let piece = 0; piece < file.pieceCount; piece += 1) if (!hasBit(file.pieces, piece)) missing.push(piece);
    return missing;
  }

  /** The piece that the fewest peers have, and one of them; by chance among equals, so that not all nodes want the same. */
  private choosePiece(): { readonly piece: number; readonly peer: ContentPeer } | undefined {
    const { clock, rng } = this.parts;
    const nowMs = clock.monotonicMs();
    const peers = (this.plan?.peers ?? []).filter(({ name }) => (this.bad.get(name) ?? 0) <= nowMs);
    let best: { readonly piece: number; readonly owners: readonly ContentPeer[]; readonly rank: number } | undefined;
    for (const piece of this.isMissing()) {
      if (this.inFlight.has(piece)) continue;
      const owners = peers.filter(({ isWhole, pieces }) => isWhole || hasBit(pieces, piece));
      if (owners.length === 0) continue;
      const rank = owners.length * 1_000 + rng.below(1_000);
      if (best === undefined || rank < best.rank) best = { piece, owners, rank };
    }
    const peer = best?.owners[rng.below(best.owners.length)];
    return best === undefined || peer === undefined ? undefined : { piece: best.piece, peer };
  }

  private async fromPeer(peer: ContentPeer, piece: number): Promise<void> {
    const { peers, want, clock } = this.parts;
    this.inFlight.add(piece);
    this.peerFetchCount += 1;
    try {
      const range = this.parts.file.rangeOf(piece);
      await this.write(peers.read(peer, { digest: want.digest, range, signal: this.over.signal }), [piece]);
    } catch (error) {
      if (hasCode(error, "disk_failed")) this.fail(error);
      this.bad.set(peer.name, clock.monotonicMs() + BAD_PEER_MS);
    } finally {
      this.inFlight.delete(piece);
      this.peerFetchCount -= 1;
    }
    this.step();
  }

  /** Reads what is granted in runs without gaps, one run at a time. */
  private startRegistry(): void {
    if (this.isAtRegistry) return;
    const free = [...(this.plan?.granted ?? [])]
      .filter((piece) => !hasBit(this.parts.file.pieces, piece) && !this.inFlight.has(piece))
      .sort((a, b) => a - b);
    const [first] = free;
    if (first === undefined) return;
    const run = free.filter((piece, at) => piece === first + at);
    void this.fromRegistry(run);
  }

  private async fromRegistry(run: readonly number[]): Promise<void> {
    const { registry, requests, want, file } = this.parts;
    const request = requests[this.registryFailureCount % Math.max(1, requests.length)];
    const [first = 0] = run;
    if (request === undefined) return;
    this.isAtRegistry = true;
    for (const piece of run) this.inFlight.add(piece);
    try {
      const { start } = file.rangeOf(first);
      const { end } = file.rangeOf(run.at(-1) ?? first);
      const reply = await registry.blob({ ...request, signal: this.over.signal }, want.digest, { start, end });
      if (reply.offsetBytes !== start) throw new TallshipError("not_supported", "the registry knows no ranges");
      await this.write(reply.content, run);
      this.registryFailureCount = 0;
    } catch (caught) {
      const error = asTallshipError(caught);
      if (error.code === "disk_failed" || error.code === "not_supported") this.fail(error);
      this.registryFailureCount += 1;
      if (this.registryFailureCount >= REGISTRY_FAILURES) this.tell();
    } finally {
      this.isAtRegistry = false;
      for (const piece of run) this.inFlight.delete(piece);
    }
    this.step();
  }

  /** Writes pieces that follow each other, and takes note of each as it is there. */
  private async write(content: AsyncIterable<Uint8Array>, run: readonly number[]): Promise<void> {
    const { file, clock } = this.parts;
    const pieces = [...run];
    let at = file.rangeOf(pieces[0] ?? 0).start;
    const last = file.rangeOf(run.at(-1) ?? 0).end;
    for await (const bytes of gathered(content)) {
      if (this.over.signal.aborted) return;
      const kept = bytes.subarray(0, last - at);
      await file.write(at, kept);
      at += kept.length;
      this.bytesDone += kept.length;
      this.heardAtMs = clock.monotonicMs();
      for (let next = pieces[0]; next !== undefined && file.rangeOf(next).end <= at; next = pieces[0]) {
        pieces.shift();
        file.finish(next);
        this.inFlight.delete(next);
        this.tell();
        this.step();
      }
      if (at >= last) return;
    }
    throw new TallshipError("image_pull_failed", `${this.parts.want.digest} ended at byte ${at} of ${last}`);
  }
}

/** Large writes: what comes off the wire comes in records of 16 KiB. */
const WRITE_BYTES = 262_144;

async function* gathered(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes < WRITE_BYTES) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

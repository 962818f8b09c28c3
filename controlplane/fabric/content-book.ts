import { emptyBitmap, hasBit } from "../../lib/bitmap.js";
import type { Clock } from "../../lib/clock.js";
import { hostPort } from "../../lib/host-port.js";
import { limit } from "../../lib/limits.js";
import {
  type ContentLeave,
  type ContentPeer,
  ContentPlan,
  type ContentWant,
} from "../../proto/gen/tallship/v1/fabric.js";
import type { ImageNamesReport, ImageReport, OpenStream } from "../../proto/gen/tallship/v1/session.js";
import type { View } from "../cache/view.js";
import { contentOf, mayFetch, type NotedManifest, notedManifest, repositoriesOf } from "./may-fetch.js";
import { planContent, type SeekerPlan } from "./plan-content.js";

/** What the book needs. */
export interface ContentBookDeps {
  readonly view: View;
  readonly clock: Clock;
  /** Tells a node; nothing happens when it has no session. */
  readonly tell: (nodeName: string, news: { readonly plan: ContentPlan } | { readonly leave: ContentLeave }) => void;
}

interface Seeking {
  readonly name: string;
  readonly hasRegistry: boolean;
  pieces: Uint8Array;
  granted: Set<number>;
  grantedCount: number;
  heardAtMs: number;
  told: string;
}

interface Sought {
  readonly sizeBytes: number;
  readonly seekers: Map<string, Seeking>;
  isDue: boolean;
}

interface NodeContent {
  /** Another one whenever what it holds has changed. */
  version: number;
  readonly held: Set<string>;
  /** Sizes of the images that it could run at once, by name. */
  readonly named: Map<string, number>;
  readonly noted: Map<string, NotedManifest>;
  /** Content that an operator has had it fetch. */
  readonly allowed: Set<string>;
  /** Repositories that an operator has had it work with. */
  readonly repositories: Set<string>;
  /** Leaves that other nodes were given for this one's content, and when. */
  readonly leaves: Map<string, number>;
}

/**
 * Who has which content, and who fetches what from whom: on the leader, in memory, from the sessions. A node that wants content says so and what it has of it; the book answers with plans
 * that follow as things change. A new leader learns it all from the nodes' next words.
 */
export class ContentBook {
  private readonly deps: ContentBookDeps;
  private readonly nodes = new Map<string, NodeContent>();
  private versions = 0;
  private readonly sought = new Map<string, Sought>();

  constructor(deps: ContentBookDeps) {
    this.deps = deps;
  }

  /** A node's session has begun: nothing is known of it. */
  begin(nodeName: string): void {
    this.end(nodeName);
    this.versions += 1;
    this.nodes.set(nodeName, {
      version: this.versions,
      ...{ held: new Set(), named: new Map(), noted: new Map(), leaves: new Map() },
      ...{ allowed: new Set(), repositories: new Set() },
    });
  }

  /** A node's session is over. What others were to get from it they get elsewhere. */
  end(nodeName: string): void {
    this.nodes.delete(nodeName);
    for (const [digest, { seekers }] of this.sought) {
      seekers.delete(nodeName);
      this.changed(digest);
    }
  }

  clear(): void {
    this.nodes.clear();
    this.sought.clear();
  }

  /** What each node that has a session holds. */
  get holdings(): ReadonlyMap<string, Pick<NodeContent, "held" | "named"> & { readonly version: number }> {
    return this.nodes;
  }

  /** Nodes that have a session, by name, and how many of the digests each holds. */
  holdersOf(digests: readonly string[]): readonly { readonly name: string; readonly heldCount: number }[] {
    return [...this.nodes]
      .map(([name, { held }]) => ({ name, heldCount: digests.filter((digest) => held.has(digest)).length }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Content came to a node, or went. */
  report(nodeName: string, { isWhole, added, removed }: ImageReport): void {
    const node = this.nodes.get(nodeName);
    if (node === undefined) return;
    const { held } = node;
    this.versions += 1;
    node.version = this.versions;
    if (isWhole) held.clear();
    for (const digest of removed) held.delete(digest);
    for (const digest of added) if (held.size < limit("imagesPerNode")) held.add(digest);
    for (const digest of [...added, ...removed]) this.changed(digest);
    if (isWhole) for (const digest of this.sought.keys()) this.changed(digest);
  }

  /** Names of images came to a node, or went. */
  reportNames(nodeName: string, { isWhole, added, removed }: ImageNamesReport): void {
    const node = this.nodes.get(nodeName);
    if (node === undefined) return;
    const { named } = node;
    this.versions += 1;
    node.version = this.versions;
    if (isWhole) named.clear();
    for (const name of removed) named.delete(name);
    for (const { name, sizeBytes } of added)
      if (named.has(name) || named.size < limit("imageNamesPerNode")) named.set(name, sizeBytes);
  }

  /** A node shows the manifest of an image. */
  note(nodeName: string, manifest: Uint8Array): void {
    const noted = this.nodes.get(nodeName)?.noted;
    if (noted === undefined) return;
    const found = notedManifest(manifest);
    noted.delete(found.digest);
    noted.set(found.digest, found);
    const [oldest] = noted.keys();
    if (noted.size > limit("fabricManifests") && oldest !== undefined) noted.delete(oldest);
  }

  /** An operator has a node do something: an image that it is to fetch, to pull or to build on, no pod on it needs to name. */
  opened(nodeName: string, { what }: OpenStream): void {
    const task = what?.$case === "image" ? what.value.task : undefined;
    const node = this.nodes.get(nodeName);
    if (node === undefined) return;
    const image = task?.$case === "fetch" ? task.value.spec : undefined;
    allow(node.allowed, image === undefined ? [] : contentOf(image));
    allow(node.repositories, repositoriesOf(task));
  }

  /** A node wants content, has more of it, or wants it no more. */
  want(nodeName: string, want: ContentWant): void {
    const { digest } = want;
    const node = this.nodes.get(nodeName);
    if (node === undefined) return;
    if (want.isOver) this.sought.get(digest)?.seekers.delete(nodeName);
    else if (this.sought.get(digest)?.seekers.has(nodeName) === true) this.hear(nodeName, want);
    else if (node.allowed.has(digest) || mayFetch(this.deps.view, nodeName, want, node)) this.hear(nodeName, want);
    else this.refuse(nodeName, digest, "forbidden", `no pod on node ${nodeName} names an image with ${digest}`);
    this.changed(digest);
  }

  private hear(nodeName: string, want: ContentWant): void {
    const sought = this.sought.get(want.digest) ?? { sizeBytes: want.sizeBytes, seekers: new Map(), isDue: false };
    this.sought.set(want.digest, sought);
    const known = sought.seekers.get(nodeName);
    const granted = [...(known?.granted ?? [])].filter((piece) => !hasBit(want.pieces, piece));
    sought.seekers.set(nodeName, {
      name: nodeName,
      hasRegistry: want.hasRegistry,
      pieces: want.pieces,
      granted: new Set(granted),
      grantedCount: known?.grantedCount ?? 0,
      heardAtMs: this.deps.clock.monotonicMs(),
      told: known?.told ?? "",
    });
  }

  /** News gather for a moment, the longer the more nodes there are to tell. */
  private changed(digest: string): void {
    const sought = this.sought.get(digest);
    if (sought === undefined || sought.isDue) return;
    if (sought.seekers.size === 0) {
      this.sought.delete(digest);
      return;
    }
    sought.isDue = true;
    const waitMs = limit("fabricGatherMs") + 2 * sought.seekers.size;
    this.deps.clock.after(waitMs, () => {
      sought.isDue = false;
      if (this.sought.get(digest) === sought) this.plan(digest, sought);
    });
  }

  private plan(digest: string, sought: Sought): void {
    const nowMs = this.deps.clock.monotonicMs();
    const silentSince = nowMs - limit("fabricSilenceMs");
    for (const seeker of sought.seekers.values())
      if (seeker.heardAtMs < silentSince) sought.seekers.delete(seeker.name);
    const seekers = [...sought.seekers.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const plans = planContent(
      {
        pieceCount: Math.ceil(sought.sizeBytes / limit("fabricPieceBytes")),
        holders: [...this.nodes]
          .filter(([, { held }]) => held.has(digest))
          .map(([name]) => name)
          .sort(),
        seekers,
      },
      { peers: limit("fabricPeers"), grants: limit("fabricGrants"), grantsAlone: limit("fabricGrantsAlone") },
    );
    for (const plan of plans) this.tell(digest, sought, plan);
    // A node that falls silent leaves its pieces to others.
    if (seekers.length > 0) this.deps.clock.after(limit("fabricSilenceMs"), () => this.changed(digest));
  }

  private tell(digest: string, { seekers }: Sought, plan: SeekerPlan): void {
    const seeker = seekers.get(plan.name);
    if (seeker === undefined) return;
    if (plan.isNowhere) {
      this.refuse(plan.name, digest, "image_not_found", `no node that is connected holds ${digest}`);
      return;
    }
    const fresh = plan.granted.filter((piece) => !seeker.granted.has(piece));
    for (const piece of fresh) seeker.granted.add(piece);
    seeker.grantedCount += fresh.length;
    const peers = plan.peers.flatMap((name) => this.peer(digest, name, seekers.get(name)?.pieces));
    const message = ContentPlan.fromPartial({ digest, peers, granted: [...plan.granted] });
    const told = JSON.stringify(message);
    if (told === seeker.told) return;
    seeker.told = told;
    for (const peer of peers) this.leave(peer.name, { digest, nodeName: plan.name });
    this.deps.tell(plan.name, { plan: message });
  }

  private peer(digest: string, name: string, pieces: Uint8Array | undefined): readonly ContentPeer[] {
    const node = this.deps.view.get("Node", "", name);
    const host = node?.status?.addresses.find(({ type }) => type === "InternalIP")?.address;
    const port = node?.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
    if (host === undefined || port === 0) return [];
    const isWhole = this.nodes.get(name)?.held.has(digest) === true;
    return [
      { name, address: hostPort(host, port), isWhole, pieces: Buffer.from(isWhole ? emptyBitmap(0) : (pieces ?? [])) },
    ];
  }

  /** Lets a node's content be fetched by another; told again while it goes on. */
  private leave(holder: string, leave: ContentLeave): void {
    const leaves = this.nodes.get(holder)?.leaves;
    if (leaves === undefined) return;
    const key = `${leave.digest} ${leave.nodeName}`;
    const nowMs = this.deps.clock.monotonicMs();
    const toldAtMs = leaves.get(key);
    if (toldAtMs !== undefined && nowMs - toldAtMs < limit("fabricLeaveMs") / 2) return;
    if (leaves.size > limit("imagesPerNode")) leaves.clear();
    leaves.set(key, nowMs);
    this.deps.tell(holder, { leave });
  }

  private refuse(nodeName: string, digest: string, refusedCode: string, refusedMessage: string): void {
    this.sought.get(digest)?.seekers.delete(nodeName);
    this.deps.tell(nodeName, { plan: ContentPlan.fromPartial({ digest, refusedCode, refusedMessage }) });
  }
}

function allow(allowed: Set<string>, more: readonly string[]): void {
  if (allowed.size > limit("imagesPerNode")) allowed.clear();
  for (const each of more) allowed.add(each);
}

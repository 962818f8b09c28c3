// Edge: nodes that share content, on this machine: real disks and real mTLS between them, the leader's book and the registry in memory.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fabric } from "../../agent/image/fabric/fabric.js";
import { httpsPeers } from "../../agent/image/fabric/https-peers.js";
import type { Peer, RangeRequest } from "../../agent/image/fabric/peers.js";
import type { PieceFile } from "../../agent/image/fabric/piece-file.js";
import { contentHandler } from "../../agent/image/fabric/serve-content.js";
import { noImageMetrics } from "../../agent/image/image-metrics.js";
import type { ImageRequest, LocalImage } from "../../agent/image/images.js";
import { localUnpacker } from "../../agent/image/layer/local-unpacker.js";
import { NodeImages } from "../../agent/image/node-images.js";
import { OverlayRootFs } from "../../agent/image/rootfs/overlay-rootfs.js";
import { ContentStore } from "../../agent/image/store/content-store.js";
import { ImageNames } from "../../agent/image/store/image-names.js";
import { ImageReporter } from "../../agent/session/image-reporter.js";
import type { View } from "../../controlplane/cache/view.js";
import { ContentBook } from "../../controlplane/fabric/content-book.js";
import { silentLog } from "../../lib/log.js";
import type { KeyPair } from "../../lib/pki/issue.js";
import { seededRng } from "../../lib/rng.js";
import { systemClock } from "../../lib/system-clock.js";
import { mutableCredentials } from "../../lib/transport/credentials.js";
import { startGrpcServer } from "../../lib/transport/grpc-server.js";
import type { TransportServer } from "../../lib/transport/service.js";
import type { Image } from "../../proto/gen/tallship/v1/image.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { SimulatedRegistry } from "./simulated-registry.js";
import { testAuthority, testCredentials } from "./test-authority.js";

/** One node. */
export interface FabricNode {
  readonly name: string;
  readonly images: NodeImages;
  readonly store: ContentStore;
  /** What it asked of other nodes. */
  readonly asked: { readonly peer: string; readonly request: RangeRequest }[];
  readonly address: string;
  /** Its session to the leader; without one it knows of nobody. */
  setConnected(isConnected: boolean): void;
  /** Content on its way. */
  partOf(digest: string): PieceFile | undefined;
  ensure(request: ImageRequest, signal?: AbortSignal): Promise<LocalImage>;
  /** Its node port is shut. */
  shut(): Promise<void>;
}

/** Some nodes, a leader and a registry. */
export class FabricWorld {
  readonly registry = new SimulatedRegistry();
  readonly nodes: FabricNode[] = [];
  readonly book: ContentBook;
  readonly authority: KeyPair = testAuthority();
  private readonly folder = mkdtempSync(join(tmpdir(), "tallship-fabric-"));
  private readonly fabrics = new Map<string, Fabric>();
  private readonly connected = new Set<string>();
  private readonly images: Image[] = [];
  private readonly pods = new Map<string, string[]>();
  private readonly ends: (() => Promise<void> | void)[] = [];

  constructor() {
    this.book = new ContentBook({
      clock: systemClock,
      view: this.view(),
      tell: (name, news) => {
        if (!this.connected.has(name)) return;
        // As over a wire: later, and what was sent.
        setImmediate(() => {
          if ("plan" in news) this.fabrics.get(name)?.plan(news.plan);
          else this.fabrics.get(name)?.leave(news.leave.digest, news.leave.nodeName);
        });
      },
    });
  }

  /** Lets a name of the cluster stand for an image. */
  name(image: Image): void {
    this.images.push(image);
  }

  /** Binds a pod with this image to a node. */
  run(nodeName: string, image: string): void {
    this.pods.set(nodeName, [...(this.pods.get(nodeName) ?? []), image]);
  }

  /** Adds a node with an empty store. */
  async add(name: string): Promise<FabricNode> {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    const edges = { clock: systemClock, rng: seededRng(name.charCodeAt(name.length - 1)), log: silentLog };
    const credentials = mutableCredentials(testCredentials(this.authority, name, "node"));
    const store = new ContentStore({ folder: join(folder, "images"), bootId: "one", log: silentLog });
    const asked: FabricNode["asked"] = [];
    const https = httpsPeers(credentials, systemClock);
    const peers = {
      ...https,
      read: (peer: Peer, request: RangeRequest) => {
        asked.push({ peer: peer.name, request });
        return https.read(peer, request);
      },
    };
    const { registry } = this;
    const fabric = new Fabric({ ...edges, store, registry, peers });
    this.fabrics.set(name, fabric);
    const server = await startGrpcServer({
      ...{ host: "127.0.0.1", port: 0, bindings: [], credentials, clientCertificates: "required", ...edges },
      onHttp: contentHandler({ store, fabric }, (_, response) => response.writeHead(404).end()),
    });
    const images = new NodeImages({
      ...{ ...edges, store, fabric, registry, metrics: noImageMetrics, unpacker: localUnpacker },
      rootFs: new OverlayRootFs(join(folder, "rootfs")),
      names: new ImageNames(join(folder, "images/names.json"), silentLog),
      mirrors: () => new Map(),
      platform: { os: "linux", architecture: "amd64", variant: "" },
      policy: { deviceNodes: "refuse" },
    });
    const node = this.nodeOf({ name, images, store, asked, fabric, server });
    this.nodes.push(node);
    node.setConnected(true);
    this.ends.push(
      () => images.close(),
      () => peers.close(),
      () => server.close(10),
    );
    return node;
  }

  async close(): Promise<void> {
    for (const end of this.ends) await end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private nodeOf(
    made: Pick<FabricNode, "name" | "images" | "store" | "asked"> & { fabric: Fabric; server: TransportServer },
  ): FabricNode {
    const { name, images, store, fabric, server } = made;
    const later = (say: () => void): void => {
      setImmediate(() => {
        if (this.connected.has(name)) say();
      });
    };
    const reporter = new ImageReporter(images, {
      reportImages: (report) => later(() => this.book.report(name, report)),
      reportImageNames: (report) => later(() => this.book.reportNames(name, report)),
    });
    images.onContent(() => reporter.refresh());
    const isConnected = (): boolean => this.connected.has(name);
    fabric.attach({
      get isConnected() {
        return isConnected();
      },
      want: (want) => later(() => this.book.want(name, want)),
      note: (manifest) => later(() => this.book.note(name, manifest)),
    });
    return {
      ...made,
      address: `127.0.0.1:${server.port}`,
      setConnected: (isUp) => {
        if (!isUp) {
          this.connected.delete(name);
          this.book.end(name);
          return;
        }
        this.connected.add(name);
        this.book.begin(name);
        reporter.begin();
        fabric.resume();
      },
      ensure: (request, signal = new AbortController().signal) => images.ensure(request, { signal }),
      partOf: (digest) => fabric.partOf(digest),
      shut: () => server.close(0),
      store,
    };
  }

  private view(): View {
    const view = {
      get: (kind: string, _namespace: string, name: string) => (kind === "Node" ? this.nodeObject(name) : undefined),
      list: () => this.images.map((object) => ({ kind: "Image", object })),
      podsOnNode: (name: string) =>
        (this.pods.get(name) ?? []).map((image) => ({
          object: Pod.fromPartial({ spec: { containers: [{ name: "main", image }] } }),
        })),
    };
    // The book asks nothing else of it.
    return view as unknown as View;
  }

  private nodeObject(name: string): Node | undefined {
    const address = this.nodes.find((node) => node.name === name)?.address;
    if (address === undefined) return undefined;
    const [host = "", port = ""] = address.split(":");
    return Node.fromPartial({
      metadata: { name },
      status: {
        addresses: [{ type: "InternalIP", address: host }],
        daemonEndpoints: { kubeletEndpoint: { Port: Number(port) } },
      },
    });
  }
}

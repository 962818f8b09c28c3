// Edge: a node's images on a folder of their own.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noImageMetrics } from "../../agent/image/image-metrics.js";
import type { ImageRequest, LocalImage } from "../../agent/image/images.js";
import { localUnpacker } from "../../agent/image/layer/local-unpacker.js";
import type { Mirrors } from "../../agent/image/mirrors.js";
import { NodeImages } from "../../agent/image/node-images.js";
import { OverlayRootFs } from "../../agent/image/rootfs/overlay-rootfs.js";
import { ContentStore } from "../../agent/image/store/content-store.js";
import { ImageNames } from "../../agent/image/store/image-names.js";
import type { Clock } from "../../lib/clock.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { systemClock } from "../../lib/system-clock.js";
import { tarEntry } from "../../lib/tar/entry.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import type { BuiltImage, BuiltLayer } from "./built-image.js";
import { buildImage, builtLayer } from "./image-builder.js";
import { SimulatedRegistry } from "./simulated-registry.js";

/** The registry that requests of `ask` name. */
export const ORIGIN = "https://reg.example";

/** How a node is opened. */
export interface BootOptions {
  readonly bootId?: string;
  readonly mirrors?: Mirrors;
  readonly clock?: Clock;
}

/** The images of one node over a simulated registry, in a folder that `boot` opens again as an agent that starts does. */
export class ImageWorld {
  readonly registry = new SimulatedRegistry();
  readonly rootFs: OverlayRootFs;
  readonly folder: string;
  images: NodeImages;
  private readonly opened: NodeImages[] = [];

  constructor(folder = mkdtempSync(join(tmpdir(), "tallship-images-"))) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    this.rootFs = new OverlayRootFs(join(folder, "rootfs"));
    this.images = this.boot();
  }

  /** Opens the store, after a restart of the agent or, with another boot id, of the machine. */
  boot({ bootId = "first", mirrors = new Map(), clock = systemClock }: BootOptions = {}): NodeImages {
    const { registry, rootFs, folder } = this;
    this.images = new NodeImages({
      ...{
        registry,
        clock,
        rng: seededRng(1),
        log: silentLog,
        metrics: noImageMetrics,
        unpacker: localUnpacker,
        rootFs,
      },
      store: new ContentStore({ folder: join(folder, "images"), bootId, log: silentLog }),
      names: new ImageNames(join(folder, "images/names.json"), silentLog),
      mirrors: () => mirrors,
      platform: { os: "linux", architecture: "amd64", variant: "" },
      policy: { deviceNodes: "refuse" },
    });
    this.opened.push(this.images);
    return this.images;
  }

  /** Makes an image present; nobody gives up. */
  ensure(request: ImageRequest): Promise<LocalImage> {
    return this.images.ensure(request, { signal: new AbortController().signal });
  }

  /** What was asked for at …/blobs/…, in order. */
  blobRequests(): readonly string[] {
    return this.registry.seen.map(({ what }) => what).filter((what) => what.includes("/blobs/"));
  }

  /** Names in a folder of the store. */
  namesIn(folder: string): readonly string[] {
    return readdirSync(join(this.folder, "images", folder));
  }

  /** Stops timers and deletes everything. */
  close(): void {
    for (const images of this.opened) images.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A request for an image of ORIGIN. */
export function ask(reference: string, rest: Partial<ImageRequest> = {}): ImageRequest {
  return { reference: `reg.example/${reference}`, policy: "IfNotPresent", credentials: {}, ...rest };
}

/** A layer with one file of random bytes, named and seeded alike. */
export function layerOf(name: string, sizeBytes = 5_000): BuiltLayer {
  const bytes = Buffer.from(seededRng(name.length * 31 + name.charCodeAt(0)).bytes(sizeBytes));
  return builtLayer(tarArchive([[tarEntry(name, "file"), bytes]]), "none");
}

/** An image of such layers, the lowest first. */
export function imageOf(...names: readonly string[]): BuiltImage {
  return buildImage({ layers: names.map((name) => layerOf(name)), architecture: "amd64", config: { Cmd: [...names] } });
}

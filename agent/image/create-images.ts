// Edge: opens the node's image store.
import { mkdirSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../lib/clock.js";
import { assertNever } from "../../lib/errors.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import { WorkerPool } from "../worker/worker-pool.js";
import type { WorkerProgram } from "../worker/worker-program.js";
import { Fabric } from "./fabric/fabric.js";
import type { Peers } from "./fabric/peers.js";
import type { ServingParts } from "./fabric/serve-content.js";
import { type ImageMetrics, noImageMetrics } from "./image-metrics.js";
import type { ImageLibrary, Images, RootFsDriver } from "./images.js";
import type { LayerPolicy } from "./layer/layer-entry.js";
import { localUnpacker } from "./layer/local-unpacker.js";
import type { Unpacker } from "./layer/unpacker.js";
import type { Mirrors } from "./mirrors.js";
import { NodeImages } from "./node-images.js";
import { platformOfNode } from "./platform.js";
import { HttpDesk } from "./registry/http-desk.js";
import { HttpRegistry } from "./registry/http-registry.js";
import type { Registry } from "./registry/registry.js";
import type { RegistryDesk } from "./registry/registry-desk.js";
import { RegistryErrands } from "./registry-errands.js";
import { BtrfsRootFs } from "./rootfs/btrfs-rootfs.js";
import { checkFileSystem, driverFor } from "./rootfs/file-system.js";
import { OverlayRootFs } from "./rootfs/overlay-rootfs.js";
import { runCommand } from "./run-command.js";
import { ContentStore } from "./store/content-store.js";
import { ImageNames } from "./store/image-names.js";

/** What the node's images need. What is not given has the default that its line names. */
export interface CreateImagesOptions {
  /** `images` and `rootfs` are made in it. On one file system, not overlayfs. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** Asked at each pull. None. */
  readonly mirrors?: () => Mirrors;
  /** HTTP. */
  readonly registry?: Registry;
  /** HTTP. */
  readonly desk?: RegistryDesk;
  /** The program in which layers are unpacked. This process. */
  readonly worker?: WorkerProgram | undefined;
  /** btrfs when the folder is on it, else overlayfs. */
  readonly rootFsDriver?: RootFsDriver["name"];
  /** Device nodes in images are refused. */
  readonly policy?: LayerPolicy;
  /** How other nodes are reached. Not at all: every blob comes from a registry. */
  readonly peers?: Peers;
  /** Counts nothing. */
  readonly metrics?: ImageMetrics;
}

/** The node's images and root file systems. */
export interface CreatedImages {
  readonly images: Images;
  readonly library: ImageLibrary;
  readonly errands: RegistryErrands;
  readonly rootFs: RootFsDriver;
  /** What carries content between nodes; absent without peers. */
  readonly serving: ServingParts | undefined;
  /** Stops workers and timers; pulls that run fail. What is on disk stays. */
  close(): Promise<void>;
}

/** Opens the image store of a node and recovers it from a crash. Only one process may have it open. */
export function createImages(options: CreateImagesOptions): CreatedImages {
  const folder = join(options.dataDir, "images");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { clock, rng, log, metrics = noImageMetrics } = options;
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const registry = options.registry ?? new HttpRegistry(clock);
  const unpacker = unpackerOf(options, folder);
  const { type } = statfsSync(folder);
  const driver = options.rootFsDriver ?? driverFor(type);
  checkFileSystem(driver, type, options.dataDir);
  const store = new ContentStore({ folder, bootId, log });
  const rootFs = rootFsOf(driver, options.dataDir, store);
  const { peers } = options;
  const fabric = peers === undefined ? undefined : new Fabric({ store, registry, peers, clock, rng, log });
  const mirrors = options.mirrors ?? (() => new Map());
  const desk = options.desk ?? new HttpDesk(clock);
  const errands = new RegistryErrands({ registry, clock, rng, store, desk, mirrors });
  const images = new NodeImages({
    fabric,
    clock,
    rng,
    log,
    metrics,
    registry,
    unpacker,
    rootFs,
    store,
    names: new ImageNames(join(folder, "names.json"), log),
    mirrors,
    platform: platformOfNode(process.arch),
    policy: options.policy ?? { deviceNodes: "refuse" },
  });
  const close = async (): Promise<void> => {
    images.close();
    await unpacker.close();
    registry.close();
    desk.close();
    peers?.close();
  };
  const serving = fabric === undefined ? undefined : { store, fabric };
  return { images, library: images, errands, rootFs, serving, close };
}

function unpackerOf({ worker, clock, log }: CreateImagesOptions, folder: string): Unpacker {
  if (worker === undefined) return localUnpacker;
  const confinement = {
    rootPath: join(folder, "worker"),
    writablePath: join(folder, "staging"),
    readablePaths: [folder, ...worker.folders],
  };
  return new WorkerPool({ command: worker.command, confinement, clock, log });
}

function rootFsOf(driver: RootFsDriver["name"], dataDir: string, store: ContentStore): RootFsDriver {
  switch (driver) {
    case "overlayfs":
      return new OverlayRootFs(join(dataDir, "rootfs"));
    case "btrfs":
      return new BtrfsRootFs({
        folder: join(dataDir, "rootfs"),
        run: runCommand,
        hiddenBy: (path) => store.layerAt(path) ?? { opaque: [], whiteouts: [] },
      });
    default:
      return assertNever(driver);
  }
}

// Edge: builds images.
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { asTallshipError, TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { Log } from "../../../lib/log.js";
import { TreeUnpacker } from "../../../lib/rooted/unpack-tree.js";
import { Slots } from "../../../lib/slots.js";
import type { BuildBase, BuildStart } from "../../../proto/gen/tallship/v1/images.js";
import type { ImageLibrary, Images, LoadedImage } from "../images.js";
import type { Platform } from "../platform.js";
import type { Logins } from "../registry-errands.js";
import { type BuildPaths, budWords, buildahWords, checkBuild, pushWords, secretPath } from "./build-words.js";
import { buildGroups, type Confinement, confined } from "./confined.js";

/** What building takes. */
export interface BuilderParts {
  readonly images: Images;
  readonly library: ImageLibrary;
  readonly platform: Platform;
  /** The node's; `builds` is made in it. */
  readonly dataDir: string;
  /** Control group above all pods' groups; empty, or a path that starts with a slash. */
  readonly cgroupParent: string;
  readonly log: Log;
}

/** A build that is asked for. */
export interface Build {
  readonly start: BuildStart;
  readonly bases: readonly BuildBase[];
  /** For the registries of the bases, by host. */
  readonly credentials: Logins;
  /** A tar archive. */
  readonly context: AsyncIterable<Uint8Array>;
  /** Opens what its steps reach the network by. Absent: the node's own network. */
  readonly openLink?: (() => Promise<BuildLink>) | undefined;
}

/** A place in the node's network of pods, for as long as a build runs. */
export interface BuildLink {
  readonly netnsPath: string;
  /** What stands in /etc/resolv.conf there. */
  readonly resolvConf: string;
  /** Gives it back. */
  readonly close: () => Promise<void>;
}

/** What comes of a build: its output, at last the image. */
export type BuildEvent =
  | { readonly is: "output"; readonly bytes: Uint8Array }
  | { readonly is: "image"; readonly image: LoadedImage };

/**
 * Builds images of Dockerfiles by buildah. Base images come from the node's own, so mirrors, credentials of the node and images of the cluster hold for builds too; buildah asks no registry. What is
 * built is taken in as an archive is. Layers stay below `builds/storage` for later builds; everything else of a build goes when it ends, also when the agent dies.
 */
export class ImageBuilder {
  private readonly parts: BuilderParts;
  private readonly slots = new Slots(limit("buildsPerNode"));
  private readonly folder: string;
  private count = 0;
  private running = 0;
  /** Takes away what all builds left: none may begin meanwhile. */
  private sweeping: Promise<void> = Promise.resolve();

  constructor(parts: BuilderParts) {
    this.parts = parts;
    this.folder = join(parts.dataDir, "builds");
    rmSync(join(this.folder, "running"), { recursive: true, force: true });
  }

  /** Fails with build_failed when a step does, not_supported, invalid_argument, too_large, cancelled, failed_precondition without buildah, and as images do. */
  async *build(build: Build, signal: AbortSignal): AsyncGenerator<BuildEvent> {
    checkBuild(build.start, this.parts.platform);
    const leave = await turn(this.slots, signal);
    this.count += 1;
    const paths = { folder: join(this.folder, "running", String(this.count)), storage: join(this.folder, "storage") };
    this.running += 1;
    try {
      await this.sweeping;
      await this.makeRoom(paths.storage);
      yield* this.built(build, paths, signal);
    } finally {
      this.running -= 1;
      this.sweeping = this.sweep(paths);
      await this.sweeping;
      await rm(paths.folder, { recursive: true, force: true });
      leave();
    }
  }

  private async *built(build: Build, paths: BuildPaths, signal: AbortSignal): AsyncGenerator<BuildEvent> {
    const { start, bases, context, credentials } = build;
    const { parts } = this;
    const { folder } = paths;
    writeFiles(paths, start);
    await unpack(context, join(folder, "context"), signal);
    const groups = buildGroups(parts.cgroupParent);
    const how: Confinement = { groups, folder, network: "none", signal };
    for (const [at, base] of bases.entries())
      await this.bringBase(base, { paths, at, pull: start.pull, credentials, how });
    for await (const bytes of stepsOf(build, paths, how)) yield { is: "output", bytes };
    const id = readFileSync(join(folder, "id"), "utf8").trim();
    await toEnd(confined(pushWords(paths, id), how));
    const archive = createReadStream(join(folder, "image.tar"));
    const images = await parts.library.load(archive, { names: start.names, signal, onProgress: () => undefined });
    parts.log.info("image built", { names: start.names.join(" "), id });
    for (const image of images) yield { is: "image", image };
  }

  /** Makes an image of the node one of buildah's, under its name. */
  private async bringBase(
    { name, digest, isFromRegistry }: BuildBase,
    { paths, at, pull, credentials, how }: BringTerms,
  ): Promise<void> {
    const { images, library } = this.parts;
    const asksRegistry = pull && (digest === "" || isFromRegistry);
    const reference = digest === "" || asksRegistry ? name : `${name}@${digest}`;
    const policy = asksRegistry ? "Always" : "IfNotPresent";
    const isOwn = digest !== "" && !isFromRegistry;
    // Its packed layers are what buildah takes: that the node has them unpacked of another image does not help.
    const wanted = { reference, policy, credentials, isOwn, isWhole: true } as const;
    const local = await images.ensure(wanted, { signal: how.signal });
    const folder = join(paths.folder, `base-${at}`);
    await library.layOut(local.digest, folder);
    const buildah = buildahWords(paths);
    const policyFile = join(paths.folder, "policy.json");
    const printed = await toEnd(
      confined([...buildah, "pull", "--quiet", "--signature-policy", policyFile, `dir:${folder}`], how),
    );
    const id = printed.trim().split("\n").at(-1) ?? "";
    if (!name.includes("@")) await toEnd(confined([...buildah, "tag", id, name], how));
  }

  /** A build that was killed leaves what its steps had written; buildah knows of it, and only this node's builds use its storage. */
  private async sweep(paths: BuildPaths): Promise<void> {
    if (this.running > 0 || !existsSync(join(paths.storage, "overlay-containers"))) return;
    const left = readdirSync(join(paths.storage, "overlay-containers"), { withFileTypes: true });
    if (!left.some((entry) => entry.isDirectory())) return;
    const { signal } = new AbortController();
    const how: Confinement = { groups: [], folder: paths.folder, network: "none", signal };
    try {
      await toEnd(confined([...buildahWords(paths), "rm", "--all"], how));
    } catch (error) {
      // The next build sweeps again.
      this.parts.log.warn("what a build left was not removed", { error: asTallshipError(error).message });
    }
  }

  /** Layers of earlier builds are a convenience: a disk that is nearly full has no room for them. */
  private async makeRoom(storage: string): Promise<void> {
    mkdirSync(storage, { recursive: true, mode: 0o700 });
    if (this.running > 1) return;
    const { blocks, bavail } = statfsSync(storage);
    if ((blocks - bavail) * 100 < blocks * limit("buildCacheDiskPercent")) return;
    this.parts.log.warn("layers of earlier builds are dropped: the disk is nearly full");
    await rm(storage, { recursive: true, force: true });
  }
}

/** Runs the steps, in the network that they are to have. */
async function* stepsOf(
  { start, openLink }: Build,
  paths: BuildPaths,
  how: Omit<Confinement, "network">,
): AsyncGenerator<Uint8Array> {
  const words = budWords(paths, start);
  const asked = start.network === "" ? "default" : start.network;
  if (asked === "none" || asked === "host" || openLink === undefined) {
    yield* confined(words, { ...how, network: asked === "none" ? "none" : "host" });
    return;
  }
  const link = await openLink();
  try {
    writeFileSync(join(paths.folder, "resolv.conf"), link.resolvConf, { mode: 0o644 });
    yield* confined(words, { ...how, network: { netnsPath: link.netnsPath } });
  } finally {
    await link.close();
  }
}

interface BringTerms {
  readonly paths: BuildPaths;
  readonly at: number;
  readonly pull: boolean;
  readonly credentials: Logins;
  readonly how: Confinement;
}

/** Waits for a turn; what it returns ends the turn. */
function turn(slots: Slots, signal: AbortSignal): Promise<() => void> {
  return new Promise((resolve, reject) => {
    slots.run(signal, () => new Promise<void>((leave) => resolve(leave))).catch(reject);
  });
}

function writeFiles({ folder }: BuildPaths, { dockerfile, secrets }: BuildStart): void {
  for (const each of ["context", "tmp", "run"]) mkdirSync(join(folder, each), { recursive: true, mode: 0o700 });
  const write = (name: string, content: string | Uint8Array): void =>
    writeFileSync(name, content, { mode: 0o600, flag: "wx" });
  write(join(folder, "Dockerfile"), dockerfile);
  write(join(folder, "ignored"), "");
  write(join(folder, "policy.json"), '{"default":[{"type":"insecureAcceptAnything"}]}');
  write(
    join(folder, "registries.conf"),
    'unqualified-search-registries = ["docker.io"]\nshort-name-mode = "permissive"\n',
  );
  for (const [at, { value }] of secrets.entries()) write(secretPath(folder, at), value);
}

/** Writes a context, which may be hostile: nothing in it leads out of its folder. */
async function unpack(context: AsyncIterable<Uint8Array>, folder: string, signal: AbortSignal): Promise<void> {
  const unpacker = new TreeUnpacker({ root: "/", path: folder, isAsIs: true, owners: "root" });
  let bytesDone = 0;
  try {
    for await (const bytes of context) {
      if (signal.aborted) throw new TallshipError("cancelled", "the build was cancelled");
      bytesDone += bytes.length;
      if (bytesDone > limit("buildContextBytes"))
        throw new TallshipError(
          "too_large",
          `the context has more than ${limit("buildContextBytes")} bytes: see .dockerignore`,
        );
      unpacker.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    }
    unpacker.finish();
  } catch (error) {
    throw asTallshipError(error, "disk_failed");
  } finally {
    unpacker.close();
  }
}

/** All that a program prints that prints little. */
async function toEnd(output: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of output) text += chunk.toString();
  return text;
}

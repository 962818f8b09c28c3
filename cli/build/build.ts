import { basename, join } from "node:path";
import { TallshipError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import { tarEnd } from "../../lib/tar/tar-writer.js";
import { BuildImage, BuildStart, type ImageOutput, type LoadedImage } from "../../proto/gen/tallship/v1/images.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { splitName } from "../images/list.js";
import { Progress } from "../images/progress.js";
import { upload } from "../images/upload.js";
import type { Output, Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { readDockerignore } from "./dockerignore.js";
import { readSecret } from "./secret.js";

/** What `build` was asked. */
export interface BuildFlags extends ClusterFlags {
  readonly tag: readonly string[];
  readonly file: string | undefined;
  readonly target: string | undefined;
  readonly buildArg: readonly string[];
  readonly label: readonly string[];
  readonly secret: readonly string[];
  readonly platform: string | undefined;
  readonly network: string | undefined;
  readonly noCache: boolean;
  readonly pull: boolean;
  readonly quiet: boolean;
}

/** Builds an image of the cluster as docker build does, on one of its nodes. */
export function runBuild(
  { flags, operands }: { readonly flags: BuildFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [context, ...others] = operands;
  if (context === undefined || others.length > 0)
    throw usageError("name one folder to build of: build -t NAME DIR; - reads a Dockerfile from standard input");
  if (flags.tag.length === 0) throw usageError("name the image with -t: the cluster keeps images by their names");
  const { target = "", platform = "", network = "", noCache, pull } = flags;
  return withCluster(shell, flags, async (cluster) => {
    const args = flags.buildArg.flatMap((text) => withValue(text, shell.env));
    const { namespace } = cluster;
    const start = { names: [...flags.tag], target, platform, network, noCache, pull, args, labels: [...flags.label] };
    const secrets = await Promise.all(flags.secret.map((text) => readSecret(text, shell)));
    const order = { context, file: flags.file, start: { ...start, secrets, namespace } };
    await buildImage(cluster, order, { shell, isQuiet: flags.quiet, stdout: shell.stdout });
    return 0;
  });
}

/** NAME=value; of a NAME alone the value is that of the environment, and without one it is not given. */
export function withValue(text: string, env: Shell["env"]): readonly string[] {
  if (text.includes("=")) return [text];
  const value = env[text];
  return value === undefined ? [] : [`${text}=${value}`];
}

/** A build of files that are here. */
export interface BuildOrder {
  /** A folder, or - for a Dockerfile on standard input and no files. */
  readonly context: string;
  /** Of the Dockerfile; - for standard input; absent: Dockerfile in the folder. */
  readonly file: string | undefined;
  /** The Dockerfile itself; then nothing is read for it. */
  readonly inline?: string | undefined;
  /** All but the Dockerfile. */
  readonly start: Omit<BuildStart, "dockerfile">;
}

/** Where a build's output goes. */
export interface BuildTelling {
  readonly shell: Shell;
  /** Only the image's digest, and the output when it fails. */
  readonly isQuiet: boolean;
  readonly stdout: Output;
}

/** Sends a context to the cluster, tells what the build prints and what became of it. */
export async function buildImage(
  { images }: Pick<Cluster, "images">,
  { context, file, inline, start }: BuildOrder,
  { shell, isQuiet, stdout }: BuildTelling,
): Promise<void> {
  checkContext(context);
  const { text, path } =
    inline === undefined ? await readDockerfile(shell, context, file) : { text: inline, path: undefined };
  const archive = context === "-" ? empty() : await packContext(shell, context, path);
  const value = BuildStart.fromPartial({ ...start, dockerfile: Buffer.from(text) });
  const messages = upload(
    {
      start: BuildImage.fromPartial({ part: { $case: "start", value } }),
      archive,
      chunk: (bytes) => BuildImage.fromPartial({ part: { $case: "chunk", value: bytes } }),
    },
    shell.signal,
  );
  const telling = new Telling({ shell, isQuiet, stdout });
  try {
    for await (const output of images.build(messages, { signal: shell.signal })) await telling.tell(output);
  } catch (error) {
    await telling.failed();
    throw error;
  }
}

/** Tells of a build as it goes; when it is to be quiet, only of its end. */
class Telling {
  private readonly to: BuildTelling;
  private readonly progress: Progress;
  private held = Buffer.alloc(0);

  constructor(to: BuildTelling) {
    this.to = to;
    this.progress = new Progress(to.shell, to.isQuiet);
  }

  async tell({ part }: ImageOutput): Promise<void> {
    if (part?.$case === "progress") return this.progress.tell(part.value);
    await this.progress.clear();
    if (part?.$case === "output") await this.print(part.value);
    if (part?.$case === "loaded") await this.built(part.value);
  }

  /** What a quiet build printed last says why it failed. */
  async failed(): Promise<void> {
    await this.progress.clear();
    await this.to.shell.stderr.write(this.held);
  }

  private async print(bytes: Uint8Array): Promise<void> {
    if (this.to.isQuiet) this.held = Buffer.concat([this.held, bytes]).subarray(-HELD_BYTES);
    else await this.to.stdout.write(bytes);
  }

  private async built({ names, spec }: LoadedImage): Promise<void> {
    const { isQuiet, stdout } = this.to;
    if (isQuiet) await stdout.write(`${spec?.digest ?? ""}\n`);
    else for (const name of names) await stdout.write(`Successfully tagged ${splitName(name).join(":")}\n`);
  }
}

const HELD_BYTES = 65_536;

const ELSEWHERE = /^(https?:|git:|ssh:|git@|github\.com\/)|\.git(#.*)?$/;

function checkContext(context: string): void {
  if (!ELSEWHERE.test(context)) return;
  const what = "a context elsewhere is not fetched; clone or unpack it here and name the folder";
  throw new TallshipError("not_supported", `build ${context}: ${what}`);
}

async function readDockerfile(
  shell: Shell,
  context: string,
  file: string | undefined,
): Promise<{ readonly text: string; readonly path: string | undefined }> {
  const most = LIMITS.buildDockerfileBytes.value;
  if (context === "-" || file === "-") {
    if (context === "-" && file !== undefined && file !== "-")
      throw usageError("-f names a file of the context; - has none");
    return { text: await shell.stdin.readAll(most), path: undefined };
  }
  const path = file ?? join(context, "Dockerfile");
  return { text: await readSmall(shell, path), path };
}

async function readSmall(shell: Shell, path: string): Promise<string> {
  const found = await shell.files.find(path);
  if (found.is !== "file")
    throw new TallshipError("not_found", `build: ${path} ${found.is === "folder" ? "is a folder" : "does not exist"}`);
  const most = LIMITS.buildDockerfileBytes.value;
  if (found.bytes > most) throw new TallshipError("too_large", `build: ${path} has more than ${most} bytes`);
  return shell.files.read(path);
}

/** The folder without what its .dockerignore leaves out. One named for the Dockerfile goes before the folder's. */
async function packContext(
  shell: Shell,
  context: string,
  dockerfile: string | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  if ((await shell.files.find(context)).is !== "folder")
    throw new TallshipError("invalid_argument", `build: ${context} is no folder`);
  const own = dockerfile === undefined ? [] : [join(dockerfile, "..", `${basename(dockerfile)}.dockerignore`)];
  for (const path of [...own, join(context, ".dockerignore")]) {
    if ((await shell.files.find(path)).is !== "file") continue;
    const choose = readDockerignore(await readSmall(shell, path));
    return shell.archives.pack(`${context}/.`, { followsLink: true, choose });
  }
  return shell.archives.pack(`${context}/.`, { followsLink: true });
}

async function* empty(): AsyncGenerator<Uint8Array> {
  yield tarEnd();
}

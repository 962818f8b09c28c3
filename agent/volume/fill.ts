// Edge: what an image has in a volume's place, copied into the volume.
import { TallshipError } from "../../lib/errors.js";
import type { RootFs } from "../image/images.js";
import type { Launcher } from "../launcher/launcher.js";
import { shellWord, shellWords } from "../launcher/shell-words.js";

/** What is copied, and where to. */
export interface Fill {
  /** The volume's folder, which Tallship made. */
  readonly volumePath: string;
  /** The root file system of the container that mounts it; not mounted yet. */
  readonly root: RootFs;
  /** Where the container mounts the volume. */
  readonly containerPath: string;
}

/**
 * Fills volumes that are empty, one after the other where they are the same: the containers of two pods may mount one for the first time at once. A volume
 * that is itself a mount (memory, NFS) stays as it is.
 */
export class VolumeFiller {
  private readonly launcher: Launcher;
  private readonly last = new Map<string, Promise<void>>();

  constructor(launcher: Launcher) {
    this.launcher = launcher;
  }

  async fill(fill: Fill): Promise<void> {
    const { volumePath } = fill;
    const before = this.last.get(volumePath) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(() => this.run(fill));
    this.last.set(volumePath, turn);
    try {
      await turn;
    } finally {
      if (this.last.get(volumePath) === turn) this.last.delete(volumePath);
    }
  }

  private async run(fill: Fill): Promise<void> {
    const { exitCode, output } = await this.launcher.run(fillScript(fill));
    if (exitCode === 0) return;
    const { volumePath, containerPath } = fill;
    throw new TallshipError("disk_failed", `fill ${volumePath} with the image's ${containerPath}: ${output.trim()}`);
  }
}

/**
 * Copies beside the volume first, and moves what is whole by its names: no link that a container may meanwhile have put there is written through, and a
 * fill that was broken off is begun anew, or moved on. The image's path is walked name by name, since the image is hostile too: a symbolic link in it ends the walk.
 */
function fillScript({ volumePath, root, containerPath }: Fill): string {
  const volume = shellWord(volumePath);
  const [beside, copy, ready] = ["", "/copy", "/ready"].map((part) => shellWord(`${volumePath}.filling${part}`));
  const take = `( { ${walkScript(root.path, containerPath)}; } || exit 0; mkdir ${copy} && cp -a . ${copy}/ && mv ${copy} ${ready} )`;
  const move = [
    `find ${ready} -mindepth 1 -maxdepth 1 -exec mv -n -t ${volume} {} +`,
    `chown --reference=${ready} ${volume}`,
    `chmod --reference=${ready} ${volume}`,
  ].join(" && ");
  return [
    `! mountpoint -q ${volume} || exit 0`,
    `[ -d ${ready} ] || { [ -z "$(ls -A ${volume})" ] || exit 0; rm -rf ${beside} && mkdir -m 700 ${beside} && ${mounted(root, take)}; } || exit 1`,
    `[ ! -d ${ready} ] || { ${move}; } || exit 1`,
    `rm -rf ${beside}`,
  ].join("; ");
}

/** Stands in the folder that the image has at a path, or fails. */
function walkScript(root: string, path: string): string {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  const steps = names.map((name) => {
    const word = shellWord(`./${name}`);
    return name === ".." ? "false" : `[ ! -L ${word} ] && [ -d ${word} ] && cd -P ${word}`;
  });
  return [`cd ${shellWord(root)}`, ...steps].join(" && ");
}

/** The script with the root mounted; what an agent that died meanwhile left mounted goes first. */
function mounted({ path, mount }: RootFs, script: string): string {
  if (mount === undefined) return script;
  const root = shellWord(path);
  const words = shellWords(["mount", "-t", mount.type, mount.source, "-o", mount.options, path]);
  const sweep = `while mountpoint -q ${root}; do umount -l ${root} || exit 1; done`;
  return `( cd ${shellWord(mount.cwd)} && { ${sweep}; ${words}; } && { ${script}; code=$?; umount ${root} && exit $code; } )`;
}
